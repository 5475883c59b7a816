"""Detect and remove invisible characters in addresses, names, server replies, feeds and letters. Pure.

All code asks here, because two lists of such characters would differ. A joiner (U+200C, U+200D) stays in texts,
because scripts and emoji need it; in an address it counts as invisible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Parts of a character class: controls that are no white space; white space that ends a line somewhere; then soft
# hyphen, grapheme joiner, fillers, selectors, zero-width, direction, byte-order and annotation marks.
_CONTROLS = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
_LINE_ENDS = "\n\x0b\x0c\r\x1c-\x1f\x85\u2028\u2029"
_UNSEEN = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
)
# The place of an object, and signs of one font alone, as the bullets of word processors; each is shown as a box.
_NO_LETTERS = "\ufffc\ue000-\uf8ff\U000f0000-\U0010ffff"
_JOINERS = "\u200c\u200d"
_SURROGATES = "\ud800-\udfff"

_ANY = re.compile(f"[\t{_CONTROLS}{_LINE_ENDS}{_UNSEEN}{_JOINERS}{_SURROGATES}]")
_LINE_BREAKING = re.compile(f"[\t{_CONTROLS}{_LINE_ENDS}{_SURROGATES}]")
_NOT_STORABLE = re.compile(f"[\x00{_SURROGATES}]")
_ONLY_UNSEEN = re.compile(f"[{_UNSEEN}]")
# Line ends other than "\n" and "\r", which become spaces.
_ODD_SPACE = re.compile("[\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
# Keep a whole flag of England, Scotland or Wales, which is spelt with tag characters; elsewhere these hide words.
_REMOVED = re.compile(
    f"(\U0001f3f4[\U000e0061-\U000e007a]{{4,5}}\U000e007f)"
    f"|[{_CONTROLS}{_UNSEEN}{_SURROGATES}{_NO_LETTERS}\U000e0000-\U000e0fff]"
)


def has_invisible(text: str) -> bool:
    """Return whether `text` holds a control, line end, joiner or any other invisible character."""
    return _ANY.search(text) is not None


def without_invisible(text: str) -> str:
    """Return `text` without invisible characters; line feeds, tabs, joiners and whole flags stay."""
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text  # at once, because nothing else of ASCII is removed, and most text is that
    return _REMOVED.sub(lambda match: match[1] or "", _ODD_SPACE.sub(" ", text))


def storable(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return (name, value) pairs of a form with U+FFFD for each character that a database or UTF-8 refuses.

    These are NUL, which PostgreSQL refuses, and surrogates, which JSON can spell and no encoding can.
    """
    return [(_NOT_STORABLE.sub("\ufffd", name), _NOT_STORABLE.sub("\ufffd", value)) for name, value in pairs]


def one_line(text: str) -> str:
    """Return `text` with single spaces and no line end; controls become a space, invisible characters go."""
    return " ".join(_LINE_BREAKING.sub(" ", _ONLY_UNSEEN.sub("", text)).split())
