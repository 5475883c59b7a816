"""Say which instant a date of a feed, a file or a page means, and whether it can be an entry's. Pure.

The only judge: no library's reading of a date is used. The forms are in `date_forms`, the words in `date_words`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo

from digest.sources.formats.date_forms import moment_of

# Take earlier dates for none, because no feed is older than the web, and zero or −1 in a date field means "none".
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# Allow two days ahead, because a publisher's clock or zone may be a day off; a later date is an event's or a slip.
AHEAD = timedelta(days=2)
# An entry whose date is further ahead than a publisher's clock or zone may be wrong is not released yet.
SKEW = timedelta(days=1)


def entry_date(texts: Iterable[str], now: datetime) -> datetime | None:
    """Return the date of an entry as aware UTC from its dates as written, the one that counts most first.

    The first that can be read, if it is ahead, because before it the entry is not released; else the first that is
    possible; else None. A date says when, and never whether an entry is new.
    """
    moments = [at for text in texts if (at := instant(text))]
    if moments and is_ahead(moments[0], now):
        return moments[0]
    return next((at for at in moments if possible(at, now)), None)


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
    moment = moment_of(value) if isinstance(value, str) else value
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
