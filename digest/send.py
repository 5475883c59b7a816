"""Send: hand over what is frozen and pending, in claimed batches, and write down what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from sqlalchemy import Connection, Engine

from digest.config.settings import Settings
from digest.delivery.claim import Claimed, claim, mailable
from digest.delivery.parcel import folder_of, parcel
from digest.delivery.recover import Clock
from digest.delivery.take_back import take_back
from digest.errors import BadEdition, ConfigError, DigestError, PersonNeeded, TryLater
from digest.ledger.ahead import in_slot
from digest.ledger.states import next_try
from digest.model import Edition
from digest.render import Letters
from digest.schedule import slot_of
from digest.store import deliveries, editions, requests
from digest.store.deliveries import Delivery
from digest.store.engine import reading, writing
from digest.store.fence import Fence
from digest.system import stopping
from digest.system.failpoint import failpoint
from digest.transports.base import Outcome, Parcel, Transport, WaitingTransport

MOST_DOUBTS = 3  # lost answers in one run; then the provider is left alone for a while
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Run:
    """What a run sends with; `run` is its number. The run lock is held while it is used."""

    engine: Engine
    settings: Settings
    transport: Transport
    fence: Fence
    run: int
    secret: bytes
    clock: Clock


@dataclass(frozen=True, slots=True)
class Frozen:
    """An edition whose debt is written, its letters, and when they are to arrive."""

    edition: Edition
    letters: Letters
    hour: datetime


def send(work: Run, number: int, progress: Progress = lambda _: None) -> None:
    """Hand over every pending delivery of a frozen edition. Safe to repeat after any end.

    Each batch is claimed, with consent and suppression read again, in a transaction that is committed before
    its first byte leaves. `progress` is called with how many deliveries each batch settled. Before the edition's
    hour its letters are given to a provider that keeps them until then, or nothing is handed over.
    """
    frozen = _frozen(work.engine, work.settings, number)
    work.transport.open()
    doubts = 0
    while True:
        now = work.clock()
        send_at = frozen.hour if isinstance(work.transport, WaitingTransport) and in_slot(now, frozen.hour) else None
        if send_at is None and now < frozen.hour:
            with writing(work.engine, "wait") as conn:
                deliveries.wait(conn, number, frozen.hour, "waits for the edition's hour", now)
            return
        batch, settled = claim(
            work.engine, work.settings, work.fence, number, work.run, work.secret, now, send_at,
            most=work.transport.capabilities.batch_size,
        )  # fmt: skip
        if not batch and not settled:
            return
        lost, halted = _hand_over(work, frozen, batch, send_at) if batch else (False, False)
        failpoint("between batches")
        progress(len(batch) + settled)
        if lost:
            doubts += 1
            _after_doubt(work, number, {one.delivery.id for one in batch} if send_at else None, doubts)
        if stopping.asked():
            raise TryLater(f"stopped as asked, after a whole batch of edition {number}; run again to go on")
        if halted and not lost:
            return  # the provider asks for patience, or is not there: the next run goes on


def rehearse(
    engine: Engine, settings: Settings, number: int, transport: Transport, *, secret: bytes, now: datetime
) -> int:
    """Hand the pending letters of an edition to `transport` without claiming or marking any; return how many."""
    frozen = _frozen(engine, settings, number)
    count, last = 0, None
    while True:
        with reading(engine) as conn:
            owed = deliveries.pending(conn, number, transport.capabilities.batch_size, now, after=last)
            batch, _ = mailable(conn, settings, owed, secret, now)
        if not owed:
            return count
        last = owed[-1]
        parcels, _ = _compose(frozen, batch, secret, now)
        count += sum(1 for _ in transport.hand_over(parcels))


def _frozen(engine: Engine, settings: Settings, number: int) -> Frozen:
    """Return a frozen edition and its letters, compiled once a language."""
    with reading(engine) as conn:
        edition = editions.get(conn, number)
        shown = editions.shown(conn, number)
    if edition is None or edition.state != "frozen":
        raise PersonNeeded(f"edition {number} is not frozen; nothing of it is sent")
    if editions.content_hash(edition.note, shown) != edition.content_hash:
        raise BadEdition(f"edition {number}: its stored entries are not what was frozen; nothing of it is sent")
    return Frozen(edition, Letters(settings, edition, [s.entry for s in shown]), _hour(settings, edition))


def _hour(settings: Settings, edition: Edition) -> datetime:
    """Return when an edition's letters are to arrive; without `ahead` they wait for none."""
    for cadence in settings.cadences:
        if cadence.name == edition.cadence and cadence.ahead:
            return slot_of(cadence, edition.slot, settings.site.zone).hour
    return datetime.min.replace(tzinfo=UTC)


def _after_doubt(work: Run, number: int, waiting: set[int] | None, doubts: int) -> None:
    """Return when the hand-over may go on after an answer was lost: all of the batch in doubt was taken back.

    `waiting`: the batch, where it waits at the provider. Raises PersonNeeded when it was not taken back, and
    TryLater when answers are lost again and again.
    """
    back = waiting is not None
    if waiting is not None:
        take_back(work.engine, work.transport, work.clock)
        with reading(work.engine) as conn:
            back = waiting.isdisjoint(one.id for one in deliveries.in_state(conn, "uncertain", number))
    if not back:
        raise PersonNeeded(
            f"edition {number}: an answer was lost, nothing more was begun; see `digest settle`."
            " The next run goes on with the others"
        )
    if doubts >= MOST_DOUBTS:
        raise TryLater(
            f"edition {number}: {doubts} answers were lost one after the other; what they left in doubt was taken"
            " back, nobody was mailed twice; run again later to go on"
        )


def _hand_over(work: Run, frozen: Frozen, batch: Sequence[Claimed], send_at: datetime | None) -> tuple[bool, bool]:
    """Hand a claimed batch over and write down what became of it, whatever ends the hand-over.

    Returns whether an answer was lost, and whether the transport left some of it unbegun.
    """
    outcomes: list[Outcome] = []
    begun = False
    try:
        parcels, failed = _compose(frozen, batch, work.secret, work.clock())
        failpoint("hand-over: composed")
        # Asleep since the claim, and taken for dead: what others have settled meanwhile is not ours any more.
        with reading(work.engine) as conn:
            ours = deliveries.claimed_by(conn, [one.delivery.id for one in batch], work.run)
        parcels = [one for one in parcels if one.delivery in ours]
        begun = True
        with stopping.telling(work.transport.stop):
            for outcome in chain(failed, _answers(work, frozen.edition.id, parcels, send_at)):
                outcomes.append(outcome)
                failpoint("hand-over: one answered")
        failpoint("hand-over: all answered")
    finally:
        # What was heard stands. Of what was not, the transport is asked; what nobody knows stays claimed, and
        # the next run calls it uncertain. Where nothing was begun, nothing was handed over.
        heard = {one.delivery for one in outcomes}
        silent = [one.delivery.id for one in batch if one.delivery.id not in heard]
        if silent and begun:
            known = work.transport.ask([(number, folder_of(frozen.edition)) for number in silent])
            outcomes += [Outcome(number, "accepted") for number in silent if known.get(number) == "accepted"]
            silent = [number for number in silent if known.get(number) == "absent"]
        now = work.clock()
        with writing(work.engine, "record") as conn:
            _record(conn, frozen.edition, {one.delivery.id: one.delivery for one in batch}, outcomes, work.run, now)
            deliveries.give_back(conn, silent, now, work.run)
    return any(one.state == "uncertain" for one in outcomes), any(not one.tried for one in outcomes)


def _answers(work: Run, number: int, parcels: Sequence[Parcel], send_at: datetime | None) -> Iterator[Outcome]:
    """Return the transport's outcomes; in slot mode each request is noted before it leaves."""
    transport = work.transport
    if send_at is None or not isinstance(transport, WaitingTransport):
        return transport.hand_over(parcels)

    def batch_for(ids: Sequence[int]) -> str:
        name = transport.create_batch()
        with writing(work.engine, "request") as conn:
            noted = requests.note(conn, ids, name, work.run)
        if not noted:
            raise TryLater(f"edition {number}: another run has taken these deliveries over; nothing of them left")
        return name

    return transport.hand_over_at(parcels, send_at, batch_for)


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
    later: list[tuple[int, datetime, str]] = []
    unbegun: list[tuple[int, datetime, str]] = []
    frozen_at = deliveries.frozen_at(conn, edition.id)
    for one in outcomes:
        if one.state != "deferred":
            settled.append((one.delivery, one.state, one.reason))
        elif not one.tried:
            unbegun.append((one.delivery, now, one.reason))
        elif again := next_try(batch[one.delivery].attempts + 1, one.retry_after, frozen_at, now):
            later.append((one.delivery, again, one.reason))
        else:
            settled.append((one.delivery, "refused", f"given up after three days: {one.reason}"))
    deliveries.settle(conn, settled, now, run)
    deliveries.put_off(conn, later, now, run)
    deliveries.put_off(conn, unbegun, now, run, tried=False)


def _compose(
    frozen: Frozen, batch: Sequence[Claimed], secret: bytes, now: datetime
) -> tuple[list[Parcel], list[Outcome]]:
    """Return the letters of a batch, and a refusal for each that cannot be written. ConfigError: none can."""
    parcels, failed = [], []
    for one in batch:
        try:
            made = parcel(frozen.letters, one.reader, one.digest, secret, now, delivery=one.delivery.id)
        except ConfigError:
            raise
        except (ValueError, DigestError) as error:
            failed.append(Outcome(one.delivery.id, "refused", f"no letter could be written: {error}"))
        else:
            parcels.append(made)
    return parcels, failed
