"""Test the limits of rate that all processes share, by the clock of the database. No test waits for that clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, insert, select

from digest.store.engine import reading, writing
from digest.store.pace import LONGEST, StoredPaces, forget_unused, reserve, take_turn
from digest.store.shared_tables import pace
from digest.transports.paces import Paces
from tests.counts import table
from tests.transports.paces import FakePaces

SLOW = 300.0  # seconds that a slow machine may take between two statements of a test
HOUR = 3600.0


@pytest.fixture
def engine(opened: Callable[..., Engine], database_url: str) -> Engine:
    return opened(database_url)


@pytest.fixture(params=["sqlite", "postgresql", "fake"])
def paces(request: pytest.FixtureRequest) -> Iterator[Paces]:
    """Each implementation of what transports need."""
    if request.param == "fake":
        yield FakePaces(time.time)
    else:
        open_ = request.getfixturevalue("opened")
        yield StoredPaces(open_(request.getfixturevalue(f"{request.param}_url")))


def stored(engine: Engine, name: str, ahead: float) -> None:
    """Store a pace that is free so many seconds from now."""
    with writing(engine) as conn:
        conn.execute(insert(pace).values(name=name, free_at=datetime.now(UTC) + timedelta(seconds=ahead)))


def is_about(wait: float, seconds: float) -> bool:
    # SQLite counts milliseconds, so that an instant may be stored up to one later.
    return seconds - SLOW < wait < seconds + 0.002


def test_one_piece_of_work_begins_after_the_other(paces: Paces) -> None:
    assert paces.wait_of("smtp") == 0
    assert paces.reserve("smtp", HOUR, 3) == 0
    assert is_about(paces.wait_of("smtp"), 3 * HOUR)
    assert is_about(paces.reserve("smtp", HOUR, 1), 3 * HOUR)
    assert is_about(paces.wait_of("smtp"), 4 * HOUR)
    assert paces.reserve("another", HOUR, 1) == 0


def test_nothing_begins_before_the_other_side_allows_it(paces: Paces) -> None:
    paces.put_back("mail", HOUR)
    assert is_about(paces.wait_of("mail"), HOUR)
    paces.put_back("mail", 1)
    assert is_about(paces.wait_of("mail"), HOUR)
    paces.put_back("mail", 2 * HOUR)
    assert is_about(paces.reserve("mail", 1, 1), 2 * HOUR)


def test_many_threads_reserve_one_time_each(paces: Paces) -> None:
    waits: list[float] = []

    def reserve() -> None:
        for _ in range(5):
            waits.append(paces.reserve("smtp", HOUR, 1))

    threads = [threading.Thread(target=reserve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [is_about(wait, place * HOUR) or wait == 0 for place, wait in enumerate(sorted(waits))] == [True] * 20
    assert is_about(paces.wait_of("smtp"), 20 * HOUR)


@table(
    "ahead, wait",
    [
        (-HOUR, 0.0),  # what was free for an hour is not saved up
        (HOUR, HOUR),
        (LONGEST - 3 * HOUR, LONGEST - 3 * HOUR),
        (LONGEST + 2 * HOUR, 0.0),  # the database's clock was set back
    ],
)
def test_a_stored_instant_counts_where_it_can_be_meant(engine: Engine, ahead: float, wait: float) -> None:
    paces, name = StoredPaces(engine), f"smtp {ahead}"
    stored(engine, name, ahead)
    assert is_about(paces.wait_of(name), wait)
    assert is_about(paces.reserve(name, HOUR, 2), wait)
    assert is_about(paces.wait_of(name), wait + 2 * HOUR)


def test_a_fraction_of_a_second_is_never_lost(engine: Engine) -> None:
    """SQLite counts milliseconds: rounded down, each allowance would begin a little early."""
    stored(engine, "smtp", HOUR)
    with writing(engine) as conn:
        begins = conn.scalar(select(pace.c.free_at))
    paces = StoredPaces(engine)
    for _ in range(20):
        paces.reserve("smtp", 0.2499, 4)
    with reading(engine) as conn:
        assert conn.scalar(select(pace.c.free_at)) >= begins + timedelta(seconds=20 * 0.9996)


def test_what_nobody_has_used_for_a_month_is_forgotten(engine: Engine) -> None:
    for name, ahead in (("old", -31 * LONGEST), ("younger", -29 * LONGEST), ("busy", HOUR)):
        stored(engine, name, ahead)
    with writing(engine) as conn:
        forget_unused(conn)
        assert set(conn.scalars(select(pace.c.name))) == {"younger", "busy"}


def test_the_present_is_that_of_the_statement(opened: Callable[..., Engine], postgresql_url: str) -> None:
    """Not that of the transaction's start, because a transaction may have waited for another's row."""
    with writing(opened(postgresql_url)) as conn:
        begun = conn.scalar(select(func.clock_timestamp()))
        assert reserve(conn, "smtp", 0, 1) == 0
        assert conn.scalar(select(pace.c.free_at)) >= begun
        take_turn(conn, "source:a.example", 0)
        assert conn.scalar(select(pace.c.free_at).where(pace.c.name == "source:a.example")) >= begun


def test_a_turn_is_for_one_at_a_time(engine: Engine) -> None:
    first, second = StoredPaces(engine), StoredPaces(engine)
    until, wait = first.take_turn("source:a.example", HOUR)
    assert until is not None and wait == 0
    taken, wait = second.take_turn("source:a.example", HOUR)
    assert taken is None and is_about(wait, HOUR)
    assert second.take_turn("source:b.example", HOUR)[0] is not None
    second.end_turn("source:a.example", until - timedelta(seconds=1), 0)  # another turn than that
    assert second.take_turn("source:a.example", HOUR)[0] is None
    first.end_turn("source:a.example", until, 600)
    taken, wait = second.take_turn("source:a.example", HOUR)
    assert taken is None and is_about(wait, 600)


def test_a_turn_that_ran_out_is_another_s(engine: Engine) -> None:
    paces = StoredPaces(engine)
    until, _ = paces.take_turn("source:a.example", 0)
    later, _ = paces.take_turn("source:a.example", HOUR)
    assert until is not None and later is not None and later > until
    paces.end_turn("source:a.example", until, 0)
    assert paces.take_turn("source:a.example", HOUR)[0] is None
    paces.end_turn("source:a.example", later, 0)
    assert paces.take_turn("source:a.example", HOUR)[0] is not None


def test_a_turn_of_a_clock_that_was_set_back_is_free(engine: Engine) -> None:
    stored(engine, "source:a.example", LONGEST + 2 * HOUR)
    assert StoredPaces(engine).take_turn("source:a.example", HOUR)[0] is not None


def test_a_turn_is_taken_once_by_many_threads(engine: Engine) -> None:
    together, taken = threading.Barrier(4), []

    def take() -> None:
        together.wait(20)
        taken.append(StoredPaces(engine).take_turn("source:a.example", HOUR)[0])

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(until is not None for until in taken) == 1
