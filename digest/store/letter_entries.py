"""Read entries as editions carry them: one of an edition, or those that the letters of digests show."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, and_, select

from digest.model import Entry
from digest.store import entries as entry_store
from digest.store.schema import digest, digest_entry, edition_entry
from subscribers.database import among


def shown_entry(conn: Connection, number: int, entry_id: int) -> Entry | None:
    """Return an entry as an edition carries it, or None when it does not."""
    of_edition = (edition_entry.c.edition_id == number, edition_entry.c.entry_id == entry_id)
    content = conn.scalar(select(edition_entry.c.content).where(*of_edition))
    return entry_store.from_json(content) if content else None


def editions_with(conn: Connection, numbers: Iterable[int], entries: Iterable[int]) -> set[int]:
    """Return those of the editions `numbers` that carry any of some entries, as new ones or carried over."""
    # By both, because the table has an index of the two alone.
    of_editions = among(conn, edition_entry.c.edition_id, sorted(set(numbers)))
    of_entries = among(conn, edition_entry.c.entry_id, sorted(set(entries)))
    return set(conn.scalars(select(edition_entry.c.edition_id).where(of_editions, of_entries).distinct()))


def entries_of_digests(conn: Connection, digests: Iterable[int]) -> dict[int, dict[int, Entry]]:
    """Return by digest the entries that its letters show, by id, as its edition carries them."""
    of_edition = and_(
        edition_entry.c.edition_id == digest.c.edition_id, edition_entry.c.entry_id == digest_entry.c.entry_id
    )
    query = (
        select(digest.c.id, edition_entry.c.entry_id, edition_entry.c.content)
        .join(digest_entry, digest_entry.c.digest_id == digest.c.id)
        .join(edition_entry, of_edition)
        .where(among(conn, digest.c.id, sorted(set(digests))))
    )
    by_digest: dict[int, dict[int, Entry]] = {}
    for number, entry_id, content in conn.execute(query):
        by_digest.setdefault(number, {})[entry_id] = entry_store.from_json(content)
    return by_digest
