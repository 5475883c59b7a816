"""Limit how long the transactions of a block wait for a lock: a page must be answered while its reader waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_UNTIL: ContextVar[float | None] = ContextVar("digest_until", default=None)  # by the monotonic clock


@contextmanager
def answering_within(seconds: float) -> Iterator[None]:
    """Let all transactions of this thread wait no longer for locks than until so many seconds from now."""
    token = _UNTIL.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _UNTIL.reset(token)


def shortest_wait(wait: float) -> float:
    """Return how many seconds to wait for a lock: `wait`, or what is left until the answer must be there."""
    until = _UNTIL.get()
    return wait if until is None else max(0.0, min(wait, until - time.monotonic()))
