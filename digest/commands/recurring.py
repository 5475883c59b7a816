"""Define the command recurring, by which an editor sees what case studies have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, answer, as_json, tell
from digest.errors import counted

if TYPE_CHECKING:
    from digest.learning.recurring import Recurring, Telling
    from digest.model import Taxonomy


@click.command()
@as_json
@click.pass_obj
def recurring(options: GlobalOptions, json_: bool) -> None:
    """List the barriers and themes that three or more case studies of the last year share, with their sentences."""
    from digest.desk.recurring import keeps_coming_up

    installation = options.installation()
    shared, taxonomy = keeps_coming_up(installation), installation.settings.taxonomy
    if json_:
        answer([_document(each, taxonomy) for each in shared])
    elif shared:
        click.echo("\n\n".join(_as_text(each, taxonomy) for each in shared))
    else:
        tell("no barrier and no theme is shared by three case studies of the last year")


def _document(shared: Recurring, taxonomy: Taxonomy) -> dict[str, Any]:
    return {
        "facet": shared.facet,
        "slug": shared.slug,
        "name": taxonomy.name(shared.slug),
        "count": len(shared.told),
        "case_studies": [
            {
                "entry": each.entry.id, "title": each.entry.title, "url": each.entry.url, "source": each.entry.source,
                "place": each.entry.facets.place, "regions": list(each.entry.facets.regions),
                "published": each.entry.published.isoformat() if each.entry.published else None,
                "lines": [{"name": line.name, "text": line.text, "by": line.by} for line in each.lines],
            }
            for each in shared.told
        ],
    }  # fmt: skip


def _as_text(shared: Recurring, taxonomy: Taxonomy) -> str:
    """Return a heading, and below it each case study with its place, its lines and its address."""
    count = counted(len(shared.told), "case study", "case studies")
    return "\n".join(
        [
            f"{taxonomy.name(shared.slug)} ({shared.facet}): {count}",
            *(_telling(each, taxonomy) for each in shared.told),
        ]
    )


def _telling(telling: Telling, taxonomy: Taxonomy) -> str:
    from digest.model import UNKNOWN

    entry = telling.entry
    regions = [taxonomy.name(region) for region in entry.facets.regions if region != UNKNOWN]
    where = ", ".join(dict.fromkeys(filter(None, (entry.facets.place, *regions))))
    lines = [f"    {line.text}" + f" – {line.by}" * bool(line.by) for line in telling.lines]
    return "\n".join(
        [f"  {entry.id}  {entry.title} ({where or entry.source})", *lines, f"    {entry.url or '(no address)'}"]
    )


COMMANDS = (recurring,)
