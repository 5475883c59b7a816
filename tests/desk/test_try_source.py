"""A source is tried before it is configured: what it reads, how that is classified, and the table to paste."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from digest.desk.try_source import NoFeed, TriedSource, try_source
from digest.errors import SourceError
from digest.model import Source
from tests import console
from tests.counts import table
from tests.house import House, gathering_from
from tests.sources.webserver import Web, answer, dialled, fetcher, redirect

ITEM = """<item><guid>{n}</guid><title>{title}</title><link>https://sample.example/{n}</link>{date}
<description>{text}</description></item>"""
PAGE = b"""<!doctype html><html><head><title>News</title>
<link rel="alternate" type="application/rss+xml" href="/feed">
<link rel="alternate" type="application/atom+xml" href="https://b.example/atom?key=s3cret&amp;x=1"></head></html>"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    building = House(tmp_path / "house")
    yield building
    building.close()


def feed(*entries: tuple[str, str], title: str = "Sample &amp; Co", days: int = 1) -> bytes:
    items = "".join(
        ITEM.format(n=n, title=name, text=text, date=f"<pubDate>{28 - n * days:02d} Oct 2026 09:00:00 GMT</pubDate>")
        for n, (name, text) in enumerate(entries)
    )
    return f'<rss version="2.0"><channel><title>{title}</title>{items}</channel></rss>'.encode()


def tried(house: House, web: Web, url: str, *configured: Source, full_text: str = "") -> TriedSource:
    return try_source(gathering_from(house, fetcher(web), configured), url, full_text=full_text)


ENTRIES = (
    ("Case study: council homes in Cardiff", "The council of Cardiff let empty council homes to families."),
    ("A new bus", "More buses in Telford, and cycling."),
    *((f"Note {n}", "Words.") for n in range(12)),
)


def digests_of(house: House) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in house.folder.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


def test_it_tells_what_it_reads_and_how_that_is_classified(house: House, web: Web) -> None:
    url = web.on("/feed", answer(feed(*ENTRIES)))
    house.place.engine.dispose()
    before = digests_of(house)
    shown = tried(house, web, url)
    house.close()
    assert digests_of(house) == before  # stores nothing
    assert (shown.title, shown.name, shown.count, shown.undated) == ("Sample & Co", "Sample & Co", 14, 0)
    assert shown.newest and shown.oldest and shown.newest - shown.oldest == timedelta(days=13)
    assert len(shown.shown) == 10
    study, bus, note = shown.shown[:3]
    assert (study.kind, study.facets.policy_areas, study.facets.regions) == ("case-study", ("housing",), ("wales",))
    assert [each.detail for each in study.facets.evidence if each.facet == "region"] == ["Cardiff → Wales (title)"]
    assert (bus.kind, bus.facets.policy_areas, bus.facets.regions) == ("post", ("transport",), ("west-midlands",))
    assert (note.facets.policy_areas, note.facets.regions) == ((), ("unknown",))
    assert shown.table == f'[[source]]\nname = "Sample & Co"\nurl = "{url}"\n'
    assert len(web.requests) == 1


def test_entries_without_a_date_stand_last(house: House, web: Web) -> None:
    undated = ITEM.format(n=9, title="Undated", text="Words.", date="").encode()
    url = web.on(
        "/feed", answer(feed(("New", "Words."), ("Old", "Words.")).replace(b"<item>", undated + b"<item>", 1))
    )
    assert [each.sighting.title for each in tried(house, web, url).shown] == ["New", "Old", "Undated"]


def test_what_its_source_keeps_back_says_why_and_what_is_here_says_so(house: House, web: Web) -> None:
    house.publish("One")
    house.run()
    url = web.on("/feed", answer(
        b'<rss version="2.0"><channel><title>Soon</title>'
        b"<item><title>Later</title><guid>x</guid><pubDate>Mon, 07 Dec 2026 09:00:00 GMT</pubDate></item>"
        b"<item><title>[Draft] Half</title><guid>y</guid></item><item><title></title></item></channel></rss>"
    ))  # fmt: skip
    shown = tried(house, web, url).shown
    assert [(each.sighting.title, each.kept_back) for each in shown][:2] == [
        ("Later", "not before 2026-12-07 09:00 UTC"), ("[Draft] Half", "its source says title: [Draft] Half"),
    ]  # fmt: skip


def test_entries_that_another_source_brought_are_named(house: House, web: Web) -> None:
    from digest import gather

    url = web.on("/feed", answer(feed(*ENTRIES[:2])))
    gather.gather(gathering_from(house, fetcher(web), [Source("Feed", url=web.url("/feed"))]))
    copy = web.on("/copy", answer(feed(*ENTRIES[:2], title="Copy")))
    shown = tried(house, web, copy, Source("Feed", url=url))
    assert {each.here.partition(" of ")[2] for each in shown.shown} == {"'Feed'"}
    assert shown.notes == ()


def test_the_block_has_a_free_name_and_the_address_it_has_moved_to(house: House, web: Web) -> None:
    web.on("/feed", answer(feed(*ENTRIES[:1])))
    moved = web.on("/old", redirect(web.url("/feed"), "301 Moved Permanently"))
    shown = tried(house, web, moved, Source("Sample & Co", url="https://other.example/"))
    (shown_table,) = tomllib.loads(shown.table)["source"]
    assert shown_table == {"name": "Sample & Co (2)", "url": web.url("/feed")}
    assert shown.notes == (f"it has moved for good to {web.url('/feed')}: the table has that address",)
    here = tried(house, web, web.on("/for-now", redirect(web.url("/feed"))), Source("Ours", url=web.url("/feed/")))
    assert tomllib.loads(here.table)["source"][0]["url"] == web.url("/for-now")
    assert here.notes == (
        f"for now it redirects to {web.url('/feed')}: the table keeps the address you gave",
        "it is the source 'Ours' already, in config.toml",
    )


def test_a_page_names_its_feeds_whole_and_its_message_without_their_keys(house: House, web: Web) -> None:
    url = web.on("/news", answer(PAGE, kind="text/html"))
    with pytest.raises(NoFeed, match="this is a web page, not a feed; give the address of its feed") as caught:
        tried(house, web, url)
    assert caught.value.feeds == (web.url("/feed"), "https://b.example/atom?key=s3cret&x=1")
    assert "s3cret" not in str(caught.value)


def test_a_page_that_names_no_feed_says_so(house: House, web: Web) -> None:
    url = web.on("/news", answer(b"<!doctype html><html></html>", kind="text/html"))
    with pytest.raises(SourceError, match="this is a web page") as caught:
        tried(house, web, url)
    assert not isinstance(caught.value, NoFeed)


@table(
    "url, told",
    [
        ("http://10.0.0.1/feed", "10.0.0.1 port 80 leads to 10.0.0.1, which is not a public web server"),
        ("http://169.254.169.254/latest", "not a public web server"),
        ("127.0.0.1/feed", "not a public web server"),
        ("ftp://feeds.example/x", "is no http or https address that can be fetched; correct the url"),
        ("https://ann:s3cret@feeds.example/", "holds a user name or password"),
        ("", "is no http or https address"),
    ],
)
def test_an_address_that_no_gather_would_ask_is_not_asked(house: House, web: Web, url: str, told: str) -> None:
    with dialled() as addresses, pytest.raises(SourceError) as caught:
        tried(house, web, url)
    assert told in str(caught.value) and addresses == [] and "s3cret" not in str(caught.value)


def test_a_private_address_behind_a_redirect_is_refused(house: House, web: Web) -> None:
    url = web.on("/feed", redirect("http://192.168.0.1/feed", "301 Moved Permanently"))
    with pytest.raises(SourceError, match=r"192\.168\.0\.1 port 80 leads to"):
        tried(house, web, url)


def test_pages_are_read_where_that_is_asked_for(house: House, web: Web) -> None:
    words = " ".join(["The council lets empty council homes to families, and learned much by it."] * 20)
    url = web.on("/feed", answer(feed(("What we learned", "Words."), ("Gone", "Words."))))
    body = f"<html><body><article><h1>What we learned</h1><p>{words}</p></article></body></html>"
    place = gathering_from(house, fetcher(web, names={}), [])
    # Names for examples are never asked for a page, so that these are links of the feed's own server.
    links = feed(("What we learned", "Words."), ("Gone", "Words.")).replace(
        b"https://sample.example", web.url("", host="127.0.0.1").encode()
    )
    web.on("/feed", answer(links))
    web.on("/0", answer(body.encode(), kind="text/html"))
    web.on("/1", answer(b"", status="404 Not Found"))
    web.on("/robots.txt", answer(b"", status="404 Not Found"))
    first, second = try_source(place, url, full_text="all").shown
    assert first.page.startswith("its page was read: 1,") and first.facets.policy_areas == ("housing",)
    assert "answers 404 (not found)" in second.page and second.facets.policy_areas == ()
    assert tried(house, web, url).shown[0].facets.policy_areas == ()


def test_the_command_prints_the_block_alone_to_stdout(house: House, web: Web) -> None:
    web.on("/feed", answer(feed(*ENTRIES)))
    web.on("/page", answer(PAGE, kind="text/html"))
    url = web.url("/feed", host="127.0.0.1")
    words = ("--now", house.now.isoformat(), "sources", "try")
    refused = console.digest(house.folder, *words, url)
    assert refused.code == 1 and "not a public web server; if it is yours" in refused.stderr
    shown = console.digest(house.folder, *words, url, "--allow-private")
    assert tomllib.loads(shown.stdout)["source"] == [{"name": "Sample & Co", "url": url, "allow_private": True}]
    for line in (
        "Sample & Co: 14 entries, 2026-10-15 to 2026-10-28", "  policy areas: Housing (council homes", "unclassified",
        "  region: Wales (Cardiff → Wales", "  region: place unknown",
    ):  # fmt: skip
        assert line in shown.stderr, shown.stderr
    document = console.digest(house.folder, *words, url, "--allow-private", "--json").document
    assert (document["entries"], len(document["shown"])) == (14, 10)
    page = console.digest(house.folder, *words, web.url("/page", host="127.0.0.1"), "--allow-private")
    assert "the page names a feed: `digest sources try 'https://b.example/atom?key=s3cret&x=1'`" in page.stderr
    assert page.code == 1 and f"the page names {web.url('/feed', host='127.0.0.1')}" in page.stderr
