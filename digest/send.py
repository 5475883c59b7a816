"""Send: hand over what is frozen and pending, in claimed batches, and write down what became of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain

from sqlalchemy import Connection, Engine

from digest import stopping
from digest.config import Settings
from digest.errors import BadEdition, ConfigError, DigestError, PersonNeeded, TryLater
from digest.failpoint import failpoint
from digest.ledger import next_try
from digest.letters import Letters, folder_of, letters_of, parcel
from digest.model import Digest, Edition
from digest.schedule import slot_of
from digest.store import deliveries, editions, slots
from digest.store.deliveries import Delivery
from digest.store.engine import reading, writing
from digest.store.fence import Fence
from digest.takeback import take_back
from digest.transports.base import Outcome, Parcel, Transport, Waiting
from digest.transports.sendgrid.slots import in_slot
from subscribers import store as people
from subscribers.consent import may_mail
from subscribers.model import Subscriber

BATCH = 200
BATCH_OF_REQUESTS = 1000  # one request to a provider carries so many readers
MOST_DOUBTS = 3  # lost answers in one run; then the provider is left alone for a while
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
        heard = "absent" if one.unbegun else known.get(one.id, "")
        state = {"accepted": "accepted", "absent": "pending"}.get(heard, "uncertain")
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
    fence: Fence,
    run: int,
    secret: bytes,
    clock: Clock,
    progress: Progress = lambda _: None,
) -> None:
    """Hand over every pending delivery of a frozen edition. Hold the run lock. Safe to repeat after any end.

    Each batch is claimed, with consent and suppression read again, in a transaction that is committed before
    its first byte leaves. `progress` is called with how many deliveries each batch settled. Before the edition's
    hour its letters are given to a provider that keeps them until then, or nothing is handed over.
    """
    edition, letters = _frozen(engine, settings, number)
    hour = _hour(settings, edition)
    transport.open()
    doubts = 0
    while True:
        send_at = hour if isinstance(transport, Waiting) and in_slot(clock(), hour) else None
        if send_at is None and clock() < hour:
            return
        batch, settled = _claim(engine, settings, fence, number, run, secret, clock(), send_at)
        if not batch and not settled:
            return
        lost = bool(batch) and _hand_over(
            engine, settings, edition, letters, batch, transport, run, secret, clock, send_at
        )  # fmt: skip
        progress(len(batch) + settled)
        if lost:
            doubts += 1
            _after_doubt(engine, transport, number, doubts, clock)
        if stopping.asked():
            raise TryLater(f"stopped as asked, after a whole batch of edition {number}; run again to go on")


def _hour(settings: Settings, edition: Edition) -> datetime:
    """Return when an edition's letters are to arrive; without `ahead` they wait for none."""
    for cadence in settings.cadences:
        if cadence.name == edition.cadence and cadence.ahead:
            return slot_of(cadence, edition.slot, settings.site.zone).hour
    return datetime.min.replace(tzinfo=UTC)


def _after_doubt(engine: Engine, transport: Transport, number: int, doubts: int, clock: Clock) -> None:
    """Return when the hand-over may go on after an answer was lost: all that is in doubt was taken back.

    Raises PersonNeeded when it was not, and TryLater when answers are lost again and again.
    """
    back = take_back(engine, transport, clock)
    if not back.readers or back.open or back.late:
        raise PersonNeeded(
            f"edition {number}: an answer was lost, nothing more was begun; see `digest settle`."
            " The next run goes on with the others"
        )
    if doubts >= MOST_DOUBTS:
        raise TryLater(
            f"edition {number}: {doubts} answers were lost one after the other; what they left in doubt was taken"
            " back, nobody was mailed twice; run again later to go on"
        )


def rehearse(
    engine: Engine, settings: Settings, number: int, transport: Transport, *, secret: bytes, now: datetime
) -> int:
    """Hand the pending letters of an edition to `transport` without claiming or marking any; return how many."""
    edition, letters = _frozen(engine, settings, number)
    with reading(engine) as conn:
        batch, _ = _mailable(conn, settings, deliveries.pending(conn, number, None, now), secret, now)
    parcels, _ = _compose(settings, edition, letters, batch, secret, now)
    return sum(1 for _ in transport.hand_over(parcels))


def _frozen(engine: Engine, settings: Settings, number: int) -> tuple[Edition, Letters]:
    """Return a frozen edition and its letters, compiled once a language."""
    with reading(engine) as conn:
        edition = editions.get(conn, number)
        shown = editions.shown(conn, number)
    if edition is None or edition.state != "frozen":
        raise PersonNeeded(f"edition {number} is not frozen; nothing of it is sent")
    if editions.content_hash(edition.note, shown) != edition.content_hash:
        raise BadEdition(f"edition {number}: its stored entries are not what was frozen; nothing of it is sent")
    return edition, letters_of(settings, edition, [s.entry for s in shown])


def _claim(
    engine: Engine,
    settings: Settings,
    fence: Fence,
    number: int,
    run: int,
    secret: bytes,
    now: datetime,
    send_at: datetime | None = None,
) -> tuple[list[tuple[Delivery, Subscriber, Digest]], int]:
    """Claim the next batch; return it with what each reader gets, and how many were settled without a letter."""
    size = BATCH_OF_REQUESTS if settings.carriage.kind == "sendgrid" else BATCH
    with writing(engine) as conn:
        failpoint("claim: before commit")
        batch, dropped = _mailable(conn, settings, deliveries.pending(conn, number, size, now), secret, now)
        settled = [(one, state, why) for one, state, why, until in dropped if until is None]
        deliveries.settle(conn, settled, now)
        deliveries.postpone(conn, [(one, until, why) for one, _, why, until in dropped if until is not None], now)
        deliveries.claim(conn, [one.id for one, _, _ in batch], run, now, send_at)
        token = fence.turn(conn)
    failpoint("claim: committed")
    # The fence's other half stands before the first byte leaves: a backup older than this claim is known as one.
    fence.keep(token)
    failpoint("claim: fence kept")
    return batch, len(dropped)


def _mailable(
    conn: Connection, settings: Settings, owed: Sequence[Delivery], secret: bytes, now: datetime
) -> tuple[list[tuple[Delivery, Subscriber, Digest]], list[tuple[int, str, str, datetime | None]]]:
    """Part deliveries into those that may be mailed now, and (id, state, reason, until) of those that may not.

    `until`: a pause ends then, and the letter waits for it; None: `state` is for good.
    """
    ids = [d.subscriber for d in owed]
    suppressed = people.suppressed_ids(conn, secret, ids)
    persons = people.many(conn, ids)
    digests = deliveries.digests(conn, [d.digest for d in owed if d.digest is not None])
    batch, dropped = [], []
    for one in owed:
        person = persons.get(one.subscriber)
        why = may_mail(person, one.subscriber in suppressed, now) if person else "erased"
        if person is not None and not why and not settings.may_reach(person.email):
            why = "not on the allow-list"
        if person is None or why or one.digest is None:
            until = person.paused_until if person is not None and why == "paused" else None
            state = "suppressed" if why == "suppressed" else "cancelled"
            dropped.append((one.id, state, why or "no digest", until))
        else:
            batch.append((one, person, digests[one.digest]))
    return batch, dropped


def _hand_over(
    engine: Engine,
    settings: Settings,
    edition: Edition,
    letters: Letters,
    batch: Sequence[tuple[Delivery, Subscriber, Digest]],
    transport: Transport,
    run: int,
    secret: bytes,
    clock: Clock,
    send_at: datetime | None = None,
) -> bool:
    """Hand a claimed batch over and write down what became of it, whatever ends the hand-over.

    Returns whether an answer was lost.
    """

    def batch_for(ids: Sequence[int]) -> str:
        assert isinstance(transport, Waiting)
        name = transport.create_batch()
        with writing(engine) as conn:
            noted = slots.note(conn, ids, name, run)
        if not noted:
            raise TryLater(f"edition {edition.id}: another run has taken these deliveries over; nothing of them left")
        failpoint("request: noted")
        return name

    outcomes: list[Outcome] = []
    begun = False
    try:
        parcels, failed = _compose(settings, edition, letters, batch, secret, clock())
        failpoint("hand-over: composed")
        begun = True
        if send_at is not None and isinstance(transport, Waiting):
            answers = transport.hand_over_at(parcels, send_at, batch_for)
        else:
            answers = transport.hand_over(parcels)
        for outcome in chain(failed, answers):
            outcomes.append(outcome)
            failpoint("hand-over: one answered")
        failpoint("hand-over: all answered")
    finally:
        # What was heard stands. Of what was not, the transport is asked; what nobody knows stays claimed, and
        # the next run calls it uncertain. Where nothing was begun, nothing was handed over.
        heard = {one.delivery for one in outcomes}
        silent = [one.id for one, _, _ in batch if one.id not in heard]
        if silent and begun:
            known = transport.ask([(number, folder_of(edition)) for number in silent])
            outcomes += [Outcome(number, "accepted") for number in silent if known.get(number) == "accepted"]
            silent = [number for number in silent if known.get(number) == "absent"]
        with writing(engine) as conn:
            _record(conn, edition, {one.id: one for one, _, _ in batch}, outcomes, run, clock())
            deliveries.give_back(conn, silent, clock(), run)
            failpoint("record: before commit")
        failpoint("record: committed")
    return any(one.state == "uncertain" for one in outcomes)


def _record(
    conn: Connection,
    edition: Edition,
    batch: Mapping[int, Delivery],
    outcomes: Sequence[Outcome],
    run: int,
    now: datetime,
) -> None:
    """Write down outcomes; what was put off is tried again later, until its edition is too old."""
    settled = []
    later = []
    frozen_at = deliveries.frozen_at(conn, edition.id)
    for one in outcomes:
        if one.state != "deferred":
            settled.append((one.delivery, one.state, one.reason))
        elif not one.tried:
            later.append((one.delivery, now, one.reason))
        elif again := next_try(batch[one.delivery].attempts + 1, one.retry_after, frozen_at, now):
            later.append((one.delivery, again, one.reason))
        else:
            settled.append((one.delivery, "refused", f"given up after three days: {one.reason}"))
    deliveries.settle(conn, settled, now, run)
    deliveries.put_off(conn, later, now, run)


def _compose(
    settings: Settings,
    edition: Edition,
    letters: Letters,
    batch: Sequence[tuple[Delivery, Subscriber, Digest]],
    secret: bytes,
    now: datetime,
) -> tuple[list[Parcel], list[Outcome]]:
    """Return the letters of a batch, and a refusal for each that cannot be written. ConfigError: none can."""
    parcels, failed = [], []
    for one, person, digest in batch:
        try:
            parcels.append(parcel(settings, edition, letters, person, digest, secret, now, delivery=one.id))
        except ConfigError:
            raise
        except (ValueError, DigestError) as error:
            failed.append(Outcome(one.id, "refused", f"no letter could be written: {error}"))
    return parcels, failed
