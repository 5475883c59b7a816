"""A subscriber as a row and back: what the store and the import share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from subscribers.invisible import one_line
from subscribers.model import Interests, Subscriber
from subscribers.tables import consent_event, subscriber

LONGEST_NAME = 200  # characters

COLUMNS = (
    subscriber.c.id,
    subscriber.c.email,
    subscriber.c.name,
    subscriber.c.cadence,
    subscriber.c.policy_areas,
    subscriber.c.regions,
    subscriber.c.themes,
    subscriber.c.elsewhere,
    subscriber.c.language,
    subscriber.c.state,
    subscriber.c.paused_until,
    subscriber.c.joined_at,
)


def to_subscriber(row: tuple[Any, ...]) -> Subscriber:
    """Make a Subscriber of a row with the columns of `COLUMNS`, in their order."""
    id, email, name, cadence, areas, regions, themes, elsewhere, language, state, paused, joined = row
    interests = Interests(_slugs(areas), _slugs(regions), _slugs(themes), elsewhere)
    return Subscriber(id, email, name, cadence, interests, language, state, paused, joined)


@lru_cache(maxsize=20_000)
def _slugs(joined: str) -> frozenset[str]:
    # Each facet by itself: of 20 policy areas people choose some thousand sets, of all three far more.
    return frozenset(joined.split(";")) if joined else frozenset()


def clean_name(name: str) -> str:
    """Return a name fit for a header and a page: one line, single spaces, nothing unseen, 200 characters."""
    return one_line(name)[:LONGEST_NAME].rstrip()


def interest_columns(interests: Interests) -> dict[str, str | bool]:
    """Return the columns that hold `interests`. Raises ValueError for a slug that could not be split again."""
    columns: dict[str, str | bool] = {"elsewhere": interests.elsewhere}
    for facet in ("policy_areas", "regions", "themes"):
        slugs: frozenset[str] = getattr(interests, facet)
        if any(not slug or ";" in slug or slug != slug.strip() for slug in slugs):
            raise ValueError(f"{facet}: a slug must not be empty, hold ';' or begin or end with a space")
        columns[facet] = ";".join(sorted(slugs))
    return columns


def record(conn: Connection, events: Sequence[tuple[int, str]], *, how: str, now: datetime) -> None:
    """Add (subscriber id, what) pairs to the consent history."""
    if events:
        rows = [{"subscriber_id": id, "what": what, "how": how, "at": now} for id, what in events]
        conn.execute(insert(consent_event), rows)


def write_all(conn: Connection, changed: Sequence[Subscriber]) -> None:
    """Store everything of these subscribers but id and address."""
    if changed:
        conn.execute(
            update(subscriber).where(subscriber.c.id == bindparam("key")),
            [{"key": one.id, **columns_of(one)} for one in changed],
        )


def columns_of(one: Subscriber) -> dict[str, Any]:
    """Return {column: value} for everything of a subscriber but id and address."""
    return {
        "name": one.name,
        "cadence": one.cadence,
        **interest_columns(one.interests),
        "language": one.language,
        "state": one.state,
        "paused_until": one.paused_until,
        "joined_at": one.joined_at,
    }
