"""Send a frozen edition: claim a batch of its deliveries, hand it over, record it, until none is left.

The two halves of a batch are in `digest.delivery.claim` and `digest.delivery.hand_over`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from digest.config.settings import Settings
from digest.delivery.claim import claim, mailable
from digest.delivery.hand_over import FrozenEdition, HandOver, compose_batch, hand_over
from digest.delivery.run import Run
from digest.delivery.take_back import take_back
from digest.editions.unforeseen import unforeseen
from digest.errors import BadEdition, PersonNeeded, TryLater
from digest.installation import Installation
from digest.ledger.ahead import in_slot
from digest.model import Edition
from digest.notices.hand_over import hand_over_awaited
from digest.render import Letters
from digest.schedule import slot_of
from digest.store import deliveries, editions, top_lines
from digest.store.engine import reading, writing
from digest.system import stopping
from digest.system.failpoint import failpoint
from digest.transports.base import Outcome, Transport, WaitingTransport

MOST_DOUBTS = 3  # lost answers in one edition; then the run ends, to leave the provider alone for a while
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class SentBatch:
    """Say how one batch ended. `settled` counts its deliveries, also those dropped before the hand-over.

    `waiting` are the deliveries whose letters wait at the provider for their hour; None when they do not wait.
    """

    settled: int
    ended: HandOver
    waiting: frozenset[int] | None


def send(run: Run, number: int, progress: Progress = lambda _: None) -> None:
    """Hand over every pending delivery of a frozen edition. Safe to repeat after any end.

    `progress` is called with how many deliveries each batch settled. Raises PersonNeeded when the edition is not
    frozen or an answer was lost for good, BadEdition when its stored entries have changed, Objection when the other
    side objects to the sender, TryLater when asked to stop or when answers are lost again and again.
    """
    with unforeseen(f"edition {number} cannot be shown; nothing of it is sent"):
        frozen = frozen_edition(run.installation, number)
    with reading(run.installation.engine) as conn:
        run.answers.begin(accepted=deliveries.receipt(conn, frozen.edition).accepted > 0)
    run.transport.open()
    doubts = 0
    while (batch := send_batch(run, frozen)) is not None:
        progress(batch.settled)
        hand_over_awaited(run)
        gc.collect(0)  # because a start sets Python to look for garbage so seldom that it would hold whole batches
        if batch.ended.lost:
            doubts += 1
            _take_doubt_back(run, number, batch.waiting, doubts)
        if stopping.asked():
            raise TryLater(f"stopped as asked, after a whole batch of edition {number}; run again to go on")
        if batch.ended.halted and not batch.ended.lost:
            return  # because the provider asks for patience or cannot be reached: the next run goes on


def send_batch(run: Run, frozen: FrozenEdition) -> SentBatch | None:
    """Claim the next batch of an edition, hand it over and record it; return None when none is to be handed over now.

    The claim is committed before the first byte leaves. Before the edition's hour the letters are given to a
    provider that keeps them until then; without such a provider all of them wait for the hour.
    """
    installation, number = run.installation, frozen.edition.id
    now = installation.clock()
    send_at = frozen.hour if isinstance(run.transport, WaitingTransport) and in_slot(now, frozen.hour) else None
    if send_at is None and now < frozen.hour:
        with writing(installation.engine, "wait") as conn:
            deliveries.wait(conn, number, frozen.hour, "waits for the edition's hour", now)
        return None
    batch, dropped = claim(run, number, now, send_at, corrects=frozen.letters.corrects)
    if not batch and not dropped:
        return None
    ended = hand_over(run, frozen, batch, send_at) if batch else HandOver()
    failpoint("between batches")
    waiting = frozenset(claimed.delivery.id for claimed in batch) if send_at else None
    return SentBatch(len(batch) + dropped, ended, waiting)


@dataclass(slots=True)
class Rehearsal:
    """Count what a hand-over of one edition would do now.

    `letters`: those that would leave; `dropped`: deliveries that would not, because the reader must not be mailed
    any more or has paused; `unwritten`: letters that cannot be written, pairs (subscriber, refusal).
    """

    edition: int
    letters: int = 0
    dropped: int = 0
    unwritten: list[tuple[int, Outcome]] = field(default_factory=list)


def rehearse(installation: Installation, number: int, transport: Transport) -> Rehearsal:
    """Hand the pending letters of an edition to `transport` without claiming or marking any; return the counts."""
    frozen = frozen_edition(installation, number)
    keys, now = installation.keyring, installation.clock()
    rehearsal, last = Rehearsal(number), None
    while True:
        with reading(installation.engine) as conn:
            owed = deliveries.pending(conn, number, transport.capabilities.batch_size, now, after=last)
            batch, _ = mailable(conn, installation.settings, owed, keys.secret, now, corrects=frozen.letters.corrects)
        if not owed:
            return rehearsal
        last = owed[-1]
        parcels, unwritten = compose_batch(frozen, batch, keys, now)
        rehearsal.letters += sum(1 for _ in transport.hand_over(parcels))
        rehearsal.dropped += len(owed) - len(batch)
        readers = {claimed.delivery.id: claimed.reader.id for claimed in batch}
        rehearsal.unwritten += [(readers[refusal.delivery], refusal) for refusal in unwritten]


def frozen_edition(installation: Installation, number: int, compiled: FrozenEdition | None = None) -> FrozenEdition:
    """Return a frozen edition with its letters, compiled once a language.

    `compiled`: what an earlier call with this installation returned, whose letters are used again for the same
    edition. Raises PersonNeeded when it is not frozen, BadEdition when its stored entries are not those that were
    frozen.
    """
    settings = installation.settings
    with reading(installation.engine) as conn:
        edition = editions.get(conn, number)
        shown = editions.shown(conn, number)
        corrects = top_lines.carries_any_line(conn, number)
    if edition is None or edition.state != "frozen":
        raise PersonNeeded(f"edition {number} is not frozen; nothing of it is sent")
    if editions.content_hash(edition, shown) != edition.content_hash:
        raise BadEdition(f"edition {number}: its stored entries are not what was frozen; nothing of it is sent")
    if compiled is not None and compiled.edition == edition and compiled.letters.corrects == corrects:
        letters = compiled.letters
    else:
        letters = Letters(settings, edition, [row.entry for row in shown], corrects=corrects)
    return FrozenEdition(edition, letters, _hour(settings, edition))


def _hour(settings: Settings, edition: Edition) -> datetime:
    """Return when an edition's letters are to arrive; without `ahead` they wait for no hour."""
    for cadence in settings.cadences:
        if cadence.name == edition.cadence and cadence.ahead:
            return slot_of(cadence, edition.slot, settings.site.zone).hour
    return datetime.min.replace(tzinfo=UTC)


def _take_doubt_back(run: Run, number: int, waiting: frozenset[int] | None, doubts: int) -> None:
    """Take back a batch of which an answer was lost; return when all of it is, so that the edition may go on.

    `waiting`: the deliveries of the batch, when their letters wait at the provider; `doubts`: lost answers so far.
    Raises PersonNeeded when the batch cannot be taken back, TryLater when answers are lost again and again.
    """
    taken_back = waiting is not None
    if waiting is not None:
        take_back(run)
        with reading(run.installation.engine) as conn:
            uncertain = deliveries.in_state(conn, "uncertain", number)
        taken_back = waiting.isdisjoint(delivery.id for delivery in uncertain)
    if not taken_back:
        raise PersonNeeded(
            f"edition {number}: an answer was lost, nothing more was begun; see `digest settle`."
            " The next run goes on with the others"
        )
    if doubts >= MOST_DOUBTS:
        raise TryLater(
            f"edition {number}: {doubts} answers were lost one after the other; what they left in doubt was taken"
            " back, nobody was mailed twice; run again later to go on"
        )
