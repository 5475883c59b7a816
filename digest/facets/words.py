"""Cut text into comparable words: one rule for the gazetteer's names, the facets' phrases and the entries."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

# A word with at most one inner apostrophe, an ampersand, or one mark that ends a phrase. Hyphens, spaces and
# underscores only separate.
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?|&|[^\w\s\-]|\n")
BREAK = "|"


class Word(NamedTuple):
    """`key` is the folded word (BREAK for punctuation, "," for a comma); `start` and `end` index the text."""

    key: str
    start: int
    end: int


def fold(word: str) -> str:
    """Return `word` in lower case without accents or apostrophes; a possessive "'s" goes, "&" is "and"."""
    if word == "&":
        return "and"
    low = word.lower()
    if not low.isascii():
        low = unicodedata.normalize("NFKD", low.replace("’", "'"))
        low = "".join(c for c in low if not unicodedata.combining(c))
    if "'" in low:
        low = low.removesuffix("'s").replace("'", "")
    return low


def words(text: str) -> list[Word]:
    """Return the words of `text` in order. Never raises; linear in the length of the text."""
    found: list[Word] = []
    for match in _WORD.finditer(text):
        raw = match.group()
        first = raw[0]
        if first.isalnum() or first == "&":
            found.append(Word(fold(raw), match.start(), match.end()))
        elif first == ",":
            found.append(Word(",", match.start(), match.end()))
        elif not (first == "." and found and found[-1].key == "st"):  # "St. Helens" is one name
            found.append(Word(BREAK, match.start(), match.end()))
    return found


def keys(text: str) -> tuple[str, ...]:
    """Return only the folded words of a short text, punctuation other than commas left out."""
    return tuple(word.key for word in words(text) if word.key != BREAK)
