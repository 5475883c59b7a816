"""Test a Christmas: nothing is sent on days off, and each entry comes once, with the slot that was moved."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.config.load import load
from digest.store import calendar
from digest.store.engine import reading
from tests.counts import table
from tests.house import House

DAYS_OFF = '\n[days_off]\ncountry = "GB"\nsubdivision = "{nation}"\nslots = "{slots}"\n'


@pytest.mark.long
@table(
    "nation, slots, sent",
    [
        ("ENG", "move", ["2026-12-18", "2026-12-29", "2027-01-04", "2027-01-08"]),
        ("SCT", "move", ["2026-12-18", "2026-12-29", "2027-01-05", "2027-01-08"]),
        ("SCT", "skip", ["2026-12-18", "2027-01-08"]),
    ],
)
def test_a_weekly_letter_over_christmas(tmp_path: Path, nation: str, slots: str, sent: list[str]) -> None:
    with closing(House(tmp_path / f"{nation}-{slots}")) as house:
        text = house.config.read_text(encoding="utf-8") + DAYS_OFF.format(nation=nation, slots=slots)
        house.config.write_text(text, encoding="utf-8")
        house.settings = load(house.config, {})
        house.now = datetime(2026, 12, 14, 9, tzinfo=UTC)
        house.reader("rhian@town.example")
        house.run()
        for number in range(26):
            house.publish(f"Note {number}")
            house.run(days=1)
        with reading(house.place.engine) as conn:
            run = [slot["day"] for slot in calendar.slots(conn) if slot["cadence"] == "weekly"]
        assert sorted(run) == sent
        letters = [[placed.entry for placed in digest.placed] for digest in house.letters(1)]
        numbers = [number for letter in letters for number in letter]
        assert len(letters) == len(sent) and len(numbers) == len(set(numbers))
        assert house.now < datetime(2027, 1, 8, tzinfo=UTC) + timedelta(days=2)
