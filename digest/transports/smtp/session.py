"""One connection to a mail server: smtplib's, whose writes can be counted and whose replies are whole and in time."""

from __future__ import annotations

import contextlib
import math
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from digest.transports.smtp.replies import Reply

_TICK: Final = 1.0  # seconds between two looks at whether we are to hurry
_RECORD: Final = 16_384  # the most that one TLS record carries
_LONGEST_REPLY: Final = 65_536
_SLOWEST: Final = 1024  # bytes a second a server must read at
_LINE = re.compile(rb"[2-5]\d\d(?:[ -]|\r?\n)")

Until = Callable[[], float]
T = TypeVar("T")


class Lost(Exception):
    """The connection is of no more use; the message says how it ended."""


class Lines:
    """The lines of a socket, each reply within its time. Half a line is no line: it reads as the end."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._held = bytearray()
        self._room = 0
        self._deadline = 0.0
        self._until: Until = lambda: math.inf

    def begin(self, seconds: float, until: Until) -> None:
        """Start a reply that must be whole in `seconds`, and by the moment `until` returns, whichever is first."""
        self._deadline = time.monotonic() + seconds
        self._until = until
        self._room = _LONGEST_REPLY

    def readline(self, limit: int) -> bytes:
        """Return the next line, b"" at the end. OSError: out of time, or what came is no reply of SMTP."""
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) > limit:
                raise OSError("a line without end")
            chunk = patiently(partial(self._sock.recv, _LONGEST_REPLY), self._sock, self._by)
            if not chunk:
                return b""
            self._held += chunk
        line = bytes(self._held[: end + 1])
        del self._held[: end + 1]
        self._room -= len(line)
        if self._room < 0 or not _LINE.match(line):
            raise OSError("not a reply of SMTP")
        return line

    def _by(self) -> float:
        return min(self._deadline, self._until())

    @property
    def waiting(self) -> bool:
        """Has more come than was asked for?"""
        return bool(self._held)

    def close(self) -> None:
        """Forget what was read. The socket is the session's to close."""
        self._held.clear()


class Session(smtplib.SMTP):
    """smtplib's connection, whose writes say how much left and whose replies are whole, timed and plausible."""

    left = 0
    until: Until = staticmethod(lambda: math.inf)

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply, as smtplib does, from lines of our own. For smtplib; `answer` is ours."""
        code, text = self._reply(float(self.timeout))
        if self.sock is not None:
            self.sock.settimeout(float(self.timeout))
        return code, text

    def answer(self, seconds: float | None = None) -> Reply:
        """Return the next reply, whole. Lost when the connection ends, the time is up, or it is no reply."""
        try:
            code, text = self._reply(seconds or float(self.timeout))
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            late = isinstance(error.__context__, TimeoutError)
            raise Lost("no answer came in time" if late else "the connection broke before an answer") from None
        return Reply(code, text.decode("utf-8", "replace").replace("\n", " "))

    def _reply(self, seconds: float) -> tuple[int, bytes]:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        if self.file is None:
            self.file = Lines(self.sock)
        self.file.begin(seconds, self.until)
        return super().getreply()

    def write(self, data: bytes) -> None:
        """Send `data`. On Lost, `left` bytes of it went to the network and no more: no byte after them can arrive."""
        self.left = 0
        if self.sock is None:
            raise Lost("the connection was closed")
        sock = self.sock
        # A TLS record arrives whole or is worth nothing, so sent one by one they can be counted like bytes.
        step = _RECORD if isinstance(sock, ssl.SSLSocket) else len(data)
        view = memoryview(data)
        stall = float(self.timeout)
        end = time.monotonic() + stall + len(data) / _SLOWEST
        try:
            while self.left < len(data):
                piece = view[self.left : self.left + step]
                deadline = min(end, time.monotonic() + stall)
                self.left += patiently(partial(sock.send, piece), sock, partial(self._by, deadline))
        except OSError as error:
            self.close()
            late = isinstance(error, TimeoutError)
            raise Lost("the server stopped reading" if late else "the connection broke while writing") from None

    def _by(self, deadline: float) -> float:
        return min(deadline, self.until())

    @property
    def ahead_of_us(self) -> bool:
        """Has the server said more than it was asked? Then its answers can no longer be told apart."""
        return self.file is not None and self.file.waiting

    @property
    def usable(self) -> bool:
        """Is the idle connection still open and silent? A server that hung up meanwhile has said so, or closed it."""
        if self.sock is None:
            return False
        self.sock.settimeout(0)
        with contextlib.suppress(OSError):
            try:
                if not self.ahead_of_us:
                    self.sock.recv(1)
            except (BlockingIOError, ssl.SSLWantReadError):
                return True
        self.close()
        return False

    def leave(self, seconds: float) -> None:
        """Say goodbye, if anybody listens, and close."""
        try:
            if self.sock is not None:
                self.write(b"QUIT\r\n")
                self.answer(seconds)
        except Lost:
            pass
        finally:
            self.close()


class TlsSession(Session, smtplib.SMTP_SSL):
    """The same, encrypted from the first byte."""


def patiently(call: Callable[[], T], sock: socket.socket, deadline: Until) -> T:
    """Return `call()` on a socket, waiting until `deadline`, which may draw nearer. Then TimeoutError."""
    while (remaining := deadline() - time.monotonic()) > 0:
        sock.settimeout(min(remaining, _TICK))
        try:
            return call()
        except TimeoutError:
            continue
    raise TimeoutError("out of time")
