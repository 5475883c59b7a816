"""Send: hand over what is frozen and pending, in claimed batches, and write down what became of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain

from sqlalchemy import Connection, Engine

from digest.config import Settings
from digest.errors import DigestError, PersonNeeded
from digest.letter.compile import Letter
from digest.letters import folder_of, letter_of, parcel
from digest.model import Digest, Edition
from digest.store import deliveries, editions
from digest.store.deliveries import Delivery
from digest.store.engine import reading, writing
from digest.transports.base import Outcome, Parcel, Transport
from subscribers import store as people
from subscribers.consent import may_mail
from subscribers.model import Subscriber

BATCH = 200
Progress = Callable[[int], None]
Clock = Callable[[], datetime]


def recover(engine: Engine, transport: Transport, clock: Clock) -> dict[str, int]:
    """Settle what a run that died had claimed: by what the transport knows, else uncertain. Hold the run lock.

    Returns how many became accepted, pending and uncertain.
    """
    with reading(engine) as conn:
        orphans = deliveries.in_state(conn, "claimed")
        folders = {d.edition: folder_of(editions.get(conn, d.edition)) for d in orphans}
    if not orphans:
        return {}
    known = transport.ask([(d.id, folders[d.edition]) for d in orphans])
    settled = []
    for one in orphans:
        state = {"accepted": "accepted", "absent": "pending"}.get(known.get(one.id, ""), "uncertain")
        reason = "the run that claimed it ended before its outcome was known" if state == "uncertain" else ""
        settled.append((one.id, state, reason))
    with writing(engine) as conn:
        deliveries.settle(conn, settled, clock())
    counts: dict[str, int] = {}
    for _, state, _ in settled:
        counts[state] = counts.get(state, 0) + 1
    return counts


def send(
    engine: Engine,
    settings: Settings,
    number: int,
    transport: Transport,
    *,
    run: int,
    secret: bytes,
    clock: Clock,
    progress: Progress = lambda _: None,
) -> None:
    """Hand over every pending delivery of a frozen edition. Hold the run lock. Safe to repeat after any end.

    Each batch is claimed, with consent and suppression read again, in a transaction that is committed before
    its first byte leaves. `progress` is called with how many deliveries each batch settled.
    """
    edition, letter = _frozen(engine, settings, number)
    while True:
        batch, settled = _claim(engine, number, run, secret, clock())
        if not batch and not settled:
            return
        if batch:
            _hand_over(engine, settings, edition, letter, batch, transport, secret, clock)
        progress(len(batch) + settled)


def rehearse(
    engine: Engine, settings: Settings, number: int, transport: Transport, *, secret: bytes, now: datetime
) -> int:
    """Hand the pending letters of an edition to `transport` without claiming or marking any; return how many."""
    edition, letter = _frozen(engine, settings, number)
    with reading(engine) as conn:
        batch, _ = _mailable(conn, deliveries.pending(conn, number, limit=None), secret, now)
    parcels, _ = _compose(settings, edition, letter, batch, secret, now)
    return sum(1 for _ in transport.hand_over(parcels))


def _frozen(engine: Engine, settings: Settings, number: int) -> tuple[Edition, Letter]:
    """Return a frozen edition and its letter, compiled once."""
    with reading(engine) as conn:
        edition = editions.get(conn, number)
        shown = editions.shown(conn, number)
    if edition is None or edition.state != "frozen":
        raise PersonNeeded(f"edition {number} is not frozen; nothing of it is sent")
    if editions.content_hash(edition.note, shown) != edition.content_hash:
        raise DigestError(f"edition {number}: its stored entries are not what was frozen; nothing of it is sent")
    return edition, letter_of(settings, edition, [s.entry for s in shown])


def _claim(
    engine: Engine, number: int, run: int, secret: bytes, now: datetime
) -> tuple[list[tuple[Delivery, Subscriber, Digest]], int]:
    """Claim the next batch; return it with what each reader gets, and how many were settled without a letter."""
    with writing(engine) as conn:
        batch, dropped = _mailable(conn, deliveries.pending(conn, number, BATCH), secret, now)
        deliveries.settle(conn, dropped, now)
        deliveries.claim(conn, [one.id for one, _, _ in batch], run, now)
    return batch, len(dropped)


def _mailable(
    conn: Connection, owed: Sequence[Delivery], secret: bytes, now: datetime
) -> tuple[list[tuple[Delivery, Subscriber, Digest]], list[tuple[int, str, str]]]:
    """Part deliveries into those that may be mailed now, and (id, state, reason) of those that must not be."""
    ids = [d.subscriber for d in owed]
    suppressed = people.suppressed_ids(conn, secret, ids)
    persons = people.many(conn, ids)
    digests = deliveries.digests(conn, [d.digest for d in owed if d.digest is not None])
    batch, dropped = [], []
    for one in owed:
        person = persons.get(one.subscriber)
        why = may_mail(person, one.subscriber in suppressed, now) if person else "erased"
        if person is None or why or one.digest is None:
            dropped.append((one.id, "suppressed" if why == "suppressed" else "cancelled", why or "no digest"))
        else:
            batch.append((one, person, digests[one.digest]))
    return batch, dropped


def _hand_over(
    engine: Engine,
    settings: Settings,
    edition: Edition,
    letter: Letter,
    batch: Sequence[tuple[Delivery, Subscriber, Digest]],
    transport: Transport,
    secret: bytes,
    clock: Clock,
) -> None:
    outcomes: list[tuple[int, str, str]] = []
    unheard = {one.id for one, _, _ in batch}
    try:
        parcels, failed = _compose(settings, edition, letter, batch, secret, clock())
        for outcome in chain(failed, transport.hand_over(parcels)):
            outcomes.append((outcome.delivery, outcome.state, outcome.reason))
            unheard.discard(outcome.delivery)
    finally:
        # What was heard stands, whatever ended the loop; the rest stays claimed, for `recover` to ask about.
        with writing(engine) as conn:
            deliveries.settle(conn, outcomes, clock())


def _compose(
    settings: Settings,
    edition: Edition,
    letter: Letter,
    batch: Sequence[tuple[Delivery, Subscriber, Digest]],
    secret: bytes,
    now: datetime,
) -> tuple[list[Parcel], list[Outcome]]:
    """Return the letters of a batch, and a refusal for each that cannot be written."""
    parcels, failed = [], []
    for one, person, digest in batch:
        try:
            parcels.append(parcel(settings, edition, letter, person, digest, secret, now, delivery=one.id))
        except (ValueError, DigestError) as error:
            failed.append(Outcome(one.id, "refused", f"no letter could be written: {error}"))
    return parcels, failed
