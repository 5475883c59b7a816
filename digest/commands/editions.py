"""Define the commands prepare, approve, hold, send and run, which lead from entries to sent letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digest.commands import account
from digest.commands.base import (
    GlobalOptions,
    Id,
    answer,
    as_json,
    as_verbose,
    begin_story,
    story,
    table,
    tell,
    told_once_a_day,
    who_decides,
)
from digest.commands.pinging import pinged
from digest.commands.progress import watching
from digest.errors import PersonNeeded, counted
from digest.model import CADENCES, Edition
from subscribers.characters import whole_characters

if TYPE_CHECKING:
    from digest.delivery.take_back import TakenBack
    from digest.editions.plan import Overview
    from digest.send import Rehearsal
    from digest.store.editions import Shown


@click.command()
@click.argument("cadence", type=click.Choice(CADENCES))
@click.option(
    "--first", is_flag=True,
    help="Of a cadence that has had no edition: draft the one of the last hour that has passed, so that the next run"
    " sends it instead of waiting for the next hour.",
)  # fmt: skip
@as_json
@click.pass_obj
def prepare(options: GlobalOptions, cadence: str, first: bool, json_: bool) -> None:
    """Draft the edition that is owed now; show its entries, digests, and how many readers get a letter or none."""
    from digest.editions import draft
    from digest.editions.plan import overview
    from digest.editions.withdraw import at_their_time
    from digest.operations.clock import check_clock
    from digest.store import editions
    from digest.store.engine import reading, writing

    installation = options.installation()
    configured = installation.settings.cadence(cadence)
    with reading(installation.engine) as conn:
        check_clock(conn, installation.clock())
    # As a run does before it drafts: a text whose date has come is no longer withheld.
    at_their_time(installation, installation.clock())
    with writing(installation.engine, "draft") as conn:
        edition = draft.draft(conn, installation.settings, configured, installation.clock(), first=first)
    with reading(installation.engine) as conn:
        view = overview(conn, installation.settings, edition, installation.secret, installation.clock())
        shown = editions.shown(conn, edition.id)
    if json_:
        answer(_draft_document(edition, view, shown))
        return
    stopped = ", stopped" if edition.held else ""
    again = f", {view.offered_again} of them entries carried over" if view.offered_again else ""
    click.echo(f"edition {edition.id}, {edition.cadence} {edition.slot}: {edition.state}{stopped}")
    click.echo(
        f"{counted(view.entries, 'entry', 'entries')} in {counted(view.digests, 'digest')} to"
        f" {counted(view.readers.get('pending', 0), 'reader')}{again};"
        f" {counted(view.readers.get('empty', 0), 'gets', 'get')} nothing,"
        f" {counted(view.readers.get('suppressed', 0), 'is', 'are')} suppressed,"
        f" {counted(view.readers.get('held', 0), 'is', 'are')} held"
    )
    if shown:
        rows = [(s.entry.id, s.entry.kind, s.entry.carried_from, whole_characters(s.entry.title, 80)) for s in shown]
        click.echo(table(("entry", "kind", "carried from", "title"), rows))
    if configured.approval_required and edition.state == "draft":
        click.echo(f"it waits for `digest approve {edition.id}`")


@click.command()
@click.argument("edition", type=Id())
@click.option(
    "--hash",
    "content_hash",
    metavar="HASH",
    help="Approve only content whose hash is HASH or begins with it.",
)
@click.option("--by", metavar="NAME", help="Who approves (default: the name of your account).")
@click.pass_obj
def approve(options: GlobalOptions, edition: int, content_hash: str | None, by: str | None) -> None:
    """Approve an edition as it is now, or let a stopped edition go on; what is approved is what is sent."""
    from digest.desk.acts import Hand
    from digest.desk.approval import approve_edition
    from digest.store import deliveries
    from digest.store.engine import reading

    installation = options.installation()
    approved = approve_edition(installation, Hand(who_decides(by)), edition, content_hash or "")
    receipt = None
    if approved.state == "frozen":
        with reading(installation.engine) as conn:
            receipt = deliveries.receipt(conn, approved)
    content = approved.content_hash[:12]
    click.echo(f"edition {approved.id} ({approved.cadence} {approved.slot}) is approved, content {content}")
    if receipt is not None:
        click.echo(
            f"it was stopped and goes on: {counted(receipt.pending, 'letter is', 'letters are')} still to be handed"
            f" over, {counted(receipt.cancelled, 'stays', 'stay')} cancelled"
        )


@click.command()
@click.argument("edition", type=Id())
@click.option(
    "--stop",
    "stop_",
    is_flag=True,
    help="For a frozen edition: send no more of it, and take back the letters that still wait.",
)
@click.option("--by", metavar="NAME", help="Who stops it (default: the name of your account).")
@click.pass_obj
def hold(options: GlobalOptions, edition: int, stop_: bool, by: str | None) -> None:
    """Stop an edition until it is approved."""
    from digest.desk.acts import Hand
    from digest.desk.approval import hold_edition, stop_edition
    from digest.store import deliveries, editions
    from digest.store.engine import reading

    installation, hand = options.installation(), Hand(who_decides(by))
    if not stop_:
        held = hold_edition(installation, hand, edition)
        click.echo(f"edition {held.id} ({held.cadence} {held.slot}) is stopped until `digest approve {held.id}`")
        return
    taken_back = stop_edition(installation, hand, edition)
    account.write_pages(installation, [edition])
    with reading(installation.engine) as conn:
        stopped = editions.get(conn, edition)
        assert stopped is not None
        receipt = deliveries.receipt(conn, stopped)
    click.echo(f"edition {edition} is stopped: no more of it goes out until `digest approve {edition}`")
    kept = counted(receipt.pending, "letter is", "letters are")
    left = counted(receipt.accepted, "has left, and nothing calls it", "have left, and nothing calls them")
    click.echo(f"{kept} kept back; {left} back")
    _report_taken_back(taken_back)


@click.command()
@click.argument("edition", type=Id(), required=False)
@click.option("--dry-run", is_flag=True, help="Write the pending letters to files; hand nothing over.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("dry-run"), show_default=True,
    help="The folder that a dry run writes to.",
)  # fmt: skip
@as_json
@click.pass_obj
def send(options: GlobalOptions, edition: int | None, dry_run: bool, out: Path, json_: bool) -> None:
    """Hand over the pending letters of frozen editions (default: of all); safe to repeat."""
    from digest import pipeline

    installation = options.installation()
    if dry_run:
        _report_rehearsals(pipeline.dry_run(installation, out, edition), out, json_)
        return
    story.begin(options.at)
    with watching(installation) as watch:
        report = pipeline.send_owed(installation, number=edition, watch=watch)
    account.conclude(installation, report, json_)


@click.command()
@click.option(
    "--clock-is-right",
    is_flag=True,
    help="Go on though the clock is behind the newest run, or leapt ahead; give it once.",
)
@click.option(
    "--slot",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Freeze and send the editions of this date alone, such as 2026-11-27; what has left is not sent again.",
)
@as_json
@as_verbose
@click.pass_obj
def run(options: GlobalOptions, clock_is_right: bool, slot: datetime | None, json_: bool, verbose: bool) -> None:
    """Gather, then prepare, freeze and send each edition that is due: the command for cron.

    Silent unless a person is needed or something is away (each told once a day), on a terminal, or with -v. Leaves
    with exit code 4 when a person is needed (in HOLD each time), and with 75 when letters wait, most sources are
    away, or the mail server, the provider or the database is.
    """
    from digest import pipeline
    from digest.operations.clock import accept_clock
    from digest.store.engine import writing

    begin_story(options, verbose=verbose)
    installation = options.installation()
    with pinged(installation) as ping:
        if clock_is_right:
            with writing(installation.engine, "accept clock") as conn:
                accept_clock(conn, installation.clock())
        try:
            with told_once_a_day(installation), ping.heeding_later(), watching(installation) as watch:
                report = pipeline.run(installation, slot=slot.date() if slot else None, watch=watch)
        except PersonNeeded as needed:
            if needed.told_before and story.quiet:
                raise click.exceptions.Exit(needed.exit_code) from None
            raise
        account.conclude(installation, report, json_)


def _draft_document(edition: Edition, view: Overview, shown: list[Shown]) -> dict[str, Any]:
    """Return the document that `prepare --json` prints."""
    from digest.editions.plan import new_entries

    return {
        "edition": edition.id,
        "cadence": edition.cadence,
        "slot": edition.slot,
        "state": edition.state,
        "held": edition.held,
        "content_hash": edition.content_hash,
        "entries": [s.entry.id for s in new_entries(shown)],
        "carried_over": [s.entry.id for s in shown if s.entry.carried_from],
        "offered_again": view.offered_again,
        "digests": view.digests,
        "readers": view.readers,
        "nothing": [{"subscriber": p.subscriber, "why": p.reason or p.state} for p in view.nothing],
    }


def _report_rehearsals(rehearsals: Sequence[Rehearsal], out: Path, json_: bool) -> None:
    """Print what a dry run wrote, and name each letter that cannot be written; then leave with exit code 1."""
    letters, dropped = (sum(getattr(row, key) for row in rehearsals) for key in ("letters", "dropped"))
    unwritten = [(row.edition, reader, refusal) for row in rehearsals for reader, refusal in row.unwritten]
    if json_:
        # The keys of a run, so that one reader of JSON serves both; a dry run sends nothing, so no receipt changes.
        lists: dict[str, Any] = {key: [] for key in ("receipts", "sources", "waiting", "failed")}
        rows = [
            {"edition": number, "delivery": no.delivery, "subscriber": reader, "reason": no.reason}
            for number, reader, no in unwritten
        ]
        answer(lists | {"dry_run": {"letters": letters, "dropped": dropped, "unwritten": rows, "out": str(out)}})
    tell(f"dry run: {counted(letters, 'letter')} in {out}; nothing was handed over, nothing was marked")
    if dropped:
        left_out = counted(dropped, "delivery is", "deliveries are") + " left out"
        tell(f"{left_out}: for readers who must not be mailed any more, or have paused")
    for number, reader, refusal in unwritten:
        tell(f"delivery {refusal.delivery} of edition {number}, to subscriber {reader}: {refusal.reason}")
    if unwritten:
        raise click.exceptions.Exit(1)


def _report_taken_back(taken_back: TakenBack) -> None:
    """Print how many letters were taken back. Raises PersonNeeded when requests at the provider were not."""
    if taken_back.readers:
        click.echo(
            counted(taken_back.readers, "letter that waited was", "letters that waited for their hour were")
            + " taken back: cancelled for good, an approval does not bring them back; `digest retag ENTRY` puts an"
            " entry into the next letter of each matching reader who has not had it"
        )
    if left := taken_back.open + taken_back.late:
        raise PersonNeeded(
            f"{counted(left, 'request was', 'requests were')} not taken back ({taken_back.open} not confirmed by"
            f" the provider: run this command again; {taken_back.late} too near their hour)"
        )


COMMANDS = (prepare, approve, hold, send, run)
