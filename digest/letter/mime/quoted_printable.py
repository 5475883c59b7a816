"""Encode text as quoted-printable in pieces; each piece ends where a line ends, so that pieces can be joined."""

from __future__ import annotations

import re

LINE = 76
_PLAIN = re.compile(r"[ -~]*")
_UNSAFE = re.compile(rb"[^ -<>-~]")
_TAIL = re.compile(rb"[ \t]$")
# Encoded at the start of a line, because mail servers and mailboxes change a dot or "From " there.
_START = re.compile(rb"\.|From ")


def encode(text: str) -> bytes:
    """Return `text` as quoted-printable UTF-8 lines of at most 76 columns, CRLF, ending at a line boundary.

    A hard break is written for each line feed; a piece that does not end in one ends in a soft break.
    """
    if not text:
        return b""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    last = lines.pop()
    wire = [_line(line, hard=True) for line in lines]
    if last:
        wire.append(_line(last, hard=False))
    return b"".join(wire)


def encode_value(text: str) -> bytes:
    """Return text encoded for a gap; quicker than `encode` for the short plain values that most gaps get."""
    if 0 < len(text) < LINE and text[0] not in ".F" and _PLAIN.fullmatch(text):
        wire = text.replace("=", "=3D")
        if len(wire) < LINE:
            return wire.encode("ascii") + b"=\r\n"
    return encode(text)


def _line(line: str, *, hard: bool) -> bytes:
    """Return one line of text folded by soft line breaks, and ended by a hard or a soft one."""
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
