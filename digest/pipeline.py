"""Run the pipeline: its steps in their order, what an error stops, and the account of a run.

`run` gathers, freezes and sends all that is due; `send_owed` sends what is frozen. Each names its steps, which are
one function each, and `_goes_on` says what an error stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from digest import gather as gathering
from digest import send
from digest.delivery.recover import recover
from digest.delivery.run import Run
from digest.delivery.take_back import take_back, why_open
from digest.delivery.trial import trial_letter
from digest.editions.due import slots_to_run
from digest.editions.freeze import freeze_slot
from digest.editions.pages import ask_pages
from digest.editions.unforeseen import unforeseen
from digest.errors import BadEdition, ConfigError, DigestError, Objection, PersonNeeded, WrongUse
from digest.installation import Installation
from digest.ledger.cures import cure_for
from digest.model import Receipt
from digest.notices.hand_over import hand_over_owed
from digest.operations.clock import check_clock
from digest.operations.waiting import held_entries, told_today, what_waits
from digest.schedule import Cadence
from digest.store import deliveries, editions, runs
from digest.store.engine import reading, writing
from digest.store.lock import run_lock
from digest.store.sources import Gathering
from digest.store.sqlstate import DatabaseAway
from digest.system.failpoint import failpoint
from digest.transports.file import FileTransport


@dataclass(slots=True)
class RunReport:
    """Hold the account of a run.

    `waiting`: lines about things that only a person can move on; `failed`: lines about editions that could not be
    sent; `recovered`: how many deliveries of a dead run were settled, by their new state; `told_before`: an earlier
    run of the local day has told all that waits, so that cron mails it once a day.
    """

    receipts: list[Receipt] = field(default_factory=list)
    sources: list[Gathering] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    recovered: dict[str, int] = field(default_factory=dict)
    told_before: bool = False

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
        }


@dataclass(frozen=True, slots=True)
class Watch:
    """Functions that a run calls as it goes on: for each source read, page asked, edition to be sent and batch sent.

    `begun` gets the run's number; `broken` gets the account of a run that ends by an error, because that account is
    not returned.
    """

    begun: Callable[[int], None] = lambda _: None
    source: Callable[[Gathering], None] = lambda _: None
    edition: Callable[[Receipt], None] = lambda _: None
    sent: Callable[[int], None] = lambda _: None
    page: Callable[[int, int], None] = lambda _done, _total: None
    broken: Callable[[RunReport], None] = lambda _: None


@dataclass(slots=True)
class _Context:
    """Carry from step to step of one run: its report, its watch, and the numbers of the editions it works on.

    `only`: the single edition to send, or None for all; `told`: all that waits for a person, once it is known;
    `recovered`: editions with deliveries of a dead run;
    `frozen`: editions that this run froze; `sending`: editions whose letters it hands over; `mistakes`: problems of
    config.toml and templates that some of them met.
    """

    report: RunReport
    watch: Watch
    only: int | None
    told: list[str] | None = None
    recovered: set[int] = field(default_factory=set)
    frozen: list[int] = field(default_factory=list)
    sending: list[int] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)


_Step = Callable[[Run, _Context], None]


def gather(
    installation: Installation, *, only: str | None = None, force: bool = False, watch: Watch | None = None
) -> list[Gathering]:
    """Gather under the run lock; see `digest.gather.gather`."""
    watch = watch or Watch()
    with _alone(installation):
        return gathering.gather(installation, only=only, force=force, progress=watch.source)


def run(installation: Installation, *, watch: Watch | None = None) -> RunReport:
    """Gather, prepare, freeze and send whatever is due. Safe to repeat; TryLater when another run is under way."""
    steps = (_recover, _take_back, _gather, _ask_pages, _freeze, _send, _notify, _add_receipts, _tell_once_a_day)
    with _alone(installation):
        return _do(installation, "run", steps, _Context(RunReport(), watch or Watch(), None))


def send_owed(installation: Installation, *, number: int | None = None, watch: Watch | None = None) -> RunReport:
    """Hand over what is frozen and pending: of edition `number`, or of all."""
    _check_frozen(installation, number)
    steps = (_recover, _take_back, _send, _notify, _add_receipts)
    with _alone(installation):
        return _do(installation, "send", steps, _Context(RunReport(), watch or Watch(), number))


def dry_run(installation: Installation, out: Path, number: int | None = None) -> list[send.Rehearsal]:
    """Write the letters that `send` would hand over now (of edition `number`, or of all) to files below `out`."""
    _check_frozen(installation, number)
    with reading(installation.engine) as conn:
        numbers = [owed for owed in deliveries.owed(conn, installation.clock()) if number in (None, owed)]
    with closing(FileTransport(out)) as transport:
        return [send.rehearse(installation, owed, transport) for owed in numbers]


@contextmanager
def _alone(installation: Installation) -> Iterator[None]:
    """Hold the run lock. Raises PersonNeeded, before anything is stored, when the clock is behind."""
    with run_lock(installation.engine):
        with reading(installation.engine) as conn:
            check_clock(conn, installation.clock())
        yield


def _goes_on(context: _Context, work: Callable[[], None]) -> bool:
    """Do the work of one cadence or edition; return whether a loop over them goes on after an error.

    This is the policy for every error of a run:
    - A source that cannot be read stops no other source: `digest.gather` makes a row of the error.
    - BadEdition, the fault of one edition, is reported as failed and stops no other edition, because it must not
      cost other readers their letters.
    - PersonNeeded is reported as waiting. While freezing, it stops the later slots of its cadence, because slots are
      frozen in order, and no other cadence. While sending, it stops the editions after it, because after a lost
      answer nothing more is given to the provider.
    - Objection is reported as failed: the other side objects to the sender, so that no reader was refused. It stops
      the editions after it if no letter was taken, because those would meet the same.
    - ConfigError, such as a mistaken template, stops no other cadence or edition, because what is owed may need
      nothing of it; the run raises it at its end.
    - Any other error ends the run: `_accounted` records it, and the next run goes on.
    """
    try:
        work()
    except PersonNeeded as needed:
        context.report.waiting.append(str(needed))
        return False
    except BadEdition as error:
        context.report.failed.append(str(error))
    except Objection as objection:
        context.report.failed.append(str(objection))
        return not objection.everybody
    except ConfigError as error:
        context.mistakes += [problem for problem in error.problems if problem not in context.mistakes]
    return True


def _do(installation: Installation, command: str, steps: Sequence[_Step], context: _Context) -> RunReport:
    """Do the steps of a run between the two transactions that account for it. Hold the run lock."""
    with _accounted(installation, command, context) as number:
        installation.fence.check()
        installation.require_secret()
        with closing(installation.transport()) as transport:
            for step in steps:
                step(Run(installation, transport, number), context)
    return context.report


@contextmanager
def _accounted(installation: Installation, command: str, context: _Context) -> Iterator[int]:
    """Open the row of a run and yield its number; close it with the outcome, whatever ends the run."""
    report, where = context.report, installation.settings.transport.where
    with writing(installation.engine, "begin run") as conn:
        number = runs.start(conn, command, installation.clock(), where)
    context.watch.begun(number)

    def end(outcome: str, more: dict[str, Any]) -> None:
        account = report.to_json() | {"transport": where} | ({"told": context.told} if context.told else {}) | more
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


def _tell_broken(installation: Installation, context: _Context, *, away: bool = False) -> None:
    """Give the watch the account of a run that ends by an error; `away`: without the database."""
    with suppress(DigestError):  # because the database may be what has gone
        if not away:
            context.report.receipts = [_receipt(installation, edition) for edition in context.sending]
            context.watch.broken(context.report)


def _recover(run: Run, context: _Context) -> None:
    """Settle the deliveries that a dead run had claimed."""
    for (edition, state), count in recover(run).items():
        context.report.recovered[state] = context.report.recovered.get(state, 0) + count
        context.recovered.add(edition)


def _take_back(run: Run, context: _Context) -> None:
    """Take back requests in doubt: before the slow steps, because it works only while their hour is far off."""
    taken_back = take_back(run)
    if taken_back.open:
        context.report.waiting.append(f"{taken_back.open} requests in doubt {why_open(run)}")


def _gather(run: Run, context: _Context) -> None:
    """Gather every source that is due."""
    context.report.sources = gathering.gather(run.installation, progress=context.watch.source)


def _ask_pages(run: Run, context: _Context) -> None:
    """Ask the pages of the entries that are about to be frozen, and hold what is gone."""
    context.report.waiting += ask_pages(run.installation, context.watch.page)


def _freeze(run: Run, context: _Context) -> None:
    """Freeze the editions that are due, cadence by cadence."""
    installation = run.installation
    trial = cache(lambda: trial_letter(installation.settings))
    for cadence in installation.settings.cadences:
        _goes_on(context, partial(_freeze_cadence, installation, cadence, trial, context.frozen))


def _freeze_cadence(
    installation: Installation, cadence: Cadence, trial: Callable[[], None], frozen: list[int]
) -> None:
    """Freeze the editions that a cadence owes, oldest slot first, and add their numbers to `frozen`."""
    now, zone = installation.clock(), installation.settings.site.zone
    with reading(installation.engine) as conn:
        slots = slots_to_run(conn, cadence, now, zone)
    if slots:
        # A mistaken template or setting must show here, before anything is owed because of it.
        trial()
    for slot in slots:
        with unforeseen(f"the {cadence.name} edition of {slot.key} could not be made"):
            frozen.append(freeze_slot(installation, cadence, slot, now))


def _send(run: Run, context: _Context) -> None:
    """Hand over the letters that each edition owes, oldest edition first."""
    installation, only, report = run.installation, context.only, context.report
    with reading(installation.engine) as conn:
        owed = deliveries.owed(conn, installation.clock())
        stopped = [number for number in deliveries.stopped(conn) if only in (None, number)]
    report.waiting += [
        f"edition {number} is stopped with letters still owed: `digest approve {number}` lets it go on"
        for number in stopped
    ]
    context.sending = [number for number in sorted({*owed, *context.frozen}) if only in (None, number)]
    for number in context.sending:
        context.watch.edition(_receipt(installation, number))
        goes_on = _goes_on(context, partial(send.send, run, number, context.watch.sent))
        _tell_refusals(run, number, report)
        if not goes_on:
            break
    failpoint("run: all sent")


def _tell_refusals(run: Run, number: int, report: RunReport) -> None:
    """Report the letters of an edition that were not taken for no reader's fault, and an edition that nobody got."""
    for reason, count in run.answers.pop_objections():
        report.waiting.append(
            f"edition {number}: {count} letters were not taken, for no fault of their readers: {reason};"
            f" {cure_for(reason).text}. They are tried again for three days"
        )
    receipt = _receipt(run.installation, number)
    if receipt.refused and not (receipt.accepted or receipt.uncertain or receipt.pending):
        report.failed.append(
            f"edition {number}: nobody has got it, all {receipt.refused} letters were refused; `digest receipt"
            f" {number}` gives the reasons"
        )


def _notify(run: Run, _: _Context) -> None:
    """Hand over the notices that could not be handed over at once."""
    hand_over_owed(run)


def _add_receipts(run: Run, context: _Context) -> None:
    """Put into the report the receipt of each edition sent or recovered, and of the single edition asked for."""
    asked = {context.only} if context.only else set()
    numbers = sorted({*context.sending, *context.recovered, *asked})
    context.report.receipts = [_receipt(run.installation, number) for number in numbers]
    if context.mistakes:
        raise ConfigError(context.mistakes)


def _tell_once_a_day(run: Run, context: _Context) -> None:
    """Complete what waits for a person, and find out whether an earlier run of today has told it all."""
    report = context.report
    report.waiting += held_entries(run.installation)
    context.told = what_waits(run.installation, report.waiting)
    report.told_before = context.told == told_today(run.installation)


def _check_frozen(installation: Installation, number: int | None) -> None:
    """Return when an edition, if its number is given, has letters to hand over.

    Raises WrongUse when it does not exist, PersonNeeded when it is not frozen.
    """
    if number is None:
        return
    with reading(installation.engine) as conn:
        edition = editions.get(conn, number)
    if edition is None:
        raise WrongUse(f"edition {number} does not exist; see `digest status`")
    if edition.state != "frozen":
        raise PersonNeeded(f"edition {number} is not frozen yet: `digest run` freezes it when it is due and approved")


def _receipt(installation: Installation, number: int) -> Receipt:
    """Return the receipt of an edition as its deliveries stand now."""
    with reading(installation.engine) as conn:
        edition = editions.get(conn, number)
        assert edition is not None
        return deliveries.receipt(conn, edition)
