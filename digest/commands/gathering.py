"""Define the commands gather, entries and entry: read the sources, and show what they brought."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from digest.commands.account import tell_failing
from digest.commands.base import (
    GlobalOptions,
    answer,
    as_json,
    as_verbose,
    begin_story,
    bundled,
    story,
    table,
    told_once_a_day,
)
from digest.commands.progress import watching
from digest.errors import WrongUse, counted
from subscribers.characters import cut_anywhere

if TYPE_CHECKING:
    from digest.model import Entry, Taxonomy
    from digest.store.corrections import GivenCorrection


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Hold the options of `entries` that say which entries are listed; None leaves a rule out."""

    since: str | None
    state: str | None
    source: str | None
    unclassified: bool
    region: str | None
    limit: int | None


@click.command()
@as_json
@click.option("--source", metavar="NAME", help="Read only this source.")
@as_verbose
@click.pass_obj
def gather(options: GlobalOptions, json_: bool, source: str | None, verbose: bool) -> None:
    """Read the sources; show for each how many entries are new, changed, same or held, or why it failed.

    Silent unless a source fails for the first time today or a file is newly to be corrected, on a terminal, or with
    -v. When most sources fail, leaves with exit code 75 (all were read within a day) or 4.
    """
    from dataclasses import asdict

    from digest import pipeline
    from digest.operations.failing_sources import failing_sources

    begin_story(options, verbose=verbose)
    installation = options.installation()
    if source is not None:
        installation.settings.check_source(source)
    with told_once_a_day(installation), watching() as watch:
        gatherings = pipeline.gather(installation, only=source, force=True, watch=watch)
    if json_:
        answer({"sources": [asdict(gathering) for gathering in gatherings]})
    elif not story.quiet:
        rows = [(g.name, g.status, g.new, g.changed, g.same, g.held) for g in gatherings]
        click.echo(table(("source", "status", "new", "changed", "same", "held"), rows))
    failing = failing_sources(installation, gatherings, [gathering.name for gathering in gatherings])
    tell_failing(failing)
    if failing.exit_code:
        raise click.exceptions.Exit(failing.exit_code)


@click.command()
@as_json
@bundled(
    "wanted",
    EntryFilter,
    click.option("--since", metavar="DATE", help="Only entries first seen since then: a date, or a span like 7d."),
    click.option(
        "--state",
        type=click.Choice(["baseline", "held", "withheld", "ready", "dropped", "duplicate"]),
        help="Only entries in this state.",
    ),
    click.option("--source", metavar="NAME", help="Only entries of this source."),
    click.option("--unclassified", is_flag=True, help="Only entries without a policy area."),
    click.option("--region", metavar="SLUG", help="Only entries of this region; unknown: those that name no place."),
    click.option("--limit", type=click.IntRange(1), help="At most this many entries."),
)
@click.pass_obj
def entries(options: GlobalOptions, json_: bool, wanted: EntryFilter) -> None:
    """List the gathered entries, newest first, with their facets."""
    from digest.editions.classified import with_facets
    from digest.store import entries as entry_store
    from digest.store.engine import reading

    start = _since(wanted.since, options.at()) if wanted.since else None
    installation = options.installation()
    region = _region(wanted.region, installation.settings.taxonomy) if wanted.region else None
    with reading(installation.engine) as conn:
        stored = entry_store.listing(conn, since=start, state=wanted.state, source=wanted.source)
        every = (with_facets(conn, installation, entry) for entry in stored)
        fitting = (
            entry
            for entry in every
            if not (wanted.unclassified and entry.facets.policy_areas)
            and (region is None or region in entry.facets.regions)
        )
        listed = list(islice(fitting, wanted.limit))
    if json_:
        answer([entry_store.to_json(entry) | _standing(entry) for entry in listed])
        return
    reasons = any(entry.held_why for entry in listed)
    rows = [
        (
            entry.id,
            entry.state,
            entry.kind,
            cut_anywhere(entry.title, 60),
            ";".join(entry.facets.policy_areas) or "unclassified",
            ";".join(entry.facets.regions),
            *([entry.source, entry.held_why] if reasons else []),
        )
        for entry in listed
    ]
    columns = ("id", "state", "kind", "title", "policy areas", "regions", *(["source", "why"] if reasons else []))
    click.echo(table(columns, rows))


@click.command()
@click.argument("id_or_url")
@as_json
@click.pass_obj
def entry(options: GlobalOptions, id_or_url: str, json_: bool) -> None:
    """Show an entry with its facets and the evidence for each, and its corrections."""
    from digest.desk.explain import find_entry
    from digest.editions.classified import with_facets
    from digest.store import corrections, duplicates, entry_texts
    from digest.store import entries as entry_store
    from digest.store.engine import reading

    installation = options.installation()
    with reading(installation.engine) as conn:
        shown = with_facets(conn, installation, find_entry(conn, id_or_url))
        whole = entry_texts.outcome(conn, shown.id)
        also_at = duplicates.other_sources(conn, [shown.id]).get(shown.id, ())
        given = corrections.given_of(conn, shown.id)
    if json_:
        links = [link._asdict() for link in also_at]
        answer(entry_store.to_json(shown) | _standing(shown) | {"also_at": links, "corrections": _as_json(given)})
        return
    click.echo(f"{shown.title}\n{shown.url or '(no address)'}\n")
    why = f" ({shown.held_why})" if shown.held_why else ""
    click.echo(f"id {shown.id}, {shown.kind}, {shown.state}{why}; from {shown.source}")
    for link in also_at:
        click.echo(f"also at {link.name}: {link.url or '(no address)'}")
    for correction in given:
        click.echo(_told_of(correction))
    published = f"{shown.published:%Y-%m-%d}" if shown.published else "undated"
    place_name = f"; {shown.facets.place}" if shown.facets.place else ""
    click.echo(f"published {published}, first seen {shown.first_seen:%Y-%m-%d}{place_name}")
    if whole:
        click.echo(whole)
    if shown.summary:
        click.echo(f"\n{shown.summary}")
    evidence = [(e.facet, e.slug, e.by, e.detail) for e in shown.facets.evidence]
    click.echo("\n" + table(("facet", "value", "by", "evidence"), evidence))


def _as_json(given: Sequence[GivenCorrection]) -> list[dict[str, Any]]:
    """Return corrections as `--json` prints them."""
    return [correction._asdict() | {"decided_at": correction.decided_at.isoformat()} for correction in given]


def _told_of(correction: GivenCorrection) -> str:
    """Return a line on a correction: who gave it and when, and how many readers are told."""
    verb = "withdrawn" if correction.withdrawn else "corrected"
    told = f"in {counted(correction.told, 'letter')}, {counted(correction.untold, 'reader')} still to be told"
    taken_back = "; taken back since" if correction.cancelled else ""
    by = f"by {correction.decided_by} on {correction.decided_at:%Y-%m-%d}"
    return f"{verb} {by}: “{correction.text}” ({told}{taken_back})"


def _region(text: str, taxonomy: Taxonomy) -> str:
    """Return the slug of a region given by slug or name, or UNKNOWN. Raises WrongUse for any other text."""
    from digest.facets.known import slugs_of
    from digest.model import UNKNOWN

    return UNKNOWN if text == UNKNOWN else slugs_of(taxonomy, "regions", (text,))[0]


def _standing(entry: Entry) -> dict[str, Any]:
    """Return the JSON keys that say why an entry is not ready."""
    return {"held_why": entry.held_why, "duplicate_of": entry.duplicate_of}


def _since(text: str, now: datetime) -> datetime:
    """Return the instant (UTC) of a date or of a span in days before `now`. Raises WrongUse for any other text."""
    span = re.fullmatch(r"([0-9]{1,9})d", text)
    try:
        day = now - timedelta(days=int(span[1])) if span else datetime.fromisoformat(text)
        return (day if day.tzinfo else day.replace(tzinfo=now.tzinfo)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongUse(f"--since {text!r} is not a date, or too far away; write 2027-10-29 or 7d") from None


COMMANDS = (gather, entries, entry)
