"""Fetch one feed or page over http(s) from a server that is not trusted."""

from __future__ import annotations

import copy
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpcore2

from digest.errors import SourceError
from digest.sources.links import absolute_link
from digest.sources.web import answers
from digest.sources.web.cookies import Cookies
from digest.sources.web.guard import (
    Allowed,
    Deadline,
    Endpoint,
    GuardedBackend,
    Resolver,
    endpoint,
    is_public,
    system_resolver,
    why_not_fetchable,
)
from digest.sources.web.login import Login
from digest.sources.web.politeness import Turns
from digest.sources.web.unpack import Unpacker

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)
_HEADER_ROOM = 256 * 1024
Check = Callable[[str, bool], None]  # an address to be asked, and whether it may be private; raises SourceError
# Limit the pieces, because 10 MB in pieces of one byte take 11 s of processor time, and no child's limit holds here.
_MAX_PIECES = 100_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Limit one fetch: seconds for all of it, bytes (on the wire and unpacked), redirects.

    `gap` is the pause in seconds between two requests to one host.
    """

    seconds: float = 10.0
    bytes: int = 10_000_000
    redirects: int = 5
    gap: float = 0.25


@dataclass(frozen=True, slots=True)
class Fetched:
    """Hold the answer to one fetch.

    `status` is "ok" or "not-modified" (then `body` is empty); `url` is where the body came from;
    `moved_to` is the address that permanent redirects (301, 308) alone led to, or None.
    """

    status: str
    body: bytes
    content_type: str
    url: str
    etag: str | None
    last_modified: str | None
    moved_to: str | None


class Fetcher:
    """Fetch feeds, pages and robots.txt; one fetcher serves a whole run and any number of threads.

    `resolver` and `allowed` decide which addresses a name has and which may be dialled; `tls` is the
    trust store; `clock` gives the present as an aware datetime (for Retry-After dates). Set `turns` to take
    those at hosts with other processes, and `proxy` to an http address to ask through that server. A source at a
    private address that config allows is asked directly all the same.
    """

    def __init__(
        self,
        limits: Limits,
        user_agent: str,
        *,
        resolver: Resolver = system_resolver,
        allowed: Allowed = is_public,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._limits = limits
        self._user_agent = user_agent
        self._resolver = resolver
        self._allowed = allowed
        self._tls = cache(lambda: tls or httpcore2.default_ssl_context())  # once, because to load it takes a while
        self._tls_lock = threading.Lock()
        self._clock = clock
        self.turns = Turns(limits.gap)
        self.proxy = ""
        self._accept = ACCEPT
        self._check: Check = lambda _url, _private: None

    def variant(self, limits: Limits, accept: str, check: Check | None = None) -> Self:
        """Return a fetcher of something else, with limits of its own, that takes its turns at hosts with this one.

        `accept` is the header of that name; `check` is called before each request, also where it is redirected to.
        """
        other = copy.copy(self)
        other._limits, other._accept, other._check = limits, accept, check or self._check
        return other

    def fetch(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        allow_private: bool = False,
        login: Login | None = None,
    ) -> Fetched:
        """Return the answer of `url`, asked conditionally when validators are given.

        `login` is given to its own service alone, and a cookie that a redirect sets to the host that set it.
        Raises SourceError for every answer but a body or a 304 that was asked for; `retry_after` (seconds) and `gone`
        say what the publisher asked. The caller keeps its old validators then.
        """
        target = absolute_link(url, None)
        if target is None:
            raise SourceError(why_not_fetchable(url, allow_private=True))
        exempt = endpoint(target) if allow_private else None
        visit = _Visit(answers.conditions(etag, last_modified), Deadline(self._limits.seconds), exempt, login)
        moved_to, permanent = None, True
        seen = {(target, "")}
        for _ in range(self._limits.redirects + 1):
            self._check(target, exempt == endpoint(target))
            answer = self._ask(target, visit)
            if isinstance(answer, _Body):
                return answer.fetched(target, moved_to, etag, last_modified)
            permanent = permanent and answer.permanent
            step = answer.target, visit.cookies.header(answer.target)
            if step in seen:
                raise SourceError(
                    f"{answers.without_query(target)} redirects in a circle; check the address of the source"
                )
            seen.add(step)
            # Follow a redirect from https to http, but do not adopt it, because every later fetch would be open to
            # view.
            permanent = permanent and not (target.startswith("https:") and answer.target.startswith("http:"))
            target = answer.target
            moved_to = target if permanent else moved_to
        raise SourceError(
            f"{answers.without_query(url)} redirects more than {self._limits.redirects} times; give the final address"
        )

    def page_status(self, url: str, seconds: float, *, allow_private: bool = False) -> int | None:
        """Return the status that a page answers after its redirects; None when there is no answer in `seconds`.

        Asks with HEAD, and with GET when HEAD is not known or says that the page is gone, because some servers answer
        HEAD wrongly. No body is read.
        """
        target, method, deadline = absolute_link(url, None), "HEAD", Deadline(seconds)
        exempt = endpoint(target) if allow_private and target else None
        for _ in range(self._limits.redirects + 2):
            if target is None:
                return None
            try:
                status, location = self._status(method, target, deadline, exempt)
            except (SourceError, *answers.TIMEOUTS, *answers.TRANSPORT_ERRORS):
                return None
            if status in answers.REDIRECTS:
                target = absolute_link(location, target)
            elif method == "HEAD" and status in answers.ASK_AGAIN:
                method = "GET"
            else:
                return status
        return None

    def _status(self, method: str, url: str, deadline: Deadline, exempt: Endpoint | None) -> tuple[int, str]:
        """Send one request and return its status and where it redirects to; raises what the connection raises."""
        with self.turns.turn(urlsplit(url).hostname or "", deadline.seconds) as waited:
            deadline.shift(waited)
            backend = self._backend(url, deadline, exempt, _HEADER_ROOM)
            headers = {"Accept": "*/*"}
            with self._response(backend, method, url, headers) as response:
                return response.status, answers.header(response.headers, "location")

    def _ask(self, url: str, visit: _Visit) -> _Body | _Redirect:
        """Send one request and judge its answer; raises SourceError."""
        deadline = visit.deadline
        with self.turns.turn(urlsplit(url).hostname or "", deadline.seconds) as waited:
            deadline.shift(waited)
            try:
                backend = self._backend(url, deadline, visit.exempt, self._limits.bytes + _HEADER_ROOM)
                headers = {"Accept": self._accept, "Accept-Encoding": "gzip", **visit.headers(url)}
                with self._response(backend, "GET", url, headers) as response:
                    return self._judge(response, url, visit)
            except SourceError as error:
                raise _at(url, error) from None
            except answers.TIMEOUTS:
                raise SourceError(f"{answers.without_query(url)}: {deadline.reason()}") from None
            except answers.TRANSPORT_ERRORS as error:
                raise SourceError(f"{answers.without_query(url)}: {answers.transport_reason(error)}") from None

    def _backend(self, url: str, deadline: Deadline, exempt: Endpoint | None, room: int) -> GuardedBackend:
        """Return what connects to the server of `url`, or to the proxy once that server is judged."""
        backend = GuardedBackend(deadline, self._resolver, self._allowed, exempt, room)
        if not self.proxy or exempt == endpoint(url):
            return backend
        backend.judge_name(*endpoint(url))
        backend = GuardedBackend(deadline, self._resolver, self._allowed, endpoint(self.proxy), room)
        backend.proxy = self.proxy
        return backend

    def _judge(self, response: httpcore2.Response, url: str, visit: _Visit) -> _Body | _Redirect:
        status, headers = response.status, response.headers
        if status in answers.REDIRECTS:
            visit.cookies.take(url, headers)
            target = absolute_link(answers.header(headers, "location"), url)
            if target is None:
                raise SourceError(
                    f"redirects ({status}) to no http or https address; check the address of the source"
                )
            return _Redirect(target, permanent=status in answers.PERMANENT)
        if status == 304:
            if not visit.conditions:
                raise SourceError("answers 304 (not modified) though no earlier copy was named; tell its publisher")
            return _Body("not-modified", b"", headers)
        if status == 401:
            raise answers.unauthorised(headers, self._clock(), visit.login is not None, visit.is_known_to(url))
        if status not in (200, 203):
            raise answers.refusal(status, headers, self._clock())
        unpacker = Unpacker(self._limits.bytes, answers.codings(headers))
        assert isinstance(response.stream, Iterable)
        for number, piece in enumerate(response.stream):
            if number >= _MAX_PIECES:
                raise SourceError(f"comes in more than {_MAX_PIECES:,} pieces; tell its publisher to send it whole")
            unpacker.feed(piece)
        body = unpacker.finish()
        if not body.strip():
            raise SourceError("answers with nothing; it is asked again next time", status=status)
        return _Body("ok", body, headers)

    @contextmanager
    def _response(
        self, backend: GuardedBackend, method: str, url: str, headers: dict[str, str]
    ) -> Iterator[httpcore2.Response]:
        """Send one request over a connection of its own, which the backend opens; yield the answer, its body unread.

        The connection is not kept, because most hosts have a single source, and the next request has other limits.
        """
        target = _target(url)
        every = {"Host": _host_header(url), "User-Agent": self._user_agent, "Connection": "keep-alive", **headers}
        request = httpcore2.Request(method, target, headers=list(every.items()), content=b"")
        connection: httpcore2.HTTPProxy | httpcore2.HTTPConnection
        if backend.proxy:
            connection = httpcore2.HTTPProxy(backend.proxy, ssl_context=self._trust(url), network_backend=backend)
        else:
            connection = httpcore2.HTTPConnection(target.origin, self._trust(url), network_backend=backend)
        with closing(connection), closing(connection.handle_request(request)) as response:
            yield response

    def _trust(self, url: str) -> ssl.SSLContext | None:
        if not url.startswith("https:"):
            return None
        with self._tls_lock:
            return self._tls()


@dataclass(frozen=True, slots=True)
class _Visit:
    """Hold what one fetch sends at each step of its redirects."""

    conditions: dict[str, str]
    deadline: Deadline
    exempt: Endpoint | None
    login: Login | None
    cookies: Cookies = field(default_factory=Cookies)

    def is_known_to(self, url: str) -> bool:
        """Return whether the login goes to `url`."""
        return self.login is not None and self.login.is_for(url)

    def headers(self, url: str) -> dict[str, str]:
        """Return the headers of the request for `url` that others do not have."""
        cookie = self.cookies.header(url)
        login = {"Authorization": self.login.header} if self.login and self.is_known_to(url) else {}
        return {**self.conditions, **({"Cookie": cookie} if cookie else {}), **login}


@dataclass(frozen=True, slots=True)
class _Redirect:
    target: str
    permanent: bool


@dataclass(frozen=True, slots=True)
class _Body:
    status: str
    body: bytes
    headers: answers.Headers

    def fetched(self, url: str, moved_to: str | None, etag: str | None, last_modified: str | None) -> Fetched:
        new_etag = answers.validator(self.headers, "etag")
        new_modified = answers.validator(self.headers, "last-modified")
        if self.status == "not-modified":  # a 304 may repeat the validators or leave them out
            new_etag, new_modified = new_etag or etag, new_modified or last_modified
        content_type = answers.header(self.headers, "content-type")[:200]
        return Fetched(self.status, self.body, content_type, url, new_etag, new_modified, moved_to)


def _target(url: str) -> httpcore2.URL:
    """Return an address as it is asked for, whole but for its fragment."""
    parts = urlsplit(url)
    if "/." in parts.path and not parts.path.startswith("//"):
        # Take dots out of the path as browsers do, because some servers refuse them.
        parts = urlsplit(urljoin(url, parts.path + (f"?{parts.query}" if parts.query else "")))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # In its parts, because httpcore2 drops ";" and what follows from the path of an address in one piece.
    return httpcore2.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=path)


def _host_header(url: str) -> str:
    """Return the host as a request names it: without the port that its scheme has anyway."""
    parts = urlsplit(url)
    return parts.netloc.removesuffix(":443" if parts.scheme == "https" else ":80")


def _at(url: str, error: SourceError) -> SourceError:
    return SourceError(f"{answers.without_query(url)}: {error}", retry_after=error.retry_after, status=error.status)
