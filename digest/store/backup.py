"""Back up and restore an SQLite database while it is in use. PostgreSQL has its own tools. A restore ends in HOLD."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from digest.errors import DigestError, TryLater, WrongUse
from digest.store import migrate
from digest.store.engine import NoDatabase
from digest.store.moved import TRIGGERS, forgetting
from digest.system.disk import cure_of
from digest.system.failpoint import failpoint
from digest.system.flush import flush
from digest.system.private import create_private
from subscribers.suppression import address_hash
from subscribers.tables import OF_SECRET, REASONS

_SEE = "see that there is room and that this account may write there"
_PATIENCE = 10.0  # seconds to wait for other processes that use the database to be replaced
# ?5 lists the reasons of suppression, weakest first, because a stronger reason replaces a weaker one.
_KEEP_STRONGER = """
INSERT INTO suppression (address_hash, reason, at, note) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (address_hash) DO UPDATE SET reason = excluded.reason, at = excluded.at, note = excluded.note
WHERE instr(?5, excluded.reason) > instr(?5, suppression.reason)
"""
_ERASED = """
SELECT id FROM subscriber
WHERE hash_of(email_key) IN (SELECT address_hash FROM suppression WHERE reason = 'erased')
"""
_WISHES_OF_ERASED = """
DELETE FROM confirmation WHERE address_hash IN (SELECT address_hash FROM suppression WHERE reason = 'erased')
"""
_TAILS = ("-wal", "-shm")  # the log of an SQLite database, and the log's index
_log = logging.getLogger(__name__)


def backup(engine: Engine, target: Path) -> None:
    """Copy the database to `target` while it is in use; a copy that fails leaves no `target`.

    A missing folder of `target` is made for the account alone. The folder above it is not, because it may be a disk
    that is not mounted. The schema may be another than this program's, because a backup is due between the
    installation of a new version and `digest db upgrade`. Raises WrongUse on PostgreSQL (use pg_dump), when `target`
    exists, or when there is no database.
    """
    source = _file(engine, "pg_dump")
    if migrate.current(engine) is None and migrate.holds_nothing(engine):
        raise NoDatabase(f"database {source}: holds nothing to back up; check storage.url")
    if target.exists():
        raise WrongUse(f"{target} exists; name a new file, a backup overwrites nothing")
    unfinished = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished.unlink(missing_ok=True)
        create_private(unfinished)
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(unfinished)) as write:
            read.backup(write)
            failpoint("backup: copied")
            if write.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise DigestError(f"the copy of {source} is not sound; check the disk, then try again")
        flush(unfinished)
        failpoint("backup: on the disk")
        unfinished.replace(target)
    except FileNotFoundError as error:
        raise WrongUse(f"there is no folder {target.parent.parent}; make it, or name another file") from error
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise DigestError(
            f"backup to {target} failed: {error}; {cure_of(error) if isinstance(error, OSError) else _SEE}"
        ) from error


def restore(engine: Engine, source: Path, now: datetime, remembered: Mapping[str, str], secret: bytes | None) -> Path:
    """Replace the database by the backup `source`; return the path that keeps the replaced database.

    The suppressions of the replaced database, and those `remembered` outside it, as {address hash: reason}, are
    carried over, and who was erased since the backup is erased again (without the secret, by `digest db resume`). The
    caller holds the run lock and puts the new database into HOLD. Raises WrongUse when `source` is no backup,
    TryLater when the database to be replaced is in use all the time.
    """
    database = _file(engine, "pg_restore")
    _check(source)
    engine.dispose()
    unfinished = database.with_name(f".{database.name}.part")
    kept = database.with_name(f"{database.name}.before-{now:%Y%m%dT%H%M%S}")
    while kept.exists():
        kept = kept.with_name(f"{kept.name}+")  # so that a second restore within a second overwrites nothing
    aside: list[Path] = []
    needed = False
    try:
        # Before SQLite opens the database, because it removes the log of one that it finds damaged.
        aside = _set_aside_log(database, kept)
        with ExitStack() as stack:
            unfinished.unlink(missing_ok=True)
            create_private(unfinished)
            with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(unfinished)) as write:
                read.backup(write)
                _forget_move(write)
                whole = False
                if database.exists():
                    # The write lock is kept until it is replaced, so that a reader who leaves in between is not lost.
                    old = sqlite3.connect(database, isolation_level=None, timeout=_PATIENCE)
                    whole = _keep_suppressions(write, stack.enter_context(closing(old)), database)
                _carry_over(write, remembered, secret, now)
            flush(unfinished)
            failpoint("restore: copied")
            needed = not whole
            _put_in_place(unfinished, database, kept)
    except (OSError, sqlite3.Error) as error:
        raise DigestError(
            f"restore from {source} failed: {error}; the old database is still in use or kept as {kept}"
        ) from error
    finally:
        if not needed:  # because the replaced database holds all that its log held, or was not replaced
            for path in aside:
                path.unlink(missing_ok=True)
    return kept


def _forget_move(write: sqlite3.Connection) -> None:
    """Let a restored database take changes again that was moved to PostgreSQL when it was copied."""
    for statement in forgetting([name for (name,) in write.execute(TRIGGERS)]):
        write.execute(statement)


def _put_in_place(unfinished: Path, database: Path, kept: Path) -> None:
    """Replace the database by the finished copy, and keep what it replaces as `kept`. Raises OSError."""
    if database.exists():
        # A second name instead of a move, because a run that sees no database would make an empty one.
        kept.hardlink_to(database)
        kept.chmod(0o600)
        failpoint("restore: the old one kept")
    for tail in _TAILS:
        database.with_name(database.name + tail).unlink(missing_ok=True)
    unfinished.replace(database)
    failpoint("restore: in place")


def _set_aside_log(database: Path, kept: Path) -> list[Path]:
    """Keep the log of a database and its index beside `kept`, as they are before anything opens the database.

    The log is copied, because SQLite empties it; its index gets a second name, because reading it here would free
    the locks of this process on it.
    """
    present, aside = ([path.with_name(path.name + tail) for tail in _TAILS] for path in (database, kept))
    with suppress(FileNotFoundError):
        if present[0].stat().st_size:
            create_private(aside[0])
            shutil.copyfile(present[0], aside[0])
            flush(aside[0])
            aside[1].hardlink_to(present[1])
    return aside


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


def _keep_suppressions(write: sqlite3.Connection, old: sqlite3.Connection, replaced: Path) -> bool:
    """Copy the suppressions of the replaced database: a reader who left after the backup must not be mailed.

    Returns whether the replaced database could be read.
    """
    try:
        _hold_still(old, replaced)
        rows = old.execute("SELECT address_hash, reason, at, note FROM suppression").fetchall()
        seal = old.execute("SELECT id, fingerprint FROM suppression_secret").fetchall()
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise
        # No error, because the most frequent cause of a restore is a damaged database.
        _log.warning(
            "%s cannot be read (%s): readers who left after the backup are known from the list beside the fence only",
            replaced, error,
        )  # fmt: skip
        return False
    present = write.execute("SELECT id, fingerprint FROM suppression_secret").fetchall()
    before, now = dict(seal).get(OF_SECRET), dict(present).get(OF_SECRET)
    if before and now and before != now:
        return True  # because another secret made these suppressions, so that they match nobody here
    _suppress(write, rows)
    with write:
        # The seal of the newest link key replaces that of the backup, because letters since are signed with the key.
        write.executemany("INSERT OR REPLACE INTO suppression_secret (id, fingerprint) VALUES (?, ?)", seal)
    return True


def _suppress(write: sqlite3.Connection, rows: Iterable[tuple[str, str, str, str]]) -> None:
    """Add suppressions as (address hash, reason, at, note) to the new database."""
    with write:
        write.executemany(_KEEP_STRONGER, [(*row, ",".join(REASONS)) for row in rows])


def _carry_over(
    write: sqlite3.Connection, remembered: Mapping[str, str], secret: bytes | None, now: datetime
) -> None:
    """Add the suppressions remembered outside the databases, and erase again who is suppressed as erased."""
    _suppress(write, [(hashed, reason, _instant(now), "") for hashed, reason in remembered.items()])
    if secret is not None:
        _erase_again(write, secret, now)


def _erase_again(write: sqlite3.Connection, secret: bytes, now: datetime) -> None:
    """Erase the subscribers and wishes whose address is suppressed as erased, as `subscribers.store.forget` does.

    In plain SQL, because the backup may have the schema of an older program. `digest db resume` forgets the notices
    that are owed to them.
    """
    write.create_function("hash_of", 1, lambda key: address_hash(secret, key), deterministic=True)
    erased = write.execute(_ERASED).fetchall()
    write.execute("PRAGMA secure_delete=ON")
    write.execute("PRAGMA foreign_keys=ON")  # because what they have had goes with them
    with write:
        tables = write.execute("SELECT count(*) FROM sqlite_master WHERE name = 'confirmation'").fetchone()
        wishes = write.execute(_WISHES_OF_ERASED).rowcount if tables[0] else 0
        write.executemany("DELETE FROM consent_event WHERE subscriber_id = ?", erased)
        write.executemany("DELETE FROM subscriber WHERE id = ?", erased)
        write.executemany(
            "INSERT INTO consent_event (subscriber_id, at, what) VALUES (?, ?, 'erased')",
            [(number, _instant(now)) for (number,) in erased],
        )
    if erased or wishes:
        write.execute("VACUUM")


def _instant(now: datetime) -> str:
    """Return an instant as the columns of `UtcDateTime` hold it on SQLite."""
    return f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


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
