"""Write a notice down and hand it over: at once where that can be done, else with the next run."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from digest.delivery.run import Run
from digest.errors import DigestError, TryLater, WrongUse
from digest.installation import Installation
from digest.ledger.redact import redacted
from digest.notices.confirm import why_answered, why_not_confirm
from digest.notices.moving import why_not_told
from digest.notices.sign_in import SIGN_IN, why_late, why_no_link
from digest.notices.to_editors import why_no_editor, why_outdated
from digest.notices.to_operators import why_no_operator
from digest.store import notices, silence
from digest.store.engine import reading, writing
from digest.store.lock import turn_lock
from digest.store.notices import ALARM, CONFIRM, LETTER, MOVED, SILENCE, TO_EDITORS, Notice, Owed
from digest.system import stopping
from digest.transports.base import Asked, Outcome
from subscribers.addresses import parse_address
from subscribers.consent import on_allow_list
from subscribers.store import find, is_suppressed, keep_still
from subscribers.suppression import address_hash, seal

_MOST_AN_HOUR = {"test": 3, LETTER: 10}  # to the same address
_TO_ANYBODY = ("test", LETTER)  # kinds that an editor or operator sends to an address that they type
_KEPT_FOR = timedelta(days=1)  # a notice that cannot be handed over within that time is given up


def give_notice(installation: Installation, kind: str, email: str) -> Notice:
    """Write a notice down and hand it over now; return it as it stands then ("pending": the next run tries again).

    Raises WrongUse when the address may not be mailed, TryLater when it has had too many of this kind, PersonNeeded
    in HOLD: nothing is written then. Raises TryLater when the transport is away; then it is owed. Raises DigestError
    when a person must mend something first; then it is given up.
    """
    check_may_mail(installation)
    with writing(installation.engine, "notice") as conn:
        owed = owe_notice(conn, installation, kind, email)
    return hand_over_now(installation, owed)


def check_may_mail(installation: Installation) -> None:
    """Raise PersonNeeded in HOLD, and when the secret is lost. Call it before the transaction that owes a notice."""
    installation.fence.check()
    installation.require_secret()


def owe_notice(
    conn: Connection, installation: Installation, kind: str, email: str, facts: Mapping[str, Any] | None = None
) -> Owed:
    """Write a notice down in the caller's transaction, after `check_may_mail`; raises as `give_notice` does.

    `facts` is what it tells. A notice that is owed already is the same again; but one with older facts is dropped.
    """
    key, now, secret = parse_address(email).key, installation.clock(), installation.secret
    hashed = address_hash(secret, key)
    if why := why_not(conn, installation, kind, email):
        raise WrongUse(f"nothing is mailed to this address: {why}")
    most = _MOST_AN_HOUR[kind]
    if notices.count_since(conn, kind, hashed, now - timedelta(hours=1), left=True) >= most:
        raise TryLater(f"this address has had {most} such notices within an hour; try again later")
    if facts:
        notices.drop_owed(conn, kind, hashed, "replaced by a newer one", now)
    # The same again where it is owed already, so that not several leave at once when the server is back.
    number = notices.owed_to(conn, kind, hashed) or notices.add(conn, kind, email, hashed, now, facts)
    # As for a letter: the hash of the address holds with this secret only.
    seal(conn, secret)
    return Owed(number, kind, email, facts)


def hand_over_now(installation: Installation, owed: Owed) -> Notice:
    """Hand over a notice that is written down; raises as `give_notice` does."""
    try:
        with turn_lock(installation.engine), closing(installation.transport()) as transport:
            _hand_over(Run(installation, transport), owed)
    except TryLater as later:
        raise TryLater(f"{later}. The letter is not lost, it waits: the next run sends it") from later
    except DigestError as error:
        # Because it must not reach anybody by surprise, hours after this was told and mended.
        _give_up(installation, owed, str(error))
        raise
    with reading(installation.engine) as conn:
        return notices.get(conn, owed.number)


def hand_over_awaited(run: Run) -> None:
    """Hand over the notices that somebody waits for, in between the letters of an edition. Hold the run lock.

    A run that sends for hours would keep an editor from signing in, and from stopping it.
    """
    with reading(run.installation.engine) as conn:
        awaited = notices.are_awaited(conn)
    if awaited:
        hand_over_owed(run, but=SILENCE)


def hand_over_owed(run: Run, *, but: str = "") -> str:
    """Hand over the notices that are still owed, and give up those that are too old. Hold the run lock.

    A transport that cannot be used leaves them owed; that must not stop a run. So does a request to stop. `but`: a
    kind that stays owed. Return why some stay owed, "" where none does.
    """
    now = run.installation.clock()
    with writing(run.installation.engine, "notice") as conn:
        notices.close_old(conn, now - _KEPT_FOR, now)
        owed = [notice for notice in notices.owed(conn) if notice.kind != but]
    for notice in owed:
        if stopping.asked():
            return "a stop was asked for"
        try:
            _hand_over(run, notice)
        except DigestError as error:
            return str(error)
    return ""


def why_not(conn: Connection, installation: Installation, kind: str, email: str) -> str:
    """Return why an address must not get a notice of this kind, or ""."""
    if kind == SIGN_IN:
        return why_no_link(conn, installation, email)
    if kind in TO_EDITORS:
        return why_no_editor(conn, installation, email)
    if kind == ALARM:
        return why_no_operator(conn, installation, email)
    if kind == CONFIRM:
        return why_not_confirm(conn, installation, email)
    if kind == MOVED:
        return why_not_told(conn, installation, email)
    if suppressed := is_suppressed(conn, email, secret=installation.secret):
        return f"it is suppressed ({suppressed})"
    if not on_allow_list(email, installation.settings.only):
        return "it is not in [transport] only"
    person = find(conn, email)
    if kind not in _TO_ANYBODY and (person is None or person.state != "active"):
        return "no active subscriber has it"
    if kind == SILENCE and person and not person.silence_notices:
        return "the reader does not want to be told of a silence"
    # Because a letter may have been written, or the reader may have changed something, since it was owed.
    heard = kind == SILENCE and person and not silence.is_silent(conn, person.id, installation.clock())
    return "the reader is not silent any more" if heard else ""


def _hand_over(run: Run, owed: Owed) -> None:
    """Claim a notice, hand it over and record what became of it; without an answer it is never handed over again.

    Raises DigestError when the transport cannot be used; the notice stays owed then.
    """
    from digest.letter.mime.headers import BadHeader  # here, because composing letters is slow to import
    from digest.notices.message import FOLDER, notice_parcel

    installation, now = run.installation, run.installation.clock()
    # Before the transaction that claims, because the wait for a server may be long.
    run.transport.open()
    with writing(installation.engine, "claim notice") as conn:
        # As for a letter: who leaves now is seen by the reads below, or leaves after this transaction.
        keep_still(conn)
        if (
            why := why_not(conn, installation, owed.kind, owed.email)
            or why_late(owed, now)
            or why_outdated(conn, owed)
            or why_answered(conn, owed)
        ):
            notices.settle(conn, owed.number, "dropped", why, now)
            return
        person = find(conn, owed.email)
        try:
            parcel = notice_parcel(installation.settings, owed, person, installation.keyring, now)
        except BadHeader as error:
            notices.settle(conn, owed.number, "refused", redacted(str(error), owed.email), now)
            return
        if not notices.claim(conn, owed.number, now):
            return
        installation.fence.turn(conn)
    # The file of the fence is written before the first byte leaves, so that an older backup is recognised.
    installation.fence.keep()
    outcomes: list[Outcome] = []
    try:
        outcomes.extend(run.transport.hand_over([parcel]))
    finally:
        if not outcomes:
            heard = run.transport.ask([Asked(owed.number, FOLDER, parcel.message_id)]).get(owed.number)
            state = {"absent": "deferred", "accepted": "accepted"}.get(heard or "", "uncertain")
            outcomes.append(Outcome(owed.number, state, "" if state == "accepted" else "no answer was heard"))
        _settle(installation, owed, outcomes[0])


def _give_up(installation: Installation, owed: Owed, reason: str) -> None:
    """Call a notice refused if it is still owed."""
    with writing(installation.engine, "notice") as conn:
        if notices.get(conn, owed.number).state == "pending":
            notices.settle(conn, owed.number, "refused", redacted(reason, owed.email), installation.clock())


def _settle(installation: Installation, owed: Owed, outcome: Outcome) -> None:
    from digest.ledger.cures import passes

    state = "pending" if outcome.state == "deferred" else outcome.state
    if state == "pending" and outcome.about and not passes(outcome.reason):
        state = "refused"  # because only a person can mend what the sender, the account or the letter is refused for
    with writing(installation.engine, "notice") as conn:
        notices.settle(conn, owed.number, state, redacted(outcome.reason, owed.email), installation.clock())
