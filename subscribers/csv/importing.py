"""Subscribers from a CSV file: good rows land, bad rows are listed, nothing that is stored is lost.

The file is UTF-8, Windows-1252 or UTF-16, its delimiter a comma, semicolon, tab or bar. Its columns are
those of `csvrows.COLUMNS`, of which only `email` must be there. A blank cell asks for nothing: what is
stored stays, and a new subscriber gets the default; "all" in a facet means all of it again. Of two lines
with one address the first counts, but leaving counts wherever it stands. Who left or is suppressed stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import IO, Any

from sqlalchemy import Connection, select

from subscribers.consent import next_state
from subscribers.csv.cells import BadCell, CellReader, Wanted
from subscribers.csv.exporting import export_csv
from subscribers.csv.rows import CsvRow, RowProblem, read_rows
from subscribers.database import dialect_insert
from subscribers.facets import KnownFacets
from subscribers.model import Interests, Subscriber
from subscribers.rows import COLUMNS, columns_of, record, to_subscriber, write_all
from subscribers.suppression import check_secret, reasons_for, suppress_keys
from subscribers.tables import subscriber

__all__ = ["CsvRow", "ImportReport", "KnownFacets", "RowProblem", "export_csv", "import_csv", "read_rows"]

BATCH = 1000  # rows between two visits to the database
MOST_PROBLEMS = 10_000  # kept for the report; the counts go on


@dataclass(slots=True)
class ImportReport:
    """What became of each row: their number is the sum of the five counts.

    `problems` are the lines refused, and remarks on lines that were taken, in the order of the file;
    `unlisted` counts those beyond the first 10,000. Print it for the operator; do not log it.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    suppressed: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    unlisted: int = 0

    @property
    def rows(self) -> int:
        """How many rows the file held."""
        return self.added + self.changed + self.unchanged + self.refused + self.suppressed

    def note(self, problem: RowProblem) -> None:
        """Count a refused row and list the problem, or only list a remark."""
        self.refused += problem.refused
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)
        else:
            self.unlisted += 1


@dataclass(frozen=True, slots=True)
class RowDecision:
    """What one row comes to. `outcome` names a count of Report; `after` is stored (None: nothing is).

    `event` goes into the consent history; `remark` into the report.
    """

    outcome: str
    after: Subscriber | None = None
    event: str | None = None
    remark: str = ""


def import_csv(
    conn: Connection,
    stream: IO[bytes],
    *,
    known_facets: KnownFacets,
    cadences: Sequence[str],
    default_cadence: str,
    secret: bytes,
    now: datetime,
    default_language: str = "en",
    how: str = "CSV import",
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import a binary CSV stream inside the caller's transaction and return the report.

    `dry_run` reports the same and writes nothing. `progress` is told after each batch how many rows have
    been read. Raises BadFile (nothing changed) when the file as a whole cannot be used, and BadSecret.
    """
    check_secret(conn, secret)
    reader = CellReader(known_facets, tuple(cadences))
    new = Subscriber(0, "", cadence=default_cadence, language=default_language)
    run = _Import(conn, secret, now, how, dry_run, new)
    for row in read_rows(stream):
        try:
            if isinstance(row, RowProblem):
                run.report.note(row)
            else:
                run.take(reader.read(row))
        except BadCell as error:
            run.report.note(RowProblem(row.line, str(error)))
        if len(run.batch) >= BATCH:
            run.flush()
            if progress is not None:
                progress(run.report.rows)
    run.flush()
    if progress is not None:
        progress(run.report.rows)
    run.report.problems.sort(key=lambda problem: problem.line)
    return run.report


def row_action(
    wanted: Wanted, stored: Subscriber | None, reason: str | None, new: Subscriber, now: datetime
) -> RowDecision:
    """Return what a row comes to, given who is stored under its address and why it is suppressed (or None).

    `new` holds the defaults for a new subscriber. Pure.
    """
    if stored is None:
        if reason is not None:
            return RowDecision("suppressed", remark=f"must not be mailed ({reason}); not added")
        state = wanted.state or next_state(None, "imported")
        after = _filled(wanted, replace(new, email=wanted.address.email, state=state or "active"))
        joined = wanted.joined_at or (now if after.state == "active" else None)
        return RowDecision("added", replace(after, joined_at=joined), "imported")
    if stored.state == "left" or reason is not None:
        if wanted.stops is None:
            return RowDecision("suppressed", remark=f"must not be mailed ({reason or stored.state}); nothing changed")
        after = stored
    else:
        after = _filled(wanted, stored)
    event = "changed"
    if wanted.state == "left" and stored.state != "left":
        after = replace(after, state="left", paused_until=None)
        event = "left"
    remark = ""
    if stored.state == "pending" and wanted.state == "active":
        remark = "has not confirmed yet; stays pending"
    if after == stored:
        stops_now = wanted.stops is not None and reason is None
        return RowDecision("changed" if stops_now else "unchanged", remark=remark)
    return RowDecision("changed", after, event, remark)


def _filled(wanted: Wanted, base: Subscriber) -> Subscriber:
    """Return `base` with all that the row says, but for address and state; blank cells keep what is there."""

    def said(value: Any, otherwise: Any) -> Any:
        return otherwise if value is None else value

    interests = Interests(
        said(wanted.policy_areas, base.interests.policy_areas),
        said(wanted.regions, base.interests.regions),
        said(wanted.themes, base.interests.themes),
        said(wanted.elsewhere, base.interests.elsewhere),
    )
    return replace(
        base,
        name=said(wanted.name, base.name),
        cadence=said(wanted.cadence, base.cadence),
        interests=interests,
        language=said(wanted.language, base.language),
        paused_until=said(wanted.paused_until, base.paused_until),
    )


class _Import:
    """One import under way: the batch not yet written, and the line each address was first seen on."""

    def __init__(
        self, conn: Connection, secret: bytes, now: datetime, how: str, dry_run: bool, new: Subscriber
    ) -> None:
        self.conn = conn
        self.secret = secret
        self.now = now
        self.how = how
        self.dry_run = dry_run
        self.new = new
        self.report = ImportReport()
        self.batch: dict[str, Wanted] = {}
        # By hash, so that a million addresses are not held in memory.
        self.seen: dict[int, int] = {}

    def take(self, wanted: Wanted) -> None:
        """Put a row into the batch, unless its address stood in the file before."""
        key = wanted.address.key
        first = self.seen.setdefault(hash(key), wanted.line)
        if first == wanted.line:
            self.batch[key] = wanted
            return
        text = f"the same address as line {first}, which counts"
        if wanted.stops is not None:
            # First come, first served must not undo somebody's wish to leave.
            text += "; only the leaving is taken from this line"
            before = self.batch.get(key) or Wanted(wanted.line, wanted.address, counted=False)
            self.batch[key] = replace(
                before, state=wanted.state or before.state, suppressed=wanted.suppressed or before.suppressed
            )
        self.report.note(RowProblem(wanted.line, text))

    def flush(self) -> None:
        """Decide and write the batch."""
        if not self.batch:
            return
        keys = list(self.batch)
        query = select(subscriber.c.email_key, *COLUMNS).where(subscriber.c.email_key.in_(keys))
        stored = {row[0]: to_subscriber(row[1:]) for row in self.conn.execute(query.with_for_update())}
        reasons = reasons_for(self.conn, self.secret, keys)
        decided = {
            key: row_action(wanted, stored.get(key), reasons.get(key), self.new, self.now)
            for key, wanted in self.batch.items()
        }
        taken = decided if self.dry_run else self._write(decided, stored)
        for key, decision in taken.items():
            self._count(self.batch[key], decision)
        self.batch.clear()

    def _count(self, wanted: Wanted, decision: RowDecision) -> None:
        if not wanted.counted:
            return
        setattr(self.report, decision.outcome, getattr(self.report, decision.outcome) + 1)
        if decision.remark:
            self.report.note(RowProblem(wanted.line, decision.remark, refused=False))

    def _write(self, decided: dict[str, RowDecision], stored: Mapping[str, Subscriber]) -> dict[str, RowDecision]:
        """Write what was decided; return it less the rows that another process added meanwhile."""
        new = {key: one.after for key, one in decided.items() if one.outcome == "added" and one.after}
        ids = self._add(new)
        for key in new.keys() - ids.keys():
            self.report.note(RowProblem(self.batch[key].line, "was added by someone else just now; import it again"))
            del decided[key]
        write_all(self.conn, [one.after for key, one in decided.items() if key in stored and one.after])
        ids.update((key, one.id) for key, one in stored.items())
        events = [(ids[key], one.event) for key, one in decided.items() if one.event]
        record(self.conn, events, how=self.how, now=self.now)
        # An address that was suppressed before and is not stored here stays a hash and nothing more.
        stops = {key: self.batch[key].stops for key in decided if key in ids}
        reasons = {key: reason for key, reason in stops.items() if reason}
        suppress_keys(self.conn, reasons, secret=self.secret, now=self.now)
        return decided

    def _add(self, new: Mapping[str, Subscriber]) -> dict[str, int]:
        if not new:
            return {}
        rows = [
            {"email": one.email, "email_key": key, **columns_of(one), "created_at": self.now}
            for key, one in new.items()
        ]
        insert = dialect_insert(self.conn)(subscriber).on_conflict_do_nothing(index_elements=["email_key"])
        self.conn.execute(insert, rows)
        # Asked for afterwards, not by RETURNING, which makes the PostgreSQL driver three times as slow. What
        # another process added since we looked has another instant.
        ours = select(subscriber.c.email_key, subscriber.c.id).where(
            subscriber.c.email_key.in_(list(new)), subscriber.c.created_at == self.now
        )
        return {row.email_key: row.id for row in self.conn.execute(ours)}
