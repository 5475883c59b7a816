"""Read JSON as publishers really write it: with raw line breaks, commas too many, or cut off. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from digest.sources.formats.charset import to_utf8

# Signs before JSON that keep pages from running it as a script, a call (JSONP), and comments.
_BEFORE = re.compile(
    r"(?:\s|\)\]\}'?,?|while\s*\(\s*1\s*\)\s*;?|for\s*\(\s*;\s*;\s*\)\s*;?|//[^\n]*\n|/\*.*?\*/"
    r"|[A-Za-z_$][\w.$]{0,60}\s*\()*(?=\{)",
    re.DOTALL,
)
_TOKEN = re.compile(r'\s*(?:([{}\[\],:])|(-?(?:\d[\d.eE+-]*|Infinity)|true|false|null|NaN)|(")|\Z)')
_STRING = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_STRING_ENDS = re.compile(r"\s*(?:[,:}\]]|\Z)")
_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|(.?))', re.DOTALL)
_OPEN = {"{": "}", "[": "]"}
Document = tuple[Any, str, bool]


def json_begins(body: bytes) -> bool:
    """Return whether bytes hold a JSON object, with no more than such signs before it."""
    text = to_utf8(body[:2_000], "").decode("utf-8", "replace")
    begins = _BEFORE.match(text)
    return begins is not None and (begins.end() == len(text) - len(text.lstrip()) or '"items"' in text)


def read_json(body: bytes, content_type: str) -> Document:
    """Return the document, what was wrong with it ("" for nothing), and whether it is cut off at its end.

    Of a document with a fault, all is read that stands before it; the value in which it is, is left out. Raises
    ValueError or RecursionError when nothing can be read.
    """
    text = to_utf8(body, content_type).decode("utf-8", "replace").strip("\ufeff \t\r\n\0")
    try:
        # Keep numbers as they are written, because Python refuses those of more than 4,300 digits.
        return json.loads(text, parse_int=str), "", False
    except ValueError as error:
        problem = f"{error.msg} at character {error.pos}" if isinstance(error, json.JSONDecodeError) else str(error)
    begins = _BEFORE.match(text)
    mended, is_cut = _mended(text[begins.end() :] if begins else text)
    return json.loads(mended, parse_int=str, strict=False), problem, is_cut


def _mended(text: str) -> tuple[str, bool]:
    """Return JSON without the slips of `text`, up to its first fault, and whether the text ends within it."""
    written: list[str] = []
    open_ones: list[str] = []
    whole, closing = 0, ""  # how many pieces hold whole values only, and what closes them
    position = 0
    while match := _TOKEN.match(text, position):
        sign, plain, quote = match.groups()
        position = match.end()
        if quote:
            piece, position = _string(text, position)
            if not piece:
                break
            written.append(piece)
        elif plain:
            written.append(plain)
        elif not sign:
            break
        elif sign in "}]":
            if written and written[-1] == ",":
                written.pop()
            if not open_ones or open_ones.pop() != sign:
                break
            written.append(sign)
        else:
            written.append(sign)
            if sign in _OPEN:
                open_ones.append(_OPEN[sign])
        if not open_ones:
            return "".join(written), False  # what follows the document is left out
        if sign == "," and len(open_ones) <= 2:
            whole, closing = len(written) - 1, "".join(reversed(open_ones))
        elif sign != ":" and len(open_ones) <= 2:
            whole, closing = len(written), "".join(reversed(open_ones))
    return "".join(written[:whole]) + closing, not text[position:].strip()


def _string(text: str, start: int) -> tuple[str, int]:
    """Return a string that begins at `start`, with its marks, and where it ends; "" for one without an end.

    A quotation mark within it that nobody escaped is told by what follows: no comma, colon or bracket.
    """
    parts = []
    while match := _STRING.match(text, start):
        parts.append(match[0])
        start = match.end()
        if text[start : start + 1] != '"':
            return "", len(text)
        start += 1
        if _STRING_ENDS.match(text, start):
            break
        parts.append('\\"')
    return f'"{_ESCAPE.sub(_escaped, "".join(parts))}"', start


def _escaped(match: re.Match[str]) -> str:
    # An escape that JSON does not have stands for its letter, as \' does for '.
    return match[0] if match[1] else match[2].replace("\\", "\\\\")
