"""Find the slots of a cadence that are due: which one is owed, which ones a run freezes, and which comes next.

Runs, drafts, previews and explanations all ask these functions; `digest.schedule` knows the timetable alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from functools import cache

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.approve import waits_for_approval
from digest.errors import PersonNeeded, WrongUse
from digest.model import Edition
from digest.schedule import Cadence, Slot, due_slot, latest_of, next_slot, slot_of
from digest.store import calendar, editions
from subscribers import store as people


def slots_to_run(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> list[Slot]:
    """Return the slots a run has to freeze, oldest first: passed ones an editor has approved, then the one owed.

    Raises PersonNeeded while an edition of a passed slot is stopped, because its entries must not go out under a
    later date before the editor has decided.
    """
    owed = slot_owed(conn, cadence, now, zone)
    passed = passed_editions(conn, cadence, now, zone)
    for edition in passed:
        if edition.held:
            raise waits_for_approval(conn, edition, "is stopped", zone)
    approved = [slot_of(cadence, edition.slot, zone) for edition in passed]
    return approved + ([owed] if owed else [])


def check_slot(conn: Connection, settings: Settings, day: date, now: datetime) -> None:
    """Return when a run may be asked for the editions of a local date: one is frozen, is owed, or waits there.

    Raises WrongUse otherwise; its message tells why, and what to ask for instead.
    """
    zone, key = settings.site.zone, day.isoformat()
    why = []
    for cadence in settings.cadences:
        stored, newest = editions.find(conn, cadence.name, key), due_slot(cadence, now, zone)
        owed = slot_owed(conn, cadence, now, zone)
        if (stored is not None and stored.state == "frozen") or (owed is not None and owed.day == day):
            return
        if key in {edition.slot for edition in passed_editions(conn, cadence, now, zone)}:
            return
        if key > newest.key:
            coming = next_slot(cadence, now, zone)
            why.append(f"{cadence.name} is due next on {coming.key}")
        elif cadence.is_due_on(day):
            why.append(
                f"{cadence.name} {key} has passed without an edition, and that of a later date has its entries"
            )
        else:
            why.append(f"{cadence.name} is not due on that day; it was due last on {newest.key}")
    raise WrongUse(f"no edition of {key} can go out: {'; '.join(why)}")


def has_slot_due(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> bool:
    """Return whether a run has a slot of a cadence to freeze, or an editor must decide about a passed one first."""
    try:
        return bool(slots_to_run(conn, cadence, now, zone))
    except PersonNeeded:
        return True


def slot_owed(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> Slot | None:
    """Return the newest due slot of a cadence, or None when it is accounted for already.

    Older slots are never owed, because the edition of the newest carries their entries. Nor is a slot whose hour had
    passed before the installation existed, unless somebody asked for its edition (`prepare --first`): it is stored.
    """
    due = due_slot(cadence, now, zone)
    last = calendar.last_slot(conn, cadence.name, now)
    if last is not None and last >= due.key:
        return None
    stored = editions.find(conn, cadence.name, due.key)
    return due if _is_owed(due, last, stored, lambda: calendar.first_write(conn)) else None


def _is_owed(due: Slot, last: str | None, stored: Edition | None, began: Callable[[], datetime | None]) -> bool:
    """Return whether a run owes a due slot.

    `last` is the newest day accounted for, `stored` the edition of the slot, `began` tells since when the
    installation has existed.
    """
    if last is not None and last >= due.key:
        return False
    if stored is not None:
        return stored.state != "frozen"
    first = began() if last is None else None
    return last is not None or (first is not None and first <= due.hour)


def coming_slot(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> Slot:
    """Return the slot that the next draft of a cadence is for: the one owed now, else the next of the timetable."""
    return slot_owed(conn, cadence, now, zone) or next_slot(cadence, now, zone)


def first_slot(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> Slot:
    """Return the newest due slot of a cadence that has had no edition yet.

    Raises WrongUse when it has had one, or when nobody follows it, because an edition for nobody would
    close the slot.
    """
    if calendar.last_slot(conn, cadence.name, now) is not None:
        raise WrongUse(f"{cadence.name} has had its first edition; leave out --first")
    if not people.stream(conn, cadence=cadence.name, limit=1):
        raise WrongUse(
            f"nobody follows {cadence.name}, so no edition was drafted; import or add readers first"
            " (`digest subscribers`), or leave out --first"
        )
    return due_slot(cadence, now, zone)


def passed_editions(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> list[Edition]:
    """Return the editions of earlier slots that are approved, or stopped by an editor, and not frozen; oldest first.

    They go out before the edition of the slot that is owed. A draft that was not approved in time does not go out,
    because its entries are in the next draft; nor does one that was not frozen by its latest time.
    """
    return _passed(editions.unfrozen(conn, cadence.name), cadence, now, zone)


def _passed(unfrozen: Iterable[Edition], cadence: Cadence, now: datetime, zone: str) -> list[Edition]:
    due = due_slot(cadence, now, zone).key
    waiting = [edition for edition in unfrozen if edition.cadence == cadence.name and edition.slot < due]
    return [
        edition
        for edition in waiting
        if edition.held
        or (
            edition.state == "approved"
            and not why_too_late(cadence, slot_of(cadence, edition.slot, zone), edition, now, zone)
        )
    ]


def why_too_late(cadence: Cadence, slot: Slot, edition: Edition, now: datetime, zone: str) -> str:
    """Return why an edition that is not frozen waits for a person since the latest time of its slot, or "".

    An approval that was given after that time is the person's word that it shall go out late.
    """
    latest = latest_of(cadence, slot, zone)
    if latest is None or now <= latest or (edition.approved_at is not None and edition.approved_at > latest):
        return ""
    return f"was not sent by {cadence.latest:%H:%M}, its latest time, so that it goes out only if it is approved now"


def next_of_each(
    conn: Connection, cadences: Sequence[Cadence], now: datetime, zone: str
) -> dict[str, tuple[Slot, Edition]]:  # fmt: skip
    """Return for each cadence the edition that goes out next, and its slot, by a fixed number of queries.

    It is `draft.next_edition` for all cadences at once: the id of an edition is 0 when none is stored.
    """
    due = {cadence.name: due_slot(cadence, now, zone) for cadence in cadences}
    following = {cadence.name: next_slot(cadence, now, zone) for cadence in cadences}
    slots = [(slot.cadence, slot.key) for slot in (*due.values(), *following.values())]
    stored = {(edition.cadence, edition.slot): edition for edition in editions.of_slots(conn, slots)}
    last, unfrozen = calendar.last_slots(conn, now), editions.unfrozen(conn)
    began = cache(lambda: calendar.first_write(conn))
    coming: dict[str, tuple[Slot, Edition]] = {}
    for cadence in cadences:
        name, newest = cadence.name, due[cadence.name]
        owed = _is_owed(newest, last.get(name), stored.get((name, newest.key)), began)
        slot = newest if owed else following[name]
        if passed := _passed(unfrozen, cadence, now, zone):
            coming[name] = slot_of(cadence, passed[0].slot, zone), passed[0]
        else:
            coming[name] = slot, stored.get((name, slot.key)) or blank_edition(name, slot.key)
    return coming


def blank_edition(cadence: str, day: str) -> Edition:
    """Return the edition of a slot of which nothing is stored."""
    return Edition(0, cadence, day, "draft", False, "", 0, "")
