"""Classify an entry by rules: its policy areas, themes and regions, each with its evidence. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from digest.facets.case_study import (
    is_case_study_address,
    is_persons_story,
    is_titled_case_study,
    speaks_of_case_studies,
)
from digest.facets.entry_text import LEAD, EntryText, entry_text
from digest.facets.known import known_facets
from digest.facets.lexicon import Hits, Lexicon, stems
from digest.facets.located import Located
from digest.facets.places.gazetteer import Gazetteer
from digest.facets.regions import locate, locate_declared
from digest.facets.rules import NO_RULES, Rules, kind_ruled, ruled
from digest.facets.tally import TextHits, strongest, tallies_of
from digest.facets.words import BREAK, Word, words
from digest.model import CASE_STUDY, POST, UNKNOWN, Evidence, Facets, Sighting, Source, Taxonomy
from subscribers.characters import whole_characters

MOST_AREAS = 4
MOST_THEMES = 4
# Of the points of the strongest value, because most texts are about one or two policy areas, and tell of more themes.
_SHARE_OF_AREAS, _SHARE_OF_THEMES = 0.6, 0.4
OPENING = 300  # characters of the text that count twice


def kind_of(sighting: Sighting, source: Source) -> str:
    """Return an entry's kind: its own, else what its title, categories, address and start say, else its source's."""
    if sighting.kind:
        return sighting.kind
    if speaks_of_case_studies(sighting.title):
        return POST
    categories = {" ".join(category.casefold().replace("-", " ").split()) for category in sighting.categories}
    is_filed = not categories.isdisjoint(("case study", "case studies"))
    if is_filed or is_titled_case_study(sighting.title) or is_case_study_address(sighting.link or ""):
        return CASE_STUDY
    start = f"{sighting.summary[:LEAD]} {sighting.html[:LEAD]}"
    return CASE_STUDY if is_persons_story(sighting.title, start) else source.kind


class Classifier:
    """The rules of one configuration, ready for any number of entries (thread-safe, because nothing changes)."""

    def __init__(self, taxonomy: Taxonomy, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._lexicon = Lexicon(taxonomy)
        self.facets = known_facets(taxonomy)
        self._terms = {"policy_area": taxonomy.policy_areas, "theme": taxonomy.themes}
        self._names = {
            facet: {tuple(stems(words(name))): term.slug for term in terms for name in (term.name, term.slug)}
            for facet, terms in self._terms.items()
        }

    def classify(self, sighting: Sighting, source: Source, rules: Rules = NO_RULES) -> Facets:
        """Return the facets of one entry of `source`, strongest first, with evidence for every value.

        Values that the entry declares win over editors' `rules`, and these over its words. The source's defaults are
        added to policy areas and themes, and stand in for the region when no place is met. A kind that a rule sets
        stands in the evidence (`Facets.kind`). Deterministic; never raises on odd text.
        """
        text = entry_text(sighting, source.name)
        holding = rules.matching(text, sighting.link)
        kind = kind_of(sighting, source)
        study = (sighting.kind or kind_ruled(holding) or kind) == CASE_STUDY
        hits = self._hits(text)
        areas, area_evidence = self._term_facet("policy_area", sighting, source, hits)
        # The whole text tells the themes, because what a text has learned stands at its end.
        themes, theme_evidence = self._term_facet("theme", sighting, source, hits.whole())
        located = self._regions(sighting, source, text, study=study)
        evidence = (*area_evidence, *located.evidence, *theme_evidence)
        facets = Facets(areas, located.regions, themes, evidence, located.place)
        return ruled(facets, holding, "" if sighting.kind else kind) if holding else facets

    def unknown(self, sightings: Iterable[Sighting]) -> list[str]:
        """Return a line for each policy area or theme that entries declare and the taxonomy does not have."""
        names: dict[tuple[str, str], list[str]] = {}  # of the entries that declare a value of a facet
        for sighting in sightings:
            for facet, declared in (("policy_area", sighting.policy_areas), ("theme", sighting.themes)):
                for value in declared:
                    if not self._slugs(facet, (value,)):
                        names.setdefault((facet, value), []).append(_name(sighting))
        return [
            f"{_first_of(entries)}: {self.facets.problem(f'{facet}s', value)}"
            for (facet, value), entries in names.items()
        ]

    def _term_facet(
        self, facet: str, sighting: Sighting, source: Source, hits: TextHits
    ) -> tuple[tuple[str, ...], list[Evidence]]:
        """Return the slugs of `facet`, "policy_area" or "theme", and the evidence for each."""
        of_areas = facet == "policy_area"
        slugs = self._slugs(facet, sighting.policy_areas if of_areas else sighting.themes)
        if slugs:
            return slugs, [Evidence(facet, slug, "source", "declared by the entry") for slug in slugs]
        tallies = tallies_of(facet, hits, self._lexicon)
        most, share = (MOST_AREAS, _SHARE_OF_AREAS) if of_areas else (MOST_THEMES, _SHARE_OF_THEMES)
        slugs = strongest(tallies, self._terms[facet], most, share)
        evidence = [Evidence(facet, slug, tallies[slug].by, tallies[slug].detail()) for slug in slugs]
        for slug in self._slugs(facet, source.policy_areas if of_areas else source.themes):
            if slug not in slugs:
                slugs = (*slugs, slug)
                evidence.append(Evidence(facet, slug, "source", f"every entry of {source.name}"))
        return slugs, evidence

    def _slugs(self, facet: str, values: Iterable[str]) -> tuple[str, ...]:
        """Return the slugs of values given by slug or by name; unknown values are left out."""
        slugs = (self._names[facet].get(tuple(stems(words(value)))) for value in values)
        return tuple(dict.fromkeys(slug for slug in slugs if slug))

    def _hits(self, text: EntryText) -> TextHits:
        """Return the phrases that the texts of an entry hold; the publisher's own name is no phrase."""
        publisher = stems(words(text.publisher)) if " " in text.publisher.strip() else []

        def hits(cut: Sequence[Word]) -> Hits:
            return self._lexicon.hits(_without(stems(cut), publisher))

        title, path, body = hits(words(text.title)), hits(words(text.path)), words(text.body)
        opening, lead = (bisect_right(body, size, key=_end) for size in (OPENING, LEAD))
        return TextHits(
            title=title,
            opening=hits(body[:opening]),
            lead=hits(body[:lead]),
            rest=hits(body[lead:]),
            # Phrases of the title do not count again, because most links repeat it.
            link=Hits({phrase: times for phrase, times in path.items() if phrase not in title}),
            categories=tuple((each, hits(words(each)), self._named(each)) for each in text.categories),
        )

    def _named(self, category: str) -> frozenset[tuple[str, str]]:
        """Return the (facet, slug) pairs of the values whose name or slug a category is."""
        return frozenset((facet, slug) for facet in self._names for slug in self._slugs(facet, (category,)))

    def _regions(self, sighting: Sighting, source: Source, text: EntryText, *, study: bool) -> Located:
        """Ask for the regions in turn: declared regions, a declared place, the texts and their publisher."""
        declared = self.facets.read("regions", sighting.regions)[0]
        if declared:
            evidence = tuple(Evidence("region", slug, "source", "declared by the entry") for slug in declared)
            return Located(declared, evidence, sighting.place)
        if sighting.place:
            located = locate_declared(self._gazetteer, sighting.place)
            if located is not None:
                return Located(located.regions, located.evidence, sighting.place)
        slugs = self.facets.read("regions", source.regions)[0]
        evidence = tuple(Evidence("region", slug, "source", f"every entry of {source.name}") for slug in slugs)
        defaults = Located(slugs, evidence, "") if slugs else None
        located = locate(self._gazetteer, text, defaults, study=study)
        return replace(located, place=sighting.place or located.place) if located.regions == (UNKNOWN,) else located


def _first_of(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _name(sighting: Sighting) -> str:
    """Return the name by which an author knows an entry: its file, else its title."""
    guid = sighting.guid or ""
    return guid[:80] if guid.endswith(".md") else f"“{whole_characters(sighting.title, 80)}”"


def _without(text: list[str], name: list[str]) -> list[str]:
    """Return the words of a text with a break for each occurrence of a name, because it tells no subject."""
    if not name or name[0] not in text:
        return text
    rest: list[str] = []
    index = 0
    while index < len(text):
        is_name = text[index : index + len(name)] == name
        rest.append(BREAK if is_name else text[index])
        index += len(name) if is_name else 1
    return rest


def _end(word: Word) -> int:
    return word.end
