"""No XML trick and no encoding gets more than its due (groups C and D), fast part."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.errors import SourceError
from digest.model import Snapshot
from digest.sources.formats.feed import parse_feed
from digest.sources.formats.tidy import MAX_ENTRIES, MAX_GUID
from digest.sources.sandbox.child import ChildLimits, parse_limited
from digest.sources.sanitise import MAX_HTML, MAX_TITLE
from tests.counts import table
from tests.sources import catalogue, hostile
from tests.sources.webserver import Web, dialled

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TRICKS = tuple(hostile.xml_tricks("/nowhere", 9))
ENCODINGS = tuple(hostile.encodings())


def within_caps(snapshot: Snapshot) -> bool:
    """True when nothing in the snapshot is longer than promised."""
    return len(snapshot.sightings) <= MAX_ENTRIES and all(
        len(sighting.title) <= MAX_TITLE
        and len(sighting.html) <= 6 * MAX_HTML  # an ampersand takes five characters once it is escaped
        and len(sighting.guid or "") <= MAX_GUID
        and len(sighting.summary) <= 302
        for sighting in snapshot.sightings
    )


def read(body: bytes, content_type: str = "") -> Snapshot | SourceError:
    """What the child makes of it: a snapshot or a reason; anything else fails the test."""
    try:
        return parse_limited(
            body, content_type=content_type, base_url="https://x.example/f", now=NOW, limits=ChildLimits(wall=60)
        )
    except SourceError as error:
        return error


@table("name", TRICKS)
def test_an_xml_trick_is_read_within_caps_or_refused(name: str, tmp_path: Path, forbidden: Web) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP-SECRET")
    body = hostile.xml_tricks(str(secret), forbidden.port, scale=0.02)[name]
    with dialled() as connects:
        result = read(body)
    assert connects == []
    if isinstance(result, Snapshot):
        assert within_caps(result)
        assert "TOP-SECRET" not in repr(result)
    else:
        assert "\n" not in str(result) and str(result)


@table(
    "name, titles",
    [
        ("two roots", ["Good"]),
        ("text before", ["Good"]),
        ("undefined entity", ["Good &nosuch;"]),
        ("nul bytes", ["Good"]),
        ("deep elements closed", ["Good"]),
        ("many namespaces", ["Good"]),
        ("external dtd", ["Good"]),
        ("duplicate attributes", ["x"]),
        ("nine laughs", ["&l8;"]),
        ("six laughs", ["&l5;"]),
    ],
)
def test_a_broken_feed_still_gives_its_entries(name: str, titles: list[str]) -> None:
    result = read(hostile.xml_tricks("/nowhere", 9, scale=0.01)[name])
    assert isinstance(result, Snapshot)
    assert [sighting.title for sighting in result.sightings][: len(titles)] == titles


@table("name", ENCODINGS)
def test_no_encoding_loses_the_entry_or_smuggles_markup_in(name: str) -> None:
    body, content_type = hostile.encodings()[name]
    snapshot = parse_feed(body, content_type=content_type, base_url="https://x.example/f", now=NOW)
    assert len(snapshot.sightings) == 1
    assert "<script" not in repr(snapshot).lower()
    repr(snapshot).encode()  # no lone surrogate is left
    title = snapshot.sightings[0].title
    if "bytes utf-8" in name or name.startswith(("utf-16", "utf-32")) or "windows-1252" in name:
        assert title == ("Café “Größe”")
    if name == "shift-jis":
        assert title == "日本"


@pytest.mark.long
def test_the_catalogue_of_the_proof_holds_every_case_that_these_tests_go_through() -> None:
    assert sum(map(len, catalogue.every(scale=0.01).values())) == 267
