"""Send one request at a time to a host, with a small gap after it, from however many threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Give out turns at each host; a turn begins at least `gap` seconds after the last turn there ended."""

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, host: str) -> Iterator[float]:
        """Wait for a turn at `host`; yield the seconds spent waiting."""
        asked = time.monotonic()
        with self._lock:
            state = self._hosts.setdefault(host, _Host())
        with state.lock:
            pause = state.free_at - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            try:
                yield time.monotonic() - asked
            finally:
                state.free_at = time.monotonic() + self._gap


class _Host:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.free_at = 0.0
