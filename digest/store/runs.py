"""Runs: when the program worked, what came of it, and the account it printed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from digest.store.deliveries import Delivery
from digest.store.schema import run
from subscribers.database import chunks


def start(conn: Connection, command: str, now: datetime, transport: str = "") -> int:
    """Open a run that hands over by `transport` (`TransportSettings.where`); return the id that claims deliveries."""
    made = insert(run).values(command=command, started_at=now, account={"transport": transport})
    return int(conn.execute(made.returning(run.c.id)).scalar_one())


def handed_over_by(conn: Connection, transport: str, found: Sequence[Delivery]) -> list[Delivery]:
    """Return the deliveries that a run may have handed over by `transport`: of the others it knows nothing."""
    numbers = sorted({one.run for one in found if one.run is not None})
    used: dict[int, str] = {}
    for some in chunks(sorted(numbers)):
        for row in conn.execute(select(run.c.id, run.c.account).where(run.c.id.in_(some))):
            used[row.id] = (row.account or {}).get("transport") or transport  # a run of before this was kept
    return [one for one in found if one.run is not None and used.get(one.run) == transport]


def finish(conn: Connection, number: int, outcome: str, account: dict[str, Any], now: datetime) -> None:
    """Close a run with its one-line outcome and its account (receipts and sources, as printed)."""
    conn.execute(update(run).where(run.c.id == number).values(finished_at=now, outcome=outcome, account=account))


def newest(conn: Connection, limit: int = 10) -> list[dict[str, Any]]:
    """Return the newest runs: id, command, started_at, finished_at, outcome, account."""
    rows = conn.execute(select(run).order_by(run.c.id.desc()).limit(limit))
    return [
        {
            "id": row.id,
            "command": row.command,
            "started_at": row.started_at.isoformat(),
            "finished_at": row.finished_at.isoformat() if row.finished_at else None,
            "outcome": row.outcome,
            "account": row.account,
        }
        for row in rows
    ]
