"""Store where entries stand with their source: withdrawn, postponed or given back, and whether a page was asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, func, or_, select, update

from digest.sources.withdrawal import EARLY, EXPIRED, UNFINISHED, Stand
from digest.store.schema import entry, release
from subscribers.database import chunks

_COLUMNS = (
    entry.c.id, entry.c.state, entry.c.held_by, entry.c.held_why, entry.c.overruled, entry.c.missing_since,
    entry.c.not_before, entry.c.not_after, entry.c.published, entry.c.duplicate_of,
)  # fmt: skip


def of_source(conn: Connection, source: str, floor: int) -> dict[int, Stand]:
    """Return where the entries of a source stand that are kept back, or released after `floor` (see `releases`)."""
    return _standings(conn, _OF_SOURCE, {"source": source, "floor": floor})


def have_missing(conn: Connection, names: Iterable[str]) -> set[str]:
    """Return which of these sources have an entry that their last readings lacked."""
    missing: set[str] = set()
    for chunk in chunks(names):
        query = select(entry.c.source).where(entry.c.source.in_(chunk), entry.c.missing_since.is_not(None))
        missing.update(conn.scalars(query.distinct()))
    return missing


def due(conn: Connection, now: datetime, floor: int) -> dict[int, Stand]:
    """Return where the entries stand whose embargo has ended, or that have expired since they were released."""
    starts = and_(entry.c.state == "withheld", entry.c.held_by == EARLY, entry.c.not_before <= now)
    ends = and_(entry.c.state.in_(("ready", "duplicate")), entry.c.not_after <= now)
    condition = and_(or_(starts, ends), entry.c.missing_since.is_(None) | ends, _is_owed())
    return _standings(conn, select(*_COLUMNS).where(condition), {"floor": floor})


def keep(conn: Connection, standing: Stand) -> None:
    """Store where an entry stands."""
    values = {
        "state": standing.state, "held_by": standing.held_by, "held_why": standing.held_why,
        "overruled": standing.overruled, "missing_since": standing.missing_since,
        "not_before": standing.not_before, "not_after": standing.not_after, "published": standing.published,
    }  # fmt: skip
    conn.execute(update(entry).where(entry.c.id == standing.entry).values(values))


def let_go(conn: Connection, number: int) -> None:
    """Release an entry by an editor's word, which overrules what has kept it back."""
    values: dict[str, Any] = {"state": "ready", "overruled": entry.c.held_by, "held_by": "", "held_why": ""}
    conn.execute(update(entry).where(entry.c.id == number).values(values))


def reasons_of(conn: Connection, number: int) -> dict[str, str]:
    """Return what keeps an entry back, by code and in words, and what is overruled: held_by, held_why, overruled."""
    columns = (entry.c.held_by, entry.c.held_why, entry.c.overruled)
    return dict(conn.execute(select(*columns).where(entry.c.id == number)).one()._mapping)


def set_reasons(conn: Connection, number: int, reasons: Mapping[str, str]) -> None:
    """Store what keeps an entry back and what is overruled, as `reasons_of` gave it."""
    conn.execute(update(entry).where(entry.c.id == number).values(**reasons))


def released_once(conn: Connection, numbers: Collection[int]) -> set[int]:
    """Return which of these entries have had a release."""
    once: set[int] = set()
    for chunk in chunks(sorted(numbers)):
        once.update(conn.scalars(select(release.c.entry_id).where(release.c.entry_id.in_(chunk))))
    return once


def never_released(conn: Connection, source: str) -> set[int]:
    """Return the entries of a source that it shows as a draft or as expired, and that were never released."""
    has_release = exists().where(release.c.entry_id == entry.c.id)
    query = select(entry.c.id).where(
        entry.c.source == source,
        entry.c.state == "withheld",
        entry.c.held_by.in_((UNFINISHED, EXPIRED)),
        entry.c.duplicate_of.is_(None),
        ~has_release,
    )
    return set(conn.scalars(query))


def count_held(conn: Connection) -> dict[str, int]:
    """Return how many entries of each source wait for an editor, by the name of the source."""
    query = select(entry.c.source, func.count()).where(entry.c.state == "held").group_by(entry.c.source)
    return {row[0]: row[1] for row in conn.execute(query)}


def are_stored(conn: Connection, source: str) -> bool:
    """Return whether the source has brought any entry yet."""
    return bool(conn.scalar(select(exists().where(entry.c.source == source))))


def not_asked(conn: Connection, numbers: Iterable[int]) -> set[int]:
    """Return which of these entries are ready and their page was never asked."""
    fresh: set[int] = set()
    for chunk in chunks(sorted(set(numbers))):
        query = select(entry.c.id).where(entry.c.id.in_(chunk), entry.c.asked_at.is_(None), entry.c.state == "ready")
        fresh.update(conn.scalars(query))
    return fresh


def mark_asked(conn: Connection, numbers: Iterable[int], now: datetime) -> None:
    """Store that the pages of entries were asked, so that each is asked once."""
    for chunk in chunks(sorted(numbers)):
        conn.execute(update(entry).where(entry.c.id.in_(chunk)).values(asked_at=now))


def hold_ready(conn: Connection, number: int, by: str, why: str) -> bool:
    """Hold an entry for an editor, for a reason with the code `by`; return whether it was ready until then."""
    change = update(entry).where(entry.c.id == number, entry.c.state == "ready")
    return bool(conn.execute(change.values(state="held", held_by=by, held_why=why)).rowcount)


def _is_owed() -> ColumnElement[bool]:
    """Return the condition of `of_source`, with the parameter "floor"."""
    released, original = select(release.c.entry_id).where(release.c.number > bindparam("floor")), entry.alias()
    kept_back = select(original.c.id).where(original.c.state.in_(("held", "withheld")))
    return or_(
        entry.c.state.in_(("held", "withheld")),
        and_(entry.c.state == "ready", entry.c.id.in_(released)),
        and_(
            entry.c.state == "duplicate",
            or_(entry.c.duplicate_of.in_(released), entry.c.duplicate_of.in_(kept_back)),
        ),
    )


# Made once, because each reading asks, and to make it takes longer than to answer it.
_OF_SOURCE = select(*_COLUMNS).where(entry.c.source == bindparam("source"), _is_owed())


def _standings(conn: Connection, query: Select[Any], given: Mapping[str, Any]) -> dict[int, Stand]:
    rows = conn.execute(query, given)
    return {
        row.id: Stand(
            row.id, row.state, row.held_by, row.held_why, row.overruled, row.missing_since, row.not_before,
            row.not_after, row.published, row.duplicate_of,
        )
        for row in rows
    }  # fmt: skip
