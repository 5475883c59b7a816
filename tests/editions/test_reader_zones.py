"""Test own mornings: each reader gets the edition at its hour in their time zone, and no other letter than before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from digest.config.hours import parse_at
from digest.config.load import load
from digest.daemon import make_scheduler
from digest.readers.next_letter import next_letter
from digest.schedule import Cadence, hour_in, next_slot
from digest.store.engine import reading, writing
from subscribers import store as people
from tests.console import digest
from tests.counts import table
from tests.house import House

ZONES = ("America/New_York", "Asia/Kathmandu")
# The hours of 08:00 on Tuesday 3 November 2026 in Kathmandu, London and New York.
EARLY, SITE, LATE = (datetime(2026, 11, 3, hour, minute, tzinfo=UTC) for hour, minute in ((2, 15), (8, 0), (13, 0)))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with a daily reader in each zone: of the site (1), in New York (2), in Kathmandu (3), elsewhere (4)."""
    with closing(House(tmp_path / "house")) as house:
        text = house.config.read_text(encoding="utf-8")
        zones = ", ".join(f'"{zone}"' for zone in ZONES)
        house.config.write_text(text.replace("[site]", f"[site]\nreader_zones = [{zones}]"), encoding="utf-8")
        house.settings = load(house.config, {})
        for number, zone in enumerate(("", *ZONES, "Asia/Tokyo"), 1):
            house.reader(f"r{number}@town.example", "daily")
            with writing(house.place.engine) as conn:
                person = people.get(conn, number)
                assert person is not None
                people.change(conn, replace(person, zone=zone), how="test", now=house.now)
        house.run()
        house.publish("Homes that were damp")
        yield house


def had(house: House, now: datetime) -> list[int]:
    """Run; return how many letters each reader has had."""
    house.now = now
    house.run()
    return [len(house.letters(number)) for number in (1, 2, 3, 4)]


def test_each_letter_leaves_at_its_hour_in_the_readers_zone(house: House) -> None:
    minute = timedelta(minutes=1)
    assert had(house, EARLY - minute) == [0, 0, 0, 0]
    assert had(house, EARLY) == [0, 0, 1, 0]
    house.publish("Came after the edition was frozen")
    assert had(house, SITE - minute) == [0, 0, 1, 0]
    assert had(house, SITE) == [1, 0, 1, 1]
    assert had(house, LATE - minute) == [1, 0, 1, 1]
    assert had(house, LATE) == [1, 1, 1, 1]
    assert {len(house.letters(number)[0].placed) for number in (1, 2, 3, 4)} == {1}
    assert had(house, LATE + timedelta(days=1)) == [2, 2, 2, 2]


def test_after_a_sleep_nobody_waits_any_more(house: House) -> None:
    assert had(house, LATE + timedelta(hours=1)) == [1, 1, 1, 1]


def test_who_leaves_before_their_hour_gets_no_letter(house: House) -> None:
    had(house, EARLY)
    with writing(house.place.engine) as conn:
        people.leave(conn, 2, how="test", now=house.now, secret=house.place.secret)
    assert had(house, LATE) == [1, 0, 1, 1]


@pytest.mark.long
def test_a_run_whose_letters_wait_for_their_hour_is_in_order(house: House) -> None:
    house.close()
    ends = {}
    for now in (EARLY, SITE, LATE):
        done = digest(house.folder, "--now", f"{now:%Y-%m-%dT%H:%M}", "run", "-v")
        ends[now.hour] = (done.code, "for the hour in the reader's time zone" in done.stderr)
    assert ends == {2: (0, True), 8: (0, True), 13: (0, False)}


def test_the_page_tells_the_day_of_the_readers_own_zone(house: House) -> None:
    """At 22:00 in London it is tomorrow in Kathmandu, where the hour of that day is still to come."""
    now = datetime(2026, 11, 3, 22, tzinfo=UTC)
    with reading(house.place.engine) as conn:
        readers = [people.get(conn, number) for number in (1, 2, 3)]
    slots = [next_letter(house.settings, person, now) for person in readers if person]
    assert [slot.day for slot in slots if slot] == [date(2026, 11, 4)] * 3
    assert [slot.hour for slot in slots if slot] == [each + timedelta(days=1) for each in (SITE, LATE, EARLY)]


def test_the_daemon_rings_at_the_hour_in_each_zone(house: House) -> None:
    jobs = {job.id: job for job in make_scheduler(house.settings, lambda: None).get_jobs()}
    now = EARLY - timedelta(minutes=1)
    rings = {
        name: job.trigger.get_next_fire_time(None, now) for name, job in jobs.items() if name.startswith("daily")
    }
    assert rings == {
        "daily": EARLY, "daily Europe/London": SITE, "daily America/New_York": LATE, "daily Asia/Kathmandu": EARLY
    }  # fmt: skip


@table(
    "site, zones", [("Pacific/Pago_Pago", ("Pacific/Kiritimati",)), ("Pacific/Kiritimati", ("Pacific/Pago_Pago",))]
)
@table("at", ["00:30", "08:00", "23:30"])
def test_a_slot_falls_due_in_the_first_zone_even_a_day_apart(site: str, zones: tuple[str, ...], at: str) -> None:
    cadence = Cadence("daily", parse_at("daily", at), zones=zones)
    now, last = datetime(2026, 11, 1, tzinfo=UTC), None
    for _ in range(5):
        slot = next_slot(cadence, now, site)
        assert slot.instant == hour_in(cadence, slot.day, "Pacific/Kiritimati")
        assert last is None or slot.day == last + timedelta(days=1)
        now, last = slot.instant, slot.day
