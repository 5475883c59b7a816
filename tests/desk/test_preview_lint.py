"""`digest preview --lint`: what an editor is told of a letter, and by which exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from digest.cli import digest
from digest.config.load import load
from digest.errors import ConfigError
from tests.house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path / "house", source="backfill = 20")
    made.reader("ceri@example.org")
    made.publish("Homes that were damp, and the people who dried them")
    done = CliRunner().invoke(digest, ["--config", str(made.config), "--now", made.now.isoformat(), "gather"])
    assert done.exit_code == 0, done.output
    return made


def preview(house: House, *options: str) -> Result:
    words = ["--config", str(house.config), "--now", house.now.isoformat(), "preview"]
    return CliRunner().invoke(
        digest, [*words, "--subscriber", "ceri@example.org", "--out", str(house.folder / "out"), *options]
    )


def test_a_sound_letter_leaves_with_0_and_says_who_was_asked(house: House) -> None:
    done = preview(house, "--lint")
    assert done.exit_code == 0, done.output
    assert "lint: 0 errors" in done.stderr
    assert "outlook-windows" in done.stderr
    assert "lint" not in preview(house).output


def test_a_mistaken_template_leaves_with_1_and_names_the_place(house: House) -> None:
    own = house.folder / "own"
    own.mkdir()
    (own / "group.html.j2").write_text('<h6 style="color:#eeeeee">{{ part.title }}</h6>', encoding="utf-8")
    with house.config.open("a", encoding="utf-8") as config:
        config.write('[letter]\ntemplates = "own"\n[lint]\nclients = ["apple-mail"]\n')
    done = preview(house, "--lint")
    assert done.exit_code == 1, done.output
    assert "heading-order" in done.stdout
    assert "error: contrast: html line" in done.stdout
    assert "apple-mail" in done.stderr and "gmail" not in done.stderr
    assert (house.folder / "out" / "letter.html").exists()


def test_a_mail_program_nobody_knows_is_refused_with_a_suggestion(house: House) -> None:
    with house.config.open("a", encoding="utf-8") as config:
        config.write('[lint]\nclients = ["gmial"]\n')
    with pytest.raises(ConfigError, match=r"lint\.clients: 'gmial'.*did you mean 'gmail'"):
        load(house.config)
