"""Read a feed or a page in a child process with limits, so that neither can harm the run or other sources."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.errors import SourceError
from digest.model import Snapshot
from digest.sources.sandbox.wire import MAX_TEXT, load_snapshot
from digest.sources.sandbox.zygote import HEADER, read_exactly, send_frame

MAX_ANSWER = 48 * 1024 * 1024
_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]);"
    " from digest.sources.sandbox.zygote import main; main({}, {!r})"
)
# Pass on only what an interpreter needs to start, because the child that reads hostile bytes must hold no secret.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PYTHONHOME", "TZ")


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """Limit the reading of one feed or page: processor seconds, bytes of address space, seconds by the clock."""

    cpu: int = 5
    memory: int = 512 * 1024 * 1024
    wall: float = 30.0


class UnreadablePage(SourceError):
    """Say that the bytes of a page hold no text that can be read."""


def parse_limited(
    body: bytes, *, content_type: str, base_url: str, now: datetime, limits: ChildLimits = ChildLimits()
) -> Snapshot:
    """Return what `feed.parse_feed` returns, read in a child process of its own. Safe from any thread.

    Raises SourceError with the parser's reason, or saying which limit the feed broke.
    """
    job = {"content_type": content_type, "base_url": base_url, "now": now.isoformat()}
    answer, reason = _read_limited(_zygotes["feed"], job, body, limits)
    if answer is None:
        raise SourceError(reason)
    return load_snapshot(answer)


def extract_limited(body: bytes, *, content_type: str, limits: ChildLimits = ChildLimits()) -> str:
    """Return what `page.main_text` returns, read in a child process of its own. Safe from any thread.

    Raises UnreadablePage with the extractor's reason, or saying which limit the page broke.
    """
    answer, reason = _read_limited(_zygotes["page"], {"content_type": content_type}, body, limits)
    if answer is None:
        raise UnreadablePage(reason)
    return answer[: 4 * MAX_TEXT].decode("utf-8", "replace")[:MAX_TEXT]


def close_zygote() -> None:
    """End the zygotes and their children; the next feed or page starts another zygote."""
    for zygote in _zygotes.values():
        zygote.close()


def _read_limited(zygote: _Zygote, job: dict[str, Any], body: bytes, limits: ChildLimits) -> tuple[bytes | None, str]:
    """Return what a child of `zygote` answers to a job, or None and why there is no answer."""
    job |= {"length": len(body), "cpu": limits.cpu, "memory": limits.memory, "wall": limits.wall}
    with zygote.request() as conn:
        # Wait a little longer than the child may run: the child ends itself, unless it is stuck.
        conn.settimeout(limits.wall + 10)
        frames = _converse(conn, json.dumps(job).encode(), body)
    if not frames:
        raise SourceError("the process that reads it has ended; if it ends each time, install this program again")
    if b"R" in frames:
        return frames[b"R"], ""
    return None, frames[b"E"].decode() if b"E" in frames else _why(int(frames[b"X"]), limits)


def _converse(conn: socket.socket, job: bytes, body: bytes) -> dict[bytes, bytes]:
    """Return the frames of the answer by kind; a kind that is missing was not sent."""
    frames: dict[bytes, bytes] = {}
    with contextlib.suppress(EOFError, OSError):
        # Read on after a broken pipe, because the zygote still tells how the child died.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            send_frame(conn, b"J", job)
            conn.sendall(body)
        while not frames:
            kind, size = HEADER.unpack(read_exactly(conn, HEADER.size))
            if size > MAX_ANSWER:
                raise SourceError("holds more than can be kept; ask its publisher for a shorter feed")
            frames[kind] = read_exactly(conn, size)
    return frames


def _why(status: int, limits: ChildLimits) -> str:
    cure = "ask its publisher for a shorter, simpler feed"
    if status == -signal.SIGXCPU:
        return f"took more than {limits.cpu} s of processor time to read; {cure}"
    if status == -signal.SIGALRM:
        return f"took more than {limits.wall:g} s to read; {cure}"
    if status == -signal.SIGABRT:
        return f"needs more than {limits.memory >> 20} MB to read; {cure}"
    return f"ended the process that read it (status {status}); {cure}"


class _Zygote:
    """Keep the one process that forks a child for each feed, or each page; it is started when first needed."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._lock = threading.Lock()
        self._owner = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def request(self) -> socket.socket:
        """Return a connection to a fresh child, starting or replacing the zygote as needed."""
        ours, theirs = socket.socketpair()
        with self._lock, theirs:
            for attempt in (1, 2):
                try:
                    socket.send_fds(self._running(), [b"x"], [theirs.fileno()])
                    return ours
                except OSError:
                    self._drop()
                    if attempt == 2:
                        ours.close()
                        raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _running(self) -> socket.socket:
        # Start another after a fork, because two processes on one socket would take each other's answers.
        if self._control is not None and self._owner == os.getpid():
            return self._control
        if self._control is not None:
            self._control.close()
        ours, theirs = socket.socketpair()
        # Take a number of 10 or more, because with stdin closed a socket can get number 0, which Popen replaces.
        descriptor = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD_CLOEXEC, 10)
        theirs.close()
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", _START.format(descriptor, self._kind), json.dumps(sys.path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[descriptor],
                start_new_session=True,  # Ctrl-C is for the program, which closes the zygote itself
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
                | {"PYTHONDONTWRITEBYTECODE": "1"},
            )
        finally:
            os.close(descriptor)
        self._control, self._owner = ours, os.getpid()
        return ours

    def _drop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None and self._owner == os.getpid():
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._control = self._process = None


_zygotes = {kind: _Zygote(kind) for kind in ("feed", "page")}
atexit.register(close_zygote)
