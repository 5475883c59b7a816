"""Freeze an edition: write every delivery that it owes in one transaction, before a byte leaves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.approve import appearance_hash, waits_for_approval
from digest.editions.plan import PAGE, Planner
from digest.errors import PersonNeeded
from digest.model import Digest, Edition
from digest.schedule import Cadence, Slot, slots_between
from digest.store import calendar, deliveries, editions, releases
from digest.system.failpoint import failpoint
from subscribers import store as people


def freeze(
    conn: Connection, settings: Settings, cadence: Cadence, slot: Slot, secret: bytes, now: datetime
) -> Edition:
    """Write down the whole debt of a drafted slot in the caller's transaction: digests, deliveries, marks, slots.

    Raises PersonNeeded when the edition waits for an editor's word; nothing is written then.
    """
    editions.serialise(conn)
    people.keep_still(conn)
    one = editions.find(conn, cadence.name, slot.key)
    if one is None:
        raise PersonNeeded(f"{cadence.name} {slot.key} has no draft; make it with `digest prepare {cadence.name}`")
    if one.held:
        raise waits_for_approval(one, "is held")
    if cadence.approval_required and one.state != "approved":
        raise waits_for_approval(one, "is not approved")
    shown = editions.shown(conn, one.id)
    if editions.content_hash(one.note, shown) != one.content_hash:
        raise waits_for_approval(one, "is not what was approved")
    if one.state == "approved" and one.look != appearance_hash(settings):
        raise waits_for_approval(one, "was approved with other templates, words or limits than config has now")
    # Those who joined since the draft get a mark first, or their letter would not move it and they got it twice.
    releases.settle_marks(conn, settings.welcome)
    stored: dict[Digest, int] = {}
    rows = []
    for planned in Planner(conn, settings, one, shown, secret, now).everyone():
        digest = None
        if planned.digest is not None:
            digest = stored.get(planned.digest)
            if digest is None:
                digest = stored[planned.digest] = deliveries.add_digest(conn, one.id, planned.digest)
        rows.append(
            {"subscriber_id": planned.subscriber.id, "digest_id": digest, "state": planned.state,
             "reason": planned.reason}
        )  # fmt: skip
        if len(rows) >= PAGE:
            deliveries.add(conn, one.id, rows, now)
            failpoint("planned: one page")
            rows = []
    deliveries.add(conn, one.id, rows, now)
    failpoint("planned: all pages")
    deliveries.move_marks(conn, one)
    editions.freeze(conn, one.id, people.count(conn, cadence=one.cadence), now)
    _close_slots(conn, settings, cadence, slot, one, now)
    frozen = editions.get(conn, one.id)
    assert frozen is not None
    return frozen


def _close_slots(
    conn: Connection, settings: Settings, cadence: Cadence, slot: Slot, one: Edition, now: datetime
) -> None:
    """Account for the slot, and for those that passed unseen since the last one."""
    last = calendar.last_slot(conn, cadence.name, now)
    if last is not None:
        day = datetime.fromisoformat(last).date()
        for missed in slots_between(cadence, day, slot.day, settings.site.zone):
            calendar.close_slot(conn, missed, "missed", None, now)
    calendar.close_slot(conn, slot, "run", one.id, now)
