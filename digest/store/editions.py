"""Editions: drafted, approved, frozen; their entries as they will be shown; the slots they answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, text, update

from digest.model import Edition, Entry
from digest.store import entries
from digest.store.schema import edition, edition_entry

_EDITIONS = 0x6469676573740003


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry of an edition: as it will be shown, and the release by which it came in."""

    entry: Entry
    release: int


def content_hash(note: str, shown: Sequence[Shown]) -> str:
    """Return what an approval binds to: the note and every entry in order, as they will be shown."""
    said = [note, [_content(one.entry) for one in shown]]
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def get(conn: Connection, number: int) -> Edition | None:
    """Return one edition, or None."""
    row = conn.execute(select(edition).where(edition.c.id == number)).one_or_none()
    return _edition(row) if row else None


def find(conn: Connection, cadence: str, day: str) -> Edition | None:
    """Return the edition of a cadence's slot, or None."""
    query = select(edition).where(edition.c.cadence == cadence, edition.c.slot == day)
    row = conn.execute(query).one_or_none()
    return _edition(row) if row else None


def serialise(conn: Connection) -> None:
    """Let no other transaction change editions until this one ends. SQLite's write lock does that by itself."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _EDITIONS})


def listing(conn: Connection, limit: int = 50) -> list[Edition]:
    """Return the newest editions, newest first."""
    query = select(edition).order_by(edition.c.id.desc()).limit(limit)
    return [_edition(row) for row in conn.execute(query)]


def unfrozen(conn: Connection, cadence: str | None = None) -> list[Edition]:
    """Return every edition that is not frozen (of one cadence), oldest slot first."""
    query = select(edition).where(edition.c.state != "frozen").order_by(edition.c.slot, edition.c.id)
    if cadence is not None:
        query = query.where(edition.c.cadence == cadence)
    return [_edition(row) for row in conn.execute(query)]


def shown(conn: Connection, number: int) -> list[Shown]:
    """Return an edition's entries in order."""
    rows = conn.execute(
        select(edition_entry.c.content, edition_entry.c.release)
        .where(edition_entry.c.edition_id == number)
        .order_by(edition_entry.c.position)
    )
    return [Shown(entries.from_json(row.content), row.release) for row in rows]


def draft(
    conn: Connection, cadence: str, day: str, window: tuple[int, int], content: Sequence[Shown], now: datetime
) -> Edition:
    """Store the draft of a slot, over an earlier draft of it. A changed content takes an approval back.

    `window`: the releases considered, low < number ≤ high.
    """
    known = find(conn, cadence, day)
    note = known.note if known else ""
    low, high = window
    values: dict[str, Any] = {"from_release": low, "to_release": high, "content_hash": content_hash(note, content)}
    if known is None:
        made = insert(edition).values(
            cadence=cadence, slot=day, state="draft", held=False, note="", created_at=now, **values
        )
        number = conn.execute(made.returning(edition.c.id)).scalar_one()
    else:
        number = known.id
        if known.content_hash != values["content_hash"]:
            values |= {"state": "draft", "approved_at": None, "approved_by": None, "look": ""}
        conn.execute(update(edition).where(edition.c.id == number).values(values))
        conn.execute(delete(edition_entry).where(edition_entry.c.edition_id == number))
    rows = [
        {"edition_id": number, "entry_id": one.entry.id, "position": n, "release": one.release,
         "content": _content(one.entry)}
        for n, one in enumerate(content)
    ]  # fmt: skip
    if rows:
        conn.execute(insert(edition_entry), rows)
    found = get(conn, number)
    assert found is not None
    return found


def approve(conn: Connection, number: int, who: str, look: str, now: datetime) -> None:
    """Record the editor's word for the edition as it stands, shown as `look` says."""
    values = {"state": "approved", "held": False, "approved_at": now, "approved_by": who, "look": look}
    conn.execute(update(edition).where(edition.c.id == number).values(values))


def hold(conn: Connection, number: int) -> None:
    """Keep an edition back until it is approved."""
    conn.execute(update(edition).where(edition.c.id == number).values(held=True))


def let_go(conn: Connection, number: int) -> None:
    """Let a frozen edition that was stopped go on."""
    conn.execute(update(edition).where(edition.c.id == number).values(held=False))


def freeze(conn: Connection, number: int, eligible: int, now: datetime) -> None:
    """Mark an edition frozen: from here on its content and its deliveries to `eligible` readers stand."""
    values = {"state": "frozen", "frozen_at": now, "eligible": eligible}
    conn.execute(update(edition).where(edition.c.id == number).values(values))


def _content(one: Entry) -> dict[str, Any]:
    """Return what a reader will see of an entry, and what decides who sees it."""
    said = entries.to_json(one)
    del said["evidence"]
    return {**said, "evidence": []}


def _edition(row: Row[Any]) -> Edition:
    return Edition(
        row.id, row.cadence, row.slot, row.state, row.held, row.note, row.to_release, row.content_hash,
        row.approved_at, row.approved_by, row.look, row.from_release,
    )  # fmt: skip
