"""Read the hour of a cadence, "fri 08:00" or the five fields of a crontab, into a time of day and its dates."""

from __future__ import annotations

import itertools
import re
from datetime import date, datetime, time, timedelta

from cronsim import CronSim, CronSimError

from digest.schedule import WEEKDAYS, At

_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_WHICH = {"first": "#1", "second": "#2", "third": "#3", "fourth": "#4", "last": "L"}
_TAKES = {
    "daily": '"07:30" or "mon-fri 07:30"',
    "weekly": '"fri 08:00"',
    "monthly": '"1 08:00" (day 1 to 28), "last 08:00", "first mon 08:00" or "last fri 08:00"',
}
_FIELDS = {"daily": "30 7 * * 1-5", "weekly": "0 8 * * 5", "monthly": "0 8 1 * *"}
_WEEK = timedelta(days=7)
# Two years with a leap day, in which a crontab is tried.
_FIRST, _LAST = date(2027, 1, 1), date(2028, 12, 31)


def parse_at(cadence: str, text: str) -> At:
    """Read "fri 08:00", "08:00", "mon-fri 07:30"; monthly "1 08:00", "last 08:00", "first mon 08:00"; or a crontab.

    `cadence` is "daily", "weekly" or "monthly". Raises ValueError that tells how to write an hour of that cadence.
    """
    words = text.strip().lower().split()
    if len(words) == 5 or (words and words[0].startswith("@")):
        return _of_crontab(cadence, text, words)
    cure = f'write it like {_TAKES[cadence]}, or as fields of a crontab like "{_FIELDS[cadence]}"'
    clock = _TIME.fullmatch(words[-1]) if words else None
    if not clock:
        raise ValueError(f"{text!r} is not an hour; {cure}")
    hour, minute = int(clock[1]), int(clock[2])
    if hour > 23 or minute > 59:
        raise ValueError(f"{text!r} is not a time of day; {cure}")
    days = _monthly(words[:-1]) if cadence == "monthly" else _weekly(words[:-1], once=cadence == "weekly")
    if not days:
        names = {
            "daily": "names no weekdays",
            "weekly": "does not name one weekday",
            "monthly": "names no day of the month",
        }
        raise ValueError(f"{text!r} {names[cadence]}; {cure}")
    return At(hour, minute, days)


def _monthly(words: list[str]) -> str:
    """Return the fields of "1", "last" or "first mon"; "" for anything else."""
    match words:
        case ["last"]:
            return "L * *"
        case [day] if re.fullmatch(r"\d{1,2}", day) and 1 <= int(day) <= 28:
            return f"{int(day)} * *"
        case [which, day] if which in _WHICH and day in WEEKDAYS:
            # With a number, because cronsim takes no name before "L".
            return f"* * {_number(day)}{_WHICH[which]}"
    return ""


def _weekly(words: list[str], *, once: bool) -> str:
    """Return the fields of weekdays such as "mon-fri" or "mon,wed"; "" for anything else."""
    if not words:
        return "" if once else "* * *"
    days = _weekdays(words[0]) if len(words) == 1 else []
    return f"* * {','.join(days)}" if days and not (once and len(days) > 1) else ""


def _number(day: str) -> int:
    """Return the number of a weekday in a crontab, where 0 is Sunday."""
    return (WEEKDAYS.index(day) + 1) % 7


def _weekdays(text: str) -> list[str]:
    """Return the weekdays of "fri", "mon-fri", "fri-mon" or "mon,wed", Monday first; none for anything else."""
    weekdays: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
            return []
        start = WEEKDAYS.index(first)
        span = (WEEKDAYS.index(last) - start) % 7 if dash else 0
        weekdays.update((start + number) % 7 for number in range(span + 1))
    return [WEEKDAYS[number] for number in sorted(weekdays)]


def _of_crontab(cadence: str, text: str, fields: list[str]) -> At:
    """Read five fields as Debian's cron does. A slot is a date, so minute and hour are a single number each."""
    cure = f'write it like "{_FIELDS[cadence]}" or like {_TAKES[cadence]}'
    if len(fields) != 5 or not (fields[0].isdecimal() and fields[1].isdecimal()):
        raise ValueError(f"{text!r} does not name one minute and one hour of a day; {cure}")
    try:
        dates = _dates(" ".join(fields))
    except CronSimError as error:
        raise ValueError(f"{text!r} is no crontab ({str(error).lower()}); {cure}") from None
    if problem := _not_once(cadence, dates):
        raise ValueError(f"{text!r} {problem}; {cure}")
    return At(int(fields[1]), int(fields[0]), " ".join(fields[2:]))


def _dates(crontab: str) -> list[date]:
    """Return the dates of two years on which a crontab falls."""
    # Naive, because a date is asked for, and no clock changes in it.
    before = datetime.combine(_FIRST, time()) - timedelta(seconds=1)
    moments = itertools.takewhile(lambda moment: moment.date() <= _LAST, CronSim(crontab, before))
    return [moment.date() for moment in moments]


def _not_once(cadence: str, dates: list[date]) -> str:
    """Return why dates are not those of a cadence, or ""."""
    if cadence == "monthly":
        months = [(day.year, day.month) for day in dates]
        return "" if len(months) == len(set(months)) == 24 else "does not fall on one date of every month"
    gaps = {later - earlier for earlier, later in itertools.pairwise(dates)}
    if cadence == "weekly":
        return "" if gaps == {_WEEK} else "does not fall on one date of every week"
    return "" if gaps and max(gaps) <= _WEEK else "does not fall on a date of every week"
