"""Encode text as quoted-printable in pieces; each piece ends where a line ends, so that pieces can be joined."""

from __future__ import annotations

import re

LINE = 76
_PLAIN = re.compile(r"[ -<>-~]*")  # what stands for itself
_UNSAFE = re.compile(rb"[^ -<>-~]")
_TAIL = re.compile(rb"[ \t]$")
# Encoded at the start of a line, because mail servers and mailboxes change a dot or "From " there.
_START = re.compile(rb"\.|From ")


def encode(text: str) -> bytes:
    """Return `text` as quoted-printable UTF-8 lines of at most 76 columns, CRLF, ending at a line boundary.

    A hard break is written for each line feed; a piece that does not end in one ends in a soft break.
    """
    if "\n" not in text and "\r" not in text:
        return _line(text, hard=False) if text else b""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    last = lines.pop()
    wire = [_line(line, hard=True) for line in lines]
    if last:
        wire.append(_line(last, hard=False))
    return b"".join(wire)


def _line(line: str, *, hard: bool) -> bytes:
    """Return one line of text folded by soft line breaks, and ended by a hard or a soft one."""
    # The quick way for most lines, because encoding each reader's own words is much of the work on a letter.
    if not _PLAIN.fullmatch(line) or (hard and (len(line) >= LINE or line[:1] in ".F" or line[-1] == " ")):
        return _folded(line, hard=hard)
    if 0 < len(line) < LINE and line[0] not in ".F":
        return (line + ("\r\n" if hard else "=\r\n")).encode("ascii")
    rows, begin = [], 0
    while begin < len(line):
        if line[begin] in ".F" and (line[begin] == "." or line.startswith("From ", begin)):
            rows.append(f"={ord(line[begin]):02X}{line[begin + 1 : begin + LINE - 3]}")
            begin += LINE - 3
        else:
            rows.append(line[begin : begin + LINE - 1])
            begin += LINE - 1
    return "=\r\n".join(rows).encode("ascii") + (b"\r\n" if hard else b"=\r\n")


def _folded(line: str, *, hard: bool) -> bytes:
    """Return what `_line` does, for any line."""
    data = _UNSAFE.sub(lambda byte: b"=%02X" % byte.group()[0], line.encode("utf-8"))
    if hard:
        data = _TAIL.sub(lambda byte: b"=%02X" % byte.group()[0], data)
    rows = []
    begin, end = 0, len(data)
    while True:
        start = _START.match(data, begin)
        head = b""
        if start:  # the encoded character takes three columns of this row
            head = b"=%02X" % data[begin]
            begin += 1
        room = LINE - len(head)
        if hard and end - begin <= room:
            rows.append(head + data[begin:])
            return b"=\r\n".join(rows) + b"\r\n"
        if not hard and end - begin <= room - 1:
            rows.append(head + data[begin:])
            return b"=\r\n".join(rows) + b"=\r\n"
        stop = begin + room - 1
        if data[stop - 1] == 0x3D:  # never separate "=" from its two digits
            stop -= 1
        elif data[stop - 2] == 0x3D:
            stop -= 2
        rows.append(head + data[begin:stop])
        begin = stop
