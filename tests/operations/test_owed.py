"""Red if and only if a reader is owed a letter and nothing is about to send it: a table, and a story."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from digest.installation import Installation
from digest.operations.monitor import Monitor, look_at
from digest.operations.owed import CODES, LastRuns, LateSlot, LetterFacts, longest_pause, why_unsent
from digest.store import editions, runs
from digest.store.engine import reading, writing
from digest.store.schema import delivery, edition, run
from subscribers.tables import subscriber
from tests.counts import table
from tests.house import START, House

HALF = timedelta(minutes=30)
PATIENCE = longest_pause(HALF)
WELL = LetterFacts(START, HALF, runs=LastRuns(START - HALF, START - HALF, START - HALF))
OWED = {"since": START - timedelta(minutes=40)}
SINCE_LONG = {"since": START - timedelta(days=1)}


def hours(ago: float) -> datetime:
    return START - timedelta(hours=ago)


def last(began: float, ended: float | None, good: float | None = None, *, failed: bool = False) -> dict[str, Any]:
    """Return the facts of runs that many hours ago."""
    instants = [None if ago is None else hours(ago) for ago in (began, ended, good)]
    return {"runs": LastRuns(*instants, failed=failed)}


def late(why: str, number: int | None = 3) -> dict[str, Any]:
    return {"late": (LateSlot("weekly", "2026-10-30", why, number),), "due": 1}


@table(
    "facts, codes",
    [
        # Nothing is owed: whatever else is wrong.
        ({}, []),
        ({"held": True}, []),
        ({"clock_behind": True}, []),
        (last(50, 50, 50), []),
        (last(0.5, 0.5, 30, failed=True), []),
        ({"runs": LastRuns(), "existed_since": hours(400)}, []),
        # Letters wait, and runs come in time and end well.
        (OWED, []),
        (SINCE_LONG, []),
        (SINCE_LONG | last(1.9, 1.9, 1.9), []),
        (OWED | last(0.5, 0.5, 1, failed=True), []),  # the next run tries again
        (OWED | last(0.5, 0.5, None, failed=True), []),
        (SINCE_LONG | last(0.5, 0.5, 1.9, failed=True), []),
        # A run is at work, for however long.
        (SINCE_LONG | last(0.1, None, 0.5), []),
        (SINCE_LONG | last(9, None, 10) | {"claimed_at": hours(0.1), "ripe": True}, []),
        (late("overdue") | last(0.1, None, 0.5), []),
        (OWED | last(3, 2.9, 2.9) | {"claimed_at": hours(0.05)}, []),  # a worker, or `digest send`
        # A slot is due, and its time is not over.
        ({"due": 1}, []),
        # HOLD and a clock that is behind keep back all that is owed, also what is due at this minute.
        (OWED | {"held": True}, ["hold"]),
        ({"due": 1, "held": True}, ["hold"]),
        (late("overdue") | {"held": True}, ["hold"]),
        (OWED | {"held": True, "claimed_at": hours(0.01)}, ["hold"]),
        (OWED | {"held": True} | last(9, 9, 9), ["hold"]),
        ({"stopped": (2,), "held": True}, ["hold", "stopped"]),
        (OWED | {"clock_behind": True}, ["clock"]),
        ({"due": 1, "clock_behind": True}, ["clock"]),
        (OWED | {"clock_behind": True, "held": True}, ["hold"]),
        # A person keeps letters back, though runs come, and though one works.
        ({"stopped": (2,)}, ["stopped"]),
        ({"stopped": (2,)} | last(0.1, None, 0.5), ["stopped"]),
        (late("stopped"), ["stopped"]),
        (late("approval"), ["approval"]),
        (late("approval") | last(0.1, None, 0.5), ["approval"]),
        # A slot that no run has taken.
        (late("overdue"), ["overdue"]),
        (late("overdue", None) | last(30, 30, 30), ["overdue"]),
        (late("overdue") | last(30, None, 40), ["overdue"]),  # killed
        (late("overdue") | {"runs": LastRuns()}, ["overdue"]),
        # Letters wait, and no run comes any more, or was ever there.
        (OWED | last(2.1, 2.1, 2.1), ["no-run"]),
        (OWED | last(2.1, 2.05, 2.05), ["no-run"]),
        (OWED | last(2.1, None, 5), ["no-run"]),  # killed, and no other came
        (OWED | last(2.1, 2.1, 2.1) | {"claimed_at": hours(2)}, ["no-run"]),
        (OWED | {"runs": LastRuns(), "existed_since": hours(3)}, ["no-run"]),
        (OWED | {"runs": LastRuns(), "existed_since": hours(1)}, []),
        (SINCE_LONG | last(2.1, 2.1, 2.1, failed=True), ["no-run"]),
        # Runs come, and each fails.
        (SINCE_LONG | last(0.5, 0.5, 2.1, failed=True), ["failing"]),
        (SINCE_LONG | last(0.5, 0.5, None, failed=True), ["failing"]),
        # Turns end well, and each share fails.
        (SINCE_LONG | {"shares": LastRuns(good_at=hours(1.9), failed=True)}, []),
        (SINCE_LONG | {"shares": LastRuns(good_at=hours(2.1), failed=True)}, ["failing"]),
        (SINCE_LONG | {"shares": LastRuns(failed=True)}, ["failing"]),
        (SINCE_LONG | {"shares": LastRuns(good_at=hours(9))}, []),
        # Runs come and end well, and leave letters all the same.
        (SINCE_LONG | {"ripe": True}, ["stuck"]),
        # Several at once.
        ({"stopped": (2,)} | late("overdue") | SINCE_LONG | last(3, 3, 3), ["stopped", "overdue", "no-run"]),
        (late("approval") | SINCE_LONG | {"ripe": True}, ["approval", "stuck"]),
    ],
)
def test_letters_are_owed_and_nothing_is_about_to_send_them(facts: dict[str, Any], codes: list[str]) -> None:
    reasons = why_unsent(replace(WELL, **facts))
    assert [reason.code for reason in reasons] == codes
    assert set(codes) <= set(CODES) and all(reason.words and reason.cure for reason in reasons)


@table(
    "every, longest",
    [(timedelta(0), 2.0), (HALF, 2.0), (timedelta(hours=6), 7.5), (timedelta(days=1), 25.5)],
)
def test_how_long_no_run_is_in_order(every: timedelta, longest: float) -> None:
    assert longest_pause(every) == timedelta(hours=longest)


# --- a story, on both engines -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def before_friday(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The house on SQLite that each test copies."""
    return a_house(tmp_path_factory.mktemp("owed") / "house")


@pytest.fixture
def house(before_friday: House, tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    """Yield a house with one weekly reader and an entry, on a Friday before the hour of its edition."""
    folder = tmp_path / "house"
    house = before_friday.copy(folder) if pipeline_url.startswith("sqlite") else a_house(folder, pipeline_url)
    yield house
    house.close()


def a_house(folder: Path, database_url: str = "") -> House:
    """Make the house of the fixture `house`."""
    house = House(folder, database_url)
    house.reader("weekly@example.org")
    house.run()
    house.publish("One")
    house.now = START + timedelta(days=3, hours=22, minutes=50)  # 07:50
    house.run()
    return house


def codes(place: Installation) -> list[str]:
    return [reason.code for reason in look_at(place).reasons]


def problems(place: Installation) -> list[str]:
    return list(look_at(place).problems)


def moved(house: House, **ahead: float) -> Installation:
    house.now += timedelta(**ahead)
    return house.place


def change(house: House, statement: Any) -> None:
    with writing(house.place.engine) as conn:
        conn.execute(statement)


def test_the_day_of_an_edition_is_never_red_while_cron_runs(house: House) -> None:
    house.reader("monthly@example.org", "monthly")
    for _ in range(4):
        assert problems(moved(house, minutes=30)) == []
        house.run()
        assert problems(house.place) == []


@pytest.mark.long
def test_a_busy_day_in_which_nothing_is_wrong_raises_no_alarm(house: House) -> None:
    """A run each half hour, entries, editions of two cadences, letters put off by their server, a reader's pause."""
    daily = [house.reader(f"daily{n}@example.org", "daily") for n in range(3)]
    alarms = []
    for step in range(50):
        house.now += timedelta(minutes=30)
        alarms += problems(house.place)
        if step % 8 == 0:
            house.publish(f"Entry {step}")
        house.run()
        alarms += problems(house.place)
        later = {"state": "pending", "reason": "450 try again", "retry_at": house.now + timedelta(minutes=50)}
        change(house, update(delivery).where(delivery.c.subscriber_id == daily[0]).values(later))
        paused = {"state": "pending", "reason": "paused", "retry_at": house.now + timedelta(days=9)}
        change(house, update(delivery).where(delivery.c.subscriber_id == daily[1]).values(paused))
        with writing(house.place.engine) as conn:
            conn.execute(
                update(subscriber).where(subscriber.c.id == daily[1]).values(paused_until=paused["retry_at"])
            )
    assert alarms == []
    with reading(house.place.engine) as conn:
        states = {row[0] for row in conn.execute(select(delivery.c.state))}
    assert states == {"accepted", "pending"}


def test_a_slot_that_no_run_takes(house: House) -> None:
    assert problems(moved(house, minutes=30)) == []
    assert problems(moved(house, minutes=70)) == ["letters"] and codes(house.place) == ["overdue"]
    house.run()
    assert problems(house.place) == []


def test_nobody_is_owed_an_edition_that_nobody_follows(house: House) -> None:
    # The daily slots are due each day, and nobody reads daily.
    house.run(minutes=30)
    assert problems(moved(house, days=3)) == ["last run"]


def test_letters_of_a_run_that_was_killed_and_of_none_after_it(house: House) -> None:
    house.run(minutes=30)
    change(house, update(delivery).values(state="claimed"))
    change(house, update(run).where(run.c.id == 3).values(finished_at=None, outcome=None))
    assert codes(moved(house, minutes=90)) == []
    assert codes(moved(house, minutes=90)) == ["no-run"]


def test_hold_and_stop(house: House) -> None:
    house.run(minutes=30)
    change(house, update(delivery).values(state="pending"))
    assert problems(house.place) == []
    change(house, update(edition).values(held=True))
    assert (codes(house.place), problems(house.place)) == (["stopped"], ["letters"])
    house.place.fence.hold()
    assert (codes(house.place), problems(house.place)) == (["hold", "stopped"], ["hold", "letters"])
    change(house, update(delivery).values(state="accepted"))
    assert (codes(house.place), problems(house.place)) == ([], ["hold"])


def test_every_run_fails_while_letters_wait(house: House) -> None:
    house.run(minutes=30)
    change(house, update(delivery).values(state="pending", updated_at=house.now))
    for _ in range(5):
        house.now += timedelta(minutes=30)
        with writing(house.place.engine) as conn:
            runs.finish(conn, runs.start(conn, "run", house.now), "failed: x", {"exit_code": 2}, house.now)
    assert codes(house.place) == ["failing"]
    with writing(house.place.engine) as conn:
        runs.finish(conn, runs.start(conn, "run", house.now), "done", {}, house.now)
    assert codes(house.place) == ["stuck"]
    change(house, update(delivery).values(retry_at=house.now + timedelta(hours=1)))
    assert codes(house.place) == []


def test_a_letter_whose_reader_has_just_ended_a_pause(house: House) -> None:
    house.run(minutes=30)
    until = house.now + timedelta(days=9)
    change(house, update(delivery).values(state="pending", reason="paused", retry_at=until))
    change(house, update(subscriber).values(paused_until=until))
    for _ in range(3):
        house.run(minutes=60)
    assert codes(house.place) == []
    change(house, update(subscriber).values(paused_until=None))
    assert codes(house.place) == []
    house.run(minutes=1)
    with reading(house.place.engine) as conn:
        assert conn.scalars(select(delivery.c.state)).all() == ["accepted"]


def test_an_edition_that_nobody_approves(tmp_path: Path) -> None:
    house = House(tmp_path / "house", weekly='approval = "required"')
    house.reader("weekly@example.org")
    house.run()
    house.publish("One")
    house.run(days=3, hours=23)
    house.run(minutes=60)
    assert codes(house.place) == []
    assert codes(moved(house, minutes=31)) == ["approval"]
    with writing(house.place.engine) as conn:
        [waiting] = editions.unfrozen(conn, "weekly")
        editions.hold(conn, waiting.id)
    assert codes(house.place) == ["stopped"]
    house.close()


def test_a_host_that_only_answers_on_the_web_has_no_fence(house: House) -> None:
    house.run(minutes=30)
    house.settings.fence_file.rename(house.folder / "elsewhere")
    assert problems(house.place) == []
    # The host that sends has lost it too: the next run fails, and from then on it is told here.
    with writing(house.place.engine) as conn:
        runs.finish(conn, runs.start(conn, "run", house.now), "failed: HOLD", {"exit_code": 4}, house.now)
    assert problems(house.place) == ["hold"]


def test_a_clock_that_is_behind(house: House) -> None:
    assert problems(moved(house, days=-30)) == ["clock"]


def test_a_look_changes_nothing_and_is_shared(house: House) -> None:
    house.run(minutes=30)
    place = house.live()
    monitor = Monitor(place)
    with reading(place.engine) as conn:
        before = runs.newest(conn)
    first = monitor.look()
    assert monitor.look() is first
    house.now += timedelta(hours=1)
    assert monitor.look() is not first
    with reading(place.engine) as conn:
        assert runs.newest(conn) == before
