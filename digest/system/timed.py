"""Hold every step of a network connection to the time that is left: a peer gains nothing by answering slowly."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable

import httpcore2

# The seconds that are left, no more than those asked (None: as many as there are); raises when there are none,
# the error given if it has no better one.
Left = Callable[[float | None, type[Exception]], float]
# Dials an address in at most these seconds.
Connect = Callable[[str, float | None], httpcore2.NetworkStream]


class TimedStream(httpcore2.NetworkStream):
    """`stream`, each step of which takes no longer than `left` says when it begins. Errors are httpcore2's."""

    def __init__(self, stream: httpcore2.NetworkStream, left: Left) -> None:
        self._stream = stream
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what comes next, b"" at the end."""
        return self._stream.read(max_bytes, self._left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self._stream.write(buffer, self._left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Return the connection over TLS, held to the same time."""
        left = self._left(timeout, httpcore2.ConnectTimeout)
        return self.over(self._stream.start_tls(ssl_context, server_hostname, left))

    def over(self, stream: httpcore2.NetworkStream) -> TimedStream:
        """Return the same for another stream below."""
        return TimedStream(stream, self._left)

    def get_extra_info(self, info: str) -> object:
        """Return what is known of the connection."""
        return self._stream.get_extra_info(info)


class TimedBackend(httpcore2.NetworkBackend):
    """Dials for httpcore2; dialling, and every later step, takes no longer than `left` says when it begins.

    A room that has a say in what is dialled overrides `dial`; nothing is dialled but through it.
    """

    def __init__(self, left: Left) -> None:
        self._left = left
        self._dialler = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Return a connection to `host`, as `dial` makes it."""

        def connect(address: str, at_most: float | None) -> httpcore2.NetworkStream:
            left = self._left(at_most, httpcore2.ConnectTimeout)
            return self.over(self._dialler.connect_tcp(address, port, left, local_address, socket_options))

        return self.dial(host, port, timeout, connect)

    def dial(self, host: str, port: int, timeout: float | None, connect: Connect) -> httpcore2.NetworkStream:
        """Return `connect(address, seconds)` for the address to dial. Errors are httpcore2's."""
        del port
        return connect(host, timeout)

    def over(self, stream: httpcore2.NetworkStream) -> TimedStream:
        """Return a new connection, held to the time that is left."""
        return TimedStream(stream, self._left)
