"""Feeds that behave through a day as real ones do: most stay as they are, some bring news, are slow, fail, or move.

A feed knows the hour by how often it was asked, because the clock of the program is not the clock of the servers.
"""

from __future__ import annotations

import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.sources.webserver import Script, Web, answer, redirect

QUARTERS = 4  # visits an hour
AREAS, REGIONS = ("housing", "transport"), ("Wales", "London", "Scotland")
# Of 20 feeds each; the others stay as they are, and answer 304 who knows their ETag.
NEWS, READ_PAGES, SLOW, FAILING, MOVED, GONE, PLAIN, CUT, BROKEN = (0, 1, 2), 2, 3, 4, 5, 6, 7, 8, 9
_SLOW = 0.2  # seconds
_GONE_IN = 40  # of so many feeds, one goes
_TAG = re.compile(r"^if-none-match: (.*)\r$", re.IGNORECASE | re.MULTILINE)


class DayFeed:
    """One feed, which lives for `visits` visits."""

    def __init__(self, number: int, web: Web, host: str, visits: int) -> None:
        self.name, self.url = f"Feed {number}", f"http://{host}:{web.port}/feed/{number}"
        self.asked, self.statuses = 0, Counter[int]()
        self._number, self._way, self._visits = number, number % 20, visits
        self._web, self._host = web, host
        self._entries = 0
        self._add_entries(3)
        web.on(f"/feed/{number}", self._answer)
        web.on(f"/new/{number}", self._answer)

    def source(self) -> str:
        """Return the [[source]] table of the feed."""
        pages = '\nfull_text = "all"' if self._way == READ_PAGES else ""
        return f'[[source]]\nname = "{self.name}"\nurl = "{self.url}"\nallow_private = true{pages}\n'

    def _add_entries(self, count: int) -> None:
        for _ in range(count):
            self._entries += 1
            text = f"<h1>{self._title(self._entries)}</h1>{f'<p>{self._text(self._entries)}</p>' * 3}"
            page = f"<html><title>t</title><body><article>{text}</article></body></html>".encode()
            self._web.on(f"/page/{self._number}/{self._entries}", answer(page, kind="text/html"))

    def _title(self, entry: int) -> str:
        return f"Lesson {entry} of place {self._number}"

    def _text(self, entry: int) -> str:
        area, region = self._facets(entry)
        return f"What {region} learnt of {area}, for the {entry}th time. {'It went on, and on. ' * 30}"

    def _facets(self, entry: int) -> tuple[str, str]:
        return AREAS[(self._number + entry) % 2], REGIONS[(self._number + entry) % 3]

    def _body(self) -> bytes:
        items = ""
        for entry in range(self._entries, max(0, self._entries - 20), -1):
            area, region = self._facets(entry)
            items += (
                f"<item><guid>f{self._number}e{entry}</guid><title>{self._title(entry)}</title>"
                f"<link>http://{self._host}:{self._web.port}/page/{self._number}/{entry}</link>"
                f"<category>{area}</category><category>{region}</category>"
                f"<description>{self._text(entry)}</description></item>"
            )
        return f'<rss version="2.0"><channel><title>{self.name}</title>{items}</channel></rss>'.encode()

    def _is_within(self, begin: float, end: float) -> bool:
        """Return whether the feed has lived for this share of its day."""
        return begin <= self.asked / self._visits < end

    def _answer(self, conn: socket.socket, head: str) -> None:
        said = self._words(head)
        self.asked += 1
        self.statuses[int(said[9:12]) if said else 0] += 1
        conn.sendall(said)

    def _words(self, head: str) -> bytes:
        """Return the whole answer to a request; b"" for a server that hangs up."""
        way = self._way
        if way in NEWS and self.asked and self.asked % (QUARTERS + way) == 0:
            self._add_entries(1)
        if way == SLOW:
            time.sleep(_SLOW)
        if way == FAILING and self._is_within(0.3, 0.5):
            waits = ("Retry-After: 3600",) if self._number % 40 == FAILING else ()
            return answer(b"busy", *waits, status="503 Service Unavailable", kind="text/plain")
        if way == MOVED and self._is_within(0.2, 2) and head.startswith("GET /feed/"):
            there = f"http://{self._host}:{self._web.port}/new/{self._number}"
            return redirect(there, status="301 Moved Permanently")
        if self._number % _GONE_IN == GONE and self._is_within(0.4, 2):
            return answer(b"gone", status="410 Gone", kind="text/plain")
        if way == CUT and self._is_within(0.6, 0.7):
            return b""
        if way == BROKEN and self._is_within(0.5, 0.6):
            return answer(b"<html><body>We are rebuilding our site.</body></html>", kind="text/html")
        tag = f'"{self._number}-{self._entries}"'
        known = _TAG.search(head)
        if way != PLAIN and known and known[1] == tag:
            return f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\nConnection: close\r\n\r\n".encode()
        return answer(self._body(), *(() if way == PLAIN else (f"ETag: {tag}",)))


@contextmanager
def day_of_feeds(count: int, hosts: int, visits: int) -> Iterator[list[DayFeed]]:
    """Serve feeds on hosts of this machine, 127.0.0.2 and so on, because requests to one host wait for each other."""
    names = [f"127.0.0.{number + 2}" for number in range(hosts)]
    webs = [Web(address=name) for name in names]
    for web in webs:
        web.on("/robots.txt", answer(b"", status="404 Not Found", kind="text/plain"))
    try:
        yield [DayFeed(n, webs[n % hosts], names[n % hosts], visits) for n in range(count)]
    finally:
        for web in webs:
            web.close()


def watcher(web: Web, signals: Counter[str]) -> str:
    """Let a server count the pings of runs in `signals`, by what they say; return the address for config.toml."""

    def counted(name: str) -> Script:
        def script(conn: socket.socket, _head: str) -> None:
            signals[name] += 1
            conn.sendall(answer(b"OK", kind="text/plain"))

        return script

    for path in ("", "/start", "/log", "/fail", *(f"/{code}" for code in (1, 2, 4, 75))):
        web.on(f"/ping{path}", counted(path.strip("/") or "well"))
    return web.url("/ping", host="127.0.0.1")
