"""Exchange the calls of the `sendgrid` package over connections that are kept, within time limits.

The package's client still builds every URL, header and body. The exchange is ours, because the package opens a new
connection for every call, waits for ever, and logs its key and payload at DEBUG.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpcore2
from python_http_client.client import Client

from digest.system.failpoint import failpoint
from digest.system.timed import Connect, TimedBackend
from digest.transports.sendgrid.answers import Answer, Silence

CONNECT = 10.0  # seconds
SLOWEST = 50_000  # bytes a second; the time limit of a request allows for an upload as slow as this
KEPT = 5.0  # seconds; the provider closes idle connections later than this, so that we never write into a closed one
_PIECE = 65_536
_MOST_BODY = 262_144

_FAILURES = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
    httpcore2.PoolTimeout,
    OSError,
)


class NoAnswer(Exception):
    """Report an exchange that ended without a status line; `silence` says why and whether the request had left."""

    def __init__(self, silence: Silence) -> None:
        super().__init__(silence.why)
        self.silence = silence


class Wire:
    """Exchange requests for answers over connections that are kept. Fit for any number of threads.

    `timeout` is the most seconds between the end of the request and the end of its answer; `tls` holds the trusted
    certificates (None: no https).
    """

    def __init__(self, timeout: float, concurrency: int, tls: ssl.SSLContext | None) -> None:
        self._timeout = timeout
        self._deadline = _Deadline()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls,
            max_connections=concurrency,
            max_keepalive_connections=concurrency,
            keepalive_expiry=KEPT,
            network_backend=_Backend(self._deadline.left),
        )

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request and return its answer, with as much of its body as arrived. Raises NoAnswer."""
        upload = _Upload(body, self._deadline, self._timeout)
        self._deadline.set(CONNECT + self._timeout + len(body) / SLOWEST)
        seconds = {"connect": CONNECT, "read": self._timeout, "write": self._timeout, "pool": self._timeout}
        answer: Answer | None = None
        try:
            with self._pool.stream(
                method,
                url,
                headers=[*headers.items(), ("Content-Length", str(len(body)))],
                content=iter(upload),
                extensions={"timeout": seconds},
            ) as response:
                fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                answer = Answer(response.status, fields)
                failpoint("sendgrid: the answer read")
                answer = Answer(response.status, fields, _read(response))
        except _FAILURES as error:
            if answer is None:
                raise NoAnswer(Silence(_why(error), upload.left)) from error
        return answer

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


def _read(response: httpcore2.Response) -> bytes:
    """Return an answer's body, or as much of it as arrives: the status alone decides, so a loss is no error."""
    pieces, size = [], 0
    try:
        for piece in response.iter_stream():
            pieces.append(piece)
            size += len(piece)
            if size > _MOST_BODY:
                break
    except _FAILURES:
        pass
    return b"".join(pieces)[:_MOST_BODY]


def _why(error: BaseException) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return f"{type(error).__name__}: {words}"[:200] if words != type(error).__name__ else words


class _Upload:
    """Yield a request's body, and note in `left` whether its last byte has been given to the network.

    The last byte is sent alone. Without it the request is shorter than its Content-Length and no valid JSON, so that
    it cannot have been taken, whatever else went wrong.
    """

    def __init__(self, body: bytes, deadline: _Deadline, timeout: float) -> None:
        self._body, self._deadline, self._timeout = body, deadline, timeout
        self.left = False

    def __iter__(self) -> Iterator[bytes]:
        end = len(self._body) - 1
        for start in range(0, end, _PIECE):
            yield self._body[start : min(start + _PIECE, end)]
        self.left = True
        self._deadline.set(self._timeout)
        yield self._body[-1:]
        failpoint("sendgrid: the last byte sent")


class _Deadline:
    """Hold the moment by which each thread's exchange must end; a thread has one exchange at a time."""

    def __init__(self) -> None:
        self._of = threading.local()

    def set(self, seconds: float) -> None:
        self._of.end = time.monotonic() + seconds

    def left(self, at_most: float | None, late: type[Exception]) -> float:
        left: float = self._of.end - time.monotonic()
        if left <= 0:
            raise late("the whole answer took too long")
        return left if at_most is None else min(left, at_most)


class _Backend(TimedBackend):
    """Open connections that keep to the deadline of the exchange that uses them."""

    def dial(self, host: str, port: int, timeout: float | None, connect: Connect) -> httpcore2.NetworkStream:
        """Open a connection. Raises the errors of httpcore2."""
        stream = super().dial(host, port, timeout, connect)
        failpoint("sendgrid: connected")
        return stream


class Document(bytes):
    """Hold a JSON document in UTF-8 for the package, which encodes every body itself."""

    def encode(self, encoding: str) -> bytes:
        """Return the document as it is."""
        del encoding  # it is UTF-8
        return self


class KeptClient(Client):  # type: ignore[misc]
    """Extend the package's client: exchange over a `Wire`, and return every answer instead of raising for some.

    `secret` holds headers that are added only at the exchange, because the package would log them. A `request_body`
    is the JSON document, a str or a `Document`, sent as it is.
    """

    def __init__(self, wire: Wire, secret: Mapping[str, str], **rest: Any) -> None:
        super().__init__(**rest)
        # Name a charset, because without one the package would turn the document into JSON a second time.
        self.request_headers["Content-Type"] = "application/json; charset=utf-8"
        self._wire, self._secret = wire, secret
        logging.getLogger(Client.__module__).addFilter(_not_at_debug)

    def _build_client(self, name: str | None = None) -> KeptClient:
        return KeptClient(
            self._wire,
            self._secret,
            host=self.host,
            request_headers=self.request_headers,
            version=self._version,
            url_path=[*self._url_path, name] if name else self._url_path,
        )

    def _make_request(self, opener: Any, request: Any, timeout: float | None = None) -> _Raw:
        del opener, timeout  # because the wire has its own
        headers = {name: value for name, value in request.header_items() if name.lower() != "content-type"}
        headers |= {"Content-Type": "application/json", "Accept-Encoding": "identity", **self._secret}
        return _Raw(self._wire.exchange(request.get_method(), request.full_url, headers, request.data or b""))


class _Raw:
    """Give an answer the methods that the package calls."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def getcode(self) -> int:
        return self._answer.status

    def read(self) -> bytes:
        return self._answer.body

    def info(self) -> Mapping[str, str]:
        return self._answer.headers


def _not_at_debug(record: logging.LogRecord) -> bool:
    """Return whether to log a record: not at DEBUG, where the package writes addresses and whole letters."""
    return record.levelno > logging.DEBUG
