"""Find the one more choice by which the editions of twelve weeks would have brought a reader the most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.group import Matcher, candidate_of
from digest.model import Taxonomy
from digest.store import editions
from subscribers.model import Interests

TWELVE_WEEKS = timedelta(weeks=12)


class Addition(NamedTuple):
    """Hold one more thing that a reader could follow, and how many `entries` it would have brought them.

    `facet` is "policy_area", "region" or "theme", each with a `slug`, or "elsewhere": the section From elsewhere.
    """

    facet: str
    slug: str
    entries: int


class PastEdition(NamedTuple):
    """Hold a frozen edition. `mark` is the last release that the editions of its cadence before it considered."""

    frozen_at: datetime
    mark: int
    matcher: Matcher


class PastEditions:
    """Match the entries of past editions, oldest first, with what a reader follows or might follow.

    Past editions bring what letters would have shown, by the product's own matching and caps.
    """

    def __init__(self, taxonomy: Taxonomy, past: Sequence[PastEdition]) -> None:
        self._taxonomy, self._past = taxonomy, past
        candidates = [candidate for edition in past for candidate in edition.matcher.candidates]
        self.carried = frozenset(candidate.entry for candidate in candidates)
        self._regions = {slug for candidate in candidates for slug in candidate.regions}
        self._themes = {slug for candidate in candidates for slug in candidate.themes}
        # Remembered, because many readers follow the same, and few of them had any of these entries.
        self.brought = cache(self._brought)
        self.best_choice = cache(self._best_choice)
        self.since = cache(self._since)

    def _since(self, at: datetime) -> tuple[int, frozenset[int]]:
        """Return how many editions were frozen since an instant, and the entries that were new in them."""
        past = [edition for edition in self._past if edition.frozen_at >= at]
        new = [each.entry for edition in past for each in edition.matcher.candidates if each.release > edition.mark]
        return len(past), frozenset(new)

    def _brought(self, interests: Interests, had: frozenset[int]) -> frozenset[int]:
        """Return the entries that letters would have shown to a reader of these interests who `had` some before."""
        matches = [(matcher, matcher.match(interests, mark, had)) for _, mark, matcher in self._past]
        return frozenset([entry for matcher, match in matches for entry in matcher.entries(match)])

    def _best_choice(self, interests: Interests, had: frozenset[int]) -> Addition | None:
        """Return the choice that would have brought the most entries beside those that came without it, or None."""
        best, without = None, self.brought(interests, had)
        for facet, slug, changed in self._choices(interests):
            gain = len(self._brought(changed, had) - without)
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


def past_editions(conn: Connection, settings: Settings, cadence: str, now: datetime) -> PastEditions:
    """Return the editions of a cadence that were frozen in the last twelve weeks, as they were planned then."""
    frozen = editions.frozen_since(conn, cadence, now - TWELVE_WEEKS)
    if not frozen:
        return PastEditions(settings.taxonomy, ())
    # Read once for all editions, because each counts the case studies of the year before it.
    studies = [
        (slot, candidate_of(entry, 0))
        for slot, entry in editions.studies_since(conn, cadence, editions.a_year_before(frozen[0]))
    ]
    past, mark = [], editions.considered_before(conn, frozen[0])
    for edition in frozen:
        since = editions.a_year_before(edition)
        earlier = {study.entry: study for slot, study in studies if since <= slot < edition.slot}
        matcher = Matcher(
            [candidate_of(row.entry, row.release) for row in editions.shown(conn, edition.id)],
            cap=settings.letter_cap,
            elsewhere_cap=settings.elsewhere_cap,
            earlier=list(earlier.values()),
            pinned=edition.arranged[: edition.pinned],
        )
        past.append(PastEdition(edition.frozen_at or now, mark, matcher))
        mark = max(mark, edition.to_release)
    return PastEditions(settings.taxonomy, past)
