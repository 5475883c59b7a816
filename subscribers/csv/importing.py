"""Import subscribers from a CSV file: store the good rows, report the bad ones, lose nothing that is stored.

The file is UTF-8, Windows-1252 or UTF-16; its delimiter is a comma, semicolon, tab or bar. Its columns are those of
`csv.columns.COLUMNS`, of which only `email` is required, or those of another tool's export. A blank cell of ours
changes nothing: a stored value stays, and a new subscriber gets the default. "all" in a facet means all of it. When
two lines have the same address, the first line counts, but a wish to leave counts on any line. A subscriber who has
left and an address that is suppressed stay so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import IO

from sqlalchemy import Connection, select

from subscribers.csv.actions import RowDecision, row_action
from subscribers.csv.answers import AnswerColumn
from subscribers.csv.cells import CellReader, RowChanges
from subscribers.csv.histories import PastEvent, add_histories, histories_of, told_stop
from subscribers.csv.labels import Meaning
from subscribers.csv.rows import BadCell, RowProblem, read_rows
from subscribers.database import dialect_insert
from subscribers.facets import KnownFacets
from subscribers.model import Subscriber
from subscribers.rows import COLUMNS, add_consent_events, columns_of, to_subscriber, write_all
from subscribers.suppression import address_hash, check_secret, reasons_for, suppress_hashes, suppress_keys
from subscribers.tables import subscriber

BATCH = 1000  # rows between two visits to the database
MOST_PROBLEMS = 10_000  # that the report lists; its counts go on


@dataclass(frozen=True, slots=True)
class ImportRules:
    """The values that an installation allows in a CSV file, and its defaults for a new subscriber.

    `how` goes into the consent history; `secret` hashes suppressed addresses. `columns` ({column: field}) and
    `interests` ({label: its meaning}) are what the operator says of another tool's file. `answers` takes what people
    answered to entries; None: it is left out.
    """

    known_facets: KnownFacets
    cadences: Sequence[str]
    default_cadence: str
    secret: bytes = field(repr=False)
    default_language: str = "en"
    how: str = "CSV import"
    columns: Mapping[str, str] = field(default_factory=dict)
    interests: Mapping[str, Meaning] = field(default_factory=dict)
    answers: AnswerColumn | None = None


@dataclass(slots=True)
class ImportReport:
    """How many rows the import took in each way; the five counts add up to the number of rows.

    `problems` are the refused lines, and remarks on lines that were taken, in the order of the file. `unlisted`
    counts the problems beyond the first 10,000. `unknown_labels` are labels of another tool that stand for nothing,
    with how often they are used. Print the report for the operator; do not log it.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    suppressed: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    unlisted: int = 0
    unknown_labels: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of rows in the file."""
        return self.added + self.changed + self.unchanged + self.refused + self.suppressed

    def note(self, problem: RowProblem) -> None:
        """List a problem, and count its row as refused unless the problem is only a remark."""
        self.refused += problem.refused
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)
        else:
            self.unlisted += 1


def import_csv(
    conn: Connection,
    stream: IO[bytes],
    rules: ImportRules,
    *,
    now: datetime,
    dry_run: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import a binary CSV stream inside the caller's transaction and return the report.

    `dry_run` gives the same report and writes nothing. `progress` is called after each batch with the number of rows
    read so far. Raises BadFile when the file as a whole cannot be used, and BadSecret. BadFile may come late, where a
    column turns out to tell of consent; the caller must roll the transaction back, so that nothing is changed.
    """
    check_secret(conn, rules.secret)
    reader = CellReader(rules.known_facets, tuple(rules.cadences), rules.interests, answers=rules.answers)
    run = _Import(conn, rules, now, dry_run)
    for row in read_rows(stream, rules.columns):
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
    reader.unknown.check()
    run.flush()
    if progress is not None:
        progress(run.report.rows)
    run.report.unknown_labels = reader.labels.unknown
    run.report.problems.sort(key=lambda problem: problem.line)
    return run.report


class _Import:
    """One import under way: the batch that is not written yet, and the first line of each address."""

    def __init__(self, conn: Connection, rules: ImportRules, now: datetime, dry_run: bool) -> None:
        self.conn = conn
        self.rules = rules
        self.now = now
        self.dry_run = dry_run
        self.new = Subscriber(0, "", cadence=rules.default_cadence, language=rules.default_language)
        self.report = ImportReport()
        self.batch: dict[str, RowChanges] = {}
        # By hash, because a million addresses would take too much memory.
        self.first_lines: dict[int, int] = {}

    def take(self, changes: RowChanges) -> None:
        """Add a row to the batch; of a row whose address stood on an earlier line, only a wish to leave."""
        key = changes.address.key
        first = self.first_lines.setdefault(hash(key), changes.line)
        if first == changes.line:
            self.batch[key] = changes
            return
        text = f"the same address as line {first}, which counts"
        if changes.stops is not None:
            # Because a person who asked to leave must not stay on account of another line.
            text += "; only the leaving is taken from this line"
            before = self.batch.get(key) or RowChanges(changes.line, changes.address, counted=False)
            self.batch[key] = replace(
                before, state=changes.state or before.state, suppressed=changes.suppressed or before.suppressed
            )
        self.report.note(RowProblem(changes.line, text))

    def flush(self) -> None:
        """Decide what each row of the batch does, write it, and empty the batch."""
        if not self.batch:
            return
        keys = list(self.batch)
        query = select(subscriber.c.email_key, *COLUMNS).where(subscriber.c.email_key.in_(keys))
        stored = {row[0]: to_subscriber(row[1:]) for row in self.conn.execute(query.with_for_update())}
        reasons = reasons_for(self.conn, self.rules.secret, keys)
        decisions = {
            key: row_action(changes, stored.get(key), reasons.get(key), self.new, self.now)
            for key, changes in self.batch.items()
        }
        ids = {key: person.id for key, person in stored.items()}
        further = self._left_out_histories(ids)
        if not self.dry_run:
            ids |= self._write(decisions, ids)
        for key, remark in self._take_answers(decisions, {} if self.dry_run else ids).items():
            further[key] = "; ".join(filter(None, (further.get(key), remark)))
        for key, decision in decisions.items():
            self._count(self.batch[key], decision, further.get(key, ""))
        self.batch.clear()

    def _left_out_histories(self, ids: Mapping[str, int]) -> dict[str, str]:
        """Return a remark for each stored subscriber, {address: id}, whose history lacks events of the file.

        They are left out, because what is told last decides how a person stands, and a file may be older.
        """
        theirs = {key: history for key in ids if (history := self.batch[key].history)}
        here = histories_of(self.conn, [ids[key] for key in theirs]) if theirs else {}
        lacking = {key: len(set(theirs[key]) - set(here.get(ids[key], ()))) for key in theirs}
        return {
            key: f"has a consent history here, which stays; {count} of the events in the file are not in it"
            for key, count in lacking.items()
            if count
        }

    def _take_answers(self, decisions: Mapping[str, RowDecision], ids: Mapping[str, int]) -> Mapping[str, str]:
        """Store the answers in the file of the subscribers with an id; return remarks by address."""
        if self.rules.answers is None:
            return {}
        given = {key: answers for key in decisions if (answers := self.batch[key].answers)}
        taken = {key: cell for key, cell in given.items() if decisions[key].outcome != "suppressed"}
        return self.rules.answers.take(self.conn, taken, ids) if taken else {}

    def _count(self, changes: RowChanges, decision: RowDecision, further: str) -> None:
        if not changes.counted:
            return
        setattr(self.report, decision.outcome, getattr(self.report, decision.outcome) + 1)
        if remark := "; ".join(filter(None, (decision.remark or changes.remark, further))):
            self.report.note(RowProblem(changes.line, remark, refused=False))

    def _write(self, decisions: dict[str, RowDecision], stored: Mapping[str, int]) -> dict[str, int]:
        """Write the decisions; return {normalised address: id} of the subscribers that were added.

        `stored` has the ids of the others. A row that another process added meanwhile is taken out of `decisions`.
        """
        new = {
            key: decision.after
            for key, decision in decisions.items()
            if decision.outcome == "added" and decision.after
        }
        ids = self._add(new)
        for key in new.keys() - ids.keys():
            self.report.note(RowProblem(self.batch[key].line, "was added by someone else just now; import it again"))
            del decisions[key]
        write_all(self.conn, [row.after for key, row in decisions.items() if key in stored and row.after])
        # A history of the file is taken whole, in the place of an event "imported".
        histories = {key: history for key in ids if (history := self.batch[key].history)}
        add_histories(self.conn, {ids[key]: history for key, history in histories.items()})
        everyone = {**stored, **ids}
        events = [
            (everyone[key], decision.event)
            for key, decision in decisions.items()
            if decision.event and key not in histories
        ]
        add_consent_events(self.conn, events, how=self.rules.how, now=self.now)
        self._stop(decisions, everyone, histories)
        return ids

    def _stop(
        self,
        decisions: Mapping[str, RowDecision],
        stored: Mapping[str, int],
        histories: Mapping[str, Sequence[PastEvent]],
    ) -> None:
        """Suppress the addresses whose rows ask for it; a history of the file that tells it gets no line on it.

        Only of subscribers in `stored`: an address that was suppressed before and has none is not written again.
        """
        stops = {
            key: reason
            for key, decision in decisions.items()
            if key in stored
            and (reason := self.batch[key].stops)
            # A person who left before their suppression was lifted has left, and is not suppressed.
            and not (self.batch[key].lifted and decision.event != "left")
        }
        told = {key: reason for key, reason in stops.items() if told_stop(histories.get(key, ())) == reason}
        hashes = {address_hash(self.rules.secret, key): reason for key, reason in told.items()}
        suppress_hashes(self.conn, hashes, secret=self.rules.secret, now=self.now)
        aloud = {key: reason for key, reason in stops.items() if key not in told}
        suppress_keys(self.conn, aloud, secret=self.rules.secret, now=self.now)

    def _add(self, new: Mapping[str, Subscriber]) -> dict[str, int]:
        """Insert new subscribers; return {normalised address: id} of those that this import added."""
        if not new:
            return {}
        rows = [
            {"email": person.email, "email_key": key, **columns_of(person), "created_at": self.now}
            for key, person in new.items()
        ]
        insert = dialect_insert(self.conn)(subscriber).on_conflict_do_nothing(index_elements=["email_key"])
        self.conn.execute(insert, rows)
        # Ask for the ids afterwards, because RETURNING makes the PostgreSQL driver three times as slow. A row that
        # another process added meanwhile has another `created_at`.
        added = select(subscriber.c.email_key, subscriber.c.id).where(
            subscriber.c.email_key.in_(list(new)), subscriber.c.created_at == self.now
        )
        return {row.email_key: row.id for row in self.conn.execute(added)}
