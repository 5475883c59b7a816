"""Prepare: draft the edition a cadence owes, take the editor's word, freeze the debt.

`editions.due` says which slot that is, `editions.plan` what each reader gets.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.approve import waits_for_approval
from digest.editions.due import coming_slot, passed_editions, slot_owed
from digest.editions.plan import content, drafted_anew
from digest.model import Edition
from digest.schedule import Cadence, Slot, slot_of
from digest.store import editions, releases


def slots_to_run(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> list[Slot]:
    """Return the slots a run has to freeze, oldest first: passed ones an editor has approved, then the one owed.

    Raises PersonNeeded while an edition of a passed slot is held: what an editor holds back does not go out
    under a later date.
    """
    due = slot_owed(conn, cadence, now, zone)
    passed = passed_editions(conn, cadence, now, zone)
    for edition in passed:
        if edition.held:
            raise waits_for_approval(edition, "is held")
    approved = [slot_of(cadence, edition.slot, zone) for edition in passed]
    return approved + ([due] if due else [])


def draft(conn: Connection, settings: Settings, cadence: Cadence, now: datetime) -> Edition:
    """Draft the edition of the slot now owed, or else of the next one, and return it.

    An approved edition is left as it is (hold it first to draft it again); so is a frozen one.
    """
    editions.serialise(conn)
    slot = coming_slot(conn, cadence, now, settings.site.zone)
    known = editions.find(conn, cadence.name, slot.key)
    if known and (known.state == "frozen" or (known.state == "approved" and not known.held)):
        return known
    return _draft(conn, settings, cadence.name, slot.key, releases.latest(conn), now)


def redraft(conn: Connection, settings: Settings, entry: int, now: datetime) -> list[Edition]:
    """Draft anew every open edition that carries `entry`, after an editor's change; return them."""
    editions.serialise(conn)
    return [
        _draft(conn, settings, one.cadence, one.slot, one.to_release, now)
        for one in editions.unfrozen(conn)
        if any(s.entry.id == entry for s in editions.shown(conn, one.id))
    ]


def _draft(conn: Connection, settings: Settings, cadence: str, day: str, high: int, now: datetime) -> Edition:
    releases.settle_marks(conn, settings.welcome)
    low = releases.lowest_mark(conn, cadence, now, default=high)
    return editions.draft(conn, cadence, day, (low, high), content(conn, low, high), now)


def ready(conn: Connection, settings: Settings, cadence: Cadence, slot: Slot, now: datetime) -> Edition:
    """Return the edition of a due slot: drafted up to the present, unless an editor has the word.

    What an editor may be looking at is never drafted anew behind their back; `draft` does it when asked to.
    """
    editions.serialise(conn)
    one = editions.find(conn, cadence.name, slot.key)
    if one is None or drafted_anew(one, approval_required=cadence.approval_required):
        one = _draft(conn, settings, cadence.name, slot.key, releases.latest(conn), now)
    return one
