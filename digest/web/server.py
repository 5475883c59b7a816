"""Listen for the web application, so that slow or idle clients take neither its connections, its files nor its log.

uvicorn limits neither how long a request may take to arrive nor how many connections are open, so its protocol is
given both limits here.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from digest.errors import WrongUse
from digest.system import stopping
from digest.system.json_log import json_handlers

_MOST = 1_000  # connections
_MOST_FORMS = 1_000  # of log messages
# Files that are not for connections: each connection to the database has three, and some batches of `_BATCH` may be
# accepted before the first of them is counted.
_RESERVED = 128
_LEAST = 16
_BATCH = 16  # connections that asyncio accepts at a time
_QUEUE = 1_024  # connections that wait in the kernel to be accepted


class LimitedProtocol(H11Protocol):
    """Serve a connection whose client must send and read without long pauses.

    A connection is cut when the head of a request is not there `head_seconds` after the connection was opened or the
    last answer given, or when the answer has not been taken `whole_seconds` after the head. When there are too many
    connections, a new one takes the place of the one that has waited longest for its client, of the address with the
    most of them.
    """

    head_seconds: ClassVar[float] = 10.0
    whole_seconds: ClassVar[float] = 90.0
    most: ClassVar[int | None] = None  # connections; None: as many as `most_connections` tells
    _cut: asyncio.TimerHandle | None = None
    _timed: object = None  # the request whose time is running
    _since = 0.0  # when it began to wait for its client

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection, and make room for it."""
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > (self.most or most_connections()):
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of a connection that has ended."""
        if self._cut is not None:
            self._cut.cancel()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Act on the bytes that have come; with the head of a request, the time for the whole of it begins."""
        super().handle_events()
        if self.cycle is not self._timed:
            self._timed = self.cycle
            self._cut_in(self.whole_seconds)

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to take the rest of the answer."""
        self._await_head()
        super().on_response_complete()

    @property
    def waits_for_client(self) -> bool:
        """Return whether the next step is the client's: to send a request, or to read an answer."""
        cycle = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body or self.flow.write_paused

    @property
    def address(self) -> str:
        """Return the client's address, or "" when it has gone already."""
        return self.client[0] if self.client else ""

    def _await_head(self) -> None:
        self._since = self.loop.time()
        self._cut_in(self.head_seconds)

    def _cut_in(self, seconds: float) -> None:
        if self._cut is not None:
            self._cut.cancel()
        self._cut = self.loop.call_later(seconds, self._abort)

    def _abort(self) -> None:
        # Not close, because that waits for the client to read what was written.
        self.transport.abort()
        self.connections.discard(self)

    def _make_room(self) -> None:
        """Cut the connection that has waited longest, of the address with the most; this one waits too."""
        waiting = [c for c in self.connections if isinstance(c, LimitedProtocol) and c.waits_for_client]
        ((address, _),) = Counter(connection.address for connection in waiting).most_common(1)
        min((c for c in waiting if c.address == address), key=lambda c: c._since)._abort()


class Repeats(logging.Filter):
    """Pass at most `most` messages of one form in `seconds`, then count them, so that no client can fill a disk."""

    def __init__(self, most: int = 10, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._most, self._seconds, self._clock = most, seconds, clock
        self._counts: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is written; the first one after a pause tells how many were not."""
        # Its first line without the arguments, because those differ from one client to the next.
        form = f"{record.name} {str(record.msg).partition(chr(10))[0][:100]}"
        now = self._clock()
        began, count = self._counts.pop(form, (now, 0))
        if now - began >= self._seconds:
            if count > self._most:
                record.msg = f"{record.msg} ({count - self._most} more like this since)"
            began, count = now, 0
        if len(self._counts) >= _MOST_FORMS:
            self._counts.clear()
        self._counts[form] = (began, count + 1)
        return count < self._most


@cache
def most_connections() -> int:
    """Return how many connections this process may have open, by the number of files that it may open."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if files == resource.RLIM_INFINITY else max(_LEAST, min(_MOST, files - _RESERVED))


def serve_app(
    app: ASGIApp, host: str, port: int, tell: Callable[[str], None], opened: Callable[[str], str] = str
) -> None:
    """Answer on `host` and `port` (0: any free one) until a stop is requested.

    `tell` gets a line with the address, as `opened` completes it.

    Raises WrongUse when nothing can listen there.
    """
    handlers = json_handlers() or [logging.StreamHandler()]
    handlers[0].addFilter(Repeats())
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", handlers=handlers)
    # No access log, because the addresses of the pages hold tokens.
    config = uvicorn.Config(
        app, host=host, port=port, http=LimitedProtocol, ws="none", loop="asyncio", lifespan="off", backlog=_BATCH,
        log_config=None, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=20,
    )  # fmt: skip
    try:
        listening = config.bind_socket()
    except SystemExit:
        raise WrongUse(f"{host} port {port}: cannot listen there; choose another --host or --port") from None
    listening.listen(_QUEUE)  # before the address is told, because whoever reads it may connect at once
    address = f"http://{host}:{listening.getsockname()[1]}"
    tell(f"listening on {opened(address)}")
    server = _Server(config)

    def stop() -> None:
        server.should_exit = True

    with stopping.telling(stop):
        server.run(sockets=[listening])


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # uvicorn has one figure for both queue and batch; a batch as large as a good queue takes all free files.
        for listening in sockets or []:
            listening.listen(_QUEUE)
