"""A network connection whose every step is given no more time than is left: who answers by the drop gains nothing."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import httpcore2

# The seconds that are left, no more than those asked (None: as many as there are); raises when there are none,
# the error given if it has no better one.
Left = Callable[[float | None, type[Exception]], float]


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
