"""Schedule: forms of `at`, slots over clock changes in eight zones, and slots missed in a long sleep."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from digest.schedule import At, Cadence, due_slot, next_slot, parse_at, slots_between
from tests.counts import table

LONDON = "Europe/London"


@table(
    "cadence, text, at",
    [
        ("daily", "07:30", At(7, 30)),
        ("daily", "mon-fri 07:30", At(7, 30, frozenset(range(5)))),
        ("daily", "fri-mon 7:05", At(7, 5, frozenset({4, 5, 6, 0}))),
        ("daily", "mon,wed 23:59", At(23, 59, frozenset({0, 2}))),
        ("weekly", "fri 08:00", At(8, 0, frozenset({4}))),
        ("weekly", "MON 00:00", At(0, 0, frozenset({0}))),
        ("monthly", "1 08:00", At(8, 0, month_day=1)),
        ("monthly", "last 08:00", At(8, 0, month_day=0)),
    ],
)
def test_reads_hours(cadence: str, text: str, at: At) -> None:
    assert parse_at(cadence, text) == at


@table(
    "cadence, text",
    [
        ("daily", "25:00"),
        ("daily", "07:60"),
        ("daily", "7.30"),
        ("daily", ""),
        ("daily", "0 07:00"),
        ("weekly", "08:00"),
        ("weekly", "mon-fri 08:00"),
        ("weekly", "friday 08:00"),
        ("weekly", "5 08:00"),
        ("monthly", "08:00"),
        ("monthly", "29 08:00"),
        ("monthly", "0 08:00"),
        ("monthly", "fri 08:00"),
    ],
)
def test_refuses_hours_and_says_how_to_write_them(cadence: str, text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        parse_at(cadence, text)


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


@table(
    "zone, change",
    [
        (LONDON, date(2026, 3, 29)),
        (LONDON, date(2026, 10, 25)),
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
        ("Africa/Cairo", date(2026, 4, 24)),
        ("Africa/Cairo", date(2026, 10, 30)),
        ("America/Asuncion", date(2024, 3, 24)),
        ("America/Asuncion", date(2024, 10, 6)),
        ("Australia/Lord_Howe", date(2026, 4, 5)),
        ("Australia/Lord_Howe", date(2026, 10, 4)),
        ("Asia/Kathmandu", date(2026, 3, 29)),
        ("Australia/Sydney", date(2026, 4, 5)),
        ("Australia/Sydney", date(2026, 10, 4)),
        ("UTC", date(2026, 3, 29)),
    ],
)
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
