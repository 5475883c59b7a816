"""What waits for a person is told, with exit code 4, once a local day and whenever it has changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from digest.editions import approve, draft
from digest.store import editions, sources
from digest.store.engine import writing
from digest.store.schema import entry
from tests import console
from tests.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house whose next new entries are held."""
    house = House(tmp_path / "house")
    house.run()
    hold_next(house)
    yield house
    house.close()


def hold_next(house: House) -> None:
    """Publish an entry that is held."""
    with writing(house.place.engine) as conn:
        sources.hold_next(conn)
    house.publish(f"Held at {house.now}")


@pytest.mark.long
def test_held_entries_are_told_once_a_day_and_when_there_are_more(house: House) -> None:
    told = []
    for hours, more in ((1, False), (1, False), (1, True), (1, False), (24, False), (1, False)):
        if more:
            hold_next(house)
        report = house.run(hours=hours)
        told.append((report.waiting[0].split(":")[0], report.told_before))
    first, second = "1 entry is held for an editor", "2 entries are held for an editor"
    assert told == [(first, False), (first, True), (second, False), (second, True), (second, False), (second, True)]


@pytest.mark.long
def test_the_day_is_the_local_one(house: House) -> None:
    house.now = house.now.replace(year=2027, month=7, hour=22)  # 23:00 in London
    house.believe_clock()
    assert [house.run(minutes=30).told_before for _ in range(4)] == [False, False, True, True]


@pytest.mark.long
def test_a_stopped_edition_is_told_once_a_day_until_it_is_let_go(house: House) -> None:
    house.run()
    with writing(house.place.engine) as conn:
        daily = draft.draft(conn, house.settings, house.settings.cadence("daily"), house.now + timedelta(days=1))
        approve.hold(conn, daily.id)
    reports = [house.run(hours=hours) for hours in (24, 1, 1)]
    assert [report.told_before for report in reports] == [False, True, True]
    assert all(f"edition {daily.id}" in " ".join(report.waiting) for report in reports)
    with writing(house.place.engine) as conn:
        editions.let_go(conn, daily.id)
    assert f"edition {daily.id}" not in " ".join(house.run(hours=1).waiting)


@pytest.mark.long
def test_each_thing_is_told_once_also_beside_others_that_come_and_go(house: House) -> None:
    def told() -> tuple[int, list[str]]:
        """Run once more; return the exit code of cron's command, and what it tells of editions and entries."""
        house.now += timedelta(hours=1)
        answer = console.digest(house.folder, "--now", house.now.isoformat(), "run")
        return answer.code, re.findall(r"waiting: (edition \d+|\d+ entr)", answer.stderr)

    house.run()
    with writing(house.place.engine) as conn:
        daily = draft.draft(conn, house.settings, house.settings.cadence("daily"), house.now + timedelta(days=1))
        approve.hold(conn, daily.id)
    house.now += timedelta(hours=24)
    stopped = f"edition {daily.id}"
    assert [told(), told()] == [(4, ["1 entr", stopped][::-1]), (0, [])]
    hold_next(house)
    assert [told(), told()] == [(4, ["2 entr"]), (0, [])]
    with writing(house.place.engine) as conn:
        conn.execute(update(entry).where(entry.c.state == "held").values(state="dropped"))
    assert told() == (0, []), "what is left was told"


def test_a_quiet_day_has_nothing_to_tell(tmp_path: Path) -> None:
    house = House(tmp_path / "quiet")
    assert [house.run(hours=1).waiting for _ in range(3)] == [[], [], []]
    house.close()


def test_a_run_in_hold_leaves_with_4_each_time_and_is_told_once_a_day(tmp_path: Path) -> None:
    house = House(tmp_path / "held")
    house.run()
    house.place.fence.hold()
    house.close()
    told = []
    for hours, words in ((1, []), (1, []), (0, ["-v"]), (24, [])):
        house.now += timedelta(hours=hours)
        answer = console.digest(house.folder, "--now", house.now.isoformat(), "run", *words)
        told.append((answer.code, "HOLD" in answer.stderr))
    assert told == [(4, True), (4, False), (4, True), (4, True)]
    assert console.digest(house.folder, "send").stderr.count("HOLD") == 1
