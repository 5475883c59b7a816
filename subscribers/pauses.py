"""Build the form by which a reader pauses their letters, and read the answer that comes back. Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from subscribers.forms import BadForm, Choice, Fields, Option, short

# The answers to "For how long?", in the order of the page.
PAUSES = ("2-weeks", "1-month", "3-months")
UNTIL = "until"  # the answer, and the field, of a day
GO_ON = "now"
_LONGEST = 366  # days, of a pause that a reader asks for: one who wants more may leave, and come back
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_WRITTEN = re.compile(r"(\d{1,2})\s*[/.]\s*(\d{1,2})\s*[/.]\s*(\d{4})", re.ASCII)


def pauses(ticked: str = "") -> Fields:
    """Return the group of the form; `ticked` is the answer that a reader gave before."""
    options = [Option(Choice(slug), slug == ticked) for slug in (*PAUSES, UNTIL)]
    return Fields("for", "radio", options, "pause")


def pause_days(now: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """Return the first and the last day on which letters may go on again, of those that a reader can choose."""
    today = now.astimezone(zone).date()
    return today + timedelta(days=1), today + timedelta(days=_LONGEST)


def read_pause(pairs: Sequence[tuple[str, str]], now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the end of the pause that a form's fields ask for; None: end the present pause. Raises BadForm.

    A pause is counted in whole days of `zone`, because the same answer on the same day must give the same pause.
    """
    answers = [value for name, value in pairs if name == "for"]
    days = [value.strip() for name, value in pairs if name == UNTIL and value.strip()]
    if not answers and days:
        answers = [UNTIL]  # because who types a day has said what they want
    if not answers:
        raise BadForm("no_length")
    if len(answers) > 1:
        raise BadForm("two_lengths")
    if answers[0] == GO_ON:
        return None
    if answers[0] == UNTIL:
        return _end_on(days[0] if days else "", now, zone)
    if answers[0] not in PAUSES:
        raise BadForm("length", short(answers[0]))
    return pause_end(answers[0], now, zone)


def _end_on(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the beginning of a day that a reader chose. Raises BadForm."""
    if not text:
        raise BadForm("no_day")
    day = day_in(text)
    if day is None:
        raise BadForm("day", short(text))
    first, last = pause_days(now, zone)
    if day < first:
        raise BadForm("day_past")
    if day > last:
        raise BadForm("day_late")
    return midnight(day, zone)


def day_in(text: str) -> date | None:
    """Return the day that a text like "2027-01-31" or "31/1/2027" names, or None."""
    if iso := _ISO.fullmatch(text.strip()):
        year, month, day = iso.groups()
    elif written := _WRITTEN.fullmatch(text.strip()):
        day, month, year = written.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the beginning of a day in `zone`."""
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def pause_end(length: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the end of a pause of a length of PAUSES, which begins today in `zone`."""
    today = now.astimezone(zone).date()
    count, unit = length.split("-", 1)
    if unit == "weeks":
        day = today + timedelta(weeks=int(count))
    else:
        year, month = divmod(today.year * 12 + today.month - 1 + int(count), 12)
        last = calendar.monthrange(year, month + 1)[1]
        day = today.replace(year=year, month=month + 1, day=min(today.day, last))
    return midnight(day, zone)
