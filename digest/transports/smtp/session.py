"""Talk to a mail server over smtplib's connection, with counted writes and with time limits for whole replies.

smtplib alone does neither: after a failed write it cannot say whether the last byte left, and a server that sends a
byte now and then can keep it waiting for ever.
"""

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

_TICK: Final = 1.0  # seconds between two checks whether the deadline has come nearer
_RECORD: Final = 16_384  # the most bytes that one TLS record carries
_LONGEST_REPLY: Final = 65_536
_SLOWEST: Final = 1024  # bytes a second that a server must read at least
_LINE = re.compile(rb"[2-5]\d\d(?:[ -]|\r?\n)")

Until = Callable[[], float]  # returns a moment of the monotonic clock
T = TypeVar("T")


class Lost(Exception):
    """Report that the connection can no longer be used; the message says how it ended."""


class Lines:
    """Read the lines of replies from a socket within time limits. An unfinished last line is dropped."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._held = bytearray()
        self._room = 0
        self._deadline = 0.0
        self._until: Until = lambda: math.inf

    def begin(self, seconds: float, until: Until) -> None:
        """Start a reply that must be whole in `seconds` and before the moment that `until` returns."""
        self._deadline = time.monotonic() + seconds
        self._until = until
        self._room = _LONGEST_REPLY

    def readline(self, limit: int) -> bytes:
        """Return the next line, b"" at the end. Raises OSError if the time is up or it is no line of a reply."""
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
        """Return whether more was received than was read."""
        return bool(self._held)

    def close(self) -> None:
        """Forget the bytes received. The socket stays open, because the session closes it."""
        self._held.clear()


class Session(smtplib.SMTP):
    """Extend smtplib's connection: count the bytes that left, and read each reply whole and within its time.

    `left` is how many bytes of the last `write` went to the network; `until` returns the moment by which every step
    must end.
    """

    left = 0
    until: Until = staticmethod(lambda: math.inf)

    def getreply(self) -> tuple[int, bytes]:
        """Return one reply as (code, text). Called by smtplib itself; our code calls `answer`."""
        code, text = self._reply(float(self.timeout))
        if self.sock is not None:
            self.sock.settimeout(float(self.timeout))
        return code, text

    def answer(self, seconds: float | None = None) -> Reply:
        """Return the next reply. Raises Lost if the connection ends, the time is up, or it is no SMTP reply."""
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
        """Send `data`. Raises Lost after an error; then `left` bytes of it went to the network and no others can."""
        self.left = 0
        if self.sock is None:
            raise Lost("the connection was closed")
        sock = self.sock
        # Send TLS records one by one, because a record that is cut off is worth nothing and must not be counted.
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
        """Return whether the server sent more replies than it was asked for, so that they cannot be matched."""
        return self.file is not None and self.file.waiting

    @property
    def usable(self) -> bool:
        """Return whether the idle connection is still open and silent; close it if the server ended it meanwhile."""
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
        """Send QUIT, wait at most `seconds` for the answer, and close. Raises nothing if the server is gone."""
        try:
            if self.sock is not None:
                self.write(b"QUIT\r\n")
                self.answer(seconds)
        except Lost:
            pass
        finally:
            self.close()


class TlsSession(Session, smtplib.SMTP_SSL):
    """Extend `Session`: encrypt from the first byte."""


def patiently(call: Callable[[], T], sock: socket.socket, deadline: Until) -> T:
    """Return `call()` on a socket. Raises TimeoutError at the moment that `deadline` returns, which may change."""
    while (remaining := deadline() - time.monotonic()) > 0:
        sock.settimeout(min(remaining, _TICK))
        try:
            return call()
        except TimeoutError:
            continue
    raise TimeoutError("out of time")
