"""Tell everybody what was sent: editions, entries by what they are about, what a search finds; nothing of readers.

All of it is read for a `Scope`, which says what config.toml lets everybody see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from digest.config.settings import Settings
from digest.facets.searchable import query_words
from digest.model import BARRIERS, CASE_STUDY, Correction, Edition, Entry, NamedLink, Tried
from digest.store import archive
from digest.store.answers import tried_of
from digest.store.archive import Opening, Scope, Span
from digest.store.archive_search import search_archive
from digest.store.engine import reading
from digest.store.told import dated_corrections, leads_to

EDITIONS, ENTRIES, OPENING = 40, 20, 3  # of a page; and the titles that are shown of an edition
FACETS = ("policy-area", "region", "theme")


class Earlier(NamedTuple):
    """Hold an earlier entry that an entry names: its title, its source's address, and its id if it has a page."""

    title: str
    url: str | None
    entry: int | None


@dataclass(frozen=True, slots=True)
class ArchiveStart:
    """A page of the editions, the newest first, with how they begin; and how many entries have each facet."""

    total: int
    editions: tuple[Edition, ...]
    openings: Mapping[int, Opening]
    counts: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class ArchivedEdition:
    """An edition that was sent, its entries in order, and what its readers were told of them afterwards.

    `gone` are the ids of entries that are kept back now; `withdrawn` what was told of them. `before` and `after` are
    the editions of the same cadence beside it. `changed` is when readers were last told anything of it.
    """

    edition: Edition
    entries: tuple[Entry, ...]
    corrections: tuple[Correction, ...]
    gone: tuple[int, ...]
    before: Edition | None
    after: Edition | None
    changed: datetime


class Listed(NamedTuple):
    """Hold an entry of a list, when it was first sent, when anything of it last changed, and its corrections."""

    entry: Entry
    first: datetime
    changed: datetime
    corrections: tuple[Correction, ...]


@dataclass(frozen=True, slots=True)
class ArchivedList:
    """A page of the entries that were sent, the last sent first, of `total` in all."""

    total: int
    entries: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class ArchivedEntry:
    """An entry with the editions it went out in, newest first, and all that its page tells.

    `entry` is None when it is kept back now; then `corrections` are those by which it was withdrawn.
    """

    entry: Entry | None
    editions: tuple[Edition, ...]
    corrections: tuple[Correction, ...]
    changed: datetime
    earlier: Earlier | None = None
    tried: tuple[Tried, ...] = ()


def archive_scope(settings: Settings) -> Scope | None:
    """Return what of the archive everybody may see; None where there is no public archive."""
    if not settings.archive.public or not settings.archive.cadences:
        return None
    return Scope(settings.archive.cadences, settings.hidden_sources)


def read_start(engine: Engine, scope: Scope, page: int) -> ArchiveStart:
    """Return a page of the editions."""
    with reading(engine) as conn:
        total = archive.count_sent_editions(conn, scope)
        listed = archive.edition_list(conn, scope, Span(EDITIONS, (page - 1) * EDITIONS))
        beginnings = archive.openings(conn, scope, [edition.id for edition in listed], OPENING)
        return ArchiveStart(total, tuple(listed), beginnings, archive.facet_counts(conn, scope))


def read_edition(engine: Engine, scope: Scope, cadence: str, day: str) -> ArchivedEdition | None:
    """Return the edition of a slot as everybody may see it; None when there is none, or it had nothing to see."""
    with reading(engine) as conn:
        edition = archive.sent_edition(conn, scope, cadence, day)
        if edition is None:
            return None
        shown = [visible_to_all(entry, scope) for entry in archive.entries_of(conn, scope, edition.id)]
        gone = archive.kept_back_of(conn, scope, edition.id)
        if not shown and not gone:
            return None
        told = dated_corrections(conn, [*gone, *(entry.id for entry in shown)])
        before, after = archive.beside(conn, scope, edition)
        assert edition.frozen_at is not None  # because it was sent
        changed = max([edition.frozen_at, *(at for _, at in told)])
        given = tuple(correction for correction, _ in told)
        return ArchivedEdition(edition, tuple(shown), given, tuple(gone), before, after, changed)


def read_list(
    engine: Engine, scope: Scope, found_by: Sequence[tuple[str, str]], page: int, most: int = ENTRIES
) -> ArchivedList:
    """Return a page of the entries that have all of some facets, as (facet, slug)."""
    with reading(engine) as conn:
        total, rows = archive.sent_by(conn, scope, found_by, Span(most, (page - 1) * most))
        return _listed(conn, scope, total, rows)


def read_search(engine: Engine, scope: Scope, query: str, page: int) -> ArchivedList:
    """Return a page of the entries that a query finds; any text is a query."""
    words = query_words(query)
    if not words:
        return ArchivedList(0, ())
    with reading(engine) as conn:
        total, rows = search_archive(conn, scope, words, Span(ENTRIES, (page - 1) * ENTRIES))
        return _listed(conn, scope, total, rows)


def read_counts(engine: Engine, scope: Scope) -> dict[tuple[str, str], int]:
    """Return how many entries that were sent have each facet, by (facet, slug)."""
    with reading(engine) as conn:
        return archive.facet_counts(conn, scope)


def every_edition(engine: Engine, scope: Scope, most: int) -> list[Edition]:
    """Return the editions that have a page, the newest first, at most `most`."""
    with reading(engine) as conn:
        return archive.edition_list(conn, scope, Span(most))


def entry_dates(engine: Engine, scope: Scope, most: int, offset: int) -> list[tuple[int, datetime]]:
    """Return the id of each entry that has a page, and when it was last sent: `most` after the first `offset`."""
    with reading(engine) as conn:
        return archive.every_entry(conn, scope, Span(most, offset))


def read_newest(engine: Engine, scope: Scope, most: int) -> ArchivedList:
    """Return the entries that were sent last."""
    with reading(engine) as conn:
        return _listed(conn, scope, 0, archive.last_sent(conn, scope, most))


def read_entry(engine: Engine, scope: Scope, number: int) -> ArchivedEntry | None:
    """Return an entry as everybody may see it, or None when it has no page."""
    with reading(engine) as conn:
        sent = archive.sent_entry(conn, scope, number)
        if sent is None:
            return None
        told = dated_corrections(conn, [number])
        newest = sent.editions[0].frozen_at
        assert newest is not None  # because it was sent
        changed = max([newest, *(at for _, at in told)])
        given = tuple(correction for correction, _ in told if sent.entry or correction.withdrawn)
        if sent.entry is None:
            return ArchivedEntry(None, sent.editions, given, changed)
        tried = tried_of(conn, [number]).get(number, ()) if sent.entry.kind == CASE_STUDY else ()
        return ArchivedEntry(
            visible_to_all(sent.entry, scope),
            sent.editions,
            given,
            changed,
            earlier_to_all(conn, scope, sent.entry),
            tried,
        )


def public_pages(conn: Connection, scope: Scope, edition: Edition, numbers: Iterable[int]) -> set[int] | None:
    """Return which of an edition's entries have a public page; None when the edition has none itself."""
    if archive.sent_edition(conn, scope, edition.cadence, edition.slot) is None:
        return None
    return archive.may_be_seen(conn, scope, numbers)


def barriers_in_use(counts: Mapping[tuple[str, str], int]) -> list[tuple[str, int]]:
    """Return the barriers that case studies of the archive name, with how many do, in their usual order."""
    return [(slug, counts["barrier", slug]) for slug in BARRIERS if counts.get(("barrier", slug))]


def _listed(conn: Connection, scope: Scope, total: int, rows: Sequence[archive.Sent]) -> ArchivedList:
    told = dated_corrections(conn, [row.entry.id for row in rows])
    listed = []
    for row in rows:
        of_entry = [(correction, at) for correction, at in told if correction.entry == row.entry.id]
        changed = max([row.newest, *(at for _, at in of_entry)])
        given = tuple(correction for correction, _ in of_entry)
        listed.append(Listed(visible_to_all(row.entry, scope), row.first, changed, given))
    return ArchivedList(total, tuple(listed))


def visible_to_all(entry: Entry, scope: Scope) -> Entry:
    """Return an entry that does not name the sources that are not public."""
    return replace(entry, also_at=tuple(link for link in entry.also_at if link.name not in scope.hidden))


def earlier_to_all(conn: Connection, scope: Scope, entry: Entry) -> Earlier | None:
    """Return the earlier entry that an entry names, unless it is kept back by now or its source is not public."""
    named: NamedLink | None = entry.earlier
    earlier = leads_to(conn, named.url) if named and named.url else None
    if named is None or earlier is None or earlier.state in archive.KEPT_BACK or earlier.source in scope.hidden:
        return None
    has_page = bool(archive.may_be_seen(conn, scope, [earlier.number]))
    return Earlier(named.name, named.url, earlier.number if has_page else None)
