"""Score the rules of classify against labelled pages, by their titles alone. Pure: rows in, a report out.

A row is one JSON object of a labels file: `title`, `url`, `source`, `policy_areas` (slugs), `region` (a region's
name or slug, "national", "outside UK", or "multiple" with `regions`), `places`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from digest.classify import Classifier
from digest.facets.known import KNOWN_REGIONS
from digest.facets.words import keys
from digest.model import NATIONAL, Facets, Sighting, Source

Row = Mapping[str, Any]


def no_source(row: Row) -> Source:
    """Return a source without default facets, with the name of the row's publisher."""
    return Source(name=str(row.get("source") or "unknown"))


def expected_regions(row: Row) -> frozenset[str] | None:
    """Return the region slugs that a row expects, or None when it has no usable label.

    "outside UK" expects national, and so does "multiple" without a list, because it names no region.
    """
    label = str(row.get("region") or "")
    if label == "multiple":
        listed, _ = KNOWN_REGIONS.read("regions", map(str, row.get("regions") or ()))
        return frozenset(listed) or frozenset({NATIONAL})
    if label.casefold() == "outside uk":
        return frozenset({NATIONAL})
    slug = KNOWN_REGIONS.slug("regions", label)
    return frozenset({slug}) if slug else None


def place_in_title(row: Row, *, url: bool = False) -> bool:
    """Return whether a labelled place of the row stands in its title (or, with `url`, in its address)."""
    text = f"{row.get('title', '')} {row.get('url', '') if url else ''}"
    within = " ".join(keys(text.replace("/", " ").replace(".", " ")))
    return any(" ".join(keys(str(place))) in within for place in row.get("places") or ())


def score(
    rows: Iterable[Row],
    classifier: Classifier,
    source_for: Callable[[Row], Source] = no_source,
    *,
    links: bool = False,
) -> dict[str, Any]:
    """Classify every row by its title (with `links`, by its link too), and compare with its labels.

    Return {"policy_area": figures, "region": figures, "wrong": rows}. The figures are `precision`, `recall` and `f1`
    (0-1, micro: over all pairs of row and value, of all rows); `abstained`, the rows that got no policy area, or got
    national because no place was named; `accuracy`, the rows exactly right of the `decided` ones, which are the
    others; and `accuracy_all`, the rows exactly right of all labelled `rows`, where national by default counts. For
    regions also `accuracy_answerable`, over the `answerable` rows, whose labelled place stands in the title (with
    `links`, or in the link). A region is right when the sets are equal.
    """
    areas, regions = _Count(), _Count()
    answerable = _Count()
    wrong = []
    for row in rows:
        link = str(row["url"]) if links and row.get("url") else None
        got = classifier.classify(Sighting(guid=None, link=link, title=str(row.get("title", ""))), source_for(row))
        want_areas = frozenset(row.get("policy_areas") or ())
        want_regions = expected_regions(row)
        areas.add(want_areas, frozenset(got.policy_areas), abstained=not got.policy_areas)
        if want_regions is not None:
            regions.add(want_regions, frozenset(got.regions), abstained=_no_place(got))
            if place_in_title(row, url=links):
                answerable.add(want_regions, frozenset(got.regions), abstained=_no_place(got))
        if want_areas != frozenset(got.policy_areas) or want_regions not in (None, frozenset(got.regions)):
            wrong.append(_wrong(row, want_regions, got))
    figures = regions.figures()
    figures["accuracy_answerable"] = answerable.figures()["accuracy_all"]
    figures["answerable"] = answerable.rows
    return {"policy_area": areas.figures(), "region": figures, "wrong": wrong}


class _Count:
    """Counts the hits and misses of a facet over rows."""

    def __init__(self) -> None:
        self.rows = self.exact = self.abstained = self.decided_exact = 0
        self.hit = self.extra = self.missed = 0

    def add(self, want: frozenset[str], got: frozenset[str], *, abstained: bool) -> None:
        self.rows += 1
        self.exact += want == got
        self.abstained += abstained
        self.decided_exact += want == got and not abstained
        self.hit += len(want & got)
        self.extra += len(got - want)
        self.missed += len(want - got)

    def figures(self) -> dict[str, Any]:
        """Return the figures, shares rounded to three decimals; a share of nothing is 0.0."""
        precision = _share(self.hit, self.hit + self.extra)
        recall = _share(self.hit, self.hit + self.missed)
        return {
            "rows": self.rows,
            "precision": round(precision, 3),
            "recall": round(recall, 3),
            "f1": round(_share(2 * precision * recall, precision + recall), 3),
            "accuracy": round(_share(self.decided_exact, self.rows - self.abstained), 3),
            "decided": self.rows - self.abstained,
            "abstained": self.abstained,
            "accuracy_all": round(_share(self.exact, self.rows), 3),
        }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _no_place(got: Facets) -> bool:
    """Return whether the region is national because the text names no place."""
    return any(evidence.facet == "region" and evidence.detail == "no place found" for evidence in got.evidence)


def _wrong(row: Row, want: frozenset[str] | None, got: Facets) -> dict[str, Any]:
    """Return a row of the report: what was expected, what classify gave, and its evidence."""
    return {
        "id": row.get("id", ""),
        "title": row.get("title", ""),
        "policy_areas": {"expected": sorted(row.get("policy_areas") or ()), "got": list(got.policy_areas)},
        "regions": {"expected": sorted(want or ()), "got": list(got.regions)},
        "evidence": [f"{evidence.slug}: {evidence.detail}" for evidence in got.evidence if evidence.facet != "theme"],
    }
