"""Count what active subscribers follow, to find values that config.toml no longer has."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Column, Connection, func, select

from subscribers.tables import subscriber


@dataclass(frozen=True, slots=True)
class Followed:
    """The number of active subscribers by the name of their cadence, and by the slugs that they follow."""

    cadences: Counter[str]
    policy_areas: Counter[str]
    themes: Counter[str]


def followed(conn: Connection) -> Followed:
    """Count the cadences, policy areas and themes of active subscribers.

    A subscriber who follows all of a facet is not counted for that facet.
    """
    return Followed(
        _count(conn, subscriber.c.cadence), _count(conn, subscriber.c.policy_areas), _count(conn, subscriber.c.themes)
    )


def _count(conn: Connection, column: Column[str]) -> Counter[str]:
    """Return {slug: number of active subscribers} for a column that holds slugs joined by ";"."""
    counts: Counter[str] = Counter()
    query = select(column, func.count()).where(subscriber.c.state == "active").group_by(column)
    for joined, subscribers in conn.execute(query):
        counts.update({slug: subscribers for slug in joined.split(";") if slug})
    return counts
