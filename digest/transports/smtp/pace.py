"""Keep to the most letters a second: counted for this process alone, or for all processes together."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Protocol

from digest.system.failpoint import failpoint

NAP = 0.25  # seconds between two checks whether to stop
# Seconds after its end for which an allowance can be used. A slow server takes longer for its letters than they were
# reserved for; but what a process has not used by then must not be added to what others begin.
_KEPT = 10.0
_LEAST = 0.01  # seconds between two looks whether another thread has got an allowance

Sleep = Callable[[float], None]
Clock = Callable[[], float]


class Pace(Protocol):
    """Say when the next letter may be begun; shared by all connections of a transport."""

    def expect(self, letters: int) -> None:
        """Note that a hand-over of so many letters begins, because no time need be kept for more."""
        ...

    def ready(self) -> bool:
        """Return whether a letter may be begun now, and if so count it. Waits for nothing and raises nothing."""
        ...

    def wait(self, stopped: Callable[[], bool]) -> bool:
        """Sleep until a letter may be begun, and count it. Return False if `stopped` becomes true before.

        Raises DigestError where nobody can say when that is.
        """
        ...


class OwnPace:
    """Let through at most `rate` letters a second of this process, evenly spaced; None: no limit."""

    def __init__(self, rate: float | None, clock: Clock, sleep: Sleep) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._due = -math.inf

    def expect(self, letters: int) -> None:
        """Do nothing, because nobody else waits for what is kept."""

    def ready(self) -> bool:
        """Return whether a letter may be begun now, and if so count it."""
        if not self._gap:
            return True
        with self._lock:
            now = self._clock()
            if now < self._due:
                return False
            self._due = now + self._gap
            return True

    def wait(self, stopped: Callable[[], bool]) -> bool:
        """Sleep until a letter may be begun, and count it. Return False if `stopped` becomes true before."""
        while not stopped():
            if self.ready():
                return True
            failpoint("smtp: waiting for the rate")
            self._sleep(min(max(self._due - self._clock(), 0.0), NAP))
        return False


class SharedPace:
    """Let all processes together through at most `rate` letters a second.

    Takes an allowance of about one second's letters at a time, and spaces them evenly. `reserve` gets the seconds of
    a letter and the number of letters, and returns the seconds until the first may begin. A process holds a single
    allowance, so that in any time no more letters begin than the rate allows and one allowance of each process.
    """

    def __init__(self, rate: float, reserve: Callable[[float, int], float], clock: Clock, sleep: Sleep) -> None:
        self._gap = 1 / rate
        self._most = self._size = max(int(rate), 1)
        self._reserve = reserve
        self._clock, self._sleep = clock, sleep
        self._lock, self._asking = threading.Lock(), threading.Lock()
        self._left = 0
        self._due, self._end = -math.inf, -math.inf

    def expect(self, letters: int) -> None:
        """Take allowances for no more letters than these, because others would wait for nothing."""
        self._size = max(min(self._most, letters), 1)

    def ready(self) -> bool:
        """Return whether a letter of the allowance may be begun now, and if so count it."""
        with self._lock:
            now = self._clock()
            if now >= self._end:
                self._left = 0
            if not self._left or now < self._due:
                return False
            self._left -= 1
            self._due = now + self._gap
            return True

    def wait(self, stopped: Callable[[], bool]) -> bool:
        """Sleep until a letter may be begun, and count it. Return False if `stopped` becomes true before.

        Raises what `reserve` raises.
        """
        while not stopped():
            if self.ready():
                return True
            if not self._renew():
                failpoint("smtp: waiting for the rate")
                self._sleep(min(max(self._due - self._clock(), _LEAST), NAP))
        return False

    def _renew(self) -> bool:
        """Take the next allowance if this one is used up; return whether it was taken here."""
        # Without waiting, because a thread must see a stop while another waits for the database.
        if self._left or not self._asking.acquire(blocking=False):
            return False
        try:
            if self._left:
                return False
            size = self._size
            wait = self._reserve(self._gap, size)
            with self._lock:
                self._due = max(self._due, self._clock() + wait)
                self._end = self._due + size * self._gap + _KEPT
                self._left = size
            return True
        finally:
            self._asking.release()
