"""Deliveries: what became of every eligible reader of an edition, one row each, and the receipt they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select, tuple_, update

from digest.ledger.states import before
from digest.model import Digest, Edition, Group, Placed, Reason, Receipt, Section
from digest.store.schema import delivery, digest, digest_entry, edition, mark
from subscribers.database import chunks
from subscribers.tables import subscriber

# The mark of a reader in one of these moves when the edition is frozen; a held one's does not.
CONSIDERED = ("pending", "empty", "suppressed")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the account. `digest`: None where no letter was planned."""

    id: int
    edition: int
    subscriber: int
    digest: int | None
    state: str
    reason: str
    attempts: int
    updated_at: datetime
    unbegun: bool = False  # claimed, and surely no byte of it has left
    run: int | None = None  # that claimed it last


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


def pending(
    conn: Connection, number: int, limit: int, now: datetime, *, after: Delivery | None = None
) -> list[Delivery]:
    """Return the next deliveries of an edition that may be handed over now, those of one digest together.

    `after`: go on from there, past deliveries that were looked at and left as they are.
    """
    where = [delivery.c.edition_id == number, *_ripe(now)]
    if after is not None:
        where.append(tuple_(delivery.c.digest_id, delivery.c.id) > tuple_(after.digest, after.id))
    return _select(conn, *where, order=(delivery.c.digest_id, delivery.c.id), limit=limit)


def in_state(conn: Connection, state: str, number: int | None = None) -> list[Delivery]:
    """Return all deliveries in `state`, of edition `number` or of all."""
    where = [delivery.c.state == state]
    if number is not None:
        where.append(delivery.c.edition_id == number)
    return _select(conn, *where)


def of_subscriber(conn: Connection, subscriber: int) -> list[Delivery]:
    """Return a subscriber's deliveries, newest first."""
    return list(reversed(_select(conn, delivery.c.subscriber_id == subscriber)))


def claim(conn: Connection, ids: Sequence[int], run: int, now: datetime, send_at: datetime | None = None) -> set[int]:
    """Take pending deliveries for `run`; return those it got: nobody else hands them over from here on.

    `send_at`: in slot mode, the hour; then no byte of a delivery leaves before its request is noted.
    """
    taken = update(delivery).where(delivery.c.id.in_(ids), delivery.c.state == "pending")
    step = {"state": "claimed", "run_id": run, "retry_at": None, "updated_at": now}
    taken = taken.values(attempts=delivery.c.attempts + 1, send_at=send_at, request=None, **step)
    return set(conn.scalars(taken.returning(delivery.c.id)))


def claimed_by(conn: Connection, ids: Sequence[int], run: int) -> set[int]:
    """Return which of these deliveries `run` still has."""
    ours = (delivery.c.id.in_(ids), delivery.c.state == "claimed", delivery.c.run_id == run)
    return set(conn.scalars(select(delivery.c.id).where(*ours)))


def settle(conn: Connection, outcomes: Iterable[tuple[int, str, str]], now: datetime, run: int | None = None) -> None:
    """Record (delivery id, state, reason) triples where the ledger allows the step; `run`: only of its own claims.

    What an event or another run has settled in the meantime stays as it is.
    """
    by_outcome: dict[tuple[str, str], list[int]] = {}
    for number, state, reason in outcomes:
        by_outcome.setdefault((state, reason), []).append(number)
    for (state, reason), ids in by_outcome.items():
        step = update(delivery).where(delivery.c.id.in_(ids), delivery.c.state.in_(before(state)))
        if run is not None:
            step = step.where(delivery.c.run_id == run)
        conn.execute(step.values(state=state, reason=reason, updated_at=now))


def put_off(
    conn: Connection, rows: Iterable[tuple[int, datetime, str]], now: datetime, run: int, *, tried: bool = True
) -> None:
    """Give `run`'s claims back as pending, each not before its instant: (delivery id, retry_at, reason).

    `tried`: was it an attempt?
    """
    attempts = delivery.c.attempts - (0 if tried else 1)
    for number, retry_at, reason in rows:
        step = update(delivery).where(
            delivery.c.id == number, delivery.c.state == "claimed", delivery.c.run_id == run
        )
        values = {"state": "pending", "retry_at": retry_at, "reason": reason, "attempts": attempts, "updated_at": now}
        conn.execute(step.values(values))


def postpone(conn: Connection, rows: Iterable[tuple[int, datetime, str]], now: datetime) -> None:
    """Let pending deliveries wait: (delivery id, not before, reason)."""
    for number, until, reason in rows:
        step = update(delivery).where(delivery.c.id == number, delivery.c.state == "pending")
        conn.execute(step.values(retry_at=until, reason=reason, updated_at=now))


def wait(conn: Connection, number: int, until: datetime, reason: str, now: datetime) -> None:
    """Let all of an edition that may be handed over now wait until then."""
    step = update(delivery).where(delivery.c.edition_id == number, *_ripe(now))
    conn.execute(step.values(retry_at=until, reason=reason, updated_at=now))


def give_back(conn: Connection, ids: Sequence[int], now: datetime, run: int) -> None:
    """Give `run`'s claims of which nothing was begun back as pending: it was no attempt."""
    step = update(delivery).where(delivery.c.id.in_(ids), delivery.c.state == "claimed", delivery.c.run_id == run)
    conn.execute(step.values(state="pending", attempts=delivery.c.attempts - 1, updated_at=now))


def doubt(conn: Connection, ids: Sequence[int], reason: str, now: datetime) -> None:
    """Call deliveries uncertain that a restored database believes to be owed."""
    for chunk in chunks(ids):
        some = delivery.c.id.in_(chunk)
        step = update(delivery).where(some, delivery.c.state.in_(("pending", "claimed")))
        conn.execute(step.values(state="uncertain", reason=reason, retry_at=None, updated_at=now))


def frozen_at(conn: Connection, number: int) -> datetime:
    """Return when an edition was frozen."""
    found: datetime | None = conn.scalar(select(edition.c.frozen_at).where(edition.c.id == number))
    assert found is not None
    return found


def owed(conn: Connection, now: datetime) -> list[int]:
    """Return the frozen editions with deliveries that may be handed over now, oldest first."""
    query = (
        select(delivery.c.edition_id)
        .join(edition, edition.c.id == delivery.c.edition_id)
        .where(*_ripe(now), edition.c.held.is_(False))
        .distinct()
        .order_by(delivery.c.edition_id)
    )
    return list(conn.scalars(query))


def stopped(conn: Connection) -> list[int]:
    """Return the frozen editions that a person has stopped while letters of them were still pending."""
    waits = delivery.c.state.in_(("pending", "claimed"))
    query = select(edition.c.id).where(edition.c.state == "frozen", edition.c.held.is_(True))
    mine = select(delivery.c.id).where(delivery.c.edition_id == edition.c.id, waits).exists()
    return list(conn.scalars(query.where(mine).order_by(edition.c.id)))


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


def _ripe(now: datetime) -> tuple[ColumnElement[bool], ...]:
    # Who has ended a pause early need not wait for the end that it had.
    paused = exists().where(subscriber.c.id == delivery.c.subscriber_id, subscriber.c.paused_until > now)
    goes_on = and_(delivery.c.reason == "paused", ~paused)
    due = or_(delivery.c.retry_at.is_(None), delivery.c.retry_at <= now, goes_on)
    return delivery.c.state == "pending", due


def _select(
    conn: Connection, *where: Any, order: Sequence[Any] = (delivery.c.id,), limit: int | None = None
) -> list[Delivery]:
    query = select(delivery).where(*where).order_by(*order).limit(limit)
    return [
        Delivery(
            row.id,
            row.edition_id,
            row.subscriber_id,
            row.digest_id,
            row.state,
            row.reason,
            row.attempts,
            row.updated_at,
            row.state == "claimed" and row.send_at is not None and row.request is None,
            row.run_id,
        )
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
