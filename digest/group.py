"""Select the entries of an edition that a reader gets, in which section, and why. Pure.

`Matcher` answers for one edition. Its answer is a match, a whole number of bit masks in which bit n of a mask stands
for the edition's entry n: a reader costs a few operations on numbers, however many entries there are, and readers
with equal matches share a digest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NewType

from digest.facets.masks import FacetMasks, bits, count_bits, first, kin, mask_of, repeated, varied
from digest.learning.choose import letter_line
from digest.learning.shared import ANY_AREA, SharedBarriers
from digest.model import CASE_STUDY, NATIONAL, UNKNOWN, Entry
from subscribers.model import Interests

# Why a considered entry is not in a digest: it matches nothing the reader follows, the cap is reached, the reader has
# had it already, the reader has switched off the section From elsewhere, or an editor keeps it from followers of a
# region or policy area that the reader has chosen.
OUTSIDE, OVER_CAP, HAD, ELSEWHERE_OFF, NOT_FOR = "outside", "over-cap", "had", "elsewhere-off", "not-for"
NEAR, ELSEWHERE = "near", "elsewhere"  # shown in the reader's areas, and from elsewhere
NOT_CONSIDERED = "not-considered"  # among a match's exceptions: the entries up to the reader's mark

# The masks of a match, lowest bits first: the entries shown in the reader's areas and from elsewhere, those over the
# cap, had, switched off and not for them, and all that were considered. After them stand the reasons of the entries
# shown: the masks by rank (`FacetMasks.followed`) of policy areas, regions, themes and barriers.
Match = NewType("Match", int)
_MASKS = 7
REACHED = (NEAR, ELSEWHERE, OVER_CAP, HAD, ELSEWHERE_OFF, NOT_FOR)  # the masks by name, but the last
_EXCEPTIONS = {OVER_CAP: 2, HAD: 3, ELSEWHERE_OFF: 4, NOT_FOR: 5, NOT_CONSIDERED: 6}
# Of a plan: an entry placed, and the code, slug, region and, where the digest tells it, area of its reason.
Row = tuple[int, str, str, str, *tuple[str, ...]]
# The codes of the reasons of entries from elsewhere, best first.
_FAR_CODES = ("elsewhere-barrier", "elsewhere-theme", "elsewhere-area")
_MOST_BARRIERS = 3  # of a case study
_KEPT = 10_000  # answers for what many readers follow alike
_EVERY_AREA = frozenset({ANY_AREA})


@dataclass(frozen=True, slots=True)
class Candidate:
    """Hold the parts of an entry that are matched with a reader's interests; `regions` is never empty.

    `entry` is its id, `release` its newest release in this edition; `barriers` are those of a case study. Readers who
    have chosen a region or policy area of `not_for` do not get it.
    """

    entry: int
    release: int
    kind: str
    policy_areas: tuple[str, ...]
    regions: tuple[str, ...]
    themes: tuple[str, ...]
    barriers: tuple[str, ...] = ()
    source: str = ""
    not_for: tuple[str, ...] = ()


def candidate_of(entry: Entry, release: int) -> Candidate:
    """Return the candidate for an entry with the number of its newest release."""
    facets = entry.facets
    shown = letter_line(entry.ingredients, "in-the-way")  # alone, because a reason must name what the card shows
    lines = [shown] if shown and shown.barriers else entry.ingredients
    barriers = dict.fromkeys(slug for line in lines if line.name == "in-the-way" for slug in line.barriers)
    return Candidate(
        entry.id, release, entry.kind, facets.policy_areas, facets.regions, facets.themes,
        tuple(barriers)[:_MOST_BARRIERS], entry.source, entry.edit.not_for if entry.edit else (),
    )  # fmt: skip


def order(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries in the order of an edition: newest day first, and in a day case studies before posts."""

    def key(entry: Entry) -> tuple[int, bool, int]:
        day = (entry.published or entry.first_seen).date().toordinal()
        return -day, entry.kind != CASE_STUDY, entry.id

    return sorted(entries, key=key)


class Matcher:
    """Match the `candidates` of an edition, which are in the edition's order, with readers.

    A digest has at most `cap` entries, of them up to `elsewhere_cap` from elsewhere. `earlier` are case studies of
    the past year: their barriers count, and they are in no digest. The ids `pinned` are the first candidates: in the
    reader's areas no other entry takes their room, and from elsewhere they come first.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        *,
        cap: int = 12,
        elsewhere_cap: int = 3,
        earlier: Sequence[Candidate] = (),
        pinned: Collection[int] = (),
    ) -> None:
        self.candidates = candidates
        self._size = len(candidates)
        self._all = (1 << self._size) - 1
        self._cap, self._elsewhere_cap = cap, min(elsewhere_cap, cap)
        self._areas = FacetMasks([candidate.policy_areas for candidate in candidates])
        # An entry of the whole nation counts as one of each region. So does a post of an unknown place, because
        # nobody would get it otherwise; a case study of an unknown place is from elsewhere for everybody.
        self._regions = FacetMasks([candidate.regions for candidate in candidates], always=(NATIONAL, UNKNOWN))
        self._themes = FacetMasks([candidate.themes for candidate in candidates])
        studies = {each.entry: each for each in (*earlier, *candidates) if each.kind == CASE_STUDY and each.barriers}
        self._shared = SharedBarriers((each.policy_areas, each.barriers) for each in studies.values())
        self._sharing = cache(self._areas_sharing)  # because the digests of an edition ask it again and again
        self._barriers = FacetMasks([_barriers(each) for each in candidates], followers=self._sharing)
        self._studies = mask_of(candidate.kind == CASE_STUDY for candidate in candidates)
        self._unplaced_studies = self._studies & mask_of(UNKNOWN in candidate.regions for candidate in candidates)
        self._not_for = FacetMasks([candidate.not_for for candidate in candidates])
        self._pinned = self._among(pinned)
        self._kin = kin([each.regions for each in candidates], [each.source for each in candidates], but=UNKNOWN)
        self._by_areas = lru_cache(maxsize=_KEPT)(self._of_areas)
        self._by_regions = lru_cache(maxsize=_KEPT)(self._regions.followed)
        self._by_themes = lru_cache(maxsize=_KEPT)(self._themes.followed)
        self._varied = lru_cache(maxsize=_KEPT)(self._best_varied)
        self._in_their_areas = cache(self._place_near)  # because most digests share these
        self._considered = cache(lambda mark: mask_of(candidate.release > mark for candidate in candidates))

    def match(self, interests: Interests, mark: int, had: Collection[int] = ()) -> Match:
        """Return what a reader gets of the entries released after their `mark` that they have not `had` already.

        *In your areas* has the entries of a followed policy area in a followed region or national, and the posts of
        an unknown place. *From elsewhere* has the best (`_best`) of the case studies of other regions, and of unknown
        places, that share a barrier with a followed policy area, or are on a followed theme or policy area. A reader
        who names no policy area follows them all, and so with regions; a reader who names no theme gets no entry by
        its theme. An entry that is not for a region or policy area goes to nobody who names it.
        """
        considered = self._considered(mark)
        earlier = considered & self._among(had) if had else 0
        offered = considered ^ earlier
        kept = self._kept_from(offered, interests) if self._not_for.span else 0
        offered ^= kept
        area, areas, barrier, barriers = self._by_areas(interests.policy_areas)
        far_shown = unshared = themes = over = off = 0
        if interests.regions:
            region, regions = self._by_regions(interests.regions)
            region &= ~self._unplaced_studies
            theme, themes = self._by_themes(interests.themes)
            away = offered & self._studies & ~region
            followed = away & (area | theme)
            if interests.elsewhere:
                most = self._most_far(offered & area & region) if self._pinned else self._elsewhere_cap
                far_shown = self._best(away & barrier, away & theme, followed, most)
                unshared = far_shown & ~barrier
                over = followed & ~far_shown
            else:
                off = followed
        else:
            region = regions = self._all  # so that the reason is the first region of each entry
        near = offered & area & region
        # Case studies from elsewhere go first under the cap, because a busy policy area would crowd them out.
        near_shown = first(near, self._cap - far_shown.bit_count())
        areas &= (near_shown | unshared) * self._areas.each
        regions &= near_shown * self._regions.each
        themes &= (unshared & ~area) * self._themes.each
        barriers &= far_shown * self._barriers.each
        reasons = (barriers << self._themes.span | themes) << self._regions.span | regions
        reasons = reasons << self._areas.span | areas
        size = self._size
        unshown = (((considered << size | kept) << size | off) << size | earlier) << size | near ^ near_shown | over
        return Match(((reasons << (_MASKS - 2) * size | unshown) << size | far_shown) << size | near_shown)

    def _of_areas(self, wanted: frozenset[str]) -> tuple[int, int, int, int]:
        """Return the entries of the wanted policy areas, and those of a barrier that is shared with them, as masks.

        Each is followed by the same by rank, as `FacetMasks.followed` returns it. None wanted means all.
        """
        area, areas = self._areas.followed(wanted) if wanted else (self._all, 0)
        return area, areas, *self._barriers.followed(wanted or _EVERY_AREA)

    def _kept_from(self, offered: int, interests: Interests) -> int:
        """Return the mask of the entries that are not for a region or policy area which a reader has chosen."""
        return offered & self._not_for.followed(interests.policy_areas | interests.regions)[0]

    def _most_far(self, near: int) -> int:
        """Return how many entries from elsewhere have room beside the pinned ones of those in the reader's areas."""
        return max(0, min(self._elsewhere_cap, self._cap - (near & self._pinned).bit_count()))

    def _best(self, barrier: int, theme: int, followed: int, count: int) -> int:
        """Return the mask of up to `count` case studies from elsewhere that are shown.

        Pinned ones on what the reader follows come first. Those of a shared barrier are next, and among them those
        that are on what the reader follows; of the others at most one is shown, of a region and a source of its own.
        Then come those on a followed theme, then those of a followed policy area. Two of a region, or else of a
        source, are shown only when they are pinned or no other is left.
        """
        strange = barrier & ~followed
        if not strange and followed.bit_count() <= count:
            return followed
        return self._varied(barrier & followed, strange, theme, followed, count)

    def _best_varied(self, shared: int, strange: int, theme: int, followed: int, count: int) -> int:
        # However alike they are, because an editor has pinned each of them.
        ahead = first(self._pinned & followed, count)
        tiers = (self._pinned & strange, shared, strange, theme, followed)
        return varied(tiers, self._kin, count, single=strange, taken=ahead)

    def shown_in(self, match: Match) -> Match:
        """Return a match without why other entries are left out: what it shows, and for which reasons."""
        shown, reasons = (1 << 2 * self._size) - 1, _MASKS * self._size
        return Match(match & shown | match >> reasons << reasons)

    def joined(self, match: Match, carried: Match) -> Match:
        """Return a match that shows nothing with the match of what is carried over in the place of its reasons."""
        return Match(match | carried << _MASKS * self._size)

    def carried_in(self, match: Match) -> Match:
        """Return the match of what is carried over that `joined` put into a match, or 0."""
        return Match(0 if self.shows(match) else match >> _MASKS * self._size)

    def shows(self, match: Match) -> bool:
        """Return whether a match shows any entry."""
        return match & (1 << 2 * self._size) - 1 != 0

    def entries(self, match: Match) -> frozenset[int]:
        """Return the ids of the entries that a match shows."""
        return frozenset([self.candidates[number].entry for number in bits(self.mask_shown(match))])

    def mask_shown(self, match: Match) -> int:
        """Return the mask of the candidates that a match shows."""
        return (match | match >> self._size) & self._all

    def entries_from_elsewhere(self, match: Match) -> frozenset[int]:
        """Return the ids of the entries that a match shows from elsewhere."""
        return frozenset([self.candidates[number].entry for number in bits(match >> self._size & self._all)])

    def entries_over_cap(self, match: Match) -> frozenset[int]:
        """Return the ids of the entries for which a match has no room."""
        return frozenset([self.candidates[number].entry for number in bits(match >> 2 * self._size & self._all)])

    def forget_answers(self) -> None:
        """Let go of what is remembered of interests, because it grows with each reader who follows something else."""
        for remembered in (self._by_areas, self._by_regions, self._by_themes, self._varied):
            remembered.cache_clear()

    def count_shown(self, match: Match) -> int:
        """Return the number of entries that a match shows."""
        return (match & (1 << 2 * self._size) - 1).bit_count()

    def reach(self, matches: Mapping[Match, int]) -> dict[str, list[int]]:
        """Return by name of REACHED for how many readers each candidate is there; `matches` have their readers."""
        masks, size = len(REACHED), self._size
        each = (1 << masks * size) - 1
        counts = count_bits(((match & each, readers) for match, readers in matches.items()), masks * size)
        return {name: counts[number * size : (number + 1) * size] for number, name in enumerate(REACHED)}

    def plan(self, match: Match) -> dict[str, Any]:
        """Return a match as the plan that is stored of its digest (`digest.store.plans`)."""
        size, every = self._size, self._all
        near, far, over = match & every, match >> size & every, match >> 2 * size & every
        sections: list[dict[str, Any]] = []
        groups = self._by_policy_area(near, match).items()
        if near:
            sections.append({"key": "areas", "groups": [{"slug": slug, "placed": rows} for slug, rows in groups]})
        if far:
            rows = {number: self._from_elsewhere(number, match) for number in bits(far)}
            all_rows = [*rows.values(), *(row for _, some in groups for row in some)]
            theirs = {row[2] for row in all_rows if row[1] in ("area", "elsewhere-area")}
            best = sorted(rows, key=lambda n: (not self._pinned >> n & 1, _FAR_CODES.index(rows[n][1])))
            placed = [self._with_area(number, rows[number], theirs) for number in best]
            sections.append({"key": "elsewhere", "groups": [{"slug": "", "placed": placed}]})
        return {"sections": sections, "more": over.bit_count(), "left_out": self._exceptions(match)}

    def shortened(self, match: Match, entries: Collection[int]) -> Match:
        """Return a match with some of the entries that it shows moved over the cap."""
        moved = self._among(entries)
        facets = (self._areas, self._regions, self._themes, self._barriers)
        ranks = sum(facet.ranks for facet in facets)
        shown = repeated(2, self._size) | repeated(ranks, self._size) << _MASKS * self._size
        return Match(match & ~(moved * shown) | moved << 2 * self._size)

    def _exceptions(self, match: Match) -> dict[str, list[int]]:
        """Return the entries that a match neither shows nor leaves out as outside the interests, by code."""
        masks = {code: match >> number * self._size & self._all for code, number in _EXCEPTIONS.items()}
        masks[NOT_CONSIDERED] ^= self._all
        return {
            code: [self.candidates[number].entry for number in bits(mask)] for code, mask in masks.items() if mask
        }

    def _among(self, entries: Collection[int]) -> int:
        return mask_of(candidate.entry in entries for candidate in self.candidates)

    def _by_policy_area(self, near: int, match: Match) -> dict[str, list[Row]]:
        """Group entries under the followed policy area; groups stand in the order of their first entries."""
        areas = match >> _MASKS * self._size
        regions = areas >> self._areas.span
        groups: dict[str, list[Row]] = {}
        for number in bits(near):
            ranks = areas >> number & self._areas.each, regions >> number & self._regions.each
            heading, row = self._in_their_areas(number, *ranks)
            groups.setdefault(heading, []).append(row)
        return groups

    def _place_near(self, number: int, area_rank: int, region_rank: int) -> tuple[str, Row]:
        """Place an entry of a followed policy area in a followed region; return its heading too."""
        candidate = self.candidates[number]
        area = self._areas.value(number, area_rank)
        heading = area or (candidate.policy_areas[0] if candidate.policy_areas else "")
        return heading, (candidate.entry, "area", area, self._regions.value(number, region_rank))

    def _from_elsewhere(self, number: int, match: Match) -> Row:
        """Place an entry from elsewhere by its barrier, else by its policy area, else by its theme."""
        areas = match >> _MASKS * self._size + number
        themes = areas >> self._areas.span + self._regions.span
        candidate = self.candidates[number]
        if barrier := self._barriers.value(number, themes >> self._themes.span):
            return candidate.entry, "elsewhere-barrier", barrier, candidate.regions[0]
        if theme := self._themes.value(number, themes):
            return candidate.entry, "elsewhere-theme", theme, candidate.regions[0]
        return candidate.entry, "elsewhere-area", self._areas.value(number, areas), candidate.regions[0]

    def _with_area(self, number: int, row: Row, theirs: set[str]) -> Row:
        """Return a row with the policy area that shares its barrier, where all readers of the digest follow it.

        They follow the only one that shares it, because they get the entry for that; of several, one of `theirs`, the
        policy areas that other reasons of the digest name. The area is read off the match, so that no reader gets
        another digest for it.
        """
        if row[1] != "elsewhere-barrier":
            return row
        sharing = {*self._sharing(number, row[2])} - {ANY_AREA}
        area = min(sharing if len(sharing) == 1 else sharing & theirs, default="")
        return (*row, area) if area else row

    def _areas_sharing(self, number: int, barrier: str) -> list[str]:
        """Return the policy areas that share a barrier with a candidate."""
        return self._shared.areas(self.candidates[number].policy_areas, barrier)


def _barriers(candidate: Candidate) -> tuple[str, ...]:
    return candidate.barriers if candidate.kind == CASE_STUDY else ()
