"""Look for the earlier entry about the programme that an entry of an edition names, for "Earlier" in its card."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection

from digest.learning.earlier import programmes, titles_about
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
    names = {name for some in named.values() for name in some}
    if not names:
        return {}
    titles = entries.ready_titles(conn, min(entry.first_seen for entry in shown) - _SINCE)
    holders = {
        name: [number for number in numbers if number not in named]
        for name, numbers in titles_about(titles, names).items()
        if len(numbers) <= _MOST_TITLES
    }
    stored = entries.many(conn, {number for numbers in holders.values() for number in numbers})
    best = {
        entry.id: _best(entry, [stored[number] for name in named[entry.id] for number in holders.get(name, ())])
        for entry in shown
    }
    return {number: NamedLink(each.title, each.url) for number, each in best.items() if each}


def _best(entry: Entry, holders: Sequence[Entry]) -> Entry | None:
    """Return the newest earlier entry of the same source, else of the same place; None when there is none."""
    before = [
        each
        for each in holders
        if _day(each) < _day(entry)
        and each.url
        and (each.source == entry.source or each.facets.place == entry.facets.place != "")
    ]
    return max(before, key=lambda each: (each.source == entry.source, _day(each), each.id), default=None)


def _day(entry: Entry) -> date:
    """Return the day that an entry is of: the one it was published on, else the one it was first seen on."""
    return (entry.published or entry.first_seen).date()
