"""Find what is wrong with editions for `digest doctor`: the last run, receipts, due slots, future slots, refusals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.editions.due import passed_editions, slot_owed, why_too_late
from digest.errors import DigestError, PersonNeeded, TryLater, WrongUse, counted
from digest.installation import Installation
from digest.ledger.cures import Cause, cause_of
from digest.model import Edition, Receipt
from digest.operations.clock import check_clock
from digest.operations.finding import Finding
from digest.operations.owed import LATE
from digest.operations.status import Status
from digest.schedule import Cadence, Slot
from digest.store import calendar, deliveries, editions, history, runs


def edition_findings(conn: Connection, installation: Installation, state: Status) -> Iterator[Finding]:
    """Yield what is wrong with the editions, receipts and slots of an installation; change nothing."""
    owed = set(deliveries.owed(conn, installation.clock()))
    stopped = deliveries.stopped(conn)
    last = _last_run(conn)
    yield from _run_findings(last)
    if state.hold:
        # Whatever the last run met, this keeps letters back now.
        last = _LastRun("database", PersonNeeded.exit_code, "the database is in HOLD; give `digest db resume` first")
    listed = {receipt.edition for receipt in state.receipts}
    older = [deliveries.receipt(conn, each) for each in editions.unbalanced(conn) if each.id not in listed]
    for receipt in [*state.receipts, *older]:
        yield from _receipt(conn, receipt, receipt.edition in owed, stopped, last)
    try:
        check_clock(conn, installation.clock())
    except PersonNeeded as error:
        # By a clock that is behind, what is due is not known either.
        problem, _, cure = str(error).partition("; ")
        yield Finding("wrong", "clock", problem, cure)
    else:
        yield from _due_slots(conn, installation)
    yield from _future_slots(installation, calendar.last_days(conn))
    yield from _refusals(conn, [deliveries.receipt(conn, each) for each in editions.newest_of_each(conn)])


def last_run_findings(conn: Connection) -> Iterator[Finding]:
    """Yield why the last run failed, if it did."""
    yield from _run_findings(_last_run(conn))


@dataclass(frozen=True, slots=True)
class _LastRun:
    """Hold how the newest run that has ended failed: the error that ended it, and what it told of single editions."""

    place: str = ""
    exit_code: int = 0
    error: str = ""
    failed: tuple[str, ...] = ()

    @property
    def level(self) -> str:
        """Return the level of the error that ended the run."""
        return {TryLater.exit_code: "note", PersonNeeded.exit_code: "person"}.get(self.exit_code, "wrong")

    def keeps_back(self, edition: int, *, tried: bool) -> tuple[str, str] | None:
        """Return the level and the words of what kept an edition's letters back; None when nothing did.

        `tried`: an answer to them is known, so that no failure of another edition can have kept them back.
        """
        own = [line for line in self.failed if line.startswith(f"edition {edition}:")]
        lines = [("wrong", line) for line in own] + ([(self.level, self.error)] if self.error else [])
        lines += [("wrong", line) for line in self.failed if not tried]
        return lines[0] if lines else None


def _last_run(conn: Connection) -> _LastRun:
    """Return how the newest run that has ended failed, or in a cluster the newest share; else without a word."""
    failed = runs.newest_shares(conn)[0]
    last = next(iter(runs.newest(conn, 1, number=failed) if failed else runs.newest(conn, 1, ended=True)), None)
    if last is None:
        return _LastRun()
    account, outcome = last["account"] or {}, last["outcome"] or ""
    code = account.get("exit_code", 0)
    return _LastRun(
        f"run {last['id']} ({last['command']}, {last['started_at'][:16]})",
        code,
        outcome.removeprefix("failed: ") if code else "",
        tuple(account.get("failed", ())),
    )


def _run_findings(last: _LastRun) -> Iterator[Finding]:
    """Yield why the last run failed; a person that it needed is in a finding of its own."""
    lines = [("wrong", line) for line in last.failed]
    if last.exit_code in (DigestError.exit_code, WrongUse.exit_code, TryLater.exit_code):
        lines.append((last.level, last.error))
    for level, line in lines:
        problem, _, cure = line.partition("; ")
        yield Finding(level, last.place, problem, cure or "`digest run` tells more")


def _where(receipt: Receipt) -> str:
    return f"edition {receipt.edition} ({receipt.cadence} {receipt.slot})"


def _receipt(
    conn: Connection, receipt: Receipt, owed: bool, stopped: Sequence[int], last: _LastRun
) -> Iterator[Finding]:
    """Yield the findings of a receipt; `owed`: the edition has letters that may be handed over now."""
    number, where = receipt.edition, _where(receipt)
    if receipt.unexplained:
        yield Finding("wrong", where, "the receipt does not balance", "restore a backup, and tell the authors")
    if receipt.uncertain:
        problem = counted(receipt.uncertain, "delivery is", "deliveries are") + " in doubt"
        yield Finding("person", where, problem, f"decide with `digest settle --edition {number}`")
    if number in stopped:
        problem = f"is stopped, {counted(receipt.pending, 'letter is', 'letters are')} not handed over"
        yield Finding("person", where, problem, f"`digest approve {number}` lets it go on")
    elif receipt.pending:
        yield _pending(conn, receipt, owed, last)


def _pending(conn: Connection, receipt: Receipt, owed: bool, last: _LastRun) -> Finding:
    """Return what is to be told of letters still owed: the cause of most, an objection to the sender first."""
    where = _where(receipt)
    reasons = history.reasons(conn, receipt.edition).items()
    counts = {reason: count for (state, reason), count in reasons if state == "pending" and reason}
    told = max(counts, key=lambda reason: (cause_of(reason).ours, counts[reason]), default="")
    cause = f" ({counts[told]} × {told})" if told else ""
    kept, again = f"{receipt.pending} letters are not handed over", "The next run, or `digest send`, tries them again"
    if told and cause_of(told).ours:
        return Finding("wrong", where, kept + cause, f"{cause_of(told).cure}. {again}")
    if owed and (back := last.keeps_back(receipt.edition, tried=bool(told))):
        level, line = back
        problem, _, cure = line.partition("\n")[0].partition("; ")
        return Finding(level, where, f"{kept}: {problem}", f"{cure or f'see {last.place}'}. {again}")
    if owed:
        return Finding("wrong", where, kept + cause, "`digest send` hands them over")
    problem = f"{receipt.pending} letters wait for another try, their hour, or the end of a pause{cause}"
    return Finding("note", where, problem, f"wait for a later run; `digest receipt {receipt.edition}` tells all")


def _due_slots(conn: Connection, installation: Installation) -> Iterator[Finding]:
    """Yield each slot that is due and waits for a person, or has not run in time."""
    now, zone = installation.clock(), installation.settings.site.zone
    for cadence in installation.settings.cadences:
        stopped = [edition for edition in passed_editions(conn, cadence, now, zone) if edition.held]
        for edition in stopped:
            problem = f"edition {edition.id} is stopped, and keeps back every later edition of its cadence"
            cure = f"approve it with `digest approve {edition.id}`"
            yield Finding("person", f"{cadence.name} {edition.slot}", problem, cure)
        if not stopped:
            # The late slot by itself, because a newer one that has just begun must not hide it.
            slots = slot_owed(conn, cadence, now, zone), slot_owed(conn, cadence, now - LATE, zone)
            waits = partial(_why_waiting, cadence, now=now, zone=zone)
            yield from _owed_slot(conn, cadence.name, slots, waits)


def _why_waiting(cadence: Cadence, slot: Slot, due: Edition, *, now: datetime, zone: str) -> str:
    """Return why the edition of a due slot waits for a person, or ""."""
    if due.held:
        return "is stopped"
    if cadence.approval_required and due.state != "approved":
        return "waits for approval"
    return why_too_late(cadence, slot, due, now, zone)


def _owed_slot(
    conn: Connection, cadence: str, owed: tuple[Slot | None, Slot | None], waits: Callable[[Slot, Edition], str]
) -> Iterator[Finding]:
    """Yield that the newest slot owed waits for a person, and that the newest one whose time is over has not run.

    `owed` has these two slots; `waits` tells why an edition waits, or "".
    """
    asked, (_, late) = False, owed
    for slot in dict.fromkeys(slot for slot in owed if slot):
        due = editions.find(conn, cadence, slot.key)
        where = f"{cadence} {slot.key}"
        if due is not None and (why := waits(slot, due)):
            # Of two drafts that wait, the newer has the entries of the older.
            if not asked:
                yield Finding(
                    "person", where, f"edition {due.id} {why}", f"approve it with `digest approve {due.id}`"
                )
            asked = True
        elif slot == late:
            cure = "run `digest run`, and check that cron, the daemon or a worker runs"
            yield Finding("wrong", where, "is due and has not run", cure)


def _future_slots(installation: Installation, newest: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the newest slot of each cadence, {cadence: day}, if it has run although its date lies in the future.

    A clock that was ahead does this, or `--now` on the real database.
    """
    settings, now = installation.settings, installation.clock()
    # In slot mode an edition is frozen before its hour, and therefore perhaps on the day before.
    ahead = {cadence.name: cadence.ahead for cadence in settings.cadences}
    for cadence, day in sorted(newest.items()):
        latest = (now + ahead.get(cadence, timedelta(0))).astimezone(ZoneInfo(settings.site.zone)).date()
        if day > latest.isoformat():
            yield Finding(
                "wrong",
                f"{cadence} {day}",
                "has run, but lies in the future: the clock was ahead, or --now was used on this database",
                "set the clock right, and use --now only on copies; this date will not run again",
            )


def _refusals(conn: Connection, receipts: Sequence[Receipt]) -> Iterator[Finding]:
    """Yield the refusals in the newest edition of each cadence by their causes; `receipts` are theirs."""
    for receipt in receipts:
        causes: Counter[Cause] = Counter()
        for (state, reason), count in history.reasons(conn, receipt.edition).items() if receipt.refused else ():
            causes[cause_of(reason)] += count if state == "refused" else 0
        for cause, count in (+causes).most_common():
            yield Finding(
                "wrong" if cause.ours else "note",
                f"edition {receipt.edition} ({receipt.cadence} {receipt.slot})",
                f"{count} of {receipt.eligible} letters were refused: {cause.problem}",
                f"{cause.cure}; `digest explain --subscriber EMAIL` gives a reader's answer",
            )
