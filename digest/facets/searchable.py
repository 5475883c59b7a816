"""Cut a text and a query into the same plain words, for the search of the archive. Pure.

The words are letters and digits alone, in lower case and without accents, so that every database cuts them alike and
none of them can be an operator of its search.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from digest.facets.words import BREAK, words

MOST_TEXT = 20_000  # characters of an entry that are searched
MOST_QUERY = 400  # characters of a query that are read
MOST_WORDS = 12  # words of a query that count
LONGEST_WORD = 64
_SEPARATE = {BREAK, ","}
_PLAIN = re.compile(r"[^\W_]+")
# Letters that no decomposition makes plain, and that people type without their stroke.
_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"})


class Stretch(NamedTuple):
    """Hold a part of a text, and whether it is a word that was searched for."""

    text: str
    hit: bool


def searchable(text: str) -> tuple[str, ...]:
    """Return the words of a text as they are compared, in order."""
    return tuple(word for cut in words(text[:MOST_TEXT]) if cut.key not in _SEPARATE for word in _plain(cut.key))


def query_words(query: str) -> tuple[str, ...]:
    """Return the words of a query, each once and in order, the last as the last one typed; at most MOST_WORDS."""
    asked = searchable(query[:MOST_QUERY])[:MOST_WORDS]
    # The last one keeps its place, because it may be the beginning of a word.
    return (*(word for word in dict.fromkeys(asked[:-1]) if word != asked[-1]), *asked[-1:])


def mark_words(text: str, asked: Sequence[str]) -> list[Stretch]:
    """Return a text in stretches that say which of its words a query asked for; joined they are the text."""
    stretches: list[Stretch] = []
    end = 0
    for cut in words(text) if asked else ():
        if cut.key in _SEPARATE or not any(_is_hit(word, asked) for word in _plain(cut.key)):
            continue
        if cut.start > end:
            stretches.append(Stretch(text[end : cut.start], hit=False))
        stretches.append(Stretch(text[cut.start : cut.end], hit=True))
        end = cut.end
    return [*stretches, Stretch(text[end:], hit=False)] if end < len(text) else stretches


def _plain(key: str) -> list[str]:
    # Cut once more, because a single sign may decompose into several words ("½").
    return [word[:LONGEST_WORD] for word in _PLAIN.findall(key.translate(_STROKES))]


def _is_hit(word: str, asked: Sequence[str]) -> bool:
    return word in asked or word.startswith(asked[-1])
