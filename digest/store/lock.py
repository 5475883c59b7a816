"""Let one run at a time work on a database. The kernel or the server frees the lock of a run that was killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from digest.errors import DigestError, TryLater
from digest.store.engine import translate_errors

# Any number will do, as long as no other program uses it for an advisory lock in this database.
_RUN = 0x6469676573740001
_NO_LIMITS = """
    SELECT set_config(name, '0', true) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')
"""


@contextmanager
def run_lock(engine: Engine) -> Iterator[None]:
    """Hold this database's run lock during the block, without waiting for it.

    Raises TryLater when another run holds it, also when that run is in the same process. On SQLite the lock is an
    `flock` on `<database>.lock` (a memory database needs none); on PostgreSQL it is an advisory lock of a
    transaction of its own, which stays open: a pooler in transaction mode keeps its session, and it holds no row or
    snapshot, so that it is in nobody's way.
    """
    if engine.dialect.name == "postgresql":
        with _advisory(engine):
            yield
    elif engine.url.database in (None, "", ":memory:"):
        yield
    else:
        # The real name, because a database that is reached by two names (a symlink) must have one lock.
        with _flock(Path(f"{os.path.realpath(engine.url.database)}.lock")):
            yield


@contextmanager
def _flock(path: Path) -> Iterator[None]:
    import fcntl  # here, because systems without it can still render a preview

    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DigestError(f"lock {path}: {error.strerror}; make room or let this account write there") from error
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
def _advisory(engine: Engine) -> Iterator[None]:
    with translate_errors(engine):
        connection = engine.connect()
    try:
        with translate_errors(engine):
            # Because this transaction is idle as long as the run takes.
            connection.execute(text(_NO_LIMITS))
            # Without a parameter, because one would keep a snapshot open, and vacuum would clean nothing meanwhile.
            held = connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_RUN})").scalar()
        if not held:
            raise _held(f"database {engine.url.database}")
        yield
    finally:
        _free(connection)


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
