"""Ordinary mistakes at the command line: each is told in one line that names the place and the cure."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.console import digest
from tests.house import House

HUGE = "99999999999999999999"

CASES: list[tuple[list[str], int, str]] = [
    (["send", "999"], 2, "edition 999 does not exist"),
    (["send", "999", "--dry-run"], 2, "edition 999 does not exist"),
    (["db", "resume", "--sent"], 2, "is not in HOLD"),
    (["--now", "0001-01-01", "status"], 2, "is not between 1970 and 2200"),
    (["--now", "9999-12-31T23:59Z", "run"], 2, "is not between 1970 and 2200"),
    (["entries", "--since", "99999999999d"], 2, "is not a date, or too far away"),
    (["entries", "--since", "999999999d"], 2, "is not a date, or too far away"),
    (["entries", "--since", "²d"], 2, "is not a date"),
    (["entries", "--region", "atlantis"], 2, "region 'atlantis' is unknown"),
    (["entries", "--since", "0001-01-01T00:00+14:00"], 2, "is not a date, or too far away"),
    (["entry", "²"], 2, "was never gathered"),
    (["entry", HUGE], 2, "was never gathered"),
    (["explain", "--subscriber", "a@example.org", "--entry", HUGE], 2, "was never gathered"),
    (["approve", HUGE], 2, "is not an id"),
    (["hold", HUGE], 2, "is not an id"),
    (["send", HUGE], 2, "is not an id"),
    (["preview", "--edition", HUGE], 2, "is not an id"),
    (["release", HUGE], 2, "is not an id"),
    (["drop", "²"], 2, "is not an id"),
    (["retag", HUGE, "--themes", "leadership"], 2, "is not an id"),
    (["settle", HUGE, "--as", "accepted"], 2, "is not an id"),
    (["settle", "--edition", HUGE], 2, "is not an id"),
    (["subscribers", "export", "/proc/x"], 1, "digest: /proc/x: "),
    (["init", "/proc/x"], 1, "digest: /proc/x: "),
    (["demo", "--out", "/proc/x"], 1, "digest: /proc/x: "),
    (["release", "--source", "nope"], 2, "source 'nope' is not in config.toml; known: Centre"),
    (["check", "--labels", "latin.jsonl"], 2, "latin.jsonl: is not UTF-8"),
    (["check", "--labels", "list.jsonl"], 2, "list.jsonl:1: is not an object"),
]


def answers(folder: Path, commands: Sequence[list[str]]) -> list[tuple[int, str]]:
    """Run commands one after another in `folder`; return (exit code, what was told) of each."""
    said = [digest(folder, *words) for words in commands]
    return [(answer.code, answer.stderr) for answer in said]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """What each command of CASES ended with and said, in a new installation with one reader."""
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "latin.jsonl").write_bytes(b'{"title": "caf\xe9"}\n')
    (folder / "list.jsonl").write_text("[1]\n")
    first = [["init"], ["subscribers", "add", "a@example.org"]]
    said = answers(folder, [*first, *(words for words, _, _ in CASES)])
    assert [code for code, _ in said[: len(first)]] == [0, 0], said[: len(first)]
    return {" ".join(words): (code, text) for (words, _, _), (code, text) in zip(CASES, said[2:], strict=True)}


@pytest.mark.parametrize(("words", "code", "line"), CASES, ids=[" ".join(words) for words, _, _ in CASES])
def test_it_is_told_plainly(told: dict[str, tuple[int, str]], words: list[str], code: int, line: str) -> None:
    got, text = told[" ".join(words)]
    assert line in text
    assert got == code


def test_a_preview_that_cannot_be_written_names_the_folder(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    house.reader("a@example.org")
    house.run()
    house.publish("One")
    house.run(hours=1)
    house.close()
    [(code, text)] = answers(house.folder, [["--now", house.now.isoformat(), "preview", "--out", "/proc/x"]])
    assert (code, text.splitlines()[-1]) == (
        1,
        "digest: /proc/x: No such file or directory; make the folder that is missing, or name another file or folder",
    )  # fmt: skip


def test_init_says_what_comes_first(tmp_path: Path) -> None:
    [(code, text)] = answers(tmp_path, [["init"]])
    assert code == 0
    assert text.index("digest check") < text.index("subscribers import") < text.index("digest run")
    assert "before the first run or gather" in text


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "digest.db") as conn:
        conn.execute("CREATE TABLE bookmarks (id INTEGER)")
    conn.close()
    said = answers(tmp_path, [["init"], ["status"], ["db", "upgrade"]])
    assert [code for code, _ in said] == [0, 1, 1]
    assert all("holds 'bookmarks' and is not this program's" in text for _, text in said[1:])
    conn = sqlite3.connect(tmp_path / "digest.db")
    assert conn.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]
    conn.close()


def test_a_database_that_lost_a_table_is_called_damaged(tmp_path: Path) -> None:
    assert [code for code, _ in answers(tmp_path, [["init"], ["status"]])] == [0, 0]
    with sqlite3.connect(tmp_path / "digest.db") as conn:
        conn.execute("DROP TABLE slot")
    conn.close()
    [(code, text)] = answers(tmp_path, [["status"]])
    assert code == 1
    assert "its tables are not those of that schema: table slot is missing; restore a backup" in text


def test_the_demo_stays_out_of_a_real_installation(tmp_path: Path) -> None:
    place = tmp_path / "real"
    assert answers(tmp_path, [["init", str(place)]])[0][0] == 0
    config = place / "config.toml"
    config.write_text(config.read_text().replace('name = "Learning Digest"', 'name = "Ours"', 1))
    before = sorted(place.rglob("*"))
    [(code, text)] = answers(tmp_path, [["demo", "--out", str(place)]])
    assert code == 2
    assert "is not the file that a demo writes; nothing was changed" in text
    assert sorted(place.rglob("*")) == before


PLACES: list[tuple[dict[str, str], str]] = [
    ({"STORAGE__URL": "mysql://host/name"}, "storage.url: 'mysql' is not a database we know"),
    ({"STORAGE__URL": "nonsense"}, "storage.url: not a database address"),
    ({"STORAGE__URL": "sqlite:///nowhere/digest.db"}, "storage.url: no folder"),
    ({"STORAGE__URL": "sqlite:///examples"}, "is a folder; name a file in it"),
    ({"STORAGE__SECRET_FILE": "nowhere/secret"}, "storage.secret_file: no folder"),
    ({"STORAGE__FENCE_FILE": "examples"}, "storage.fence_file:"),
    ({"TRANSPORT__DIRECTORY": "config.toml"}, "transport.directory:"),
    ({"TRANSPORT__DIRECTORY": "config.toml/letters"}, "config.toml is a file; name a folder"),
]


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new installation that no test changes."""
    folder = tmp_path_factory.mktemp("laid-out")
    assert answers(folder, [["init"]])[0][0] == 0
    return folder


@pytest.mark.parametrize(("override", "line"), PLACES, ids=[next(iter(o.values())) for o, _ in PLACES])
def test_check_finds_places_that_cannot_serve(laid_out: Path, override: dict[str, str], line: str) -> None:
    before = sorted(laid_out.rglob("*"))
    answer = digest(laid_out, "check", environ={f"DIGEST_{name}": value for name, value in override.items()})
    assert answer.code == 2
    assert line in answer.stderr
    assert sorted(laid_out.rglob("*")) == before
