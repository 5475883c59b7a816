"""prepare, preview, approve, hold, send, run: from entries to letters."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.commands import account
from digest.commands.base import GlobalOptions, Id, answer, as_json, table, tell
from digest.commands.gathering import gathering_line
from digest.errors import PersonNeeded, WrongUse
from digest.model import CADENCES, Receipt

if TYPE_CHECKING:
    from digest.installation import Installation
    from digest.pipeline import RunReport, Watch
    from digest.store.sources import Gathering
    from digest.transports.base import Parcel


@click.command()
@click.argument("cadence", type=click.Choice(CADENCES))
@as_json
@click.pass_obj
def prepare(choices: GlobalOptions, cadence: str, json_: bool) -> None:
    """Draft the edition now owed; show its entries, digests, readers and who gets nothing."""
    from digest.editions import draft
    from digest.editions.plan import overview
    from digest.store import editions
    from digest.store.engine import reading, writing

    installation = choices.installation()
    rhythm = installation.settings.cadence(cadence)
    with writing(installation.engine, "draft") as conn:
        one = draft.draft(conn, installation.settings, rhythm, installation.clock())
    with reading(installation.engine) as conn:
        view = overview(conn, installation.settings, one, installation.secret, installation.clock())
        shown = editions.shown(conn, one.id)
    if json_:
        answer(
            {
                "edition": one.id, "cadence": one.cadence, "slot": one.slot, "state": one.state, "held": one.held,
                "content_hash": one.content_hash, "entries": [s.entry.id for s in shown], "digests": view.digests,
                "readers": view.readers,
                "nothing": [{"subscriber": p.subscriber.id, "why": p.reason or p.state} for p in view.nothing],
            }
        )  # fmt: skip
        return
    click.echo(f"edition {one.id}, {one.cadence} {one.slot}: {one.state}{', held' if one.held else ''}")
    click.echo(
        f"{view.entries} entries in {view.digests} digests to {view.readers.get('pending', 0)} readers;"
        f" {view.readers.get('empty', 0)} get nothing, {view.readers.get('suppressed', 0)} are suppressed,"
        f" {view.readers.get('held', 0)} are held"
    )
    if shown:
        click.echo(table(("entry", "kind", "title"), [(s.entry.id, s.entry.kind, s.entry.title[:80]) for s in shown]))
    if rhythm.approval_required and one.state == "draft":
        click.echo(f"it waits for `digest approve {one.id}`")


@click.command()
@click.option("--subscriber", metavar="EMAIL", help="This subscriber's letter.")
@click.option("--area", "areas", metavar="SLUG", multiple=True, help="Anyone's who follows this policy area.")
@click.option("--region", "regions", metavar="SLUG", multiple=True, help="… and this region.")
@click.option("--theme", "themes", metavar="SLUG", multiple=True, help="… and this theme.")
@click.option("--cadence", type=click.Choice(CADENCES), help="Of this cadence (default: theirs, else the first).")
@click.option("--edition", type=Id(), metavar="ID", help="Of this edition (default: the one owed next).")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("preview"), show_default=True,
    help="The folder to write the letter to.",
)  # fmt: skip
@click.option("--lint", "lint_", is_flag=True, help="Say what is wrong with the letter; exit 1 on an error.")
@click.pass_obj
def preview(
    choices: GlobalOptions,
    subscriber: str | None,
    areas: tuple[str, ...],
    regions: tuple[str, ...],
    themes: tuple[str, ...],
    cadence: str | None,
    edition: int | None,
    out: Path,
    lint_: bool,
) -> None:
    """Write the very letter a reader would get: letter.html, letter.txt and letter.eml."""
    from digest.desk.preview import preview as story
    from digest.facets.known import slugs_of
    from subscribers.model import Interests

    if subscriber and (areas or regions or themes):
        raise WrongUse("preview takes either --subscriber or --area, --region, --theme")
    installation = choices.installation()
    taxonomy = installation.settings.taxonomy
    interests = Interests(
        frozenset(slugs_of(taxonomy, "policy_areas", areas)),
        frozenset(slugs_of(taxonomy, "regions", regions)),
        frozenset(slugs_of(taxonomy, "themes", themes)),
    )
    made = story(installation, email=subscriber, interests=interests, cadence=cadence, number=edition)
    one = made.edition
    tell(f"{one.cadence} {one.slot}, {'edition ' + str(one.id) if one.id else 'not drafted yet'}, {one.state}")
    if made.parcel is None:
        tell(f"no letter: {made.reason}")
        return
    if made.reason:
        tell(f"their delivery: {made.reason}")
    out.mkdir(parents=True, exist_ok=True)
    (out / "letter.html").write_text(made.parcel.letter.html_text(), encoding="utf-8")
    (out / "letter.txt").write_text(made.parcel.letter.plain_text(), encoding="utf-8")
    (out / "letter.eml").write_bytes(made.parcel.message)
    click.echo(out / "letter.html")
    if lint_:
        _lint(made.parcel, installation.settings.lint_clients)


@click.command()
@click.argument("edition", type=Id())
@click.option("--hash", "seen", metavar="HASH", help="Approve only what has this content hash (or its beginning).")
@click.option("--by", metavar="NAME", help="Who approves (default: the account's name).")
@click.pass_obj
def approve(choices: GlobalOptions, edition: int, seen: str | None, by: str | None) -> None:
    """Approve what an edition holds now; what is approved is what is sent."""
    from digest.editions import approve as approving
    from digest.store import deliveries
    from digest.store.engine import writing

    installation = choices.installation()
    with writing(installation.engine, "approve") as conn:
        one = approving.approve(
            conn, installation.settings, edition, by or getpass.getuser(), installation.clock(), seen or ""
        )
        stands = deliveries.receipt(conn, one) if one.state == "frozen" else None
    click.echo(f"edition {one.id} ({one.cadence} {one.slot}) is approved, content {one.content_hash[:12]}")
    if stands is not None:
        said = f"{stands.pending} letters are still to be handed over, {stands.cancelled} stay cancelled"
        click.echo(f"it was stopped and goes on: {said}")


@click.command()
@click.argument("edition", type=Id())
@click.option("--stop", "stop_", is_flag=True, help="Of a frozen edition: send no more, take back what still waits.")
@click.pass_obj
def hold(choices: GlobalOptions, edition: int, stop_: bool) -> None:
    """Keep an edition back until it is approved."""
    from digest.editions import approve as approving
    from digest.operations import stop
    from digest.store.engine import writing

    installation = choices.installation()
    if not stop_:
        with writing(installation.engine, "hold") as conn:
            one = approving.hold(conn, edition)
        click.echo(f"edition {one.id} ({one.cadence} {one.slot}) is held until `digest approve {one.id}`")
        return
    done = stop.stop(installation, edition)
    account.write_pages(installation, [edition])
    click.echo(f"edition {edition} is stopped: no more of it goes out until `digest approve {edition}`")
    if done.readers:
        click.echo(
            f"{done.readers} letters that waited for their hour were taken back: cancelled for good, an approval does"
            " not bring them back; `digest retag ENTRY` has an entry sent to those who have not had it"
        )
    if done.open or done.late:
        raise PersonNeeded(
            f"{done.open + done.late} requests were not taken back"
            f" ({done.open} not confirmed by the provider, say it again; {done.late} too near their hour)"
        )


@click.command()
@click.argument("edition", type=Id(), required=False)
@click.option("--dry-run", is_flag=True, help="Write the pending letters to files; hand nothing over.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("dry-run"), show_default=True,
    help="The folder that a dry run writes to.",
)  # fmt: skip
@as_json
@click.pass_obj
def send(choices: GlobalOptions, edition: int | None, dry_run: bool, out: Path, json_: bool) -> None:
    """Hand over what is frozen and pending; safe to repeat."""
    from digest import pipeline

    installation = choices.installation()
    if dry_run:
        count = pipeline.dry_run(installation, out, edition)
        tell(f"dry run: {count} letters in {out}; nothing was handed over, nothing was marked")
        report = pipeline.RunReport()
    else:
        with watching(installation) as watch:
            report = pipeline.send_owed(installation, number=edition, watch=watch)
    account.conclude(installation, report, json_)


@click.command()
@as_json
@click.pass_obj
def run(choices: GlobalOptions, json_: bool) -> None:
    """Gather, prepare, freeze and send whatever is due: the line for cron."""
    from digest import pipeline

    installation = choices.installation()
    with watching(installation) as watch:
        report = pipeline.run(installation, watch=watch)
    account.conclude(installation, report, json_)


def _lint(parcel: Parcel, clients: tuple[str, ...]) -> None:
    """Print a letter's faults, worst first; leave with exit code 1 on an error."""
    from digest.letter.lint import DEFAULT_CLIENTS, ERROR, NOTE, lint

    clients = clients or DEFAULT_CLIENTS
    letter = parcel.letter
    found = lint(letter.html_text(), letter.plain_text(), letter.subject, parcel.message, clients)
    for one in found:
        if one.level != NOTE:
            click.echo(one.line())
    count = Counter(one.level for one in found)
    tell(f"lint: {count[ERROR]} errors, {count['warning']} warnings, {count[NOTE]} notes for {', '.join(clients)}")
    if count[ERROR]:
        raise click.exceptions.Exit(1)


@contextmanager
def watching(installation: Installation | None = None) -> Iterator[Watch]:
    """Yield what shows a run on stderr: lines, and on a terminal a bar for each edition.

    `place`: where a run that ends by an error leaves its receipts all the same.
    """
    import sys

    from digest.pipeline import Watch

    def broken(report: RunReport) -> None:
        if installation is not None:
            account.write_pages(installation, [one.edition for one in report.receipts])

    if not sys.stderr.isatty():
        yield Watch(source=lambda one: tell(gathering_line(one)), broken=broken)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def edition(one: Receipt) -> None:
            bars.add_task(f"{one.cadence} {one.slot}", total=one.pending)

        def sent(count: int) -> None:
            bars.advance(bars.tasks[-1].id, count)

        def source(one: Gathering) -> None:
            bars.console.print(gathering_line(one), markup=False)

        yield Watch(source=source, edition=edition, sent=sent, broken=broken)


COMMANDS = (prepare, preview, approve, hold, send, run, *account.COMMANDS)
