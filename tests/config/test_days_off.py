"""Test the days off: the holidays of the four nations of the United Kingdom, own dates, and mistakes."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from digest.config.days_off import Holidays
from digest.config.load import load
from digest.errors import ConfigError
from tests.counts import table
from tests.house import CONFIG

# The bank holidays that the government of the United Kingdom publishes, on weekdays, as month and day.
BOTH = {2026: "0101 0403 0504 0525 1225 1228", 2027: "0101 0326 0503 0531 1227 1228",
        2028: "0103 0414 0501 0529 1225 1226"}  # fmt: skip
ALSO = {
    "ENG": {2026: "0406 0831", 2027: "0329 0830", 2028: "0417 0828"},
    "WLS": {2026: "0406 0831", 2027: "0329 0830", 2028: "0417 0828"},
    "NIR": {2026: "0406 0831 0317 0713", 2027: "0329 0830 0317 0712", 2028: "0417 0828 0317 0712"},
    "SCT": {2026: "0102 0615 0803 1130", 2027: "0104 0802 1130", 2028: "0104 0807 1130"},
}  # fmt: skip


@table("nation", sorted(ALSO))
@table("year", [2026, 2027, 2028])
def test_the_holidays_of_the_four_nations(nation: str, year: int) -> None:
    holidays = Holidays("GB", nation, frozenset(), moves=True)
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]
    off = [day for day in days if day.year == year and day.weekday() < 5 and holidays.is_off(day)]
    assert [f"{day:%m%d}" for day in off] == sorted((BOTH[year] + " " + ALSO[nation][year]).split())


def test_easter_monday_is_a_holiday_by_its_name_and_not_in_scotland() -> None:
    names = {nation: Holidays("GB", nation, frozenset(), moves=True).name_of(date(2027, 3, 29)) for nation in ALSO}
    assert names == {"ENG": "Easter Monday", "WLS": "Easter Monday", "NIR": "Easter Monday", "SCT": ""}


def test_a_slot_moves_over_a_bridge_of_days_off_and_weekends() -> None:
    days = frozenset({date(2026, 12, 29), date(2026, 12, 30)})
    holidays = Holidays("GB", "ENG", days, moves=True)
    assert sorted(holidays.moved_to(date(2026, 12, 31))) == [
        date(2026, 12, 25), date(2026, 12, 26), date(2026, 12, 28), date(2026, 12, 29), date(2026, 12, 30)
    ]  # fmt: skip
    assert not any(list(holidays.moved_to(date(2026, 12, day))) for day in (25, 26, 27, 28, 29, 30))
    assert list(Holidays("GB", "ENG", days, moves=False).moved_to(date(2026, 12, 31))) == []


def test_own_dates_need_no_country() -> None:
    own = Holidays("", "", frozenset({date(2026, 12, 25)}), moves=True)  # a Friday
    assert (
        own.is_off(date(2026, 12, 25))
        and not own.is_off(date(2026, 12, 28))
        and own.name_of(date(2026, 12, 25)) == ""
    )
    assert list(own.moved_to(date(2026, 12, 28))) == [date(2026, 12, 25)]


def test_the_weekend_is_that_of_the_country() -> None:
    dubai = Holidays(
        "IL", "", frozenset({date(2026, 11, 12)}), moves=True
    )  # a Thursday; Friday and Saturday are free
    assert list(dubai.moved_to(date(2026, 11, 15))) == [date(2026, 11, 12)]


@table(
    "text, problem",
    [
        ('country = "XX"', "days_off.country: 'XX' is not known"),
        ('country = "gb"', "days_off.country: 'gb' is not known"),
        ('country = "GB"', "days_off.subdivision: is missing; write one of ENG, NIR, SCT, WLS"),
        ('country = "GB"\nsubdivision = "Wales"', "days_off.subdivision: 'Wales' is not a part of GB"),
        ('country = "IE"\nsubdivision = "ENG"', "days_off.subdivision: IE has no parts"),
        ('subdivision = "ENG"', "days_off.subdivision: it counts with `country` only"),
        ('dates = ["soon"]', "days_off.dates"),
        ('slots = "later"', "days_off.slots"),
    ],
)
def test_a_mistake_names_the_key_and_the_cure(tmp_path: Path, text: str, problem: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(source="", weekly="") + f"\n[days_off]\n{text}\n")
    with pytest.raises(ConfigError) as raised:
        load(config, {})
    assert problem in "\n".join(raised.value.problems)


def test_dates_are_written_as_dates_or_as_texts(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(source="", weekly="") + '\n[days_off]\ndates = [2026-12-24, "2027-01-04"]\n')
    off = load(config, {}).cadence("weekly").days_off
    assert isinstance(off, Holidays) and off.dates == {date(2026, 12, 24), date(2027, 1, 4)} and off.moves


def test_without_the_table_no_day_is_off(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(source="", weekly=""))
    assert load(config, {}).cadence("weekly").days_off is None
