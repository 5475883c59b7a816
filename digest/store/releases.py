"""Number the releases of entries, and keep each subscriber's mark: the last release considered for them.

The entries owed to a reader are those released after their mark. Releases are numbered in the order of commits, so
that no clock decides what is owed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)

from digest.store.schema import counter, delivery, digest_entry, had, mark, release
from subscribers.database import among, chunks, dialect_insert
from subscribers.tables import subscriber

# The states of a delivery whose letter the reader has, will get, or may have.
HAD = ("pending", "claimed", "accepted", "uncertain")
_LEFT = tuple(state for state in HAD if state != "pending")


@dataclass(frozen=True, slots=True)
class Release:
    """Hold one release of an entry. `again`: it was released for another reason than being new (retagged, let go)."""

    number: int
    entry: int
    again: bool


def latest(conn: Connection) -> int:
    """Return the number of the last release, or 0 before the first."""
    return conn.scalar(select(counter.c.value).where(counter.c.name == "release")) or 0


def number(conn: Connection, entries: Sequence[int], why: str, now: datetime, welcome: timedelta) -> None:
    """Release `entries` in this order.

    Subscribers without a mark get theirs first, so that those who joined before this are owed these entries.
    """
    if not entries:
        return
    settle_marks(conn, welcome)
    # Two first releases at once must not both insert the row: the second waits here, then counts on.
    conn.execute(dialect_insert(conn)(counter).values(name="release", value=0).on_conflict_do_nothing())
    top = conn.scalars(
        update(counter).where(counter.c.name == "release").values(value=counter.c.value + len(entries))
        .returning(counter.c.value)
    ).one()  # fmt: skip
    first = top - len(entries) + 1
    rows = [{"number": first + n, "entry_id": e, "at": now, "why": why} for n, e in enumerate(entries)]
    conn.execute(insert(release), rows)


def settle_marks(conn: Connection, welcome: timedelta) -> None:
    """Give every active subscriber without a mark the last release as their mark.

    With a `welcome` look-back it is the last release before that time before their joining, here: an import may bring
    a consent that is years old, and a look-back from there would reach over everything. A subscriber who has left
    loses their mark, so that they start anew if they come back. Two transactions may do this at once.
    """
    new_mark = dialect_insert(conn)(mark)
    left = select(subscriber.c.id).where(subscriber.c.state == "left")
    conn.execute(delete(mark).where(mark.c.subscriber_id.in_(left)))
    top = latest(conn)
    without = (
        select(subscriber.c.id, subscriber.c.joined_at, subscriber.c.created_at)
        .outerjoin(mark, mark.c.subscriber_id == subscriber.c.id)
        .where(subscriber.c.state == "active", mark.c.release.is_(None))
    )
    if not welcome or top == 0:
        chosen = without.with_only_columns(subscriber.c.id, cast(literal(top), Integer))
        conn.execute(new_mark.from_select(["subscriber_id", "release"], chosen).on_conflict_do_nothing())
        return
    since = {
        row.id: max(row.joined_at, row.created_at) - welcome if row.joined_at else None
        for row in conn.execute(without)
    }
    before = _all_before(conn, [at for at in since.values() if at], top)
    rows = [{"subscriber_id": number, "release": before[at] if at else top} for number, at in since.items()]
    if rows:
        conn.execute(new_mark.on_conflict_do_nothing(), rows)


def after(conn: Connection, low: int, high: int) -> list[Release]:
    """Return the releases with low < number ≤ high, in order."""
    rows = conn.execute(
        select(release.c.number, release.c.entry_id, release.c.why)
        .where(release.c.number > low, release.c.number <= high)
        .order_by(release.c.number)
    ).all()
    return [Release(row.number, row.entry_id, row.why != "new") for row in rows]


def numbers_of(conn: Connection, entries: Iterable[int]) -> list[int]:
    """Return the numbers of all releases of some entries."""
    numbers: list[int] = []
    for chunk in chunks(sorted(set(entries))):
        numbers += conn.scalars(select(release.c.number).where(release.c.entry_id.in_(chunk)))
    return numbers


def readers_who_had(
    conn: Connection, entries: Iterable[int], readers: Collection[int] | None = None
) -> dict[int, frozenset[int]]:
    """Return, by subscriber, which of `entries` a letter to them carries already; of `readers` alone if given."""
    entries_had: dict[int, frozenset[int]] = {}
    # Equal sets are one object, because there may be very many readers.
    joined = cache(lambda before, entry: before | {entry})
    for entry in entries:
        for subscriber_id in conn.scalars(having(entry, readers)):
            entries_had[subscriber_id] = joined(entries_had.get(subscriber_id, frozenset()), entry)
    return entries_had


def having(entry: int, readers: Collection[int] | None = None) -> CompoundSelect[Any]:
    """Return the query for the subscribers (of `readers`) to whom a letter carries an entry; some come twice."""
    letters = select(digest_entry.c.digest_id).where(digest_entry.c.entry_id == entry)
    theirs = [
        select(delivery.c.subscriber_id).where(delivery.c.digest_id.in_(letters), delivery.c.state.in_(HAD)),
        select(had.c.subscriber_id).where(had.c.digest_id.in_(letters)),
    ]
    if readers is not None:
        theirs = [query.where(query.selected_columns[0].in_(readers)) for query in theirs]
    return union_all(*theirs)


def has_left(reader: ColumnElement[int], entry: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a letter with an entry has left, or may have, to a reader."""
    letter = delivery.alias()
    sent = (
        letter.c.subscriber_id == reader,
        letter.c.state.in_(_LEFT),
        digest_entry.c.digest_id == letter.c.digest_id,
    )
    condensed = (had.c.subscriber_id == reader, digest_entry.c.digest_id == had.c.digest_id)
    of_entry = digest_entry.c.entry_id == entry
    return or_(exists().where(*sent, of_entry), exists().where(*condensed, of_entry))


def _before(conn: Connection, since: datetime | None, top: int) -> int:
    """Return the last release before the instant `since`, or `top` without an instant."""
    if since is None:
        return top
    first = conn.scalar(select(func.min(release.c.number)).where(release.c.at >= since))
    return top if first is None else first - 1


def _all_before(conn: Connection, instants: Collection[datetime], top: int) -> dict[datetime, int]:
    """Return for each instant the last release before it, by one query for any number of instants."""
    if not instants:
        return {}
    rows = conn.execute(
        select(release.c.at, func.min(release.c.number).label("first"))
        .where(release.c.at >= min(instants))
        .group_by(release.c.at)
        .order_by(release.c.at.desc())
    )
    # The lowest number of all releases since an instant counts, because a clock that was set back may have given a
    # higher number an earlier instant.
    firsts: list[tuple[datetime, int]] = []
    for row in rows:
        firsts.append((row.at, min(row.first, firsts[-1][1]) if firsts else row.first))
    firsts.reverse()
    times = [at for at, _ in firsts]
    before = {}
    for instant in set(instants):
        index = bisect_left(times, instant)
        before[instant] = firsts[index][1] - 1 if index < len(firsts) else top
    return before


def marks(conn: Connection, here_since: Mapping[int, datetime | None], welcome: timedelta) -> dict[int, int]:
    """Return the mark of each subscriber, or the mark that `settle_marks` would give them.

    `here_since`: when each subscriber joined here, by id.
    """
    query = select(mark.c.subscriber_id, mark.c.release).where(among(conn, mark.c.subscriber_id, here_since))
    stored = {row[0]: row[1] for row in conn.execute(query).all()}
    if len(stored) == len(here_since):
        return stored
    top = latest(conn)
    since = {
        number: at - welcome if at and welcome else None for number, at in here_since.items() if number not in stored
    }
    before = _all_before(conn, {at for at in since.values() if at}, top)
    return stored | {number: before[at] if at else top for number, at in since.items()}


def mark_of(conn: Connection, subscriber: int, here_since: datetime | None, welcome: timedelta, default: int) -> int:
    """Return a subscriber's mark, or the mark that `settle_marks` would give them; `default` before any release."""
    stored = conn.scalar(select(mark.c.release).where(mark.c.subscriber_id == subscriber))
    if stored is not None:
        return int(stored)
    return _before(conn, here_since - welcome if here_since and welcome else None, latest(conn) or default)


def lowest_mark(conn: Connection, cadence: str, now: datetime, default: int) -> int:
    """Return the lowest mark of a cadence's active readers who are not paused, at most `default`."""
    query = (
        select(func.min(mark.c.release))
        .join(subscriber, subscriber.c.id == mark.c.subscriber_id)
        .where(*_reads(cadence, now))
    )
    lowest = conn.scalar(query)
    return default if lowest is None else min(lowest, default)


def lowest_mark_to_give(
    conn: Connection, cadence: str, welcome: timedelta, now: datetime, default: int
) -> int:  # fmt: skip
    """Return the lowest mark that `settle_marks` would give to those readers who have none, at most `default`."""
    if not welcome:
        return default
    here = case(
        (subscriber.c.joined_at < subscriber.c.created_at, subscriber.c.created_at), else_=subscriber.c.joined_at
    )
    query = (
        select(func.min(here))
        .outerjoin(mark, mark.c.subscriber_id == subscriber.c.id)
        .where(*_reads(cadence, now), mark.c.release.is_(None))
    )
    first = conn.scalar(query)
    return min(default, _before(conn, first - welcome if first else None, latest(conn)))


def floor(conn: Connection, now: datetime, welcome: timedelta, cadence: str | None = None) -> int:
    """Return the last release that every reader (of a cadence), also one who joins now, has been considered for."""
    top = latest(conn)
    active = select(func.min(mark.c.release)).join(subscriber, subscriber.c.id == mark.c.subscriber_id)
    active = active.where(subscriber.c.state == "active")
    lowest = conn.scalar(active if cadence is None else active.where(subscriber.c.cadence == cadence))
    looked_back = _before(conn, now - welcome if welcome else None, top)
    return min(top if lowest is None else lowest, looked_back)


def raise_marks(conn: Connection) -> None:
    """Move every mark to the last release, so that all releases count as considered."""
    conn.execute(update(mark).values(release=latest(conn)))


def _reads(cadence: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of an active reader of a cadence who is not paused."""
    awake = or_(subscriber.c.paused_until.is_(None), subscriber.c.paused_until <= now)
    return subscriber.c.cadence == cadence, subscriber.c.state == "active", awake
