"""Read what stands below an entry that was sent: its corrections with their dates, and where a link leads."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from digest.model import Correction, Sighting
from digest.store.schema import correction, entry, entry_key
from subscribers.database import among


class LedTo(NamedTuple):
    """Hold the entry that a link leads to: its id, state and source."""

    number: int
    state: str
    source: str


def dated_corrections(conn: Connection, entries: Iterable[int]) -> list[tuple[Correction, datetime]]:
    """Return the corrections of entries that were not taken back, each with when it was given, withdrawals first."""
    columns = (correction.c.id, correction.c.entry_id, correction.c.title, correction.c.text, correction.c.withdrawn)
    wanted = (among(conn, correction.c.entry_id, sorted(set(entries))), correction.c.cancelled_at.is_(None))
    query = select(*columns, correction.c.decided_at).where(*wanted)
    query = query.order_by(correction.c.withdrawn.desc(), correction.c.id)
    return [(Correction(*values), at) for *values, at in conn.execute(query)]


def leads_to(conn: Connection, url: str) -> LedTo | None:
    """Return the entry that an address leads to; None when it leads to none, or to several."""
    from digest.sources.newness import LINK, keys_of  # here, because few pages need it

    key = keys_of(Sighting(None, url, ""), "").get(LINK)
    query = select(entry.c.id, entry.c.state, entry.c.source).join(entry_key, entry_key.c.entry_id == entry.c.id)
    row = conn.execute(query.where(entry_key.c.key == key)).one_or_none()
    return LedTo(*row) if row else None
