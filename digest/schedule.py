"""Tell which slot of a cadence is due, and which is next, by the calendar alone. Pure.

A slot is a local date, so that a clock change can neither repeat nor skip it. `editions.due` says what is owed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim

from digest.errors import ConfigError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Clocks may differ by this much, for a time zone or a day's drift, without anybody being told.
CLOCKS_DIFFER = timedelta(days=1)
_DAY = timedelta(days=1)
# Days between two slots, at most: a monthly slot on a day off may be skipped, and the next too.
_LONGEST_GAP = 400
_ZONES_APART = 2  # days by which the date of a zone may be ahead of another's, at most, rounded up


@dataclass(frozen=True, slots=True)
class At:
    """A recurring local time of day, on the dates that three fields of a crontab name.

    `days` are the fields day of month, month and day of week, such as "* * fri" or "L * *", as Debian's cron and
    cronsim read them: 0 and 7 are Sunday, "mon#1" is the first Monday of a month.
    """

    hour: int
    minute: int
    days: str = "* * *"

    def falls_on(self, day: date) -> bool:
        """Return whether the local date `day` is one of them."""
        return _falls_on(self.days, day)

    def __str__(self) -> str:
        """Return the time of day, "07:30"."""
        return f"{self.hour:02d}:{self.minute:02d}"


@lru_cache(maxsize=4096)
def _falls_on(days: str, day: date) -> bool:
    # Naive, because a date is asked for, and a clock change is for `_slot` alone.
    before = datetime.combine(day, time()) - timedelta(seconds=1)
    return next(CronSim(f"0 0 {days}", before)).date() == day


class DaysOff(Protocol):
    """The days on which nothing is sent, and what becomes of a slot on them."""

    def is_off(self, day: date) -> bool:
        """Return whether nothing is sent on a local date."""

    def moved_to(self, day: date) -> Iterable[date]:
        """Return the days off whose slots are moved to a local date; none where slots on days off are skipped."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """A cadence as configured: its hour, and whether an editor must approve its editions.

    `ahead` is how long before the hour an edition is frozen and handed over to a provider that waits with its letters
    until the hour; 0 means at the hour. Where an editor must approve, the hour is their deadline: `unapproved` says
    what becomes of an edition that nobody has approved by then ("wait", "stop", "send" or
    "send-without-open-questions"), `draft_ahead` and `remind_ahead` how long before it the edition is drafted and the
    editors are told again; 0: not. `latest` is the local time on the slot's date after which an edition that has not
    been frozen waits for a person; None: never. `days_off` None: slots fall on every date of `at`. `zones` are those
    in which readers may have their hour, beside that of the site: a slot falls due in the first of them.
    """

    name: str
    at: At
    approval_required: bool = False
    ahead: timedelta = timedelta(0)
    unapproved: str = "wait"
    draft_ahead: timedelta = timedelta(0)
    remind_ahead: timedelta = timedelta(0)
    latest: time | None = None
    days_off: DaysOff | None = None
    zones: tuple[str, ...] = ()

    @property
    def sends_unapproved(self) -> bool:
        """Return whether an edition goes out at its hour though nobody has approved it."""
        return self.unapproved in ("send", "send-without-open-questions")

    def is_due_on(self, day: date) -> bool:
        """Return whether a slot is on a local date: one of its own, or one that is moved from a day off."""
        off = self.days_off
        if off is None:
            return self.at.falls_on(day)
        if off.is_off(day):
            return False
        return self.at.falls_on(day) or any(self.at.falls_on(moved) for moved in off.moved_to(day))


def local_midnight(now: datetime, zone: str) -> datetime:
    """Return the beginning of the local day in which `now` is, in `zone`."""
    return now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Slot:
    """A date on which a cadence is due: `day` is the local date, `instant` (aware UTC) the moment it falls due.

    `hour` (aware UTC) is when its first letters should arrive: the instant plus the cadence's `ahead`.
    """

    cadence: str
    day: date
    instant: datetime
    hour: datetime

    @property
    def key(self) -> str:
        """Return the local date as it is stored, "2027-10-31"."""
        return self.day.isoformat()


def due_slot(cadence: Cadence, now: datetime, zone: str) -> Slot:
    """Return the newest slot of `cadence` that fell due at or before `now` (aware)."""
    today = now.astimezone(ZoneInfo(zone)).date()
    for back in range(-_ZONES_APART, _LONGEST_GAP):
        slot = _slot_on(cadence, today - timedelta(days=back), zone)
        if slot and slot.instant <= now:
            return slot
    raise _no_slot(cadence)


def next_slot(cadence: Cadence, now: datetime, zone: str) -> Slot:
    """Return the first slot of `cadence` that falls due after `now` (aware)."""
    today = now.astimezone(ZoneInfo(zone)).date()
    for ahead in range(-_ZONES_APART, _LONGEST_GAP):
        slot = _slot_on(cadence, today + timedelta(days=ahead), zone)
        if slot and slot.instant > now:
            return slot
    raise _no_slot(cadence)


def latest_of(cadence: Cadence, slot: Slot, zone: str) -> datetime | None:
    """Return the latest instant (aware UTC) for the edition of a slot to be frozen by itself; None: there is none."""
    if cadence.latest is None:
        return None
    return datetime.combine(slot.day, cadence.latest, ZoneInfo(zone)).astimezone(UTC)


def coming_lines(cadences: Iterable[Cadence], now: datetime, zone: str) -> Iterator[str]:
    """Yield a line for each cadence: the day and hour of its next slot."""
    for cadence in cadences:
        slot = next_slot(cadence, now, zone)
        yield f"{cadence.name}: next on {slot.day:%A %d %B %Y} at {cadence.at} ({zone})"


def slot_of(cadence: Cadence, key: str, zone: str) -> Slot:
    """Return the slot of a stored local date, at the hour that the cadence has now.

    The date may be one on which the cadence is no longer due, because `at` can change after a slot is stored.
    """
    return _slot(cadence, date.fromisoformat(key), zone)


def slots_between(cadence: Cadence, after: date, before: date, zone: str) -> Iterator[Slot]:
    """Yield the slots with `after` < day < `before`, oldest first: missed slots, which `editions.freeze` closes."""
    day = after + _DAY
    while day < before:
        if slot := _slot_on(cadence, day, zone):
            yield slot
        day += _DAY


def _no_slot(cadence: Cadence) -> ConfigError:
    return ConfigError(
        [f"cadence.{cadence.name}: has no date within {_LONGEST_GAP} days, because [days_off] has all"]
    )


def _slot_on(cadence: Cadence, day: date, zone: str) -> Slot | None:
    """Return the slot on a local date, or None when the cadence is not due on it."""
    return _slot(cadence, day, zone) if cadence.is_due_on(day) else None


def _slot(cadence: Cadence, day: date, zone: str) -> Slot:
    hour = min(hour_in(cadence, day, each) for each in (zone, *cadence.zones))
    return Slot(cadence.name, day, hour - cadence.ahead, hour)


def hour_in(cadence: Cadence, day: date, zone: str) -> datetime:
    """Return the hour of a cadence (aware UTC) on a local date in a zone."""
    # datetime's fold=0 takes the first of an hour that comes twice, and an hour later where the clock skips the hour.
    return datetime.combine(day, time(cadence.at.hour, cadence.at.minute), ZoneInfo(zone)).astimezone(UTC)
