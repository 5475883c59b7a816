"""Cut text into comparable words, by the same rule for place names, phrases of config.toml and entries. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

# Matches a word with at most one inner apostrophe, an ampersand, or a mark that ends a phrase. Hyphens, spaces and
# underscores only separate words.
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?|&|[^\w\s\-]|\n")
BREAK = "|"


class Word(NamedTuple):
    """A word, text[start:end]; `key` is the folded word, BREAK for punctuation, or "," for a comma."""

    key: str
    start: int
    end: int


def fold(word: str) -> str:
    """Return `word` in lower case without accents, apostrophes or a possessive "'s"; "&" becomes "and"."""
    if word == "&":
        return "and"
    low = word.lower()
    if not low.isascii():
        low = unicodedata.normalize("NFKD", low.replace("’", "'"))
        low = "".join(char for char in low if not unicodedata.combining(char))
    if "'" in low:
        low = low.removesuffix("'s").replace("'", "")
    return low


@lru_cache(maxsize=16)  # because phrases and places are searched for in the same text, one after the other
def words(text: str) -> tuple[Word, ...]:
    """Return the words of `text` in order. Never raises; linear in the length of the text."""
    cut: list[Word] = []
    for match in _WORD.finditer(text):
        raw = match.group()
        start, end = match.span()
        if raw.isalnum() and raw.isascii():  # first, because nearly all words are so
            cut.append(Word(raw.lower(), start, end))
        elif raw[0].isalnum() or raw == "&":
            cut.append(Word(fold(raw), start, end))
        elif raw == ",":
            cut.append(Word(raw, start, end))
        elif not (raw == "." and cut and cut[-1].key == "st"):  # no break, because "St. Helens" is one name
            cut.append(Word(BREAK, start, end))
    return tuple(cut)


def word_set(listed: str) -> frozenset[str]:
    """Return the words of a list divided by spaces."""
    return frozenset(listed.split())


def key_at(seq: Sequence[Word], index: int) -> str:
    """Return the folded word at an index, BREAK before the first word and after the last."""
    return seq[index].key if 0 <= index < len(seq) else BREAK


def keys(text: str) -> tuple[str, ...]:
    """Return the folded words of a short text, with commas and without other punctuation."""
    return tuple(word.key for word in words(text) if word.key != BREAK)
