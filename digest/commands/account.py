"""receipt, explain, settle: what became of every reader, why, and a person's word where nobody knows."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.commands.base import GlobalOptions, Id, answer, as_json, table, tell
from digest.errors import PersonNeeded, TryLater, WrongUse

if TYPE_CHECKING:
    from digest.installation import Installation
    from digest.model import Receipt
    from digest.pipeline import RunReport

RECEIPT = ("edition", "cadence", "slot", "eligible", "accepted", "refused", "suppressed", "empty", "held",
           "uncertain", "cancelled")  # fmt: skip


@click.command()
@click.argument("edition", type=Id(), required=False)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the page here instead.")
@as_json
@click.pass_obj
def receipt(choices: GlobalOptions, edition: int | None, out: Path | None, json_: bool) -> None:
    """Show an edition's account as it stands now (default: the newest) and write it as a page."""
    from digest.desk import receipts as receipt_pages

    installation = choices.installation()
    one = receipt_pages.account(
        installation, receipt_pages.newest_frozen(installation) if edition is None else edition
    )
    if json_:
        answer(one.to_json())
    else:
        click.echo(receipts_table([one.receipt]))
        for state, reason, count in one.why:
            click.echo(f"{state}: {count} × {reason}")
        for doubt in one.doubts:
            click.echo(f"uncertain: delivery {doubt.delivery}, {doubt.reason}")
    path = out or receipt_pages.path_of(installation, one.edition)
    receipt_pages.save(path, receipt_pages.page(installation, one))
    tell(f"receipt: {path}")
    leave([one.receipt])


@click.command()
@click.option("--subscriber", metavar="EMAIL", required=True, help="The reader that it is about.")
@click.option("--entry", metavar="ID|URL", help="This entry (default: their editions).")
@as_json
@click.pass_obj
def explain(choices: GlobalOptions, subscriber: str, entry: str | None, json_: bool) -> None:
    """Say why this reader got, or did not get, what they did."""
    from digest.desk.explain import explain as story

    who, what, found = story(choices.installation(), subscriber, entry)
    if json_:
        answer(found.to_json(who, what))
    else:
        click.echo(found.outcome)
        for line in found.reasons:
            click.echo(f"  {line}")


@click.command()
@click.argument("deliveries", nargs=-1, type=Id())
@click.option("--edition", type=Id(), metavar="ID", help="Only those of this edition.")
@click.option("--all", "all_", is_flag=True, help="Decide on every one that is listed.")
@click.option("--ask", is_flag=True, help="Ask the transport what became of them.")
@click.option("--as", "decision", type=click.Choice(["accepted", "resend", "write-off"]), help="Your decision.")
@click.option("--by", metavar="NAME", help="Who decides (default: the account's name).")
@as_json
@click.pass_obj
def settle(
    choices: GlobalOptions,
    deliveries: tuple[int, ...],
    edition: int | None,
    all_: bool,
    ask: bool,
    decision: str | None,
    by: str | None,
    json_: bool,
) -> None:
    """List deliveries in doubt with what is known of each; ask the transport, or decide."""
    from digest.operations import settle as settling

    installation = choices.installation()
    if decision is None and (all_ or deliveries):
        raise WrongUse("say what became of them: --as accepted, --as resend or --as write-off; nothing was changed")
    before = settling.doubts(installation, edition)
    if ask:
        counts = settling.ask_transport(installation, edition)
        tell(", ".join(f"{count} {what}" for what, count in counts.items()))
    if decision:
        numbers = [one.id for one in settling.doubts(installation, edition)] if all_ else list(deliveries)
        if edition is not None and (other := set(numbers) - {one.id for one in before}):
            raise WrongUse(f"delivery {min(other)} is not in doubt in edition {edition}; nothing was changed")
        if not numbers:
            raise WrongUse("name deliveries by number, or say --all; see `digest settle`")
        count = settling.record_decision(installation, numbers, decision, by or getpass.getuser())
        tell(f"{count} settled as {decision}")
        if decision == "resend":
            tell("they go out with `digest send`")
    found = settling.doubts(installation, edition)
    settled = {one.id for one in before} - {one.id for one in found}
    write_pages(installation, {one.edition for one in before if one.id in settled})
    if json_:
        answer([one.to_json() for one in found])
    elif found:
        rows = [
            (one.id, one.where, one.email or "(erased)", f"{one.since:%Y-%m-%d %H:%M}", one.reason,
             "; ".join(one.heard) or "nothing")
            for one in found
        ]  # fmt: skip
        click.echo(table(("delivery", "edition", "subscriber", "since", "why in doubt", "heard"), rows))
    else:
        click.echo("nothing is in doubt")
    if found:
        raise click.exceptions.Exit(PersonNeeded.exit_code)


def receipts_table(receipts: list[Receipt]) -> str:
    """Return receipts as a table, one row an edition, with whether each balances."""
    rows = [[*(getattr(one, key) for key in RECEIPT), _balance(one)] for one in receipts]
    return table((*RECEIPT, "balanced"), rows)


def conclude(installation: Installation, report: RunReport, json_: bool) -> None:
    """Print the account of a run and write its pages; leave with the exit code that tells the truth."""
    for state, count in report.recovered.items():
        tell(f"from a run that died: {count} {state}")
    if json_:
        answer(report.to_json())
    elif report.receipts:
        click.echo(receipts_table(report.receipts))
    else:
        tell("nothing to send")
    write_pages(installation, [one.edition for one in report.receipts])
    for line in report.failed:
        tell(f"digest: {line}")
    for line in report.waiting:
        tell(f"waiting: {line}")
    if report.failed:
        raise click.exceptions.Exit(1)
    leave(report.receipts, waiting=bool(report.waiting), doubts=_doubts(installation))


def leave(receipts: list[Receipt], *, waiting: bool = False, doubts: int | None = None) -> None:
    """Leave with exit code 1 when books do not balance, 4 when a person is needed, 75 when letters wait; else return.

    `doubts`: uncertain deliveries of all editions (None: those of `receipts`).
    """
    if any(one.unexplained for one in receipts):
        tell("A RECEIPT DOES NOT BALANCE: run `digest doctor`")
        raise click.exceptions.Exit(1)
    uncertain = sum(one.uncertain for one in receipts) if doubts is None else doubts
    if uncertain:
        tell(f"{uncertain} deliveries are in doubt: nobody is mailed again until you decide (`digest settle`)")
    later = sum(one.pending for one in receipts)
    if later:
        tell(f"{later} letters are still to be handed over: run again later")
    if waiting or uncertain:
        raise click.exceptions.Exit(PersonNeeded.exit_code)
    if later:
        raise click.exceptions.Exit(TryLater.exit_code)


def write_pages(installation: Installation, numbers: Iterable[int]) -> None:
    """Write the receipts of editions as pages, and tell where. What was mailed stays mailed if that fails."""
    from digest.desk import receipts as receipt_pages

    try:
        for path in receipt_pages.write(installation, sorted(numbers)):
            tell(f"receipt: {path}")
    except OSError as error:
        tell(f"no page of the receipt: {error.filename}: {error.strerror}; make room, then `digest receipt`")


def _balance(one: Receipt) -> str:
    if one.unexplained:
        return f"NO: {one.unexplained} NOT ACCOUNTED FOR"
    return f"NO: {one.pending} pending" if one.pending else "yes"


def _doubts(installation: Installation) -> int:
    """Return how many deliveries are in doubt: also of editions that this run had nothing to do with."""
    from digest.store import history
    from digest.store.engine import reading

    with reading(installation.engine) as conn:
        return history.count_in_doubt(conn)


COMMANDS = (receipt, explain, settle)
