"""Open an SQLite or PostgreSQL database, and give both the same transactions and the same errors.

Every other module reaches the database by `reading` and `writing`.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    InterfaceError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from digest.errors import ConfigError, DatabaseMoved, DigestError, TryLater, WrongUse, without_secrets
from digest.store.deadline import answering_within, shortest_wait
from digest.store.moved import refuse_moved
from digest.store.postgresql import heeding_stop, make_postgresql
from digest.store.read_only import is_read_only, read_only_uri
from digest.store.sqlite_errors import told_by_sqlite
from digest.store.sqlstate import DatabaseAway, told
from digest.system.failpoint import failpoint
from digest.system.private import create_private

_EXAMPLES = 'write "sqlite:///digest.db" or "postgresql+psycopg://user@host/name"'
_DEFERRED = "digest_deferred"
_AT_ONCE = "digest_at_once"
_ENDS_MOVE = "digest_ends_move"
_A_MOMENT = 1.0  # seconds
_A_PAUSE = 0.01  # seconds between two tries to turn on SQLite's write-ahead log
# Of SQLite: the turn of the threads that write, and the seconds that they wait for it.
_TURNS: WeakKeyDictionary[Engine, tuple[threading.Lock, float]] = WeakKeyDictionary()
HOW_TO_MAKE = "restore a backup (`digest db restore`), or make a new one with `digest db upgrade`"


class NoDatabase(WrongUse):
    """The database is not there, and may not be made."""


def make_engine(url: str, *, wait: float = 30.0, create: bool = True) -> Engine:
    """Return the engine for `url`; nothing is connected to yet.

    `url` is `sqlite:///path` or `postgresql+psycopg://…` (`postgresql://` means the same). `wait` is how many
    seconds a transaction waits for SQLite's write lock or a lock of PostgreSQL, and a connection for a server, before
    TryLater. `create`: whether an SQLite file that is not there is made; one that was there and has gone is never
    made anew, and connecting raises NoDatabase.
    Raises ConfigError for any other scheme, a folder that is not there, or a missing PostgreSQL driver.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, wait, create)
    return make_postgresql(parsed, wait)


@contextmanager
def writing(engine: Engine, name: str = "") -> Iterator[Connection]:
    """Yield a connection in a transaction that commits on leaving and rolls back on an exception.

    `name` is the transaction's purpose; tests kill the program at its failpoints "name: before commit" and
    "name: committed".

    SQLite takes the write lock at the start, so a row that was read cannot change before the commit. PostgreSQL does
    not: a row that is read to be changed is selected with `.with_for_update()` (SQLite ignores that).
    Raises TryLater when the database is away, locked or full, ConfigError when it refuses the account.
    """
    with translate_errors(engine), _turn(engine), engine.begin() as connection:
        yield connection
        failpoint(f"{name}: before commit")
    failpoint(f"{name}: committed")


@contextmanager
def writing_at_once(engine: Engine, name: str = "") -> Iterator[Connection]:
    """Yield as `writing` does, but wait for nobody: raise TryLater at once where another process holds the lock."""
    with _writing_with(engine, name, _AT_ONCE) as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = '10ms'")
        yield connection


@contextmanager
def ending_move(engine: Engine, name: str) -> Iterator[Connection]:
    """Yield as `writing` does, also in an SQLite database that takes no other change because it was moved."""
    with _writing_with(engine, name, _ENDS_MOVE) as connection:
        yield connection


def takes_changes(engine: Engine) -> bool:
    """Return whether a change could begin now, or within a second; nothing is changed. Raises as `writing` does.

    On SQLite another program may hold the only lock; PostgreSQL has one for each row, so that nothing is asked there.
    """
    if engine.dialect.name != "sqlite":
        return True
    try:
        with answering_within(_A_MOMENT), translate_errors(engine), engine.connect() as connection:
            connection.begin().rollback()
    except DatabaseAway:
        return False
    return True


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
def _writing_with(engine: Engine, name: str, option: str) -> Iterator[Connection]:
    with (
        translate_errors(engine),
        engine.connect() as connection,
        connection.execution_options(**{option: True}).begin(),
    ):
        yield connection
        failpoint(f"{name}: before commit")
    failpoint(f"{name}: committed")


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """Let the threads of this process write one after the other, because SQLite does not queue those that wait.

    It lets a thread sleep up to 0.1 s before it asks again for the lock, and whoever asks meanwhile gets it.
    """
    if engine not in _TURNS:
        yield
        return
    lock, wait = _TURNS[engine]
    if not lock.acquire(timeout=shortest_wait(wait)):
        raise DatabaseAway(f"database {_name(engine)}: database is locked; try again later")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def translate_errors(engine: Engine) -> Iterator[None]:
    """Turn a database error into TryLater, ConfigError or DigestError, with a message of one line without a password.

    A broken constraint (IntegrityError), a value that does not fit (DataError) and, on SQLite, a mistake in SQL pass
    through unchanged, because they are bugs. An error of the bare driver is told like one that the library has
    wrapped. On PostgreSQL a request to stop ends a wait for a lock.
    """
    try:
        with heeding_stop(engine) if engine.dialect.name == "postgresql" else nullcontext():
            yield
    except PoolTimeout as error:
        raise DatabaseAway(f"database {_name(engine)}: every connection is in use; try again later") from error
    except (DatabaseError, InterfaceError) as error:
        if (translated := _translated(engine, error)) is None:
            raise
        raise translated from error
    except engine.dialect.loaded_dbapi.Error as error:
        if (translated := _translated(engine, DatabaseError(None, None, error))) is None:
            raise
        raise translated from error


def is_of_database(error: Exception) -> bool:
    """Return whether an error is the database's own, and not of a value that it was given."""
    return isinstance(error, DBAPIError) and not isinstance(error, (DataError, IntegrityError))


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError([f"storage.url: not a database address; {_EXAMPLES}"]) from error
    if "@" in (parsed.host or ""):
        # The text before the last "@" is a part of the password, so no message may repeat it.
        raise ConfigError(["storage.url: its password holds an @; write %40 for it, or give it in a password file"])
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ConfigError([f"storage.url: {parsed.drivername!r} is not a database we know; {_EXAMPLES}"])
    return parsed


def _sqlite(url: URL, wait: float, create: bool) -> Engine:
    path = None if url.database in (None, "", ":memory:") else Path(str(url.database))
    if path is not None and not path.absolute().parent.is_dir():
        raise ConfigError([f"storage.url: no folder {path.absolute().parent}; make it, or name another"])
    # Parameters are hidden, because they hold people's addresses and would stand in error messages.
    engine = create_engine(url, connect_args={"timeout": wait}, hide_parameters=True)
    _TURNS[engine] = threading.Lock(), wait
    _set_up_sqlite_connections(engine, wait)
    _watch_file(engine, path, create, wait)
    _begin_sqlite_transactions(engine, path, wait)
    return engine


def _set_up_sqlite_connections(engine: Engine, wait: float) -> None:
    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions of its own, because it would begin only at the first write, and
        # others could change unseen what was read before that.
        connection.isolation_level = None
        _keep_log(connection, shortest_wait(wait))
        # FULL, not NORMAL, because a committed claim must outlive a power cut, or a reader is mailed twice.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        # In KiB. A freeze writes at many places of the indexes at once; where the cache does not hold them, each page
        # is written to the log over and over.
        connection.execute("PRAGMA cache_size=-8000")


def _keep_log(connection: sqlite3.Connection, wait: float) -> None:
    """Make the database keep a write-ahead log; try for `wait` seconds while other programs do the same.

    SQLite itself does not wait: of two that turn the log on at once, it refuses one straight away.
    """
    until = time.monotonic() + wait
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_A_PAUSE)
        else:
            return  # a database in memory has a journal of its own, which stays


def _watch_file(engine: Engine, path: Path | None, create: bool, wait: float) -> None:
    """Drop a pooled connection whose file was replaced, because writes to the old file would be lost silently.

    A file that has gone is not made anew: an empty database knows neither who has left nor what was sent.
    """
    was_there = not create

    @event.listens_for(engine, "do_connect")
    def note_file(_dialect: Any, record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        nonlocal was_there
        if path is not None and was_there and _identity(path) is None:
            raise NoDatabase(f"database {_name(engine)}: there is no such file; put it back or {HOW_TO_MAKE}")
        if path is not None and not was_there:
            # SQLite gives the log and its index the mode of the database. An error is left to SQLite, which names it.
            with suppress(OSError):
                create_private(path)
        was_there = True
        options["timeout"] = record.info["wait"] = shortest_wait(wait)
        if path is not None and is_read_only(path):
            arguments[:], options["uri"] = [read_only_uri(path)], True
        # Before the file is opened, because afterwards another file may be there already.
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def compare_file(_connection: Any, record: Any, _proxy: Any) -> None:
        present = _identity(path)
        if record.info["file"] is None:
            record.info["file"] = present  # the connection has made the file
        if record.info["file"] != present:
            raise DisconnectionError("another database has been put in its place")


def _begin_sqlite_transactions(engine: Engine, path: Path | None, wait: float) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        deferred = bool(options.get(_DEFERRED))
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if deferred else 'OFF'}")
        limit = 0.0 if options.get(_AT_ONCE) else shortest_wait(wait)
        if connection.info["wait"] != limit:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={int(limit * 1000)}")
            connection.info["wait"] = limit
        connection.exec_driver_sql("BEGIN" if deferred else "BEGIN IMMEDIATE")
        if not deferred and connection.info["file"] != _identity(path):
            # A restore holds the write lock until it has replaced the file, and this transaction waited for it.
            connection.exec_driver_sql("ROLLBACK")
            raise TryLater(f"database {_name(engine)}: another has been put in its place; try again")
        if not deferred and not options.get(_ENDS_MOVE):
            # In the transaction, because this one may have waited for the lock until the database was moved.
            try:
                refuse_moved(connection)
            except DatabaseMoved:
                connection.exec_driver_sql("ROLLBACK")
                raise


def _identity(path: Path | None) -> tuple[int, int] | None:
    """Return the device and inode of the database file, or None when it is not there or in memory."""
    if path is not None:
        with suppress(OSError):
            status = path.stat()
            return status.st_dev, status.st_ino
    return None


def _translated(engine: Engine, error: DBAPIError) -> DigestError | None:
    where = f"database {_name(engine)}"
    if engine.dialect.name == "postgresql":
        return told(engine, error, where)
    path = None if engine.url.database in (None, "", ":memory:") else Path(str(engine.url.database))
    return told_by_sqlite(error, where, path)


def _name(engine: Engine) -> str:
    return without_secrets(engine.url.render_as_string(hide_password=True))
