"""Store the editors: the people who may use the desk, each with a role.

The row of a removed editor stays without its address, because the audit log has the number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from digest.store.desk_tables import editor


@dataclass(frozen=True, slots=True)
class Editor:
    """Hold one editor. `email` is in no `repr`, because no log may show it; it is "" of a removed editor."""

    number: int
    email: str = field(repr=False)
    name: str
    role: str
    added_at: datetime
    removed_at: datetime | None = None

    @property
    def object_name(self) -> str:
        """Return how the audit log names this editor: by number, because the log outlives the address."""
        return f"editor {self.number}"


def add(conn: Connection, person: Editor, email_key: str) -> int:
    """Store an editor, whose own number counts for nothing; return the number that they get."""
    values = {
        "email": person.email, "email_key": email_key, "name": person.name, "role": person.role,
        "added_at": person.added_at,
    }  # fmt: skip
    return int(conn.execute(insert(editor).values(values).returning(editor.c.id)).scalar_one())


def get(conn: Connection, number: int) -> Editor | None:
    """Return one editor, removed or not, or None."""
    row = conn.execute(select(editor).where(editor.c.id == number)).one_or_none()
    return to_editor(row) if row else None


def listing(conn: Connection, *, removed: bool = False) -> list[Editor]:
    """Return the editors in the order in which they were added; `removed`: also those who were removed."""
    query = select(editor).order_by(editor.c.id)
    return [to_editor(row) for row in conn.execute(query if removed else query.where(editor.c.removed_at.is_(None)))]


def with_address(conn: Connection, email_key: str) -> Editor | None:
    """Return the editor with a normalised address (`Address.key`), or None; a removed editor has no address."""
    row = conn.execute(select(editor).where(editor.c.email_key == email_key)).one_or_none()
    return to_editor(row) if row else None


def set_role(conn: Connection, number: int, role: str) -> None:
    """Give an editor another role."""
    conn.execute(update(editor).where(editor.c.id == number).values(role=role))


def remove(conn: Connection, number: int, now: datetime) -> None:
    """Remove an editor, and forget the address: the log names the person by number and name alone."""
    values = {"removed_at": now, "email": "", "email_key": f"removed {number}"}
    conn.execute(update(editor).where(editor.c.id == number).values(values))


def to_editor(row: Row[Any]) -> Editor:
    """Return the editor of a row that has the columns of the table."""
    return Editor(row.id, row.email, row.name, row.role, row.added_at, row.removed_at)
