"""Limit every step of a network connection to the time that is left, so that a slow peer cannot hold it longer."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable

import httpcore2

# Returns the seconds that are left, at most the seconds asked for (None: all that are left). Raises when none are
# left: an error of the given type, or a more precise one.
Left = Callable[[float | None, type[Exception]], float]
# Connects to an address in at most the given seconds.
Connect = Callable[[str, float | None], httpcore2.NetworkStream]


class TimedStream(httpcore2.NetworkStream):
    """Wrap `stream` so that each step takes at most the seconds that `left` returns when it begins.

    Errors are httpcore2's.
    """

    def __init__(self, stream: httpcore2.NetworkStream, left: Left) -> None:
        self._stream = stream
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, at most `max_bytes`; b"" at the end."""
        return self._stream.read(max_bytes, self._left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of `buffer`."""
        self._stream.write(buffer, self._left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Return the connection over TLS, with the same limit."""
        left = self._left(timeout, httpcore2.ConnectTimeout)
        return self.over(self._stream.start_tls(ssl_context, server_hostname, left))

    def over(self, stream: httpcore2.NetworkStream) -> TimedStream:
        """Return another stream with the same limit."""
        return TimedStream(stream, self._left)

    def get_extra_info(self, info: str) -> object:
        """Return the detail `info` of the connection, such as "server_addr"."""
        return self._stream.get_extra_info(info)


class TimedBackend(httpcore2.NetworkBackend):
    """Connect for httpcore2; each step takes at most the seconds that `left` returns when it begins.

    Every connection goes through `dial`, so a subclass that must choose or refuse addresses overrides it.
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
        """Return a connection to `host` that `dial` opens."""

        def connect(address: str, at_most: float | None) -> httpcore2.NetworkStream:
            left = self._left(at_most, httpcore2.ConnectTimeout)
            return self.over(self._dialler.connect_tcp(address, port, left, local_address, socket_options))

        return self.dial(host, port, timeout, connect)

    def dial(self, host: str, port: int, timeout: float | None, connect: Connect) -> httpcore2.NetworkStream:
        """Connect to `host` in at most `timeout` seconds and return the stream. Errors are httpcore2's."""
        del port
        return connect(host, timeout)

    def over(self, stream: httpcore2.NetworkStream) -> TimedStream:
        """Return `stream` limited to the time that is left."""
        return TimedStream(stream, self._left)
