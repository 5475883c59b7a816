"""Store the robots.txt of servers, so that each is asked once a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from digest.sources.web.robots import RobotsFile
from digest.store.schema import robots_file
from subscribers.database import chunks

_KEPT_FOR = timedelta(days=30)  # to be asked conditionally


def robots_of(conn: Connection, origins: Iterable[str]) -> dict[str, RobotsFile]:
    """Return the robots.txt of servers, by origin, as they were read last."""
    files: dict[str, RobotsFile] = {}
    for chunk in chunks(sorted(set(origins))):
        rows = conn.execute(select(robots_file).where(robots_file.c.origin.in_(chunk)))
        files.update((row.origin, RobotsFile(row.rules, row.asked_at, row.etag)) for row in rows)
    return files


def keep(conn: Connection, files: Mapping[str, RobotsFile], now: datetime) -> None:
    """Store what was read, over what was read before; those not asked for a month go."""
    for chunk in chunks(sorted(files)):
        conn.execute(delete(robots_file).where(robots_file.c.origin.in_(chunk)))
    conn.execute(delete(robots_file).where(robots_file.c.asked_at < now - _KEPT_FOR))
    rows = [
        {"origin": origin, "rules": file.rules, "asked_at": file.asked_at, "etag": file.etag}
        for origin, file in files.items()
    ]
    if rows:
        conn.execute(insert(robots_file), rows)
