"""Store which entries tell what an earlier entry of another source tells, and which sources show an entry too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, or_, select, update

from digest.model import Entry, NamedLink
from digest.sources.withdrawal import MUTED
from digest.store.schema import also_at, entry
from subscribers.database import chunks, dialect_insert

# Not "baseline", because readers have not had such an entry, nor "withheld", because they may never get it.
_READ = ("ready", "held", "dropped")


class AlsoAt(NamedTuple):
    """Hold the address at which another source shows an entry, and when it was first seen there, as ISO text."""

    url: str | None
    first_seen: str


def recent_titles(conn: Connection, since: datetime, *, besides: str) -> Iterator[tuple[int, str]]:
    """Yield (id, title) of the entries first seen since an instant that readers were offered, or an editor judges.

    Those of the source `besides` are left out, and those of a muted source, because readers may never get them.
    """
    query = select(entry.c.id, entry.c.title).where(
        entry.c.first_seen >= since,
        entry.c.source != besides,
        entry.c.state.in_(_READ),
        or_(entry.c.state != "held", entry.c.held_by != MUTED),
    )
    yield from ((row[0], row[1]) for row in conn.execute(query))


def store_duplicate(conn: Connection, number: int, original: int) -> None:
    """Store that an entry tells what the entry `original` tells."""
    conn.execute(update(entry).where(entry.c.id == number).values(duplicate_of=original))


def store_also_at(conn: Connection, number: int, link: NamedLink, now: datetime) -> None:
    """Store that another source shows an entry too; the first address of each source is kept."""
    row = {"entry_id": number, "source": link.name, "url": link.url, "first_seen": now}
    conn.execute(dialect_insert(conn)(also_at).values(row).on_conflict_do_nothing())


def name_again(conn: Connection, number: int, now: datetime) -> None:
    """Let its original name the source of a near-duplicate, which its source has given back."""
    row = _duplicate(conn, number)
    store_also_at(conn, row.duplicate_of, NamedLink(row.source, row.url), now)


def name_no_more(conn: Connection, number: int) -> None:
    """Let its original no longer name the source of a near-duplicate."""
    row = _duplicate(conn, number)
    conn.execute(delete(also_at).where(also_at.c.entry_id == row.duplicate_of, also_at.c.source == row.source))


def set_apart(conn: Connection, number: int) -> None:
    """Let an entry that was a near-duplicate be an entry of its own."""
    if _duplicate(conn, number).duplicate_of is not None:
        name_no_more(conn, number)
        conn.execute(update(entry).where(entry.c.id == number).values(duplicate_of=None, held_why=""))


def take_over(conn: Connection, number: int, now: datetime) -> None:
    """Let a near-duplicate that an editor releases be the original of its siblings, if readers do not get theirs."""
    first = _duplicate(conn, number).duplicate_of
    if first is None or conn.scalar(select(entry.c.state).where(entry.c.id == first)) == "ready":
        return
    others = conn.execute(
        select(entry.c.id, entry.c.state).where(entry.c.duplicate_of == first, entry.c.id != number)
    )
    for other in others.all():
        name_no_more(conn, other.id)
        store_duplicate(conn, other.id, number)
        if other.state == "duplicate":
            name_again(conn, other.id, now)


def give_back(conn: Connection, number: int, original: int, row: AlsoAt | None, now: datetime) -> None:
    """Let an entry be a near-duplicate again, and its siblings of the same original, as before `take_over`.

    `row`: where the original named the source of the entry, if it did.
    """
    siblings = select(entry.c.id, entry.c.state).where(entry.c.duplicate_of == number)
    for sibling in conn.execute(siblings).all():
        name_no_more(conn, sibling.id)
        store_duplicate(conn, sibling.id, original)
        if sibling.state == "duplicate":
            name_again(conn, sibling.id, now)
    store_duplicate(conn, number, original)
    if row is not None:
        link = NamedLink(_duplicate(conn, number).source, row.url)
        store_also_at(conn, original, link, datetime.fromisoformat(row.first_seen))


def named_at(conn: Connection, of: Entry) -> AlsoAt | None:
    """Return where the original of a near-duplicate names the source of that one; None where it does not."""
    query = select(also_at).where(also_at.c.entry_id == of.duplicate_of, also_at.c.source == of.source)
    row = conn.execute(query).one_or_none() if of.duplicate_of else None
    return AlsoAt(row.url, row.first_seen.isoformat()) if row else None


def other_sources(conn: Connection, numbers: Iterable[int]) -> dict[int, tuple[NamedLink, ...]]:
    """Return the sources that show an entry too, with their addresses, the first seen first, by the entry's id."""
    links: dict[int, list[NamedLink]] = {}
    for chunk in chunks(sorted(set(numbers))):
        query = select(also_at).where(also_at.c.entry_id.in_(chunk)).order_by(also_at.c.first_seen, also_at.c.source)
        for row in conn.execute(query):
            links.setdefault(row.entry_id, []).append(NamedLink(row.source, row.url))
    return {number: tuple(some) for number, some in links.items()}


def _duplicate(conn: Connection, number: int) -> Row[Any, Any, Any]:
    return conn.execute(select(entry.c.duplicate_of, entry.c.source, entry.c.url).where(entry.c.id == number)).one()
