"""Condense the deliveries of an old edition: to counts for its receipt, and to who has had which entries.

Each transaction takes some deliveries away and writes down what stays of them, so that the books balance after each:
an edition's eligible readers are always its deliveries and its tallies together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, exists, func, insert, or_, select, update

from digest.ledger.redact import reason_for_receipt
from digest.ledger.states import OPEN_STATES, OPEN_TAKE_BACKS
from digest.model import Digest, Group, Placed, Reason, Section
from digest.store import deliveries
from digest.store.releases import HAD
from digest.store.schema import delivery, digest_entry, edition, event, had, run, tally
from subscribers import store as people
from subscribers.database import CHUNK, dialect_insert
from subscribers.tables import subscriber

_HAD = Reason("had", "", "")  # in place of the reason for which an entry was in a digest, which is not kept


def count_condensable(conn: Connection, before: datetime) -> int:
    """Count the deliveries that would be condensed."""
    of_old = delivery.c.edition_id.in_(condensable(conn, before))
    return conn.scalar(select(func.count()).select_from(delivery).where(of_old)) or 0


def condensable(conn: Connection, before: datetime) -> list[int]:
    """Return the editions whose deliveries may be condensed, oldest first: nothing changed in them since `before`.

    An edition with a delivery that is owed or in doubt stays as it is, and so does the newest of each cadence.
    """
    of_edition = delivery.c.edition_id == edition.c.id
    unsettled = or_(delivery.c.state.in_(OPEN_STATES), delivery.c.take_back.in_(OPEN_TAKE_BACKS))
    later = edition.alias()
    has_later = exists().where(
        later.c.cadence == edition.c.cadence, later.c.state == "frozen", later.c.slot > edition.c.slot
    )
    query = select(edition.c.id).where(
        edition.c.state == "frozen",
        edition.c.frozen_at < before,
        has_later,
        exists().where(of_edition),
        ~exists().where(of_edition, or_(unsettled, delivery.c.updated_at >= before)),
    )
    return list(conn.scalars(query.order_by(edition.c.id)))


def condense(conn: Connection, number: int, most: int = CHUNK) -> int:
    """Condense up to `most` deliveries of a condensable edition, with their events; return how many."""
    query = (
        select(delivery, run.c.started_at)
        .outerjoin(run, run.c.id == delivery.c.run_id)
        .where(delivery.c.edition_id == number)
        .order_by(delivery.c.id)
        .limit(most)
        .with_for_update(of=delivery)
    )
    rows = conn.execute(query).all()
    if not rows:
        return 0
    ids = [row.id for row in rows]
    emails = _emails(conn, sorted({row.subscriber_id for row in rows}))
    _write_had(conn, rows, emails)
    _write_tallies(conn, number, rows, emails)
    conn.execute(delete(event).where(event.c.delivery_id.in_(ids)))
    conn.execute(delete(delivery).where(delivery.c.id.in_(ids)))
    _forget_reasons(conn, {row.digest_id for row in rows if row.digest_id is not None})
    return len(rows)


def _emails(conn: Connection, subscribers: Sequence[int]) -> dict[int, str]:
    """Return the address of each of these subscribers who is still there, and keep them until the commit."""
    # Locked, because `had` may not name a subscriber who is erased at this moment.
    lock = select(subscriber.c.id).where(subscriber.c.id.in_(subscribers)).order_by(subscriber.c.id)
    conn.execute(lock.with_for_update(read=True, key_share=True)).all()
    return {number: person.email for number, person in people.many(conn, subscribers).items()}


def _write_had(conn: Connection, rows: Sequence[Row[Any]], emails: Collection[int]) -> None:
    """Write down who has had which digest, and on which day the run that handed it over began."""
    letters = [
        {
            "digest_id": row.digest_id,
            "subscriber_id": row.subscriber_id,
            "day": (row.started_at or row.updated_at).date().isoformat(),
        }
        for row in rows
        if row.state in HAD and row.digest_id is not None and row.subscriber_id in emails
    ]
    if letters:
        conn.execute(dialect_insert(conn)(had).on_conflict_do_nothing(), letters)


def _write_tallies(conn: Connection, number: int, rows: Sequence[Row[Any]], emails: dict[int, str]) -> None:
    """Add deliveries to the tallies of their edition."""
    counts = Counter(
        (row.run_id, row.state, row.fate, reason_for_receipt(row.state, row.reason, emails.get(row.subscriber_id)))
        for row in rows
    )
    for (run_id, state, fate, reason), count in counts.items():
        same = (
            tally.c.edition_id == number,
            tally.c.run_id.is_not_distinct_from(run_id),
            tally.c.state == state,
            tally.c.fate.is_not_distinct_from(fate),
            tally.c.reason == reason,
        )
        if conn.execute(update(tally).where(*same).values(count=tally.c.count + count)).rowcount == 0:
            values = {"edition_id": number, "run_id": run_id, "state": state, "fate": fate, "reason": reason}
            conn.execute(insert(tally).values(**values, count=count))


def _forget_reasons(conn: Connection, numbers: Collection[int]) -> None:
    """Reduce the digests of these that have no delivery any more to their entries."""
    used = set(conn.scalars(select(delivery.c.digest_id).where(delivery.c.digest_id.in_(numbers))))
    entries: dict[int, list[int]] = {number: [] for number in sorted(numbers) if number not in used}
    query = select(digest_entry).where(digest_entry.c.digest_id.in_(entries)).order_by(digest_entry.c.entry_id)
    for row in conn.execute(query):
        entries[row.digest_id].append(row.entry_id)
    for number, placed in entries.items():
        group = Group("", tuple(Placed(entry, _HAD) for entry in placed))
        deliveries.replace_digest(conn, number, Digest((Section("had", (group,)),) if placed else (), 0, ()))
