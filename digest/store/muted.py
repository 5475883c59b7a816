"""Store which sources an editor has muted: what is new in them is held for an editor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from digest.sources.withdrawal import MUTED
from digest.store.desk_tables import muted_source
from digest.store.schema import also_at, entry
from subscribers.database import chunks


class Mute(NamedTuple):
    """Hold who has muted a source, and since when (aware UTC)."""

    by: str
    at: datetime

    @property
    def why(self) -> str:
        """Return why an entry of the source is held."""
        return f"source muted by {self.by}"


def by_source(conn: Connection) -> dict[str, Mute]:
    """Return each muted source by name."""
    return {row.source: Mute(row.by, row.at) for row in conn.execute(select(muted_source))}


def mute_of(conn: Connection, source: str) -> Mute | None:
    """Return who has muted a source and when, or None."""
    row = conn.execute(select(muted_source).where(muted_source.c.source == source)).one_or_none()
    return Mute(row.by, row.at) if row else None


def keep_muted(conn: Connection, source: str, given: Mute) -> None:
    """Store that a source, which is not muted yet, is muted."""
    conn.execute(insert(muted_source).values(source=source, by=given.by, at=given.at))


def hear_again(conn: Connection, source: str) -> None:
    """Store that a source is muted no longer."""
    conn.execute(delete(muted_source).where(muted_source.c.source == source))


def entries_of_muted(conn: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """Return those of some entries whose source is muted, each with why it is held."""
    held: dict[int, str] = {}
    for chunk in chunks(sorted(set(numbers))):
        query = select(entry.c.id, muted_source.c.by, muted_source.c.at)
        joined = query.join(muted_source, muted_source.c.source == entry.c.source).where(entry.c.id.in_(chunk))
        held.update((row.id, Mute(row.by, row.at).why) for row in conn.execute(joined))
    return held


def adopt(conn: Connection, links: Mapping[int, str | None], source: str) -> list[int]:
    """Make those of some entries that are held for a mute ready entries of `source`; return their ids.

    `links` has the address of each there, or None.
    """
    adopted: list[int] = []
    for chunk in chunks(sorted(links)):
        query = select(entry.c.id, entry.c.url).where(
            entry.c.id.in_(chunk), entry.c.state == "held", entry.c.held_by == MUTED
        )
        for row in conn.execute(query).all():
            values = {
                "source": source,
                "url": links[row.id] or row.url,
                "state": "ready",
                "held_by": "",
                "held_why": "",
            }
            conn.execute(update(entry).where(entry.c.id == row.id).values(values))
            conn.execute(delete(also_at).where(also_at.c.entry_id == row.id, also_at.c.source == source))
            adopted.append(row.id)
    return adopted
