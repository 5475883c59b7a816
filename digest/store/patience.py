"""Wait for a database that is away, to record a transport's answers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine

from digest.errors import TryLater
from digest.store.engine import writing
from digest.store.sqlstate import DatabaseAway
from digest.system import stopping

_log = logging.getLogger(__name__)

_LIMIT = 120.0  # seconds; a try that has begun by then is waited for, which may take half a minute more
_PAUSE, _NAP = 2.0, 0.25  # seconds between two tries, and between two looks whether to stop


def write_patiently(
    engine: Engine,
    name: str,
    work: Callable[[Connection], None],
    *,
    limit: float = _LIMIT,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Do `work` in a transaction, again and again while the database is away, for at most `limit` seconds.

    `work` must be safe to repeat, because a commit that was not answered may have been made. `name` as for `writing`.
    Raises TryLater when the database stays away, or is away when a stop is requested; also after a wait for a
    PostgreSQL server, when all is written, because the run lock may have gone with its session and another run may
    have begun.
    """
    end, waited = clock() + limit, False
    while True:
        try:
            with writing(engine, name) as connection:
                work(connection)
            break
        except DatabaseAway as away:
            if stopping.asked() or clock() >= end:
                raise _given_up(away) from away
            if not waited:
                _log.warning("%s; waiting to record the answers that came, please leave this program running", away)
            waited = True
        until = min(clock() + _PAUSE, end)
        # In naps, because a signal does not end a sleep. After a stop, one more try is the last.
        while clock() < until and not stopping.asked():
            sleep(_NAP)
    if waited:
        _log.warning("the database is back, and every answer that came is recorded")
        if engine.dialect.name == "postgresql":
            raise TryLater("the database was away for a while; every answer that came is recorded: run again")


def _given_up(away: DatabaseAway) -> TryLater:
    cause = "This program was asked to stop before it was back" if stopping.asked() else "It stayed away"
    return TryLater(
        f"{away}. {cause}, so that answers of the transport could not be recorded: the next run lists their"
        " deliveries as in doubt, see `digest settle`"
    )
