"""gather, entries, entry: what the sources bring and what is known of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from digest.commands.base import GlobalOptions, answer, as_json, table, tell
from digest.errors import WrongUse

if TYPE_CHECKING:
    from digest.store.sources import Gathering


def gathering_line(one: Gathering) -> str:
    """Return one source's result as a line of the story."""
    if one.status == "failed":
        return f"  {one.name}: FAILED: {one.error}"
    if one.status == "not-modified":
        return f"  {one.name}: not modified"
    note = f" ({one.error})" if one.error else ""
    return f"  {one.name}: {one.new} new, {one.changed} changed, {one.same} same, {one.held} held{note}"


@click.command()
@as_json
@click.option("--source", metavar="NAME", help="Only this source.")
@click.pass_obj
def gather(choices: GlobalOptions, json_: bool, source: str | None) -> None:
    """Fetch what is due; say per source what is new, changed, same, held or failed, and why."""
    from dataclasses import asdict

    from digest import pipeline

    installation = choices.installation()
    names = [s.name for s in installation.settings.sources]
    if source is not None and source not in names:
        raise WrongUse(f"source {source!r} is not in config.toml; known: {', '.join(names) or 'none'}")
    watch = pipeline.Watch(source=lambda one: tell(gathering_line(one)))
    done = pipeline.gather(installation, only=source, force=True, watch=watch)
    if json_:
        answer({"sources": [asdict(one) for one in done]})
    else:
        rows = [(g.name, g.status, g.new, g.changed, g.same, g.held) for g in done]
        click.echo(table(("source", "status", "new", "changed", "same", "held"), rows))


@click.command()
@as_json
@click.option("--since", metavar="DATE", help="First seen since: a date, or a span like 7d.")
@click.option("--state", type=click.Choice(["baseline", "held", "ready", "dropped"]), help="Only in this state.")
@click.option("--source", metavar="NAME", help="Only of this source.")
@click.option("--unclassified", is_flag=True, help="Only those without a policy area.")
@click.option("--limit", type=click.IntRange(1), help="At most so many, newest first.")
@click.pass_obj
def entries(
    choices: GlobalOptions,
    json_: bool,
    since: str | None,
    state: str | None,
    source: str | None,
    unclassified: bool,
    limit: int | None,
) -> None:
    """List what has been gathered, newest first, with its facets."""
    from digest.store import entries as store
    from digest.store.engine import reading

    start = _since(since, choices.at()) if since else None
    installation = choices.installation()
    with reading(installation.engine) as conn:
        found = list(
            store.listing(conn, since=start, state=state, source=source, unclassified=unclassified, limit=limit)
        )
    if json_:
        answer([store.to_json(one) for one in found])
        return
    rows = [
        (
            one.id,
            one.state,
            one.kind,
            one.title if len(one.title) <= 60 else one.title[:59] + "…",
            ";".join(one.facets.policy_areas) or "unclassified",
            ";".join(one.facets.regions),
        )
        for one in found
    ]
    click.echo(table(("id", "state", "kind", "title", "policy areas", "regions"), rows))


@click.command()
@click.argument("id_or_url")
@as_json
@click.pass_obj
def entry(choices: GlobalOptions, id_or_url: str, json_: bool) -> None:
    """Show one entry with its facets and the evidence for each."""
    from digest.desk.explain import find_entry
    from digest.store import entries as store
    from digest.store.engine import reading

    installation = choices.installation()
    with reading(installation.engine) as conn:
        one = find_entry(conn, id_or_url)
    if json_:
        answer(store.to_json(one))
        return
    click.echo(f"{one.title}\n{one.url or '(no address)'}\n")
    click.echo(f"id {one.id}, {one.kind}, {one.state}; from {one.source}")
    when = f"{one.published:%Y-%m-%d}" if one.published else "undated"
    where = f"; {one.facets.place}" if one.facets.place else ""
    click.echo(f"published {when}, first seen {one.first_seen:%Y-%m-%d}{where}")
    if one.summary:
        click.echo(f"\n{one.summary}")
    evidence = [(e.facet, e.slug, e.by, e.detail) for e in one.facets.evidence]
    click.echo("\n" + table(("facet", "value", "by", "evidence"), evidence))


def _since(text: str, now: datetime) -> datetime:
    span = re.fullmatch(r"([0-9]{1,9})d", text)
    try:
        day = now - timedelta(days=int(span[1])) if span else datetime.fromisoformat(text)
        return (day if day.tzinfo else day.replace(tzinfo=now.tzinfo)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WrongUse(f"--since {text!r} is not a date, or too far away; write 2027-10-29 or 7d") from None


COMMANDS = (gather, entries, entry)
