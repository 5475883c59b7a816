"""Write the table of Welsh sentences with a number into docs/welsh.md: `python -m tests.letter.welsh`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from digest.letter.catalogue import load_catalogue
from digest.letter.particles import NUMBERS
from digest.letter.words import Words
from tests.letter import sample

PAGE = Path(__file__).parents[2] / "docs" / "welsh.md"
MARK = "<!-- The table is written by `python -m tests.letter.welsh`; a test compares it with the program. -->\n"
MOST = 100
FOLDERS = {"letters": sample.TEMPLATES, "pages": sample.TEMPLATES.parent / "web"}
_ALL_NUMBERS = NUMBERS | {"page", "pages", "most"}
_GAP = re.compile(r"\{(?:[ay]_)?([a-z]+)\}")
_FORMS = {"one", "two", "few", "many", "nasal", "other"}


def catalogues() -> dict[str, Words]:
    """Return the Welsh words of letters and of pages."""
    return {name: load_catalogue([folder], "cy", all_later=name == "pages") for name, folder in FOLDERS.items()}


def counted() -> Iterator[tuple[str, str, list[str]]]:
    """Yield each sentence with a number: the catalogue, its name, and how it reads for 0 to 100."""
    for name, words in catalogues().items():
        for sentence, text in words.sentences.items():
            if _ALL_NUMBERS.intersection(_GAP.findall(text)):
                yield name, sentence, [_say(words, text, count) for count in range(MOST + 1)]
        for table, forms in words.forms.items():
            if {*forms} <= _FORMS and any(_ALL_NUMBERS.intersection(_GAP.findall(text)) for text in forms.values()):
                told = [forms.get(words.plurals.get(count, "other"), forms["other"]) for count in range(MOST + 1)]
                yield name, table, [_say(words, text, count) for count, text in enumerate(told)]
            elif not {*forms} <= _FORMS:
                for form, text in forms.items():
                    if _ALL_NUMBERS.intersection(_GAP.findall(text)):
                        yield name, f"{table}.{form}", [_say(words, text, count) for count in range(MOST + 1)]


def _say(words: Words, text: str, count: int) -> str:
    numbers = dict.fromkeys(_ALL_NUMBERS, count)
    others = {gap: f"‹{gap}›" for gap in _GAP.findall(text) if gap not in numbers}
    return words._filled(text, numbers | others)


def table() -> str:
    """Return the table: a row for each form of a sentence, with the numbers that take it."""
    rows = ["| where | sentence | numbers | reads |", "| --- | --- | --- | --- |"]
    for where, name, lines in counted():
        forms: dict[str, list[int]] = {}
        for count, line in enumerate(lines):
            forms.setdefault(re.sub(rf"(?<!\d){count}(?!\d)", "N", line), []).append(count)
        rows += [f"| {where} | `{name}` | {ranges(counts)} | {form} |" for form, counts in forms.items()]
    return "\n".join(rows) + "\n"


def ranges(counts: list[int]) -> str:
    """Return numbers in short: "0, 2–7"."""
    starts = [count for count in counts if count - 1 not in counts]
    ends = [count for count in counts if count + 1 not in counts]
    return ", ".join(f"{a}–{b}" if a < b else str(a) for a, b in zip(starts, ends, strict=True))


def main() -> None:
    """Write the table behind the mark in the page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(text.partition(MARK)[0] + MARK + "\n" + table(), encoding="utf-8")


if __name__ == "__main__":
    main()
