"""Schedule: slots over clock changes in eight zones, and slots missed in a long sleep."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from digest.config.days_off import Holidays
from digest.config.hours import parse_at
from digest.errors import ConfigError
from digest.schedule import Cadence, due_slot, latest_of, next_slot, slots_between
from tests.counts import table
from tests.test_clock_changes import CHANGES

LONDON = "Europe/London"


def test_the_due_slot_is_the_newest_that_has_come() -> None:
    weekly = Cadence("weekly", parse_at("weekly", "fri 08:00"))
    before = datetime(2026, 11, 20, 7, 59, 59, tzinfo=UTC)
    assert due_slot(weekly, before, LONDON).day == date(2026, 11, 13)
    assert due_slot(weekly, before + timedelta(seconds=1), LONDON).day == date(2026, 11, 20)
    assert next_slot(weekly, before, LONDON).day == date(2026, 11, 20)
    assert next_slot(weekly, before + timedelta(seconds=1), LONDON).day == date(2026, 11, 27)


def test_the_local_day_counts_not_the_day_of_utc() -> None:
    daily = Cadence("daily", parse_at("daily", "00:30"))
    # 23:30 UTC on 14 July is 00:30 on the 15th in London.
    assert due_slot(daily, datetime(2026, 7, 14, 23, 30, tzinfo=UTC), LONDON).key == "2026-07-15"


@table("zone, change", CHANGES)
@table("at", ["00:00", "01:30", "02:30"])
def test_each_local_date_is_due_exactly_once_over_a_clock_change(zone: str, change: date, at: str) -> None:
    daily = Cadence("daily", parse_at("daily", at))
    start = datetime.combine(change, datetime.min.time(), UTC) - timedelta(days=3)
    seen = []
    for minute in range(0, 6 * 24 * 60, 10):
        slot = due_slot(daily, start + timedelta(minutes=minute), zone)
        if not seen or seen[-1] != slot.day:
            seen.append(slot.day)
    assert seen == [seen[0] + timedelta(days=n) for n in range(len(seen))]
    assert change in seen


@pytest.mark.parametrize(("slept", "missed"), [(1, 0), (3, 2), (8, 7)])
def test_a_long_sleep_names_every_slot_it_missed(slept: int, missed: int) -> None:
    weekly = Cadence("weekly", parse_at("weekly", "fri 08:00"))
    last = date(2026, 9, 4)
    due = due_slot(weekly, datetime(2026, 9, 4, 9, tzinfo=UTC) + timedelta(weeks=slept), LONDON)
    assert len(list(slots_between(weekly, last, due.day, LONDON))) == missed


def test_the_last_of_the_month_is_due_in_every_month() -> None:
    monthly = Cadence("monthly", parse_at("monthly", "last 08:00"))
    days = {due_slot(monthly, datetime(2027, m, 1, 12, tzinfo=UTC), LONDON).key for m in range(1, 13)}
    assert {"2027-01-31", "2027-02-28", "2027-04-30", "2026-12-31"} <= days
    assert len(days) == 12


@pytest.mark.parametrize(
    ("at", "ahead", "now", "day", "hour"),
    [
        # Due an hour before its hour; the date is that of the hour.
        ("08:00", 1, "2026-11-06T07:00", "2026-11-06", "2026-11-06T08:00"),
        ("08:00", 1, "2026-11-06T06:59", "2026-11-05", "2026-11-05T08:00"),
        # Due on the evening before.
        ("08:00", 12, "2026-11-05T20:00", "2026-11-06", "2026-11-06T08:00"),
        # Across the change to summer time: real hours, not the clock's.
        ("03:00", 3, "2027-03-27T23:00", "2027-03-28", "2027-03-28T02:00"),
    ],
)
def test_a_slot_that_is_handed_over_ahead(at: str, ahead: int, now: str, day: str, hour: str) -> None:
    cadence = Cadence("daily", parse_at("daily", at), ahead=timedelta(hours=ahead))
    slot = due_slot(cadence, datetime.fromisoformat(now).replace(tzinfo=UTC), LONDON)
    assert (slot.key, slot.hour) == (day, datetime.fromisoformat(hour).replace(tzinfo=UTC))
    assert slot.instant == slot.hour - timedelta(hours=ahead)


CHRISTMAS = frozenset({date(2026, 12, 24)})


def slots(name: str, at: str, days_off: Holidays | None, year: int) -> list[str]:
    """Return the slots of a cadence in a year."""
    cadence = Cadence(name, parse_at(name, at), days_off=days_off)
    return [slot.key for slot in slots_between(cadence, date(year - 1, 12, 31), date(year + 1, 1, 1), LONDON)]


@table(
    "name, at, moves, gone, come",
    [
        # Good Friday, Christmas Day and the Friday after New Year's Day of 2027 are Fridays off.
        ("weekly", "fri 08:00", True, ["2026-04-03", "2026-12-25"], ["2026-04-07", "2026-12-29"]),
        ("weekly", "fri 08:00", False, ["2026-04-03", "2026-12-25"], []),
        # The day after Easter Monday has a slot of its own already.
        ("daily", "mon-fri 07:30", True, ["2026-01-01", "2026-04-03", "2026-04-06", "2026-05-04", "2026-05-25",
                                          "2026-08-31", "2026-12-24", "2026-12-25", "2026-12-28"], []),
        ("monthly", "1 08:00", True, ["2026-01-01"], ["2026-01-02"]),
        ("monthly", "last 08:00", True, ["2026-08-31"], ["2026-09-01"]),
        ("weekly", "thu 08:00", True, ["2026-01-01", "2026-12-24"], ["2026-01-02", "2026-12-29"]),
        # A hour on a weekend stays there, because only days off are left out.
        ("weekly", "sat 08:00", True, ["2026-12-26"], ["2026-12-29"]),
    ],
)  # fmt: skip
def test_a_slot_on_a_day_off_moves_or_is_skipped(
    name: str, at: str, moves: bool, gone: list[str], come: list[str]
) -> None:
    plain = slots(name, at, None, 2026)
    kept = slots(name, at, Holidays("GB", "ENG", CHRISTMAS, moves), 2026)
    assert (sorted(set(plain) - set(kept)), sorted(set(kept) - set(plain))) == (gone, come)
    assert kept == sorted(set(kept))


@table("zone", [LONDON, "Asia/Kathmandu", "America/New_York"])
@table(
    "at, name",
    [("fri 08:00", "weekly"), ("07:30", "daily"), ("first mon 07:30", "monthly"), ("30 7 L * *", "monthly")],
)
@pytest.mark.long
def test_with_days_off_the_next_slot_becomes_the_due_slot(zone: str, at: str, name: str) -> None:
    cadence = Cadence(name, parse_at(name, at), days_off=Holidays("GB", "SCT", CHRISTMAS, moves=True))
    now, listed = datetime(2026, 11, 20, tzinfo=UTC), []
    while now.year < 2027:
        slot = next_slot(cadence, now, zone)
        assert due_slot(cadence, slot.instant, zone) == slot
        assert due_slot(cadence, slot.instant - timedelta(seconds=1), zone).key < slot.key
        now = slot.instant
        listed.append(slot.day)
    before, after = listed[0] - timedelta(days=1), listed[-1] + timedelta(days=1)
    assert listed == [slot.day for slot in slots_between(cadence, before, after, zone)]


def test_days_off_without_end_are_a_mistake_that_names_the_cadence() -> None:
    every = frozenset(date(2026, 1, 1) + timedelta(days=number) for number in range(1000))
    cadence = Cadence("weekly", parse_at("weekly", "fri 08:00"), days_off=Holidays("", "", every, moves=False))
    with pytest.raises(ConfigError, match=r"cadence\.weekly: has no date within 400 days"):
        next_slot(cadence, datetime(2026, 2, 1, tzinfo=UTC), LONDON)


def test_the_latest_time_is_local() -> None:
    cadence = Cadence("weekly", parse_at("weekly", "fri 08:00"), latest=time(12))
    slot = due_slot(cadence, datetime(2026, 7, 3, 9, tzinfo=UTC), LONDON)
    assert latest_of(cadence, slot, LONDON) == datetime(2026, 7, 3, 11, tzinfo=UTC)
