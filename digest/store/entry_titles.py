"""Find entries by words of their titles."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from digest.model import Entry
from digest.store import entries
from digest.store.schema import entry


def titled(conn: Connection, words: Sequence[str], states: Sequence[str], limit: int) -> list[Entry]:
    """Return the newest entries in one of these states whose titles have all the words; no words match nothing."""
    if not words:
        return []
    title = func.lower(entry.c.title)
    holds = [title.contains(word.lower(), autoescape=True) for word in words]
    query = select(entry.c.id).where(*holds, entry.c.state.in_(states)).order_by(entry.c.id.desc()).limit(limit)
    numbers = conn.scalars(query).all()
    by_number = entries.many(conn, numbers)
    return [by_number[number] for number in numbers]
