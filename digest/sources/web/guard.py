"""Guard every connection that fetching opens: public addresses only, two ports, one deadline.

httpcore2 asks a backend for connections. This backend resolves the name, judges every address, and dials exactly the
address that it judged, so that neither a redirect nor a name with changing addresses reaches a private network.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import httpcore2

from digest.errors import SourceError, without_secrets
from digest.sources.links import absolute_link
from digest.system.timed import Connect, TimedBackend, TimedStream

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]
Allowed = Callable[[Address, int], bool]
Endpoint = tuple[str, int]  # a host and a port

PORTS = frozenset({80, 443})
_CONNECT_SECONDS = 5.0
_NAME_SECONDS = 3.0  # to look up a name that a proxy will look up again
# Names that only mean something inside a network (RFC 6761, RFC 6762, RFC 8375), and those by custom.
_INSIDE = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home", ".corp", ".home.arpa")
# Give up below the speed of a modem, because such a server takes a worker that could read other sources meanwhile.
_DRIP_SECONDS = 5.0
_DRIP_RATE = 1_000  # bytes a second
_DROP = 100  # bytes: a slow line brings fewer pieces, not smaller pieces
_DROPS = 10

# Refused beside what is_global refuses, because Python 3.11 calls several of these global.
_DENIED_4 = tuple(
    ipaddress.IPv4Network(net)
    for net in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    )
)  # fmt: skip
# Only this block is in public use; other blocks embed IPv4 or stay local (64:ff9b::, ::ffff:, fc00::, fec0:: …).
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_DENIED_6 = tuple(
    ipaddress.IPv6Network(net)
    for net in ("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20")
)  # fmt: skip


def endpoint(url: str) -> Endpoint:
    """Return the host and port that an absolute http(s) address leads to."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def why_not_fetchable(url: str, *, allow_private: bool) -> str:
    """Return why no source can be fetched from `url`, with the cure, or ""; names are not looked up."""
    target = absolute_link(url, None)
    if target is None and re.search(r"@|%(?:25)*40", url.partition("://")[2].partition("/")[0]):
        return (
            "its address holds a user name or password, which is never sent and could be shown; take it out, and"
            " ask its publisher for an address that needs none"
        )
    if target is None:
        return f"{without_secrets(url)[:200]!r} is no http or https address that can be fetched; correct the url"
    host, port = endpoint(target)
    if allow_private or (port in PORTS and _may_be_public(host, port)):
        return ""
    return f"{host} port {port} is not a public web server; if it is yours, give the source allow_private = true"


def _may_be_public(host: str, port: int) -> bool:
    try:
        return is_public(ipaddress.ip_address(host), port)
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")


def is_public(address: Address, port: int) -> bool:
    """Return whether a source may be fetched from there: a public unicast address, port 80 or 443."""
    if port not in PORTS or not address.is_global:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in net for net in _DENIED_4)
    return address in _PUBLIC_6 and not any(address in net for net in _DENIED_6)


def system_resolver(host: str, port: int) -> list[str]:
    """Return every address of `host`, as the system resolves it. Raises OSError."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class Deadline:
    """Limit one fetch to a number of seconds; waiting for its turn at the host does not count."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self, at_most: float | None = None) -> float:
        """Return the seconds left (no more than `at_most`); SourceError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise SourceError(self.reason())
        return left if at_most is None else min(left, at_most)

    def shift(self, seconds: float) -> None:
        """Move the end by the seconds spent waiting."""
        self._end += seconds

    def reason(self) -> str:
        """Return one line for a source that was too slow."""
        return f"took longer than {self.seconds:g} s to answer in full; it is asked again next time"


class Flow:
    """Tell from the pieces of an answer whether it drips in; silence is left to the deadline."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._bytes = 0
        self._small = 0

    def is_drip(self, size: int, now: float) -> bool:
        """Return whether the answer has dripped in for too long, after a piece of `size` bytes at `now` (s)."""
        self._began = now if self._began is None else self._began
        self._bytes += size
        # Count small pieces in a row only, because a server that pauses between head and body sends few of them.
        self._small = self._small + 1 if size < _DROP else 0
        lasted = now - self._began
        return self._small >= _DROPS and lasted > _DRIP_SECONDS and self._bytes < _DRIP_RATE * lasted


class _UnknownName(SourceError):
    """Say that the name of a host could not be looked up."""


class GuardedBackend(TimedBackend):
    """Open connections that reach allowed addresses only and end at the deadline.

    `exempt` is the host and port of a source that config allows to be private (`allow_private`): the check of
    address and port is off for that service alone, not for where it redirects. `max_bytes` caps what one
    connection may bring in, headers included.
    """

    def __init__(
        self, deadline: Deadline, resolver: Resolver, allowed: Allowed, exempt: Endpoint | None, max_bytes: int
    ) -> None:
        super().__init__(lambda at_most, _late: deadline.left(at_most))
        self._deadline = deadline
        self._resolver = resolver
        self._allowed = allowed
        self._exempt = exempt
        self._max_bytes = max_bytes
        self.proxy = ""  # the address of the proxy that `exempt` is, where one is asked

    def judge_name(self, host: str, port: int) -> None:
        """Return when a proxy may be asked for a host; SourceError for one that is at a private address.

        A proxy looks names up by itself, often because this machine cannot. A name that is not known here is left
        to it, unless it is of a form that only means something inside a network.
        """
        host = host.strip("[]")
        try:
            self._judged(host, port, _NAME_SECONDS)
        except _UnknownName:
            if port in PORTS and "." in host and not host.endswith(_INSIDE):
                return
            raise SourceError(
                f"{host} port {port} is not a public web server; if it is yours, give the source allow_private = true"
            ) from None

    def dial(self, host: str, port: int, timeout: float | None, connect: Connect) -> httpcore2.NetworkStream:
        """Dial the first judged address that answers. SourceError when refused, OSError-like when away."""
        del timeout  # the deadline rules
        addresses = self._judged(host.strip("[]"), port)
        failure: Exception | None = None
        for address in addresses:
            try:
                return connect(str(address), _CONNECT_SECONDS)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        self._deadline.left()
        raise SourceError(f"{host} cannot be reached ({failure or 'no address'}); check the address or wait")

    def over(self, stream: httpcore2.NetworkStream) -> TimedStream:
        """Return a new connection, held to the deadline, the cap and the drip."""
        return _GuardedStream(stream, self._deadline, self._max_bytes)

    def _judged(self, host: str, port: int, at_most: float | None = None) -> list[Address]:
        addresses = []
        for text in self._resolve(host, port, at_most):
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                raise SourceError(f"{host} resolves to {text!r}, which is no address; check its name") from None
            # Refuse the name for one bad address, because a mix of public and private addresses is an attack.
            if (host, port) != self._exempt and not self._allowed(address, port):
                raise SourceError(
                    f"{host} port {port} leads to {address}, which is not a public web server; "
                    "if it is yours, give the source this address with allow_private = true"
                )
            addresses.append(address)
        if not addresses:
            raise _UnknownName(f"{host} has no address; check the name in the source's url")
        return addresses

    def _resolve(self, host: str, port: int, at_most: float | None) -> list[str]:
        """Look the name up in a thread, because the system's resolver knows no deadline."""
        with suppress(ValueError):
            return [str(ipaddress.ip_address(host))]  # an address needs no look-up
        answer: list[str] = []
        failure: list[Exception] = []

        def look_up() -> None:
            try:
                answer.extend(self._resolver(host, port))
            except (OSError, UnicodeError) as error:
                failure.append(error)

        thread = threading.Thread(target=look_up, name=f"resolve {host}", daemon=True)
        thread.start()
        thread.join(self._deadline.left(at_most))
        if thread.is_alive():
            raise _UnknownName(f"the name {host} was not resolved in time; check the name or the resolver")
        if failure:
            raise _UnknownName(f"the name {host} cannot be resolved ({failure[0]}); check the address of the source")
        return answer


class _GuardedStream(TimedStream):
    """Hold one connection to the deadline, the cap of bytes and the least speed."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline, room: int) -> None:
        super().__init__(stream, lambda at_most, _late: deadline.left(at_most))
        self._deadline = deadline
        self._room = room
        self._flow = Flow()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = super().read(max_bytes, timeout)
        self._room -= len(data)
        if self._room < 0:
            raise SourceError("sends without end; ask its publisher for a shorter feed")
        if self._flow.is_drip(len(data), time.monotonic()):
            raise SourceError("sends by the drop; it is asked again next time")
        return data

    def over(self, stream: httpcore2.NetworkStream) -> TimedStream:
        return _GuardedStream(stream, self._deadline, self._room)
