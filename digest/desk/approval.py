"""Approve, hold or stop an edition, or let a stopped one go on, and record who did it."""

from __future__ import annotations

from typing import Any

from digest.delivery.take_back import TakenBack
from digest.desk.acts import Hand, check_fresh, record
from digest.desk.arrange import edition_name
from digest.editions import approve as approving
from digest.editions.named import edition_of
from digest.installation import Installation
from digest.model import Edition
from digest.operations.stop import stop_claims, take_back_waiting
from digest.store import editions
from digest.store.engine import writing


def approve_edition(installation: Installation, hand: Hand, number: int, seen_hash: str = "") -> Edition:
    """Approve an edition as it stands, or let a stopped frozen one go on; return it.

    `seen_hash` is the content hash, or its beginning, of what the person has looked at. Raises PersonNeeded when the
    edition has another content by now, WrongUse when there is nothing to approve; StaleForm.
    """
    with writing(installation.engine, "approve") as conn:
        editions.serialise(conn)
        check_fresh(conn, edition_name(number), hand)
        before, now = edition_of(conn, number), installation.clock()
        approved = approving.approve(conn, installation.settings, number, hand.by, now, seen_hash)
        verb = "resume" if approved.state == "frozen" else "approve"
        values = _values(before), _values(edition_of(conn, number)) | {"content": approved.content_hash[:12]}
        record(conn, installation, hand, verb, edition_name(number), values)
    return approved


def hold_edition(installation: Installation, hand: Hand, number: int) -> Edition:
    """Hold an edition that is not frozen until it is approved; return it. Raises WrongUse, and StaleForm."""
    with writing(installation.engine, "hold") as conn:
        editions.serialise(conn)
        check_fresh(conn, edition_name(number), hand)
        before = edition_of(conn, number)
        held = approving.hold(conn, number)
        record(conn, installation, hand, "hold", edition_name(number), (_values(before), _values(held)))
    return held


def stop_edition(installation: Installation, hand: Hand, number: int) -> TakenBack:
    """Stop a frozen edition, and take back its letters that wait at the provider; return what was taken back.

    It is stopped, and recorded, also where taking back fails. Raises WrongUse when there is nothing to stop,
    StaleForm, and what `take_back_waiting` raises.
    """
    with writing(installation.engine, "stop") as conn:
        editions.serialise(conn)
        check_fresh(conn, edition_name(number), hand)
        before = edition_of(conn, number)
        stop_claims(conn, installation, number)
        values = _values(before), _values(edition_of(conn, number))
        record(conn, installation, hand, "stop", edition_name(number), values)
    return take_back_waiting(installation, number)


def _values(edition: Edition) -> dict[str, Any]:
    """Return what an approval, a hold or a stop changes of an edition."""
    return {"state": edition.state, "stopped": edition.held}
