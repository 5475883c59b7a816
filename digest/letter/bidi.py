"""Tell the direction of a text by its own characters, and keep one direction inside another in its place. Pure.

The rules are those of Unicode's bidirectional algorithm (UAX 9): a text is written in the direction of its first
strong character, and an isolate (FSI … PDI) keeps a stretch of text from moving the numbers and marks around it.
Sources' own direction characters are removed before (`subscribers.invisible`), so that none of them reaches the rest
of a line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from markupsafe import Markup

LTR, RTL = "ltr", "rtl"
_STRONG = {"L": LTR, "R": RTL, "AL": RTL}
# All blocks in which Unicode has, or keeps room for, letters that are written from right to left.
_FROM_RIGHT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")
_ISOLATE, _RTL_ISOLATE, _LTR_ISOLATE, _END = "\u2068", "\u2067", "\u2066", "\u2069"
_RTL_MARK, _LTR_MARK = "\u200f", "\u200e"
_INSIDE = re.compile(f"{_ISOLATE}[^{_END}]*{_END}")


def direction_of(text: str, otherwise: str = LTR) -> str:
    """Return "rtl" or "ltr" by the first strong character of a text; `otherwise` where it has none."""
    if not _FROM_RIGHT.search(text):
        return LTR if otherwise == LTR or any(map(str.isalpha, text)) else otherwise
    return next((_STRONG[kind] for kind in map(unicodedata.bidirectional, text) if kind in _STRONG), otherwise)


def isolated(text: str, around: str = LTR) -> str:
    """Return a text as it stands in a line of direction `around`: isolated, if it could move what is beside it."""
    if around == LTR and text.isascii():
        return text
    return f"{_ISOLATE}{text}{_END}" if _has_other(text, around) else text


def isolated_rows(rows: list[str], around: str = LTR) -> list[str]:
    """Return the rows of a text, each of which stands alone on a line, each in the direction of the whole text.

    Each row is a paragraph to a mail program, so an isolate ends with it. The mark before the isolate is for programs
    that choose the direction of a line by its first strong character; in others the order of words is right too.
    """
    text = " ".join(rows)
    if around == LTR and (text.isascii() or not _FROM_RIGHT.search(text)):
        return rows
    own = direction_of(text, around)
    mark, start = (_RTL_MARK, _RTL_ISOLATE) if own == RTL else (_LTR_MARK, _LTR_ISOLATE)
    return [row if own == around == direction_of(row, own) else f"{mark}{start}{row}{_END}" for row in rows]


def closed_rows(rows: list[str]) -> list[str]:
    """Return the rows of a text with each isolate ended in its row and begun again in the next one."""
    if not any(_ISOLATE in row for row in rows):
        return rows
    closed, opened = [], ""
    for number, row in enumerate(rows):
        row = opened + row
        depth = sum(map(row.count, (_ISOLATE, _RTL_ISOLATE, _LTR_ISOLATE))) - row.count(_END)
        start = max(map(row.rfind, (_ISOLATE, _RTL_ISOLATE, _LTR_ISOLATE)))
        inside = direction_of(" ".join([row[start:], *rows[number + 1 :]]))
        closed.append(row + _END * depth)
        opened = (_RTL_ISOLATE if inside == RTL else _LTR_ISOLATE) * depth
    return closed


def spoken(text: str, view: Mapping[str, object]) -> Markup:
    """Return the attributes of an element that holds a text: its language if that is another, and its direction.

    `view` has the language of the text with its `dir`, both "" in the page's own, and `around`, the page's direction.
    """
    own = _direction_in(text, view)
    if view["language"]:
        return Markup(' lang="{}" dir="{}"').format(view["language"], own)
    return Markup(' dir="{}"').format(own) if own != view["around"] else Markup("")


def side(text: str, view: Mapping[str, object]) -> str:
    """Return the class of an element that holds a text, " rtl" or " ltr"; "" where the page's own serves."""
    own = _direction_in(text, view)
    return f" {own}" if view["language"] or own != view["around"] else ""


def _direction_in(text: str, view: Mapping[str, object]) -> str:
    return direction_of(text, str(view["dir"] or view["around"]))


def _has_other(text: str, around: str) -> bool:
    """Return whether a text has a strong character of another direction that is in no isolate yet."""
    if around == LTR:
        return _FROM_RIGHT.search(_INSIDE.sub("", text)) is not None
    return any(unicodedata.bidirectional(char) == "L" for char in _INSIDE.sub("", text))
