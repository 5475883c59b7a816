"""Score the rules of classify against labelled pages, by their titles alone or by more. Pure: rows in, a report out.

A row is one JSON object of a labels file: `title`, `url`, `publisher` (or `source`), `summary`, `opening`,
`categories`; and its labels: `policy_areas` (slugs or names), `region` (a region's name or slug, "national",
"unknown", "outside UK", or "multiple" with `regions`), `places`, `kind` ("case study", or anything else for a post),
`never` (regions and policy areas that would be a bad mistake) and `class`, the kind of difficulty that it is an
example of. Only the title is required; `label_rows` checks the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from digest.classify import Classifier, kind_of
from digest.facets.known import KNOWN_REGIONS
from digest.facets.words import keys
from digest.model import CASE_STUDY, NATIONAL, POST, UNKNOWN, Facets, Sighting, Source
from digest.operations.label_counts import Count
from subscribers.facets import KnownFacets

Row = Mapping[str, Any]
Shown = Literal["title", "address", "all"]  # of a row: its title, its address too, all its texts too
MULTIPLE = "multiple"  # the label of a row whose regions are listed


def no_source(row: Row) -> Source:
    """Return a source without default facets, with the name of the row's publisher."""
    return Source(name=str(row.get("publisher") or row.get("source") or "unknown"))


def expected_regions(row: Row, facets: KnownFacets = KNOWN_REGIONS) -> frozenset[str] | None:
    """Return the region slugs that a row expects, or None when it has no usable label.

    "outside UK" expects national, and so does "multiple" without a list, because it names no region.
    """
    label = str(row.get("region") or "")
    if label == MULTIPLE:
        listed = (region_of_label(str(each), facets) for each in row.get("regions") or ())
        return frozenset(filter(None, listed)) or frozenset({NATIONAL})
    slug = region_of_label(label, facets)
    return frozenset({slug}) if slug else None


def region_of_label(label: str, facets: KnownFacets) -> str | None:
    """Return the slug of a region that is labelled by slug, name, "unknown" or "outside UK"; None for other words."""
    if label == UNKNOWN:
        return UNKNOWN
    return NATIONAL if label.casefold() == "outside uk" else facets.slug("regions", label)


def is_case_study_label(kind: str) -> bool:
    """Return whether the label of a kind says that the page is a case study."""
    return kind.replace("-", " ").casefold() == "case study"


def place_in_title(row: Row, *, url: bool = False, texts: bool = False) -> bool:
    """Return whether a labelled place of the row stands in its title.

    With `url` its address counts too, and with `texts` its summary and opening.
    """
    shown = ("title", *(("url",) if url else ()), *(("summary", "opening") if texts else ()))
    text = " ".join(str(row.get(key) or "") for key in shown)
    within = " ".join(keys(text.replace("/", " ").replace(".", " ")))
    return any(" ".join(keys(str(place))) in within for place in row.get("places") or ())


def sighting_of(row: Row, shown: Shown) -> Sighting:
    """Return the sighting of a row, with as much of it as is `shown`."""
    title, link = str(row.get("title") or ""), None if shown == "title" else str(row.get("url") or "") or None
    if shown != "all":
        return Sighting(guid=None, link=link, title=title)
    summary, opening = str(row.get("summary") or ""), str(row.get("opening") or "")
    return Sighting(
        guid=None, link=link, title=title, summary=summary, html=opening,
        categories=tuple(map(str, row.get("categories") or ())),
    )  # fmt: skip


def score(
    rows: Iterable[Row],
    classifier: Classifier,
    source_for: Callable[[Row], Source] = no_source,
    *,
    shown: Shown = "title",
) -> dict[str, Any]:
    """Classify every row by what is `shown` of it, and compare with its labels.

    Return {"policy_area": figures, "region": figures, "kind": figures, "classes": the same by class, "wrong": rows}.
    `label_counts.Count` says what the figures of a facet are. A row without a policy area has abstained, and so has
    one of an unknown place, which is right if no labelled place stands in what is shown. For regions there are also
    `accuracy_answerable`, over the `answerable` rows, whose labelled place stands in the title (or in the link, if
    shown), and `never`, the rows given a region that they should never have; so for policy areas.
    """
    facets = classifier.facets
    counts, classes = _Counts(facets), dict[str, _Counts]()
    wrong = []
    for row in rows:
        sighting, source = sighting_of(row, shown), source_for(row)
        got, kind = classifier.classify(sighting, source), kind_of(sighting, source)
        want_regions = expected_regions(row, facets)
        counts.add(row, got, kind, want_regions, shown)
        if row.get("class"):
            classes.setdefault(str(row["class"]), _Counts(facets)).add(row, got, kind, want_regions, shown)
        want_areas = _areas(row, "policy_areas", facets)
        if want_areas != frozenset(got.policy_areas) or want_regions not in (None, frozenset(got.regions)):
            wrong.append(_wrong(row, want_areas, want_regions, got))
    return {
        **counts.figures(),
        "classes": {name: each.figures() for name, each in sorted(classes.items())},
        "wrong": wrong,
    }


class _Counts:
    """The counts of all facets over some rows."""

    def __init__(self, facets: KnownFacets) -> None:
        self.areas, self.regions, self.answerable, self.kinds = Count(), Count(), Count(), Count()
        self.never_areas = self.never_regions = 0
        self._facets = facets

    def add(self, row: Row, got: Facets, kind: str, regions: frozenset[str] | None, shown: Shown) -> None:
        """Count a row that has got these facets and this kind, and expects these `regions` (None: not labelled)."""
        areas, located = frozenset(got.policy_areas), frozenset(got.regions)
        self.areas.add(_areas(row, "policy_areas", self._facets), areas, abstained=not areas)
        if regions is not None:
            answer = regions if _is_rightly_unknown(row, got, shown) else located
            self.regions.add(regions, answer, abstained=_no_place(got))
            if place_in_title(row, url=shown != "title"):
                self.answerable.add(regions, located, abstained=_no_place(got))
        if row.get("kind"):
            want = CASE_STUDY if is_case_study_label(str(row["kind"])) else POST
            self.kinds.add(frozenset({want}), frozenset({kind}), abstained=False)
        never = [str(label) for label in row.get("never") or ()]
        bad = {region_of_label(label, self._facets) for label in never}
        self.never_regions += not located.isdisjoint(bad) or (MULTIPLE in never and len(located) > 1)
        self.never_areas += not areas.isdisjoint(_areas(row, "never", self._facets))

    def figures(self) -> dict[str, Any]:
        """Return the figures of each facet."""
        answerable = {"accuracy_answerable": self.answerable.accuracy_all, "answerable": self.answerable.rows}
        return {
            "policy_area": {**self.areas.figures(), "never": self.never_areas},
            "region": {**self.regions.figures(), **answerable, "never": self.never_regions},
            "kind": self.kinds.figures(),
        }


def _areas(row: Row, key: str, facets: KnownFacets) -> frozenset[str]:
    """Return the slugs of the policy areas under a key of a row; a value that is none stays as it is."""
    values = map(str, row.get(key) or ())
    return frozenset(facets.slug("policy_areas", value) or value for value in values)


def _no_place(got: Facets) -> bool:
    """Return whether the region is unknown because the text names no place."""
    return got.regions == (UNKNOWN,)


def _is_rightly_unknown(row: Row, got: Facets, shown: Shown) -> bool:
    """Return whether the region is unknown and no labelled place of the row stands in what is shown of it."""
    return _no_place(got) and not place_in_title(row, url=shown != "title", texts=shown == "all")


def _wrong(row: Row, areas: frozenset[str], regions: frozenset[str] | None, got: Facets) -> dict[str, Any]:
    """Return a row of the report: what was expected, what classify gave, and its evidence."""
    return {
        "id": row.get("id", ""),
        "title": row.get("title", ""),
        "policy_areas": {"expected": sorted(areas), "got": list(got.policy_areas)},
        "regions": {"expected": sorted(regions or ()), "got": list(got.regions)},
        "evidence": [f"{evidence.slug}: {evidence.detail}" for evidence in got.evidence if evidence.facet != "theme"],
    }
