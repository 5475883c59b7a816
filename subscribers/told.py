"""Read what a subscriber told beside what they chose."""

from __future__ import annotations

from sqlalchemy import Connection, select

from subscribers.tables import leaving


def told_on_leaving(conn: Connection, id: int) -> dict[str, str] | None:
    """Return when and why a subscriber left, as `at`, `reason` and `text`, or None when they did not say."""
    row = conn.execute(select(leaving).where(leaving.c.subscriber_id == id)).one_or_none()
    return None if row is None else {"at": row.at.isoformat(), "reason": row.reason, "text": row.text}
