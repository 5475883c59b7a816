"""A feed cut into its entries: its parts give what the whole gives, and any oddity means that it is not cut.

The full parse is the judge.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.errors import SourceError
from digest.model import Snapshot
from digest.sources.formats.feed import parse_feed
from digest.sources.formats.parts import Parts, cut_feed
from digest.sources.web.unpack import Unpacker

NOW = datetime(2026, 11, 22, tzinfo=UTC)
URL = "https://a.example/feed"
RSS = (
    b'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>T</title>'
    b"<lastBuildDate>Fri, 20 Nov 2026 10:00:00 GMT</lastBuildDate>\n%s\n</channel></rss>"
)
ONE = b"<item><guid>1</guid><title>One</title><description><![CDATA[</item><b>x</b>]]></description></item>"
TWO = b"<item><guid>2</guid><title>Two</title><!-- <item> --></item>"


def cut(body: bytes, content_type: str = "application/rss+xml; charset=UTF-8") -> Parts | None:
    return cut_feed(body, content_type=content_type, base_url=URL)


def parsed(body: bytes) -> Snapshot:
    return parse_feed(body, content_type="", base_url=URL, now=NOW)


def test_tags_in_cdata_and_comments_are_no_entries() -> None:
    parts = cut(RSS % (ONE + b"\n" + TWO))
    assert parts is not None and parts.entries == (ONE, TWO)
    assert parts.without(parts.hashes[:1]) == RSS % TWO


def test_the_envelope_leaves_out_the_date_of_the_feed_and_nothing_else() -> None:
    first, other = cut(RSS % ONE), cut(RSS.replace(b"20 Nov", b"21 Nov") % TWO)
    title, elsewhere = cut(RSS.replace(b">T<", b">U<") % ONE), cut_feed(RSS % ONE, content_type="", base_url="")
    assert first and other and title and elsewhere
    assert first.envelope == other.envelope
    assert len({first.envelope, title.envelope, elsewhere.envelope}) == 3


@pytest.mark.parametrize(
    "body",
    [
        RSS % b"",
        RSS % (ONE + ONE),
        RSS % (ONE + b"<link/>" + TWO),
        RSS % b"<item><item></item></item>",
        RSS % b"<item/>",
        RSS % b"<item><base>https://a.example/</base></item>",
        RSS % b"<item xmlns:a='b'></item>",
        RSS % b"<item><image base='https://a.example/'/></item>",
        RSS % (b"<item></item>" * 1_002),
        RSS % (ONE + b"<!---->" * 20_001),
        RSS % b"<item></entry>",
        RSS % b"</item><item>",
        RSS % (ONE + b"<item><title>"),
        RSS % b"<item><![CDATA[</item>",
        RSS % b"<item><!-- </item>",
        RSS % b"<item></item",
        RSS % (ONE + b"<at:deleted-entry ref='1'/>"),
        RSS % b"<item>\xff</item>",
        b"<!DOCTYPE rss>" + RSS % ONE,
        RSS.replace(b"utf-8", b"iso-8859-1") % ONE,
        b'{"items": [{"id": "1"}]}',
    ],
)
def test_a_feed_with_an_oddity_is_not_cut(body: bytes) -> None:
    assert cut(body) is None


def test_a_feed_of_another_charset_is_not_cut() -> None:
    assert cut(RSS % ONE, "text/xml; charset=iso-8859-1") is None


def check_every_part(body: bytes, chance: random.Random) -> bool:
    """Compare some parts of a feed with the whole; return whether it could be cut."""
    parts = cut(body, "")
    if parts is None:
        return False
    whole = parsed(body)
    if whole.problems or whole.deleted or len(whole.sightings) != len(parts.entries):
        return False
    hashes = parts.hashes
    for left_out in (hashes[1:], hashes[:-1], chance.sample(hashes, len(hashes) // 2)):
        part = parsed(parts.without(left_out))
        rest = tuple(each for each, key in zip(whole.sightings, hashes, strict=True) if key not in left_out)
        assert (part.sightings, part.problems, part.language) == (rest, (), whole.language)
    return True


def mutated(body: bytes, chance: random.Random) -> bytes:
    """Return a feed in which some bytes, or a tag, have changed, moved or gone."""
    start, size = chance.randrange(len(body)), chance.choice((1, 1, 5, 60, 900))
    piece = chance.choice((b"", b"<", b">", b"<item>", b"</entry>", b"]]>", b"<![CDATA[", b"&", body[:size]))
    at = body.find(chance.choice((b"<", b"item", b"entry", b">", b"]]")), start)
    at = start if at < 0 else at
    return body[:at] + piece + body[at + chance.choice((0, 0, size)) :]


def agree(bodies: Iterator[bytes], mutations: int) -> int:
    """Compare each feed, and it mutated so many times; return how many could be cut."""
    chance, compared = random.Random(11), 0
    for body in bodies:
        for number in range(mutations + 1):
            try:
                compared += check_every_part(mutated(body, chance) if number else body, chance)
            except SourceError:
                continue  # it is no feed any more
    return compared


def test_parts_of_feeds_and_of_mutated_ones_give_what_the_whole_gives() -> None:
    examples = sorted((Path(__file__).parents[3] / "examples" / "sources").glob("*.xml"))
    assert agree((path.read_bytes() for path in examples[:2]), 6) >= 2


@pytest.mark.corpus
@pytest.mark.proof
def test_parts_of_real_feeds_give_what_the_whole_gives(shared_data: Path) -> None:
    files = sorted(path for path in (shared_data / "feeds" / "real").rglob("*") if path.is_file())
    compared = agree(filter(None, map(unpacked, files)), 2)
    assert compared > 100


def unpacked(path: Path) -> bytes:
    """Return the bytes of a feed, b"" for one that is too large for a quick test or cannot be unpacked."""
    unpacker = Unpacker(300_000)
    try:
        unpacker.feed(path.read_bytes())
        return unpacker.finish()
    except SourceError:
        return b""
