"""The door: which sources are read how, and what is remembered of them."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.errors import SourceError
from digest.model import Source
from digest.sources.read import KnownEntries, KnownEntry, Reading, Validators, read_source
from tests.sources.webserver import FEED, Web, answer, fetcher, redirect

NOW = datetime(2026, 11, 22, tzinfo=UTC)

NOTHING = Validators()


class NoNetwork:
    """A fetcher that must not be asked."""

    def fetch(self, url: str, **_: object) -> None:
        raise AssertionError(url)


def read_web(web: Web, known: Validators = NOTHING, path: str = "/feed") -> Reading:
    return read_source(Source("s", url=web.url(path)), known, fetcher(web), now=NOW)


def read_path(path: Path, known: Validators = NOTHING) -> Reading:
    return read_source(Source("s", path=str(path)), known, NoNetwork(), now=NOW)  # type: ignore[arg-type]


def test_a_feed_over_http(web: Web) -> None:
    web.on("/feed", answer(FEED, 'ETag: "1"'))
    first = read_web(web)
    assert first.status == "ok" and first.snapshot
    assert [sighting.title for sighting in first.snapshot.sightings] == ["One", "Two"]
    assert first.validators.etag == '"1"' and first.validators.body_hash
    web.on("/feed", b"HTTP/1.1 304 Not Modified\r\n\r\n")
    assert read_web(web, first.validators) == Reading("not-modified", None, first.validators)


def test_the_same_body_is_not_read_again_though_the_server_knows_no_304(web: Web) -> None:
    web.on("/feed", answer(FEED, 'ETag: "1"'))
    first = read_web(web)
    web.on("/feed", answer(FEED, 'ETag: "2"'))
    again = read_web(web, first.validators)
    assert (again.status, again.snapshot, again.validators.etag) == ("not-modified", None, '"2"')


def test_a_moved_feed_says_where_to(web: Web) -> None:
    web.on("/feed", redirect("/new", "301 Moved Permanently"))
    web.on("/new", answer())
    assert read_web(web).moved_to == web.url("/new")


def test_an_address_is_asked_for_whole(web: Web) -> None:
    paths = ["/feed;v=1?x=2", "/a/b;jsessionid=1", "/a;b/c", "/a;b/./c;d"]
    for path in paths:
        web.on(path.replace("/./", "/"), answer())
        assert read_web(web, path=path).status == "ok"
    assert [request.split()[1] for request in web.requests] == [path.replace("/./", "/") for path in paths]


def test_what_another_version_knew_of_entries_is_left_aside() -> None:
    entries = KnownEntries("e", {"h": KnownEntry(1, NOW)})
    assert KnownEntries.from_text(entries.to_text()) == entries
    for text in (None, "", "{", "[]", "3", '{"v": 2}', '{"envelope": "e", "entries": {"h": [1]}}', '{"entries": 1}'):
        assert KnownEntries.from_text(text) is None


def test_relative_links_start_from_where_the_feed_came_from(web: Web) -> None:
    web.on("/feed", redirect("/deep/feed"))
    web.on(
        "/deep/feed",
        answer(b"<rss version='2.0'><channel><item><title>x</title><link>a</link></item></channel></rss>"),
    )
    snapshot = read_web(web).snapshot
    assert snapshot and snapshot.sightings[0].link == web.url("/deep/a")


def test_nothing_is_remembered_of_a_half_read_feed(web: Web, tmp_path: Path) -> None:
    cut = FEED[: FEED.index(b"<title>Two")]
    web.on("/feed", answer(cut, 'ETag: "1"', "Last-Modified: Fri, 20 Nov 2026 10:00:00 GMT"))
    reading = read_web(web)
    assert reading.snapshot and [sighting.guid for sighting in reading.snapshot.sightings] == ["a1"]
    assert reading.validators == Validators()
    (tmp_path / "cut.xml").write_bytes(cut)
    assert read_path(tmp_path / "cut.xml").validators == Validators()


def test_a_page_in_place_of_a_feed_is_an_error(web: Web) -> None:
    web.on("/feed", answer(b"<!doctype html><title>Down</title>", 'ETag: "x"', kind="text/html"))
    with pytest.raises(SourceError, match="web page, not a feed"):
        read_web(web, Validators(etag='"1"'))


@pytest.mark.parametrize("name", ["feed.xml", "feed.xml.gz"])
def test_a_feed_from_a_path(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(FEED) if name.endswith("gz") else FEED)
    first = read_path(path)
    assert first.status == "ok" and first.snapshot and len(first.snapshot.sightings) == 2
    assert read_path(path, first.validators).status == "not-modified"
    path.write_bytes(FEED.replace(b"One", b"Uno"))
    assert read_path(path, first.validators).status == "ok"


def test_a_json_feed_and_a_folder_from_a_path(tmp_path: Path) -> None:
    (tmp_path / "feed.json").write_text(
        '{"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "title": "One"}]}'
    )
    reading = read_path(tmp_path / "feed.json")
    assert reading.snapshot and reading.snapshot.sightings[0].guid == "1"
    (tmp_path / "a.md").write_text("# A")
    reading = read_path(tmp_path)
    assert reading.snapshot and reading.snapshot.sightings[0].title == "A"


def test_a_path_that_cannot_be_read_has_a_cure(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file or folder .*nowhere\.xml; correct the path"):
        read_path(tmp_path / "nowhere.xml")
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(20_000_000)))
    with pytest.raises(SourceError, match=r"bomb\.gz: is longer than 10 MB"):
        read_path(tmp_path / "bomb.gz")
    with pytest.raises(SourceError, match="there is no file or folder /dev/zero"):
        read_path(Path("/dev/zero"))


@pytest.mark.parametrize("url", ["file:///etc/hostname", "FILE:/etc/hostname", "/etc/hostname", "ftp://x.example/"])
def test_a_url_is_http_or_nothing(url: str, web: Web) -> None:
    with pytest.raises(SourceError, match="no http or https address"):
        read_source(Source("s", url=url), Validators(), fetcher(web), now=NOW)


def test_a_source_without_any_place_is_refused(web: Web) -> None:
    with pytest.raises(SourceError, match="neither url nor path"):
        read_source(Source("s"), Validators(), fetcher(web), now=NOW)


def test_reading_feeds_loads_no_parser_into_this_process() -> None:
    import subprocess
    import sys

    code = "import sys, digest.sources.read; raise SystemExit('feedparser' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
