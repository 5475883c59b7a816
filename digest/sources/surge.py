"""Decide which new entries of a gather wait for an editor. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta

from digest.sources.newness import New, showing_of
from digest.sources.sameness import local_day

_SURGE = 20
_OLD_SURGE = 6
_OLD = timedelta(days=30)
_LOOK_ALIKES = 3


def surge(new: Sequence[New], usual: Sequence[int], last_ok: datetime | None, now: datetime) -> str | None:
    """Return why a gather brings more new entries than are likely to be news, or None.

    `usual`: the number of new entries of each gather of the last 30 days that brought any.
    """
    # Older pages are read to find news that has left the first one. Old entries there would dilute the counts below.
    older = sum(entry.on_older_page and not is_news(entry, last_ok) for entry in new)
    if older:
        return (
            f"{older} of {len(new)} new entries are on older pages of the feed, and not dated since the last reading"
        )
    limit = max(_SURGE, 5 * statistics.median(usual)) if usual else _SURGE
    if len(new) > limit:
        return f"{len(new)} new entries at once, where at most {limit:.0f} were to be expected"
    before = (last_ok or now) - _OLD
    old = sum(1 for entry in new if entry.sighting.published and entry.sighting.published < before)
    if old >= _OLD_SURGE and old * 2 >= len(new):
        return f"{old} of {len(new)} new entries are more than 30 days old"
    look_alikes = sum(entry.look_alike for entry in new)
    if look_alikes >= _LOOK_ALIKES and look_alikes * 2 > len(new):
        return f"{look_alikes} of {len(new)} new entries carry the title of one already known"
    return None


def is_news(entry: New, last_ok: datetime | None) -> bool:
    """Return whether a new entry of a surge is news all the same: dated since the day of the last good reading.

    By days, because many sources give no hour. A known title is no news, whatever its date.
    """
    day = showing_of(entry.sighting).day
    return bool(last_ok and day) and not entry.look_alike and day >= local_day(last_ok)
