"""Share the letters of one hand-over between its connections: which is begun next, and when to stop."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence

from digest.errors import DigestError
from digest.transports.base import Outcome, Parcel
from digest.transports.smtp.pace import NAP, Pace
from digest.transports.smtp.replies import RETRY_LOST


class SharedLetters:
    """Hold the letters that one hand-over has still to begin, for all its connections.

    `settled` is the queue of outcomes; a None in it means that one connection has ended.
    """

    def __init__(self, parcels: Sequence[Parcel], pace: Pace, told_to_stop: Callable[[], bool]) -> None:
        self._waiting = deque(parcels)
        self._pace = pace
        self._told_to_stop = told_to_stop
        self._lock = threading.Lock()
        self._again: set[int] = set()
        self._unheard = 0  # refusals that the caller has not heard yet
        self._all_heard = threading.Event()
        self._all_heard.set()
        self._halted = ""
        self._unreachable: DigestError | None = None
        self._error: BaseException | None = None
        self.settled: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()

    @property
    def halted(self) -> bool:
        """Return whether no more letters may be begun."""
        return bool(self._halted) or self._told_to_stop()

    @property
    def any(self) -> bool:
        """Return whether there is a letter that may be begun."""
        return bool(self._waiting) and not self.halted

    def take(self, *, wait: bool) -> Parcel | None:
        """Return the next letter to begin. None: there is none, or, without `wait`, none may be begun yet.

        None is begun before the caller has heard every refusal, because it may stop for them.
        """
        while self.any:
            if not self._all_heard.wait(NAP if wait else 0):
                if wait:
                    continue
                return None
            if not self._may_begin(wait=wait):
                return None
            with self._lock:
                if self._waiting and not self.halted:
                    return self._waiting.popleft()
        return None

    def _may_begin(self, *, wait: bool) -> bool:
        """Return whether the pace lets a letter begin; halt if it cannot be asked, as if no server could be."""
        try:
            return self._pace.wait(lambda: not self.any) if wait else self._pace.ready()
        except DigestError as error:
            self.halt("the rate that all processes share cannot be asked", error)
            return False

    def put_back(self, parcel: Parcel) -> bool:
        """Queue a letter again that was surely not taken. Return False if it was before, or after `halt`."""
        with self._lock:
            if parcel.delivery in self._again or self.halted:
                return False
            self._again.add(parcel.delivery)
            self._waiting.append(parcel)
            return True

    def settle(self, outcome: Outcome) -> None:
        """Pass an outcome on; halt after a letter in doubt."""
        if _refuses(outcome):
            with self._lock:
                self._unheard += 1
                self._all_heard.clear()
        self.settled.put(outcome)
        if outcome.state == "uncertain":
            self.halt("stopped after a letter in doubt")

    def heard(self, outcome: Outcome) -> None:
        """Note that the caller has heard an outcome and asks for the next."""
        if _refuses(outcome):
            with self._lock:
                self._unheard -= 1
                if not self._unheard:
                    self._all_heard.set()

    def halt(self, words: str, error: BaseException | None = None) -> None:
        """Begin no more letters, for the first reason given. `complain` raises `error` after all outcomes."""
        with self._lock:
            self._halted = self._halted or words
            self._error = self._error or error

    def no_connection(self, error: DigestError) -> None:
        """Note that one connection failed for good; this counts if letters are left when all have ended."""
        with self._lock:
            self._unreachable = error

    def give_back(self) -> None:
        """Settle as deferred each letter that was not begun, once every connection has ended."""
        with self._lock:
            left, self._waiting = list(self._waiting), deque()
            if left and not self.halted:
                self._error = self._unreachable
                self._halted = "no connection to the mail server was left"
        words = f"not begun: {self._halted or 'told to stop'}"
        for parcel in left:
            self.settled.put(Outcome(parcel.delivery, "deferred", words, RETRY_LOST, tried=False))

    def complain(self) -> None:
        """Raise the error that the caller must know of, if there is one."""
        if self._error is not None:
            raise self._error


def _refuses(outcome: Outcome) -> bool:
    return outcome.state == "refused" or bool(outcome.about)
