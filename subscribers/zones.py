"""Tell whether a text is the name of a time zone. Pure."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones


def is_zone(text: str) -> bool:
    """Return whether `text` is the name of an IANA time zone, such as "Europe/London"."""
    return text in _names()


@cache
def _names() -> frozenset[str]:
    return frozenset(available_timezones())
