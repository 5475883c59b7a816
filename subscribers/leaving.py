"""Keep why readers left, where they liked to say it, and tell when a reader left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from subscribers.characters import whole_characters
from subscribers.database import dialect_insert
from subscribers.rows import last_events
from subscribers.tables import leaving

REASONS_TO_LEAVE = ("too-many", "not-for-me", "elsewhere", "other-work", "never-asked", "other")
LONGEST_REASON = 500  # characters of own words


class LeavingWords(NamedTuple):
    """The own words of somebody who left, without their name: when, the reason that they chose, and the text."""

    at: datetime
    reason: str
    text: str


def left_at(conn: Connection, subscriber: int) -> datetime | None:
    """Return when a subscriber left last, or None."""
    return last_events(conn, "left", [subscriber]).get(subscriber)


def keep_reason(conn: Connection, subscriber: int, reason: str, text: str, now: datetime) -> None:
    """Store why a subscriber left; it replaces what they told before."""
    row = dialect_insert(conn)(leaving).values(
        subscriber_id=subscriber, reason=reason, text=whole_characters(text, LONGEST_REASON), at=now
    )
    again = {name: row.excluded[name] for name in ("reason", "text", "at")}
    conn.execute(row.on_conflict_do_update(index_elements=["subscriber_id"], set_=again))


def count_reasons(conn: Connection) -> Counter[str]:
    """Count why people left, by reason."""
    rows = conn.execute(select(leaving.c.reason, func.count()).group_by(leaving.c.reason))
    return Counter({row[0]: row[1] for row in rows})


def own_words(conn: Connection, most: int = 100) -> Sequence[LeavingWords]:
    """Return the newest own words of people who left, without who they were."""
    query = select(leaving.c.at, leaving.c.reason, leaving.c.text).where(leaving.c.text != "")
    return [LeavingWords(*row) for row in conn.execute(query.order_by(leaving.c.at.desc()).limit(most))]
