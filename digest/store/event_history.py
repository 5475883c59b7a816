"""Read the stored events: the history of each delivery, and what `doctor` and alarms tell a person about them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text

from digest.ledger.events import Event, struck_out
from digest.store.schema import delivery, event
from subscribers.database import chunks
from subscribers.rows import last_lifts
from subscribers.tables import subscriber, suppression


def events_by_delivery(conn: Connection, deliveries: Collection[int]) -> dict[int, list[Event]]:
    """Return the stored events of each delivery, oldest first; a delivery without events is left out."""
    events: dict[int, list[Event]] = {}
    for chunk in chunks(sorted(deliveries)):
        query = select(event).where(event.c.delivery_id.in_(chunk)).order_by(event.c.at, event.c.id)
        for row in conn.execute(query):
            events.setdefault(row.delivery_id, []).append(
                Event(row.event_id, row.kind, row.delivery_id, None, row.at, row.status, row.reason, row.provider)
            )
    return events


def newest_event(conn: Connection) -> int:
    """Return the number of the newest event, 0 before the first; while it stays, no event has changed a delivery."""
    return conn.scalar(select(func.max(event.c.id))) or 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Count an edition's accepted deliveries, with the instant of each suppression that its events caused."""

    edition: int
    accepted: int
    suppressed: tuple[datetime, ...]


def troubles(conn: Connection, since: datetime) -> list[Trouble]:
    """Return each edition whose events, received since the instant `since`, suppressed addresses, oldest first."""
    query = (
        select(delivery.c.edition_id, event.c.delivery_id, func.min(event.c.at))
        .join(delivery, delivery.c.id == event.c.delivery_id)
        .where(text("action <> ''"), event.c.action.in_(("bounced", "complained")), event.c.received_at >= since)
        .group_by(delivery.c.edition_id, event.c.delivery_id)
    )
    times: dict[int, list[datetime]] = {}
    for edition, _, at in conn.execute(query):
        times.setdefault(edition, []).append(at)
    if not times:
        return []
    counts = (
        select(delivery.c.edition_id, func.count())
        .where(delivery.c.edition_id.in_(times), delivery.c.state == "accepted")
        .group_by(delivery.c.edition_id)
    )
    accepted: dict[int, int] = {row[0]: row[1] for row in conn.execute(counts)}
    return [Trouble(number, accepted.get(number, 0), tuple(times[number])) for number in sorted(times)]


def unsure_readers(conn: Connection, since: datetime) -> list[int]:
    """Return the readers whose letters came back again and again since `since` in words that tell nothing sure.

    Ids of active subscribers whose address is not suppressed, in order. The rule is that of strikes, counted since
    a suppression of theirs was lifted; they are not suppressed, because a person must decide.
    """
    query = (
        select(delivery.c.subscriber_id, event.c.at, event.c.delivery_id, event.c.action)
        .join(delivery, delivery.c.id == event.c.delivery_id)
        .join(subscriber, subscriber.c.id == delivery.c.subscriber_id)
        .outerjoin(suppression, suppression.c.address_hash == event.c.address_hash)
        .where(text("action <> ''"), event.c.action.in_(("unsure", "strike")), event.c.received_at >= since)
        .where(subscriber.c.state == "active", suppression.c.address_hash.is_(None))
    )
    bounces: dict[int, list[tuple[datetime, int]]] = {}
    unsure = set()
    for row in conn.execute(query):
        bounces.setdefault(row.subscriber_id, []).append((row.at, row.delivery_id))
        if row.action == "unsure":
            unsure.add(row.subscriber_id)
    lifts = {id: at for chunk in chunks(sorted(unsure)) for id, at in last_lifts(conn, chunk).items()}
    return [
        id
        for id in sorted(unsure)
        if struck_out(bounce for bounce in bounces[id] if bounce[0] > lifts.get(id, since))
    ]


def refusing_domains(conn: Connection, since: datetime) -> dict[str, int]:
    """Return how often each domain refused the sender or the text since the instant `since`, most first."""
    query = (
        select(event.c.domain, func.count())
        .where(text("action <> ''"), event.c.action == "alert", event.c.received_at >= since)
        .group_by(event.c.domain)
    )
    rows = sorted(conn.execute(query), key=lambda row: (-row[1], row[0] or ""))
    return {row[0] or "an unknown domain": row[1] for row in rows}
