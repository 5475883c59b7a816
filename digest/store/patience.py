"""Wait for a database that is away, to write down what nobody else knows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine

from digest.errors import TryLater
from digest.store.engine import writing
from digest.store.sqlstate import DatabaseAway

_log = logging.getLogger(__name__)

_TRIES, _PAUSE = 60, 2.0  # two minutes if each try fails at once


def write_patiently(
    engine: Engine, name: str, work: Callable[[Connection], None], *, tries: int = _TRIES, pause: float = _PAUSE
) -> None:
    """Do `work` in a transaction, again and again while the database is away, with `pause` seconds between.

    `work` must be safe to repeat, because a commit that was not answered may have been made. `name` as for `writing`.
    Raises TryLater when the database stays away; also after a wait for a PostgreSQL server, when all is written,
    because the run lock may have gone with its session and another run may have begun.
    """
    for number in range(1, tries + 1):
        try:
            with writing(engine, name) as connection:
                work(connection)
        except DatabaseAway as away:
            if number == tries:
                raise TryLater(
                    f"{away}. It stayed away, so that answers of the transport could not be recorded: the next run"
                    " lists their deliveries as in doubt, see `digest settle`"
                ) from away
            if number == 1:
                _log.warning("%s; waiting to record the answers that came, please leave this program running", away)
            time.sleep(pause)
            continue
        if number > 1:
            _log.warning("the database is back, and every answer that came is recorded")
            if engine.dialect.name == "postgresql":
                raise TryLater("the database was away for a while; every answer that came is recorded: run again")
        return
