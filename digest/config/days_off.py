"""Read [days_off] of config.toml: the days on which nothing is sent, and what becomes of a slot on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from holidays import HolidayBase

_DAY = timedelta(days=1)
_WHOLE_COUNTRY = "none"


class DaysOffPart(BaseModel):
    """[days_off]."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    country: str = Field(
        default="",
        description="Send nothing on the public holidays of this country, by its code of two letters, such as `GB`.",
    )
    subdivision: str = Field(
        default="",
        description="The part of the country, such as `ENG`, `WLS`, `SCT` or `NIR` of GB; `none` for the holidays of"
        " the whole country alone. Needed where the country has parts, because GB alone has no Easter Monday.",
    )
    dates: list[date] = Field(
        default=[],
        description="Dates of your own on which nothing is sent, such as `2026-12-24`, without quotation marks.",
    )
    slots: Literal["move", "skip"] = Field(
        default="move",
        description="A letter that would be due on such a day: `move`: is due on the next working day, at the same"
        " hour; `skip`: is left out, and the next one has its entries.",
    )


@dataclass(frozen=True, slots=True)
class Holidays:
    """The public holidays of a place and dates of one's own; slots on them are moved, or else skipped.

    `country` "" has none of its own, and its weekend is Saturday and Sunday.
    """

    country: str
    subdivision: str
    dates: frozenset[date]
    moves: bool

    def is_off(self, day: date) -> bool:
        """Return whether nothing is sent on a local date."""
        return day in self.dates or (self.country != "" and day in self._public)

    def moved_to(self, day: date) -> Iterator[date]:
        """Yield the days off whose slots are moved to a local date: those since the working day before it."""
        if not self.moves or not self._is_working(day):
            return
        before = day - _DAY
        while not self._is_working(before):
            if self.is_off(before):
                yield before
            before -= _DAY

    def name_of(self, day: date) -> str:
        """Return the name of a public holiday, "Easter Monday"; "" for another day."""
        return self._public.get(day, "") if self.country else ""

    @property
    def _public(self) -> HolidayBase:
        return _public_holidays(self.country, self.subdivision)

    def _is_working(self, day: date) -> bool:
        weekend = self._public.is_weekend(day) if self.country else day.weekday() > 4
        return not (weekend or self.is_off(day))


@lru_cache(maxsize=8)
def _public_holidays(country: str, subdivision: str) -> HolidayBase:
    import holidays  # here, because most installations name no country, and each run would load it

    return holidays.country_holidays(country, subdiv=subdivision or None, language="en_US")


def check_days_off(part: DaysOffPart) -> list[str]:
    """Return a line for each mistake in [days_off]."""
    if not part.country:
        given = part.subdivision
        return ["days_off.subdivision: it counts with `country` only; add that, or remove it"] if given else []
    import holidays

    parts = holidays.list_supported_countries().get(part.country)
    if parts is None:
        return [f'days_off.country: {part.country!r} is not known; write a code of two letters, such as "GB"']
    if parts and part.subdivision not in (*parts, _WHOLE_COUNTRY):
        what = f"{part.subdivision!r} is not a part of {part.country}" if part.subdivision else "is missing"
        return [f'days_off.subdivision: {what}; write one of {", ".join(parts)}, or "{_WHOLE_COUNTRY}"']
    if not parts and part.subdivision not in ("", _WHOLE_COUNTRY):
        return [f"days_off.subdivision: {part.country} has no parts; remove it"]
    return []


def days_off_of(part: DaysOffPart) -> Holidays | None:
    """Return the days off of a part without mistakes; None when it names none."""
    if not part.country and not part.dates:
        return None
    subdivision = "" if part.subdivision == _WHOLE_COUNTRY else part.subdivision
    return Holidays(part.country, subdivision, frozenset(part.dates), part.slots == "move")
