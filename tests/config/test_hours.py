"""Test the forms of `at`: words as in config.toml, and fields as in a crontab."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from cronsim import CronSim

from digest.config.hours import parse_at
from digest.schedule import WEEKDAYS, At, Cadence, next_slot
from tests.counts import table


@table(
    "cadence, text, at",
    [
        ("daily", "07:30", At(7, 30)),
        ("daily", "mon-fri 07:30", At(7, 30, "* * mon,tue,wed,thu,fri")),
        ("daily", "fri-mon 7:05", At(7, 5, "* * mon,fri,sat,sun")),
        ("daily", "mon,wed 23:59", At(23, 59, "* * mon,wed")),
        ("weekly", "fri  08:00", At(8, 0, "* * fri")),
        ("weekly", "MON 00:00", At(0, 0, "* * mon")),
        ("monthly", "1 08:00", At(8, 0, "1 * *")),
        ("monthly", "last 08:00", At(8, 0, "L * *")),
        ("monthly", "first mon 07:30", At(7, 30, "* * 1#1")),
        ("monthly", "Last Sun 07:30", At(7, 30, "* * 0L")),
        ("monthly", "fourth fri 16:00", At(16, 0, "* * 5#4")),
        ("daily", "30 7 * * *", At(7, 30, "* * *")),
        ("daily", "0 8 * * 1-5", At(8, 0, "* * 1-5")),
        ("weekly", "0 8 * * 5", At(8, 0, "* * 5")),
        ("weekly", "0 8 * * 7", At(8, 0, "* * 7")),
        ("weekly", "05 08 * * Fri", At(8, 5, "* * fri")),
        ("monthly", "0 8 1 * *", At(8, 0, "1 * *")),
        ("monthly", "0 8 * * 1#1", At(8, 0, "* * 1#1")),
        ("monthly", "0 8 LW * *", At(8, 0, "lw * *")),
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
        ("daily", "mon- 07:00"),
        ("weekly", "08:00"),
        ("weekly", "mon-fri 08:00"),
        ("weekly", "friday 08:00"),
        ("weekly", "5 08:00"),
        ("weekly", "first fri 08:00"),
        ("monthly", "08:00"),
        ("monthly", "29 08:00"),
        ("monthly", "0 08:00"),
        ("monthly", "fri 08:00"),
        ("monthly", "fifth fri 08:00"),
        ("monthly", "first 08:00"),
        ("daily", "*/5 7 * * *"),
        ("daily", "0,30 7 * * *"),
        ("daily", "0 7-9 * * *"),
        ("daily", "0 7 1 * *"),
        ("daily", "60 7 * * *"),
        ("daily", "0 24 * * *"),
        ("daily", "0 7 * 6 *"),
        ("daily", "@daily"),
        ("weekly", "@weekly"),
        ("weekly", "0 8 * * 1,4"),
        ("weekly", "0 8 * * *"),
        ("weekly", "0 8 1 * 5"),
        ("weekly", "0 8 * * 8"),
        ("monthly", "0 8 31 * *"),
        ("monthly", "0 8 29 2 *"),
        ("monthly", "0 8 31 2 *"),
        ("monthly", "0 8 * * 1#5"),
        ("monthly", "0 8 1 1 *"),
        ("monthly", "² 8 1 * *"),
        ("monthly", "0 8 x * *"),
    ],
)
def test_refuses_hours_and_says_how_to_write_them(cadence: str, text: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        parse_at(cadence, text)


@table(
    "number, day",
    [("0", "sun"), ("7", "sun"), *((str(n), day) for n, day in enumerate(WEEKDAYS[:6], 1))],
)
def test_a_number_is_the_weekday_that_it_is_in_a_crontab(number: str, day: str) -> None:
    words, fields = (Cadence("weekly", parse_at("weekly", text)) for text in (f"{day} 08:00", f"0 8 * * {number}"))
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    slot = next_slot(fields, now, "Europe/London")
    assert slot == next_slot(words, now, "Europe/London") and f"{slot.day:%a}".lower() == day


@table("fields", ["30 7 * * 1-5", "0 8 * * sun", "15 16 13 * *", "0 9 L * *", "0 9 LW * *", "5 10 * * 2#3"])
def test_a_crontab_falls_when_cron_would_start(fields: str) -> None:
    name = {"1-5": "daily", "sun": "weekly"}.get(fields.split()[-1], "monthly")
    cadence, now = Cadence(name, parse_at(name, fields)), datetime(2026, 11, 30, 12, tzinfo=UTC)
    for expected in islice(CronSim(fields, now), 20):
        slot = next_slot(cadence, now, "UTC")
        assert slot.instant == expected
        now = slot.instant + timedelta(seconds=1)
