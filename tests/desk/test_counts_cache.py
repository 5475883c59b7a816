"""The kept counts: never old without saying so, never a second count for the same, and no error is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from digest import pipeline
from digest.desk.counts import EditionCounts, count_as_it_stands
from digest.desk.counts_cache import CountsAnswer, CountsCache
from digest.editions import draft as drafting
from digest.editions.approve import hold
from digest.installation import Installation
from digest.model import Edition
from digest.store.engine import reading, writing
from subscribers import store as people
from tests.asked import asked
from tests.house import House

ENOUGH = 20.0  # seconds, for a thread on a busy machine; no test waits so long


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "house")
    house.reader("ann@example.org")
    house.run()
    house.now += timedelta(hours=1)
    house.publish("A story")
    pipeline.gather(house.place, force=True)
    yield house
    house.close()


class Counting:
    """Counts as the desk does, when it is let; remembers how often it was asked."""

    def __init__(self) -> None:
        self.times = 0
        self.let = threading.Event()
        self.let.set()
        self.error: Exception | None = None

    def __call__(self, conn: Connection, installation: Installation, edition: Edition) -> EditionCounts:
        self.times += 1
        assert self.let.wait(ENOUGH)
        if self.error:
            raise self.error
        return count_as_it_stands(conn, installation, edition)


def ask(house: House, cache: CountsCache) -> CountsAnswer:
    place = house.place
    with reading(place.engine) as conn:
        return cache.answer(conn, drafting.next_edition(conn, place.settings, "weekly", house.now))


def readers(answer: CountsAnswer) -> int:
    assert answer.counts is not None
    return answer.counts.eligible


def test_a_small_edition_is_counted_at_once_and_only_when_something_has_changed(house: House) -> None:
    cache = CountsCache(house.place)
    first = ask(house, cache)
    assert (readers(first), first.under_way) == (1, False)
    assert ask(house, cache).counts is first.counts
    house.reader("bob@example.org")
    second = ask(house, cache)
    assert (readers(second), second.under_way) == (2, False)
    house.publish("Another")
    pipeline.gather(house.place, force=True)
    third = ask(house, cache)
    assert third.counts is not None and third.counts.entries == 2
    with writing(house.place.engine) as conn:
        edition = drafting.draft(conn, house.settings, house.settings.cadence("weekly"), house.now)
        hold(conn, edition.id)
    # The draft's own change is no act here, but its row is another.
    fourth = ask(house, cache)
    assert fourth.counts is not third.counts and fourth.counts is not None and fourth.counts.edition.held


def test_a_large_edition_is_answered_from_what_was_counted_last(house: House) -> None:
    counting = Counting()
    cache = CountsCache(house.place, inline=0, patience=ENOUGH, count=counting)
    first = ask(house, cache)
    assert (readers(first), first.under_way, counting.times) == (1, False, 1)
    assert ask(house, cache) == first and counting.times == 1
    counting.let.clear()
    house.reader("bob@example.org")
    for _ in range(3):
        assert ask(house, cache) == CountsAnswer(first.counts, under_way=True), "the last counts, and says so"
    counting.let.set()
    _until_idle()
    second = ask(house, cache)
    assert (readers(second), second.under_way, counting.times) == (2, False, 2)


@pytest.mark.long
def test_the_first_counts_are_waited_for_a_short_while_only(house: House) -> None:
    counting = Counting()
    counting.let.clear()
    cache = CountsCache(house.place, inline=0, patience=0.01, count=counting)
    assert ask(house, cache) == ask(house, cache) == CountsAnswer(None, under_way=True)
    counting.let.set()
    _until_idle()
    assert readers(ask(house, cache)) == 1 and counting.times == 1


@pytest.mark.long
def test_only_the_first_page_waits_for_counts(house: House) -> None:
    counting = Counting()
    counting.let.clear()
    cache = CountsCache(house.place, inline=0, patience=ENOUGH, count=counting)
    first: list[CountsAnswer] = []
    page = threading.Thread(target=lambda: first.append(ask(house, cache)))
    page.start()
    while not any(thread.name == "counts" for thread in threading.enumerate()):
        page.join(0.01)
    assert ask(house, cache) == CountsAnswer(None, under_way=True) and not first
    counting.let.set()
    page.join(ENOUGH)
    assert readers(first[0]) == 1


@pytest.mark.long
def test_a_count_that_fails_is_told_and_tried_again(house: House) -> None:
    counting = Counting()
    counting.error = OSError("the disk is gone")
    cache = CountsCache(house.place, inline=0, patience=ENOUGH, count=counting)
    with pytest.raises(OSError, match="the disk is gone"):
        ask(house, cache)
    counting.error = None
    first = ask(house, cache)
    assert readers(first) == 1
    counting.error = OSError("again")
    house.reader("bob@example.org")
    ask(house, cache)
    _until_idle()
    counting.error = None
    assert ask(house, cache).counts == first.counts, "old counts are better than none"
    _until_idle()
    assert readers(ask(house, cache)) == 2


@pytest.mark.long
def test_counts_grow_old_because_a_pause_ends_by_itself(house: House) -> None:
    number = house.reader("bob@example.org")
    with writing(house.place.engine) as conn:
        people.pause(conn, number, house.now + timedelta(hours=1), how="test", now=house.now)

    class Later(Installation):
        @property
        def clock(self):  # type: ignore[no-untyped-def]
            return lambda: house.now

    later = Later(house.settings)
    later.__dict__["engine"] = house.place.engine
    cache = CountsCache(later)
    first = ask(house, cache).counts
    assert first is not None and first.readers == {"pending": 1, "held": 1}
    house.now += timedelta(hours=2)
    second = ask(house, cache).counts
    assert second is not None and second.readers == {"pending": 1, "empty": 1}


def test_the_counts_of_the_last_eight_editions_are_kept(house: House) -> None:
    counting = Counting()
    cache = CountsCache(house.place, count=counting)
    with reading(house.place.engine) as conn:
        coming = drafting.next_edition(conn, house.settings, "weekly", house.now)
        nine = [replace(coming, slot=f"2026-11-{day:02d}") for day in range(6, 15)]
        cache.answers(conn, nine)
        cache.answers(conn, nine[1:])
        assert counting.times == 9
        cache.answers(conn, nine[:1])
        assert counting.times == 10


@pytest.mark.parametrize("inline", [0, 5_000])
def test_an_answer_that_is_kept_costs_few_queries(house: House, inline: int) -> None:
    cache = CountsCache(house.place, inline=inline, patience=ENOUGH)
    ask(house, cache)
    with asked(house.place.engine) as statements:
        ask(house, cache)
    assert 0 < len(statements) <= 12


def _until_idle() -> None:
    for thread in threading.enumerate():
        if thread.name == "counts":
            thread.join(ENOUGH)
