"""A robots.txt is asked once a day and obeyed; where it cannot be asked, nothing is read."""

from __future__ import annotations

import socket
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from digest.errors import SourceError
from digest.sources.web import robots
from digest.sources.web.fetch import Limits
from digest.sources.web.robots import NotForPrograms, Robots, RobotsFile
from tests.counts import table
from tests.sources.webserver import Web, answer, fetcher, redirect

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
PAGE = answer(b"<html>Words</html>", kind="text/html")

# The lines of a robots.txt, a path, and whether this program may read it.
RULES = [
    ("", "/a", True),
    ("<html>Not here</html>", "/a", True),
    ("User-agent: *\nDisallow: /", "/a", False),
    ("User-agent: *\nDisallow: /*", "/a", False),
    ("User-agent: *\nDisallow: * # all", "/a", False),
    ("User-agent: *\nDisallow: /case*", "/case-studies/a", False),
    ("User-agent: *\nDisallow:", "/a", True),
    ("User-agent: *\nDisallow: /private", "/a", True),
    ("User-agent: *\nDisallow: /private", "/private/a?b", False),
    ("User-agent: *\nDisallow: /pri%76ate", "/private", False),
    ("User-agent: *\n\nDisallow: /\n", "/a", False),
    ("User-agent: other\nDisallow: /", "/a", True),
    ("User-agent: Learning-Digest\nDisallow: /\n\nUser-agent: *\nDisallow:", "/a", False),
    ("User-agent: learning-digest\nDisallow:\n\nUser-agent: *\nDisallow: /", "/a", True),
    ("User-agent: a\nUser-agent: *\nDisallow: /", "/a", False),
    ("Crawl-delay: \u00b2\nUser-agent: *\nCrawl-delay: \u00b2\nDisallow: http://[x\nDisallow: /a", "/a", False),
    ("User-agent: *\nAllow: /a\nDisallow: /", "/a", True),
    ("\0User-agent\0: *\nDisallow: /b", "/a", True),
]


@table("lines, path, may", RULES)
def test_the_rules_of_a_robots_txt(lines: str, path: str, may: bool) -> None:
    assert robots.parsed(lines).can_fetch(robots.PROGRAM, f"https://a.example{path}") is may


def robots_of(web: Web, remembered: dict[str, RobotsFile] | None = None) -> Robots:
    return Robots(fetcher(web).variant(robots.LIMITS, robots.ACCEPT), remembered or {}, NOW)


# What is answered for robots.txt; "" for a page that may be read, else why it may not.
ANSWERS = [
    (answer(b"User-agent: *\nDisallow: /b", kind="text/plain"), ""),
    (answer(b"\xef\xbb\xbfUser-agent: *\nDisallow: /a", kind="text/plain"), "lets no program read it"),
    (answer(b"", kind="text/plain"), ""),
    (answer(b"x", status="404 Not Found"), ""),
    (answer(b"x", status="410 Gone"), ""),
    (answer(b"x", status="400 Bad"), ""),
    (answer(b"x", status="401 No"), "answers 401"),
    (answer(b"x", status="403 No"), "answers 403"),
    (answer(b"x", status="429 Often"), "answers 429"),
    (answer(b"x", status="500 Oh"), "answers 500"),
    (answer(b"x", status="503 Busy"), "answers 503"),
    (b"HTTP/1.1 ", "broke off"),
    (answer(b"x" * 600_000, kind="text/plain"), "is longer than"),
    (redirect("/robots.txt"), "in a circle"),
]


@table("said, why", ANSWERS)
def test_what_an_answer_for_robots_txt_means(web: Web, said: bytes, why: str) -> None:
    web.on("/robots.txt", said)
    judge = robots_of(web)
    web.requests.clear()
    for _ in range(2):
        with pytest.raises(SourceError, match=why) if why else nullcontext():
            judge.check(web.url("/a"), False)
    assert len(web.requests) == 1


def test_a_server_is_asked_once_a_day_and_then_conditionally(web: Web) -> None:
    origin = web.url("").rstrip("/")
    web.on("/robots.txt", answer(b"User-agent: *\nDisallow: /a", 'ETag: "1"', kind="text/plain"))
    first = robots_of(web)
    with pytest.raises(NotForPrograms):
        first.check(web.url("/a"), False)
    stored = first.fresh[origin]
    assert stored == RobotsFile("User-agent: *\nDisallow: /a", NOW, '"1"')
    for age, requests in ((timedelta(hours=23), 0), (timedelta(hours=25), 1), (-timedelta(hours=25), 1)):
        before = len(web.requests)
        again = robots_of(web, {origin: RobotsFile(stored.rules, NOW - age, stored.etag)})
        with pytest.raises(NotForPrograms):
            again.check(web.url("/a"), False)
        again.check(web.url("/b"), False)
        assert len(web.requests) - before == requests

    def unchanged(conn: socket.socket, head: str) -> None:
        assert 'If-None-Match: "1"' in head
        conn.sendall(answer(b"", status="304 Not Modified"))

    web.on("/robots.txt", unchanged)
    later = robots_of(web, {origin: RobotsFile(stored.rules, NOW - timedelta(days=2), stored.etag)})
    with pytest.raises(NotForPrograms):
        later.check(web.url("/a"), False)
    assert later.fresh[origin] == stored


def test_a_page_that_redirects_to_a_forbidden_one_is_not_read(web: Web) -> None:
    web.on("/robots.txt", answer(b"User-agent: *\nCrawl-delay: 5\nDisallow: /forbidden", kind="text/plain"))
    web.on("/here", redirect("/forbidden"))
    web.on("/there", redirect("/page"))
    web.on("/page", PAGE)
    judge = robots_of(web)
    assert judge.delay(web.url("/here")) == 0  # not asked yet
    pages = fetcher(web).variant(Limits(gap=0), "text/html", judge.check)
    assert pages.fetch(web.url("/there")).body == b"<html>Words</html>"
    with pytest.raises(NotForPrograms):
        pages.fetch(web.url("/here"))
    asked = [request.split(" ", 2)[1] for request in web.requests]
    assert asked == ["/robots.txt", "/there", "/page", "/here"]
    assert "Accept: text/html" in web.requests[1] and judge.delay(web.url("/here")) == 5
