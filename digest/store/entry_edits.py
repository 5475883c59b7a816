"""Store how editors have entries shown, beside what their sources say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from digest.model import EntryEdit
from digest.store.desk_tables import entry_edit
from subscribers.database import chunks


def edits_of(conn: Connection, entries: Iterable[int]) -> dict[int, EntryEdit]:
    """Return how editors have entries shown, by the id of the entry; an entry that nobody has edited is left out."""
    edits: dict[int, EntryEdit] = {}
    for chunk in chunks(sorted(set(entries))):
        for row in conn.execute(select(entry_edit).where(entry_edit.c.entry_id.in_(chunk))):
            edits[row.entry_id] = EntryEdit(
                row.title, row.summary, row.worded_by, row.note, row.note_by, row.open_question, tuple(row.not_for),
                row.last_day,
            )  # fmt: skip
    return edits


def store_edit(conn: Connection, entry: int, edit: EntryEdit, now: datetime) -> None:
    """Store how editors have an entry shown, in place of what they decided before."""
    conn.execute(delete(entry_edit).where(entry_edit.c.entry_id == entry))
    if edit != EntryEdit():
        values = asdict(edit) | {"not_for": list(edit.not_for), "entry_id": entry, "edited_at": now}
        conn.execute(insert(entry_edit).values(values))
