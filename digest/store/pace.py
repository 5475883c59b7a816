"""Share limits of rate between all processes of an installation, by the clock of the database.

A row of `pace` says from when on its limit lets the next piece of work begin. No transaction here lasts while anybody
waits, and a process that dies leaves at most what it had reserved unused.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    Interval,
    case,
    delete,
    func,
    literal,
    select,
    type_coerce,
    update,
)

from digest.store.engine import reading, writing
from digest.store.shared_tables import pace
from subscribers.database import UtcDateTime, dialect_insert

# A row that is further ahead was written before the database's clock was set back, and holds nobody up.
LONGEST = 86_400.0  # seconds
_KEPT_FOR = 30 * LONGEST
_SQLITE_FORM = "%Y-%m-%d %H:%M:%f000"  # as `UtcDateTime` stores an instant, so that texts compare as instants do


def reserve(conn: Connection, name: str, gap: float, count: int) -> float:
    """Reserve `count` times `gap` seconds of a name; return the seconds until the first piece of work may begin."""
    busy = max(gap, 0.0) * count
    free_at, now = _upserted(conn, name, _after(conn, _now(conn), busy), _after(conn, _free(conn), busy))
    return max((free_at - now).total_seconds() - busy, 0.0)


def put_back(conn: Connection, name: str, seconds: float) -> None:
    """Let nothing begin for `seconds`, a day at most, because the other side asked for that."""
    later = _after(conn, _now(conn), min(max(seconds, 0.0), LONGEST))
    _upserted(conn, name, later, _latest(conn, _free(conn), later))


def wait_of(conn: Connection, name: str) -> float:
    """Return the seconds until the next piece of work may begin, 0 for at once; reserve nothing."""
    row = conn.execute(select(pace.c.free_at, _now(conn)).where(pace.c.name == name)).one_or_none()
    wait = (row[0] - row[1]).total_seconds() if row else 0.0
    return wait if 0 < wait <= LONGEST else 0.0


def take_turn(conn: Connection, name: str, seconds: float) -> tuple[datetime | None, float]:
    """Take the only turn of a name for `seconds`, a day at most; return until when it is taken, to end it by.

    (None, seconds to wait) where another has it, or its gap has not passed.
    """
    later = _after(conn, _now(conn), min(max(seconds, 0.0), LONGEST))
    is_free = (pace.c.free_at <= _now(conn)) | _is_mistake(conn)
    insert = dialect_insert(conn)(pace).values(name=name, free_at=later)
    upsert = insert.on_conflict_do_update(index_elements=["name"], set_={"free_at": later}, where=is_free)
    until: datetime | None = conn.scalar(upsert.returning(pace.c.free_at))
    return until, 0.0 if until else wait_of(conn, name)


def end_turn(conn: Connection, name: str, until: datetime, gap: float) -> None:
    """End the turn that was taken until `until`: the next may begin after `gap` seconds.

    Changes nothing where the turn ran out and is another's now, or was put back meanwhile.
    """
    mine = (pace.c.name == name, pace.c.free_at == until)
    conn.execute(update(pace).where(*mine).values(free_at=_after(conn, _now(conn), gap)))


def forget_unused(conn: Connection) -> None:
    """Remove the rows that let work begin a month ago, such as those of hosts that nobody asks any more."""
    conn.execute(delete(pace).where(pace.c.free_at < _after(conn, _now(conn), -_KEPT_FOR)))


class StoredPaces:
    """Reserve, take and end in transactions of their own, for those who know no database; for any thread.

    Each method raises as `writing` does, TryLater for a database that is away.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def reserve(self, name: str, gap: float, count: int) -> float:
        """Reserve as the function of this name."""
        with writing(self._engine, "pace") as conn:
            return reserve(conn, name, gap, count)

    def put_back(self, name: str, seconds: float) -> None:
        """Put back as the function of this name."""
        with writing(self._engine, "pace") as conn:
            put_back(conn, name, seconds)

    def wait_of(self, name: str) -> float:
        """Look as the function of this name."""
        with reading(self._engine) as conn:
            return wait_of(conn, name)

    def take_turn(self, name: str, seconds: float) -> tuple[datetime | None, float]:
        """Take a turn as the function of this name."""
        with writing(self._engine, "pace") as conn:
            return take_turn(conn, name, seconds)

    def end_turn(self, name: str, until: datetime, gap: float) -> None:
        """End a turn as the function of this name."""
        with writing(self._engine, "pace") as conn:
            end_turn(conn, name, until, gap)


def _upserted(
    conn: Connection, name: str, first: ColumnElement[Any], after: ColumnElement[Any]
) -> tuple[datetime, datetime]:
    """Store `first` as the instant of a new row, or `after` of one that is there; return it, and the present."""
    insert = dialect_insert(conn)(pace).values(name=name, free_at=first)
    # `after` reads the row once it is locked; clock_timestamp() is the time of that moment, unlike CURRENT_TIMESTAMP.
    upsert = insert.on_conflict_do_update(index_elements=["name"], set_={"free_at": after})
    free_at, now = conn.execute(upsert.returning(pace.c.free_at, _now(conn))).one()
    return free_at, now


def _now(conn: Connection) -> ColumnElement[Any]:
    if conn.dialect.name == "sqlite":
        return type_coerce(func.strftime(_SQLITE_FORM, "now"), UtcDateTime)
    return type_coerce(func.clock_timestamp(), UtcDateTime)


def _after(conn: Connection, instant: ColumnElement[Any], seconds: float) -> ColumnElement[Any]:
    """Return the instant so many seconds later; SQLite counts milliseconds, and rounds up here, never down."""
    if conn.dialect.name == "sqlite":
        shift = f"{math.ceil(seconds * 1000) / 1000:+.3f} seconds"
        return type_coerce(func.strftime(_SQLITE_FORM, instant, shift), UtcDateTime)
    span = literal(timedelta(seconds=seconds), Interval)
    return type_coerce(type_coerce(instant, DateTime(timezone=True)) + span, UtcDateTime)


def _latest(conn: Connection, *instants: ColumnElement[Any]) -> ColumnElement[Any]:
    return (func.max if conn.dialect.name == "sqlite" else func.greatest)(*instants, type_=UtcDateTime)


def _free(conn: Connection) -> ColumnElement[Any]:
    """Return from when on a stored pace is free: not before now."""
    return case((_is_mistake(conn), _now(conn)), else_=_latest(conn, pace.c.free_at, _now(conn)))


def _is_mistake(conn: Connection) -> ColumnElement[bool]:
    return pace.c.free_at > _after(conn, _now(conn), LONGEST)
