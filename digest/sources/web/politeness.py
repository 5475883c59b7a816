"""Send one request at a time to a host, with a small gap after it, from however many threads and processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Protocol

from digest.errors import DigestError, TryLater
from digest.system import stopping

_NAP = 0.5  # seconds between two looks whether another process has ended its turn
_LEAST = 0.02
# Seconds that a turn lasts longer than its request may take, because looking up a name has no limit of its own.
_SPARE = 15.0
_LONGEST_NAME = 253  # characters that a host's name may have


class SharedTurns(Protocol):
    """Give one turn at a time by a name to all processes; waits for nothing, and may raise TryLater."""

    def take_turn(self, name: str, seconds: float) -> tuple[datetime | None, float]:
        """Take the turn for `seconds` at most; return until when, or (None, seconds to wait) where it is not free."""
        ...

    def end_turn(self, name: str, until: datetime, gap: float) -> None:
        """End the turn taken until then, unless it has run out: the next begins after `gap` seconds."""
        ...


class Turns:
    """Give out turns at each host; a turn begins at least `gap` seconds after the last turn there ended.

    With `shared` that holds for all processes of the installation, else for the threads of this one.
    """

    def __init__(
        self, gap: float, shared: SharedTurns | None = None, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._gap = gap
        self._shared = shared
        self._sleep = sleep
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.Lock()

    @property
    def is_shared(self) -> bool:
        """Return whether other processes take turns with this one."""
        return self._shared is not None

    @contextmanager
    def turn(self, host: str, most: float = 60.0) -> Iterator[float]:
        """Wait for a turn at `host`; yield the seconds spent waiting.

        `most` is how many seconds the request may take: the turn of a process that died ends some seconds after them.
        Raises TryLater where the database is away that holds the turns, and when asked to stop while waiting.
        """
        asked = time.monotonic()
        with self._lock:
            state = self._hosts.setdefault(host, _Host())
        with state.lock:
            pause = state.free_at - time.monotonic()
            if pause > 0:
                self._sleep(pause)
            name = f"source:{host[:_LONGEST_NAME]}"
            until = self._taken(name, most + _SPARE)
            try:
                yield time.monotonic() - asked
            finally:
                state.free_at = time.monotonic() + self._gap
                if self._shared is not None and until is not None:
                    # Without the database it ends by itself, and what was read must not be lost for that.
                    with suppress(DigestError):
                        self._shared.end_turn(name, until, self._gap)

    def take_pause(self, host: str, seconds: float) -> bool:
        """Return whether no process has taken this pause of a host in the last `seconds`, and take it.

        For the pause that a server's robots.txt asks for between two pages. Without others it is always free.
        """
        if self._shared is None:
            return True
        return self._shared.take_turn(f"pages:{host[:_LONGEST_NAME]}", seconds)[0] is not None

    def _taken(self, name: str, seconds: float) -> datetime | None:
        """Wait for the turn of all processes, and return until when it is taken; None without other processes."""
        while self._shared is not None:
            until, wait = self._shared.take_turn(name, seconds)
            if until is not None:
                return until
            if stopping.asked():
                raise TryLater("stopped as asked, while another process was reading that host; run again to go on")
            self._sleep(min(max(wait, _LEAST), _NAP))
        return None


class _Host:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.free_at = 0.0
