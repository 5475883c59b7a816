"""Connect to PostgreSQL: also through a pooler in transaction mode, and never waiting for ever.

Nothing here or above keeps a state in the server's session, because a pooler gives each transaction another one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.exc import SQLAlchemyError

from digest.errors import ConfigError
from digest.store.deadline import shortest_wait
from digest.system import stopping

_STOPPING = 2.0  # seconds that a transaction waits for a lock once a stop was asked for
_FIXED = {
    "client_encoding": "utf8",
    # No prepared statements, because a pooler may give the next transaction another session.
    "prepare_threshold": None,
}
# Within 20 seconds the server ends a transaction whose client has gone without a word, as a machine that is cut off;
# by itself it would keep the locks for two hours. A claim's locks stop every other sender and readers who leave.
_KEEPALIVES = {
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 5,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_NOTICE_LOSS = "".join(f"; SET LOCAL {name} = {value}" for name, value in _KEEPALIVES.items())
NOTICE_LOSS = "; ".join(f"SET {name} = {value}" for name, value in _KEEPALIVES.items())  # for a whole session
FIRST_NOTICING = (12,)  # the first PostgreSQL that has all four
# The numbers of the sessions of each engine at its server.
_sessions: WeakKeyDictionary[Dialect, set[int]] = WeakKeyDictionary()


def make_postgresql(url: URL, wait: float) -> Engine:
    """Return an engine for a PostgreSQL database; `wait`: seconds to wait for a connection and for a lock."""
    try:
        engine = create_engine(
            url,
            # Each connection is tried before use, because a daemon's connections may be older than the server's
            # last restart.
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={key: url.query.get(key, value) for key, value in _defaults(wait).items()} | _FIXED,
        )
    except ImportError as error:  # psycopg is missing, or is there without libpq
        cure = 'pip install "learning-digest[postgresql]"'
        raise ConfigError([f"storage.url: the PostgreSQL driver is not installed; {cure}"]) from error
    _note_sessions(engine)
    _refuse_encodings(engine)
    _limit_waits(engine, wait)
    return engine


def driver_parameters(engine: Engine) -> dict[str, Any]:
    """Return what an engine gives to the driver for a connection, for a library that has connections of its own."""
    _, parameters = engine.dialect.create_connect_args(engine.url)
    return {**_defaults(30.0), **parameters, **_FIXED}


@contextmanager
def heeding_stop(engine: Engine) -> Iterator[None]:
    """Cancel what waits for another session's lock during the block, when a stop is requested."""
    if stopping.asked():
        yield  # because `_limit_waits` keeps the wait short
        return

    def cancel() -> None:
        # A thread, because a signal handler must not wait for the network.
        threading.Thread(target=_cancel_waiting, args=(engine,), daemon=True).start()

    with stopping.telling(cancel):
        yield


def _cancel_waiting(engine: Engine) -> None:
    """Cancel the statements of this process that wait for a lock; what works goes on."""
    query = text(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = ANY(:pids) AND wait_event_type = 'Lock'"
    )
    with suppress(SQLAlchemyError, ConfigError), engine.connect() as connection:
        connection.detach()  # because the engine may be disposed of meanwhile
        connection.execute(query, {"pids": sorted(_sessions[engine.dialect])})


def _defaults(wait: float) -> dict[str, int | str]:
    """Return the settings of a connection that the address may change."""
    return {
        "connect_timeout": max(2, round(wait)),
        "application_name": "digest",
        # A server that vanished without a word is noticed after about a minute.
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 60_000,
    }


def _note_sessions(engine: Engine) -> None:
    sessions = _sessions.setdefault(engine.dialect, set())

    @event.listens_for(engine, "connect")
    def begin(connection: Any, _record: Any) -> None:
        sessions.add(connection.info.backend_pid)

    @event.listens_for(engine, "close")
    def end(connection: Any, _record: Any) -> None:
        with suppress(Exception):  # because the server may have ended it, and its number with it
            sessions.discard(connection.info.backend_pid)


def _refuse_encodings(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def compare(connection: Any, _record: Any) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding not in (None, "UTF8"):
            connection.close()
            name, role = engine.url.database or "NAME", engine.url.username or "ROLE"
            problem = f"database {name}: its encoding is {encoding}, which cannot hold every letter"
            cure = f"make one in UTF8 and name it in storage.url: `createdb -E UTF8 -T template0 -O {role} NEW_NAME`"
            raise ConfigError([f"{problem}; {cure}"])


def _limit_waits(engine: Engine, wait: float) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        seconds = shortest_wait(min(wait, _STOPPING) if stopping.asked() else wait)
        # For this transaction alone, because a pooler would leave it to another program; 0 would mean no limit.
        limit = f"SET LOCAL lock_timeout = {max(1, round(seconds * 1000))}"
        version = connection.dialect.server_version_info or ()
        # All in one message, because each costs a round trip.
        connection.exec_driver_sql(limit + (_NOTICE_LOSS if version >= FIRST_NOTICING else ""))
