"""The catalogues of the readers' pages: whole in English and Welsh, and any other language from a file."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from digest.config.load import load
from digest.errors import ConfigError
from digest.letter.words import GAP
from digest.readers.words import page_languages, page_words
from digest.system.resources import resource

SETTINGS = load(resource("config.toml"), {})
WORDS = resource("templates") / "web" / "words"


def flat(language: str) -> dict[str, str]:
    """Return each text of a catalogue by its name, "table.line" for that of a table."""
    lines = {}
    for name, value in tomllib.loads((WORDS / f"{language}.toml").read_text(encoding="utf-8")).items():
        if isinstance(value, dict) and name != "plurals":
            lines |= {f"{name}.{key}": text for key, text in value.items()}
        elif isinstance(value, str):
            lines[name] = value
    return lines


def test_welsh_has_every_word_of_english_with_the_same_gaps() -> None:
    english, welsh = flat("en"), flat("cy")
    forms = {"zero", "one", "two", "few", "many", "nasal"}  # of these each language has its own
    assert {name for name in english.keys() - welsh.keys() if name.rpartition(".")[2] not in forms} == set()
    assert {name for name in welsh.keys() - english.keys() if name.rpartition(".")[2] not in forms} == set()
    shared = english.keys() & welsh.keys()
    assert {name for name in shared if set(GAP.findall(english[name])) != set(GAP.findall(welsh[name]))} == set()


def test_no_welsh_sentence_is_the_english_one() -> None:
    english, welsh = flat("en"), flat("cy")
    same = {name for name, text in welsh.items() if english.get(name) == text and len(text.split()) > 2}
    assert same <= {"day"}


def test_a_language_of_ones_own_is_a_file_and_lacks_nothing(tmp_path: Path) -> None:
    (tmp_path / "web/words").mkdir(parents=True)
    (tmp_path / "web/words/fr.toml").write_text(
        'language_name = "Français"\nsave = "Enregistrer"\n', encoding="utf-8"
    )
    settings = replace(SETTINGS, templates=tmp_path)
    words = page_words(settings, ("fr-CA", "cy"))
    assert (words.language, words.say("save"), words.say("yes")) == ("fr", "Enregistrer", "Yes")
    assert page_languages(settings) == {"en": "English", "cy": "Cymraeg", "fr": "Français"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [('sav = "x"', "did you mean 'save'"), ('gone_again = "{nobody}"', "{nobody} cannot be filled")],
)
def test_a_mistake_in_a_file_is_named(tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / "web/words").mkdir(parents=True)
    (tmp_path / "web/words/en.toml").write_text(line, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"en\.toml: ") as error:
        page_words(replace(SETTINGS, templates=tmp_path), ("en",))
    assert problem in str(error.value)
