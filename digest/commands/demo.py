"""The story the demo tells: what was gathered, classified how, who gets what, and where the letters are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from digest import pipeline
from digest.commands.account import receipts_table, write_pages
from digest.commands.base import GlobalOptions, table, tell
from digest.commands.people import import_people
from digest.installation import Installation
from digest.model import Entry
from digest.store import deliveries, entries
from digest.store.engine import reading
from subscribers import store as people

if TYPE_CHECKING:
    from digest.pipeline import RunReport, Watch

_SHOWN = 8


def tell_story(choices: GlobalOptions, watch: Watch) -> None:
    """Import the fictional readers, run, and show on stdout what came of it. Run again, it sends nothing new."""
    installation = choices.installation()
    with (installation.settings.home / "examples" / "subscribers.csv").open("rb") as stream:
        report = import_people(installation, stream)
    tell(f"subscribers: {report.added} added, {report.changed} changed, {report.unchanged} unchanged")
    done = pipeline.run(installation, watch=watch)
    with reading(installation.engine) as conn:
        known = list(entries.listing(conn))
    click.echo(f"\nGathered: {len(known)} entries from {len(installation.settings.sources)} sources")
    click.echo(table(("source", "posts", "case studies", "held"), _by_source(installation, known)))
    click.echo("\nClassified, for example")
    click.echo(table(("title", "policy areas", "regions", "because"), [_classified(one) for one in known[:_SHOWN]]))
    unclassified = sum(not one.facets.policy_areas for one in known)
    click.echo(f"{unclassified} unclassified: an editor sees them with `digest entries --unclassified`")
    if done.receipts:
        click.echo("\nSent: every eligible reader is accounted for")
        click.echo(receipts_table(done.receipts))
        write_pages(installation, [one.edition for one in done.receipts])
        click.echo("\nWho gets what, for example")
        click.echo(
            table(("reader", "cadence", "follows", "entries", "from elsewhere", "more"), _readers(installation, done))
        )
    else:
        click.echo("\nSent: nothing new, everything that was due has been sent")
    index = installation.settings.transport.directory / "index.html"
    click.echo(f"\nThe letters: open {index}" if index.exists() else "\nNo letters yet")


def _by_source(installation: Installation, known: list[Entry]) -> list[tuple[str, int, int, int]]:
    kinds = Counter((one.source, one.kind) for one in known)
    held = Counter(one.source for one in known if one.state == "held")
    return [
        (s.name, kinds[s.name, "post"], kinds[s.name, "case-study"], held[s.name])
        for s in installation.settings.sources
    ]


def _classified(one: Entry) -> tuple[str, str, str, str]:
    because = one.facets.evidence[0].detail if one.facets.evidence else ""
    return (
        _short(one.title, 48),
        _short(", ".join(one.facets.policy_areas), 44) or "unclassified",
        _short(", ".join(one.facets.regions), 30),
        _short(because, 34),
    )


def _readers(installation: Installation, done: RunReport) -> list[tuple[str, str, str, int, int, int]]:
    """Return some readers of each edition just sent: who follows what, and how many entries they got."""
    rows = []
    with reading(installation.engine) as conn:
        for receipt in done.receipts:
            some = deliveries.in_state(conn, "accepted", receipt.edition)[:3]
            plans = deliveries.digests(conn, [one.digest for one in some if one.digest])
            persons = people.many(conn, [one.subscriber for one in some])
            for one in some:
                plan, person = plans[one.digest or 0], persons[one.subscriber]
                areas = ", ".join(sorted(person.interests.policy_areas)) or "everything"
                regions = ", ".join(sorted(person.interests.regions)) or "everywhere"
                elsewhere = sum(len(g.placed) for s in plan.sections if s.key == "elsewhere" for g in s.groups)
                rows.append(
                    (person.name, person.cadence, _short(f"{areas} in {regions}", 60), len(plan.placed), elsewhere,
                     plan.more)
                )  # fmt: skip
    return rows


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
