"""Account for a run: what it reports, what it tells while it goes on, and its row in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

from digest.errors import DigestError, PersonNeeded
from digest.installation import Installation
from digest.model import Receipt
from digest.operations.waiting import told_today
from digest.schedule import Cadence
from digest.store import deliveries, editions, runs
from digest.store.engine import reading, writing
from digest.store.sources import Gathering
from digest.store.sqlstate import DatabaseAway


@dataclass(slots=True)
class RunReport:
    """Hold the account of a run.

    `waiting`: lines about things that only a person can move on; `failed`: lines about editions that could not be
    sent; `recovered`: how many deliveries of a dead run were settled, by their new state; `told`: the lines that the
    newest run of the local day has told already, so that cron mails each once a day; `told_before`: those are all;
    `removed`: how many things of each kind were too old to be kept; `unapproved`: lines about editions that were sent
    though nobody had approved them.
    """

    receipts: list[Receipt] = field(default_factory=list)
    sources: list[Gathering] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    recovered: dict[str, int] = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    told_before: bool = False
    removed: dict[str, int] = field(default_factory=dict)
    unapproved: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """Return the outcome of a run that came to its end, as its row in the database says it."""
        return "failed" if self.failed else "needs a person" if self.waiting else "done"

    def to_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {
            "receipts": [asdict(receipt) | {"balanced": receipt.balanced} for receipt in self.receipts],
            "sources": [asdict(row) for row in self.sources],
            "waiting": self.waiting,
            "failed": self.failed,
            "unapproved": self.unapproved,
            "removed": self.removed,
        }


@dataclass(frozen=True, slots=True)
class Watch:
    """Hold the functions that a run calls: for each source read, edition to be sent, batch sent and page asked.

    `page_read` is called for each page that is read for its text, `page` for each that is asked before a freeze.
    `begun` gets the run's number; `broken` gets the account of a run that ends by an error, because that account is
    not returned.
    """

    begun: Callable[[int], None] = lambda _: None
    source: Callable[[Gathering], None] = lambda _: None
    edition: Callable[[Receipt], None] = lambda _: None
    sent: Callable[[int], None] = lambda _: None
    page_read: Callable[[int, int], None] = lambda _done, _total: None
    page: Callable[[int, int], None] = lambda _done, _total: None
    broken: Callable[[RunReport], None] = lambda _: None


@dataclass(slots=True)
class RunContext:
    """Carry from step to step of one run: its report, its watch, and the numbers of the editions it works on.

    `only`: the single edition to send, or None for all; `slot`: the date whose editions alone are frozen and sent, or
    None for all; `told`: all that waits for a person, once it is known;
    `recovered`: editions with deliveries of a dead run; `due`: the cadences of which an edition is due;
    `frozen`: editions that this run froze; `sending`: editions whose letters it hands over; `mistakes`: problems of
    config.toml and templates that some of them met; `retained`: nothing is left that is too old to be kept;
    `troubles`: what the operators were mailed about, None where nobody looked; `pause`: how long shares of the
    editions in `pausing` are to leave the other side alone.
    """

    report: RunReport
    watch: Watch
    only: int | None
    told: list[str] | None = None
    recovered: set[int] = field(default_factory=set)
    due: list[Cadence] = field(default_factory=list)
    frozen: list[int] = field(default_factory=list)
    sending: list[int] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    retained: bool = False
    troubles: Mapping[str, Sequence[Any]] | None = None
    slot: date | None = None
    pause: timedelta | None = None
    pausing: list[int] = field(default_factory=list)


@contextmanager
def accounted(installation: Installation, command: str, context: RunContext) -> Iterator[int]:
    """Open the row of a run and yield its number; close it with the outcome, whatever ends the run."""
    report, where = context.report, installation.settings.transport.where
    with writing(installation.engine, "begin run") as conn:
        number = runs.start(conn, command, installation.clock(), where)
    context.watch.begun(number)

    def end(outcome: str, more: dict[str, Any]) -> None:
        account = report.to_json() | {"transport": where} | ({"told": context.told} if context.told else {}) | more
        account |= {"retained": True} if context.retained else {}
        account |= {} if context.troubles is None else {"troubles": context.troubles}
        if context.pause is not None:
            until = installation.clock() + context.pause
            account |= {"pause": {"editions": context.pausing, "until": until.isoformat()}}
        with writing(installation.engine, "end run") as conn:
            runs.finish(conn, number, outcome, account, installation.clock())

    try:
        yield number
    except DigestError as error:
        away = DatabaseAway in (type(error), type(error.__cause__))
        if isinstance(error, PersonNeeded):
            context.told = [str(error)]
            error.told_before = context.told == told_today(installation)
        _tell_broken(installation, context, away=away)
        # Without its row the run counts as killed; the error itself says more than that the row could not be written.
        with suppress(DatabaseAway) if away else nullcontext():
            end(f"failed: {error}", {"exit_code": error.exit_code})
        raise
    except BaseException as error:
        _tell_broken(installation, context)
        end(f"failed: {type(error).__name__}", {})
        raise
    end(report.outcome, {})


def receipt_now(installation: Installation, number: int) -> Receipt:
    """Return the receipt of an edition as its deliveries stand now."""
    with reading(installation.engine) as conn:
        edition = editions.get(conn, number)
        assert edition is not None
        return deliveries.receipt(conn, edition)


def _tell_broken(installation: Installation, context: RunContext, *, away: bool = False) -> None:
    """Give the watch the account of a run that ends by an error; `away`: without the database."""
    with suppress(DigestError):  # because the database may be what has gone
        if not away:
            context.report.receipts = [receipt_now(installation, edition) for edition in context.sending]
            context.watch.broken(context.report)
