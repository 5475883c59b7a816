"""Note a request to stop, so that a run finishes and records its work under way, and then ends."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_asked = False
_callbacks: list[Callable[[], None]] = []


def listen() -> None:
    """Treat SIGTERM and SIGHUP as a request to stop in good order, from now on.

    A closing terminal sends SIGHUP. Where it is ignored, as below `nohup`, it stays ignored.
    """
    signal.signal(signal.SIGTERM, request_stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, request_stop)


def request_stop(_number: int = 0, _frame: FrameType | None = None) -> None:
    """Request that the run stops after its batch. Safe to call in a signal handler."""
    global _asked
    _asked = True
    for callback in tuple(_callbacks):
        callback()


def asked() -> bool:
    """Return whether a stop was requested."""
    return _asked


@contextmanager
def telling(callback: Callable[[], None]) -> Iterator[None]:
    """Call `callback` when a stop is requested while the block runs, or at once when one was requested before.

    It must be safe to call in a signal handler, and to call twice.
    """
    _callbacks.append(callback)
    try:
        # Checked after the callback is listed, because a request may come in between; then it is called twice.
        if _asked:
            callback()
        yield
    finally:
        _callbacks.remove(callback)
