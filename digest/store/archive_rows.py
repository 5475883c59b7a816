"""Write the rows of the archive for the entries of a frozen edition, and the index of their words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, text

from digest.facets.searchable import searchable
from digest.learning.choose import letter_lines
from digest.letter import cards
from digest.model import CADENCES, CASE_STUDY, UNKNOWN, Entry
from digest.store import entries
from digest.store.archive_tables import SEARCH, archived, archived_facet, archived_newest
from digest.store.schema import edition, edition_entry
from subscribers.database import chunks

FACETS = ("policy-area", "region", "theme")
_MOST_WORDS = 100_000  # characters, because PostgreSQL refuses a text whose index would be too large

# Only rows that are missing, because an edition may have been frozen where FTS5 was absent.
_INDEX = """
    INSERT INTO archive_search (rowid, words)
    SELECT id, words FROM archived WHERE id > (SELECT coalesce(max(id), 0) FROM archive_search_docsize)
"""


class Sending(NamedTuple):
    """Hold that an edition of a cadence, which nobody has stopped, has an entry: a row of `archived`."""

    archived_id: int
    entry_id: int
    cadence: str
    at: datetime


def archive_edition(conn: Connection, number: int, besides: Collection[str] = ()) -> None:
    """Put the entries of an edition that is frozen into the archive, but for those of the sources `besides`.

    Call it in the transaction that freezes the edition, once.
    """
    query = select(edition_entry.c.content).where(edition_entry.c.edition_id == number)
    contents = conn.scalars(query.order_by(edition_entry.c.position)).all()
    shown = [entries.from_json(content) for content in contents if content["source"] not in besides]
    for some in chunks(shown):
        rows = [{"edition_id": number, "entry_id": entry.id, **searched(entry)} for entry in some]
        ids = conn.scalars(insert(archived).returning(archived.c.id, sort_by_parameter_order=True), rows).all()
        found_by = [
            {"archived_id": row, "facet": facet, "slug": slug}
            for row, entry in zip(ids, some, strict=True)
            for facet, slug in facets_of(entry)
        ]
        conn.execute(insert(archived_facet), found_by)
    settle_archive(conn, number)
    index_words(conn)


def settle_archive(conn: Connection, number: int) -> None:
    """Note again which edition is the newest with each entry of an edition, once it is frozen, stopped or goes on."""
    of_edition = select(archived.c.entry_id).where(archived.c.edition_id == number)
    query = (
        select(archived.c.id, archived.c.entry_id, edition.c.cadence, edition.c.frozen_at)
        .join(edition, edition.c.id == archived.c.edition_id)
        .where(archived.c.entry_id.in_(of_edition), edition.c.state == "frozen", ~edition.c.held)
        .order_by(edition.c.frozen_at, edition.c.id)
    )
    rows = newest_rows(Sending(*row) for row in conn.execute(query).all())
    conn.execute(delete(archived_newest).where(archived_newest.c.entry_id.in_(of_edition)))
    if rows:
        conn.execute(insert(archived_newest), rows)


def newest_rows(sendings: Iterable[Sending]) -> list[dict[str, Any]]:
    """Return the rows that tell, for each set of cadences, the newest sending of an entry; they come oldest first."""
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for sending in sendings:
        for mask in range(1, 2 ** len(CADENCES)):
            if mask & mask_of([sending.cadence]):
                row = rows.setdefault((mask, sending.entry_id), {"first_at": sending.at})
                row |= {"cadences": mask, "entry_id": sending.entry_id}
                row |= {"archived_id": sending.archived_id, "newest_at": sending.at}
    return list(rows.values())


def mask_of(cadences: Iterable[str]) -> int:
    """Return a set of cadences as a number."""
    return sum(2 ** CADENCES.index(cadence) for cadence in set(cadences))


def index_words(conn: Connection) -> None:
    """Index the words of the archive that are not indexed yet. PostgreSQL does so by itself."""
    if has_fts5(conn):
        conn.execute(text(_INDEX))


def has_fts5(conn: Connection) -> bool:
    """Return whether this is an SQLite database with the index of words, and a library that can read it."""
    if conn.dialect.name != "sqlite":
        return False
    query = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = :name) AND EXISTS"
    query += " (SELECT 1 FROM pragma_module_list WHERE name = 'fts5')"
    return bool(conn.scalar(text(query), {"name": SEARCH}))


def facets_of(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield by what an entry is found, as (facet, slug), each once."""
    yield "kind", entry.kind
    of_facets = (entry.facets.policy_areas, entry.facets.regions, entry.facets.themes)
    for facet, slugs in zip(FACETS, of_facets, strict=True):
        yield from ((facet, slug) for slug in dict.fromkeys(slugs) if slug != UNKNOWN)
    if entry.kind == CASE_STUDY:
        named = (barrier for line in entry.ingredients for barrier in line.barriers)
        yield from (("barrier", barrier) for barrier in dict.fromkeys(named))


def searched(entry: Entry) -> dict[str, str]:
    """Return the source, title and words of an entry's row."""
    title = searchable(cards.title(entry))
    words = (*title, *(word for part in _texts(entry) for word in searchable(part)))
    return {"source": entry.source, "title": _spaced(title), "words": _spaced(words)[:_MOST_WORDS]}


def _texts(entry: Entry) -> Iterator[str]:
    """Yield the texts by which an entry is found besides its title: those that its page shows, and its facets."""
    yield from (entry.source, entry.facets.place)
    if not letter_lines(entry.ingredients):
        yield entry.summary[: cards.SUMMARY]
    for line in entry.ingredients:
        yield from (line.text, line.by)
    if entry.edit:
        yield entry.edit.note
    yield from (link.name for link in entry.also_at)
    # As slugs, because their names may change and differ between languages.
    yield from (slug for facet, slug in facets_of(entry) if facet != "kind")


def _spaced(words: Iterable[str]) -> str:
    return f" {' '.join(words)} "
