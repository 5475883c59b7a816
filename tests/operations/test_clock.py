"""A clock that is behind mails and stores nothing, one that was ahead silences nothing, small steps do no harm."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from digest.gather import is_due
from digest.model import Source
from digest.operations.clock import accept_clock, leap_line
from digest.store import migrate, runs
from digest.store.engine import make_engine, writing
from digest.store.schema import delivery
from digest.store.sources import State
from tests.console import Answer, digest
from tests.counts import spread
from tests.house import START, House

FRIDAY = START + timedelta(days=4)


@pytest.fixture
def house(tmp_path: Path, begun: Callable[..., House]) -> Iterator[House]:
    """Yield a house with a daily and a weekly reader, whose letters of Friday have left."""
    house = begun(tmp_path / "house")
    house.reader("daily@example.org", "daily")
    house.reader("weekly@example.org")
    house.publish("One")
    house.now = FRIDAY
    house.run()
    house.publish("Two")
    yield house
    house.close()


def do(house: House, now: str, *words: str) -> Answer:
    return digest(house.folder, "--now", now, *words)


def letters(house: House) -> int:
    return len(list((house.folder / "letters").glob("*/*.eml")))


def rows(house: House) -> str:
    """Return all that the database holds."""
    with closing(sqlite3.connect(house.folder / "digest.db")) as conn:
        return "\n".join(conn.iterdump())


@pytest.mark.long
def test_a_clock_that_is_behind_mails_and_stores_nothing(house: House) -> None:
    before = rows(house)
    for now in ("1970-01-01T00:01:00Z", "2000-01-01T00:00:00Z", "2026-10-05T09:00:00Z", "2026-11-05T08:30:00Z"):
        for words in ("run", "gather", "send", "prepare weekly"):
            answer = do(house, now, *words.split())
            assert answer.code == 4, (now, words)
            assert "the clock is behind" in answer.stderr
            assert "2026-11-06 09:00 UTC; set the clock right" in answer.stderr
    assert (rows(house), letters(house)) == (before, 2)


@pytest.mark.long
def test_once_the_clock_is_right_again_all_goes_on_by_itself(house: House) -> None:
    assert do(house, "1970-01-01T00:01:00Z", "run").code == 4
    told = do(house, "1970-01-01T00:01:00Z", "doctor").stdout
    assert "wrong: clock: the clock is behind" in told
    assert "1969" not in told
    assert do(house, "2026-11-06T09:30:00Z", "run").code == 0
    assert "clock" not in do(house, "2026-11-06T09:30:00Z", "doctor").stdout
    assert letters(house) == 2
    assert do(house, "2026-11-13T09:00:00Z", "run").code == 0
    assert letters(house) == 4


@pytest.mark.long
def test_a_small_step_back_stops_nothing_and_mails_nothing(house: House) -> None:
    for back in (
        timedelta(minutes=1),
        timedelta(hours=1),
        timedelta(hours=3),
        timedelta(hours=14),
        timedelta(days=1),
    ):
        house.now = FRIDAY - back
        house.run()
    assert letters(house) == 2


@pytest.mark.long
def test_small_steps_that_add_up_are_no_small_step(house: House) -> None:
    times = [FRIDAY - timedelta(hours=hours) for hours in (0, 16, 32, 48)]
    assert [do(house, time.isoformat(), "run").code for time in times] == [0, 0, 4, 4]


@pytest.mark.long
def test_a_person_who_says_that_the_clock_is_right_says_it_once(house: House) -> None:
    assert do(house, "2027-11-06T09:00:00Z", "run").code == 4  # because [retention] doubts the leap
    sent = letters(house)
    assert do(house, "2026-11-09T09:00:00Z", "run").code == 4
    house.publish("Three")
    assert do(house, "2026-11-13T09:00:00Z", "run", "--clock-is-right").code == 0
    assert letters(house) == sent + 2
    assert do(house, "2026-11-13T09:30:00Z", "run").code == 0
    assert do(house, "2026-10-13T09:30:00Z", "run").code == 4
    assert letters(house) == sent + 2


@pytest.mark.long
def test_the_option_changes_nothing_while_the_clock_is_right(house: House) -> None:
    assert do(house, "2026-11-06T09:30:00Z", "run", "--clock-is-right").code == 0
    # Otherwise a crontab with the option would believe a small step each time.
    assert "'clock'" not in rows(house)


def test_a_first_run_by_no_clock_at_all_is_refused(tmp_path: Path) -> None:
    house = House(tmp_path / "house", source='backfill = "400 days"')
    house.reader("weekly@example.org")
    house.publish("One", date="1969-12-20")
    answer = do(house, "1970-01-01T00:01:00Z", "run")
    assert answer.code == 4
    assert "long past; set the clock right" in answer.stderr
    assert letters(house) == 0
    house.close()


@pytest.mark.long
def test_a_wait_by_a_clock_that_was_ahead_ends_with_it(house: House) -> None:
    ahead = house.now + timedelta(days=365)
    with writing(house.place.engine) as conn:
        values = {"state": "pending", "retry_at": ahead + timedelta(hours=1), "updated_at": ahead}
        conn.execute(delivery.update().where(delivery.c.id == 1).values(**values))
    assert do(house, "2026-11-06T09:30:00Z", "send").code == 0
    with closing(sqlite3.connect(house.folder / "digest.db")) as conn:
        assert conn.execute("SELECT state FROM delivery WHERE id = 1").fetchone() == ("accepted",)


@pytest.mark.parametrize(("checked", "due"), [(0, False), (-2, False), (24 * 365, True)])
def test_a_source_waits_as_long_as_it_asked_and_not_until_a_wrong_clock(checked: int, due: bool) -> None:
    at = START + timedelta(hours=checked)
    state = State(checked_at=at, not_before=at + timedelta(hours=6))
    assert is_due(Source("Feed", url="https://feed.example.org/"), state, START, timedelta(minutes=30)) is due


@pytest.mark.long
def test_a_clock_far_ahead_removes_nothing_until_a_person_or_three_days_say_that_it_is_right(house: House) -> None:
    ahead = FRIDAY + timedelta(days=365)
    answer = do(house, ahead.isoformat(), "run")
    assert (answer.code, letters(house) >= 2) == (4, True)
    assert "nothing was removed by [retention]: the clock says 2027-11-06" in answer.stderr
    sent = letters(house)
    # Told once a day, as all that waits for a person; still nothing goes.
    assert (do(house, (ahead + timedelta(minutes=30)).isoformat(), "run").code, letters(house)) == (0, sent)
    answer = do(house, (ahead + timedelta(hours=1)).isoformat(), "run", "--clock-is-right")
    assert (answer.code, letters(house) < sent) == (0, True)


@pytest.mark.parametrize(
    ("days", "told"),
    spread(3, [((31,), False), ((36,), True), ((40, 42), True), ((40, 44), False), ((3000, 3001), True)]),
)
def test_how_long_a_sleep_is_doubted(days: tuple[int, ...], told: bool) -> None:
    engine = make_engine("sqlite://")
    migrate.upgrade(engine)
    with writing(engine) as conn:
        for day in (0, *days[:-1]):
            runs.start(conn, "run", START + timedelta(days=day))
        now = START + timedelta(days=days[-1])
        runs.start(conn, "run", now)
        assert bool(leap_line(conn, now)) is told
        accept_clock(conn, now)
        assert not leap_line(conn, now)
