"""Unpack bodies as servers really send them: in parts, twice, undeclared, with bytes after the end; bounded."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence

import pytest

from digest.errors import SourceError
from digest.sources.web.unpack import Unpacker
from tests.counts import table
from tests.sources.webserver import FEED, packed

HALF = len(FEED) // 2


def raw_deflate(body: bytes) -> bytes:
    """Return deflate without the head of zlib, as some servers send it."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def unpacked(body: bytes, codings: Sequence[str] = (), size: int = 7, cap: int = 1_000_000) -> bytes:
    """Return a body that comes in pieces of `size` bytes."""
    unpacker = Unpacker(cap, codings)
    for start in range(0, len(body), size):
        unpacker.feed(body[start : start + size])
    return unpacker.finish()


@table(
    "body, codings",
    [
        (packed(FEED[:HALF]) + packed(FEED[HALF:]), ["gzip"]),
        (packed(FEED[:9]) + packed(FEED[9:HALF]) + packed(FEED[HALF:]), []),
        (packed(FEED) + packed(b""), ["gzip"]),
        (packed(b"") + packed(FEED), ["gzip"]),
        (packed(FEED[:HALF]) + b"\0" * 11 + packed(FEED[HALF:]), ["gzip"]),
        (packed(FEED) + b"\0" * 512, ["gzip"]),
        (packed(FEED) + b"<!-- cached -->", ["gzip"]),
        (packed(FEED) + b"\x1f", ["gzip"]),
        (packed(packed(FEED)), ["gzip", "gzip"]),
        (packed(packed(FEED)), ["gzip"]),
        (packed(packed(packed(FEED))), []),
        (FEED, ["gzip"]),
        (zlib.compress(FEED), ["deflate"]),
        (zlib.compress(FEED, 1), ["deflate"]),
        (zlib.compress(FEED, 9), []),
        (raw_deflate(FEED), ["deflate"]),
        (raw_deflate(FEED) + b"after", ["deflate"]),
        (packed(FEED), ["deflate"]),
        (FEED, ["deflate"]),
        (packed(zlib.compress(FEED)), ["deflate", "gzip"]),
        (packed(raw_deflate(FEED)), ["deflate", "gzip"]),
        (raw_deflate(packed(FEED)), ["gzip", "deflate"]),
        (FEED, ["br"]),
        (packed(FEED), ["br"]),
        (FEED, ["utf-8"]),
        (FEED, ["none"]),
        (b"\xef\xbb\xbf" + FEED, ["zstd"]),
        (b"plain words", ["8bit"]),
        (b"x", []),
        (b"", []),
    ],
)
def test_a_body_is_read_in_every_form_that_does_no_harm(body: bytes, codings: list[str]) -> None:
    for size in (1, 7, 1_000):
        assert unpacked(body, codings, size).removeprefix(b"\xef\xbb\xbf") in (FEED, b"plain words", b"x", b"")


@table(
    "body, codings, reason",
    [
        (packed(FEED)[:-3], ["gzip"], "cut off"),
        (packed(FEED[:HALF]) + packed(FEED[HALF:])[:-1], ["gzip"], "cut off"),
        (packed(FEED) + packed(b"more")[:2], ["gzip"], "cut off"),
        (zlib.compress(FEED)[:-4], ["deflate"], "cut off"),
        (packed(FEED)[:-8] + b"\0\0\0\0" + packed(FEED)[-4:], ["gzip"], "damaged"),
        (b"\x0b\x02\x80abc\x03", ["br"], "packed as 'br'"),
        (b"\x28\xb5\x2f\xfd\x04", ["zstd"], "packed as 'zstd'"),
        (packed(b"\x0b\x02\x80abc\x03"), ["br", "gzip"], "packed as 'br,gzip'"),
        (b"\xf1\xf2\xf3 words", ["deflate"], "damaged"),
        (packed(b"") * 1_001, ["gzip"], "more than 1,000 parts"),
    ],
)
def test_a_body_that_cannot_be_read_whole_says_why(body: bytes, codings: list[str], reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        unpacked(body, codings)


@table(
    "body, codings",
    [
        (packed(b"a" * 200_000), ["gzip"]),
        (packed(b"a" * 90_000) + packed(b"a" * 90_000), ["gzip"]),
        (packed(packed(b"a" * 200_000) + b"b"), ["gzip", "gzip"]),
        (zlib.compress(b"a" * 200_000), ["deflate"]),
        (raw_deflate(b"a" * 200_000), ["deflate"]),
        (b"a" * 100_001, []),
    ],
)
def test_no_form_of_a_body_may_be_longer_than_the_limit(body: bytes, codings: list[str]) -> None:
    with pytest.raises(SourceError, match="is longer than"):
        unpacked(body, codings, size=1_000, cap=100_000)


def test_a_body_that_is_packed_too_often_is_left_as_it_is() -> None:
    body = gzip.compress(packed(packed(packed(FEED))))
    assert unpacked(body).startswith(b"\x1f\x8b")
