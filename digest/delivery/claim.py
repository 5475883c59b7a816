"""Claim deliveries for a run, in a transaction that is on the disk before a byte of them leaves.

In that transaction consent, pause, suppression and the allow-list are read again: `mailable` decides by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.delivery.run import Run
from digest.model import Digest, TopLine
from digest.store import deliveries, editions, top_lines
from digest.store.deliveries import Delivery
from digest.store.engine import writing
from digest.store.lock import require_alive
from digest.system.failpoint import failpoint
from digest.transports.base import Capabilities
from subscribers import store as people
from subscribers.mailable import read_mailable
from subscribers.model import Subscriber
from subscribers.suppression import seal


class Claimed(NamedTuple):
    """Hold one delivery that may be handed over, its reader, the digest they get, and the lines above that."""

    delivery: Delivery
    reader: Subscriber
    digest: Digest
    top_lines: tuple[TopLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Dropped:
    """Hold a delivery that may not be handed over now, and why.

    `until` is the end of the reader's pause, and the delivery waits for it; without a pause (None) the delivery
    ends in `state`.
    """

    delivery: int
    state: str
    reason: str
    until: datetime | None


def claim(
    run: Run, number: int, now: datetime, send_at: datetime | None = None, *, corrects: bool
) -> tuple[list[Claimed], int]:
    """Claim the next batch of edition `number` for this run; return it, and how many deliveries were dropped.

    A batch has at most as many deliveries as the transport takes at once. Consent, pause, suppression and the
    allow-list are read again in the same transaction; a delivery whose reader may not be mailed is dropped from
    the batch: settled or postponed. `send_at`: in slot mode, the edition's hour. `corrects`: letters of the edition
    carry lines on earlier entries.
    """
    installation = run.installation
    secret = installation.secret
    with writing(installation.engine, "claim") as conn:
        require_alive(conn, run.number)
        # Lock the readers, so that one who leaves now is seen by the reads below or leaves after this transaction.
        people.keep_still(conn)
        edition = editions.get(conn, number)
        # Read the edition again, because a person may have stopped it since the last batch.
        goes_on = edition is not None and not edition.held
        owed = _next_batch(conn, run.transport.capabilities, number, now) if goes_on else []
        batch, dropped = mailable(conn, installation.settings, owed, secret, now, corrects=corrects)
        _settle_dropped(conn, dropped, now)
        # Keep what was really taken, because a run that lost its lock without noticing may claim the same rows.
        taken = deliveries.claim(conn, [claimed.delivery.id for claimed in batch], run.number, now, send_at)
        batch = [claimed for claimed in batch if claimed.delivery.id in taken]
        if batch:
            # In this transaction, because once a letter has left, its links work with this secret only.
            seal(conn, secret)
            installation.fence.turn(conn)
    if batch:
        # Write the fence's file before the first byte leaves, so that a backup older than this claim is recognised.
        installation.fence.keep()
    failpoint("claim: fence kept")
    return batch, len(dropped)


def _next_batch(conn: Connection, capabilities: Capabilities, number: int, now: datetime) -> list[Delivery]:
    """Return the next deliveries to claim, sorted by digest.

    Where the readers of a digest share requests, a batch does not cut a digest that fits into the next one, because
    the cut would cost a request more.
    """
    most = capabilities.batch_size
    owed = deliveries.pending(conn, number, most + 1, now, to_claim=True)
    batch, cut = owed[:most], owed[most:]
    if cut and capabilities.fills_forms:
        whole = [delivery for delivery in batch if delivery.digest != cut[0].digest]
        batch = whole or batch
    return batch


def mailable(
    conn: Connection, settings: Settings, owed: Sequence[Delivery], secret: bytes, now: datetime, *, corrects: bool
) -> tuple[list[Claimed], list[Dropped]]:
    """Part deliveries of one edition into those that may be mailed now and those that may not; changes nothing."""
    ids = [delivery.subscriber for delivery in owed]
    readers, blocked = read_mailable(conn, ids, secret=secret, allow_list=settings.only, now=now)
    digests = deliveries.digests(conn, {delivery.digest for delivery in owed if delivery.digest}, left_out=False)
    carried = top_lines.carried_lines(conn, owed[0].edition, ids) if corrects and owed else {}
    batch, dropped = [], []
    for delivery in owed:
        reader = readers.get(delivery.subscriber)
        why = blocked.get(delivery.subscriber) if reader else "erased"
        if reader is None or why or delivery.digest is None:
            until = reader.paused_until if reader is not None and why == "paused" else None
            state = "suppressed" if why == "suppressed" else "cancelled"
            dropped.append(Dropped(delivery.id, state, why or "no digest", until))
        else:
            batch.append(Claimed(delivery, reader, digests[delivery.digest], carried.get(reader.id, ())))
    return batch, dropped


def _settle_dropped(conn: Connection, dropped: Sequence[Dropped], now: datetime) -> None:
    """Settle deliveries whose readers may not be mailed, and postpone those whose readers pause."""
    ended = [(drop.delivery, drop.state, drop.reason) for drop in dropped if drop.until is None]
    deliveries.settle(conn, ended, now)
    deliveries.postpone(conn, [(drop.delivery, drop.until, drop.reason) for drop in dropped if drop.until], now)
