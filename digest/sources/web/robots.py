"""Ask the robots.txt of a server whether its pages may be read by a program (RFC 9309)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from protego import Protego

from digest.errors import SourceError
from digest.sources.web.fetch import Fetcher, Limits

ACCEPT = "text/plain, */*;q=0.1"
LIMITS = Limits(seconds=10.0, bytes=512_000)  # RFC 9309 asks for 500 KiB at least
# The name by which a robots.txt speaks of this program: that of its user agent, without the version.
PROGRAM = "learning-digest"
_FOR = timedelta(days=1)
_LINE = re.compile(r"\s*(user-agent|allow|disallow|crawl-delay)\s*:\s*(.*)", re.IGNORECASE)
_AGENT = re.compile(r"[a-z_-]+|\*", re.IGNORECASE)  # the part of a user agent that names a program
# Of the answers 400 to 499 these mean that it may not be read; the others, that there is none.
_REFUSALS = frozenset({401, 403, 429})


@dataclass(frozen=True, slots=True)
class RobotsFile:
    """Hold the robots.txt of a server as it was read at an instant; `rules` "": it has none."""

    rules: str
    asked_at: datetime
    etag: str | None = None


class NotForPrograms(SourceError):
    """Say that a page's own server lets no program read it."""


class Robots:
    """Judge addresses by the robots.txt of their servers; for one run and any number of threads.

    `remembered` has those read before, by origin; `fresh` those read in this run, to be stored. A server is asked
    again after a day.
    """

    def __init__(self, fetcher: Fetcher, remembered: Mapping[str, RobotsFile], now: datetime) -> None:
        self.fresh: dict[str, RobotsFile] = {}
        self._fetcher = fetcher
        self._remembered = remembered
        self._now = now
        self._rules: dict[str, Protego | SourceError] = {}

    def check(self, url: str, private: bool) -> None:
        """Return when `url` may be read; `private`: it may be at a private address.

        Raises NotForPrograms when it may not, SourceError when that cannot be asked in this run.
        """
        rules = self._rules_for(url, private)
        if isinstance(rules, SourceError):
            raise rules
        try:
            may = rules.can_fetch(url, PROGRAM)
        except ValueError:  # of an address that cannot be taken apart
            may = False
        if not may:
            raise NotForPrograms(f"the robots.txt of {urlsplit(url).netloc} lets no program read it")

    def delay(self, url: str) -> int:
        """Return the seconds that a server wants between two requests, as far as it was asked."""
        rules = self._rules.get(origin(url))
        return int(rules.crawl_delay(PROGRAM) or 0) if isinstance(rules, Protego) else 0

    def _rules_for(self, url: str, private: bool) -> Protego | SourceError:
        server = origin(url)
        if server not in self._rules:
            try:
                self._rules[server] = parsed(self._read(server, private).rules)
            except SourceError as error:
                self._rules[server] = error
        return self._rules[server]

    def _read(self, server: str, private: bool) -> RobotsFile:
        """Return the robots.txt of a server, asked unless it was read within the day. Raises SourceError."""
        before = self._remembered.get(server)
        # Look to both sides, because a clock that was set back must not make it last until it catches up.
        if before is not None and abs(self._now - before.asked_at) < _FOR:
            return before
        try:
            answer = self._fetcher.fetch(
                f"{server}/robots.txt", etag=before.etag if before else None, allow_private=private
            )
        except SourceError as error:
            if not _is_missing(error.status):
                raise
            self.fresh[server] = RobotsFile("", self._now)
        else:
            unchanged = before is not None and answer.status == "not-modified"
            rules = before.rules if before and unchanged else answer.body.decode("utf-8-sig", "replace")
            self.fresh[server] = RobotsFile(rules.replace("\0", ""), self._now, answer.etag)
        return self.fresh[server]


def origin(url: str) -> str:
    """Return the scheme, host and port of an address: what one robots.txt speaks for."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def parsed(rules: str) -> Protego:
    """Return the rules of a robots.txt for this program; lines that say nothing to it are left out. Pure."""
    lines = []
    for match in filter(None, map(_LINE.match, rules.splitlines())):
        key, value = match[1].lower(), match[2]
        if key == "user-agent":
            # All others by one name, because the parser keeps the rules of each, and a file may name many thousands.
            agent = _AGENT.match(value)
            value = agent[0].lower() if agent and agent[0].lower() in (PROGRAM, "*") else "other"
        lines.append(f"{key}: {value}")
    return Protego.parse("\n".join(lines))


def _is_missing(status: int | None) -> bool:
    """Return whether an answer that brought no robots.txt says that there is none, as an empty one (200) does."""
    return status is not None and status < 500 and status not in _REFUSALS
