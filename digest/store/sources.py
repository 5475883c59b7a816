"""What is known of each configured source between two gathers, and the record of every gather."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from digest.model import Source
from digest.store.schema import gathering, source_state

_KEPT = timedelta(days=180)
_USUAL = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class State:
    """A source between two gathers. Instants are aware UTC; `first_ok_at` None: never read yet."""

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


@dataclass(frozen=True, slots=True)
class Gathering:
    """What one gather of one source brought. `status`: ok, not-modified, held or failed; `error` says why."""

    name: str
    status: str
    new: int = 0
    changed: int = 0
    same: int = 0
    held: int = 0
    error: str | None = None


def state_of(conn: Connection, source: Source) -> State:
    """Return what is known of a source; what belonged to another address of it is forgotten."""
    row = conn.execute(select(source_state).where(source_state.c.name == source.name)).one_or_none()
    if row is None:
        return State()
    facts = {k: v for k, v in row._mapping.items() if k != "name"}
    if row.location != (source.url or source.path):
        return State(first_ok_at=row.first_ok_at, ok_at=row.ok_at, hold_next=row.hold_next)
    return State(**facts)


def keep_state(conn: Connection, source: Source, **facts: Any) -> None:
    """Store what was learnt of a source; `facts` are fields of State."""
    facts["location"] = source.url or source.path
    known = update(source_state).where(source_state.c.name == source.name).values(facts)
    if conn.execute(known).rowcount == 0:
        conn.execute(insert(source_state).values(name=source.name, failures=facts.pop("failures", 0), **facts))


def record(conn: Connection, one: Gathering, now: datetime) -> None:
    """Write down what a gather of one source brought; records older than half a year go."""
    conn.execute(
        insert(gathering).values(
            source=one.name, at=now, status=one.status, new=one.new, changed=one.changed, same=one.same,
            held=one.held, error=one.error,
        )
    )  # fmt: skip
    conn.execute(delete(gathering).where(gathering.c.source == one.name, gathering.c.at < now - _KEPT))


def usual(conn: Connection, source: str, now: datetime) -> list[int]:
    """Return how many entries were new in each gather of the last 30 days that brought any, but for the baseline."""
    first = select(func.min(gathering.c.at)).where(gathering.c.source == source, gathering.c.status != "failed")
    rows = conn.scalars(
        select(gathering.c.new).where(
            gathering.c.source == source,
            gathering.c.at >= now - _USUAL,
            gathering.c.at > first.scalar_subquery(),
            gathering.c.new > 0,
        )
    )
    return list(rows)


def hold_next(conn: Connection) -> None:
    """Let the next new entries of every source known wait for an editor."""
    conn.execute(update(source_state).values(hold_next=True))


def all_states(conn: Connection) -> dict[str, State]:
    """Return what is known of every source ever read, by name."""
    return {
        row.name: State(**{k: v for k, v in row._mapping.items() if k != "name"})
        for row in conn.execute(select(source_state))
    }
