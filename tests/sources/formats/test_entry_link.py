"""Find where an entry leads, wherever its feed says it."""

from __future__ import annotations

from datetime import UTC, datetime

from digest.sources.formats.feed import parse_feed
from tests.counts import table

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
NAMES = 'xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom"'
GUID = '<guid isPermaLink="false">x</guid>'
AT = "https://f.example"


def link_in(body: str) -> str | None:
    """Return the link of the only entry of a feed."""
    [sighting] = parse_feed(body.encode(), content_type="", base_url=f"{AT}/feed", now=NOW).sightings
    return sighting.link


@table(
    "inner, link",
    [
        (f'<enclosure url="{AT}/a.mp3" type="audio/mpeg"/><link>{AT}/page</link>', f"{AT}/page"),
        (f'{GUID}<enclosure url="/a.ogg" type="audio/ogg"/>', f"{AT}/a.ogg"),
        (f'{GUID}<enclosure url="{AT}/report.pdf" type="application/pdf"/>', f"{AT}/report.pdf"),
        (f'{GUID}<enclosure url="{AT}/a.jpg" type="image/jpeg"/>', None),
        (f'{GUID}<media:content url="{AT}/a.mp4" medium="video"/>', f"{AT}/a.mp4"),
        (f'{GUID}<media:content url="{AT}/a.png" medium="image"/>', None),
        (f'{GUID}<media:content url="{AT}/a.mp4"/><media:player url="{AT}/watch?v=1"/>', f"{AT}/watch?v=1"),
        (f"{GUID}<comments>{AT}/1/talk</comments>", f"{AT}/1/talk"),
        (f'<guid isPermaLink="false">{AT}/?p=7</guid>', None),
        (f"<guid>{AT}/g</guid>", f"{AT}/g"),
        (f'{GUID}<enclosure url="javascript:alert(1)" type="audio/mpeg"/>', None),
    ],
)
def test_an_item_of_rss_leads_to_its_page_or_what_it_offers(inner: str, link: str | None) -> None:
    item = f"<item><title>A</title>{inner}</item>"
    assert link_in(f"<rss {NAMES}><channel><title>F</title>{item}</channel></rss>") == link


@table(
    "inner, link",
    [
        (f'<id>x</id><link rel="enclosure" href="{AT}/a.mp3"/>', f"{AT}/a.mp3"),
        (f'<id>x</id><content type="text/html" src="{AT}/whole"/>', f"{AT}/whole"),
        (f'<id>x</id><link rel="via" href="{AT}/via"/><link rel="related" href="{AT}/rel"/>', f"{AT}/via"),
        (f'<id>x</id><link rel="self" href="{AT}/entry.atom"/>', None),
        (f'<id>x</id><link rel="via" href="{AT}/via"/><link href="{AT}/page"/>', f"{AT}/page"),
    ],
)
def test_an_entry_of_atom_leads_to_its_page_or_what_it_offers(inner: str, link: str | None) -> None:
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><entry><title>A</title>{inner}</entry></feed>'
    assert link_in(feed) == link


@table(
    "inner, link",
    [
        (f'"attachments": [{{"url": "{AT}/a.mp3", "mime_type": "audio/mpeg"}}]', f"{AT}/a.mp3"),
        (f'"attachments": [{{"url": "{AT}/a.png", "mime_type": "image/png"}}]', None),
        (f'"external_url": "{AT}/else", "attachments": [{{"url": "{AT}/a.mp3"}}]', f"{AT}/else"),
        (f'"attachments": ["{AT}/a.mp3", 7], "url": "{AT}/1"', f"{AT}/1"),
    ],
)
def test_an_item_of_json_leads_to_its_page_or_what_it_offers(inner: str, link: str | None) -> None:
    assert link_in(f'{{"version": "x", "items": [{{"id": "1", "title": "A", {inner}}}]}}') == link
