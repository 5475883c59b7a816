"""Read the archive: the editions that were sent and their entries, so far as everybody may see them.

An entry is shown as the newest edition that may be seen has it, and listed by that. Nothing here is of a reader.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, select

from digest.model import Edition, Entry
from digest.store import entries
from digest.store.archive_rows import mask_of
from digest.store.archive_tables import archived, archived_facet, archived_newest
from digest.store.editions import edition_of_row
from digest.store.schema import edition, edition_entry, entry

# The states of entries that are kept back from readers now, whatever was sent of them.
KEPT_BACK = ("held", "withheld", "dropped", "duplicate")


class Scope(NamedTuple):
    """Hold what of the archive may be seen: the cadences whose editions are public, and the sources that are not."""

    cadences: tuple[str, ...]
    hidden: frozenset[str] = frozenset()


class Span(NamedTuple):
    """Hold which part of a list is wanted: at most `limit` rows after the first `offset`."""

    limit: int
    offset: int = 0


class Sent(NamedTuple):
    """Hold an entry as it is shown, when it was first sent, and when the edition that shows it so was frozen."""

    entry: Entry
    first: datetime
    newest: datetime


class Opening(NamedTuple):
    """Hold how many entries of an edition may be seen, and the first of them."""

    total: int
    first: tuple[Entry, ...]


class SentAgain(NamedTuple):
    """Hold the state of an entry that may have been seen, the public editions with it, newest first, and the entry.

    `entry` is None when it is kept back now.
    """

    state: str
    editions: tuple[Edition, ...]
    entry: Entry | None


def edition_list(conn: Connection, scope: Scope, span: Span) -> list[Edition]:
    """Return the editions with an entry that may be seen, the newest first."""
    query = select(edition).where(_is_public(scope), _has_entries(scope))
    query = query.order_by(edition.c.slot.desc(), edition.c.frozen_at.desc(), edition.c.id.desc())
    return [edition_of_row(row) for row in conn.execute(query.limit(span.limit).offset(span.offset))]


def count_sent_editions(conn: Connection, scope: Scope) -> int:
    """Return how many editions have an entry that may be seen."""
    query = select(func.count()).select_from(edition).where(_is_public(scope), _has_entries(scope))
    return conn.scalar(query) or 0


def sent_edition(conn: Connection, scope: Scope, cadence: str, day: str) -> Edition | None:
    """Return the edition of a slot if it may be seen, or None."""
    wanted = (edition.c.cadence == cadence, edition.c.slot == day, _is_public(scope))
    row = conn.execute(select(edition).where(*wanted)).one_or_none()
    return edition_of_row(row) if row else None


def beside(conn: Connection, scope: Scope, of: Edition) -> tuple[Edition | None, Edition | None]:
    """Return the editions of the same cadence before and after one, so far as they may be seen."""
    same = select(edition).where(edition.c.cadence == of.cadence, _is_public(scope), _has_entries(scope))
    before = same.where(edition.c.slot < of.slot).order_by(edition.c.slot.desc()).limit(1)
    after = same.where(edition.c.slot > of.slot).order_by(edition.c.slot).limit(1)
    rows = [conn.execute(query).one_or_none() for query in (before, after)]
    earlier, later = (edition_of_row(row) if row else None for row in rows)
    return earlier, later


def entries_of(conn: Connection, scope: Scope, number: int) -> list[Entry]:
    """Return the entries of an edition that may be seen, in its order."""
    query = select(edition_entry.c.content).join(archived, _of_edition_entry())
    query = query.where(archived.c.edition_id == number, _is_shown(scope)).order_by(edition_entry.c.position)
    return [entries.from_json(content) for content in conn.scalars(query).all()]


def openings(conn: Connection, scope: Scope, numbers: Collection[int], most: int) -> dict[int, Opening]:
    """Return how many entries of some editions may be seen, and the first of them, at most `most` of each edition."""
    by = archived.c.edition_id
    place = func.row_number().over(partition_by=by, order_by=edition_entry.c.position).label("place")
    total = func.count().over(partition_by=by).label("total")
    shown = (
        select(archived.c.edition_id, archived.c.entry_id, place, total)
        .join(edition_entry, _of_edition_entry())
        .where(archived.c.edition_id.in_(sorted(numbers)), _is_shown(scope))
        .subquery()
    )
    same = and_(edition_entry.c.edition_id == shown.c.edition_id, edition_entry.c.entry_id == shown.c.entry_id)
    query = select(shown.c.edition_id, shown.c.total, edition_entry.c.content).join(edition_entry, same)
    query = query.where(shown.c.place <= most).order_by(shown.c.edition_id, shown.c.place)
    by_edition: dict[int, Opening] = {}
    for row in conn.execute(query).all():
        first = by_edition.get(row.edition_id, Opening(row.total, ())).first
        by_edition[row.edition_id] = Opening(row.total, (*first, entries.from_json(row.content)))
    return by_edition


def kept_back_of(conn: Connection, scope: Scope, number: int) -> list[int]:
    """Return the ids of an edition's entries that could be seen and are kept back now."""
    query = select(archived.c.entry_id).join(entry, entry.c.id == archived.c.entry_id)
    wanted = (
        archived.c.edition_id == number,
        archived.c.source.not_in(sorted(scope.hidden)),
        entry.c.state.in_(KEPT_BACK),
    )
    return list(conn.scalars(query.where(*wanted).order_by(archived.c.id)))


def sent_by(
    conn: Connection, scope: Scope, found_by: Sequence[tuple[str, str]], span: Span
) -> tuple[int, list[Sent]]:
    """Return how many entries have all of some facets, (facet, slug), and those of a span, the last sent first."""
    query = newest(scope)
    for facet, slug in found_by:
        has = archived_facet.alias()
        is_such = (has.c.facet == facet, has.c.slug == slug)
        query = query.join(has, and_(has.c.archived_id == archived_newest.c.archived_id, *is_such))
    return page_of(conn, query, span)


def last_sent(conn: Connection, scope: Scope, most: int) -> list[Sent]:
    """Return the entries that were sent last, the last first."""
    return _sent(conn, newest(scope), Span(most))


def page_of(conn: Connection, query: Select[Any], span: Span, *before: ColumnElement[Any]) -> tuple[int, list[Sent]]:
    """Return how many entries a query of `newest` has, and those of a span; `before`: what the order begins with."""
    total = conn.scalar(query.with_only_columns(func.count())) or 0
    return total, _sent(conn, query, span, *before) if total > span.offset else []


def _sent(conn: Connection, query: Select[Any], span: Span, *before: ColumnElement[Any]) -> list[Sent]:
    order = (*before, archived_newest.c.first_at.desc(), archived_newest.c.entry_id.desc())
    rows = conn.execute(query.order_by(*order).limit(span.limit).offset(span.offset)).all()
    shown = _contents(conn, [row.archived_id for row in rows])
    return [Sent(shown[row.archived_id], row.first_at, row.newest_at) for row in rows]


def newest(scope: Scope) -> Select[Any]:
    """Return the query for each entry that may be seen, as the newest edition that may be seen has it."""
    columns = (archived_newest.c.archived_id, archived_newest.c.first_at, archived_newest.c.newest_at)
    query = select(*columns).where(archived_newest.c.cadences == mask_of(scope.cadences))
    query = query.where(archived_newest.c.entry_id.not_in(_kept_back()))
    if scope.hidden:
        query = query.join(archived, archived.c.id == archived_newest.c.archived_id)
        query = query.where(archived.c.source.not_in(sorted(scope.hidden)))
    return query


def sent_entry(conn: Connection, scope: Scope, number: int) -> SentAgain | None:
    """Return an entry with the editions that it went out in; None when it may not be seen, or never could."""
    query = (
        select(edition, archived.c.id.label("archived_id"), entry.c.state.label("entry_state"))
        .join(archived, archived.c.edition_id == edition.c.id)
        .join(entry, entry.c.id == archived.c.entry_id)
        .where(archived.c.entry_id == number, archived.c.source.not_in(sorted(scope.hidden)), _is_public(scope))
        .order_by(edition.c.frozen_at.desc(), edition.c.id.desc())
    )
    rows = conn.execute(query).all()
    if not rows:
        return None
    state, shown_by = rows[0].entry_state, rows[0].archived_id
    shown = None if state in KEPT_BACK else _contents(conn, [shown_by])[shown_by]
    return SentAgain(state, tuple(edition_of_row(row) for row in rows), shown)


def may_be_seen(conn: Connection, scope: Scope, numbers: Iterable[int]) -> set[int]:
    """Return which of some entries have a page of their own."""
    wanted = newest(scope).where(archived_newest.c.entry_id.in_(sorted(set(numbers))))
    return set(conn.scalars(wanted.with_only_columns(archived_newest.c.entry_id)))


def facet_counts(conn: Connection, scope: Scope) -> dict[tuple[str, str], int]:
    """Return how many entries that may be seen have each facet, by (facet, slug)."""
    by = (archived_facet.c.facet, archived_facet.c.slug)
    query = newest(scope).join(archived_facet, archived_facet.c.archived_id == archived_newest.c.archived_id)
    rows = conn.execute(query.with_only_columns(*by, func.count()).group_by(*by))
    return {(facet, slug): count for facet, slug, count in rows}


def every_entry(conn: Connection, scope: Scope, span: Span) -> list[tuple[int, datetime]]:
    """Return the id of each entry that may be seen, and when it was last sent, in the order of ids."""
    query = newest(scope).with_only_columns(archived_newest.c.entry_id, archived_newest.c.newest_at)
    query = query.order_by(archived_newest.c.entry_id).limit(span.limit).offset(span.offset)
    return [(number, at) for number, at in conn.execute(query)]


def _is_public(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that an edition may be seen: it was sent, nobody has stopped it, its cadence is public."""
    return and_(edition.c.state == "frozen", ~edition.c.held, edition.c.cadence.in_(scope.cadences))


def _is_shown(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that an entry of an edition may be seen: it is not kept back, and its source is public."""
    return and_(archived.c.source.not_in(sorted(scope.hidden)), archived.c.entry_id.not_in(_kept_back()))


def _kept_back() -> Select[tuple[int]]:
    return select(entry.c.id).where(entry.c.state.in_(KEPT_BACK))


def _has_entries(scope: Scope) -> ColumnElement[bool]:
    return exists().where(archived.c.edition_id == edition.c.id, _is_shown(scope)).correlate(edition)


def _of_edition_entry() -> ColumnElement[bool]:
    return and_(archived.c.edition_id == edition_entry.c.edition_id, archived.c.entry_id == edition_entry.c.entry_id)


def _contents(conn: Connection, rows: Sequence[int]) -> dict[int, Entry]:
    """Return the entries of rows of `archived` as their editions show them, by the row."""
    query = select(archived.c.id, edition_entry.c.content).join(edition_entry, _of_edition_entry())
    contents = conn.execute(query.where(archived.c.id.in_(rows))).all()
    return {row.id: entries.from_json(row.content) for row in contents}
