"""Deliveries: what became of every eligible reader of an edition, one row each, and the receipt they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from digest.model import Digest, Edition, Group, Placed, Reason, Receipt, Section
from digest.store.schema import delivery, digest, digest_entry, edition, mark

# The mark of a reader in one of these moves when the edition is frozen; a held or suppressed one's does not.
CONSIDERED = ("pending", "empty")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the account. `digest`: None where no letter was planned."""

    id: int
    edition: int
    subscriber: int
    digest: int | None
    state: str
    reason: str


def add_digest(conn: Connection, number: int, one: Digest) -> int:
    """Store what one set of readers gets in edition `number`; return the digest's id."""
    plan = {
        "sections": [
            {
                "key": section.key,
                "groups": [
                    {
                        "slug": group.slug,
                        "placed": [[p.entry, p.reason.code, p.reason.slug, p.reason.region] for p in group.placed],
                    }
                    for group in section.groups
                ],
            }
            for section in one.sections
        ],
        "more": one.more,
        "left_out": [list(pair) for pair in one.left_out],
    }
    made = conn.execute(insert(digest).values(edition_id=number, plan=plan).returning(digest.c.id)).scalar_one()
    rows = [{"digest_id": made, "entry_id": placed.entry} for placed in one.placed]
    if rows:
        conn.execute(insert(digest_entry), rows)
    return int(made)


def digests(conn: Connection, ids: Iterable[int]) -> dict[int, Digest]:
    """Return stored digests by id."""
    rows = conn.execute(select(digest.c.id, digest.c.plan).where(digest.c.id.in_(sorted(set(ids)))))
    return {row.id: _digest(row.plan) for row in rows}


def add(conn: Connection, number: int, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Write deliveries of edition `number`: rows of subscriber_id, digest_id, state, reason."""
    if rows:
        conn.execute(insert(delivery), [{"edition_id": number, "updated_at": now, **row} for row in rows])


def move_marks(conn: Connection, one: Edition) -> None:
    """Move the mark of every reader this edition considered to its last release."""
    considered = select(delivery.c.subscriber_id).where(
        delivery.c.edition_id == one.id, delivery.c.state.in_(CONSIDERED)
    )
    moved = update(mark).where(mark.c.subscriber_id.in_(considered), mark.c.release < one.to_release)
    conn.execute(moved.values(release=one.to_release))


def pending(conn: Connection, number: int, limit: int | None) -> list[Delivery]:
    """Return the next deliveries that are owed, in order of their ids."""
    return _select(conn, delivery.c.edition_id == number, delivery.c.state == "pending", limit=limit)


def in_state(conn: Connection, state: str, number: int | None = None) -> list[Delivery]:
    """Return all deliveries in `state`, of edition `number` or of all."""
    where = [delivery.c.state == state]
    if number is not None:
        where.append(delivery.c.edition_id == number)
    return _select(conn, *where)


def of_subscriber(conn: Connection, subscriber: int) -> list[Delivery]:
    """Return a subscriber's deliveries, newest first."""
    return list(reversed(_select(conn, delivery.c.subscriber_id == subscriber)))


def claim(conn: Connection, ids: Sequence[int], run: int, now: datetime) -> None:
    """Take pending deliveries for `run`; nobody else hands them over from here on."""
    taken = update(delivery).where(delivery.c.id.in_(ids), delivery.c.state == "pending")
    conn.execute(taken.values(state="claimed", run_id=run, updated_at=now))


def settle(conn: Connection, outcomes: Iterable[tuple[int, str, str]], now: datetime) -> None:
    """Record (delivery id, state, reason) triples, once each; ids are ours, states as in schema.delivery."""
    by_outcome: dict[tuple[str, str], list[int]] = {}
    for number, state, reason in outcomes:
        by_outcome.setdefault((state, reason), []).append(number)
    for (state, reason), ids in by_outcome.items():
        conn.execute(
            update(delivery).where(delivery.c.id.in_(ids)).values(state=state, reason=reason, updated_at=now)
        )


def owed(conn: Connection) -> list[int]:
    """Return the frozen editions that still have pending deliveries, oldest first."""
    query = (
        select(delivery.c.edition_id)
        .join(edition, edition.c.id == delivery.c.edition_id)
        .where(delivery.c.state == "pending", edition.c.held.is_(False))
        .distinct()
        .order_by(delivery.c.edition_id)
    )
    return list(conn.scalars(query))


def receipt(conn: Connection, one: Edition) -> Receipt:
    """Return the account of an edition: who was eligible when it was frozen, and what its rows say became of them."""
    eligible = conn.scalar(select(edition.c.eligible).where(edition.c.id == one.id)) or 0
    query = select(delivery.c.state, func.count()).where(delivery.c.edition_id == one.id).group_by(delivery.c.state)
    counts: dict[str, int] = {row[0]: row[1] for row in conn.execute(query)}
    return Receipt(
        edition=one.id,
        cadence=one.cadence,
        slot=one.slot,
        eligible=eligible,
        pending=counts.pop("pending", 0) + counts.pop("claimed", 0),
        **counts,
    )


def _select(conn: Connection, *where: Any, limit: int | None = None) -> list[Delivery]:
    query = select(delivery).where(*where).order_by(delivery.c.id).limit(limit)
    return [
        Delivery(row.id, row.edition_id, row.subscriber_id, row.digest_id, row.state, row.reason)
        for row in conn.execute(query)
    ]


def _digest(plan: dict[str, Any]) -> Digest:
    sections = tuple(
        Section(
            section["key"],
            tuple(
                Group(
                    group["slug"],
                    tuple(Placed(entry, Reason(code, slug, region)) for entry, code, slug, region in group["placed"]),
                )
                for group in section["groups"]
            ),
        )
        for section in plan["sections"]
    )
    return Digest(sections, plan["more"], tuple((entry, why) for entry, why in plan["left_out"]))
