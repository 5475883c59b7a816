"""The one way to a database: SQLite or PostgreSQL, with the transactions and the errors both must have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from digest.errors import ConfigError, DigestError, TryLater
from digest.system.failpoint import failpoint

_EXAMPLES = 'write "sqlite:///digest.db" or "postgresql+psycopg://user@host/name"'
_DEFERRED = "digest_deferred"

# By the beginning of SQLite's error name, or of PostgreSQL's SQLSTATE. Waiting or giving it room is the cure:
# locks, the disk; connections, collisions, resources, the operator's shutdown, the system.
_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_FULL", "08", "40", "53", "55", "57", "58")
_FULL = ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "53100")
# The address is wrong: not a database; not our account, not there.
_MISTAKE = ("SQLITE_NOTADB", "28", "3D")
# A person has to look: damage, rights, a server that takes no writes.
_TROUBLE = ("SQLITE_CORRUPT", "SQLITE_PROTOCOL", "25006", "XX")
_RIGHTS = ("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_READONLY")
# A table is missing, or stands in the way: not ours, or no longer whole. SQLite says it in words only.
_FOREIGN = ("42P01", "42P07")
_FOREIGN_WORDS = re.compile(r"no such table: |(?:table|index) \S+ already exists")
# A PostgreSQL server that refuses a connection gives no SQLSTATE, only words.
_REFUSALS = ("password authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry")


def make_engine(url: str, *, wait: float = 30.0) -> Engine:
    """Return the engine for `url`; nothing is connected to yet.

    `url` is `sqlite:///path` or `postgresql+psycopg://…` (`postgresql://` means the same). `wait` is how many
    seconds a transaction waits for SQLite's write lock, and a connection for a server, before TryLater.
    Raises ConfigError for any other scheme, a folder that is not there, or a missing PostgreSQL driver.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, wait)
    return _postgresql(parsed, wait)


@contextmanager
def writing(engine: Engine, name: str = "") -> Iterator[Connection]:
    """Yield a connection in a transaction that commits on leaving and rolls back on an exception.

    `name` says what it is for; tests kill the program at its failpoints "name: before commit" and "name: committed".

    SQLite takes the write lock at its start, so what is read stays true until it is written. PostgreSQL does
    not: a row that is read to be changed is selected with `.with_for_update()` (SQLite ignores that).
    Raises TryLater when the database is away, locked or full, ConfigError when it refuses us.
    """
    with translate_errors(engine), engine.begin() as connection:
        yield connection
        failpoint(f"{name}: before commit")
    failpoint(f"{name}: committed")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection on one unchanging view of the database that takes no write lock; writes are refused.

    Works while another process holds the write lock. Raises as `writing` does.
    """
    with translate_errors(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection = connection.execution_options(**{_DEFERRED: True})
        else:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


@contextmanager
def translate_errors(engine: Engine) -> Iterator[None]:
    """Turn the database's troubles into ours: TryLater, ConfigError or DigestError, one line, no password.

    Broken promises between rows (IntegrityError) and mistakes in SQL pass through: those are bugs.
    """
    try:
        yield
    except PoolTimeout as error:
        raise TryLater(f"database {_name(engine)}: every connection is in use; try again later") from error
    except (DatabaseError, InterfaceError) as error:
        translated = _translated(engine, error)
        if translated is None:
            raise
        raise translated from error


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError([f"storage.url: not a database address; {_EXAMPLES}"]) from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ConfigError([f"storage.url: {parsed.drivername!r} is not a database we know; {_EXAMPLES}"])
    return parsed


def _sqlite(url: URL, wait: float) -> Engine:
    if url.database and url.database != ":memory:":
        folder = Path(url.database).absolute().parent
        if not folder.is_dir():
            raise ConfigError([f"storage.url: no folder {folder}; make it, or name another"])
    # Parameters are people's addresses: no error message may carry them.
    engine = create_engine(url, connect_args={"timeout": wait}, hide_parameters=True)

    def now_there() -> tuple[int, int] | None:
        if not url.database or url.database == ":memory:":
            return None  # never another, wherever this process goes
        with suppress(OSError):
            found = Path(url.database).stat()
            return found.st_dev, found.st_ino
        return None

    @event.listens_for(engine, "do_connect")
    def look(_dialect: Any, record: Any, _words: Any, _options: Any) -> None:
        # Before it is opened: looked at afterwards, it could be another already.
        record.info["file"] = now_there()

    @event.listens_for(engine, "checkout")
    def look_again(_connection: Any, record: Any, _proxy: Any) -> None:
        # A restore puts another file in its place; what is written to the old one would be lost without a word.
        found = now_there()
        if record.info["file"] is None:
            record.info["file"] = found  # it was made by the connection
        if record.info["file"] != found:
            raise DisconnectionError("another database has been put in its place")

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions of its own: it would begin only at the first write, and what
        # was read before that could be changed by others unseen.
        connection.isolation_level = None
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode=WAL")
        # FULL, not NORMAL: a committed hand-over must outlive a power cut, or someone is mailed twice.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        deferred = bool(connection.get_execution_options().get(_DEFERRED))
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if deferred else 'OFF'}")
        connection.exec_driver_sql("BEGIN" if deferred else "BEGIN IMMEDIATE")
        if not deferred and connection.info["file"] != now_there():
            # Put there while this waited for the lock, which a restore holds until then.
            connection.exec_driver_sql("ROLLBACK")
            raise TryLater(f"database {_name(engine)}: another has been put in its place; try again")

    return engine


def _postgresql(url: URL, wait: float) -> Engine:
    try:
        return create_engine(
            url,
            # A daemon's connections outlive the server's restarts only if they are tried before use.
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": max(2, round(wait)), "application_name": "digest"},
        )
    except ImportError as error:  # psycopg absent, or there without libpq
        cure = 'pip install "learning-digest[postgresql]"'
        raise ConfigError([f"storage.url: the PostgreSQL driver is not installed; {cure}"]) from error


def _translated(engine: Engine, error: DBAPIError) -> DigestError | None:
    said = " ".join(str(error.orig).split())
    where = f"database {_name(engine)}"
    kind = _kind(error)
    if kind.startswith(_FULL):
        return TryLater(f"{where}: {said}; nothing was half done, make room and run again")
    if kind.startswith(_PASSING):
        return TryLater(f"{where}: {said}; nothing was half done, try again later")
    if kind.startswith(_MISTAKE):
        return ConfigError([f"{where}: {said}; check storage.url"])
    if kind.startswith(_RIGHTS):
        return DigestError(f"{where}: {said}; let this account write the file and its folder")
    if kind.startswith(_TROUBLE):
        return DigestError(f"{where}: {said}; run `digest doctor`")
    if kind in _FOREIGN or (kind == "SQLITE_ERROR" and _FOREIGN_WORDS.match(said)):
        return DigestError(f"{where}: {said}; it is not this program's, or damaged: check storage.url, or restore it")
    return None


def _kind(error: DBAPIError) -> str:
    """Return SQLite's error name or PostgreSQL's SQLSTATE, or one that fits a lost or refused connection."""
    given = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    lost = type(error.orig).__module__.startswith("psycopg") and isinstance(error, (OperationalError, InterfaceError))
    if given or not lost:
        return str(given or "")
    text = str(error.orig).lower()
    return "28000" if any(words in text for words in _REFUSALS) else "08000"


def _name(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)
