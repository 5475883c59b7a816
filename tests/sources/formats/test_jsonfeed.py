"""JSON Feed, also with every value of the wrong type."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from digest.model import Image, Sighting, Snapshot
from digest.sources.formats.jsonfeed import parse_json_feed
from tests.counts import table

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def read(feed: dict[str, Any], base_url: str = "https://news.example/feed.json") -> Snapshot:
    return parse_json_feed(json.dumps(feed).encode(), base_url=base_url, now=NOW)


def test_a_whole_item() -> None:
    snapshot = read(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "Town <b>news</b>",
            "language": "en-GB",
            "authors": [{"name": "The Town"}],
            "items": [
                {
                    "id": 7,
                    "url": "/one?utm_medium=feed",
                    "title": "One &amp; all",
                    "content_html": "<p>Long <a href='/b'>text</a></p>",
                    "summary": "Short & sweet",
                    "image": "/i.jpg",
                    "date_published": "2026-11-20T10:00:00+01:00",
                    "authors": [{"name": "Jane"}, {"name": "Joe"}],
                    "tags": ["Housing", "housing", ""],
                    "language": "cy",
                },
                {"id": "8", "external_url": "https://other.example/8", "content_text": "a < b\n\nc"},
            ],
        }
    )
    assert (snapshot.title, snapshot.language, snapshot.problems) == ("Town news", "en-GB", ())
    assert snapshot.sightings == (
        Sighting(
            guid="7",
            link="https://news.example/one",
            title="One & all",
            published=datetime(2026, 11, 20, 9, tzinfo=UTC),
            summary="Short & sweet",
            html='<p>Long <a href="https://news.example/b">text</a></p>',
            author="Jane, Joe",
            categories=("Housing",),
            language="cy",
            image=Image("https://news.example/i.jpg"),
        ),
        Sighting(
            guid="8",
            link="https://other.example/8",
            title="",
            summary="a < b c",
            html="<p>a &lt; b</p><p>c</p>",
            author="The Town",
            language="en-GB",
        ),
    )


@table("value", [None, True, 0, -1.5, 1e308, [], {}, [[]], "", "\ud800", "x" * 100_000, {"name": {}}])
def test_no_value_of_the_wrong_type_does_harm(value: Any) -> None:
    names = """id url external_url title content_html content_text summary image banner_image date_published
        date_modified authors author tags language"""
    item = dict.fromkeys(names.split(), value)
    feed = {"version": value, "title": value, "home_page_url": value, "language": value, "authors": value}
    snapshot = read(feed | {"items": [item, value, {"id": "kept", "title": "Kept"}]}, base_url="")
    assert snapshot.sightings[-1].guid == "kept"
    repr(snapshot).encode()
