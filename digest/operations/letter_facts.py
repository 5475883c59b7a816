"""Read from the database what `owed.why_unsent` decides by, by few queries whatever the number of readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.editions.due import passed_editions, slot_owed, why_too_late
from digest.errors import PersonNeeded
from digest.installation import Installation
from digest.model import Edition
from digest.operations.clock import check_clock
from digest.operations.owed import LATE, LastRuns, LateSlot, LetterFacts, longest_pause
from digest.schedule import Cadence, Slot
from digest.store import calendar, editions, open_letters, runs
from digest.store.open_letters import OpenEdition
from subscribers import store as people


def letter_facts(conn: Connection, installation: Installation, open_editions: list[OpenEdition]) -> LetterFacts:
    """Return what is known of the letters owed; `open_editions` are those of `store.open_letters`."""
    settings, now = installation.settings, installation.clock()
    owing = [edition for edition in open_editions if edition.owes]
    going = [edition for edition in owing if not edition.stopped]
    expected = now - longest_pause(settings.gather_every)
    # Without the editions frozen since, because a search for the first letter that is ripe would read all of theirs.
    old = [edition.number for edition in going if edition.frozen_at <= expected]
    last = _last_runs(conn)
    slots = _Slots(conn, settings, now)
    facts = LetterFacts(
        now=now,
        every=settings.gather_every,
        held=bool(why_held(conn, installation, last)),
        clock_behind=is_clock_behind(conn, now),
        since=min((edition.frozen_at for edition in going), default=None),
        stopped=tuple(edition.number for edition in owing if edition.stopped),
        late=tuple(slots.late),
        due=slots.due,
        claimed_at=open_letters.newest_claim(conn, [edition.number for edition in going if edition.claimed]),
        runs=last,
        shares=_last_shares(conn, settings),
        existed_since=calendar.first_write(conn) if last.began is None else None,
    )
    # Asked last, and only where it decides: where a million letters wait for another try, it reads all of them.
    if not old or facts.works or facts.runs_late:
        return facts
    return replace(facts, ripe=open_letters.are_ripe_since(conn, old, expected))


def why_held(conn: Connection, installation: Installation, last: LastRuns) -> str:
    """Return why the database is in HOLD, or "".

    A host that only answers on the web has no file of the fence. There the runs tell: while the last one did its
    work, the host that sends has its file.
    """
    why = installation.fence.why_by(conn)
    elsewhere = not installation.settings.fence_file.exists() and last.good_at is not None and not last.failed
    return "" if elsewhere and not installation.fence.is_held(conn) else why


def is_clock_behind(conn: Connection, now: datetime) -> bool:
    """Return whether nothing runs because the clock is behind."""
    try:
        check_clock(conn, now)
    except PersonNeeded:
        return True
    return False


def _last_runs(conn: Connection) -> LastRuns:
    newest, ended, good_at = runs.newest_sending(conn)
    if newest is None:
        return LastRuns()
    return LastRuns(newest.began, newest.ended, good_at, failed=ended is not None and not ended.good)


def _last_shares(conn: Connection, settings: Settings) -> LastRuns:
    if not settings.cluster.enabled:
        return LastRuns()
    failed, good_at = runs.newest_shares(conn)
    return LastRuns(good_at=good_at, failed=failed is not None)


class _Slots:
    """The slots of all cadences that wait: `late`, and how many are `due`, late or not; none that nobody follows."""

    def __init__(self, conn: Connection, settings: Settings, now: datetime) -> None:
        self.late: list[LateSlot] = []
        self.due = 0
        zone = settings.site.zone
        for cadence in settings.cadences:
            late = list(_late_slots(conn, cadence, now, zone))
            due = slot_owed(conn, cadence, now, zone) is not None
            # Asked last, because the answer may need a look at every reader, and a slot seldom waits.
            if (late or due) and people.stream(conn, cadence=cadence.name, limit=1):
                self.late += late
                self.due += due


def _late_slots(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> Iterator[LateSlot]:
    """Yield the slots of a cadence whose hour passed long ago and that no run has frozen."""
    stopped = [edition for edition in passed_editions(conn, cadence, now, zone) if edition.held]
    if stopped:
        yield from (LateSlot(cadence.name, each.slot, "stopped", each.id) for each in stopped)
        return
    slot = slot_owed(conn, cadence, now - LATE, zone)
    if slot is None:
        return
    edition = editions.find(conn, cadence.name, slot.key)
    if edition is not None and edition.held:
        yield LateSlot(cadence.name, slot.key, "stopped", edition.id)
    elif edition is None or not _waits_for_person(cadence, slot, edition, now, zone):
        yield LateSlot(cadence.name, slot.key, "overdue", edition.id if edition else None)
    elif open_letters.has_entries(conn, edition.id):
        yield LateSlot(cadence.name, slot.key, "approval", edition.id)


def _waits_for_person(cadence: Cadence, slot: Slot, edition: Edition, now: datetime, zone: str) -> bool:
    """Return whether an edition waits until somebody approves it, however many runs come."""
    asked = cadence.approval_required and edition.state != "approved" and cadence.unapproved == "wait"
    return asked or bool(why_too_late(cadence, slot, edition, now, zone))
