"""Entries: what was gathered, how each is recognised again, and what facets it carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from digest.model import Entry, Evidence, Facets, Image, Sighting
from digest.sources.newness import New, Recognised, StoredEntry, StoredKeys, print_of
from digest.store.schema import entry, entry_key
from subscribers.database import chunks


def stored_keys(conn: Connection, keys: Iterable[str]) -> StoredKeys:
    """Return what is stored about `keys`: which entries they lead to, and what those say."""
    found: dict[str, int | None] = {}
    for chunk in chunks(sorted(set(keys))):
        rows = conn.execute(select(entry_key.c.key, entry_key.c.entry_id).where(entry_key.c.key.in_(chunk)))
        found.update((row.key, row.entry_id) for row in rows)
    known: dict[int, StoredEntry] = {}
    for ids in chunks(sorted({i for i in found.values() if i is not None})):
        rows = conn.execute(
            select(
                entry.c.id,
                entry.c.source,
                entry.c.title,
                entry.c.url,
                entry.c.published,
                entry.c.html,
                entry.c.summary,
                entry.c.print,
            ).where(entry.c.id.in_(ids))
        )
        known.update(
            (row.id, StoredEntry(row.source, row.title, row.url, row.published, row.html or row.summary, row.print))
            for row in rows
        )
    return StoredKeys(found, known)


def add(conn: Connection, source: str, new: New, kind: str, facets: Facets, state: str, now: datetime) -> int:
    """Store a new entry with the keys it is known by; return its id."""
    seen = new.sighting
    values = _said(seen) | _faceted(facets)
    values |= {
        "source": source, "guid": seen.guid, "kind": kind, "published": seen.published,
        "first_seen": now, "state": state,
    }  # fmt: skip
    made = conn.execute(insert(entry).values(values).returning(entry.c.id)).scalar_one()
    _learn(conn, made, new.keys)
    return int(made)


def refresh(conn: Connection, recognised: Recognised, facets: Facets | None) -> None:
    """Learn a known entry's new keys and, where it was edited, its new words.

    `facets` None: leave them. An editor's facets are never overwritten; a date once known stays.
    """
    _learn(conn, recognised.entry, recognised.keys)
    if not recognised.changed:
        return
    row = conn.execute(select(entry.c.published, entry.c.retagged).where(entry.c.id == recognised.entry)).one()
    values = _said(recognised.sighting)
    if row.published is None:
        values["published"] = recognised.sighting.published
    if facets is not None and not row.retagged:
        values |= _faceted(facets)
    conn.execute(update(entry).where(entry.c.id == recognised.entry).values(values))


def spoil(conn: Connection, keys: Sequence[str]) -> None:
    """Remember that `keys` identify no single entry."""
    for chunk in chunks(keys):
        known = set(conn.scalars(select(entry_key.c.key).where(entry_key.c.key.in_(chunk))))
        conn.execute(update(entry_key).where(entry_key.c.key.in_(chunk)).values(entry_id=None))
        fresh = [{"key": key, "entry_id": None} for key in chunk if key not in known]
        if fresh:
            conn.execute(insert(entry_key), fresh)


def get(conn: Connection, number: int) -> Entry | None:
    """Return one entry, or None."""
    row = conn.execute(select(entry).where(entry.c.id == number)).one_or_none()
    return _entry(row) if row else None


def find(conn: Connection, url: str) -> Entry | None:
    """Return the entry with exactly this address, or None."""
    row = conn.execute(select(entry).where(entry.c.url == url).order_by(entry.c.id).limit(1)).one_or_none()
    return _entry(row) if row else None


def body(conn: Connection, number: int) -> str:
    """Return an entry's sanitised html ("" when it has none)."""
    return conn.scalar(select(entry.c.html).where(entry.c.id == number)) or ""


def many(conn: Connection, ids: Iterable[int]) -> dict[int, Entry]:
    """Return entries by id."""
    found: dict[int, Entry] = {}
    for chunk in chunks(sorted(set(ids))):
        found.update((row.id, _entry(row)) for row in conn.execute(select(entry).where(entry.c.id.in_(chunk))))
    return found


def listing(
    conn: Connection,
    *,
    since: datetime | None = None,
    state: str | None = None,
    source: str | None = None,
    unclassified: bool = False,
    limit: int | None = None,
) -> Iterator[Entry]:
    """Yield entries, newest first sight first, narrowed as asked."""
    query: Select[Any] = select(entry).order_by(entry.c.first_seen.desc(), entry.c.id.desc())
    if since is not None:
        query = query.where(entry.c.first_seen >= since)
    if state is not None:
        query = query.where(entry.c.state == state)
    if source is not None:
        query = query.where(entry.c.source == source)
    shown = 0
    for row in conn.execute(query):
        if unclassified and row.policy_areas:
            continue
        yield _entry(row)
        shown += 1
        if limit is not None and shown >= limit:
            return


def set_state(conn: Connection, number: int, state: str) -> None:
    """Move an entry to `state` (see model.Entry)."""
    conn.execute(update(entry).where(entry.c.id == number).values(state=state))


def retag(conn: Connection, number: int, facets: Facets) -> None:
    """Give an entry the editor's facets; no later gather changes them."""
    conn.execute(update(entry).where(entry.c.id == number).values(_faceted(facets) | {"retagged": True}))


def to_json(one: Entry) -> dict[str, Any]:
    """Return an entry as the JSON document that the command line prints."""
    return {
        "id": one.id,
        "source": one.source,
        "url": one.url,
        "title": one.title,
        "kind": one.kind,
        "published": one.published.isoformat() if one.published else None,
        "first_seen": one.first_seen.isoformat(),
        "policy_areas": list(one.facets.policy_areas),
        "regions": list(one.facets.regions),
        "themes": list(one.facets.themes),
        "place": one.facets.place,
        "evidence": [asdict(e) for e in one.facets.evidence],
        "state": one.state,
        "summary": one.summary,
        "author": one.author,
        "language": one.language,
        "image": asdict(one.image) if one.image else None,
    }


def from_json(said: dict[str, Any]) -> Entry:
    """Return the entry that `to_json` wrote."""
    return Entry(
        id=said["id"],
        source=said["source"],
        url=said["url"],
        title=said["title"],
        kind=said["kind"],
        published=datetime.fromisoformat(said["published"]) if said["published"] else None,
        first_seen=datetime.fromisoformat(said["first_seen"]),
        summary=said["summary"],
        author=said["author"],
        language=said["language"],
        image=Image(**said["image"]) if said["image"] else None,
        facets=Facets(
            tuple(said["policy_areas"]), tuple(said["regions"]), tuple(said["themes"]),
            tuple(Evidence(**e) for e in said["evidence"]), said["place"],
        ),
        state=said["state"],
    )  # fmt: skip


def _said(seen: Sighting) -> dict[str, Any]:
    return {
        "url": seen.link, "title": seen.title, "summary": seen.summary, "html": seen.html, "author": seen.author,
        "language": seen.language, "image": asdict(seen.image) if seen.image else None,
        "categories": list(seen.categories), "print": print_of(seen),
    }  # fmt: skip


def _faceted(facets: Facets) -> dict[str, Any]:
    return {
        "place": facets.place, "policy_areas": list(facets.policy_areas), "regions": list(facets.regions),
        "themes": list(facets.themes), "evidence": [asdict(e) for e in facets.evidence],
    }  # fmt: skip


def _learn(conn: Connection, number: int, keys: Sequence[str]) -> None:
    if keys:
        # Two keys of one entry may be learnt from two copies in one gather: the first holds.
        known = set(conn.scalars(select(entry_key.c.key).where(entry_key.c.key.in_(keys))))
        fresh = [{"key": key, "entry_id": number} for key in dict.fromkeys(keys) if key not in known]
        if fresh:
            conn.execute(insert(entry_key), fresh)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        id=row.id, source=row.source, url=row.url, title=row.title, kind=row.kind, published=row.published,
        first_seen=row.first_seen, summary=row.summary, author=row.author, language=row.language,
        image=Image(**row.image) if row.image else None,
        facets=Facets(
            tuple(row.policy_areas), tuple(row.regions), tuple(row.themes),
            tuple(Evidence(**e) for e in row.evidence), row.place,
        ),
        state=row.state,
    )  # fmt: skip
