"""Tell on a terminal what a source shows that was only tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from digest.commands.base import tell
from digest.errors import counted

if TYPE_CHECKING:
    from digest.desk.try_source import TriedEntry, TriedSource
    from digest.model import Taxonomy


def tell_tried(tried: TriedSource, taxonomy: Taxonomy) -> None:
    """Tell what a source shows, and how its newest entries would be classified, on stderr."""
    tell(f"{tried.title or '(no title)'}: {counted(tried.count, 'entry', 'entries')}{_dates(tried)}")
    for line in (*tried.notes, *tried.problems):
        tell(f"  {line}")
    if tried.shown:
        tell(f"\nThe newest {counted(len(tried.shown), 'entry', 'entries')}, as they would be classified:")
    for entry in tried.shown:
        for line in _lines(entry, taxonomy):
            tell(line)
    tell(
        "\nAll that it shows at its first gather is its baseline and not mailed; backfill = 5 would send the newest"
        " five. To paste into config.toml, or into a file that it includes:\n"
    )


def document_of(tried: TriedSource) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        "name": tried.name, "title": tried.title, "url": tried.url, "entries": tried.count, "undated": tried.undated,
        "newest": tried.newest.isoformat() if tried.newest else None,
        "oldest": tried.oldest.isoformat() if tried.oldest else None,
        "problems": list(tried.problems), "notes": list(tried.notes), "table": tried.table,
        "shown": [
            {
                "title": entry.sighting.title, "url": entry.sighting.link,
                "published": entry.sighting.published.isoformat() if entry.sighting.published else None,
                "kind": entry.kind, "policy_areas": list(entry.facets.policy_areas),
                "regions": list(entry.facets.regions), "themes": list(entry.facets.themes),
                "evidence": [
                    {"facet": each.facet, "slug": each.slug, "by": each.by, "detail": each.detail}
                    for each in entry.facets.evidence
                ],
                "kept_back": entry.kept_back, "here": entry.here, "page": entry.page,
            }
            for entry in tried.shown
        ],
    }  # fmt: skip


def _dates(tried: TriedSource) -> str:
    dated = f", {tried.oldest:%Y-%m-%d} to {tried.newest:%Y-%m-%d}" if tried.oldest and tried.newest else ""
    return dated + (f", {tried.undated} without a date" if tried.undated else "")


def _lines(entry: TriedEntry, taxonomy: Taxonomy) -> list[str]:
    sighting, facets = entry.sighting, entry.facets
    published = f"{sighting.published:%Y-%m-%d}" if sighting.published else "undated"
    lines = [
        f"\n{sighting.title or '(no title)'}",
        f"  {published}, {entry.kind}, {sighting.link or '(no address)'}",
        f"  policy areas: {_values('policy_area', facets.policy_areas, entry, taxonomy) or 'unclassified'}",
        f"  region: {_values('region', facets.regions, entry, taxonomy)}",
    ]
    if facets.themes:
        lines.append(f"  themes: {_values('theme', facets.themes, entry, taxonomy)}")
    lines += [f"  kept back: {entry.kept_back}"] if entry.kept_back else []
    lines += [f"  here already: {entry.here}"] if entry.here else []
    return lines + ([f"  {entry.page}"] if entry.page else [])


def _values(facet: str, slugs: Sequence[str], entry: TriedEntry, taxonomy: Taxonomy) -> str:
    """Return values with the evidence for each."""
    details = {each.slug: each.detail for each in entry.facets.evidence if each.facet == facet}
    return "; ".join(f"{taxonomy.name(slug)} ({details[slug]})" if slug in details else taxonomy.name(slug)
                     for slug in slugs)  # fmt: skip
