"""Store what each person saw of an edition when they last said that they had looked through it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from digest.store.desk_tables import look


@dataclass(frozen=True, slots=True)
class Look:
    """Hold a look: whose it was, at which edition, when, and what it held then.

    `entries` has a JSON object with the `id` of each entry, in their order; `words` are those of the edition, and
    `newest_act` the number of the newest act of that time.
    """

    by: str
    edition: int
    at: datetime
    entries: Sequence[Mapping[str, Any]]
    words: Mapping[str, Any]


def keep(conn: Connection, seen: Look) -> None:
    """Store a look in place of an earlier one of the same person at the same edition."""
    conn.execute(delete(look).where(look.c.by == seen.by, look.c.edition_id == seen.edition))
    values = {
        "by": seen.by, "edition_id": seen.edition, "at": seen.at, "entries": list(seen.entries),
        "words": dict(seen.words),
    }  # fmt: skip
    conn.execute(insert(look).values(values))


def get(conn: Connection, by: str, edition: int) -> Look | None:
    """Return a person's last look at an edition, or None."""
    row = conn.execute(select(look).where(look.c.by == by, look.c.edition_id == edition)).one_or_none()
    return Look(row.by, row.edition_id, row.at, row.entries, row.words) if row else None
