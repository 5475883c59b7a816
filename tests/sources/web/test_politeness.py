"""Test that several processes of an installation ask a host one after the other, by turns in the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from digest.errors import SourceError, TryLater
from digest.sources.web.fetch import Fetcher
from digest.sources.web.politeness import Turns
from digest.store.pace import StoredPaces
from digest.system import stopping
from tests.sources.webserver import Web, answer, fetcher


class FakeTurns:
    """Give turns to the processes of a test, by its clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.is_away = False
        self.free: dict[str, float] = {}

    def take_turn(self, name: str, seconds: float) -> tuple[datetime | None, float]:
        self._ask()
        if (free := self.free.get(name, 0.0)) > self.now:
            return None, free - self.now
        self.free[name] = self.now + seconds
        return self._instant(name), 0.0

    def end_turn(self, name: str, until: datetime, gap: float) -> None:
        self._ask()
        if self._instant(name) == until:
            self.free[name] = self.now + gap

    def _ask(self) -> None:
        if self.is_away:
            raise TryLater("database x: connection refused; try again later")

    def _instant(self, name: str) -> datetime:
        return datetime.fromtimestamp(self.free[name], UTC)


def taking(web: Web, turns: Turns, **limits: float) -> Fetcher:
    """Return a fetcher that takes these turns."""
    made = fetcher(web, **limits)
    made.turns = turns
    return made


def test_a_turn_begins_a_gap_after_the_last_of_any_process() -> None:
    shared, naps = FakeTurns(), list[float]()
    first = Turns(0.25, shared)

    def sleep(seconds: float) -> None:
        naps.append(round(seconds, 6))
        shared.now += seconds
        if len(naps) == 3:
            held.__exit__(None, None, None)

    second = Turns(0.25, shared, sleep=sleep)
    held = first.turn("a.example", 10)
    held.__enter__()
    with second.turn("b.example"):
        assert naps == []
    with second.turn("a.example"):
        assert naps == [0.5, 0.5, 0.5, 0.25]
    assert shared.free["source:a.example"] == shared.now + 0.25


def test_the_turn_of_a_process_that_died_ends_after_the_time_of_its_request() -> None:
    shared = FakeTurns()

    def sleep(seconds: float) -> None:
        shared.now += seconds

    dead = Turns(0.25, shared).turn("a.example", 10)
    dead.__enter__()
    with Turns(0.25, shared, sleep=sleep).turn("a.example", 10):
        assert 1025 <= shared.now < 1026


def test_a_stop_ends_the_wait_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_asked", False)
    shared = FakeTurns()
    held = Turns(0.25, shared).turn("a.example")
    held.__enter__()
    second = Turns(0.25, shared, sleep=lambda _: stopping.request_stop())
    with pytest.raises(TryLater, match="stopped as asked"), second.turn("a.example"):
        pass


def test_what_was_read_is_kept_when_the_database_has_gone() -> None:
    shared = FakeTurns()
    turns, read = Turns(0.0, shared), False
    with turns.turn("a.example"):
        shared.is_away = read = True
    assert read
    with pytest.raises(TryLater), turns.turn("a.example"):
        pass
    shared.is_away = False
    shared.now += 3600
    with turns.turn("a.example"):
        pass


def test_a_pause_is_taken_once_by_all_and_is_free_without_others() -> None:
    shared = FakeTurns()
    first, second = Turns(0.0, shared), Turns(0.0, shared)
    assert (first.take_pause("a.example", 10), second.take_pause("a.example", 10)) == (True, False)
    with second.turn("a.example"):  # because a feed is no page
        pass
    shared.now += 10
    assert second.take_pause("a.example", 10)
    alone = Turns(0.0)
    assert alone.take_pause("a.example", 10) and alone.take_pause("a.example", 10) and not alone.is_shared


@pytest.mark.parametrize("length", [253, 300])
def test_a_host_of_any_name_has_turns(opened: Callable[..., Engine], postgresql_url: str, length: int) -> None:
    turns = Turns(0.0, StoredPaces(opened(postgresql_url)))
    with turns.turn("a" * length):
        pass
    assert turns.take_pause("a" * length, 10)


def test_several_processes_ask_a_host_one_at_a_time(opened: Callable[..., Engine], database_url: str) -> None:
    web, inside, at_once, fetched = Web(), list[int](), list[int](), list[bytes]()
    gap = 0.01

    def alone(conn: object, _head: str) -> None:
        inside.append(1)
        at_once.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        conn.sendall(answer())  # type: ignore[attr-defined]

    web.on("/feed", alone)

    def process() -> None:
        turns = Turns(gap, StoredPaces(opened(database_url)), sleep=lambda seconds: time.sleep(min(seconds, 0.02)))
        fetched.append(taking(web, turns).fetch(web.url("/feed")).body)

    threads = [threading.Thread(target=process) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    web.close()
    assert at_once == [1] * 4 and len(fetched) == 4


def test_waiting_for_others_costs_a_fetch_none_of_its_time() -> None:
    """A fetch of at most 0.2 s waits for its turn, then has its time whole."""
    web, shared = Web(), FakeTurns()
    web.on("/feed", answer())

    def sleep(_: float) -> None:
        time.sleep(0.25)
        shared.free.clear()

    shared.free["source:feeds.example"] = shared.now + 1
    assert taking(web, Turns(0.0, shared, sleep=sleep), seconds=0.2).fetch(web.url("/feed")).body
    web.close()


def test_without_its_database_nothing_is_fetched() -> None:
    web, shared = Web(), FakeTurns()
    web.on("/feed", answer())
    shared.is_away = True
    with pytest.raises(TryLater) as caught:
        taking(web, Turns(0.0, shared)).fetch(web.url("/feed"))
    assert not isinstance(caught.value, SourceError) and web.requests == []
    web.close()
