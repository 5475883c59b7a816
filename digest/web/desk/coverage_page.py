"""Show what an edition has for its readers: policy areas × regions, who gets nothing, and the readers of a cell."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from digest.desk.cell import readers_of_cell
from digest.desk.counts import EditionCounts
from digest.desk.counts_cache import CountsAnswer
from digest.desk.coverage import Coverage, CoverageCell, cover
from digest.desk.coverage_words import (
    cell_in_words,
    changes_in_words,
    entries_in_words,
    gets_in_words,
    histogram_in_words,
    interests_in_words,
    missed_in_words,
    name_of_cell,
    readers_in_words,
    silent_in_words,
    summary_in_words,
)
from digest.desk.pool import edition_to_work_on
from digest.store.engine import reading
from digest.web.desk.drawing import bars
from digest.web.desk.edition_page import counts_cache
from digest.web.desk.page import VIEWER, Asker, Desk, DeskAnswer, DeskPage, NoPage, Parameters, cadence_in

_SHADES = 5  # of the heat map, beside none
_MOST_SENTENCES = 12  # that are not folded away
_MOST_SILENT = 10


def _coverage(desk: Desk, _asker: Asker, query: Parameters) -> DeskAnswer:
    cadence = cadence_in(desk, query)
    with reading(desk.installation.engine) as conn:
        edition = edition_to_work_on(conn, desk.installation, cadence)
        answer = counts_cache(desk).answer(conn, edition)
    title = f"Who gets what: {cadence} edition of {edition.slot}"
    values = {"title": title, "cadence": cadence, "wide": True, **_counting(answer)}
    if answer.counts is None:
        return DeskAnswer("coverage.html.j2", values | {"view": None})
    return DeskAnswer("coverage.html.j2", values | _values(_view(desk, cadence, answer.counts)))


def _view(desk: Desk, cadence: str, counts: EditionCounts) -> Coverage:
    """Return the coverage by these counts, made once for all pages that show them."""
    kept: dict[str, Coverage] = desk.kept.setdefault("coverage", {})
    view = kept.get(cadence)
    if view is None or view.counts is not counts:
        view = kept[cadence] = cover(desk.installation.settings, counts)
    return view


def _counting(answer: CountsAnswer) -> dict[str, Any]:
    """Return the values that say of when the counts are, and whether newer ones are made."""
    return {"counts": answer.counts, "under_way": answer.under_way}


def _values(view: Coverage) -> dict[str, Any]:
    counts, taxonomy = view.counts, view.taxonomy
    letters = [(entries_in_words(size), count) for size, count in counts.letters.items()]
    told = histogram_in_words(counts.letters)
    busy = [cell for cell in view.cells if cell.readers]
    return {
        "view": view,
        "name": taxonomy.name,
        "summary": summary_in_words(view),
        "changes": changes_in_words(view),
        "uncovered": [cell_in_words(taxonomy, cell) for cell in view.uncovered],
        "sentences": [cell_in_words(taxonomy, cell) for cell in busy],
        "most_sentences": _MOST_SENTENCES,
        "cell_name": lambda cell: name_of_cell(taxonomy, cell.area, cell.region),
        "shade": _shade(max((cell.readers for cell in busy), default=0)),
        "address": address_of_cell,
        "histogram": bars("Letters by their number of entries", told, letters),
        "histogram_words": told,
        "silent": [(each, silent_in_words(taxonomy, each)) for each in counts.silent.first[:_MOST_SILENT]],
        "follows": lambda interests: interests_in_words(taxonomy, interests),
        "readers_words": readers_in_words,
    }


def _shade(most: int) -> Any:
    """Return the function that gives a number of readers its shade, 0 to _SHADES.

    Each shade stands for some times as many readers as the last one, because a few cells have most of the readers.
    """

    def shade(readers: int) -> int:
        if not readers:
            return 0
        steps = most.bit_length() or 1
        return max(1, min(_SHADES, 1 + readers.bit_length() * _SHADES // (steps + 1)))

    return shade


def address_of_cell(cadence: str, area: str, region: str, after: int = 0) -> str:
    """Return the address of the page with a cell's readers, from the root of the desk."""
    pairs = {"area": area, "region": region} | ({"after": after} if after else {})
    return f"/desk/{cadence}/coverage/cell?{urlencode(pairs)}"


def _cell(desk: Desk, _asker: Asker, query: Parameters) -> DeskAnswer:
    cadence, installation = cadence_in(desk, query), desk.installation
    taxonomy = installation.settings.taxonomy
    chosen, after = (query.text("area"), query.text("region")), query.number("after") or 0
    with reading(installation.engine) as conn:
        edition = edition_to_work_on(conn, installation, cadence)
        answer = counts_cache(desk).answer(conn, edition)
        if answer.counts is None:
            return DeskAnswer(location=f"/desk/{cadence}/coverage")
        view = _view(desk, cadence, answer.counts)
        cell = view.cell(*chosen)
        if cell is None:
            raise NoPage("There is no such policy area or region in config.toml.")
        page = readers_of_cell(conn, installation, answer.counts, chosen, after)
    values = {
        "title": name_of_cell(taxonomy, *chosen),
        "cadence": cadence,
        "edition": edition,
        "cell": cell,
        "words": cell_in_words(taxonomy, cell),
        "through_all": view.through_all(cell),
        "entries": _entries(view, cell),
        "page": page,
        "first": not after,
        "next": address_of_cell(cadence, *chosen, page.after) if page.after else "",
        "start": address_of_cell(cadence, *chosen),
        "follows": lambda interests: interests_in_words(taxonomy, interests),
        "gets": gets_in_words,
        "missed": lambda missed: missed_in_words(taxonomy, missed),
        **_counting(answer),
    }
    return DeskAnswer("cell.html.j2", values)


def _entries(view: Coverage, cell: CoverageCell) -> list[tuple[int, str, str]]:
    """Return (id, title, regions in words) of the entries of a cell."""
    wanted = set(cell.entries)
    rows = [row.entry for row in view.counts.shown if row.release and row.entry.id in wanted]
    names = view.taxonomy.name
    return [(entry.id, entry.title, ", ".join(names(slug) for slug in entry.facets.regions)) for entry in rows]


PAGES = (
    DeskPage("/desk/{cadence}/coverage", VIEWER, get=_coverage),
    DeskPage("/desk/{cadence}/coverage/cell", VIEWER, get=_cell),
)
