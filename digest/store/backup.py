"""Online backup and restore of an SQLite database. PostgreSQL has its own tools; both come back in HOLD."""

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

_PATIENCE = 10.0  # seconds for who reads or writes the database that is to be replaced
# A stronger reason replaces a weaker, as everywhere: the names stand in that order.
_BRING = """
INSERT INTO suppression (address_hash, reason, at, note) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (address_hash) DO UPDATE SET reason = excluded.reason, at = excluded.at, note = excluded.note
WHERE instr(?5, excluded.reason) > instr(?5, suppression.reason)
"""
_log = logging.getLogger(__name__)


def backup(engine: Engine, target: Path) -> None:
    """Copy the database to `target` while it is in use; the copy is whole or not there at all.

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
    """Put the backup `source` in the database's place; return where the replaced one was moved.

    The caller holds the run lock and puts the result into HOLD. Raises WrongUse when `source` is no backup.
    """
    database = _file(engine, "pg_restore, and carry over who has left since (see docs/install.md)")
    _check(source)
    engine.dispose()
    unfinished = database.with_name(f".{database.name}.part")
    kept = database.with_name(f"{database.name}.before-{now:%Y%m%dT%H%M%S}")
    while kept.exists():
        kept = kept.with_name(f"{kept.name}+")  # a second restore of this second must not cost the first one's
    try:
        with ExitStack() as stack:
            with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(unfinished)) as write:
                read.backup(write)
                if database.exists():
                    # Nobody writes to it any more until it is replaced: who leaves now would not be brought over.
                    old = sqlite3.connect(database, isolation_level=None, timeout=_PATIENCE)
                    _keep_suppressions(write, stack.enter_context(closing(old)), database)
            flush(unfinished)
            failpoint("restore: copied")
            if database.exists():
                # By a second name, not by a move: were there no database for a moment, a run would make an empty one.
                kept.hardlink_to(database)
                failpoint("restore: the old one kept")
            for tail in ("-wal", "-shm"):
                database.with_name(database.name + tail).unlink(missing_ok=True)
            unfinished.replace(database)
            failpoint("restore: in place")
    except (OSError, sqlite3.Error) as error:
        raise DigestError(f"restore from {source} failed: {error}; the old database is {kept} or in place") from error
    return kept


def _hold_still(old: sqlite3.Connection, replaced: Path) -> None:
    """Bring all of the replaced database into its one file, and let nobody write to it until `old` is closed.

    Raises TryLater while somebody reads on and on, sqlite3.Error when it is damaged or locked.
    """
    log = replaced.with_name(f"{replaced.name}-wal")
    for _ in range(3):
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        old.execute("BEGIN IMMEDIATE")
        if not log.exists() or not log.stat().st_size:
            return
        old.execute("ROLLBACK")  # another was quicker than the lock, or is still reading
    raise TryLater(f"{replaced} is in use all the time; end what reads it, then restore again")


def _keep_suppressions(write: sqlite3.Connection, old: sqlite3.Connection, replaced: Path) -> None:
    """Bring over who must not be mailed by now: who has left since the backup was made has left for good."""
    try:
        _hold_still(old, replaced)
        rows = old.execute("SELECT address_hash, reason, at, note FROM suppression").fetchall()
        seal = old.execute("SELECT id, fingerprint FROM suppression_secret").fetchall()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise
        # Most often it is restored because the other is damaged.
        _log.warning("who has left since the backup is not known: %s cannot be read (%s)", replaced, error)
        return
    with write:
        write.executemany(_BRING, [(*row, ",".join(REASONS)) for row in rows])
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
            found = conn.execute("SELECT version_num FROM alembic_version").fetchone()
            if found and found[0] not in migrate.revisions():
                raise WrongUse(
                    f"{source}: a newer version of this program wrote it; install that, nothing was changed"
                )
            if conn.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise WrongUse(f"{source} is damaged; use another backup, nothing was changed")
    except sqlite3.Error as error:
        raise WrongUse(f"{source} is not a backup of this program ({error}); nothing was changed") from error
