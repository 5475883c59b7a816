"""Find what is wrong with editions for `digest doctor`: receipts, due slots, slots in the future, refusals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.editions.due import slot_owed
from digest.errors import PersonNeeded
from digest.installation import Installation
from digest.model import Receipt
from digest.operations.clock import check_clock
from digest.operations.finding import Finding
from digest.operations.status import Status
from digest.store import deliveries, editions

_LATE = timedelta(minutes=90)  # after its hour, a due slot that has not run is wrong


def edition_findings(conn: Connection, installation: Installation, state: Status) -> Iterator[Finding]:
    """Yield what is wrong with the editions, receipts and slots of an installation; change nothing."""
    owed = set(deliveries.owed(conn, installation.clock()))
    stopped = deliveries.stopped(conn)
    for receipt in state.receipts:
        yield from _receipt(receipt, receipt.edition in owed, stopped)
    try:
        check_clock(conn, installation.clock())
    except PersonNeeded as error:
        # By a clock that is behind, what is due is not known either.
        problem, _, cure = str(error).partition("; ")
        yield Finding("wrong", "clock", problem, cure)
    else:
        yield from _due_slots(conn, installation)
    yield from _future_slots(installation, state.slots)
    yield from _refusals(state.receipts)


def _receipt(receipt: Receipt, owed: bool, stopped: Sequence[int]) -> Iterator[Finding]:
    """Yield the findings of a receipt; `owed`: the edition has letters that may be handed over now."""
    number = receipt.edition
    where = f"edition {number} ({receipt.cadence} {receipt.slot})"
    if receipt.unexplained:
        yield Finding("wrong", where, "the receipt does not balance", "restore a backup, and tell the authors")
    if receipt.uncertain:
        problem = f"{receipt.uncertain} deliveries are in doubt"
        yield Finding("person", where, problem, f"decide with `digest settle --edition {number}`")
    if number in stopped:
        problem = f"is stopped, {receipt.pending} letters are not handed over"
        yield Finding("person", where, problem, f"`digest approve {number}` lets it go on")
    elif receipt.pending and owed:
        problem = f"{receipt.pending} letters are not handed over"
        yield Finding("wrong", where, problem, "`digest send` hands them over")
    elif receipt.pending:
        problem = f"{receipt.pending} letters wait for another try, their hour, or the end of a pause"
        cure = f"wait for a later run; `digest receipt {number}` gives the reasons"
        yield Finding("note", where, problem, cure)


def _due_slots(conn: Connection, installation: Installation) -> Iterator[Finding]:
    """Yield each slot that is due and waits for a person, or has not run in time."""
    now, zone = installation.clock(), installation.settings.site.zone
    for cadence in installation.settings.cadences:
        slot = slot_owed(conn, cadence, now, zone)
        if slot is None:
            continue
        edition = editions.find(conn, cadence.name, slot.key)
        where = f"{cadence.name} {slot.key}"
        if edition is not None and (edition.held or (cadence.approval_required and edition.state != "approved")):
            problem = f"edition {edition.id} {'is stopped' if edition.held else 'waits for approval'}"
            yield Finding("person", where, problem, f"approve it with `digest approve {edition.id}`")
        elif now - slot.instant > _LATE:
            cure = "run `digest run`, and check that cron or the daemon runs it"
            yield Finding("wrong", where, "is due and has not run", cure)


def _future_slots(installation: Installation, slots: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Yield the newest slot of each cadence if it has run although its date lies in the future.

    A clock that was ahead does this, or `--now` on the real database.
    """
    settings, now = installation.settings, installation.clock()
    # In slot mode an edition is frozen before its hour, and therefore perhaps on the day before.
    ahead = {cadence.name: cadence.ahead for cadence in settings.cadences}
    newest: dict[str, str] = {}
    for slot in slots:
        newest[slot["cadence"]] = max(slot["day"], newest.get(slot["cadence"], ""))
    for cadence, day in sorted(newest.items()):
        latest = (now + ahead.get(cadence, timedelta(0))).astimezone(ZoneInfo(settings.site.zone)).date()
        if day > latest.isoformat():
            yield Finding(
                "wrong",
                f"{cadence} {day}",
                "has run, but lies in the future: the clock was ahead, or --now was used on this database",
                "set the clock right, and use --now only on copies; this date will not run again",
            )


def _refusals(receipts: Sequence[Receipt]) -> Iterator[Finding]:
    """Yield the refusals in the newest edition of each cadence; `receipts` stand newest first."""
    newest = {receipt.cadence: receipt for receipt in reversed(receipts)}
    for receipt in newest.values():
        if receipt.refused:
            yield Finding(
                "note",
                f"edition {receipt.edition} ({receipt.cadence} {receipt.slot})",
                f"{receipt.refused} of {receipt.eligible} letters were refused",
                "correct or remove the addresses; `digest explain --subscriber EMAIL` gives the reason",
            )
