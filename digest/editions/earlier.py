"""Look for the earlier entry about the programme that an entry of an edition names, for "Earlier" in its card."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from digest.learning.earlier import is_about, programmes
from digest.model import Entry, NamedLink
from digest.store import entries

_SINCE = timedelta(days=730)
_MOST_TITLES = 6  # a name in more titles is that of a field or a brand, not of one programme


def earlier_of(conn: Connection, shown: Sequence[Entry]) -> dict[int, NamedLink]:
    """Return the title and address of one earlier entry about the same named programme, by the entry's id.

    The newest of its own source, else the newest that is about the same place. An entry without a name, or whose name
    stands in many titles, has none: rather nothing than a guess. Entries of the same edition are left out.
    """
    named = {entry.id: programmes(entry.title, (entry.facets.place,)) for entry in shown}
    names = sorted({name for some in named.values() for name in some})
    if not names:
        return {}
    since = min(entry.first_seen for entry in shown) - _SINCE
    holders = {
        name: [each for each in some if is_about(each.title, name)]
        for name, some in entries.with_names(conn, names, since).items()
    }
    best = {
        entry.id: _best(
            entry, [each for name in named[entry.id] for each in _few(holders[name]) if each.id not in named]
        )
        for entry in shown
    }
    return {number: NamedLink(each.title, each.url) for number, each in best.items() if each}


def _few(holders: list[Entry]) -> list[Entry]:
    return holders if len(holders) <= _MOST_TITLES else []


def _best(entry: Entry, holders: Sequence[Entry]) -> Entry | None:
    """Return the newest earlier entry of the same source, else of the same place; None when there is none."""
    before = [
        each
        for each in holders
        if each.first_seen < entry.first_seen
        and each.url
        and (each.source == entry.source or each.facets.place == entry.facets.place != "")
    ]
    return max(before, key=lambda each: (each.source == entry.source, each.first_seen, each.id), default=None)
