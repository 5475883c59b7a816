"""Store the state of each source between two gathers, and a record of every gather."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, literal_column, select, update

from digest.errors import without_secrets
from digest.model import Source
from digest.store.schema import gathering, source_state
from subscribers.database import chunks

_USUAL_OVER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class State:
    """Hold the state of a source between two gathers. Instants are aware UTC; `first_ok_at` None: never read yet."""

    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    first_ok_at: datetime | None = None
    checked_at: datetime | None = None
    ok_at: datetime | None = None
    not_before: datetime | None = None
    failures: int = 0
    error: str | None = None
    gone: bool = False
    location: str | None = None
    moved_to: str | None = None
    moved_count: int = 0
    moved_since: datetime | None = None
    hold_next: bool = False
    cut: str | None = None
    shown: list[int] | None = None
    parts: str | None = None


@dataclass(frozen=True, slots=True)
class Gathering:
    """Hold the result of one gather of one source. `status`: ok, not-modified, held or failed (`error`: why).

    `lasting` is the part of `error` that stays true until a reading shows otherwise: what was mended or left out.
    `withheld` counts the entries shown that their source has not released yet, or not any longer. `unread` is a line
    about pages of its entries that are asked no more, or "".
    """

    name: str
    status: str
    new: int = 0
    changed: int = 0
    same: int = 0
    held: int = 0
    error: str | None = None
    withheld: int = 0
    unread: str = ""
    lasting: str | None = None


def state_of(conn: Connection, source: Source) -> State:
    """Return the state of a source, as `states_of` does."""
    return states_of(conn, [source])[source.name]


def states_of(conn: Connection, sources: Sequence[Source]) -> dict[str, State]:
    """Return the state of each source, by name and in their order.

    When a configured url or path has changed, the facts about the former one are left out.
    """
    rows: dict[str, Row[Any]] = {}
    for names in chunks([source.name for source in sources]):
        rows.update(
            (row.name, row) for row in conn.execute(select(source_state).where(source_state.c.name.in_(names)))
        )
    return {source.name: _state_at(rows.get(source.name), source) for source in sources}


def keep_state(conn: Connection, source: Source, **facts: Any) -> None:
    """Store new facts about a source; `facts` are fields of State."""
    facts["location"] = _location(source)
    for plain in _stored_plainly(conn, [source]):
        _clean(conn, plain)
    change = update(source_state).where(source_state.c.name == source.name).values(facts)
    if conn.execute(change).rowcount == 0:
        conn.execute(insert(source_state).values(name=source.name, failures=facts.pop("failures", 0), **facts))


def keep_states(conn: Connection, facts: Mapping[Source, Mapping[str, Any]]) -> None:
    """Store new facts about sources that were read before, as `keep_state` does, those of equal fields at once."""
    for source in _stored_plainly(conn, list(facts)):
        _clean(conn, source)
    by_fields: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for source, values in facts.items():
        row = {"of": source.name, "location": _location(source), **values}
        by_fields.setdefault(tuple(row), []).append(row)
    for rows in by_fields.values():
        conn.execute(update(source_state).where(source_state.c.name == bindparam("of")), rows)


def add_gatherings(conn: Connection, results: Sequence[Gathering], now: datetime) -> None:
    """Store the results of gathering sources."""
    rows = [
        {
            "source": result.name, "at": now, "status": result.status, "error": result.error, "new": result.new,
            "changed": result.changed, "same": result.same, "held": result.held,
        }
        for result in results
    ]  # fmt: skip
    conn.execute(insert(gathering), rows)


def count_failed(conn: Connection, source: str, since: datetime, until: datetime) -> int:
    """Count the gathers of a source that failed between two instants."""
    failed = select(func.count()).where(
        gathering.c.source == source, gathering.c.status == "failed", gathering.c.at.between(since, until)
    )
    return conn.scalar(failed) or 0


def note_before(conn: Connection, source: str) -> str | None:
    """Return the note of the last reading but one of a source that did not fail; None when there is none."""
    good = select(gathering.c.error).where(gathering.c.source == source, gathering.c.status != "failed")
    note: str | None = conn.scalar(good.order_by(gathering.c.id.desc()).offset(1).limit(1))
    return note


def usual(conn: Connection, source: str, now: datetime) -> list[int]:
    """Return how many entries were new in each gather of the last 30 days, without the baseline and without zeros."""
    first = select(func.min(gathering.c.at)).where(gathering.c.source == source, gathering.c.status != "failed")
    rows = conn.scalars(
        select(gathering.c.new).where(
            gathering.c.source == source,
            gathering.c.at >= now - _USUAL_OVER,
            gathering.c.at > first.scalar_subquery(),
            gathering.c.new > 0,
        )
    )
    return list(rows)


def new_by_day(conn: Connection, since: datetime) -> dict[str, dict[date, int]]:
    """Return, by source, how many entries were new on each day of UTC that brought any, without the baseline."""
    at = gathering.c.at if conn.dialect.name == "sqlite" else func.timezone("UTC", gathering.c.at)
    day = func.date(at)
    query = select(gathering.c.source, day, func.sum(gathering.c.new)).where(
        gathering.c.at >= since,
        gathering.c.new > literal_column("0"),  # no parameter, so that the index of these rows is used
        gathering.c.source == source_state.c.name,
        gathering.c.at > source_state.c.first_ok_at,
    )
    days: dict[str, dict[date, int]] = {}
    for name, when, count in conn.execute(query.group_by(gathering.c.source, day)):
        days.setdefault(name, {})[date.fromisoformat(str(when))] = int(count)
    return days


def hold_next(conn: Connection) -> None:
    """Hold the next new entries of every stored source for an editor."""
    conn.execute(update(source_state).values(hold_next=True))


def all_states(conn: Connection) -> dict[str, State]:
    """Return the state of every source that was ever read, by name."""
    return {row.name: _state(row) for row in conn.execute(select(source_state))}


def _state_at(row: Row[Any] | None, source: Source) -> State:
    """Return the state in a row where it is of the configured url or path."""
    if row is None:
        return State()
    if row.location not in (_location(source), source.url or source.path):
        return State(first_ok_at=row.first_ok_at, ok_at=row.ok_at, hold_next=row.hold_next)
    return _state(row)


def _location(source: Source) -> str:
    """Return a hash of the configured url or path, because a url may hold a password or key."""
    return hashlib.sha256(str(source.url or source.path).encode()).hexdigest()


def _state(row: Row[Any]) -> State:
    facts = {k: v for k, v in row._mapping.items() if k != "name"}
    return State(**facts | {"error": without_secrets(row.error) if row.error else row.error})


def _stored_plainly(conn: Connection, sources: Sequence[Source]) -> list[Source]:
    """Return the sources whose location an earlier version stored as their address itself."""
    addresses = {source.name: source.url or source.path for source in sources}
    stored: set[str] = set()
    for chunk in chunks(sorted({address for address in addresses.values() if address})):
        rows = conn.execute(
            select(source_state.c.name, source_state.c.location).where(source_state.c.location.in_(chunk))
        )
        stored |= {row.name for row in rows if addresses.get(row.name) == row.location}
    return [source for source in sources if source.name in stored]


def _clean(conn: Connection, source: Source) -> None:
    """Take passwords out of what an earlier version stored, at the first gather after the upgrade.

    That version stored the address itself as location, and messages that quote it.
    """
    told = select(gathering.c.id, gathering.c.error).where(
        gathering.c.source == source.name, gathering.c.error.contains("://")
    )
    for row in conn.execute(told).all():
        conn.execute(update(gathering).where(gathering.c.id == row.id).values(error=without_secrets(row.error)))
