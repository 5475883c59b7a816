"""Claim: take the next deliveries for a run, in a transaction that is committed before a byte of them leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from digest.config.settings import Settings
from digest.model import Digest
from digest.store import deliveries, editions
from digest.store.deliveries import Delivery
from digest.store.engine import writing
from digest.store.fence import Fence
from digest.system.failpoint import failpoint
from subscribers import store as people
from subscribers.mailable import unmailable
from subscribers.model import Subscriber


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery that may be handed over: to whom, and what they get."""

    delivery: Delivery
    reader: Subscriber
    digest: Digest


@dataclass(frozen=True, slots=True)
class Dropped:
    """One that may not: `state` is its end, unless a pause holds it up `until` then."""

    delivery: int
    state: str
    reason: str
    until: datetime | None


def claim(
    engine: Engine,
    settings: Settings,
    fence: Fence,
    number: int,
    run: int,
    secret: bytes,
    now: datetime,
    send_at: datetime | None = None,
    *,
    most: int,
) -> tuple[list[Claimed], int]:
    """Claim the next `most` deliveries of edition `number`; return them, and how many were settled without a letter.

    Consent, pause, suppression and the allow-list are read again in the very transaction. `send_at`: in slot
    mode, the hour.
    """
    with writing(engine, "claim") as conn:
        # Who leaves is either seen here, or leaves after the claim.
        people.keep_still(conn)
        edition = editions.get(conn, number)
        going = edition is not None and not edition.held  # or a person has stopped it meanwhile
        owed = deliveries.pending(conn, number, most, now) if going else []
        batch, dropped = mailable(conn, settings, owed, secret, now)
        settled = [(one.delivery, one.state, one.reason) for one in dropped if one.until is None]
        deliveries.settle(conn, settled, now)
        deliveries.postpone(conn, [(one.delivery, one.until, one.reason) for one in dropped if one.until], now)
        # A run that has lost its lock unawares may be at the same rows.
        got = deliveries.claim(conn, [one.delivery.id for one in batch], run, now, send_at)
        batch = [one for one in batch if one.delivery.id in got]
        token = fence.turn(conn)
    # The fence's other half stands before the first byte leaves: a backup older than this claim is known as one.
    fence.keep(token)
    failpoint("claim: fence kept")
    return batch, len(dropped)


def mailable(
    conn: Connection, settings: Settings, owed: Sequence[Delivery], secret: bytes, now: datetime
) -> tuple[list[Claimed], list[Dropped]]:
    """Part deliveries into those that may be mailed now and those that may not; changes nothing."""
    persons = people.many(conn, [delivery.subscriber for delivery in owed])
    blocked = unmailable(conn, [*persons.values()], secret=secret, allow_list=settings.only, now=now)
    digests = deliveries.digests(conn, [d.digest for d in owed if d.digest is not None])
    batch, dropped = [], []
    for one in owed:
        person = persons.get(one.subscriber)
        why = blocked.get(one.subscriber) if person else "erased"
        if person is None or why or one.digest is None:
            until = person.paused_until if person is not None and why == "paused" else None
            state = "suppressed" if why == "suppressed" else "cancelled"
            dropped.append(Dropped(one.id, state, why or "no digest", until))
        else:
            batch.append(Claimed(one, person, digests[one.digest]))
    return batch, dropped
