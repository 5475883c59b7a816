"""Say what an entry is about, by rules: policy areas, themes and regions, each with its evidence. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from digest.facets.known import KNOWN_REGIONS, known_facets
from digest.facets.lexicon import Hits, Lexicon, stems
from digest.facets.places.gazetteer import Gazetteer
from digest.facets.regions import Located, locate, publisher_region
from digest.facets.words import words
from digest.model import CASE_STUDY, NATIONAL, Evidence, Facets, Sighting, Source, Taxonomy, Term

MOST_AREAS = 4
MOST_THEMES = 3
CATEGORY_LIMIT = 30
TITLE_LIMIT = 1_000
BODY_LIMIT = 20_000  # characters; what an entry is about is said before that

# Points: the weight of a phrase times what its place in the entry is worth. A weight of 2 in the title decides.
_TITLE, _CATEGORY, _LINK = 3, 2, 1
_REPEATS = 3  # a phrase said a hundred times is still one subject
_ENOUGH = 6
_SHARE = 0.4  # of the strongest value of the facet, or it is only mentioned

_INLINE = re.compile(
    r"</?(?:a|abbr|b|code|em|i|mark|s|small|span|strong|sub|sup|u)\b(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*>"
)
_TAG = re.compile(r"<[/!?a-zA-Z](?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*>")
# What publishing systems add to every post; it says nothing about this one.
_BOILERPLATE = re.compile(
    r"\bThe post .{0,300}? (?:appeared first on|first appeared on) .{0,120}?(?:\.|$)"
    r"|\b(?:continue reading|read more|read the full (?:story|article|post)|find out more)\b.{0,160}?(?:$|[.→»…])"
    r"|\b(?:share this|filed under|posted in|tagged with|follow us on|subscribe to)\b[^\n.]{0,160}"
    r"|\bcookies?\b[^\n.]{0,200}",
    re.IGNORECASE | re.MULTILINE,
)


def plain(markup: str) -> str:
    """Return the running text of sanitised HTML: no tags, no attribute (an abbr's title), no boilerplate."""
    text = html.unescape(_TAG.sub("\n", _INLINE.sub("", markup[: 3 * BODY_LIMIT])))
    return _BOILERPLATE.sub(" ", text[:BODY_LIMIT])


class _Text(NamedTuple):
    """The parts of an entry that are read."""

    title: str
    body: str
    categories: tuple[str, ...]
    path: str  # words of the link's path
    host: str


def _read(sighting: Sighting) -> _Text:
    summary, body = plain(sighting.summary), plain(sighting.html)
    # Feeds often give the summary again as the start of the body: it counts once.
    if summary.strip() and summary.split()[:12] != body.split()[:12]:
        body = f"{summary}\n{body}"
    host = path = ""
    if sighting.link:
        try:
            parts = urlsplit(sighting.link)
            host, path = (parts.hostname or "").lower(), unquote(parts.path)
        except ValueError:
            host = path = ""
    path = re.sub(r"\.\w{2,5}$|[/_\-+.]+|\d{3,}", " ", path)
    return _Text(
        _BOILERPLATE.sub(" ", sighting.title[:TITLE_LIMIT]),
        body,
        sighting.categories[:CATEGORY_LIMIT],
        path[:TITLE_LIMIT],
        host,
    )


@dataclass(slots=True)
class _Tally:
    """Points of one facet value, and what earned them."""

    by: str
    points: int = 0
    met: dict[str, tuple[int, int]] = field(default_factory=dict)  # what was met: its points, how often

    def add(self, what: str, points: int, times: int = 1) -> None:
        before = self.met.get(what, (0, 0))
        self.met[what] = (before[0] + points, before[1] + times)
        self.points += points

    def detail(self) -> str:
        """Return the four strongest: "domestic abuse ×2, refuge"."""
        ranked = sorted(self.met.items(), key=lambda met: -met[1][0])[:4]
        return ", ".join(f"{what} ×{times}" if times > 1 else what for what, (_, times) in ranked)


def kind_of(sighting: Sighting, source: Source) -> str:
    """Return an entry's kind: what it declares, else "case-study" where its author filed it so, else the source's."""
    if sighting.kind:
        return sighting.kind
    filed = {" ".join(category.casefold().replace("-", " ").split()) for category in sighting.categories}
    return CASE_STUDY if filed & {"case study", "case studies"} else source.kind


class Classifier:
    """The rules of one configuration, ready to be used on any number of entries (thread-safe, no state)."""

    def __init__(self, taxonomy: Taxonomy, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._lexicon = Lexicon(taxonomy)
        self._facets = known_facets(taxonomy)
        self._terms = {"policy_area": taxonomy.policy_areas, "theme": taxonomy.themes}
        self._names = {
            facet: {tuple(stems(words(name))): t.slug for t in terms for name in (t.name, t.slug)}
            for facet, terms in self._terms.items()
        }

    def classify(self, sighting: Sighting, source: Source) -> Facets:
        """Return the facets of one entry of `source`, strongest first, with evidence for every value.

        What the entry declares wins over words; the source's defaults are added to policy areas and themes
        and stand in for the region when no place is found. Deterministic; never raises on odd text.
        """
        text = _read(sighting)
        areas, area_why = self._term_facet("policy_area", sighting.policy_areas, source.policy_areas, text, source)
        themes, theme_why = self._term_facet("theme", sighting.themes, source.themes, text, source)
        located = self._regions(sighting, source, text)
        return Facets(areas, located.regions, themes, (*area_why, *located.evidence, *theme_why), located.place)

    def unknown(self, sightings: Iterable[Sighting]) -> list[str]:
        """Return a line for each policy area or theme that entries declare and the taxonomy has not."""
        met: dict[tuple[str, str], list[str]] = {}
        for sighting in sightings:
            for facet, declared in (("policy_area", sighting.policy_areas), ("theme", sighting.themes)):
                for value in declared:
                    if not self._known(facet, (value,)):
                        met.setdefault((facet, value), []).append(_named(sighting))
        return [
            f"{_several(where)}: {self._facets.problem(f'{facet}s', value)}" for (facet, value), where in met.items()
        ]

    def _term_facet(
        self, facet: str, declared: tuple[str, ...], defaults: tuple[str, ...], text: _Text, source: Source
    ) -> tuple[tuple[str, ...], list[Evidence]]:
        said = self._known(facet, declared)
        if said:
            return said, [Evidence(facet, slug, "source", "declared by the entry") for slug in said]
        tallies = self._tallies(facet, text)
        most = MOST_AREAS if facet == "policy_area" else MOST_THEMES
        chosen = _strongest(tallies, self._terms[facet], most)
        why = [Evidence(facet, slug, tallies[slug].by, tallies[slug].detail()) for slug in chosen]
        for slug in self._known(facet, defaults):
            if slug not in chosen:
                chosen = (*chosen, slug)
                why.append(Evidence(facet, slug, "source", f"every entry of {source.name}"))
        return chosen, why

    def _known(self, facet: str, given: Iterable[str]) -> tuple[str, ...]:
        """Return the slugs among what was declared, by slug or by name; unknown ones are left out."""
        slugs = (self._names[facet].get(tuple(stems(words(value)))) for value in given)
        return tuple(dict.fromkeys(slug for slug in slugs if slug))

    def _tallies(self, facet: str, text: _Text) -> dict[str, _Tally]:
        tallies: dict[str, _Tally] = {}
        title = self._lexicon.hits(stems(words(text.title)))
        self._count(facet, title, _TITLE, 1, tallies)
        self._count(facet, self._lexicon.hits(stems(words(text.body))), 1, _REPEATS, tallies)
        link = self._lexicon.hits(stems(words(text.path)))
        # Most links repeat the title: only what it does not say is news.
        self._count(facet, Hits({p: n for p, n in link.items() if p not in title}), _LINK, 1, tallies)
        for category in text.categories:
            self._hint(facet, category, tallies)
        return tallies

    def _count(self, facet: str, hits: Hits, worth: int, repeats: int, tallies: dict[str, _Tally]) -> None:
        for phrase, number in hits.items():
            for kind, slug, weight in self._lexicon.values(phrase):
                if kind != facet:
                    continue
                points = weight * worth * (min(number, repeats) if weight > 1 else 1)
                tallies.setdefault(slug, _Tally("words")).add(self._lexicon.written(phrase), points, number)

    def _hint(self, facet: str, category: str, tallies: dict[str, _Tally]) -> None:
        """Let one of the source's own categories speak: its name outright, its words a little."""
        named = self._known(facet, (category,))
        worth: dict[str, int] = dict.fromkeys(named, 3)
        for phrase in self._lexicon.hits(stems(words(category))):
            for kind, slug, weight in self._lexicon.values(phrase):
                if kind == facet:
                    worth[slug] = max(worth.get(slug, 0), weight)
        for slug, weight in worth.items():
            tallies.setdefault(slug, _Tally("category")).add(f"category “{category}”", weight * _CATEGORY)

    def _regions(self, sighting: Sighting, source: Source, text: _Text) -> Located:
        declared = _region_slugs(sighting.regions)
        if declared:
            why = tuple(Evidence("region", slug, "source", "declared by the entry") for slug in declared)
            return Located(declared, why, sighting.place)
        if sighting.place:
            found = locate(self._gazetteer, title=sighting.place, by="source", believed=True)
            if found is not None:
                return Located(found.regions, found.evidence, sighting.place)
        found = locate(
            self._gazetteer, title=text.title, body=text.body, categories=text.categories,
            path=text.path, publisher=source.name,
        )  # fmt: skip
        if found is not None:
            return found
        defaults = _region_slugs(source.regions)
        if defaults:
            why = tuple(Evidence("region", slug, "source", f"every entry of {source.name}") for slug in defaults)
            return Located(defaults, why, "")
        return publisher_region(self._gazetteer, text.host) or Located(
            (NATIONAL,), (Evidence("region", NATIONAL, "place", "no place found"),), sighting.place
        )


def _several(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _named(sighting: Sighting) -> str:
    """Return what an author will know an entry by: its file, else its title."""
    guid = sighting.guid or ""
    return guid[:80] if guid.endswith(".md") else f"“{sighting.title[:80]}”"


def _strongest(tallies: dict[str, _Tally], terms: tuple[Term, ...], most: int) -> tuple[str, ...]:
    """Return the values with enough points, and enough beside the strongest; ties in the taxonomy's order."""
    order = {term.slug: place for place, term in enumerate(terms)}
    ranked = sorted(tallies, key=lambda slug: (-tallies[slug].points, order[slug]))
    best = tallies[ranked[0]].points if ranked else 0
    return tuple(s for s in ranked if tallies[s].points >= max(_ENOUGH, _SHARE * best))[:most]


def _region_slugs(given: Iterable[str]) -> tuple[str, ...]:
    """Return known region slugs among what was declared, by slug or by name ("South West")."""
    return KNOWN_REGIONS.read("regions", given)[0]
