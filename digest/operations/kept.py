"""Count what an installation keeps, since when, and what of it the next run removes, for `digest doctor`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection

from digest.errors import counted
from digest.installation import Installation
from digest.operations.old_files import (
    OldFile,
    changed,
    database_file,
    old_copies,
    old_letters,
    other_copies,
    readable,
)
from digest.store import condense, old_rows
from digest.store.engine import reading
from digest.store.schema import delivery, entry, entry_text, event, gathering, had, notice, run
from subscribers.asked import MONTH
from subscribers.confirmations import KEPT_FOR
from subscribers.tables import asked, confirmation, consent_event

_FOR_EVER = "for ever"
_UNTIL_ERASED = "until the reader is erased"
_BY_YOU = "until you delete them"


@dataclass(frozen=True, slots=True)
class Kept:
    """Hold how many things of a kind are kept, since which day, for how long, and how many the next run removes.

    `what`, `since` and `limit` are words; `size` is in bytes, None for rows.
    """

    what: str
    count: int
    size: int | None
    since: str
    limit: str
    old: int

    @property
    def megabytes(self) -> str:
        """Return the size in words, "" for rows."""
        return "" if self.size is None else _megabytes(self.size)


def what_is_kept(installation: Installation) -> list[Kept]:
    """Return what an installation keeps: the rows that grow in number, and the files with personal data.

    Nothing is said of a kind of which there is none.
    """
    with reading(installation.engine) as conn:
        rows = list(_rows(conn, installation))
    return [row for row in [*rows, *_files(installation)] if row.count]


def _rows(conn: Connection, installation: Installation) -> Iterator[Kept]:
    """Yield the database and the tables in it that grow in number."""
    size, free = old_rows.database_size(conn)
    spare = f", {_megabytes(free)} of it free for new rows" if free else ""
    yield Kept(f"database{spare}", 1, size, "", _FOR_EVER, 0)
    limits, now = installation.settings.retention, installation.clock()
    old = condense.count_condensable(conn, now - limits.deliveries) if limits.deliveries else 0
    yield _table(conn, "deliveries", delivery.c.updated_at, _words(limits.deliveries), old)
    yield _table(conn, "letters had, of condensed deliveries", had.c.day, _UNTIL_ERASED)
    for what, table, limit in (
        ("events of the provider", event, limits.deliveries),
        ("runs", run, limits.runs),
        ("gatherings", gathering, limits.runs),
        ("notices", notice, limits.runs),
        ("whole texts of pages", entry_text, limits.texts),
        ("what people asked for on the web and have to confirm", confirmation, KEPT_FOR),
        ("askings on the web, as hashes", asked, MONTH),
    ):
        old = old_rows.count_old(conn, table, now - limit) if limit else 0
        yield _table(conn, what, old_rows.TIMES[table], _words(limit), old)
    yield _table(conn, "entries", entry.c.first_seen, _FOR_EVER)
    yield _table(conn, "consent history", consent_event.c.at, _UNTIL_ERASED)


def _table(conn: Connection, what: str, at: Column[Any], limit: str, old: int = 0) -> Kept:
    """Return how many rows the table with the column `at` has, and its first row's day."""
    count, first = old_rows.count_kept(conn, at)
    return Kept(what, count, None, _day(first), limit, old)


def _files(installation: Installation) -> Iterator[Kept]:
    """Yield the files that hold personal data."""
    limits, now, settings = installation.settings.retention, installation.clock(), installation.settings
    database = database_file(installation)

    def named(path: Path) -> str:
        return str(path.relative_to(settings.home) if path.is_relative_to(settings.home) else path)

    if database is not None:
        copies, others = readable(old_copies(database)), readable(other_copies(database))
        yield _of_files(f"replaced databases: {named(database)}.before-*", copies, limits.copies, now)
        yield _of_files("copies of the database beside it", others, None, now, _BY_YOU)
    letters = readable(old_letters(installation))
    count = counted(sum(file.path.suffix == ".eml" for file in letters), "letter")  # which has a file for each form
    yield _of_files(f"files of {count}: {named(settings.transport.directory)}", letters, limits.letters, now)
    previews = [OldFile(path, None) for path in (settings.home / "preview").glob("*") if path.is_file()]
    yield _of_files("files of previews: preview", previews, None, now, _BY_YOU)


def _of_files(
    what: str, files: Sequence[OldFile], limit: timedelta | None, now: datetime, words: str | None = None
) -> Kept:
    """Return how many files there are, how big they are, and how many of them are older than `limit`."""
    present = [file for file in files if file.path.exists()]
    oldest = min((file.at or changed(file.path) for file in present), default=None)
    old = sum(file.is_older(limit, now) for file in present)
    size = sum(file.path.stat().st_size for file in present)
    return Kept(what, len(present), size, _day(oldest), words or _words(limit), old)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _words(limit: timedelta | None) -> str:
    return f"{limit.days} days" if limit else _FOR_EVER


def _day(at: datetime | str | None) -> str:
    return f"{at:%Y-%m-%d}" if isinstance(at, datetime) else at or ""
