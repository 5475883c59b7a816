"""Run the demo and print its story: the entries, their facets, the receipts, some readers, the letters' folder."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from digest import pipeline
from digest.commands.account import receipts_table, write_pages
from digest.commands.base import GlobalOptions, table, tell
from digest.commands.csv_files import import_people
from digest.editions import draft
from digest.editions.classified import with_facets
from digest.errors import WrongUse, counted
from digest.installation import Installation
from digest.model import Entry
from digest.store import deliveries, entries
from digest.store.engine import reading, writing
from subscribers import store as people
from subscribers.characters import cut_anywhere

if TYPE_CHECKING:
    from digest.operations.run_report import RunReport, Watch

_SHOWN = 8


def tell_story(options: GlobalOptions, watch: Watch) -> None:
    """Import the fictional subscribers, run the pipeline, and print the result on stdout.

    A second call sends nothing new, because the entries have been sent by then.
    """
    installation = options.installation()
    with (installation.settings.home / "examples" / "subscribers.csv").open("rb") as stream:
        report = import_people(installation, stream)
    tell(f"subscribers: {report.added} added, {report.changed} changed, {report.unchanged} unchanged")
    _ask_first_editions(installation)
    run = pipeline.run(installation, watch=watch)
    with reading(installation.engine) as conn:
        gathered = [with_facets(conn, installation, entry) for entry in entries.listing(conn)]
    click.echo(
        f"\nGathered: {counted(len(gathered), 'entry', 'entries')} from"
        f" {counted(len(installation.settings.sources), 'source')}"
    )
    click.echo(table(("source", "posts", "case studies", "held"), _by_source(installation, gathered)))
    click.echo("\nClassified, for example")
    rows = [_classified(entry) for entry in gathered[:_SHOWN]]
    click.echo(table(("title", "policy areas", "regions", "because"), rows))
    unclassified = sum(not entry.facets.policy_areas for entry in gathered)
    click.echo(f"{unclassified} unclassified: an editor sees them with `digest entries --unclassified`")
    if run.receipts:
        click.echo("\nSent: every eligible reader is accounted for")
        click.echo(receipts_table(run.receipts))
        write_pages(installation, [receipt.edition for receipt in run.receipts])
        click.echo("\nWho gets what, for example")
        click.echo(
            table(("reader", "cadence", "follows", "entries", "from elsewhere", "more"), _readers(installation, run))
        )
    else:
        click.echo("\nSent: nothing new, everything that was due has been sent")
    index = installation.settings.transport.directory / "index.html"
    click.echo(f"\nThe letters: open {index}" if index.exists() else "\nNo letters yet")


def _ask_first_editions(installation: Installation) -> None:
    """Draft the first edition of each cadence, because a new installation's letters wait for their next hour."""
    now = installation.clock()
    with writing(installation.engine, "draft") as conn:
        for cadence in installation.settings.cadences:
            with suppress(WrongUse):  # because it has had its first edition, or nobody follows it
                draft.draft(conn, installation.settings, cadence, now, first=True)


def _by_source(installation: Installation, gathered: list[Entry]) -> list[tuple[str, int, int, int]]:
    """Count the posts, the case studies and the held entries of each source."""
    kinds = Counter((entry.source, entry.kind) for entry in gathered)
    held = Counter(entry.source for entry in gathered if entry.state == "held")
    return [
        (source.name, kinds[source.name, "post"], kinds[source.name, "case-study"], held[source.name])
        for source in installation.settings.sources
    ]


def _classified(entry: Entry) -> tuple[str, str, str, str]:
    """Return an entry's title, policy areas, regions and first evidence, short enough for a table."""
    evidence = entry.facets.evidence[0].detail if entry.facets.evidence else ""
    return (
        _short(entry.title, 48),
        _short(", ".join(entry.facets.policy_areas), 44) or "unclassified",
        _short(", ".join(entry.facets.regions), 30),
        _short(evidence, 34),
    )


def _readers(installation: Installation, run: RunReport) -> list[tuple[str, str, str, int, int, int]]:
    """Return some readers of each edition that the run sent: their interests, and how many entries they got."""
    rows = []
    with reading(installation.engine) as conn:
        for receipt in run.receipts:
            sample = deliveries.in_state(conn, "accepted", receipt.edition)[:3]
            digests = deliveries.digests(conn, [delivery.digest for delivery in sample if delivery.digest])
            persons = people.many(conn, [delivery.subscriber for delivery in sample])
            for delivery in sample:
                digest, person = digests[delivery.digest or 0], persons[delivery.subscriber]
                areas = ", ".join(sorted(person.interests.policy_areas)) or "everything"
                regions = ", ".join(sorted(person.interests.regions)) or "everywhere"
                elsewhere = sum(
                    len(group.placed)
                    for section in digest.sections
                    if section.key == "elsewhere"
                    for group in section.groups
                )
                rows.append(
                    (person.name, person.cadence, _short(f"{areas} in {regions}", 60), len(digest.placed), elsewhere,
                     digest.more)
                )  # fmt: skip
    return rows


def _short(text: str, width: int) -> str:
    return cut_anywhere(text, width)
