"""A loopback web that says exactly what a test scripts, byte by byte, and a socket hook that sees who is dialled."""

from __future__ import annotations

import gzip
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from digest.sources.web.fetch import Fetcher, Limits
from digest.sources.web.guard import is_public

FEED = (
    b'<?xml version="1.0"?><rss version="2.0"><channel><title>Sample</title><link>https://sample.example/</link>'
    b"<item><guid>a1</guid><title>One</title><link>https://sample.example/one</link></item>"
    b"<item><guid>a2</guid><title>Two</title><link>https://sample.example/two</link></item>"
    b"</channel></rss>"
)
Script = Callable[[socket.socket, str], None]
_connects: list[tuple[Any, ...]] | None = None
_hooked = False


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _connects is not None:
        _connects.append(args[1])


@contextmanager
def dialled() -> Iterator[list[tuple[Any, ...]]]:
    """Every address that this process connects to meanwhile."""
    global _connects, _hooked
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    _connects = seen = []
    try:
        yield seen
    finally:
        _connects = None


class Web:
    """Scripts by path; requests and how many were open at once are kept."""

    def __init__(self, tls: Any = None, address: str = "127.0.0.1") -> None:
        self.scripts: dict[str, Script] = {}
        self.requests: list[str] = []
        self.open_at_once = 0
        self._open = 0
        self._lock = threading.Lock()
        self._tls = tls
        web = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError):
                    web._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass

        self._server = Server((address, 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str = "/feed", host: str = "feeds.example", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def on(self, path: str, script: Script | bytes) -> str:
        """Script one path and return its address."""
        self.scripts[path] = (lambda conn, _head: conn.sendall(script)) if isinstance(script, bytes) else script
        return self.url(path)

    def _serve(self, conn: socket.socket) -> None:
        conn.settimeout(20)
        if self._tls is not None:
            conn = self._tls.wrap_socket(conn, server_side=True)
        with conn:
            head = b""
            while b"\r\n\r\n" not in head:
                more = conn.recv(65536)
                if not more:
                    return
                head += more
            with self._lock:
                self.requests.append(head.decode("latin-1"))
                self._open += 1
                self.open_at_once = max(self.open_at_once, self._open)
            try:
                self.scripts[head.split(b" ", 2)[1].decode()](conn, head.decode("latin-1"))
            finally:
                with self._lock:
                    self._open -= 1


def answer(body: bytes = FEED, *headers: str, status: str = "200 OK", kind: str = "application/rss+xml") -> bytes:
    """One whole HTTP answer."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return answer(b"", f"Location: {location}", status=status)


def packed(body: bytes = FEED) -> bytes:
    return gzip.compress(body, mtime=0)


def drip(before: bytes, piece: bytes) -> Script:
    """Send `before`, then `piece` again and again, for longer than any test's deadline."""

    def script(conn: socket.socket, _head: str) -> None:
        conn.sendall(before)
        for _ in range(400):
            conn.sendall(piece)
            time.sleep(0.05)

    return script


def flood(before: bytes, piece: bytes) -> Script:
    """Send `before`, then `piece` without end."""

    def script(conn: socket.socket, _head: str) -> None:
        conn.sendall(before)
        while True:
            conn.sendall(piece)

    return script


def fetcher(web: Web, *, names: dict[str, list[str]] | None = None, **limits: Any) -> Fetcher:
    """A fetcher for which only `web` is public among the loopback addresses, and *.example leads to it."""
    book = names or {}
    return Fetcher(
        Limits(**{"seconds": 5.0, "bytes": 1_000_000, "gap": 0.0} | limits),
        "test/1 (+https://digest.example)",
        resolver=lambda host, _port: book.get(host, ["127.0.0.1"] if host.endswith(".example") else [host]),
        allowed=lambda address, port: (str(address), port) == ("127.0.0.1", web.port) or is_public(address, port),
    )
