"""Split the bytes of a file that a spreadsheet program wrote into lines of text. Pure; holds one chunk in memory.

A byte-order mark or the first bytes tell UTF-16. Every other file is decoded line by line, as UTF-8 and where that
fails as Windows-1252, because a single odd byte must neither stop the import nor garble the other lines.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from subscribers.errors import BadFile

# Bytes; a longer line is no row of subscribers, and is not kept in memory. A history of many years fits.
LONGEST_LINE = 1_000_000
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file without its line end. `text` None: it was too long; `legacy`: it is not UTF-8."""

    number: int
    text: str | None
    legacy: bool = False


def read_lines(stream: IO[bytes]) -> Iterator[Line]:
    """Yield the lines of a binary stream, numbered from 1; CRLF, CR and LF all end a line.

    Raises BadFile for a spreadsheet or an archive.
    """
    for number, raw in enumerate(_split(_as_utf8(stream)), start=1):
        yield _decoded(number, raw)


def _decoded(number: int, raw: bytes | None) -> Line:
    if raw is None:
        return Line(number, None)
    try:
        return Line(number, raw.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    try:
        return Line(number, raw.decode("cp1252"), legacy=True)
    except UnicodeDecodeError:
        # Because Windows-1252 leaves five bytes without a meaning; Latin-1 takes every byte.
        return Line(number, raw.decode("latin-1"), legacy=True)


def _as_utf8(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the stream in chunks, UTF-16 turned into UTF-8, and without a byte-order mark."""
    first = stream.read(_CHUNK)
    if first.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadFile('this is a spreadsheet, not a CSV file; save it as "CSV UTF-8" and import that')
    encoding = _utf16(first)
    if encoding is None:
        yield first.removeprefix(codecs.BOM_UTF8)
        while chunk := stream.read(_CHUNK):
            yield chunk
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    text = decoder.decode(first).lstrip("\ufeff")
    yield text.encode("utf-8", "replace")
    while chunk := stream.read(_CHUNK):
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _utf16(first: bytes) -> str | None:
    """Return the UTF-16 codec of a file by its first bytes: by their mark, or by the NULs between ASCII letters."""
    if first.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if first.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    head = first[:8]
    if len(head) == 8 and all(head[0::2]) and not any(head[1::2]):
        return "utf-16-le"
    if len(head) == 8 and all(head[1::2]) and not any(head[0::2]):
        return "utf-16-be"
    return None


def _split(chunks: Iterator[bytes]) -> Iterator[bytes | None]:
    """Yield the lines in the chunks; None for a line that is too long, whose bytes are dropped as they come."""
    kept = b""
    too_long = False
    half_end = False  # the last chunk ended in CR, so an LF at the start of the next chunk belongs to that line end
    for chunk in chunks:
        if not chunk:
            continue
        if half_end and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        half_end = chunk.endswith(b"\r")
        parts = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for part in parts[:-1]:
            whole = kept + part
            yield None if too_long or len(whole) > LONGEST_LINE else whole
            kept, too_long = b"", False
        kept += parts[-1]
        if len(kept) > LONGEST_LINE:
            kept, too_long = b"", True
    if kept or too_long:
        yield None if too_long else kept
