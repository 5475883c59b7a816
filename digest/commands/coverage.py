"""Define the command coverage: what the next edition of a cadence has for the readers who follow something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from digest.commands.base import GlobalOptions, Id, answer, as_json, table
from digest.errors import WrongUse, counted
from digest.model import CADENCES
from subscribers.characters import whole_characters

if TYPE_CHECKING:
    from digest.desk.cell import CellReaders, ReaderInCell
    from digest.desk.coverage import Coverage, CoverageCell
    from digest.model import Taxonomy

ALL = "all"


@click.command()
@click.argument("cadence", type=click.Choice(CADENCES))
@click.option(
    "--cell", metavar="AREA,REGION",
    help=f"List the readers who chose this policy area and region; “{ALL}” for either: who chose none.",
)  # fmt: skip
@click.option("--after", type=Id(), default=0, metavar="ID", help="With --cell: the readers after this one.")
@as_json
@click.pass_obj
def coverage(options: GlobalOptions, cadence: str, cell: str | None, after: int, json_: bool) -> None:
    """Show how many follow each policy area and region, and what the next edition has for them.

    Readers are counted by what they chose; who chose no policy area, or no region, follows them all.
    """
    from digest.desk import coverage as desk
    from digest.desk.cell import readers_of_cell
    from digest.desk.coverage_words import cell_in_words
    from digest.store.engine import reading

    installation = options.installation()
    taxonomy = installation.settings.taxonomy
    chosen = _chosen(taxonomy, cell) if cell is not None else None
    view = desk.coverage_of(installation, cadence)
    if chosen is None:
        _print_coverage(view, json_)
        return
    with reading(installation.engine) as conn:
        readers = readers_of_cell(conn, installation, view.counts, chosen, after)
    opened = view.cell(*chosen)
    assert opened is not None  # because the slugs were looked up in the taxonomy
    if json_:
        answer(_cell_document(opened) | {"after": readers.after, "followers": _reader_documents(readers)})
        return
    click.echo(cell_in_words(taxonomy, opened))
    if readers.readers:
        head = ("id", "address", "follows", "last letter", "gets", "missed, and what would bring it")
        click.echo(table(head, [_reader_row(taxonomy, reader) for reader in readers.readers]))
    if readers.after:
        click.echo(f"more: --after {readers.after}")


def _chosen(taxonomy: Taxonomy, text: str) -> tuple[str, str]:
    """Return the slugs of a cell as it is typed. Raises WrongUse."""
    from digest.facets.known import slugs_of

    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(parts):
        raise WrongUse(f"--cell {text!r}: write a policy area and a region, as in --cell housing,wales")
    slugs = [
        "" if part.lower() == ALL else slugs_of(taxonomy, facet, [part])[0]
        for facet, part in zip(("policy_areas", "regions"), parts, strict=True)
    ]
    return slugs[0], slugs[1]


def _print_coverage(view: Coverage, json_: bool) -> None:
    from digest.desk.coverage_words import changes_in_words, histogram_in_words, summary_in_words

    if json_:
        answer(_document(view))
        return
    edition, taxonomy = view.counts.edition, view.taxonomy
    click.echo(f"{edition.cadence} {edition.slot}: " + " ".join(summary_in_words(view)))
    rows = [
        (
            taxonomy.name(cell.area) if cell.area else "(every policy area)",
            taxonomy.name(cell.region) if cell.region else "(every region)",
            cell.readers, len(cell.entries), "no entry" if cell.is_uncovered else "",
        )
        for cell in view.cells
        if cell.readers or cell.entries
    ]  # fmt: skip
    if rows:
        click.echo(table(("policy area", "region", "readers", "entries", ""), rows))
    for line in changes_in_words(view):
        click.echo(line)
    for row in view.counts.no_letter:
        click.echo(f"no letter for {counted(row.readers, 'reader')}: {row.why}")
    for entry in view.nobody:
        click.echo(f"entry {entry.entry} reaches nobody: {entry.why} ({whole_characters(entry.title, 80)})")
    click.echo(histogram_in_words(view.counts.letters))
    if view.counts.silent.readers:
        silent = counted(view.counts.silent.readers, "reader has", "readers have")
        click.echo(f"{silent} had nothing for four weeks; see `digest status --silent`")


def _document(view: Coverage) -> dict[str, Any]:
    counts = view.counts
    return {
        "edition": counts.edition.id or None,
        "cadence": counts.edition.cadence,
        "slot": counts.edition.slot,
        "at": counts.at.isoformat(),
        "readers": counts.readers,
        "no_letter": [row._asdict() for row in counts.no_letter],
        "entries": [{"entry": entry, **reach._asdict()} for entry, reach in counts.reach.items()],
        "nobody": [row._asdict() for row in view.nobody],
        "digests": len(counts.digests),
        "biggest": [each._asdict() for each in view.biggest],
        "letters": {str(size): readers for size, readers in counts.letters.items()},
        "offered_again": counts.offered_again,
        "silent": counts.silent.readers,
        "cells": [_cell_document(cell) for cell in view.cells if cell.readers or cell.unmailed or cell.entries],
    }


def _cell_document(cell: CoverageCell) -> dict[str, Any]:
    return {
        "policy_area": cell.area or None,
        "region": cell.region or None,
        "readers": cell.readers,
        "unmailed": cell.unmailed,
        "entries": list(cell.entries),
        "before": cell.before,
    }


def _reader_documents(page: CellReaders) -> list[dict[str, Any]]:
    return [
        {
            "subscriber": reader.subscriber,
            "address": reader.address,
            "policy_areas": sorted(reader.interests.policy_areas),
            "regions": sorted(reader.interests.regions),
            "themes": sorted(reader.interests.themes),
            "elsewhere": reader.interests.elsewhere,
            "last_letter": reader.last_letter or None,
            "entries": reader.entries,
            "over_cap": reader.over_cap,
            "why": reader.why,
            "missed": [
                {"entry": missed.entry.id, "facet": missed.facet, "slug": missed.slug} for missed in reader.missed
            ],
        }
        for reader in page.readers
    ]


def _reader_row(taxonomy: Taxonomy, reader: ReaderInCell) -> tuple[object, ...]:
    from digest.desk.coverage_words import gets_in_words, interests_in_words, missed_in_words

    missed = "; ".join(f"{each.entry.id}: {missed_in_words(taxonomy, each)}" for each in reader.missed)
    follows = interests_in_words(taxonomy, reader.interests)
    last, gets = reader.last_letter or "never", gets_in_words(reader)
    return reader.subscriber, reader.address, follows, last, gets, missed or "-"


COMMANDS = (coverage,)
