"""Count and remove the rows that only grow in number: runs, gatherings, notices, texts, events without a delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, Text, cast, delete, exists, func, or_, select, true

from digest.store.runs import CLOCK
from digest.store.schema import delivery, edition, entry_text, event, gathering, notice, run, tally
from subscribers.database import CHUNK
from subscribers.tables import asked, confirmation

TIMES: dict[Table, Column[Any]] = {
    run: run.c.started_at,
    gathering: gathering.c.at,
    notice: notice.c.updated_at,
    event: event.c.received_at,
    entry_text: entry_text.c.asked_at,
    confirmation: confirmation.c.asked_at,
    asked: asked.c.at,
}
"""The column that tells how old a row is."""


def is_old(conn: Connection, table: Table, before: datetime) -> bool:
    """Return whether `remove` would find rows of a table."""
    at = TIMES[table]
    if table is event:
        # Most events go with their deliveries. To search them all for others, in each run, would take seconds.
        first: datetime | None = conn.scalar(select(at).order_by(table.c.id).limit(1))
        if first is None or first >= before:
            return False
    return conn.scalar(select(_key(table)).where(*_removable(conn, table, before)).limit(1)) is not None


def remove(conn: Connection, table: Table, before: datetime, most: int = CHUNK) -> int:
    """Remove up to `most` rows of a table that are from before an instant and that nothing needs; return how many."""
    key = _key(table)
    ids = list(conn.scalars(select(key).where(*_removable(conn, table, before)).order_by(key).limit(most)))
    if ids:
        conn.execute(delete(table).where(key.in_(ids)))
    return len(ids)


def count_old(conn: Connection, table: Table, before: datetime) -> int:
    """Count the rows of a table that `remove` would remove in the end."""
    return conn.scalar(select(func.count()).select_from(table).where(*_removable(conn, table, before))) or 0


def count_kept(conn: Connection, at: Column[Any]) -> tuple[int, datetime | str | None]:
    """Return how many rows the table of the column `at` has, and the value of that column in its first row."""
    count = conn.scalar(select(func.count()).select_from(at.table)) or 0
    return count, conn.scalar(select(at).order_by(*at.table.primary_key).limit(1))


def database_size(conn: Connection) -> tuple[int, int]:
    """Return how many bytes the database takes, and how many of them SQLite keeps free for new rows."""
    if conn.dialect.name == "postgresql":
        return conn.scalar(select(func.pg_database_size(func.current_database()))) or 0, 0
    pages, free, size = (
        int(conn.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        for name in ("page_count", "freelist_count", "page_size")
    )
    return pages * size, free * size


def server_time(conn: Connection) -> datetime | None:
    """Return what the clock of the database's server says; None where the database is a file of this host."""
    if conn.dialect.name != "postgresql":
        return None
    instant: datetime | None = conn.scalar(select(func.clock_timestamp()))
    return instant


def _key(table: Table) -> Column[Any]:
    [key] = table.primary_key.columns
    return key


def _removable(conn: Connection, table: Table, before: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions of a row that is from before an instant and may go."""
    may_go: ColumnElement[bool] = true()
    if table is run:
        may_go = ~_is_needed(conn, before)
    elif table is notice:
        may_go = notice.c.state.not_in(("pending", "claimed", "uncertain"))
    elif table is event:
        may_go = ~exists().where(delivery.c.id == event.c.delivery_id)
    return TIMES[table] < before, may_go


def _is_needed(conn: Connection, before: datetime) -> ColumnElement[bool]:
    """Return the condition of a run from before an instant that something kept names or needs."""
    # Only of editions as old as these runs, because a search through all deliveries would take seconds.
    editions = select(edition.c.id).where(edition.c.frozen_at < before)
    claims = select(delivery.c.run_id).where(delivery.c.edition_id.in_(editions), delivery.c.run_id.is_not(None))
    return or_(
        # The clock is measured since the newest of these.
        run.c.command == CLOCK,
        # The first, because it tells since when the installation has existed.
        run.c.id == (conn.scalar(select(func.min(run.c.id))) or 0),
        # A receipt names the runs that have it in their account, also a run that handed nothing over. As text,
        # because to read the JSON of each run of a year would take seconds.
        func.coalesce(cast(run.c.account, Text), "").contains('"receipts": [{'),
        run.c.id.in_(select(tally.c.run_id).where(tally.c.run_id.is_not(None))),
        run.c.id.in_(claims),
    )
