"""Store the slots of each cadence that are accounted for: each was run, or missed and made good by a later slot."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from digest.schedule import CLOCKS_DIFFER, Slot
from digest.store.schema import gathering, run, slot
from subscribers.tables import subscriber

_BEGINNINGS = ((subscriber, subscriber.c.created_at), (gathering, gathering.c.at), (run, run.c.started_at))
_FIRST = 100  # rows of each, because a clock that was ahead may have written the very first


def last_slot(conn: Connection, cadence: str, now: datetime) -> str | None:
    """Return the newest day of a cadence that is accounted for, or None.

    A row from more than a day after `now` does not count: a clock that was ahead wrote it, and it would keep the
    cadence silent until that day. By a clock that is behind, `operations.clock` lets nothing run.
    """
    return last_slots(conn, now).get(cadence)


def last_slots(conn: Connection, now: datetime) -> dict[str, str]:
    """Return the newest day of each cadence that is accounted for; see `last_slot`."""
    query = select(slot.c.cadence, func.max(slot.c.day)).where(slot.c.at <= now + CLOCKS_DIFFER)
    return {row[0]: row[1] for row in conn.execute(query.group_by(slot.c.cadence))}


def first_write(conn: Connection) -> datetime | None:
    """Return since when the installation has existed: its first subscriber, gather or run; None before all three."""
    # Of the rows that were written first, because a million readers have no index of the hour at which they came.
    firsts = (
        select(table.c.id, column.label("at")).order_by(table.c.id).limit(_FIRST).subquery()
        for table, column in _BEGINNINGS
    )
    hours = conn.execute(select(*(select(func.min(rows.c.at)).scalar_subquery() for rows in firsts))).one()
    return min((hour for hour in hours if hour is not None), default=None)


def close_slot(conn: Connection, due: Slot, outcome: str, number: int | None, now: datetime) -> None:
    """Account for the slot `due`.

    `outcome` is "run", by edition `number`, or "missed": no edition of its own (`number` None), a later one follows.
    """
    same_slot = (slot.c.cadence == due.cadence) & (slot.c.day == due.key)
    values = {"outcome": outcome, "edition_id": number, "at": now}
    if conn.execute(update(slot).where(same_slot).values(values)).rowcount == 0:
        conn.execute(insert(slot).values(cadence=due.cadence, day=due.key, **values))


def last_days(conn: Connection) -> dict[str, str]:
    """Return the newest day of each cadence that is accounted for, whatever clock wrote it."""
    query = select(slot.c.cadence, func.max(slot.c.day)).group_by(slot.c.cadence)
    return {row[0]: row[1] for row in conn.execute(query)}


def slots(conn: Connection, limit: int = 50) -> list[dict[str, Any]]:
    """Return the newest accounted slots: cadence, day, outcome, edition."""
    query = select(slot).order_by(slot.c.day.desc(), slot.c.cadence).limit(limit)
    return [
        {"cadence": row.cadence, "day": row.day, "outcome": row.outcome, "edition": row.edition_id}
        for row in conn.execute(query)
    ]
