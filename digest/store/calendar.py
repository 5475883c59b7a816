"""Store which slots of a cadence have been accounted for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from digest.schedule import Slot
from digest.store.schema import slot

_AHEAD = timedelta(days=1)


def last_slot(conn: Connection, cadence: str, now: datetime) -> str | None:
    """Return the newest day of a cadence that is accounted for, or None.

    What a clock that was ahead has written does not count: it would silence the cadence until then.
    """
    query = select(func.max(slot.c.day)).where(slot.c.cadence == cadence, slot.c.at <= now + _AHEAD)
    found: str | None = conn.scalar(query)
    return found


def close_slot(conn: Connection, one: Slot, outcome: str, number: int | None, now: datetime) -> None:
    """Account for a slot: `outcome` is "run" (by edition `number`) or "missed" (a later one made it good)."""
    known = (slot.c.cadence == one.cadence) & (slot.c.day == one.key)
    values = {"outcome": outcome, "edition_id": number, "at": now}
    if conn.execute(update(slot).where(known).values(values)).rowcount == 0:
        conn.execute(insert(slot).values(cadence=one.cadence, day=one.key, **values))


def slots(conn: Connection, limit: int = 50) -> list[dict[str, Any]]:
    """Return the newest accounted slots: cadence, day, outcome, edition."""
    query = select(slot).order_by(slot.c.day.desc(), slot.c.cadence).limit(limit)
    return [
        {"cadence": row.cadence, "day": row.day, "outcome": row.outcome, "edition": row.edition_id}
        for row in conn.execute(query)
    ]
