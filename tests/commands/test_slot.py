"""Test `digest run --slot DATE`: it repeats the editions of one date, and tells why another date cannot go out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.console import digest
from tests.counts import table
from tests.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house whose weekly edition of Friday 6 November is due now."""
    with closing(House(tmp_path / "house")) as house:
        house.reader("rhian@town.example")
        house.run()
        house.publish("Homes that were damp")
        house.now += timedelta(days=4)
        yield house


def run(house: House, day: str) -> tuple[int, str]:
    """Give the command as a person would; return its exit code and all that it tells."""
    done = digest(house.folder, "--now", f"{house.now:%Y-%m-%dT%H:%M}", "run", "--slot", day, "-v")
    return done.code, " ".join((done.stdout + done.stderr).split())


@pytest.mark.long
def test_a_date_is_sent_once_however_often_it_is_asked_for(house: House) -> None:
    code, told = run(house, "2026-11-06")
    assert (code, len(house.letters(1))) == (0, 1), told
    code, told = run(house, "2026-11-06")
    assert (code, len(house.letters(1))) == (0, 1), told
    assert "weekly" in told and "2026-11-06" in told
    house.run(days=14)
    assert run(house, "2026-11-06")[0] == 0
    assert len(house.letters(1)) == 1


@pytest.mark.long
def test_other_dates_wait(house: House) -> None:
    house.reader("owain@town.example", cadence="daily")
    house.publish("Buses that came")
    code, told = run(house, "2026-11-05")
    assert code == 2 and "daily 2026-11-05 has passed without an edition" in told
    assert "weekly is not due on that day; it was due last on" in told


@table(
    "day, why",
    [
        ("2026-11-13", "weekly is due next on 2026-11-13"),
        ("2026-11-04", "weekly is not due on that day; it was due last on 2026-11-06"),
        ("2026-10-30", "weekly 2026-10-30 has passed without an edition"),
        ("soon", "does not match the format"),
    ],
)
@pytest.mark.long
def test_a_date_that_cannot_go_out_is_refused_with_the_reason(house: House, day: str, why: str) -> None:
    code, told = run(house, day)
    assert code == 2 and why in told, told
    assert house.letters(1) == []
