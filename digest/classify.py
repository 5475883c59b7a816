"""Classify an entry by rules: its policy areas, themes and regions, each with its evidence. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from digest.facets.case_study import is_case_study_address, is_titled_case_study, speaks_of_case_studies
from digest.facets.entry_text import EntryText, entry_text
from digest.facets.known import KNOWN_REGIONS, known_facets
from digest.facets.lexicon import Hits, Lexicon, stems
from digest.facets.places.gazetteer import Gazetteer
from digest.facets.regions import Located, locate, locate_declared, publisher_region
from digest.facets.words import words
from digest.model import CASE_STUDY, NATIONAL, POST, Evidence, Facets, Sighting, Source, Taxonomy, Term

MOST_AREAS = 4
MOST_THEMES = 3

# The points of a phrase are its weight times the factor of the text it stands in (the body's factor is 1). A phrase
# of weight 2 in the title is enough by itself.
_TITLE, _CATEGORY, _LINK = 3, 2, 1
_REPEATS = 3  # times that a phrase counts, because a phrase repeated a hundred times is still one subject
_ENOUGH = 6  # points
_SHARE = 0.4  # of the points of the facet's strongest value; below that a value is only mentioned


@dataclass(slots=True)
class _Tally:
    """The points of one facet value, and the phrases that earned them. `by` is as in Evidence."""

    by: str
    points: int = 0
    phrases: dict[str, tuple[int, int]] = field(default_factory=dict)  # phrase: (points, times)

    def add(self, phrase: str, points: int, times: int = 1) -> None:
        before = self.phrases.get(phrase, (0, 0))
        self.phrases[phrase] = (before[0] + points, before[1] + times)
        self.points += points

    def detail(self) -> str:
        """Return the four strongest phrases: "domestic abuse ×2, refuge"."""
        ranked = sorted(self.phrases.items(), key=lambda item: -item[1][0])[:4]
        return ", ".join(f"{phrase} ×{times}" if times > 1 else phrase for phrase, (_, times) in ranked)


@dataclass(frozen=True, slots=True)
class _TextHits:
    """The phrases in the title, body and link of an entry, for every facet; its categories and its publisher."""

    title: Hits
    body: Hits
    link: Hits
    categories: tuple[str, ...]
    publisher: str


def kind_of(sighting: Sighting, source: Source) -> str:
    """Return an entry's kind: its own, else what its title, categories and address say, else its source's."""
    if sighting.kind:
        return sighting.kind
    if speaks_of_case_studies(sighting.title):
        return POST
    categories = {" ".join(category.casefold().replace("-", " ").split()) for category in sighting.categories}
    is_filed = not categories.isdisjoint(("case study", "case studies"))
    if is_filed or is_titled_case_study(sighting.title) or is_case_study_address(sighting.link or ""):
        return CASE_STUDY
    return source.kind


class Classifier:
    """The rules of one configuration, ready for any number of entries (thread-safe, because nothing changes)."""

    def __init__(self, taxonomy: Taxonomy, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._lexicon = Lexicon(taxonomy)
        self._facets = known_facets(taxonomy)
        self._terms = {"policy_area": taxonomy.policy_areas, "theme": taxonomy.themes}
        self._names = {
            facet: {tuple(stems(words(name))): term.slug for term in terms for name in (term.name, term.slug)}
            for facet, terms in self._terms.items()
        }

    def classify(self, sighting: Sighting, source: Source) -> Facets:
        """Return the facets of one entry of `source`, strongest first, with evidence for every value.

        Values that the entry declares win over its words. The source's defaults are added to policy areas and
        themes, and stand in for the region when no place is met. Deterministic; never raises on odd text.
        """
        text = entry_text(sighting, source.name)
        hits = self._hits(text)
        areas, area_evidence = self._term_facet("policy_area", sighting.policy_areas, source.policy_areas, hits)
        themes, theme_evidence = self._term_facet("theme", sighting.themes, source.themes, hits)
        located = self._regions(sighting, source, text)
        evidence = (*area_evidence, *located.evidence, *theme_evidence)
        return Facets(areas, located.regions, themes, evidence, located.place)

    def unknown(self, sightings: Iterable[Sighting]) -> list[str]:
        """Return a line for each policy area or theme that entries declare and the taxonomy does not have."""
        names: dict[tuple[str, str], list[str]] = {}  # of the entries that declare a value of a facet
        for sighting in sightings:
            for facet, declared in (("policy_area", sighting.policy_areas), ("theme", sighting.themes)):
                for value in declared:
                    if not self._slugs(facet, (value,)):
                        names.setdefault((facet, value), []).append(_name(sighting))
        return [
            f"{_first_of(entries)}: {self._facets.problem(f'{facet}s', value)}"
            for (facet, value), entries in names.items()
        ]

    def _term_facet(
        self, facet: str, declared: tuple[str, ...], defaults: tuple[str, ...], text: _TextHits
    ) -> tuple[tuple[str, ...], list[Evidence]]:
        """Return the slugs of `facet`, "policy_area" or "theme", and the evidence for each."""
        slugs = self._slugs(facet, declared)
        if slugs:
            return slugs, [Evidence(facet, slug, "source", "declared by the entry") for slug in slugs]
        tallies = self._tallies(facet, text)
        most = MOST_AREAS if facet == "policy_area" else MOST_THEMES
        slugs = _strongest(tallies, self._terms[facet], most)
        evidence = [Evidence(facet, slug, tallies[slug].by, tallies[slug].detail()) for slug in slugs]
        for slug in self._slugs(facet, defaults):
            if slug not in slugs:
                slugs = (*slugs, slug)
                evidence.append(Evidence(facet, slug, "source", f"every entry of {text.publisher}"))
        return slugs, evidence

    def _slugs(self, facet: str, values: Iterable[str]) -> tuple[str, ...]:
        """Return the slugs of values given by slug or by name; unknown values are left out."""
        slugs = (self._names[facet].get(tuple(stems(words(value)))) for value in values)
        return tuple(dict.fromkeys(slug for slug in slugs if slug))

    def _hits(self, text: EntryText) -> _TextHits:
        """Return the phrases that the texts of an entry hold."""
        title, body, link = (self._lexicon.hits(stems(words(part))) for part in (text.title, text.body, text.path))
        # Phrases of the title do not count again, because most links repeat it.
        link = Hits({phrase: times for phrase, times in link.items() if phrase not in title})
        return _TextHits(title, body, link, text.categories, text.publisher)

    def _tallies(self, facet: str, text: _TextHits) -> dict[str, _Tally]:
        """Return the tally of each slug that the texts have a phrase for."""
        tallies: dict[str, _Tally] = {}
        self._count(facet, text.title, _TITLE, 1, tallies)
        self._count(facet, text.body, 1, _REPEATS, tallies)
        self._count(facet, text.link, _LINK, 1, tallies)
        for category in text.categories:
            self._count_category(facet, category, tallies)
        return tallies

    def _count(self, facet: str, hits: Hits, factor: int, repeats: int, tallies: dict[str, _Tally]) -> None:
        """Add the points of phrases to the tallies: each counts up to `repeats` times, with a weight of 1 once."""
        for phrase, times in hits.items():
            for phrase_facet, slug, weight in self._lexicon.values(phrase):
                if phrase_facet != facet:
                    continue
                points = weight * factor * (min(times, repeats) if weight > 1 else 1)
                tallies.setdefault(slug, _Tally("words")).add(self._lexicon.written(phrase), points, times)

    def _count_category(self, facet: str, category: str, tallies: dict[str, _Tally]) -> None:
        """Add the points of a category: the highest weight of its phrases, and at least 3 where it names a value."""
        weights: dict[str, int] = dict.fromkeys(self._slugs(facet, (category,)), 3)
        for phrase in self._lexicon.hits(stems(words(category))):
            for phrase_facet, slug, weight in self._lexicon.values(phrase):
                if phrase_facet == facet:
                    weights[slug] = max(weights.get(slug, 0), weight)
        for slug, weight in weights.items():
            tallies.setdefault(slug, _Tally("category")).add(f"category “{category}”", weight * _CATEGORY)

    def _regions(self, sighting: Sighting, source: Source, text: EntryText) -> Located:
        """Ask for the regions in turn: declared regions, declared place, texts, the source's defaults, the host."""
        declared = _region_slugs(sighting.regions)
        if declared:
            evidence = tuple(Evidence("region", slug, "source", "declared by the entry") for slug in declared)
            return Located(declared, evidence, sighting.place)
        if sighting.place:
            located = locate_declared(self._gazetteer, sighting.place)
            if located is not None:
                return Located(located.regions, located.evidence, sighting.place)
        located = locate(self._gazetteer, text)
        if located is not None:
            return located
        defaults = _region_slugs(source.regions)
        if defaults:
            evidence = tuple(Evidence("region", slug, "source", f"every entry of {source.name}") for slug in defaults)
            return Located(defaults, evidence, "")
        return publisher_region(self._gazetteer, text.host) or Located(
            (NATIONAL,), (Evidence("region", NATIONAL, "place", "no place found"),), sighting.place
        )


def _first_of(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _name(sighting: Sighting) -> str:
    """Return the name by which an author knows an entry: its file, else its title."""
    guid = sighting.guid or ""
    return guid[:80] if guid.endswith(".md") else f"“{sighting.title[:80]}”"


def _strongest(tallies: dict[str, _Tally], terms: tuple[Term, ...], most: int) -> tuple[str, ...]:
    """Return the slugs with enough points, and with enough beside the strongest; ties in the taxonomy's order."""
    order = {term.slug: index for index, term in enumerate(terms)}
    ranked = sorted(tallies, key=lambda slug: (-tallies[slug].points, order[slug]))
    best = tallies[ranked[0]].points if ranked else 0
    return tuple(slug for slug in ranked if tallies[slug].points >= max(_ENOUGH, _SHARE * best))[:most]


def _region_slugs(regions: Iterable[str]) -> tuple[str, ...]:
    """Return the slugs of regions given by slug or by name ("South West"); unknown regions are left out."""
    return KNOWN_REGIONS.read("regions", regions)[0]
