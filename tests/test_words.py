"""The glossary's *never* words stand nowhere: not in names, schema and texts of the product, nor in its documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import digest
from tests.counts import table

ROOT = Path(digest.__file__).parents[1]
GLOSSARY = ROOT / "docs" / "glossary.md"
SUFFIXES = {".py", ".j2", ".toml", ".md", ".css", ".html", ".txt"}

# Names that others gave: taken out before a text is searched. Each must be in use.
OF_OTHERS = {
    "campaign": ("ns_campaign", "a tracking parameter in links"),
    "blocklist": (r"blocklist\w*", "a word in the replies of mail servers"),
    "blacklist": (r"blacklist\w*", "a word in the replies of mail servers"),
    "mailer": ("mailer-daemon", "the name that mail servers write bounces under"),
    "scheduled send": ("scheduled_sends", "a part of SendGrid's API"),
    "backlog": ("backlog=", "a setting of uvicorn"),
}


def test_the_glossary_has_words_to_avoid() -> None:
    assert {"campaign", "quarantine", "blocklist", "cohort"} <= never()
    assert never().isdisjoint({"theme", "token", "list", "batch", "pause"})


def test_no_word_is_both_ours_and_avoided() -> None:
    ours = {word for row in _rows() for word in row[0].split(", ")}
    assert ours & never() == set()


def test_words_to_avoid_stand_nowhere() -> None:
    met = [f"{path.relative_to(ROOT)}:{where}" for path in _files() for where in offences(path.read_text("utf-8"))]
    assert met == [], "use the word of docs/glossary.md:\n" + "\n".join(met)


def test_no_file_is_named_by_a_word_to_avoid() -> None:
    assert [path for path in _files() if any(offences(str(path.relative_to(ROOT))))] == []


@pytest.mark.parametrize("word", OF_OTHERS)
def test_a_name_of_others_is_still_in_use(word: str) -> None:
    name, _why = OF_OTHERS[word]
    assert word in never()
    assert any(re.search(rf"\b{name}", path.read_text("utf-8")) for path in _files())


@table(
    "text, count",
    [
        ("def send_campaign() -> None:", 1),
        ("class CampaignLetters:", 1),
        ("sentCampaigns = 2", 1),
        ('Column("cohort", Integer)', 1),
        ("the quarantined entries", 1),
        ("a cohort, and\na campaign", 2),
        ("?utm_source=x&ns_campaign=y", 0),
        ("it was sent at last; the sent date", 0),
    ],
)
def test_a_word_is_seen_in_names_and_in_texts(text: str, count: int) -> None:
    assert len(list(offences(text))) == count


def offences(text: str) -> Iterator[str]:
    """Yield "line: word" for each word to avoid, also inside names in snake_case and CamelCase."""
    for name, _why in OF_OTHERS.values():
        text = re.sub(rf"\b{name}", "", text)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text).replace("_", " ").lower()
    for number, line in enumerate(words.splitlines(), 1):
        yield from (f"{number}: {match[1]}" for match in _never_in_a_line().finditer(line))


@cache
def _never_in_a_line() -> re.Pattern[str]:
    """Return one pattern for all of the words, because a search for each of them takes 60 times as long."""
    return re.compile(
        rf"\b({'|'.join(re.escape(word) for word in sorted(never(), key=len, reverse=True))})(?:s|d|ed)?\b"
    )


@cache
def never() -> frozenset[str]:
    """Return the words of the glossary's third column."""
    return frozenset(word for row in _rows() for word in row[2].split(", ") if word)


def _rows() -> list[list[str]]:
    lines = GLOSSARY.read_text("utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    rows = [row for row in cells if row[0] not in ("word", "---")]
    assert rows and {len(row) for row in rows} == {4}
    return rows


def _files() -> list[Path]:
    folders = [path for name in ("digest", "subscribers", "templates", "docs") for path in (ROOT / name).rglob("*")]
    single = [ROOT / name for name in ("config.toml", "README.md", "CONTRIBUTING.md")]
    return sorted(
        path
        for path in [*folders, *single]
        if path.suffix in SUFFIXES and path != GLOSSARY and not {"data", "__pycache__"} & set(path.parts)
    )
