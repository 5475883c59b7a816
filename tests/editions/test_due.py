"""The first slot of an installation is the next one, unless somebody asks for the last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest import pipeline
from digest.editions import draft
from digest.editions.approve import approve
from digest.editions.due import coming_slot, slot_owed
from digest.errors import WrongUse
from digest.model import Edition
from digest.store import migrate
from digest.store.engine import reading, writing
from subscribers import store as people
from tests.house import House

FRIDAY = datetime(2026, 11, 6, 8, tzinfo=UTC)  # the weekly hour
MINUTE = timedelta(minutes=1)


def imported(house: House) -> None:
    house.reader("a@example.org")


def gathered(house: House) -> None:
    pipeline.gather(house.place, force=True)


def ran(house: House) -> None:
    house.run()


def nothing(house: House) -> None:
    migrate.upgrade(house.place.engine)


def owed(house: House, cadence: str = "weekly", ahead: int = 0) -> str | None:
    """Return the day of the slot that a cadence owes, when it is frozen `ahead` hours before its own."""
    configured = replace(house.settings.cadence(cadence), ahead=timedelta(hours=ahead))
    with reading(house.place.engine) as conn:
        slot = slot_owed(conn, configured, house.now, house.settings.site.zone)
        coming = coming_slot(conn, configured, house.now, house.settings.site.zone)
    assert slot in (None, coming)
    return slot.key if slot else None


@pytest.mark.parametrize(
    ("first", "at", "ahead", "expected"),
    [
        (imported, FRIDAY - MINUTE, 0, "2026-11-06"),
        (imported, FRIDAY, 0, "2026-11-06"),
        (imported, FRIDAY + MINUTE, 0, None),
        (gathered, FRIDAY - MINUTE, 0, "2026-11-06"),
        (gathered, FRIDAY + MINUTE, 0, None),
        (ran, FRIDAY - MINUTE, 0, "2026-11-06"),
        (ran, FRIDAY + MINUTE, 0, None),
        (nothing, FRIDAY - MINUTE, 0, None),
        # The slot falls due at six, and its letters are to arrive at eight.
        (imported, FRIDAY - timedelta(hours=1), 2, "2026-11-06"),
    ],
)
def test_a_slot_is_owed_when_the_installation_existed_at_its_hour(
    tmp_path: Path, first: Callable[[House], None], at: datetime, ahead: int, expected: str | None
) -> None:
    house = House(tmp_path / "house")
    house.now = at
    first(house)
    house.now = FRIDAY + timedelta(hours=3)
    if first is gathered:
        imported(house)  # a reader who comes later makes the installation no younger
    assert owed(house, ahead=ahead) == expected
    house.close()


def ask(house: House, cadence: str = "weekly") -> Edition:
    """Draft the first edition as `digest prepare CADENCE --first` does."""
    with writing(house.place.engine) as conn:
        return draft.draft(conn, house.settings, house.settings.cadence(cadence), house.now, first=True)


@pytest.mark.long
def test_the_first_run_mails_the_edition_that_is_asked_for_and_no_other(tmp_path: Path) -> None:
    house = House(tmp_path / "house", source="backfill = 5")
    house.now = FRIDAY + timedelta(hours=1)
    weekly, daily = house.reader("a@example.org"), house.reader("b@example.org", "daily")
    house.publish("One")
    assert house.run().receipts == []
    ask(house)
    assert [receipt.cadence for receipt in house.run(minutes=30).receipts] == ["weekly"]
    assert [len(house.letters(reader)) for reader in (weekly, daily)] == [1, 0]
    with pytest.raises(WrongUse, match="had its first edition"):
        ask(house)
    assert [receipt.cadence for receipt in house.run(days=1).receipts] == ["daily"]
    assert len(house.letters(daily)) == 1
    house.close()


def test_no_first_edition_is_drafted_for_nobody(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    left = house.reader("a@example.org", "monthly")
    with writing(house.place.engine) as conn:
        people.leave(conn, left, how="link", now=house.now, secret=house.place.secret)
        people.add(
            conn, people.NewSubscriber("b@example.org", "daily", state="pending"),
            how="", now=house.now, secret=house.place.secret,
        )  # fmt: skip
    for cadence in ("weekly", "monthly", "daily"):
        with pytest.raises(WrongUse, match=f"nobody follows {cadence}, so no edition"):
            ask(house, cadence)
    assert house.run().receipts == [], "no slot is closed"
    weekly = house.reader("c@example.org")
    with writing(house.place.engine) as conn:
        people.pause(conn, weekly, house.now + timedelta(days=9), how="", now=house.now)
    assert ask(house).id, "a pause ends"
    house.close()


@pytest.mark.long
def test_an_edition_asked_for_waits_for_its_approval(tmp_path: Path) -> None:
    house = House(tmp_path / "house", source="backfill = 5", weekly='approval = "required"')
    house.now = FRIDAY + timedelta(hours=1)
    reader = house.reader("a@example.org")
    house.publish("One")
    gathered(house)
    edition = ask(house)
    assert "is not approved" in house.run().waiting[0]
    with writing(house.place.engine) as conn:
        approve(conn, house.settings, edition.id, "anna", house.now)
    house.run(minutes=30)
    assert len(house.letters(reader)) == 1
    house.close()


def test_an_installation_that_has_run_owes_what_it_owed_before(tmp_path: Path) -> None:
    """A cadence that is configured later starts with the slot that is due, as it did."""
    house = House(tmp_path / "house")
    house.now = FRIDAY - timedelta(days=9)
    house.run()
    house.now = FRIDAY + timedelta(hours=1)
    assert [owed(house, cadence) for cadence in ("daily", "weekly", "monthly")] == [
        "2026-11-06", "2026-11-06", "2026-11-01",
    ]  # fmt: skip
    house.close()
