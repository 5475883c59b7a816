"""Encode text as quoted-printable in pieces; each piece ends where a line ends, so that pieces can be joined."""

from __future__ import annotations

import re

LINE = 76
_PLAIN = bytes(byte for byte in range(0x20, 0x7F) if byte != 0x3D)  # what stands for itself
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


def soft_line(line: str) -> bytes:
    """Return printable ASCII without "=" as quoted-printable lines, ended by a soft break.

    It is apart from `encode`, because encoding each reader's own links is much of the work on a letter.
    """
    if len(line) < 2 * LINE - 3 and line[:1] not in ".F":  # most have two rows at most
        row, rest = line[: LINE - 1], line[LINE - 1 :]
        if not rest:
            return f"{row}=\r\n".encode("ascii")
        if rest[0] != "F":
            return f"{row}=\r\n{rest if rest[0] != '.' else '=2E' + rest[1:]}=\r\n".encode("ascii")
    wire = ""
    while line:
        if line[0] == "." or line.startswith("From "):
            wire += f"={ord(line[0]):02X}{line[1 : LINE - 3]}=\r\n"
            line = line[LINE - 3 :]
        else:
            wire += f"{line[: LINE - 1]}=\r\n"
            line = line[LINE - 1 :]
    return wire.encode("ascii")


def _line(line: str, *, hard: bool) -> bytes:
    """Return one line of text folded by soft line breaks, and ended by a hard or a soft one."""
    # The quick way for most lines, because encoding each reader's own words is much of the work on a letter.
    data = line.encode("utf-8")
    if data.translate(None, _PLAIN):
        return _folded(data, hard=hard)
    if not hard:
        return soft_line(line)
    if 0 < len(data) < LINE and data[0] not in b".F" and data[-1] != 0x20:
        return data + b"\r\n"
    return _folded(data, hard=True)


def _folded(data: bytes, *, hard: bool) -> bytes:
    """Return what `_line` does, for any line."""
    data = _UNSAFE.sub(lambda byte: b"=%02X" % byte.group()[0], data)
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
