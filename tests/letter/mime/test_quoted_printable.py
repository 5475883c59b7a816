"""Quoted-printable pieces: 7 bit, CRLF, at most 76 columns, and joined in any order they decode to their text."""

from __future__ import annotations

import binascii
import quopri

from hypothesis import given
from hypothesis import strategies as st

from digest.letter.assemble import assemble
from digest.letter.compile import compile_letter
from digest.letter.mime.quoted_printable import _folded, _line, encode
from tests.counts import table
from tests.letter import golden, sample

WORDS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=200), max_size=6)


def check_lines(wire: bytes) -> None:
    assert wire == b"" or wire.endswith(b"\r\n")
    wire.decode("ascii")
    for line in wire.split(b"\r\n"):
        assert len(line) <= 76
        assert b"\r" not in line and b"\n" not in line
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))


@given(WORDS)
def test_pieces_can_be_joined(pieces: list[str]) -> None:
    wire = b"".join(encode(piece) for piece in pieces)
    check_lines(wire)
    whole = "".join(pieces)
    for decoded in (binascii.a2b_qp(wire), quopri.decodestring(wire)):
        assert decoded.decode("utf-8").replace("\r\n", "\n") == whole


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=200))
def test_the_quick_way_writes_the_same_bytes(value: str) -> None:
    for line in (value, value.replace("=", "."), "x" * 74 + value, "x" * 75 + ".y" * 40, "x" * 75 + "From " * 40):
        for hard in (True, False):
            if line or hard:
                assert _line(line, hard=hard) == _folded(line.encode(), hard=hard)


@table(
    "text, wire",
    [
        ("", b""),
        ("a", b"a=\r\n"),
        ("a\n", b"a\r\n"),
        ("a \n", b"a=20\r\n"),
        ("a ", b"a =\r\n"),
        (".\n", b"=2E\r\n"),
        ("From x\n", b"=46rom x\r\n"),
        ("=\n", b"=3D\r\n"),
        ("é\n", b"=C3=A9\r\n"),
        ("x" * 76 + "\n", b"x" * 76 + b"\r\n"),
        ("x" * 77 + "\n", b"x" * 75 + b"=\r\nxx\r\n"),
        ("x" * 75 + ".\n", b"x" * 75 + b".\r\n"),
        ("x" * 75 + "..\n", b"x" * 75 + b"=\r\n=2E.\r\n"),
        ("x" * 74 + "é\n", b"x" * 74 + b"=\r\n=C3=A9\r\n"),
    ],
)
def test_the_bytes(text: str, wire: bytes) -> None:
    assert encode(text) == wire


def test_every_block_of_a_letter_keeps_the_rules() -> None:
    letter = compile_letter(sample.EDITION, sample.entries(), sample.APPEARANCE)
    for blocks in (letter.html, letter.text):
        for block in blocks.values():
            for piece in block:
                if isinstance(piece, bytes):
                    check_lines(piece)
    made = assemble(letter, sample.digest(), sample.READER)
    check_lines(b"".join(made.html_pieces))
    check_lines(b"".join(made.text_pieces))
    assert golden.letter() == made
