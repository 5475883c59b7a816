"""Read what is kept of one reader beside their letters: notices, answers, and when a silence was told."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, select

from digest.store.reader_tables import answer, answer_reader
from digest.store.schema import notice, silence

Kept = list[dict[str, Any]]


def notices_to(conn: Connection, hashed: str) -> Kept:
    """Return the notices to an address, oldest first; what they told is forgotten when they have left."""
    columns = (notice.c.kind, notice.c.state, notice.c.reason, notice.c.created_at, notice.c.updated_at)
    return _rows(conn, select(*columns).where(notice.c.address_hash == hashed).order_by(notice.c.id))


def silences_told(conn: Connection, number: int) -> Kept:
    """Return when a reader was last told, or looked at to be told, why they had heard nothing."""
    return _rows(conn, select(silence.c.told_at).where(silence.c.subscriber_id == number))


def answers_by(conn: Connection, number: int) -> Kept:
    """Return the answers that a reader gave, oldest first."""
    columns = (
        answer.c.entry_id, answer.c.kind, answer.c.text, answer.c.place, answer.c.named, answer.c.state,
        answer.c.answered_at,
    )  # fmt: skip
    return _rows(conn, select(*columns).where(answer.c.subscriber_id == number).order_by(answer.c.id))


def answers_told(conn: Connection, number: int) -> Kept:
    """Return the answers of others that a letter told a reader, or will tell."""
    columns = (answer_reader.c.answer_id, answer_reader.c.edition_id)
    query = select(*columns).where(answer_reader.c.subscriber_id == number)
    return _rows(conn, query.order_by(answer_reader.c.answer_id))


def _rows(conn: Connection, query: Select[Any]) -> Kept:
    return [dict(row._mapping) for row in conn.execute(query)]
