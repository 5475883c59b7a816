"""Test the rate that several processes keep together, by a clock that goes on when all of them sleep."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from sqlalchemy import Engine

from digest.errors import DigestError, TryLater
from digest.store import migrate
from digest.store.engine import make_engine
from digest.store.pace import StoredPaces
from digest.transports.base import Outcome
from digest.transports.smtp import SmtpTransport
from digest.transports.smtp.pace import SharedPace
from tests import postgres
from tests.counts import table
from tests.transports.mailserver import parcel, serving, settings
from tests.transports.paces import FakePaces


class Time:
    """A clock of several threads, which goes on to the next wake-up when all of them sleep."""

    def __init__(self, threads: int) -> None:
        self.now = 1000.0
        self._awake = threads
        self._sleepers: dict[int, float] = {}
        self._changed = threading.Condition()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._changed:
            me = threading.get_ident()
            self._sleepers[me] = self.now + max(seconds, 0.001)
            self._rest()
            while me in self._sleepers:
                assert self._changed.wait(20), "the other threads neither slept nor ended"

    def leave(self) -> None:
        """End the thread that calls this."""
        with self._changed:
            self._rest()

    def _rest(self) -> None:
        self._awake -= 1
        if not self._awake and self._sleepers:
            self.now = min(self._sleepers.values())
            woken = [thread for thread, wake in self._sleepers.items() if wake <= self.now]
            for thread in woken:
                del self._sleepers[thread]
            self._awake = len(woken)
            self._changed.notify_all()


@dataclass
class Begun:
    """A letter that a process began, and when."""

    process: int
    at: float


def begun_by(processes: int, rate: float, letters: int, *, takes: float = 0.0, rests: float = 0.0) -> list[Begun]:
    """Let processes begin letters together, each of which takes some time, and rests for a while at the middle."""
    clock = Time(processes)
    paces = FakePaces(clock.clock)
    begun: list[Begun] = []

    def process(number: int) -> None:
        pace = SharedPace(rate, lambda gap, count: paces.reserve("smtp", gap, count), clock.clock, clock.sleep)
        try:
            for letter in range(letters):
                assert pace.wait(lambda: False)
                begun.append(Begun(number, clock.now))
                if takes or (rests and letter == letters // 2):
                    clock.sleep(takes + (rests if letter == letters // 2 else 0))
        finally:
            clock.leave()

    threads = [threading.Thread(target=process, args=(number,)) for number in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == processes * letters
    return begun


def most_within(begun: list[Begun], seconds: float) -> int:
    """Return how many letters began in the busiest window of so many seconds."""
    times = sorted(letter.at for letter in begun)
    return max(sum(start <= at < start + seconds for at in times) for start in times)


@table(
    "processes, rate, letters, takes, rests",
    [
        (4, 5, 40, 0.0, 0.0),
        (4, 5, 40, 0.7, 0.0),  # each slower than its allowance
        (4, 5, 40, 0.0, 300.0),  # all idle for a while, at different numbers of their allowances
        (4, 0.5, 8, 0.0, 0.0),
        (2, 2.5, 30, 0.0, 0.0),  # an allowance is whole letters
        (1, 5, 60, 0.0, 0.0),
    ],
)
def test_together_they_do_not_exceed_the_rate(
    processes: int, rate: float, letters: int, takes: float, rests: float
) -> None:
    begun = begun_by(processes, rate, letters, takes=takes, rests=rests)
    allowance = max(int(rate), 1)
    assert most_within(begun, 10) <= rate * 10 + allowance * processes
    for number in range(processes):
        times = [letter.at for letter in begun if letter.process == number]
        assert min(after - before for before, after in pairwise(times)) >= 1 / rate - 1e-9


def test_the_rate_is_used_whole_and_by_all() -> None:
    begun = begun_by(4, 5, 40)
    lasted = max(letter.at for letter in begun) - min(letter.at for letter in begun)
    assert lasted <= 160 / 5 * 1.05
    half = sorted(begun, key=lambda letter: letter.at)[:80]
    assert {letter.process for letter in half} == {0, 1, 2, 3}


def test_what_was_not_used_in_time_is_not_saved_up() -> None:
    """Ten processes that hold an allowance and sleep for long must not begin all of it together when they wake."""
    now = [1000.0]
    paces = FakePaces(lambda: now[0])
    sleepers = [
        SharedPace(5, lambda gap, count: paces.reserve("smtp", gap, count), lambda: now[0], lambda _: None)
        for _ in range(10)
    ]

    def pass_time(seconds: float) -> None:
        now[0] += seconds

    for pace in sleepers:
        pace._sleep = pass_time
        assert pace.wait(lambda: False)
    pass_time(3600)
    assert [pace.ready() for pace in sleepers] == [False] * 10


def test_a_stop_ends_the_wait() -> None:
    paces = FakePaces(lambda: 0.0)
    pace = SharedPace(1, lambda gap, count: paces.reserve("smtp", gap, count), lambda: 0.0, lambda _: None)
    assert not pace.wait(lambda: True)
    assert paces.asked == 0


class Leaving(FakePaces):
    """A database that goes away after so many allowances."""

    def __init__(self, allowances: int) -> None:
        super().__init__(time.monotonic)
        self._allowances = allowances

    def reserve(self, name: str, gap: float, count: int) -> float:
        self.is_away = self.asked >= self._allowances
        return super().reserve(name, 0.0, count)


@table("allowances, accepted", [(0, 0), (1, 4), (3, 12)])
def test_without_the_database_no_letter_is_lost(allowances: int, accepted: int) -> None:
    letters = [parcel(number) for number in range(1, 31)]
    heard: list[Outcome] = []
    with serving() as server:
        chosen = settings(server, connections=3, rate=4)
        transport = SmtpTransport(chosen, paces=Leaving(allowances), clock=lambda: time.monotonic() * 1000)
        with pytest.raises(TryLater, match="connection refused"):
            heard.extend(transport.hand_over(letters))
        transport.close()
    assert len(server.queued) <= accepted
    assert {o.delivery for o in heard} == {letter.delivery for letter in letters} and len(heard) == 30
    assert sum(o.state == "accepted" for o in heard) == len(server.queued)
    assert {(o.state, o.tried) for o in heard if o.state != "accepted"} == {("deferred", False)}
    if allowances == 0:
        assert heard[0].reason == "not begun: the rate that all processes share cannot be asked"


def test_an_error_that_is_no_wait_is_told_too() -> None:
    class Refusing(FakePaces):
        def reserve(self, name: str, gap: float, count: int) -> float:
            raise DigestError(f"{name}, {gap}, {count}: the account may not")

    with serving() as server:
        transport = SmtpTransport(settings(server, rate=4), paces=Refusing(time.monotonic))
        with pytest.raises(DigestError, match=r"smtp, 0\.25, 1: the account may not"):
            list(transport.hand_over([parcel(1)]))
        transport.close()
    assert server.queued == []


def test_where_others_use_the_rate_too_batches_are_smaller() -> None:
    paces = FakePaces(time.monotonic)
    with serving() as server:
        sizes = [
            SmtpTransport(settings(server, rate=4), paces=each).capabilities.batch_size for each in (None, paces)
        ]
        assert sizes == [800, 200]
        no_rate = SmtpTransport(settings(server), paces=paces)
        assert [o.state for o in no_rate.hand_over([parcel(1)])] == ["accepted"]
        no_rate.close()
    assert paces.asked == 0


def test_a_single_notice_keeps_no_time_for_more() -> None:
    paces = FakePaces(lambda: 1000.0)
    with serving() as server:
        transport = SmtpTransport(settings(server, rate=4), paces=paces)
        assert [o.state for o in transport.hand_over([parcel(1)])] == ["accepted"]
        transport.close()
    assert paces.wait_of("smtp") == 0.25


@pytest.mark.long
def test_four_keep_the_rate_by_a_real_database(opened: Callable[..., Engine], postgresql_url: str) -> None:
    begun: list[Begun] = []

    def process(number: int) -> None:
        paces = StoredPaces(opened(postgresql_url))
        pace = SharedPace(50, lambda gap, count: paces.reserve("smtp", gap, count), time.monotonic, time.sleep)
        for _ in range(75):
            pace.wait(lambda: False)
            begun.append(Begun(number, time.monotonic()))

    threads = [threading.Thread(target=process, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Eight allowances of a second; the last two may be used in half.
    assert max(letter.at for letter in begun) - min(letter.at for letter in begun) >= 6
    assert most_within(begun, 2) <= 2 * 50 + 4 * 50


@pytest.mark.long
def test_a_database_that_is_struck_down_halts_the_hand_over() -> None:
    letters, heard = [parcel(number) for number in range(1, 31)], list[Outcome]()
    with postgres.cluster() as made, serving() as server:
        if made is None:
            pytest.skip(postgres.MISSING)
        engine = make_engine(made.address, wait=2)
        migrate.upgrade(engine)
        transport = SmtpTransport(settings(server, connections=2, rate=4), paces=StoredPaces(engine))
        with pytest.raises(TryLater):
            for outcome in transport.hand_over(letters):
                heard.append(outcome)
                if len(heard) == 1:
                    made.control("stop", "-m", "immediate")
        made.control("start")
        again = list(transport.hand_over([parcel(number) for number in range(31, 33)]))
        transport.close()
        engine.dispose()
    assert Counter(o.state for o in heard) == Counter(
        accepted=len(server.queued) - 2, deferred=32 - len(server.queued)
    )
    assert {o.tried for o in heard if o.state == "deferred"} == {False}
    assert [o.state for o in again] == ["accepted"] * 2
