"""Read dates as feeds write them, for those that the feed library cannot read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime

# Take earlier dates for none, because no feed is older than the web, and zero or −1 in a date field means "none".
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# Allow two days ahead, because a publisher's clock or zone may be a day off; a later date is an event's or a slip.
AHEAD = timedelta(days=2)
# An entry whose date is further ahead than a publisher's clock or zone may be wrong is not released yet.
SKEW = timedelta(days=1)

_MONTHS = (
    "jan ene gen ion sty",
    "feb fev fév chw lut",
    "mar mär mrt maw",
    "apr abr avr ebr kwi",
    "may mai mag mei maj",
    "jun juin giu meh cze",
    "jul juil lug gor lip",
    "aug ago aoû aou aws sie",
    "sep set med wrz",
    "oct okt out ott hyd paź",
    "nov tac lis",
    "dec dez dic déc rha gru",
)  # English, French, German, Spanish, Portuguese, Italian, Dutch, Polish and Welsh
_MONTH_NUMBER = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ZONES = {"z": 0, "gmt": 0, "utc": 0, "ut": 0, "wet": 0, "bst": 60, "ist": 60, "west": 60, "cet": 60, "cest": 120}
_TIME = r"(?:[\s,T–-]+(?:at\s+)?(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:[:.](?P<second>\d\d))?)?"
_TAIL = r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>[+-]\d\d:?\d\d|[A-Za-z]{1,4})?\s*$"
_WEEKDAY = r"^(?:(?P<weekday>[^\W\d]+)\.?,?\s+)?"
_NAME = r"(?P<name>[^\W\d]{3,12})\.?,?"
_DAY_FIRST = re.compile(
    _WEEKDAY + r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.)?\s+(?:de\s+|of\s+)?" + _NAME
    + r"\s+(?:de\s+)?(?P<year>\d{4})" + _TIME + _TAIL
)  # fmt: skip
_MONTH_FIRST = re.compile(
    _WEEKDAY + _NAME + r"\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})" + _TIME + _TAIL
)
_NUMERIC = re.compile(
    _WEEKDAY + r"(?P<first>\d{1,2})(?P<mark>[./-])(?P<then>\d{1,2})(?P=mark)(?P<year>\d{4})" + _TIME + _TAIL
)


def read_date(text: str, now: datetime) -> datetime | None:
    """Return the instant that `text` names as aware UTC, or None if unreadable or impossible.

    Reads ISO 8601, RFC 5322, month names of nine languages (Welsh among them), "22.11.2022 12:16:00",
    "Friday, January 29, 2021 04:42 PM" and "Fri, 05/03/2019 - 15:21". Without a zone it is UTC.
    """
    return possible(_read(text), now)


def possible(moment: datetime | date | None, now: datetime) -> datetime | None:
    """Return `moment` as aware UTC, or None when it is impossible for an entry.

    Impossible is before 1990 (epoch zero, year −1) and more than two days after `now`. Newness does not depend on
    this date, so no date loses nothing, while a wrong date would mislead the reader.
    """
    at = instant(moment) if moment is not None else None
    return at if at is not None and at <= now + AHEAD else None


def instant(value: datetime | date | str, zone: tzinfo = UTC) -> datetime | None:
    """Return the instant that a date or a text names as aware UTC, however far ahead; None before 1990 or unreadable.

    A time without a zone, and the midnight that a date alone means, are those of `zone`.
    """
    moment = _read(value) if isinstance(value, str) else value
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment >= EARLIEST else None


def is_ahead(at: datetime | None, now: datetime) -> bool:
    """Return whether a feed's date is further ahead than its publisher's clock or zone may be wrong."""
    return at is not None and at > now + SKEW


def _read(text: str) -> datetime | None:
    """Return the moment that a text names, without a zone where it names none; None if unreadable."""
    folded = " ".join(text[:100].split())
    readers: tuple[Callable[[str], datetime | None], ...] = (
        datetime.fromisoformat,
        _with_month_name,
        _in_numbers,
        parsedate_to_datetime,
    )
    for reader in readers:
        try:
            moment = reader(folded)
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
        if moment is not None:
            return moment
    return None


def _with_month_name(text: str) -> datetime | None:
    match = _DAY_FIRST.match(text) or _MONTH_FIRST.match(text)
    if not match:
        return None
    name = match["name"].lower()
    # "juin" and "juil" differ only in their fourth letter.
    month = _MONTH_NUMBER.get(name[:4]) or _MONTH_NUMBER.get(name[:3])
    return _moment(match, month, int(match["day"])) if month else None


def _in_numbers(text: str) -> datetime | None:
    match = _NUMERIC.match(text)
    if not match:
        return None
    first, then = int(match["first"]), int(match["then"])
    day_first, month_first = (then, first), (first, then)
    orders = [day_first] if match["mark"] == "." else [day_first, month_first]
    possible_days = []
    for month, day in orders:
        try:
            possible_days.append(_moment(match, month, day))
        except ValueError:
            continue
    if not possible_days:
        return None
    # Choose by the weekday where one is named; else the day comes first, as in the United Kingdom.
    weekday = (match["weekday"] or "").lower()[:3]
    return next((m for m in possible_days if _WEEKDAYS[m.weekday()] == weekday), possible_days[0])


def _moment(match: re.Match[str], month: int, day: int) -> datetime:
    hour, half = int(match["hour"] or 0), (match["half"] or "").lower()[:1]
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    minute, second = int(match["minute"] or 0), int(match["second"] or 0)
    local = datetime(int(match["year"]), month, day, hour, minute, second)  # noqa: DTZ001
    zone = (match["zone"] or "").lower()
    if not zone:
        return local
    if zone[0] in "+-":
        minutes = (int(zone[1:3]) * 60 + int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
    else:
        minutes = _ZONES.get(zone, 0)
    return local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
