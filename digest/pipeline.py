"""Run the pipeline: its steps in their order, and what an error stops.

`run` gathers, freezes and sends all that is due; `send_owed` sends what is frozen. Each names its steps, which are
one function each, and `_goes_on` says what an error stops. A step imports what it needs only when it has work to do,
because a run with nothing due, which cron starts every half hour, must not load parsers and templates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from digest import gather as gathering
from digest.delivery.recover import recover
from digest.delivery.run import Run
from digest.delivery.take_back import take_back, why_open
from digest.editions.due import check_slot, has_slot_due, slots_to_run
from digest.editions.named import edition_of
from digest.editions.unforeseen import unforeseen
from digest.errors import BadEdition, ConfigError, Objection, PersonNeeded, TryLater, counted
from digest.installation import Installation
from digest.operations.clock import check_clock, leap_line
from digest.operations.run_report import RunContext, RunReport, Watch, accounted, receipt_now
from digest.operations.waiting import held_entries, told_today, what_waits
from digest.schedule import Cadence, local_midnight
from digest.store import deliveries, editions, notices, runs, silence
from digest.store.engine import reading
from digest.store.erase import scrub_owed
from digest.store.lock import sending, source_lock, turn_lock
from digest.store.sources import Gathering
from digest.system import stopping
from digest.system.failpoint import failpoint

if TYPE_CHECKING:
    from digest.send import Rehearsal

_Step = Callable[[Run, RunContext], None]


def gather(
    installation: Installation, *, only: str | None = None, force: bool = False, watch: Watch | None = None
) -> list[Gathering]:
    """Gather in a turn of its own; see `digest.gather.gather`."""
    watch = watch or Watch()
    with _turn(installation):
        return gathering.gather(
            installation, only=only, force=force, progress=watch.source, page_read=watch.page_read
        )


def gather_one(installation: Installation, name: str) -> list[Gathering]:
    """Gather one source if it is due, beside a turn and other sources. Raises TryLater when it is read already."""
    with source_lock(installation.engine, name):
        installation.require_schema()
        with reading(installation.engine) as conn:
            check_clock(conn, installation.clock())
        return gathering.gather(installation, only=name)


def run(installation: Installation, *, slot: date | None = None, watch: Watch | None = None) -> RunReport:
    """Gather, prepare, freeze and send whatever is due. Safe to repeat; TryLater when another run is under way.

    `slot`: freeze and send the editions of this local date alone. Raises WrongUse when no edition of it can go out.
    """
    steps = (
        _recover, _take_back, _gather, _find_due, _ask_pages, _freeze, _draft_ahead, _send, _owe_silence, _alarm,
        _notify, _retain, _scrub, _add_receipts, _tell_once_a_day,
    )  # fmt: skip
    with _turn(installation):
        if slot is not None:
            with reading(installation.engine) as conn:
                check_slot(conn, installation.settings, slot, installation.clock())
        return _do(installation, "run", steps, RunContext(RunReport(), watch or Watch(), None, slot=slot))


def turn(installation: Installation, *, watch: Watch | None = None) -> RunReport:
    """Do what `run` does but hand no letter over, because in a cluster its workers send beside each other.

    Sources are read only where an edition is due, because workers gather them at all times.
    """
    steps = (
        _recover, _take_back, _find_due, _gather_for_due, _ask_pages, _freeze, _draft_ahead, _owe_silence, _alarm,
        _notify, _retain, _scrub, _add_receipts, _tell_once_a_day,
    )  # fmt: skip
    with _turn(installation):
        return _do(installation, "turn", steps, RunContext(RunReport(), watch or Watch(), None))


def recover_dead(installation: Installation) -> None:
    """Settle the deliveries that dead runs had claimed. Raises TryLater while a turn is under way, which does it."""
    with _turn(installation):
        _do(installation, "recover", (_recover, _add_receipts), RunContext(RunReport(), Watch(), None))


def send_owed(installation: Installation, *, number: int | None = None, watch: Watch | None = None) -> RunReport:
    """Hand over what is frozen and pending: of edition `number`, or of all."""
    _check_frozen(installation, number)
    steps = (_recover, _take_back, _send, _notify, _add_receipts)
    with _turn(installation):
        return _do(installation, "send", steps, RunContext(RunReport(), watch or Watch(), number))


def dry_run(installation: Installation, out: Path, number: int | None = None) -> list[Rehearsal]:
    """Write the letters that `send` would hand over now (of edition `number`, or of all) to files below `out`."""
    from digest import send
    from digest.transports.file import FileTransport

    _check_frozen(installation, number)
    with reading(installation.engine) as conn:
        numbers = [owed for owed in deliveries.owed(conn, installation.clock()) if number in (None, owed)]
    with closing(FileTransport(out)) as transport:
        return [send.rehearse(installation, owed, transport) for owed in numbers]


@contextmanager
def _turn(installation: Installation) -> Iterator[None]:
    """Hold the turn. Raises PersonNeeded, before anything is stored, when the clock is behind.

    Raises WrongUse when the database was upgraded since it was opened: an upgrade must be alone, so that none
    comes after this.
    """
    with turn_lock(installation.engine):
        installation.require_schema(of_run=True)
        with reading(installation.engine) as conn:
            check_clock(conn, installation.clock())
        yield


def _goes_on(context: RunContext, work: Callable[[], None]) -> bool:
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
    - Any other error ends the run: `accounted` records it, and the next run goes on.
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


def _do(installation: Installation, command: str, steps: Sequence[_Step], context: RunContext) -> RunReport:
    """Do the steps of a run between the two transactions that account for it. Hold the turn."""
    with sending(installation.engine) as live, accounted(installation, command, context) as number:
        live(number)
        installation.fence.check()
        installation.require_secret()
        with closing(Run(installation, number=number)) as run:
            for step in steps:
                step(run, context)
    return context.report


def _recover(run: Run, context: RunContext) -> None:
    """Settle the deliveries that a dead run had claimed."""
    for (edition, state), count in recover(run).items():
        context.report.recovered[state] = context.report.recovered.get(state, 0) + count
        context.recovered.add(edition)


def _take_back(run: Run, context: RunContext) -> None:
    """Take back requests in doubt: before the slow steps, because it works only while their hour is far off."""
    taken_back = take_back(run)
    if taken_back.open:
        context.report.waiting.append(f"{counted(taken_back.open, 'request')} in doubt, {why_open(run)}")


def _gather(run: Run, context: RunContext) -> None:
    """Gather every source that is due."""
    watch = context.watch
    context.report.sources = gathering.gather(run.installation, progress=watch.source, page_read=watch.page_read)


def _find_due(run: Run, context: RunContext) -> None:
    """Find the cadences of which an edition is due, also where it waits for a person."""
    now, settings = run.installation.clock(), run.installation.settings
    with reading(run.installation.engine) as conn:
        context.due = [
            cadence for cadence in settings.cadences if has_slot_due(conn, cadence, now, settings.site.zone)
        ]


def _gather_for_due(run: Run, context: RunContext) -> None:
    """Gather the sources that are due if an edition is, because it is to have what is newest."""
    if context.due:
        _gather(run, context)


def _ask_pages(run: Run, context: RunContext) -> None:
    """Ask the pages of the entries that are about to be frozen, and hold what is gone."""
    if not context.due:
        return
    from digest.editions.pages import ask_pages

    context.report.waiting += ask_pages(run.installation, context.watch.page)


def _freeze(run: Run, context: RunContext) -> None:
    """Freeze the editions that are due, cadence by cadence."""
    installation = run.installation
    trial = cache(partial(_try_letter, installation))
    for cadence in context.due:
        _goes_on(context, partial(_freeze_cadence, installation, cadence, trial, context))


def _freeze_cadence(
    installation: Installation, cadence: Cadence, trial: Callable[[], None], context: RunContext
) -> None:
    """Freeze the editions that a cadence owes, oldest slot first, and add their numbers to those of the run."""
    from digest.editions.freeze import freeze_slot

    now, zone = installation.clock(), installation.settings.site.zone
    with reading(installation.engine) as conn:
        until = context.slot or date.max
        slots = [slot for slot in slots_to_run(conn, cadence, now, zone) if slot.day <= until]
    if not slots:
        return  # because a page that is gone has cost the edition its approval, or another date was asked for
    # A mistaken template or setting must show here, before anything is owed because of it.
    trial()
    for slot in slots:
        with unforeseen(f"the {cadence.name} edition of {slot.key} could not be made"):
            context.frozen.append(freeze_slot(installation, cadence, slot, now))
        _tell_unapproved(installation, context)


def _tell_unapproved(installation: Installation, context: RunContext) -> None:
    """Report the edition that was frozen last if it goes out though nobody has approved it."""
    with reading(installation.engine) as conn:
        edition = editions.get(conn, context.frozen[-1])
    if edition is not None and edition.unapproved:
        context.report.unapproved.append(
            f"edition {edition.id} ({edition.cadence} {edition.slot}): {edition.unapproved}"
        )


def _draft_ahead(run: Run, context: RunContext) -> None:
    """Draft the editions that editors are to look at before their hour, and owe the editors notices of them."""
    cadences = [cadence for cadence in run.installation.settings.cadences if cadence.draft_ahead]
    if not cadences or stopping.asked():
        return
    from digest.editions.deadline import draft_in_time

    def draft_one(cadence: Cadence) -> None:
        with unforeseen(f"the {cadence.name} edition could not be drafted"):
            context.report.waiting += draft_in_time(run.installation, cadence)

    for cadence in cadences:
        _goes_on(context, partial(draft_one, cadence))


def _try_letter(installation: Installation) -> None:
    """Compose a trial letter; see `digest.delivery.trial`."""
    from digest.delivery.trial import trial_letter

    trial_letter(installation.settings)


def _send(run: Run, context: RunContext) -> None:
    """Hand over the letters that each edition owes, oldest edition first."""
    installation, report = run.installation, context.report
    with reading(installation.engine) as conn:
        asked = _asked_for(conn, installation, context)
        owed = deliveries.owed(conn, installation.clock())
        stopped = [number for number in deliveries.stopped(conn) if asked is None or number in asked]
    report.waiting += [
        f"edition {number} is stopped with letters still owed: `digest approve {number}` lets it go on"
        for number in stopped
    ]
    context.sending = [number for number in sorted({*owed, *context.frozen}) if asked is None or number in asked]
    for number in context.sending:
        from digest import send

        context.watch.edition(receipt_now(installation, number))
        goes_on = _goes_on(context, partial(send.send, run, number, context.watch.sent))
        _tell_refusals(run, number, report)
        if not goes_on:
            break
    failpoint("run: all sent")


def _asked_for(conn: Connection, installation: Installation, context: RunContext) -> set[int] | None:
    """Return the numbers of the editions that the run is asked for alone, or None for all."""
    if context.slot is not None:
        keys = [(cadence.name, context.slot.isoformat()) for cadence in installation.settings.cadences]
        return {edition.id for edition in editions.of_slots(conn, keys)}
    return None if context.only is None else {context.only}


def _tell_refusals(run: Run, number: int, report: RunReport) -> None:
    """Report the letters of an edition that were not taken for no reader's fault, and an edition that nobody got."""
    from digest.ledger.cures import cure_for

    for reason, count in run.answers.pop_objections():
        report.waiting.append(
            f"edition {number}: {counted(count, 'letter was', 'letters were')} not taken, for no fault of a reader:"
            f" {reason}; {cure_for(reason).text}. Each is tried again for three days"
        )
    receipt = receipt_now(run.installation, number)
    if receipt.refused and not (receipt.accepted or receipt.uncertain or receipt.pending):
        report.failed.append(
            f"edition {number}: nobody has got it, of {counted(receipt.refused, 'letter')} every one was refused;"
            f" `digest receipt {number}` gives the reasons"
        )


def _owe_silence(run: Run, _: RunContext) -> None:
    """Owe silent readers a notice, once after an edition was frozen, because only then has it passed anybody over."""
    installation = run.installation
    if not installation.settings.silence_notices or stopping.asked():
        return
    with reading(installation.engine) as conn:
        if not silence.has_look_due(conn):
            return
    from digest.notices.silence import owe_silence

    owe_silence(installation)


def _alarm(run: Run, context: RunContext) -> None:
    """Owe the operators a notice of what keeps letters back, where [operate] alarm_to names any."""
    # A run of one date, or that was asked to stop, leaves letters on purpose.
    if not run.installation.settings.operate.alarm_to or stopping.asked() or context.slot is not None:
        return
    from digest.notices.to_operators import alarm_operators

    context.troubles = alarm_operators(run.installation, [*context.report.failed, *context.mistakes])


def _notify(run: Run, _: RunContext) -> None:
    """Hand over the notices that could not be handed over at once."""
    with reading(run.installation.engine) as conn:
        if not notices.are_open(conn):
            return
    from digest.notices.hand_over import hand_over_owed

    hand_over_owed(run)


def _retain(run: Run, context: RunContext) -> None:
    """Remove what is older than [retention] says: after the letters, because no letter may wait for it.

    Looked for until a run of the local day finds nothing more: ages are counted in days, and looking takes as long as
    all else that a run with nothing due does.
    """
    now, zone = run.installation.clock(), run.installation.settings.site.zone
    with reading(run.installation.engine) as conn:
        line = leap_line(conn, now)
        done = runs.has_retained(conn, local_midnight(now, zone), now)
    if line:
        context.report.waiting.append(line)
    if line or done:
        return
    from digest.operations.retention import retain

    context.report.removed, problems = retain(run.installation)
    context.retained = not (context.report.removed or problems or stopping.asked())
    context.report.waiting += problems


def _scrub(run: Run, context: RunContext) -> None:
    """Rewrite the database file if a reader was erased on a page; after the letters, because it takes long."""
    if stopping.asked():
        return
    try:
        scrub_owed(run.installation.engine)
    except TryLater as busy:
        context.report.waiting.append(f"an erased reader may still stand in the database file: {busy}")


def _add_receipts(run: Run, context: RunContext) -> None:
    """Put into the report the receipt of each edition sent or recovered, and of those asked for that are frozen."""
    with reading(run.installation.engine) as conn:
        asked = _asked_for(conn, run.installation, context) or set()
        frozen = {number for number in asked if edition_of(conn, number).state == "frozen"}
    numbers = sorted({*context.sending, *context.recovered, *frozen})
    context.report.receipts = [receipt_now(run.installation, number) for number in numbers]
    if context.mistakes:
        raise ConfigError(context.mistakes)


def _tell_once_a_day(run: Run, context: RunContext) -> None:
    """Complete what waits for a person, and find out whether an earlier run of today has told it all."""
    report = context.report
    report.waiting += held_entries(run.installation)
    context.told = what_waits(run.installation, report.waiting)
    report.told = frozenset(told_today(run.installation) or ())
    report.told_before = report.told.issuperset(context.told)


def _check_frozen(installation: Installation, number: int | None) -> None:
    """Return when an edition, if its number is given, has letters to hand over.

    Raises WrongUse when it does not exist, PersonNeeded when it is not frozen.
    """
    if number is None:
        return
    with reading(installation.engine) as conn:
        edition = edition_of(conn, number)
    if edition.state != "frozen":
        raise PersonNeeded(f"edition {number} is not frozen yet: `digest run` freezes it when it is due and approved")
