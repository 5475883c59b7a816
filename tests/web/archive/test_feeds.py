"""The feeds of the archive: valid, whole, by config's address alone, and not sent again where nothing changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import feedparser
import pytest

from digest.web.archive.feed import Feed, FeedItem, atom_of, json_of
from digest.web.archive.sitemap import sitemap_pages
from digest.web.readers.page import ReaderPages, Visit
from tests.web.archive.library import BASE, Library

FEEDS = (
    "/archive", "/archive/weekly/2026-11-06", "/archive/policy-areas/housing", "/archive/regions/wales",
    "/archive/themes/leadership", "/archive/case-studies", "/archive/regions/north-east",
)  # fmt: skip
AT = datetime(2026, 11, 6, 9, tzinfo=UTC)
HOSTILE = "]]></title><script>\x00\x0b\ufffe & \"'" + "\ud800"


@pytest.mark.parametrize("path", FEEDS)
def test_a_feed_reader_takes_the_atom_feed(shelf: Library, path: str) -> None:
    answer = shelf.get(f"{path}/feed.atom")
    assert answer.headers["content-type"] == "application/atom+xml"
    parsed = feedparser.parse(answer.content)
    assert not parsed.bozo and parsed.version == "atom10"
    feed = parsed.feed
    assert (feed.id, feed.link, feed.author) == (BASE + path, BASE + path, "Digest")
    assert [link.href for link in feed.links if link.rel == "self"] == [f"{BASE}{path}/feed.atom"]
    assert feed.updated_parsed and all(
        (entry.id == entry.link and entry.id.startswith(f"{BASE}/archive/entries/"))
        and entry.updated_parsed and entry.author == "Notes"
        for entry in parsed.entries
    )  # fmt: skip
    titles = [entry.title for entry in parsed.entries]
    document = json.loads(shelf.get(f"{path}/feed.json").content)
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["title"] for item in document["items"]] == titles
    assert all(item["id"] and item["content_text"] for item in document["items"])
    assert (document["home_page_url"], document["feed_url"]) == (BASE + path, f"{BASE}{path}/feed.json")


def test_the_feed_of_all_has_each_entry_once_the_last_sent_first(either: Library) -> None:
    parsed = feedparser.parse(either.get("/archive/feed.atom").content)
    titles = [entry.title for entry in parsed.entries]
    assert titles[0] == "Buses in the dale" and len(titles) == len(set(titles)) == 6
    homes = next(entry for entry in parsed.entries if entry.title.startswith("Tŷ"))
    assert homes.summary.startswith("In the way: There was no money for it.")
    assert [link.href for link in homes.links if link.rel == "via"] == ["https://example.org/homes"]
    assert {(tag.term, tag.label) for tag in homes.tags} == {("housing", "Housing"), ("wales", "Wales")}


def test_a_feed_that_has_not_changed_is_not_sent_again(shelf: Library) -> None:
    feed = shelf.get("/archive/feed.atom")
    tag, at = feed.headers["etag"], feed.headers["last-modified"]
    assert at == "Fri, 13 Nov 2026 09:00:00 GMT"
    cases = [
        ({"if_none_match": tag}, 304),
        ({"if_modified_since": at}, 304),
        ({"if_modified_since": "Sat, 14 Nov 2026 09:00:00 GMT"}, 304),
        ({"if_modified_since": "Thu, 12 Nov 2026 09:00:00 GMT"}, 200),
        ({"if_modified_since": "nonsense"}, 200),
        ({"if_modified_since": "Fri, 13 Nov 2026 09:00:00"}, 200),  # of no zone
        ({"if_none_match": '"x"', "if_modified_since": at}, 200),  # because the tag is exact
        ({"if_none_match": "*"}, 304),
    ]
    assert [shelf.get("/archive/feed.atom", **headers).status_code for headers, _ in cases] == [
        status for _, status in cases
    ]


def test_a_feed_is_in_the_sites_language_for_every_browser(shelf: Library) -> None:
    plain = shelf.get("/archive/case-studies/feed.atom").content
    assert shelf.get("/archive/case-studies/feed.atom", accept_language="cy").content == plain
    assert b"<title>Case studies" in plain


def test_whatever_a_title_holds_the_feeds_are_valid() -> None:
    item = FeedItem(f"{BASE}/1", HOSTILE, HOSTILE, HOSTILE, AT, AT, f"{BASE}/?a=1&b=<2>", [("x", HOSTILE)], "cy")
    feed = Feed(HOSTILE, BASE, f"{BASE}/a", f"{BASE}/j", HOSTILE, BASE, "en", [item])
    parsed = feedparser.parse(atom_of(feed))
    assert not parsed.bozo
    title = parsed.entries[0].title_detail
    assert (title.type, "\x00" in title.value, "]]>" in title.value) == ("text/plain", False, True)
    assert json.loads(json_of(feed))["items"][0]["external_url"] == f"{BASE}/?a=1&b=<2>"


def test_a_feed_of_nothing_is_a_feed() -> None:
    feed = Feed("A", BASE, f"{BASE}/a", f"{BASE}/j", "A", BASE, "en")
    assert not feedparser.parse(atom_of(feed)).bozo
    assert feedparser.parse(atom_of(feed)).feed.updated == "1970-01-01T00:00:00Z"


def located(content: bytes) -> list[str]:
    """Return the addresses of a sitemap."""
    return [element.text or "" for element in ElementTree.fromstring(content).iter() if element.tag.endswith("}loc")]


def test_the_sitemap_has_each_public_page_once(either: Library) -> None:
    addresses = located(either.get("/sitemap.xml").content)
    assert len(addresses) == len(set(addresses)) and f"{BASE}/archive/weekly/2026-11-06" in addresses
    assert sum("/entries/" in address for address in addresses) == 6
    assert f"{BASE}/search" not in addresses and f"{BASE}/archive/regions/north-east" not in addresses
    paths = [address.removeprefix(BASE) for address in addresses]
    assert {path: either.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)


def test_a_sitemap_that_is_too_long_is_an_index_of_parts(shelf: Library) -> None:
    pages = ReaderPages(shelf.house.live())
    whole, part = sitemap_pages(most=4)
    assert whole.get and part.get
    index = located(whole.get(pages, Visit()).body)
    assert index == [f"{BASE}/sitemap/{number}.xml" for number in (1, 2, 3)]
    parts = [located(part.get(pages, Visit({"number": number})).body) for number in ("1", "2", "3")]
    assert [len(addresses) for addresses in parts] == [4, 4, 2]  # of the first part no more than fit
    entries = [address for addresses in parts[1:] for address in addresses]
    assert len(set(entries)) == 6 and all("/entries/" in address for address in entries)
    assert [part.get(pages, Visit({"number": number})).status for number in ("0", "4", "999999")] == [404] * 3


KEYED = ("/letters/x", "/preferences/x", "/pause/x", "/unsubscribe/x", "/yours/x", "/confirm/x", "/story/x", "/desk")


def test_robots_may_read_what_is_public_alone(shelf: Library) -> None:
    rules = RobotFileParser()
    rules.parse(shelf.get("/robots.txt").text.splitlines())
    public = ("/archive", "/archive/weekly/2026-11-06", "/archive/feed.atom", "/sitemap.xml", "/sitemap/2.xml")
    assert [path for path in public if not rules.can_fetch("any", BASE + path)] == []
    assert [path for path in (*KEYED, "/search?q=x", "/new") if rules.can_fetch("any", BASE + path)] == []
    assert rules.site_maps() == [f"{BASE}/sitemap.xml"]
