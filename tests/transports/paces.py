"""Stand in for the limits of rate that all processes share: in memory, by a clock that a test drives."""

from __future__ import annotations

import threading
from collections.abc import Callable

from digest.errors import TryLater


class FakePaces:
    """Share limits between the transports of a test. `is_away`: the database cannot be asked."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.is_away = False
        self.asked = 0
        self._clock = clock
        self._free: dict[str, float] = {}
        self._lock = threading.Lock()

    def reserve(self, name: str, gap: float, count: int) -> float:
        with self._lock:
            self._ask()
            now = self._clock()
            begins = max(self._free.get(name, now), now)
            self._free[name] = begins + gap * count
            return begins - now

    def put_back(self, name: str, seconds: float) -> None:
        with self._lock:
            self._ask()
            self._free[name] = max(self._free.get(name, 0.0), self._clock() + seconds)

    def wait_of(self, name: str) -> float:
        self._ask()
        return max(self._free.get(name, 0.0) - self._clock(), 0.0)

    def _ask(self) -> None:
        self.asked += 1
        if self.is_away:
            raise TryLater("database x: connection refused; try again later")
