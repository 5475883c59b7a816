"""Back up and restore an SQLite database while it is in use. PostgreSQL has its own tools. A restore ends in HOLD."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from digest.errors import DigestError, TryLater, WrongUse
from digest.store import migrate
from digest.system.failpoint import failpoint
from digest.system.flush import flush
from subscribers.tables import REASONS

_PATIENCE = 10.0  # seconds to wait for other processes that use the database to be replaced
# ?5 lists the reasons of suppression, weakest first, because a stronger reason replaces a weaker one.
_KEEP_STRONGER = """
INSERT INTO suppression (address_hash, reason, at, note) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (address_hash) DO UPDATE SET reason = excluded.reason, at = excluded.at, note = excluded.note
WHERE instr(?5, excluded.reason) > instr(?5, suppression.reason)
"""
_log = logging.getLogger(__name__)


def backup(engine: Engine, target: Path) -> None:
    """Copy the database to `target` while it is in use; a copy that fails leaves no `target`.

    Raises WrongUse on PostgreSQL (use pg_dump) or when `target` exists.
    """
    source = _file(engine, "pg_dump")
    if target.exists():
        raise WrongUse(f"{target} exists; name a new file, a backup overwrites nothing")
    unfinished = target.with_name(f".{target.name}.part")
    try:
        unfinished.unlink(missing_ok=True)
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(unfinished)) as write:
            read.backup(write)
            failpoint("backup: copied")
            if write.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise DigestError(f"the copy of {source} is not sound; check the disk, then try again")
        flush(unfinished)
        failpoint("backup: on the disk")
        unfinished.replace(target)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise DigestError(f"backup to {target} failed: {error}; make room there and try again") from error


def restore(engine: Engine, source: Path, now: datetime) -> Path:
    """Replace the database by the backup `source`; return the path that keeps the replaced database.

    The caller holds the run lock and puts the new database into HOLD. Raises WrongUse when `source` is no backup,
    TryLater when the database to be replaced is in use all the time.
    """
    database = _file(engine, "pg_restore, and carry over the suppressions since the backup (see docs/install.md)")
    _check(source)
    engine.dispose()
    unfinished = database.with_name(f".{database.name}.part")
    kept = database.with_name(f"{database.name}.before-{now:%Y%m%dT%H%M%S}")
    while kept.exists():
        kept = kept.with_name(f"{kept.name}+")  # so that a second restore within a second overwrites nothing
    try:
        with ExitStack() as stack:
            with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(unfinished)) as write:
                read.backup(write)
                if database.exists():
                    # The write lock is kept until it is replaced, so that a reader who leaves in between is not lost.
                    old = sqlite3.connect(database, isolation_level=None, timeout=_PATIENCE)
                    _keep_suppressions(write, stack.enter_context(closing(old)), database)
            flush(unfinished)
            failpoint("restore: copied")
            if database.exists():
                # A second name instead of a move, because a run that sees no database would make an empty one.
                kept.hardlink_to(database)
                failpoint("restore: the old one kept")
            for tail in ("-wal", "-shm"):
                database.with_name(database.name + tail).unlink(missing_ok=True)
            unfinished.replace(database)
            failpoint("restore: in place")
    except (OSError, sqlite3.Error) as error:
        raise DigestError(
            f"restore from {source} failed: {error}; the old database is still in use or kept as {kept}"
        ) from error
    return kept


def _hold_still(old: sqlite3.Connection, replaced: Path) -> None:
    """Bring the log of the replaced database into its file, and keep the write lock until `old` is closed.

    Raises TryLater when other processes read it all the time, sqlite3.Error when it is damaged or locked.
    """
    log = replaced.with_name(f"{replaced.name}-wal")
    for _ in range(3):
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        old.execute("BEGIN IMMEDIATE")
        if not log.exists() or not log.stat().st_size:
            return
        old.execute("ROLLBACK")  # another process wrote before the lock was taken, or still reads the log
    raise TryLater(f"{replaced} is in use all the time; end what reads it, then restore again")


def _keep_suppressions(write: sqlite3.Connection, old: sqlite3.Connection, replaced: Path) -> None:
    """Copy the suppressions of the replaced database: a reader who left after the backup must not be mailed."""
    try:
        _hold_still(old, replaced)
        rows = old.execute("SELECT address_hash, reason, at, note FROM suppression").fetchall()
        seal = old.execute("SELECT id, fingerprint FROM suppression_secret").fetchall()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise
        # No error, because the most frequent cause of a restore is a damaged database.
        _log.warning("%s cannot be read (%s): readers who left after the backup may be mailed", replaced, error)
        return
    with write:
        write.executemany(_KEEP_STRONGER, [(*row, ",".join(REASONS)) for row in rows])
        write.executemany("INSERT OR IGNORE INTO suppression_secret (id, fingerprint) VALUES (?, ?)", seal)


def _file(engine: Engine, tool: str) -> Path:
    if engine.dialect.name != "sqlite" or engine.url.database in (None, "", ":memory:"):
        raise WrongUse(f"this command copies an SQLite file; for this database use {tool}, it comes back in HOLD too")
    return Path(str(engine.url.database))


def _check(source: Path) -> None:
    if not source.is_file():
        raise WrongUse(f"{source} is not there; name a file that `digest db backup` wrote")
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as conn:
            row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
            if row and row[0] not in migrate.revisions():
                raise WrongUse(
                    f"{source}: a newer version of this program wrote it; install that, nothing was changed"
                )
            if conn.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise WrongUse(f"{source} is damaged; use another backup, nothing was changed")
    except sqlite3.Error as error:
        raise WrongUse(f"{source} is not a backup of this program ({error}); nothing was changed") from error
