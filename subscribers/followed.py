"""Tell what active subscribers follow: count it, and list those who chose a policy area and a region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, Connection, func, literal, select

from subscribers.model import Reader
from subscribers.rows import READER_COLUMNS, to_reader
from subscribers.tables import subscriber


@dataclass(frozen=True, slots=True)
class Followed:
    """The number of active subscribers by the name of their cadence, and by the slugs that they follow.

    `sets` counts them by facet ("regions") and by all slugs of it that they follow; `zones` counts those who have a
    time zone of their own.
    """

    cadences: Counter[str]
    policy_areas: Counter[str]
    regions: Counter[str]
    themes: Counter[str]
    sets: Mapping[str, Counter[frozenset[str]]]
    zones: Counter[str]


def followed(conn: Connection) -> Followed:
    """Count the cadences, policy areas, regions and themes of active subscribers.

    A subscriber who follows all of a facet is not counted for that facet.
    """
    names = ("policy_areas", "regions", "themes")
    sets = {name: _sets(conn, subscriber.c[name]) for name in names}
    areas, regions, themes = (_single(sets[name]) for name in names)
    cadences, zones = (_single(_sets(conn, column)) for column in (subscriber.c.cadence, subscriber.c.zone))
    return Followed(cadences, areas, regions, themes, sets, zones)


def following(conn: Connection, cadence: str, chosen: tuple[str, str], *, after: int = 0, limit: int) -> list[Reader]:
    """Return the active subscribers of a cadence who chose a policy area and a region, in the order of ids.

    `chosen` are the slugs of both, "" for those who chose none, and so follow all. `after`: with a higher id only.
    """
    columns = (subscriber.c.policy_areas, subscriber.c.regions)
    theirs = (_holds(column, slug) for column, slug in zip(columns, chosen, strict=True))
    query = select(*READER_COLUMNS).where(subscriber.c.cadence == cadence, subscriber.c.state == "active", *theirs)
    query = query.where(subscriber.c.id > after).order_by(subscriber.c.id).limit(limit)
    return [to_reader(row) for row in conn.execute(query).all()]


def _holds(column: Column[str], slug: str) -> ColumnElement[bool]:
    """Return the condition that a column of slugs joined by ";" holds one; for "" that it holds none."""
    return (literal(";") + column + ";").contains(f";{slug};", autoescape=True) if slug else column == ""


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
