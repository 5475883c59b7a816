"""Read the moment that a date names, in the forms that feeds and authors write. Pure.

A date is searched in the text, then a time, then a zone; whatever is left must be a weekday or a word that stands
around dates, else the text is no date. So a part that is missing is never filled in, least of all from the clock, and
a span of two days, a month alone or a sentence is no date. "05/06/2026" is 5 June unless the weekday that stands with
it says 6 May. No library does this: feedparser and dateutil fill what is missing from today, and dateparser guesses.
"""

from __future__ import annotations

import html
import re
import unicodedata
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from digest.sources.formats import date_words as words
from digest.sources.formats.date_words import unaccented

_LONGEST = 200
_DATE, _CLOCK = "\x00", "\x01"  # stand where the date and the time were

_LETTER = r"[^\W\d_]"
_NAME = rf"(?P<name>{_LETTER}+)"
_FREE = r"(?<![\w:./+-])(?<!\d,)"  # not in the middle of a number
_ORDINAL = (
    rf"(?:(?:st|nd|rd|th|er|re|e|eme|af|il|ail|ydd|edd|ed|fed|eg|ain|mh|na|d|de|ste|o|a|u|:[ae])(?!{_LETTER}))?"
)
_DAY = rf"(?P<day>\d{{1,2}}){_ORDINAL}(?P<stop>\.?)"
_OF = r"(?:(?:de|del|of|o|di|du|den|dhen|an|na|ta|da|the)\s+|(?:d|ta)'\s?|t-)*"
_NO_TIME = r"(?!\d|\s?[:.h]\s?\d|\s?(?:[ap]\.?m|h|uhr)\b)"
_YEAR = rf"(?:[\s.,/-]*{_OF}(?P<year>\d{{4}})(?!\d)|(?:\s|[-/.]|,\s|\s?')(?P<short>\d\d){_NO_TIME})"
_LATER_YEAR = r"\.?,?\s+(?:at\s+)?(?P<between>\d{1,2}[:.]\d\d\D.*|\d{1,2}[:.]\d\d)\s(?P<year>\d{4})\Z"
_END = r"(?=[tz\s]|\Z)"

# Each form of a date, the surer ones first.
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_FREE}(?P<year>\d{{4}})-?w(?P<week>\d\d)-?(?P<weekday>[1-7]){_END}",
        rf"{_FREE}(?P<year>\d{{4}})-(?P<ordinal>\d{{3}}){_END}",
        rf"{_FREE}(?P<year>\d{{4}})(?P<ordinal>\d{{3}})(?=t\d)",
        rf"{_FREE}(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d){_END}",
        rf"{_FREE}(?P<year>\d{{4}})\s?(?P<mark>[./-])\s?(?P<month>\d{{1,2}})\s?(?P=mark)\s?(?P<day>\d{{1,2}})"
        r"(?!\d|[./]\d)",
        rf"{_FREE}(?P<first>\d{{1,2}})\s?(?P<mark>[./-])\s?(?P<then>\d{{1,2}})\s?(?P=mark)\s?(?P<year>\d{{4}})"
        r"(?!\d|[./]\d)",
        rf"{_FREE}(?P<year>\d{{4}})\.?\s?gada\s(?P<day>\d{{1,2}})\.\s?{_NAME}",
        rf"{_FREE}{_DAY}[\s./,-]*{_OF}{_NAME}{_YEAR}(?::(?=\d\d:))?",
        rf"\b{_NAME}[\s./-]+(?P<day>\d{{1,2}}){_ORDINAL}(?:[\s.,/-]+{_OF}(?P<year>\d{{4}})(?!\d)"
        rf"|,?\s?'(?P<short>\d\d){_NO_TIME})",
        rf"{_FREE}(?P<year>\d{{4}})[\s./,-]*(?:m\.?\s)?{_NAME}[\s./-]+(?P<day>\d{{1,2}}){_ORDINAL}"
        r"(?!\d|[:.h]\d|\s?(?:[ap]\.?m|h|uhr)\b)",
        rf"\b{_NAME}\s+(?P<day>\d{{1,2}}){_ORDINAL}{_LATER_YEAR}",
        rf"{_FREE}{_DAY}\s*{_OF}{_NAME}{_LATER_YEAR}",
        rf"{_FREE}(?P<first>\d{{1,2}})(?P<mark>[./])(?P<then>\d{{1,2}})(?P=mark)(?P<short>\d\d)(?!\d|[./:-]\d)",
    )
)
_HALF = rf"(?P<half>[ap]\.?\s?m|π\.?\s?μ|μ\.?\s?μ|y\.?[bph])(?!{_LETTER})\.?"
_NOON = "noon"
_CLOCKS = tuple(
    re.compile(form)
    for form in (
        r"(?<![\w:.+-])(?:t\s?)?(?P<hour>\d{1,2})\s?[:.h]\s?(?P<minute>\d\d)"
        rf"(?:[:.](?P<second>\d\d)(?:[.,](?P<part>\d{{1,9}}))?)?(?:\s?{_HALF})?(?!\d|[:.,]\d)",
        rf"(?<![\w:.+-])(?P<hour>\d{{1,2}}):(?P<minute>\d{{1,2}}):(?P<second>\d{{1,2}})(?:\s?{_HALF})?(?!\d|[:.,]\d)",
        rf"(?<![\w:.+-])(?P<hour>\d{{1,2}})\s?{_HALF}",
        r"(?<![\w:.+-])(?P<hour>\d{1,2})\s?(?:h|uhr)\b",
        r"(?<!\w)t(?P<hour>\d\d)(?:(?P<minute>\d\d)(?:(?P<second>\d\d)(?:[.,](?P<part>\d{1,9}))?)?)?(?!\d)",
        r"(?<![\w:.+-])(?P<hour>\d\d)(?P<minute>\d\d)(?=\s?(?:h|hrs|hours|z|ut|utc|gmt|bst)\b)",
        rf"\b(?:12\s)?(?P<{_NOON}>noon|midday)\b",
    )
)
_OFFSET = re.compile(
    rf"(?P<name>{_LETTER}*)(?P<space>\s?)(?P<sign>[+-])(?P<hours>\d{{1,2}})(?::?(?P<minutes>\d\d))?(?::?00)?(?![\d:.])"
)
_COMMENT = re.compile(r"([+-]\d\d:?\d\d|\b(?:gmt|utc|z))\s?\([^()\d]*\)")  # of RFC 5322, behind its zone
# An offset that is written twice, and one of nothing without its sign.
_TWICE = re.compile(r"([+-]\d\d:?\d\d) \1(?!\S)")
_UNSIGNED = re.compile(r"(:\d\d) 0000(?!\S)")
_PLACE = re.compile(
    r"\[?\b((?:Africa|America|Asia|Atlantic|Australia|Europe|Indian|Pacific)(?:/[A-Z][\w+-]*)+)\]?", re.I
)
_UNIX = re.compile(r"@?(?P<seconds>\d{10})(?:\.\d+)?|(?P<milliseconds>\d{13})")
_DOT_NET = re.compile(r"/date\((\d{12,13})(?:[+-]\d{4})?\)/", re.I)
_HOURLY = re.compile(r"20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])")
_RUN = re.compile(r"\A(\d{8})(\d{4}(?:\d\d)?)(?=[z\s.+-]|\Z)")
_ATTRIBUTE = re.compile(r"<[^<>]*\bdatetime\s*=\s*[\"']([^\"'<>]+)[\"']", re.I)
_AUTUMN = re.compile(r"\b(mh?ean|dh?eireadh) (?=fomhair)")
_LEFT = re.compile(rf"{_LETTER}+(?:'{_LETTER}+)*|[\x00\x01]|\S")
_MARKS = frozenset(".,;:|·•()[]\"'/-_")


@lru_cache(maxsize=4_096)  # because each date of a feed is asked for several times
def moment_of(text: str) -> datetime | None:
    """Return the moment that a text names, without a zone where it names none; None if it is no date.

    A zone whose name is not known counts as none, as RFC 5322 has it: the time stays as it is written. 24:00 is the
    next midnight; a leap second is the next second.
    """
    try:
        line = _line(text)
        if (moment := _counted(line)) or not any(each.isdecimal() for each in line):
            return moment
        place = _PLACE.search(line)
        line = _tidy(unaccented(line.replace(place[0], " ") if place else line))
        return _read(line, place[1] if place else "")
    except (ValueError, OverflowError):  # a day, an hour or a zone that does not exist
        return None


def _line(text: str) -> str:
    """Return one line in plain letters, digits, spaces, dashes and quotation marks."""
    # Twice, because feeds escape twice; without the tags, of which <time> may hold the date for programs.
    text = html.unescape(html.unescape(text[:_LONGEST]))
    attribute = _ATTRIBUTE.search(text)
    text = attribute[1] if attribute else re.sub(r"<[^<>]*>", " ", text)
    return " ".join("".join(map(_plain, text)).split())


def _plain(letter: str) -> str:
    if letter.isascii():
        return letter if letter.isprintable() else " "
    kind = unicodedata.category(letter)
    if kind == "Nd":
        return str(unicodedata.decimal(letter))
    if kind == "Cf":
        return ""  # a soft hyphen, a mark of direction, a space without width
    plain = {"Pd": "-", "Pi": "'", "Pf": "'", "Zs": " ", "Zl": " ", "Zp": " ", "Cc": " "}.get(kind)
    return plain or {"−": "-", "ʼ": "'", "⁄": "/", "∕": "/", "年": "-", "月": "-", "日": " "}.get(letter, letter)


def _counted(line: str) -> datetime | None:
    """Return the instant of a count of seconds or milliseconds; a count that may be a date as well is none."""
    if dot_net := _DOT_NET.fullmatch(line):
        return datetime.fromtimestamp(int(dot_net[1]) / 1000, UTC)
    unix = _UNIX.fullmatch(line)
    if not unix or (unix["seconds"] and _HOURLY.match(unix["seconds"])):
        return None
    return datetime.fromtimestamp(int(unix["seconds"] or 0) or int(unix["milliseconds"]) / 1000, UTC)


def _tidy(line: str) -> str:
    """Return a unaccented line without comments, and with names of several words as one word."""
    line = words.LONG_ZONES.sub(words.short_zone, _AUTUMN.sub(r"\1", line))
    line = _UNSIGNED.sub(r"\1 +0000", _TWICE.sub(r"\1", _COMMENT.sub(r"\1", words.LATER.sub("", line))))
    return _RUN.sub(r"\1t\2", line.replace("_", " "))


def _read(line: str, place: str) -> datetime | None:
    for form in _FORMS:
        match = form.search(line)
        while match:
            if days := _days(match):
                parts = match.groupdict()
                rest = line[: match.start()] + _DATE + (parts.get("between") or line[match.end() :])
                return _with_time(days, rest, place, is_iso=parts.get("mark") == "-" and "month" in parts)
            match = form.search(line, match.start() + 1)
    return None


def _days(match: re.Match[str]) -> list[date]:
    """Return the days that a form of a date may mean, the likeliest first; none if its word is no month."""
    parts = match.groupdict()
    year = int(parts.get("year") or parts.get("short") or 0)
    if not parts.get("year"):
        year += 2000 if year < 50 else 1900  # as RFC 5322 has it
    if parts.get("week"):
        return [date.fromisocalendar(year, int(match["week"]), int(match["weekday"]))]
    if parts.get("ordinal"):
        day = date(year, 1, 1) + timedelta(days=int(match["ordinal"]) - 1)
        return [day] if day.year == year and match["ordinal"] != "000" else [date(year, 13, 1)]
    if parts.get("first"):
        return _in_either_order(year, int(match["first"]), int(match["then"]), match["mark"])
    month = int(parts["month"]) if parts.get("month") else _month(match["name"], parts.get("stop"))
    return [] if month is None else [date(year, month, int(match["day"]))]


def _month(name: str, stop: str | None) -> int | None:
    """Return the number of a month's name, 0 where it is in doubt; `stop` is the mark behind the day before it."""
    if stop and name in words.AFTER_A_STOP:
        return words.AFTER_A_STOP[name]
    return words.MONTHS.get(name) or (words.ROMAN.get(name) if stop is not None else None)


def _in_either_order(year: int, first: int, then: int, mark: str) -> list[date]:
    days = []
    # Where full stops stand between the parts, the day comes first in every language.
    for month, day in [(then, first)] if mark == "." else [(then, first), (first, then)]:
        if 1 <= month <= 12 and (day <= 28 or day <= _last(year, month)):
            days.append(date(year, month, day))
    return days or [date(year, 13, 1)]


def _last(year: int, month: int) -> int:
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day


def _with_time(days: list[date], rest: str, place: str, *, is_iso: bool) -> datetime | None:
    """Return the moment of a day with the time and the zone in the rest of its line."""
    clock = next((match for form in _CLOCKS if (match := form.search(rest))), None)
    span = timedelta()
    if clock:
        span = _since_midnight(clock)
        rest = f"{rest[: clock.start()]} {_CLOCK}{rest[clock.end() :]}"
    offset = _OFFSET.search(rest)
    zone: tzinfo | None = None
    if offset:
        zone = _zone_of(offset, clock, rest[: offset.start()], is_iso=is_iso)
        rest = f"{rest[: offset.start()]} {rest[offset.end() :]}"
    left = _left(rest)
    if left is None:
        return None
    weekdays, named = left
    if zone is None and (place or named is not None):
        zone = _zone(place) if place else named
    chosen = [day for day in days if day.weekday() in weekdays] or days
    if len(days) > 1 and weekdays and len(chosen) > 1:
        return None  # the weekday fits neither order, or both
    return datetime(chosen[0].year, chosen[0].month, chosen[0].day, tzinfo=zone) + span


def _since_midnight(clock: re.Match[str]) -> timedelta:
    """Return the time of a clock since midnight; raise ValueError for one that no clock shows."""
    parts = clock.groupdict()
    if parts.get(_NOON):
        return timedelta(hours=12)
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    half = (parts.get("half") or "").replace(".", "").replace(" ", "")
    if half and hour < 13:
        if not hour and half not in _MORNING:
            raise ValueError("there is no 0 PM")
        hour = hour % 12 + (0 if half in _MORNING else 12)
    elif half in _MORNING or hour > 24 or (hour == 24 and (minute or second)):
        raise ValueError("there is no such hour")
    if minute > 59 or second > 60 or (second == 60 and minute != 59):
        raise ValueError("there is no such minute")
    part = int((parts.get("part") or "0")[:6].ljust(6, "0"))
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=part)


_MORNING = frozenset(("am", "πμ", "yb"))


def _zone_of(offset: re.Match[str], clock: re.Match[str] | None, before: str, *, is_iso: bool) -> tzinfo:
    """Return the zone of an offset; raise ValueError where it is none: too far, or the end of a span of hours."""
    minutes = int(offset["hours"]) * 60 + int(offset["minutes"] or 0)
    name, is_west = offset["name"], offset["sign"] == "-"
    behind_clock = clock is not None and _CLOCK in before + name
    if clock is None and not (is_iso and before.endswith(_DATE) and offset["minutes"] and not name):
        raise ValueError("an offset without a time")
    if clock is not None and not behind_clock and _CLOCK not in before:
        raise ValueError("an offset before its time")
    is_span = before.endswith(_CLOCK) and not (name or offset["space"] or is_iso or (clock and clock["second"]))
    if (name and name not in words.ZERO) or (is_west and is_span):
        raise ValueError("not an offset")
    if not -720 <= (-minutes if is_west else minutes) <= 840 or int(offset["minutes"] or 0) > 59:
        raise ValueError("no clock is so far from Greenwich")
    return timezone(timedelta(minutes=-minutes if is_west else minutes))


def _left(rest: str) -> tuple[frozenset[int], tzinfo | None] | None:
    """Return the weekdays and the zone that the rest of a line names; None if it holds anything else."""
    weekdays: frozenset[int] = frozenset()
    zone: tzinfo | None = None
    tokens = _LEFT.findall(rest)
    seen_clock = False
    for number, token in enumerate(tokens):
        before = tokens[number - 1] if number else ""
        after = tokens[number + 1] if number + 1 < len(tokens) else ""
        is_behind = before in (_CLOCK, "(") and seen_clock
        if token in (_DATE, _CLOCK):
            seen_clock |= token == _CLOCK
        elif not token[0].isalpha():
            if token not in _MARKS:
                return None
        elif token in words.ZONES and (is_behind or (number and token not in words.WEEKDAYS)):
            zone = zone or _zone(token)
        elif token in words.WEEKDAYS:
            weekdays = words.WEEKDAYS[token]
        elif not (words.is_around(token) or (is_behind and len(token) < 6) or (number == 0 and after == ",")):
            return None
    return weekdays, zone


def _zone(name: str) -> tzinfo | None:
    """Return the zone of a name, or None for a place that no clock is named after."""
    minutes = words.ZONES.get(name, name)
    if isinstance(minutes, int):
        return timezone(timedelta(minutes=minutes))
    for spelling in (minutes, minutes.title()):
        # ZoneInfoNotFoundError is a KeyError.
        with suppress(KeyError, OSError, ValueError):
            return ZoneInfo(spelling)
    return None
