"""Read which editions have letters that are owed or in doubt, for a monitor that asks again and again.

No query here counts the rows of an edition, because an edition may have a million; `count_states` alone does, and its
caller asks it seldom.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select

from digest.ledger.states import OPEN_STATES
from digest.store.schema import delivery, edition, edition_entry


class OpenEdition(NamedTuple):
    """Hold a frozen edition that is not settled; `pending`, `claimed`, `uncertain`: whether it has such a letter."""

    number: int
    cadence: str
    slot: str
    stopped: bool
    frozen_at: datetime
    pending: bool
    claimed: bool
    uncertain: bool

    @property
    def owes(self) -> bool:
        """Return whether it has a letter that is to be handed over still."""
        return self.pending or self.claimed


def open_editions(conn: Connection) -> list[OpenEdition]:
    """Return the frozen editions with letters that are owed or in doubt, oldest first."""
    states = [_has(state) for state in OPEN_STATES]
    columns = (edition.c.id, edition.c.cadence, edition.c.slot, edition.c.held, edition.c.frozen_at)
    query = select(*columns, *states).where(edition.c.state == "frozen", _has(*OPEN_STATES))
    return [OpenEdition(*row) for row in conn.execute(query.order_by(edition.c.id))]


def newest_claim(conn: Connection, numbers: Collection[int]) -> datetime | None:
    """Return when the newest of the deliveries of editions that are claimed now was claimed; None without one."""
    claimed = (delivery.c.edition_id.in_(sorted(numbers)), delivery.c.state == "claimed")
    newest: datetime | None = conn.scalar(select(func.max(delivery.c.updated_at)).where(*claimed))
    return newest


def are_ripe_since(conn: Connection, numbers: Collection[int], since: datetime) -> bool:
    """Return whether editions have a letter that could have been handed over ever since an instant.

    Not by the rule of `deliveries`, because a letter that is ripe since its reader ended a pause is so since then.
    """
    waits_no_more = or_(delivery.c.retry_at.is_(None), delivery.c.retry_at <= since)
    ripe = (delivery.c.state == "pending", delivery.c.updated_at <= since, waits_no_more)
    query = select(delivery.c.id).where(delivery.c.edition_id.in_(sorted(numbers)), *ripe)
    return conn.scalar(query.limit(1)) is not None


def has_entries(conn: Connection, number: int) -> bool:
    """Return whether an edition has any entry that is new in it."""
    new = (edition_entry.c.edition_id == number, edition_entry.c.release > 0)
    return conn.scalar(select(edition_entry.c.entry_id).where(*new).limit(1)) is not None


def count_states(conn: Connection, numbers: Collection[int]) -> dict[int, dict[str, int]]:
    """Count the deliveries of editions by state. It reads an index with all their rows: ask it seldom."""
    counts: dict[int, dict[str, int]] = {number: {} for number in numbers}
    query = select(delivery.c.edition_id, delivery.c.state, func.count())
    query = query.where(delivery.c.edition_id.in_(sorted(numbers))).group_by(delivery.c.edition_id, delivery.c.state)
    for number, state, count in conn.execute(query):
        counts[number][state] = count
    return counts


def _has(*states: str) -> ColumnElement[bool]:
    return exists().where(delivery.c.edition_id == edition.c.id, delivery.c.state.in_(states))
