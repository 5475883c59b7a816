"""Define the commands receipt, explain and settle: account for every reader of an edition, and decide on doubts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.commands.base import GlobalOptions, Id, answer, as_json, bundled, note, story, table, tell, who_decides
from digest.errors import PersonNeeded, TryLater, WrongUse, counted

if TYPE_CHECKING:
    from digest.installation import Installation
    from digest.model import Receipt
    from digest.operations.failing_sources import FailingSources
    from digest.operations.run_report import RunReport
    from digest.operations.settle import DeliveryInDoubt

RECEIPT = ("edition", "cadence", "slot", "eligible", "accepted", "refused", "suppressed", "empty", "held",
           "uncertain", "cancelled")  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChosenDeliveries:
    """Hold the options of `settle` that say which deliveries are meant; no `edition` means those of all editions."""

    deliveries: tuple[int, ...]
    edition: int | None
    all_: bool


@dataclass(frozen=True, slots=True)
class SettleDecision:
    """Hold the options of `settle` that say what a person decides, if anything, and who decides."""

    decision: str | None
    by: str | None


@click.command()
@click.argument("edition", type=Id(), required=False)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the page to this file instead.")
@click.option(
    "--reach", is_flag=True, help="Show instead how many readers had each case study, near and from elsewhere."
)
@as_json
@click.pass_obj
def receipt(options: GlobalOptions, edition: int | None, out: Path | None, reach: bool, json_: bool) -> None:
    """Show an edition's account as it stands now (default: the newest) and write it as a page."""
    from digest.desk import receipts as receipt_pages

    installation = options.installation()
    number = receipt_pages.newest_frozen(installation) if edition is None else edition
    if reach:
        _tell_reach(installation, number, json_)
        return
    account = receipt_pages.account(installation, number)
    if json_:
        answer(account.to_json())
    else:
        click.echo(receipts_table([account.receipt]))
        for state, reason, count in account.why:
            click.echo(f"{state}: {count} × {reason}")
        for told in account.told:
            line = "withdrawal" if told.withdrawn else "correction"
            click.echo(f"{line} of entry {told.entry}: in {counted(told.readers, 'letter')}")
        for number, readers in account.tried.items():
            click.echo(f"what a place did with entry {number}: in {counted(readers, 'letter')}")
        for doubt in account.doubts:
            click.echo(f"uncertain: delivery {doubt.delivery}, {doubt.reason}")
    path = out or receipt_pages.path_of(installation, account.edition)
    receipt_pages.save(path, receipt_pages.page(installation, account))
    tell(f"receipt: {path}")
    leave([account.receipt])


def _tell_reach(installation: Installation, number: int, json_: bool) -> None:
    """Print how many readers had each case study of an edition, those first that most readers elsewhere had."""
    from digest.desk.sent_edition import reach_document

    document = reach_document(installation, number)
    if json_:
        answer(document)
        return
    columns = ("entry", "near", "elsewhere", "readers", "title")
    rows = [tuple(study[name] for name in columns) for study in document]
    if any(study["unplaced"] for study in document):
        tell("letters so old are kept as counts: whether an entry came from elsewhere is not kept")
    click.echo(table(columns, rows) if rows else "no case study was in it")


@click.command()
@click.option("--subscriber", metavar="EMAIL|ID", required=True, help="The address or the id of the reader.")
@click.option("--entry", metavar="ID|URL", help="Explain this entry (default: the reader's editions).")
@as_json
@click.pass_obj
def explain(options: GlobalOptions, subscriber: str, entry: str | None, json_: bool) -> None:
    """Explain why a reader got an entry, or did not get it."""
    from digest.desk.explain import explain as explain_reader

    number, entry_number, explanation = explain_reader(options.installation(), subscriber, entry)
    if json_:
        answer(explanation.to_json(number, entry_number))
    else:
        click.echo(explanation.outcome)
        for reason in explanation.reasons:
            click.echo(f"  {reason}")


@click.command()
@bundled(
    "chosen",
    ChosenDeliveries,
    click.argument("deliveries", nargs=-1, type=Id()),
    click.option("--edition", type=Id(), metavar="ID", help="Only the deliveries of this edition."),
    click.option("--all", "all_", is_flag=True, help="Decide on every delivery that is listed."),
)
@click.option("--ask", is_flag=True, help="Ask the transport what became of them.")
@bundled(
    "verdict",
    SettleDecision,
    click.option("--as", "decision", type=click.Choice(["accepted", "resend", "write-off"]), help="Your decision."),
    click.option("--by", metavar="NAME", help="Who decides (default: the name of your account)."),
)
@as_json
@click.pass_obj
def settle(options: GlobalOptions, chosen: ChosenDeliveries, ask: bool, verdict: SettleDecision, json_: bool) -> None:
    """List deliveries in doubt with all that is known of each; ask the transport, or decide."""
    from digest.operations.settle import ask_transport, doubts

    installation = options.installation()
    if verdict.decision is None and (chosen.all_ or chosen.deliveries):
        raise WrongUse("say what became of them: --as accepted, --as resend or --as write-off; nothing was changed")
    before = doubts(installation, chosen.edition)
    if ask:
        counts = ask_transport(installation, chosen.edition)
        tell(", ".join(f"{count} {state}" for state, count in counts.items()))
    if verdict.decision:
        _record(installation, chosen, before, verdict.decision, who_decides(verdict.by))
    remaining = doubts(installation, chosen.edition)
    settled = {delivery.id for delivery in before} - {delivery.id for delivery in remaining}
    write_pages(installation, {delivery.edition for delivery in before if delivery.id in settled})
    if json_:
        answer([delivery.to_json() for delivery in remaining])
    else:
        click.echo(
            _doubts_table(remaining) if remaining else "nothing is in doubt" + (" any more" if settled else "")
        )
    if remaining:
        raise click.exceptions.Exit(PersonNeeded.exit_code)


def receipts_table(receipts: list[Receipt]) -> str:
    """Return receipts as a table: a row for each edition, and whether its receipt balances."""
    rows = [[*(getattr(receipt, key) for key in RECEIPT), _balance(receipt)] for receipt in receipts]
    return table((*RECEIPT, "balanced"), rows)


def conclude(installation: Installation, report: RunReport, json_: bool) -> None:
    """Print the account of a run and write its receipt pages; a quiet story has only what needs a person.

    Leaves with exit code 1 when an edition failed or a receipt does not balance, 4 when a person is needed, and 75
    when letters wait or sources are away; else returns. A person is needed once a day only for each thing (`told`).
    """
    from digest.operations.failing_sources import failing_sources
    from digest.operations.waiting import in_doubt

    story.edition = None  # because what follows is about all of them
    for state, count in report.recovered.items():
        note(f"from a run that died: {count} {state}")
    if report.removed:
        note("too old to be kept: " + ", ".join(f"{count} {kind}" for kind, count in report.removed.items()))
    if json_:
        answer(report.to_json())
    elif not report.receipts:
        note("nothing to send")
    elif not story.quiet:
        click.echo(receipts_table(report.receipts))
    write_pages(installation, [receipt.edition for receipt in report.receipts])
    failing = failing_sources(installation, report.sources)
    tell_failing(failing)
    for line in report.failed:
        tell(f"digest: {line}", "ERROR")
    for line in report.unapproved:
        tell(line, "WARNING")
    waiting = [line for line in report.waiting if line not in report.told]
    for line in waiting:
        tell(f"waiting: {line}", "WARNING")
    if report.failed:
        raise click.exceptions.Exit(1)
    doubts = _count_doubts(installation)
    doubts = 0 if in_doubt(doubts) in report.told else doubts
    leave(
        report.receipts, waiting=bool(waiting), doubts=doubts, sources=failing.exit_code,
        early=_count_early(installation, report.receipts),
    )  # fmt: skip


def tell_failing(failing: FailingSources) -> None:
    """Tell of the sources that fail for the first time today, unless the story has told of each source."""
    if story.quiet:
        for line in failing.lines:
            tell(line, "WARNING")
    elif failing.exit_code and failing.lines:
        tell(failing.lines[-1], "WARNING")


def leave(
    receipts: list[Receipt], *, waiting: bool = False, doubts: int | None = None, sources: int = 0, early: int = 0
) -> None:
    """Leave with exit code 1 when a receipt does not balance, 4 when a person is needed, 75 when letters wait.

    Returns when none of these holds. `waiting`: an edition waits for a person. `doubts`: the number of uncertain
    deliveries of all editions; None counts those of `receipts`. `sources`: 4 or 75 when most sources fail, else 0.
    `early`: how many letters wait for their hour in the reader's time zone, as they should.
    """
    if any(receipt.unexplained for receipt in receipts):
        tell("A RECEIPT DOES NOT BALANCE: run `digest doctor`", "ERROR")
        raise click.exceptions.Exit(1)
    uncertain = sum(receipt.uncertain for receipt in receipts) if doubts is None else doubts
    if uncertain:
        doubt = counted(uncertain, "delivery is", "deliveries are") + " in doubt"
        tell(f"{doubt}: nobody is mailed again until you decide (`digest settle`)", "WARNING")
    if early:
        note(f"{counted(early, 'letter waits', 'letters wait')} for the hour in the reader's time zone")
    pending = sum(receipt.pending for receipt in receipts) - early
    if pending:
        note(f"{counted(pending, 'letter is', 'letters are')} still to be handed over: run again later")
    if waiting or uncertain or sources == PersonNeeded.exit_code:
        raise click.exceptions.Exit(PersonNeeded.exit_code)
    if pending or sources:
        raise click.exceptions.Exit(TryLater.exit_code)


def write_pages(installation: Installation, numbers: Iterable[int]) -> None:
    """Write the receipt pages of editions, and print where they are.

    A page that cannot be written is reported, not raised, because the letters have been handed over all the same.
    """
    if not (editions := sorted(numbers)):
        return
    from digest.desk import receipts as receipt_pages
    from digest.system.disk import cure_of, reason_of

    try:
        for path in receipt_pages.write(installation, editions):
            note(f"receipt: {path}")
    except OSError as error:
        cure = cure_of(error, "name another folder as `receipts` in [storage] of config.toml")
        tell(f"no page of the receipt: {error.filename}: {reason_of(error)}; {cure}; then `digest receipt`")


def _record(
    installation: Installation,
    chosen: ChosenDeliveries,
    before: Sequence[DeliveryInDoubt],
    decision: str,
    name: str,
) -> None:
    """Settle the chosen deliveries as the person `name` decided. Raises WrongUse before anything is changed.

    `before` are the deliveries that were in doubt when the command began. With `--all`, those in doubt now are
    settled, because the transport may have answered for some of them meanwhile.
    """
    from digest.operations.settle import doubts, record_decision

    numbers = (
        [delivery.id for delivery in doubts(installation, chosen.edition)] if chosen.all_ else list(chosen.deliveries)
    )
    if chosen.edition is not None and (other := set(numbers) - {delivery.id for delivery in before}):
        raise WrongUse(f"delivery {min(other)} is not in doubt in edition {chosen.edition}; nothing was changed")
    if not numbers:
        raise WrongUse("name deliveries by number, or say --all; see `digest settle`")
    count = record_decision(installation, numbers, decision, name)
    tell(f"{counted(count, 'delivery', 'deliveries')} settled as {decision}")
    if decision == "resend":
        tell(f"{'it goes' if count == 1 else 'they go'} out with `digest send`")


def _doubts_table(deliveries: Sequence[DeliveryInDoubt]) -> str:
    rows = [
        (delivery.id, delivery.where, delivery.email or "(erased)", f"{delivery.since:%Y-%m-%d %H:%M}",
         delivery.reason, "; ".join(delivery.heard) or "nothing")
        for delivery in deliveries
    ]  # fmt: skip
    return table(("delivery", "edition", "subscriber", "since", "why in doubt", "heard"), rows)


def _balance(receipt: Receipt) -> str:
    if receipt.unexplained:
        return f"NO: {receipt.unexplained} NOT ACCOUNTED FOR"
    return f"NO: {receipt.pending} pending" if receipt.pending else "yes"


def _count_early(installation: Installation, receipts: Sequence[Receipt]) -> int:
    """Return how many letters of some editions wait for their hour, where readers may choose a time zone."""
    if not installation.settings.site.reader_zones or not any(receipt.pending for receipt in receipts):
        return 0
    from digest.store import deliveries
    from digest.store.engine import reading

    with reading(installation.engine) as conn:
        return deliveries.count_early(conn, [receipt.edition for receipt in receipts], installation.clock())


def _count_doubts(installation: Installation) -> int:
    """Count the deliveries in doubt of all editions, also of those that this run did not send."""
    from digest.store import history
    from digest.store.engine import reading

    with reading(installation.engine) as conn:
        return history.count_in_doubt(conn)


COMMANDS = (receipt, explain, settle)
