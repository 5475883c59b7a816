"""Find the one more choice by which the editions of twelve weeks would have brought a reader the most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from digest.editions.past import PastEditions
from digest.model import Taxonomy
from subscribers.model import Interests


class Addition(NamedTuple):
    """Hold one more thing that a reader could follow, and how many `entries` it would have brought them.

    `facet` is "policy_area", "region" or "theme", each with a `slug`, or "elsewhere": the section From elsewhere.
    """

    facet: str
    slug: str
    entries: int


class Additions:
    """Compare what past editions would have brought by each choice that a reader has not taken."""

    def __init__(self, taxonomy: Taxonomy, past: PastEditions) -> None:
        self._taxonomy, self.past = taxonomy, past
        self._regions, self._themes = past.values("regions"), past.values("themes")
        self.best = cache(self._best)  # remembered as `PastEditions.brought` is

    def _best(self, interests: Interests, had: frozenset[int]) -> Addition | None:
        """Return the choice that would have brought the most entries beside those that came without it, or None."""
        best, without = None, self.past.brought(interests, had)
        for facet, slug, changed in self._choices(interests):
            gain = len(self.past.bring(changed, had) - without)
            if gain > (best.entries if best else 0):
                best = Addition(facet, slug, gain)
        return best

    def _choices(self, interests: Interests) -> Iterator[tuple[str, str, Interests]]:
        """Yield each single choice that could bring anything, with the interests that it leads to.

        A reader who follows all of a facet has nothing to add to it.
        """
        areas, regions, themes = interests.policy_areas, interests.regions, interests.themes
        if not interests.elsewhere:
            yield "elsewhere", "", replace(interests, elsewhere=True)
        for term in self._taxonomy.policy_areas:
            # Also one that no entry carries, because case studies share barriers with it.
            if areas and term.slug not in areas:
                yield "policy_area", term.slug, replace(interests, policy_areas=areas | {term.slug})
        for slug in self._taxonomy.region_names:
            if regions and slug in self._regions - regions:
                yield "region", slug, replace(interests, regions=regions | {slug})
        for term in self._taxonomy.themes:
            # Themes widen the section From elsewhere alone, which a reader of every region does not have.
            if regions and interests.elsewhere and term.slug in self._themes - themes:
                yield "theme", term.slug, replace(interests, themes=themes | {term.slug})
