"""Store which entries the letters of an edition had no room for, and read to whom they may be offered again.

Nothing is stored of a reader: the plans of the letters they have had tell what these showed and had no room for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic_core import from_json
from sqlalchemy import Connection, Text, cast, func, select, update

from digest.group import OVER_CAP
from digest.store.plans import placed_in
from digest.store.releases import HAD
from digest.store.schema import delivery, digest, edition, edition_entry
from subscribers.database import among

# How long ago the editions were frozen from which entries are carried over. It is less than the least retention of
# deliveries, so that all letters that a reader has had since are still there.
_REACH = timedelta(weeks=12)


class PastLetter(NamedTuple):
    """Hold which of some entries a letter showed, and which it had no room for."""

    shown: frozenset[int]
    over_cap: frozenset[int]


def mark_over_cap(conn: Connection, number: int, entries: Collection[int]) -> None:
    """Write down the entries that some letter of an edition had no room for."""
    if entries:
        over = (edition_entry.c.edition_id == number, among(conn, edition_entry.c.entry_id, entries))
        conn.execute(update(edition_entry).where(*over).values(over_cap=True))


def forget_over_cap(conn: Connection) -> None:
    """Let nothing of the editions so far be carried over, because later letters may not be known here."""
    conn.execute(update(edition_entry).where(edition_entry.c.over_cap).values(over_cap=False))


def left_over(conn: Connection, cadence: str, now: datetime) -> dict[int, str]:
    """Return the entries that a cadence's editions of late had no room for in some letter, newest edition first.

    Each has the slot of the newest of these editions.
    """
    newest = func.max(edition.c.slot)
    query = (
        select(edition_entry.c.entry_id, newest)
        .join(edition, edition.c.id == edition_entry.c.edition_id)
        .where(edition.c.cadence == cadence, edition.c.frozen_at >= now - _REACH, edition_entry.c.over_cap)
        .group_by(edition_entry.c.entry_id)
        .order_by(newest.desc(), edition_entry.c.entry_id.desc())
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def editions_of_late(conn: Connection, now: datetime) -> list[int]:
    """Return the editions, of any cadence, from which entries may be carried over."""
    return list(conn.scalars(select(edition.c.id).where(edition.c.frozen_at >= now - _REACH)))


def letters_had(conn: Connection, editions: Collection[int], subscribers: Collection[int]) -> list[tuple[int, int]]:
    """Return the letters that subscribers have had of some editions: pairs (subscriber, digest)."""
    # By two lists of values, because a join would have the database read all deliveries of these editions.
    query = select(delivery.c.subscriber_id, delivery.c.digest_id).where(
        among(conn, delivery.c.edition_id, editions),
        among(conn, delivery.c.subscriber_id, subscribers),
        delivery.c.state.in_(HAD),
    )
    return [(row[0], row[1]) for row in conn.execute(query)]


def past_letters(conn: Connection, digests: Iterable[int], entries: frozenset[int]) -> dict[int, PastLetter]:
    """Return which of some entries the letters of these digests showed, and which they had no room for."""
    query = select(digest.c.id, cast(digest.c.plan, Text)).where(among(conn, digest.c.id, sorted(set(digests))))
    letters = {}
    for number, text in conn.execute(query):
        plan = from_json(text)
        left_out = plan["left_out"]
        # Earlier versions stored a list, and carried nothing over.
        over_cap = left_out.get(OVER_CAP, ()) if isinstance(left_out, dict) else ()
        letters[number] = PastLetter(entries.intersection(placed_in(plan)), entries.intersection(over_cap))
    return letters
