"""Read JSON Feeds with the slips that publishers make, and tell them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.errors import SourceError
from digest.sources.formats.feed import parse_feed
from digest.sources.formats.tidy import CUT_OFF
from tests.counts import table

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FEED = '{"version": "1.1", "title": "F", "items": [{"id": "1", "title": "%s"}, {"id": "2", "title": "Two"}]}'


def titles(body: bytes, content_type: str = "") -> tuple[list[str], tuple[str, ...]]:
    """Return the titles of a feed's entries, and its problems."""
    snapshot = parse_feed(body, content_type=content_type, base_url="https://f.example/feed", now=NOW)
    return [sighting.title for sighting in snapshot.sightings], snapshot.problems


@table(
    "body, title, is_sound",
    [
        ((FEED % "One\nday").encode(), "One day", False),
        ((FEED % "One\tday\r\n").encode(), "One day", False),
        ((FEED % "One").encode("utf-8-sig"), "One", True),
        ((FEED % "One").encode("utf-16"), "One", True),
        ((FEED % "Café").encode("cp1252"), "Café", True),
        ((FEED % "One").replace("}]}", "},]}").encode(), "One", False),
        ((FEED % "One").replace('"F",', '"F",\n').replace('"Two"}', '"Two",}').encode(), "One", False),
        (b")]}',\n" + (FEED % "One").encode(), "One", False),
        (b"while(1);" + (FEED % "One").encode(), "One", False),
        (b"// made by a tool\n" + (FEED % "One").encode(), "One", False),
        (b"show.feed(" + (FEED % "One").encode() + b");", "One", False),
        ((FEED % "One").encode() + b"\n<!-- cached -->", "One", False),
        ((FEED % 'the "One" day').encode(), 'the "One" day', False),
        ((FEED % "it\\'s").encode(), "it's", False),
        ((FEED % 'a \\"b\\" c\n').encode(), 'a "b" c', False),
    ],
)
def test_a_slip_costs_no_entry(body: bytes, title: str, is_sound: bool) -> None:
    shown, problems = titles(body)
    assert shown == [title, "Two"]
    assert bool(problems) is not is_sound


@table(
    "size, shown",
    [(-1, ["One", "Two"]), (-2, ["One", "Two"]), (-3, ["One"]), (-12, ["One"]), (-27, ["One"]), (-40, []), (45, [])],
)
def test_what_stands_before_the_cut_is_read(size: int, shown: list[str]) -> None:
    entries, problems = titles((FEED % "One").encode()[:size])
    assert (entries, CUT_OFF in problems) == (shown, True)


@table("body", [b'{"a": 1}', b'{"items": 7}', b"{ not json", b'{"version": "1.1", "title": "F'])
def test_what_is_no_feed_is_refused(body: bytes) -> None:
    with pytest.raises(SourceError, match="JSON"):
        titles(body)
