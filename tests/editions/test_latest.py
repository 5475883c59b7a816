"""Test late editions: after the latest time of its date an edition waits for a person, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.desk.approval import approve_edition
from digest.editions.draft import draft
from digest.store import editions
from digest.store.engine import reading, writing
from tests.house import ANN, House

FRIDAY = datetime(2026, 11, 6, tzinfo=UTC)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house with a latest time, a reader, and an entry for them."""
    with closing(House(tmp_path / "house", weekly='latest = "12:00"')) as house:
        house.reader("rhian@town.example")
        house.run()
        house.publish("Homes that were damp")
        house.run(hours=1)
        yield house


def run_at(house: House, now: datetime) -> list[str]:
    """Run; return what waits for a person."""
    house.now = now
    return house.run().waiting


def approve(house: House) -> None:
    with reading(house.place.engine) as conn:
        edition = editions.listing(conn)[0]
    approve_edition(house.place, ANN, edition.id)


def titles(house: House) -> list[int]:
    """Return how many entries each letter had."""
    return [len(digest.placed) for digest in house.letters(1)]


def test_an_edition_goes_out_by_itself_until_its_latest_time(house: House) -> None:
    assert run_at(house, FRIDAY.replace(hour=12)) == []
    assert titles(house) == [1]


def test_after_its_latest_time_it_waits_for_a_person(house: House) -> None:
    [line] = run_at(house, FRIDAY.replace(hour=12, minute=1))
    assert "was not sent by 12:00, its latest time" in line and "digest approve 2 --hash" in line
    assert titles(house) == []
    approve(house)
    house.publish("Came after the approval")
    assert run_at(house, FRIDAY.replace(hour=15)) == []
    assert titles(house) == [1]


def test_if_nobody_approves_it_the_next_one_has_its_entries(house: House) -> None:
    assert run_at(house, FRIDAY.replace(hour=13))
    house.publish("Buses that came")
    assert run_at(house, FRIDAY.replace(day=13, hour=8)) == []
    assert titles(house) == [2]


@pytest.mark.long
def test_an_approval_before_the_latest_time_is_not_for_later(house: House) -> None:
    assert run_at(house, FRIDAY.replace(hour=12, minute=30))
    approve(house)
    # The machine was down for a week; the approval was given late on the 6th, so that edition goes out first.
    house.publish("Buses that came")
    assert run_at(house, FRIDAY.replace(day=13, hour=9)) == []
    assert titles(house) == [1, 1]


@pytest.mark.long
def test_an_edition_that_was_approved_in_time_and_missed_is_taken_over(house: House) -> None:
    house.now = FRIDAY.replace(hour=7)
    with writing(house.place.engine, "draft") as conn:
        draft(conn, house.settings, house.settings.cadence("weekly"), house.now)
    approve(house)
    [line] = run_at(house, FRIDAY.replace(hour=13))
    assert "its latest time" in line and "approved by Ann" in line
    house.publish("Buses that came")
    assert run_at(house, FRIDAY.replace(day=13, hour=8)) == []
    assert titles(house) == [2]
