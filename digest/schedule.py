"""Tell which slot of a cadence is due, and which is next, by the calendar alone. Pure.

A slot is a local date, so that a clock change can neither repeat nor skip it. `editions.due` says what is owed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FORM = re.compile(r"^(?:(?P<days>\S+)\s+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})$")
# Clocks may differ by this much, for a time zone or a day's drift, without anybody being told.
CLOCKS_DIFFER = timedelta(days=1)
_LONGEST_GAP = 62  # days, because two monthly slots are never further apart


@dataclass(frozen=True, slots=True)
class At:
    """A recurring local time of day, on `weekdays` (0 = Monday) or, if it is set, on `month_day`.

    `month_day` is 1 to 28, or 0 for the last day of the month.
    """

    hour: int
    minute: int
    weekdays: frozenset[int] = frozenset(range(7))
    month_day: int | None = None

    def falls_on(self, day: date) -> bool:
        """Return whether there is a slot on the local date `day`."""
        if self.month_day is None:
            return day.weekday() in self.weekdays
        if self.month_day == 0:
            return (day + timedelta(days=1)).day == 1
        return day.day == self.month_day


@dataclass(frozen=True, slots=True)
class Cadence:
    """A cadence as configured: its hour, and whether an editor must approve its editions.

    `ahead` is how long before the hour an edition is frozen and handed over to a provider that waits with its letters
    until the hour; 0 means at the hour. Where an editor must approve, the hour is their deadline: `unapproved` says
    what becomes of an edition that nobody has approved by then ("wait", "stop", "send" or
    "send-without-open-questions"), `draft_ahead` and `remind_ahead` how long before it the edition is drafted and the
    editors are told again; 0: not.
    """

    name: str
    at: At
    approval_required: bool = False
    ahead: timedelta = timedelta(0)
    unapproved: str = "wait"
    draft_ahead: timedelta = timedelta(0)
    remind_ahead: timedelta = timedelta(0)

    @property
    def sends_unapproved(self) -> bool:
        """Return whether an edition goes out at its hour though nobody has approved it."""
        return self.unapproved in ("send", "send-without-open-questions")


def local_midnight(now: datetime, zone: str) -> datetime:
    """Return the beginning of the local day in which `now` is, in `zone`."""
    return now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Slot:
    """A date on which a cadence is due: `day` is the local date, `instant` (aware UTC) the moment it falls due.

    `hour` (aware UTC) is when its letters should arrive: the instant plus the cadence's `ahead`.
    """

    cadence: str
    day: date
    instant: datetime
    hour: datetime

    @property
    def key(self) -> str:
        """Return the local date as it is stored, "2027-10-31"."""
        return self.day.isoformat()


def parse_at(cadence: str, text: str) -> At:
    """Read "fri 08:00", "08:00", "mon-fri 07:30" or (monthly) "1 08:00", "last 08:00".

    `cadence` is "daily", "weekly" or "monthly". Raises ValueError that tells how to write an hour of that cadence.
    """
    takes = {
        "daily": '"07:30" or "mon-fri 07:30"',
        "weekly": '"fri 08:00"',
        "monthly": '"1 08:00" (day 1 to 28) or "last 08:00"',
    }[cadence]
    cure = f"write it like {takes}"
    form = _FORM.match(text.strip().lower())
    if not form:
        raise ValueError(f"{text!r} is not an hour; {cure}")
    hour, minute, days = int(form["hour"]), int(form["minute"]), form["days"]
    if hour > 23 or minute > 59:
        raise ValueError(f"{text!r} is not a time of day; {cure}")
    if cadence == "monthly":
        if days == "last":
            return At(hour, minute, month_day=0)
        if days is None or not days.isdigit() or not 1 <= int(days) <= 28:
            raise ValueError(f"{text!r} names no day of the month; {cure}")
        return At(hour, minute, month_day=int(days))
    weekdays = frozenset(range(7)) if days is None else _weekdays(days)
    if not weekdays or (cadence == "weekly" and len(weekdays) != 1):
        raise ValueError(f"{text!r} does not name {'one weekday' if cadence == 'weekly' else 'weekdays'}; {cure}")
    return At(hour, minute, weekdays)


def _weekdays(text: str) -> frozenset[int]:
    """Read "fri", "mon-fri" or "mon,wed"; return an empty set for anything else."""
    weekdays: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in WEEKDAYS or (last and last not in WEEKDAYS):
            return frozenset()
        start = WEEKDAYS.index(first)
        span = (WEEKDAYS.index(last) - start) % 7 if last else 0
        weekdays.update((start + number) % 7 for number in range(span + 1))
    return frozenset(weekdays)


def due_slot(cadence: Cadence, now: datetime, zone: str) -> Slot:
    """Return the newest slot of `cadence` that fell due at or before `now` (aware)."""
    today = now.astimezone(ZoneInfo(zone)).date()
    for back in range(-1, _LONGEST_GAP):
        slot = _slot_on(cadence, today - timedelta(days=back), zone)
        if slot and slot.instant <= now:
            return slot
    raise AssertionError("every cadence has a slot within two months")


def next_slot(cadence: Cadence, now: datetime, zone: str) -> Slot:
    """Return the first slot of `cadence` that falls due after `now` (aware)."""
    today = now.astimezone(ZoneInfo(zone)).date()
    for ahead in range(-1, _LONGEST_GAP):
        slot = _slot_on(cadence, today + timedelta(days=ahead), zone)
        if slot and slot.instant > now:
            return slot
    raise AssertionError("every cadence has a slot within two months")


def slot_of(cadence: Cadence, key: str, zone: str) -> Slot:
    """Return the slot of a stored local date, at the hour that the cadence has now.

    The date may be one on which the cadence is no longer due, because `at` can change after a slot is stored.
    """
    return _slot(cadence, date.fromisoformat(key), zone)


def slots_between(cadence: Cadence, after: date, before: date, zone: str) -> Iterator[Slot]:
    """Yield the slots with `after` < day < `before`, oldest first: missed slots, which `editions.freeze` closes."""
    day = after + timedelta(days=1)
    while day < before:
        if slot := _slot_on(cadence, day, zone):
            yield slot
        day += timedelta(days=1)


def _slot_on(cadence: Cadence, day: date, zone: str) -> Slot | None:
    """Return the slot on a local date, or None when the cadence is not due on it."""
    return _slot(cadence, day, zone) if cadence.at.falls_on(day) else None


def _slot(cadence: Cadence, day: date, zone: str) -> Slot:
    # datetime's fold=0 takes the first of an hour that comes twice, and an hour later where the clock skips the hour.
    hour = datetime.combine(day, time(cadence.at.hour, cadence.at.minute), ZoneInfo(zone)).astimezone(UTC)
    return Slot(cadence.name, day, hour - cadence.ahead, hour)
