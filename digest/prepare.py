"""Prepare: draft the edition a cadence owes, take the editor's word, freeze the debt.

`editions.due` says which slot that is, `editions.plan` what each reader gets.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.due import coming_slot, passed_editions, slot_owed
from digest.editions.plan import PAGE, Planner, content, drafted_anew
from digest.errors import PersonNeeded, WrongUse
from digest.model import Digest, Edition
from digest.schedule import Cadence, Slot, due_slot, slot_of, slots_between
from digest.store import calendar, deliveries, editions, releases, requests
from digest.system.failpoint import failpoint
from digest.system.resources import resource
from subscribers import store as people


def slots_to_run(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> list[Slot]:
    """Return the slots a run has to freeze, oldest first: passed ones an editor has approved, then the one owed.

    Raises PersonNeeded while an edition of a passed slot is held: what an editor holds back does not go out
    under a later date.
    """
    due = slot_owed(conn, cadence, now, zone)
    passed = passed_editions(conn, cadence, now, zone)
    for edition in passed:
        if edition.held:
            raise _waits(edition, "is held")
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


def approve(conn: Connection, settings: Settings, number: int, who: str, now: datetime, seen: str = "") -> Edition:
    """Record the editor's word for an edition as it is stored, and as templates and config now show it.

    `seen`: the content hash (or its beginning) of what they looked at; PersonNeeded when it is another by now.
    A frozen edition that was stopped goes on. Raises WrongUse when there is nothing to approve.
    """
    editions.serialise(conn)
    stopped = editions.get(conn, number)
    if stopped is not None and stopped.state == "frozen" and stopped.held:
        if not stopped.content_hash.startswith(seen):
            raise PersonNeeded(f"edition {number} does not have this content; nothing is approved, preview it again")
        editions.let_go(conn, number)
        requests.go_on(conn, number)
        return stopped
    one = _open_edition(conn, number)
    cadence = settings.cadence(one.cadence)
    newer = due_slot(cadence, now, settings.site.zone).key
    if not one.held and (one.slot < newer or (calendar.last_slot(conn, one.cadence, now) or "") >= one.slot):
        raise WrongUse(
            f"edition {number} ({one.cadence} {one.slot}) is past: {newer} is due and carries its entries;"
            f" `digest prepare {one.cadence}`, then approve that one"
        )
    if not one.content_hash.startswith(seen):
        raise PersonNeeded(f"edition {number} has changed since you looked; nothing is approved, preview it again")
    editions.approve(conn, number, who, look(settings), now)
    return _open_edition(conn, number)


def look(settings: Settings) -> str:
    """Return a hash of everything but the entries that decides how an edition reads: templates, words, limits."""
    folders = [resource("templates") / "email", *([settings.templates] if settings.templates else [])]
    said = hashlib.sha256()
    for value in (settings.site, settings.brand, settings.taxonomy, settings.letter_cap, settings.elsewhere_cap):
        said.update(repr(value).encode())
    for folder in folders:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            said.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return said.hexdigest()


def hold(conn: Connection, number: int) -> Edition:
    """Keep an edition back until it is approved. Raises WrongUse when it is frozen or unknown."""
    editions.serialise(conn)
    _open_edition(conn, number)
    editions.hold(conn, number)
    return _open_edition(conn, number)


def _open_edition(conn: Connection, number: int) -> Edition:
    one = editions.get(conn, number)
    if one is None:
        raise WrongUse(f"edition {number} does not exist; see `digest status`")
    if one.state == "frozen":
        raise WrongUse(
            f"edition {number} is frozen: its deliveries are written, it can no longer be changed;"
            f" `digest hold {number} --stop` stops what has not left yet"
        )
    return one


def ready(conn: Connection, settings: Settings, cadence: Cadence, slot: Slot, now: datetime) -> Edition:
    """Return the edition of a due slot: drafted up to the present, unless an editor has the word.

    What an editor may be looking at is never drafted anew behind their back; `draft` does it when asked to.
    """
    editions.serialise(conn)
    one = editions.find(conn, cadence.name, slot.key)
    if one is None or drafted_anew(one, approval_required=cadence.approval_required):
        one = _draft(conn, settings, cadence.name, slot.key, releases.latest(conn), now)
    return one


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
        raise _waits(one, "is held")
    if cadence.approval_required and one.state != "approved":
        raise _waits(one, "is not approved")
    shown = editions.shown(conn, one.id)
    if editions.content_hash(one.note, shown) != one.content_hash:
        raise _waits(one, "is not what was approved")
    if one.state == "approved" and one.look != look(settings):
        raise _waits(one, "was approved with other templates, words or limits than config has now")
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


def _waits(one: Edition, why: str) -> PersonNeeded:
    return PersonNeeded(
        f"edition {one.id} ({one.cadence} {one.slot}) {why}; look with `digest preview --edition {one.id}`,"
        f" then `digest approve {one.id} --hash {one.content_hash[:12]}`"
    )
