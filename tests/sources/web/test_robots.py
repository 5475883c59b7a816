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
    ("User-agent: *\nDisallow: /\nAllow: /a", "/a", True),  # the longest decides, wherever it stands
    ("User-agent: *\nAllow: /folder\nDisallow: /folder", "/folder/page", True),  # and of equals the one that allows
    ("User-agent: *\nAllow: /page\nDisallow: /*.htm", "/page.htm", False),
    ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf", False),
    ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf?b", True),
    ("User-agent: *\nAllow: /$\nDisallow: /", "/", True),
    ("User-agent: *\nAllow: /$\nDisallow: /", "/a", False),
    ("User-agent: *\nDisallow: /*ab$", "/ab/aab", False),
    ("User-agent: *\nDisallow: /a*a$", "/a", True),
    ("User-agent: *\nDisallow: /*?print=", "/a?print=1", False),
    ("User-agent: *\nDisallow: /*/private/*/a", "/b/private/c/a1", False),
    ("User-agent: *\nDisallow: /a\nUser-agent: x\nDisallow: /\nUser-agent: *\nDisallow: /b", "/b", False),
    ("User-agent: *\nSitemap: x\nDisallow: /", "/a", False),
    ("User-agent: learning-digest/1.0\nDisallow: /", "/a", False),
    ("User-agent: learning\nDisallow: /", "/a", True),
    ("User-agent: *\nDisallow: /caf\u00e9", "/caf%c3%a9/a", False),
    ("User-agent: *\r\nDisallow: /a\rAllow: /ab", "/abc", True),
]


@table("lines, path, may", RULES)
def test_the_rules_of_a_robots_txt(lines: str, path: str, may: bool) -> None:
    assert robots.parsed(lines).can_fetch(f"https://a.example{path}", robots.PROGRAM) is may


@table(
    "lines",
    [
        "User-agent: *\n" + "Disallow: /*a*a*a*a*a*a*a*a*b\n" * 15_000,
        "User-agent: *\nDisallow: " + "*a" * 250_000 + "b",
        "".join(f"User-agent: a{number}\n" for number in range(16_000)) + "Disallow: /\n" * 15_000,
    ],
)
def test_no_file_of_half_a_megabyte_takes_long(lines: str) -> None:
    """Without a limit of time: a matcher that tries again where a part fits, or keeps all agents, would not end."""
    assert robots.parsed(lines).can_fetch(f"https://a.example/{'a' * 2_000}", robots.PROGRAM)


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
