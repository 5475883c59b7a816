"""What active subscribers follow, counted: to find what they chose and the installation no longer has. A door."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Column, Connection, func, select

from subscribers.tables import subscriber


@dataclass(frozen=True, slots=True)
class Followed:
    """How many active subscribers follow each cadence, policy area and theme, by name or slug."""

    cadences: Counter[str]
    policy_areas: Counter[str]
    themes: Counter[str]


def followed(conn: Connection) -> Followed:
    """Count what active subscribers follow. Who follows all of a facet is not in its count."""
    return Followed(
        _count(conn, subscriber.c.cadence), _count(conn, subscriber.c.policy_areas), _count(conn, subscriber.c.themes)
    )


def _count(conn: Connection, column: Column[str]) -> Counter[str]:
    """Count the readers of each value of a column that holds slugs joined by ";"."""
    counts: Counter[str] = Counter()
    query = select(column, func.count()).where(subscriber.c.state == "active").group_by(column)
    for joined, readers in conn.execute(query):
        counts.update({slug: readers for slug in joined.split(";") if slug})
    return counts
