"""Hand a claimed batch of one edition over to the transport, and record the outcome of each delivery.

The order is compose, hand over, record. The outcomes are recorded whatever ends the hand-over. Where the other side
objects to the sender, nothing more is begun, and the letters that it did not take for that are owed again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from sqlalchemy import Connection

from digest.delivery.claim import Claimed
from digest.delivery.parcel import Signed, composed, folder_of, message_id, sign_letter
from digest.delivery.run import Run
from digest.errors import ConfigError, DigestError, Objection, TryLater
from digest.ledger.cures import Cure, cure_for, passes
from digest.ledger.objections import Answers, Refusal
from digest.ledger.redact import redacted
from digest.ledger.states import GIVEN_UP, next_try
from digest.model import Edition
from digest.render import Letters
from digest.store import deliveries, requests
from digest.store.deliveries import Delivery
from digest.store.engine import reading, writing
from digest.store.patience import write_patiently
from digest.system import stopping
from digest.system.failpoint import failpoint
from digest.transports.base import Asked, Outcome, Parcel, WaitingTransport
from digest.transports.tag import TagKeys
from subscribers.keyring import Keyring

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FrozenEdition:
    """Hold an edition whose deliveries are written, its letters, and the hour at which they are to arrive."""

    edition: Edition
    letters: Letters
    hour: datetime


@dataclass(frozen=True, slots=True)
class HandOver:
    """Say how a hand-over ended: `lost` when an answer did not come, `halted` when some letters were not begun."""

    lost: bool = False
    halted: bool = False


def hand_over(run: Run, frozen: FrozenEdition, batch: Sequence[Claimed], send_at: datetime | None) -> HandOver:
    """Hand a claimed batch over and record what became of each delivery, whatever ends the hand-over.

    `send_at`: in slot mode, the hour until which the provider keeps the letters. Raises Objection when the other
    side objects to the sender, TryLater if that passes.
    """
    outcomes: list[Outcome] = []
    begun = False
    objection = None
    try:
        parcels, refused = compose_batch(frozen, batch, run.installation.keyring, run.installation.clock())
        failpoint("hand-over: composed")
        # Re-check ownership before the first byte: if this process slept past its claim, another run may have
        # settled these deliveries.
        with reading(run.installation.engine) as conn:
            ours = deliveries.claimed_by(conn, [claimed.delivery.id for claimed in batch], run.number)
        parcels = _in_order_of_trial([letter for letter in parcels if letter.delivery in ours], batch)
        domains = {letter.delivery: letter.to.rpartition("@")[2].lower() for letter in parcels}
        begun = True
        with stopping.telling(run.transport.stop):
            for outcome in chain(refused, _answers(run, frozen.edition.id, parcels, send_at)):
                outcomes.append(outcome)
                failpoint("hand-over: one answered")
                if _objected(run.answers, outcome, domains.get(outcome.delivery, "")):
                    run.transport.stop()
        failpoint("hand-over: all answered")
    finally:
        objection = run.answers.objection(ended=True)
        record_outcomes(run, frozen.edition, batch, outcomes, begun=begun, objection=objection)
    if objection is not None:
        raise _complaint(frozen.edition.id, objection, run.answers)
    lost = any(outcome.state == "uncertain" for outcome in outcomes)
    return HandOver(lost, halted=any(not outcome.tried for outcome in outcomes))


def compose_batch(
    frozen: FrozenEdition, batch: Sequence[Claimed], keys: Keyring, now: datetime
) -> tuple[list[Parcel], list[Outcome]]:
    """Compose the letters of a batch; return the parcels, and an outcome for each letter that cannot be written.

    Raises ConfigError for a mistaken template or setting, because then no letter can be written.
    """
    parcels, refused = [], []
    # Signed for the whole batch first, because one kind of work after the other takes a fifth less time.
    signatures = [_signed(frozen.letters, claimed, keys) for claimed in batch]
    for claimed, signed in zip(batch, signatures, strict=True):
        number = claimed.delivery.id
        try:
            if isinstance(signed, Exception):
                raise signed
            parcels.append(composed(frozen.letters, claimed.reader, claimed.digest, signed, now, claimed.top_lines))
        except ConfigError:
            raise
        except (ValueError, DigestError) as error:
            words = redacted(f"no letter could be written: {error}", claimed.reader.email)
            refused.append(Outcome(number, "refused", words, about="reader"))
        except Exception as error:
            # Nobody foresaw it, so that it may be a fault of this program: keep the letter owed until that is mended.
            reason = f"no letter could be written: a fault of this program ({type(error).__name__}), please report it"
            _log.debug("%s", reason, exc_info=error)
            refused.append(Outcome(number, "deferred", reason))
    return parcels, refused


def _signed(letters: Letters, claimed: Claimed, keys: Keyring) -> Signed | Exception:
    """Return what a letter needs of the keys, or why it cannot be had, to be raised where the letter is written."""
    try:
        return sign_letter(letters, claimed.reader, keys, claimed.delivery.id)
    except Exception as error:
        return error


def record_outcomes(
    run: Run,
    edition: Edition,
    batch: Sequence[Claimed],
    outcomes: Sequence[Outcome],
    *,
    begun: bool,
    objection: Refusal | None = None,
) -> None:
    """Record the outcomes of a batch, and give back the claims of deliveries that surely were not taken.

    The transport is asked about each delivery without an outcome. One of which it knows nothing stays claimed, and
    the next run calls it uncertain. `begun`: a letter may have left; otherwise everything without an outcome is
    given back. `objection`: the answer that shows that the sender is objected to; then nobody is refused for it.
    Waits for a database that is away, and then raises TryLater, also when all is recorded: the run lock may have gone
    with it.
    """
    claimed = {claim.delivery.id: claim.delivery for claim in batch}
    answered = {outcome.delivery for outcome in outcomes}
    unanswered = [number for number in claimed if number not in answered]
    late: list[Outcome] = []
    if unanswered and begun:
        answers = run.transport.ask(_letters_of(run, edition, [c for c in batch if c.delivery.id not in answered]))
        late = [Outcome(number, "accepted") for number in unanswered if answers.get(number) == "accepted"]
        unanswered = [number for number in unanswered if answers.get(number) == "absent"]
    now = run.installation.clock()
    alike = run.answers.refused_alike(objection) if objection else []
    settled = [_owed_again(outcome, {*alike}) for outcome in outcomes] if objection else outcomes

    def record(conn: Connection) -> None:
        _settle(conn, edition, claimed, [*settled, *late], run.number, now)
        deliveries.give_back(conn, unanswered, now, run.number)
        if objection is not None:
            earlier = [number for number in alike if number not in claimed]
            deliveries.owe_again(conn, earlier, objection.reason, now, run.number)

    # Safe to repeat after a commit whose end is unknown, because each step changes only what this run has claimed.
    write_patiently(run.installation.engine, "record", record)


def _letters_of(run: Run, edition: Edition, batch: Sequence[Claimed]) -> list[Asked]:
    # Without the database, because it may be away.
    site, secret, folder = run.installation.settings.site, run.installation.secret, folder_of(edition)
    return [
        Asked(claim.delivery.id, folder, message_id(site, TagKeys(claim.reader.key, edition.key), secret))
        for claim in batch
    ]


def _in_order_of_trial(parcels: Sequence[Parcel], batch: Sequence[Claimed]) -> list[Parcel]:
    """Return parcels in an order in which the first answers tell most: new ones first, and each domain in turn.

    Because an objection of one domain must not look like that of all, nor the same few readers stop every run.
    """
    put_off = {claimed.delivery.id for claimed in batch if claimed.delivery.reason}
    count: Counter[str] = Counter()
    keys: dict[int, tuple[bool, int]] = {}
    for letter in parcels:
        domain = letter.to.rpartition("@")[2].lower()
        keys[letter.delivery] = (letter.delivery in put_off, count[domain])
        count[domain] += 1
    return sorted(parcels, key=lambda letter: keys[letter.delivery])


def _objected(answers: Answers, outcome: Outcome, domain: str) -> bool:
    """Add an outcome to the answers of a run; return whether they show that the sender is objected to."""
    if outcome.state == "accepted":
        answers.hear_accepted()
    if outcome.state in ("accepted", "uncertain"):
        return False
    # A 5xx that may pass, as that of a full mailbox, is heard too, because the same may be answered to everybody.
    if not (outcome.state == "refused" or outcome.about or outcome.reason.startswith("5")):
        return False
    answers.hear(Refusal(outcome.delivery, domain, outcome.about, outcome.reason))
    return answers.objection() is not None


def _owed_again(outcome: Outcome, alike: set[int]) -> Outcome:
    """Return the outcome of a letter after an objection: owed, and not tried, if it was not taken for that."""
    objects = outcome.about in ("letter", "sender", "account")
    if not objects and outcome.delivery not in alike:
        return outcome
    return replace(outcome, state="deferred", tried=False, retry_after=None)


def _complaint(number: int, objection: Refusal, answers: Answers) -> DigestError:
    """Return the error that tells an objection to the sender and its cure."""
    if objection.objects:
        target = "the letter" if objection.about == "letter" else "the sender"
        cause, cure = f"not the readers are objected to, but {target}", cure_for(objection.reason)
    else:
        cause = "reader after reader was refused with the same answer, so that it is hardly about them"
        cure = Cure("ask the server's operator, or correct the addresses if all of them are wrong")
    words = (
        f"edition {number}: {cause}: {objection.reason}; {cure.text}. No reader is refused for it: the letters are"
        " owed, and the next run tries them again"
    )
    if objection.objects and passes(objection.reason):
        return TryLater(words)
    return Objection(words, everybody=objection.about == "account" or not answers.accepted)


def _answers(run: Run, number: int, parcels: Sequence[Parcel], send_at: datetime | None) -> Iterator[Outcome]:
    """Return the transport's outcomes; in slot mode each request is written down before it leaves."""
    transport = run.transport
    if send_at is None or not isinstance(transport, WaitingTransport):
        return transport.hand_over(parcels)

    def batch_for(ids: Sequence[int]) -> str:
        batch_id = transport.create_batch()
        with writing(run.installation.engine, "request") as conn:
            noted = requests.note(conn, ids, batch_id, run.number)
        if not noted:
            raise TryLater(f"edition {number}: another run has taken these deliveries over; nothing of them left")
        return batch_id

    return transport.hand_over_at(parcels, send_at, batch_for)


def _settle(
    conn: Connection, edition: Edition, claimed: Mapping[int, Delivery], outcomes: Sequence[Outcome], run: int,
    now: datetime,
) -> None:  # fmt: skip
    """Settle outcomes; a deferred delivery is tried again later, until its edition is too old."""
    settled = []
    later: list[tuple[int, datetime, str]] = []
    unbegun: list[tuple[int, datetime, str]] = []
    frozen_at = deliveries.frozen_at(conn, edition.id)
    for outcome in outcomes:
        number, reason = outcome.delivery, outcome.reason
        if outcome.state != "deferred":
            settled.append((number, outcome.state, reason))
        elif not outcome.tried:
            unbegun.append((number, now, reason))
        elif again := next_try(claimed[number].attempts + 1, outcome.retry_after, frozen_at, now):
            later.append((number, again, reason))
        else:
            settled.append((number, "refused", GIVEN_UP + reason))
    deliveries.settle(conn, settled, now, run)
    deliveries.put_off(conn, later, now, run)
    deliveries.put_off(conn, unbegun, now, run, tried=False)
