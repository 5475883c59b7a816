"""Runs: when the program worked, what came of it, and the account it printed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from digest.store.schema import run


def start(conn: Connection, command: str, now: datetime) -> int:
    """Open a run; return its id, by which it claims deliveries."""
    return int(conn.execute(insert(run).values(command=command, started_at=now).returning(run.c.id)).scalar_one())


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
