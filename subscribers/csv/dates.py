"""Read the dates that other tools write beside a consent. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?"
    r"\s*(?:(UTC|GMT|Z)|([+-]\d\d:?\d\d))?(?:\s+(?:[A-Z]{2,5}|[+-]\d{4}))?"
)
_OTHER = re.compile(r"(\d{4}/\d+/\d+|.*\d{4})(?:,? +(\d+:\d\d(?::\d\d)?(?: ?[AP]M)?))?", re.IGNORECASE)
_DAYS = (
    "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%Y/%m/%d",
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y",
)  # fmt: skip
_MONTHS = ("%b %Y", "%B %Y", "%Y-%m", "%m/%Y", "%d %b %y", "%d-%b-%y", "%d %B %y", "%b %d %Y", "%B %d %Y")
_DATED = re.compile(
    r"(?:\d{1,2}([./-])\d{1,2}\1(?:\d\d|\d{4})|(?:19|20)\d\d([./-])\d{1,2}\2\d{1,2})(?:[T ,].*)?"
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
)
_CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p")


def read_instant(text: str) -> datetime | None:
    """Return the instant (UTC) of a date; None for a text that is no date, or that may be two.

    "01/02/2024" may be two days, "13/02/2024" is one. A date without a zone is taken for UTC.
    """
    text = text.strip()
    if len(text) > 40:
        return None
    if iso := _ISO.fullmatch(text):
        day, clock, _, offset = iso.groups()
        return _utc(f"{day}T{clock or '00:00'}{offset or ''}")
    parts = _OTHER.fullmatch(text)
    date = _the_only(parts[1], _DAYS) if parts else None
    time = _the_only(parts[2] or "00:00", _CLOCKS) if parts else None
    return datetime.combine(date.date(), time.time(), UTC) if date and time else None


def looks_dated(text: str) -> bool:
    """Return whether a text is a date, also one that may be two: "01/02/2024", "20240501", "May 2024"."""
    if len(text) > 40 or not any(letter.isdecimal() for letter in text):
        return False
    return bool(_DATED.fullmatch(text)) or read_instant(text) is not None or _the_only(text, _MONTHS) is not None


def _utc(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=20_000)
def _the_only(text: str, forms: tuple[str, ...]) -> datetime | None:
    """Return the meaning of a text in the forms that fit it, or None when it has none or several."""
    meanings = set()
    for form in forms:
        with suppress(ValueError):
            meanings.add(datetime.strptime(text, form).replace(tzinfo=UTC))
    return meanings.pop() if len(meanings) == 1 else None
