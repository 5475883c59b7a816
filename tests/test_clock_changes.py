"""Test clock changes: in eight zones each local date has one edition, by cron, by the daemon, and by a faked clock.

Figure 18 of the reliability facts. The command by a faked clock is marked `servers`, because .ci/servers installs
libfaketime.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from digest.config.hours import parse_at
from digest.daemon import SlotTrigger
from digest.schedule import Cadence
from digest.store import calendar
from digest.store.engine import reading
from tests.console import digest
from tests.counts import others_long
from tests.house import CONFIG, House
from tests.programs import needed

CHANGES = [
    ("Europe/London", date(2027, 3, 28)),
    ("Europe/London", date(2026, 10, 25)),
    ("America/New_York", date(2027, 3, 14)),
    ("America/New_York", date(2026, 11, 1)),
    ("Africa/Cairo", date(2026, 4, 24)),
    ("Africa/Cairo", date(2026, 10, 30)),
    ("America/Asuncion", date(2024, 3, 24)),
    ("America/Asuncion", date(2024, 10, 6)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Asia/Kathmandu", date(2026, 3, 29)),
    ("Asia/Kathmandu", date(2026, 10, 25)),
    ("Australia/Sydney", date(2026, 4, 5)),
    ("Australia/Sydney", date(2026, 10, 4)),
    ("UTC", date(2026, 3, 29)),
    ("UTC", date(2026, 10, 25)),
]
HALF_HOUR = timedelta(minutes=30)


def midnight_of(day: date, zone: str) -> datetime:
    """Return the beginning of a local day (aware UTC)."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


class Zoned(House):
    """A house in a zone with one daily reader, whose source has something new every six hours."""

    def begin(self, zone: str, at: str, now: datetime) -> None:
        """Let the daily edition be due at a local hour, and time begin."""
        daily = Cadence("daily", parse_at("daily", at))
        self.settings = replace(
            self.settings, site=replace(self.settings.site, zone=zone), cadences=(daily,), gather_every=timedelta(0)
        )
        self.now = now
        self.reader("rhian@town.example", "daily")
        self.run()

    def at_each(self, instants: list[datetime]) -> dict[str, int]:
        """Run at each instant; return how many letters the reader had by each slot that was run."""
        told = None
        for instant in instants:
            self.now = instant
            if told is None or instant - told >= timedelta(hours=6):
                told = instant
                self.publish(f"News of {instant}")
            self.run()
        with reading(self.place.engine) as conn:
            slots = [slot["day"] for slot in calendar.slots(conn) if slot["outcome"] == "run"]
        letters = self.letters(1)
        assert len(slots) == len(set(slots)) == len(letters)
        numbers = [placed.entry for letter in letters for placed in letter.placed]
        assert len(numbers) == len(set(numbers))
        return dict.fromkeys(sorted(slots), 1)


@pytest.mark.long
@pytest.mark.parametrize("at", ["00:00", "01:30", "02:30"])
@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_cron_and_the_daemon_run_each_date_once(tmp_path: Path, zone: str, change: date, at: str) -> None:
    midnight = midnight_of(change, zone)
    start, end = midnight - timedelta(hours=2), midnight + timedelta(hours=28)
    by_cron = [start + number * HALF_HOUR for number in range((end - start) // HALF_HOUR)]
    trigger, by_daemon, previous = SlotTrigger(Cadence("daily", parse_at("daily", at)), zone), [], None
    while previous is None or previous < end:
        # As APScheduler asks: by the previous time and the present one, in the zone of the site.
        previous = trigger.get_next_fire_time(previous, (previous or start).astimezone(ZoneInfo(zone)))
        by_daemon.append(previous.astimezone(UTC))
    dates = {}
    for name, instants in (("cron", by_cron), ("daemon", [each for each in by_daemon if each < end])):
        with closing(Zoned(tmp_path / name)) as house:
            house.begin(zone, at, start - timedelta(hours=1))
            dates[name] = house.at_each(instants)
    assert dates["cron"] == dates["daemon"]
    days = [date.fromisoformat(day) for day in dates["cron"]]
    assert change in days and days == [days[0] + timedelta(days=number) for number in range(len(days))]


@pytest.mark.parametrize("slots", others_long([1, 3, 8], 3))
def test_a_machine_that_slept_sends_a_single_letter_and_explains_each_slot(tmp_path: Path, slots: int) -> None:
    """Figure 19: after slots without a run, the newest slot brings all, and the others are told as missed."""
    with closing(Zoned(tmp_path / "house")) as house:
        house.begin("Europe/London", "08:00", datetime(2026, 10, 20, 9, tzinfo=UTC))
        house.publish("Before the sleep")
        house.run(days=1)
        for number in range(slots):
            house.publish(f"While it slept {number}")
        house.now += timedelta(days=slots)
        house.run()
        assert [len(letter.placed) for letter in house.letters(1)] == [1, slots]
        with reading(house.place.engine) as conn:
            told = {slot["day"]: slot["outcome"] for slot in calendar.slots(conn)}
        days = [str(date(2026, 10, 21) + timedelta(days=number)) for number in range(slots + 1)]
        assert told == {day: "run" if day in (days[0], days[-1]) else "missed" for day in days}


@pytest.mark.servers
@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_the_command_by_a_faked_clock_runs_each_date_once(tmp_path: Path, zone: str, change: date) -> None:
    midnight = midnight_of(change, zone)
    folder = tmp_path / "house"
    with closing(Zoned(folder)) as house:
        house.begin(zone, "01:30", midnight - timedelta(hours=20))
        text = CONFIG.format(source="", weekly="").replace("[site]", f'[site]\nzone = "{zone}"')
        house.config.write_text(text.replace('[cadence.daily]\nat = "08:00"', '[cadence.daily]\nat = "01:30"'))
        house.publish("News of the first day")
    # Before the hour, each hour that may be 01:30 of the changed day, and before and after 01:30 of the next day.
    instants = [midnight + timedelta(hours=hours) for hours in (0.3, 1.5, 2.0, 2.5, 3.5)]
    instants += [midnight_of(change + timedelta(days=1), zone) + timedelta(hours=hours) for hours in (0.5, 3)]
    by_date: list[int] = []
    for number, instant in enumerate(instants):
        if number == 5:
            house.publish("News of the second day")
        # The monotonic clock stays true, because waits would hang by a faked one.
        environ = {k: v for k, v in os.environ.items() if not k.startswith("DIGEST_")}
        environ |= {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}
        done = subprocess.run(
            [needed("faketime"), f"{instant:%Y-%m-%d %H:%M:%S}", sys.executable, "-m", "digest", "run", "-v"],
            cwd=folder, env=environ, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        by_date.append(len(list(folder.glob("letters/daily-*/*.eml"))))
    # A letter at 01:30 of the changed day, or an hour later where the clock skips it, and a letter on the next day.
    assert by_date[0] == 0 and by_date[-3:] == [1, 1, 2], by_date
    slots = digest(folder, "status", "--json").document["slots"]
    dates = [slot["day"] for slot in slots if (slot["cadence"], slot["outcome"]) == ("daily", "run")]
    assert sorted(dates) == [str(change), str(change + timedelta(days=1))]
