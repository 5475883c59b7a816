"""List the editions for the first page of the desk: those due, with what waits for a person, and the past ones.

All of it is read by a fixed number of queries, whatever the size, because the page is opened all day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from digest.editions.due import next_of_each
from digest.errors import counted
from digest.installation import Installation
from digest.model import Edition, Receipt
from digest.operations.doctor import examine_briefly
from digest.operations.finding import Finding
from digest.operations.owed import LATE
from digest.schedule import Cadence, Slot
from digest.store import deliveries, desk_counts, editions

PAGE = 20  # past editions on a page
# {code of `PoolEntry.doubts`: what is told of so many entries}
_DOUBTS = {
    "question": "with an open question",
    "no-area": "without a policy area",
    "no-place": "without a known place",
}


@dataclass(frozen=True, slots=True)
class DueEdition:
    """A cadence with the edition that goes out next, whose id is 0 when none is drafted.

    `came` entries were released since it was drafted; `doubts` count its entries that an editor should look at, by
    code. The cadence has so many active `readers`. Its `state` is a code: "none" (no draft yet), "draft", "waits"
    (for an approval that it needs), "approved", "stopped", or "late" (a run should have frozen it, and none came).
    """

    cadence: Cadence
    slot: Slot
    edition: Edition
    state: str
    came: int
    doubts: Mapping[str, int]
    readers: int


@dataclass(frozen=True, slots=True)
class ListedEdition:
    """Hold an edition that is frozen, with its receipt, or one that was passed over (`receipt` None)."""

    edition: Edition
    receipt: Receipt | None


@dataclass(frozen=True, slots=True)
class WaitsFor:
    """Something that waits for an "editor", an "approver" or an "operator", and where to see to it.

    `address` is a path of the desk, or ""; `command` is the command that settles it, or "".
    """

    role: str
    sentence: str
    address: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class EditionsListed:
    """Hold all that the first page of the desk shows. `more`: there are older past editions than these."""

    at: datetime
    due: tuple[DueEdition, ...]
    waits: tuple[WaitsFor, ...]
    past: tuple[ListedEdition, ...]
    more: bool
    findings: tuple[Finding, ...]


def read_editions(conn: Connection, installation: Installation, page: int = 1) -> EditionsListed:
    """Return the editions due and a page of the past ones, with what waits for a person."""
    due = _read_due(conn, installation)
    following = [each.edition.id for each in due]
    past = editions.past(conn, following, offset=(max(page, 1) - 1) * PAGE, limit=PAGE + 1)
    receipts = deliveries.receipts_of(conn, [edition for edition in past[:PAGE] if edition.state == "frozen"])
    waiting, stopped = desk_counts.count_waiting(conn), deliveries.stopped(conn)
    return EditionsListed(
        installation.clock(),
        tuple(due),
        tuple(_waits(due, waiting, stopped)),
        tuple(ListedEdition(edition, receipts.get(edition.id)) for edition in past[:PAGE]),
        len(past) > PAGE,
        tuple(examine_briefly(conn, installation)),
    )


def _read_due(conn: Connection, installation: Installation) -> list[DueEdition]:
    settings, now = installation.settings, installation.clock()
    coming = next_of_each(conn, settings.cadences, now, settings.site.zone)
    numbers = [edition.id for _, edition in coming.values()]
    came, doubts = desk_counts.count_came(conn, numbers), desk_counts.count_doubts(conn, numbers)
    readers = desk_counts.count_followers(conn)
    due = []
    for cadence in settings.cadences:
        slot, edition = coming[cadence.name]
        state, number = _state(cadence, slot, edition, now), edition.id
        due.append(
            DueEdition(
                cadence, slot, edition, state, came.get(number, 0), doubts[number], readers.get(cadence.name, 0)
            )
        )
    return sorted(due, key=lambda each: each.slot.instant)


def _state(cadence: Cadence, slot: Slot, edition: Edition, now: datetime) -> str:
    if edition.held:
        return "stopped"
    if edition.state != "approved" and cadence.approval_required:
        return "waits" if edition.id else "none"
    if slot.instant + LATE < now:
        return "late"
    return edition.state if edition.id else "none"


def _waits(due: list[DueEdition], waiting: desk_counts.Waiting, stopped: list[int]) -> Iterator[WaitsFor]:
    """Yield what waits for a person, the most urgent first."""
    for each in due:
        yield from _edition_waits(each)
    for number in stopped:
        sentence = f"Edition {number} is stopped with letters that have not left"
        yield WaitsFor("approver", sentence, f"/desk/edition/{number}", f"digest approve {number}")
    if waiting.in_doubt:
        doubts = counted(waiting.in_doubt, "delivery is", "deliveries are")
        sentence = f"{doubts} in doubt: handed over, and the answer was lost"
        yield WaitsFor("operator", sentence, command="digest settle")
    if waiting.held_entries and due:
        sentence = f"{counted(waiting.held_entries, 'entry is', 'entries are')} held for an editor"
        yield WaitsFor("editor", sentence, f"/desk/{due[0].cadence.name}", "digest entries --state held")
    for each in due:
        parts = [f"{each.doubts[code]} {words}" for code, words in _DOUBTS.items() if each.doubts.get(code)]
        if parts:
            sentence = f"Entries to look at in the {_name(each)}: {', '.join(parts)}"
            yield WaitsFor("editor", sentence, f"/desk/{each.cadence.name}")


def _edition_waits(each: DueEdition) -> Iterator[WaitsFor]:
    name, page, approve = _name(each), f"/desk/{each.cadence.name}/approve", f"digest approve {each.edition.id}"
    if each.state == "stopped":
        yield WaitsFor("approver", f"The {name} is stopped until it is approved", page, approve)
    elif each.state == "waits":
        yield WaitsFor("approver", f"The {name} waits for approval", page, approve)
    elif each.state == "late":
        sentence = f"The {name} is due, and no run has come: check that cron, the daemon or a worker runs"
        yield WaitsFor("operator", sentence, command="digest run")


def _name(each: DueEdition) -> str:
    return f"{each.cadence.name} edition of {each.slot.key}"
