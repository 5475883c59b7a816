"""Hand letters over to a mail server: several connections share the letters, and each letter gets an outcome."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from digest.errors import DigestError, WrongUse
from digest.transports.base import BATCH, Asked, Capabilities, Outcome, Parcel
from digest.transports.paces import Paces
from digest.transports.smtp.connect import SmtpSettings, connect
from digest.transports.smtp.envelope import Unmailable, mail_address
from digest.transports.smtp.lane import Lane
from digest.transports.smtp.lanes import SharedLetters
from digest.transports.smtp.pace import Clock, OwnPace, Pace, SharedPace, Sleep
from digest.transports.smtp.session import Session

# Seconds that a server has to answer for the letters under way when we are told to stop.
DRAIN: Final = 20.0
PACE: Final = "smtp"  # the name of the rate that all processes share


class SmtpTransport:
    """Hand letters over to one mail server. One instance serves one run, from one thread; `stop` from any.

    `paces`: the rate is that of all processes together. Raises WrongUse if the return path is no address.
    """

    def __init__(
        self, settings: SmtpSettings, *, paces: Paces | None = None, clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:  # fmt: skip
        # At most what leaves in some minutes, because a reader who leaves is seen at the next claim only; less where
        # others use the rate too.
        seconds = 50 if paces else 200
        most = min(BATCH, max(int(settings.rate * seconds), 1)) if settings.rate else BATCH
        self.capabilities = Capabilities(batch_size=most)
        self._settings = settings
        try:
            mail_address(self._return_path("1"))
        except Unmailable:
            raise WrongUse("transport.return_path: is not an address; write bounce+{tag}@news.example.org") from None
        self._pace = _pace(settings.rate, paces, clock, sleep)
        self._lanes = [self._lane() for _ in range(max(settings.connections, 1))]
        self._stopped = False
        self._deadline = math.inf
        self._unheard: dict[int, str] = {}

    def open(self) -> None:
        """Connect and log in, so that a mistake shows before anything is claimed. Raises TryLater or DigestError."""
        self._at_work(1)[0].open()

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        """Hand over each parcel and yield its outcome as it becomes known.

        After the first letter in doubt no more letters are begun: the rest is deferred and untried. The same happens
        if the server cannot be reached; then DigestError or TryLater follows the last outcome. Closing the iterator
        early waits for the letters under way.
        """
        if not parcels:
            return
        if not self._stopped:
            self._deadline = math.inf
        self._pace.expect(len(parcels))
        work = SharedLetters(parcels, self._pace, lambda: self._stopped)
        lanes = self._at_work(len(parcels))
        threads = [threading.Thread(target=lane.run, args=(work,), name="smtp", daemon=True) for lane in lanes]
        try:
            self._start(work, lanes[0], threads)
            running = len(threads)
            while running:
                outcome = work.settled.get()
                if outcome is None:
                    running -= 1
                else:
                    yield outcome
                    work.heard(outcome)
            work.give_back()
            while not work.settled.empty():
                yield work.settled.get()  # type: ignore[misc]
        finally:
            self._end(work, threads)
        work.complain()

    def ask(self, letters: Iterable[Asked]) -> dict[int, str]:
        """Return the outcomes that came after the caller closed the iterator; a mail server cannot be asked."""
        return {delivery: self._unheard[delivery] for delivery, *_ in letters if delivery in self._unheard}

    def stop(self) -> None:
        """Begin no more letters, and wait no longer than 20 s for those under way. Fit for a signal handler."""
        self._deadline = min(self._deadline, time.monotonic() + DRAIN)
        self._stopped = True

    def close(self) -> None:
        """Close every connection."""
        for lane in self._lanes:
            lane.close()

    def _start(self, work: SharedLetters, first: Lane, threads: Sequence[threading.Thread]) -> None:
        """Connect once in this thread, to halt at once if that fails; then start the threads."""
        try:
            if work.any:
                first.open()
        except DigestError as error:
            work.halt("the mail server cannot be used", error)
        for thread in threads:
            thread.start()

    def _end(self, work: SharedLetters, threads: Sequence[threading.Thread]) -> None:
        """Let the connections finish the letters under way, and keep the outcomes not yielded for `ask`."""
        if any(thread.is_alive() for thread in threads):
            work.halt("the run stopped waiting for it")
            self._deadline = min(self._deadline, time.monotonic() + DRAIN)
            for thread in filter(threading.Thread.is_alive, threads):
                thread.join(max(self._deadline - time.monotonic(), 0) + 5)
            if any(thread.is_alive() for thread in threads):
                # A thread that still waits for a connection has no letter; replace its lane, so that it can get none.
                self._lanes = [self._lane() for _ in self._lanes]
        work.give_back()
        while not work.settled.empty():
            outcome = work.settled.get()
            if outcome is not None and outcome.state != "uncertain":
                self._unheard[outcome.delivery] = "accepted" if outcome.state == "accepted" else "absent"

    def _at_work(self, most: int) -> list[Lane]:
        """Return at most `most` lanes that are not retired; if all are, let all try again."""
        if all(lane.retired for lane in self._lanes):
            for lane in self._lanes:
                lane.retired = False
        return [lane for lane in self._lanes if not lane.retired][:most]

    def _lane(self) -> Lane:
        return Lane(self._connect, self._return_path, self._settings.answer_timeout)

    def _connect(self) -> Session:
        return connect(self._settings, lambda: self._deadline)

    def _return_path(self, tag: str) -> str:
        given = self._settings.return_path
        return given.replace("{tag}", tag) if given else self._settings.sender


def _pace(rate: float | None, paces: Paces | None, clock: Clock, sleep: Sleep) -> Pace:
    if paces is None or rate is None:
        return OwnPace(rate, clock, sleep)
    return SharedPace(rate, partial(paces.reserve, PACE), clock, sleep)
