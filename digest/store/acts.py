"""Store the audit log of the desk: every act of a person, in order, with the values before and after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from digest.store.desk_tables import act
from subscribers.database import chunks

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """One act: who (`by`) did what (`verb`) to what ("entry 12"), with the values that it changed.

    `undoes` is the number of the act that it took back, or None.
    """

    number: int
    at: datetime
    by: str
    verb: str
    object_name: str
    before: Values
    after: Values
    undoes: int | None = None


def add(conn: Connection, done: Act) -> int:
    """Store an act, whose own number counts for nothing; return the number it gets."""
    values = {
        "at": done.at, "by": done.by, "verb": done.verb, "object_name": done.object_name,
        "before": dict(done.before), "after": dict(done.after), "undoes": done.undoes,
    }  # fmt: skip
    return int(conn.execute(insert(act).values(values).returning(act.c.id)).scalar_one())


def get(conn: Connection, number: int) -> Act | None:
    """Return one act, or None."""
    row = conn.execute(select(act).where(act.c.id == number)).one_or_none()
    return _act(row) if row else None


def newest(conn: Connection) -> int:
    """Return the number of the newest act of all, 0 without any."""
    return conn.scalar(select(func.max(act.c.id))) or 0


def newest_of(conn: Connection, object_names: Iterable[str]) -> dict[str, int]:
    """Return the number of the newest act of each object that has any: its version."""
    versions: dict[str, int] = {}
    for chunk in chunks(sorted(set(object_names))):
        query = select(act.c.object_name, func.max(act.c.id)).where(act.c.object_name.in_(chunk))
        versions.update((row[0], row[1]) for row in conn.execute(query.group_by(act.c.object_name)))
    return versions


def version_of(conn: Connection, object_name: str) -> int:
    """Return the number of the newest act on one object, 0 without any."""
    return newest_of(conn, [object_name]).get(object_name, 0)


def listing(
    conn: Connection, *, after: int = 0, before: int | None = None, object_name: str = "", limit: int | None = 200
) -> list[Act]:
    """Return the newest acts, the newest first: with a number above `after`, of one object where it is named.

    `before`: only those with a lower number; `limit` None: all of them.
    """
    query = select(act).where(act.c.id > after).order_by(act.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(act.c.id < before)
    if object_name:
        query = query.where(act.c.object_name == object_name)
    return [_act(row) for row in conn.execute(query)]


def undone(conn: Connection, numbers: Sequence[int]) -> dict[int, int]:
    """Return {act: the act that took it back} for those of some acts that were taken back."""
    pairs: dict[int, int] = {}
    for chunk in chunks(numbers):
        rows = conn.execute(select(act.c.undoes, act.c.id).where(act.c.undoes.in_(chunk)))
        pairs.update((row[0], row[1]) for row in rows)
    return pairs


def _act(row: Row[Any]) -> Act:
    return Act(row.id, row.at, row.by, row.verb, row.object_name, row.before, row.after, row.undoes)
