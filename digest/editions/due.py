"""Say which slot of a cadence is owed and which comes next: the one answer for drafts, previews and explanations."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from digest.model import Edition
from digest.schedule import Cadence, Slot, due_slot, next_slot
from digest.store import calendar, editions


def slot_owed(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> Slot | None:
    """Return the newest due slot of a cadence unless it is accounted for already; older ones it makes good."""
    due = due_slot(cadence, now, zone)
    last = calendar.last_slot(conn, cadence.name, now)
    edition = editions.find(conn, cadence.name, due.key)
    done = (last is not None and last >= due.key) or (edition is not None and edition.state == "frozen")
    return None if done else due


def coming_slot(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> Slot:
    """Return the slot that the next draft of a cadence is for: the one owed now, else the next of the timetable."""
    return slot_owed(conn, cadence, now, zone) or next_slot(cadence, now, zone)


def passed_editions(conn: Connection, cadence: Cadence, now: datetime, zone: str) -> list[Edition]:
    """Return the editions of earlier slots that still wait, oldest first: approved, or held by an editor.

    They go out before the slot that is owed. A draft that was merely passed over does not: its entries are in
    the next draft.
    """
    due = due_slot(cadence, now, zone).key
    waiting = [edition for edition in editions.unfrozen(conn, cadence.name) if edition.slot < due]
    return [edition for edition in waiting if edition.held or edition.state == "approved"]
