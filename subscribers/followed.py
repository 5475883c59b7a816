"""Count what active subscribers follow, to find values that config.toml no longer has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Column, Connection, func, select

from subscribers.tables import subscriber


@dataclass(frozen=True, slots=True)
class Followed:
    """The number of active subscribers by the name of their cadence, and by the slugs that they follow.

    `sets` counts them by facet ("regions") and by all slugs of it that they follow.
    """

    cadences: Counter[str]
    policy_areas: Counter[str]
    regions: Counter[str]
    themes: Counter[str]
    sets: Mapping[str, Counter[frozenset[str]]]


def followed(conn: Connection) -> Followed:
    """Count the cadences, policy areas, regions and themes of active subscribers.

    A subscriber who follows all of a facet is not counted for that facet.
    """
    names = ("policy_areas", "regions", "themes")
    sets = {name: _sets(conn, subscriber.c[name]) for name in names}
    areas, regions, themes = (_single(sets[name]) for name in names)
    return Followed(_single(_sets(conn, subscriber.c.cadence)), areas, regions, themes, sets)


def _sets(conn: Connection, column: Column[str]) -> Counter[frozenset[str]]:
    """Return {slugs: number of active subscribers} for a column that holds slugs joined by ";"."""
    query = select(column, func.count()).where(subscriber.c.state == "active").group_by(column)
    rows = conn.execute(query).all()
    return Counter({frozenset(joined.split(";")): subscribers for joined, subscribers in rows if joined})


def _single(sets: Counter[frozenset[str]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for slugs, subscribers in sets.items():
        counts.update(dict.fromkeys(slugs, subscribers))
    return counts
