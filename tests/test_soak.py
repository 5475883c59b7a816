"""A day of the daemon in one process, by an injected clock: it grows no more, leaks nothing, and alarms nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path

import pytest

from digest.config.load import load
from digest.store.engine import reading, writing
from digest.store.notices import ALARM
from digest.store.schema import notice
from subscribers import store as people
from subscribers.model import Interests
from tests import console
from tests.counts import POSTGRESQL_LONG
from tests.day_of_feeds import QUARTERS, DayFeed, day_of_feeds, watcher
from tests.figures import Figures
from tests.house import CONFIG, House
from tests.soaking import instants
from tests.sources.webserver import Web

DAY_FEEDS = int(os.environ.get("DIGEST_SOAK_FEEDS", "200"))
READERS = 120
START = datetime(2026, 5, 1, tzinfo=UTC)  # a Friday; the first letters are those of Kathmandu, at 01:25
ELSEWHERE = ("America/New_York", "Asia/Kathmandu")
HOURS = {"daily": "07:10", "weekly": "fri 08:00", "monthly": "1 09:25"}
GROWTH = 5  # per cent, of the memory after the fourth hour


@dataclass(frozen=True, slots=True)
class Soak:
    """What the process held after each run (oldest first), what it told, and what its watcher heard."""

    rows: list[dict[str, int]]
    hours: list[dict[str, int]]  # after the last run of each hour
    told: str
    signals: Counter[str]

    def most(self, what: str, hours: Sequence[dict[str, int]]) -> int:
        """Return the most that the process held at the end of some hours."""
        return max(row[what] for row in hours)


@pytest.mark.long
@POSTGRESQL_LONG
def test_a_few_hours_leak_nothing_and_send_each_slot_once(tmp_path: Path, database_url: str) -> None:
    soak = soaked(tmp_path, database_url, feeds=20, hours=3)
    assert_nothing_leaks(soak, after=2)


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_day_of_feeds(tmp_path: Path, request: pytest.FixtureRequest, engine: str, figure: Figures) -> None:
    url = request.getfixturevalue(f"{engine}_url")
    soak = soaked(tmp_path, url, DAY_FEEDS, hours=24)
    assert_nothing_leaks(soak, after=4)
    early, late = (soak.hours[hour - 1]["memory"] for hour in (4, 24))
    growth = (late / early - 1) * 100
    figure(
        f"48 a day over {DAY_FEEDS} feeds, {engine}",
        goal=f"memory grows by {GROWTH} % at most from hour 4 to 24, nothing leaks, no alarm",
        result=f"{growth:+.1f} % ({early / 1024:.1f} to {late / 1024:.1f} MB), {len(soak.rows)} runs, 0, 0",
        met=growth <= GROWTH,
    )


def soaked(folder: Path, url: str, feeds: int, hours: int) -> Soak:
    """Let the daemon's runs of some hours follow each other in a process of their own, and hold the books to it."""
    end, signals = START + timedelta(hours=hours), Counter[str]()
    with day_of_feeds(feeds, min(feeds, 40), hours * QUARTERS) as served, closing(Web()) as ears:
        house = _house(folder / "house", url, served, watcher(ears, signals))
        planned = instants(house.settings, START, end)
        command = [sys.executable, "-m", "tests.soaking", str(house.config), START.isoformat(), str(hours)]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
        process = subprocess.run(
            command, env=environ | {"DIGEST_STORAGE__URL": url}, capture_output=True, text=True, check=True
        )
        assert [feed.name for feed in served if feed.asked < min(3, hours)] == []
    rows = [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]
    assert [datetime.fromisoformat(row["at"]) for row in rows] == planned
    assert signals == {"start": len(planned), "well": len(planned)}
    house.now = end
    _check_books(house, folder / "house" / "letters", {slot for slot in HOURS if hours > 3 or slot != "monthly"})
    house.close()
    by_hour = {(datetime.fromisoformat(row["at"]) - START) // timedelta(hours=1): row for row in rows}
    return Soak(rows, [by_hour[hour] for hour in range(hours)], process.stderr, signals)


def _house(folder: Path, url: str, feeds: Sequence[DayFeed], ping: str) -> House:
    """Make an installation that reads the feeds, with readers of all cadences and of three zones."""
    house = House(folder, url)
    zones = ", ".join(f'"{zone}"' for zone in ELSEWHERE)
    text = CONFIG.format(source="", weekly="").replace("[site]", f"[site]\nreader_zones = [{zones}]")
    text = text.replace('every = "0 minutes"', 'every = "15 minutes"')
    for cadence, at in (("daily", "08:00"), ("weekly", "fri 08:00"), ("monthly", "1 08:00")):
        text = text.replace(f'[cadence.{cadence}]\nat = "{at}"', f'[cadence.{cadence}]\nat = "{HOURS[cadence]}"')
    operate = f'[operate]\nalarm_to = ["ops@example.org"]\nping_url = "{ping}"\n'
    house.config.write_text("\n".join([text, operate, *(feed.source() for feed in feeds)]), encoding="utf-8")
    house.settings = load(house.config, {"DIGEST_STORAGE__URL": url})
    house.now = START - timedelta(hours=1)
    for number in range(READERS):
        areas = frozenset(("housing", "transport")[: 1 + number % 2])
        reader = house.reader(f"r{number}@town.example", list(HOURS)[number % 3], Interests(areas))
        with writing(house.place.engine) as conn:
            person = people.get(conn, reader)
            assert person is not None
            zone = ("", *ELSEWHERE)[number // 3 % 3]
            people.change(conn, replace(person, zone=zone), how="test", now=house.now)
    house.close()
    return house


def _check_books(house: House, letters: Path, slots: set[str]) -> None:
    """Check that each slot was run once, that every reader is accounted for, and that no operator was alarmed."""
    environ = {"DIGEST_STORAGE__URL": house.settings.storage_url}
    status = console.digest(
        house.folder, "--now", house.now.isoformat(), "status", "--json", environ=environ
    ).document
    assert {(slot["cadence"], slot["outcome"]) for slot in status["slots"]} == {(name, "run") for name in slots}
    assert len(status["slots"]) == len(status["receipts"]) == len(slots)
    for receipt in status["receipts"]:
        whole = len(slots) == len(HOURS)
        assert receipt["balanced"] or (not whole and receipt["pending"]), receipt
        assert receipt["eligible"] == READERS / len(HOURS)
    handed = Counter(
        (path.parent.name, message_from_bytes(path.read_bytes())["To"]) for path in letters.glob("*/*.eml")
    )
    assert set(handed.values()) == {1}
    assert len(handed) == sum(receipt["accepted"] for receipt in status["receipts"]) > 0
    assert status["unsent"] == []
    with reading(house.place.engine) as conn:
        assert conn.execute(notice.select().where(notice.c.kind == ALARM)).all() == []


def assert_nothing_leaks(soak: Soak, after: int) -> None:
    """Check that the process holds no more at the end of its last hour than after some hours."""
    for what in ("files", "threads", "connections", "children"):
        early, late = soak.most(what, soak.hours[:after]), soak.hours[-1][what]
        assert late <= early, f"{what}: {[row[what] for row in soak.hours]}"
    assert soak.most("connections", soak.rows) == 0
    assert "ERROR" not in soak.told and "Traceback" not in soak.told
