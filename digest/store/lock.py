"""Let runs work on a database beside each other or alone. The kernel or the server frees the locks of a killed run.

Three kinds of work exclude each other: a turn (a run that gathers, freezes and mails notices; one at a time), senders
(any number of runs that hand letters over), and work that must be alone, such as an upgrade. On SQLite a run is all
three, because one lock is held for each of them.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from digest.errors import DigestError, TryLater
from digest.store.engine import translate_errors
from digest.store.sqlstate import sqlstate
from digest.system.disk import unwritable

# Any number will do, as long as no other program uses it for an advisory lock in this database.
_TURN = 0x6469676573740001
_SENDERS = 0x6469676573740011
_STORING = 0x6469676573740012
_ALIVE = 0x64696765  # with the number of a run: the run is alive
_SOURCE = 0x64696766  # with a number made of a source's name
_NUMBERS = 2**31
_NOT_IN_TIME = "55P03"  # the state of an error for a lock that was waited for too long
_NO_LIMITS = """
    SELECT set_config(name, '0', true) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')
"""


@contextmanager
def run_lock(engine: Engine, patience: float = 60) -> Iterator[None]:
    """Hold this database alone during the block: no turn and no sender is beside it.

    Waits for no turn, but `patience` seconds for senders, each of which ends after the batch under way (see
    `require_alive`), because workers may send for hours. Raises TryLater when another run holds it, also when that
    run is in the same process. On SQLite the lock is an `flock` on `<database>.lock` (a memory database needs none);
    on PostgreSQL it is an advisory lock of a transaction of its own, which stays open: a pooler in transaction mode
    keeps its session, and it holds no row or snapshot, so that it is in nobody's way.
    """
    if engine.dialect.name == "postgresql":
        with _advisory(engine, f"({_TURN})") as connection:
            with translate_errors(engine):
                _wait_for_senders(engine, connection, patience)
            yield
    else:
        with turn_lock(engine):
            yield


@contextmanager
def turn_lock(engine: Engine) -> Iterator[None]:
    """Hold the turn of this database during the block, without waiting; senders may be beside it on PostgreSQL.

    Raises as `run_lock` does.
    """
    if engine.dialect.name == "postgresql":
        with _advisory(engine, f"({_TURN})"):
            yield
    elif engine.url.database in (None, "", ":memory:"):
        yield
    else:
        # The real name, because a database that is reached by two names (a symlink) must have one lock.
        with _flock(Path(f"{os.path.realpath(engine.url.database)}.lock")):
            yield


@contextmanager
def source_lock(engine: Engine, name: str) -> Iterator[None]:
    """Let nobody else read the source of this name alone during the block, without waiting. Raises as `run_lock`."""
    if engine.dialect.name == "postgresql":
        with _advisory(engine, f"({_SOURCE}, {zlib.crc32(name.encode()) - _NUMBERS})"):
            yield
    else:
        with turn_lock(engine):
            yield


@contextmanager
def sending(engine: Engine) -> Iterator[Callable[[int], None]]:
    """Let a run hand letters over during the block, beside other senders; yield what tells that its number is alive.

    Call it with the number before anything is claimed. On SQLite the caller holds the turn, which says the same.
    Raises TryLater when other work must be alone.
    """
    if engine.dialect.name != "postgresql":
        yield lambda _number: None
        return
    with _advisory(engine, f"_shared({_SENDERS})") as connection:

        def live(number: int) -> None:
            with translate_errors(engine):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock{_alive(number)}")

        yield live


def lock_intake(conn: Connection) -> None:
    """Let nobody else store what sources show until this transaction ends; wait for who does.

    Because entries of two sources that are stored at once would not see that they are the same.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(text(f"SELECT pg_advisory_xact_lock({_STORING})"))


def dead_runs(engine: Engine, numbers: Iterable[int]) -> set[int]:
    """Return which of these runs are alive no more, so that nobody hands their letters over; hold the turn.

    On SQLite they all are, because a run holds the turn as long as it lives.
    """
    numbers = set(numbers)
    if engine.dialect.name != "postgresql" or not numbers:
        return numbers
    with translate_errors(engine), engine.connect() as connection:
        held = (f"SELECT pg_try_advisory_xact_lock{_alive(number)}" for number in numbers)
        return {number for number, query in zip(numbers, held, strict=True) if connection.scalar(text(query))}


def require_alive(conn: Connection, number: int) -> None:
    """Raise TryLater when run `number` no longer counts as alive, because the connection of its lock was lost.

    Call it in the transaction that claims: others may take its claims for those of a dead run. Raises TryLater also
    when other work waits to be alone, because the server gives no lock beside one that is waited for.
    """
    if conn.dialect.name != "postgresql":
        return
    if conn.scalar(text(f"SELECT pg_try_advisory_xact_lock{_alive(number)}")):
        raise TryLater("the connection that held this run's lock was lost; run again to go on")
    if not conn.scalar(text(f"SELECT pg_try_advisory_xact_lock_shared({_SENDERS})")):
        raise TryLater("other work must be alone for a moment; run again to go on")


def _alive(number: int) -> str:
    return f"({_ALIVE}, {number % _NUMBERS})"


@contextmanager
def _flock(path: Path) -> Iterator[None]:
    import fcntl  # here, because systems without it can still render a preview

    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unwritable(f"lock {path}", error, "name another file as `url` in [storage] of config.toml") from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise _held(f"{path} (process {holder})") from error
        except OSError as error:
            raise DigestError(f"lock {path}: {error.strerror}; put the database on a disk of this machine") from error
        # Failure is ignored, because the process id serves only the message of `_held`: a full disk is no reason
        # to refuse a run.
        with suppress(OSError):
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        # The file is kept, because removing it would let two runs lock two different files of the same name.
        yield
    finally:
        os.close(file)


@contextmanager
def _advisory(engine: Engine, *locks: str) -> Iterator[Connection]:
    """Hold advisory locks, each given by the end of its function's name and its arguments."""
    with translate_errors(engine):
        connection = engine.connect()
    try:
        with translate_errors(engine):
            # Because this transaction is idle as long as the run takes.
            connection.execute(text(_NO_LIMITS))
            for lock in locks:
                # Without a parameter, because one would keep a snapshot open, and vacuum would clean nothing
                # meanwhile.
                if not connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock{lock}").scalar():
                    raise _held(f"database {engine.url.database}")
        yield connection
    finally:
        _free(connection)


def _wait_for_senders(engine: Engine, connection: Connection, patience: float) -> None:
    if connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_SENDERS})").scalar():
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(patience * 1000))}")
    try:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SENDERS})")
    except OperationalError as error:
        if sqlstate(error) != _NOT_IN_TIME:
            raise
        raise TryLater(
            f"another run holds the lock on database {engine.url.database}: workers hand letters over, and their"
            f" batches did not end within {patience:.0f} s; give the command again, or stop the workers first"
        ) from error


def _free(connection: Connection) -> None:
    # Roll back explicitly, because the server notices only a moment later that a connection has ended.
    try:
        connection.rollback()
    except DBAPIError:
        # The server has ended the connection, and the lock with it.
        connection.invalidate()
    finally:
        connection.close()


def _held(where: str) -> TryLater:
    return TryLater(f"another run holds the lock on {where}, or a notice is on its way; try again when it has ended")
