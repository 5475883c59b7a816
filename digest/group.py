"""Select the entries of an edition that a reader gets, in which section, and why. Pure.

`Matcher` answers for one edition. Its answer is a match, a whole number of bit masks in which bit n of a mask stands
for the edition's entry n: a reader costs a few operations on numbers, however many entries there are, and readers
with equal matches share a digest.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NewType

from digest.model import CASE_STUDY, NATIONAL, UNKNOWN, Entry
from subscribers.model import Interests

# Why a considered entry is not in a digest: it matches nothing the reader follows, the cap is reached, the reader has
# had it already, or the reader has switched off the section From elsewhere.
OUTSIDE, OVER_CAP, HAD, ELSEWHERE_OFF = "outside", "over-cap", "had", "elsewhere-off"
NOT_CONSIDERED = "not-considered"  # among a match's exceptions: the entries up to the reader's mark

# The masks of a match, lowest bits first: the entries shown in the reader's areas and from elsewhere, those over the
# cap, had and switched off, and all that were considered. After them stand the reasons of the entries shown: the
# masks by rank (`_FacetMasks.followed`) of policy areas, regions and themes.
Match = NewType("Match", int)
_MASKS = 6
_EXCEPTIONS = {OVER_CAP: 2, HAD: 3, ELSEWHERE_OFF: 4, NOT_CONSIDERED: 5}
Row = tuple[int, str, str, str]  # of a plan: an entry placed, and the code, slug and region of its reason
_KEPT = 10_000  # sets of followed values whose masks are kept, because many readers follow the same


@dataclass(frozen=True, slots=True)
class Candidate:
    """Hold the parts of an entry that are matched with a reader's interests; `regions` is never empty.

    `entry` is its id, `release` its newest release in this edition.
    """

    entry: int
    release: int
    kind: str
    policy_areas: tuple[str, ...]
    regions: tuple[str, ...]
    themes: tuple[str, ...]


def candidate_of(entry: Entry, release: int) -> Candidate:
    """Return the candidate for an entry with the number of its newest release."""
    facets = entry.facets
    return Candidate(entry.id, release, entry.kind, facets.policy_areas, facets.regions, facets.themes)


def order(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries in the order of an edition: newest day first, and in a day case studies before posts."""

    def key(entry: Entry) -> tuple[int, bool, int]:
        day = (entry.published or entry.first_seen).date().toordinal()
        return -day, entry.kind != CASE_STUDY, entry.id

    return sorted(entries, key=key)


class Matcher:
    """Match the `candidates` of an edition, which are in the edition's order, with readers.

    A digest has at most `cap` entries, of them up to `elsewhere_cap` from elsewhere.
    """

    def __init__(self, candidates: Sequence[Candidate], *, cap: int = 12, elsewhere_cap: int = 3) -> None:
        self.candidates = candidates
        self._size = len(candidates)
        self._all = (1 << self._size) - 1
        self._cap, self._elsewhere_cap = cap, min(elsewhere_cap, cap)
        self._areas = _FacetMasks([candidate.policy_areas for candidate in candidates])
        # An entry of the whole nation counts as one of each region. So does a post of an unknown place, because
        # nobody would get it otherwise; a case study of an unknown place is from elsewhere for everybody.
        self._regions = _FacetMasks([candidate.regions for candidate in candidates], always=(NATIONAL, UNKNOWN))
        self._themes = _FacetMasks([candidate.themes for candidate in candidates])
        self._studies = _mask(candidate.kind == CASE_STUDY for candidate in candidates)
        self._unplaced_studies = self._studies & _mask(UNKNOWN in candidate.regions for candidate in candidates)
        self._in_their_areas = cache(self._place_near)  # because most digests share these
        self._considered = cache(lambda mark: _mask(candidate.release > mark for candidate in candidates))

    def match(self, interests: Interests, mark: int, had: Collection[int] = ()) -> Match:
        """Return what a reader gets of the entries released after their `mark` that they have not `had` already.

        *In your areas* has the entries of a followed policy area in a followed region or national, and the posts of
        an unknown place. *From elsewhere* has the case studies of other regions, and of unknown places, on a
        followed policy area or theme. A reader who names no policy area
        follows them all, and so with regions; a reader who names no theme gets no entry by its theme.
        """
        considered = self._considered(mark)
        earlier = considered & self._among(had) if had else 0
        offered = considered ^ earlier
        area, areas = self._areas.followed(interests.policy_areas) if interests.policy_areas else (self._all, 0)
        themes = far = off = 0
        if interests.regions:
            region, regions = self._regions.followed(interests.regions)
            region &= ~self._unplaced_studies
            theme, themes = self._themes.followed(interests.themes)
            far = offered & self._studies & ~region & (area | theme)
            if not interests.elsewhere:
                far, off = 0, far
        else:
            region = regions = self._all  # so that the reason is the first region of each entry
        near = offered & area & region
        # Case studies from elsewhere go first under the cap, because a busy policy area would crowd them out.
        far_shown = _first(far, self._elsewhere_cap)
        near_shown = _first(near, self._cap - far_shown.bit_count())
        areas &= (near_shown | far_shown & area) * self._areas.each
        regions &= near_shown * self._regions.each
        themes &= (far_shown & ~area) * self._themes.each
        reasons = (themes << self._regions.span | regions) << self._areas.span | areas
        over = near ^ near_shown | far ^ far_shown
        size = self._size
        unshown = ((considered << size | off) << size | earlier) << size | over
        return Match(((reasons << 4 * size | unshown) << size | far_shown) << size | near_shown)

    def shows(self, match: Match) -> bool:
        """Return whether a match shows any entry."""
        return match & (1 << 2 * self._size) - 1 != 0

    def plan(self, match: Match) -> dict[str, Any]:
        """Return a match as the plan that is stored of its digest (`digest.store.plans`)."""
        size, every = self._size, self._all
        near, far, over = match & every, match >> size & every, match >> 2 * size & every
        sections: list[dict[str, Any]] = []
        if near:
            groups = self._by_policy_area(near, match).items()
            sections.append({"key": "areas", "groups": [{"slug": slug, "placed": rows} for slug, rows in groups]})
        if far:
            rows = [self._from_elsewhere(number, match) for number in _bits(far)]
            sections.append({"key": "elsewhere", "groups": [{"slug": "", "placed": rows}]})
        return {"sections": sections, "more": over.bit_count(), "left_out": self._exceptions(match)}

    def shortened(self, match: Match, entries: Collection[int]) -> Match:
        """Return a match with some of the entries that it shows moved over the cap."""
        moved = self._among(entries)
        ranks = self._areas.ranks + self._regions.ranks + self._themes.ranks
        shown = _repeated(2, self._size) | _repeated(ranks, self._size) << _MASKS * self._size
        return Match(match & ~(moved * shown) | moved << 2 * self._size)

    def _exceptions(self, match: Match) -> dict[str, list[int]]:
        """Return the entries that a match neither shows nor leaves out as outside the interests, by code."""
        masks = {code: match >> number * self._size & self._all for code, number in _EXCEPTIONS.items()}
        masks[NOT_CONSIDERED] ^= self._all
        return {
            code: [self.candidates[number].entry for number in _bits(mask)] for code, mask in masks.items() if mask
        }

    def _among(self, entries: Collection[int]) -> int:
        return _mask(candidate.entry in entries for candidate in self.candidates)

    def _by_policy_area(self, near: int, match: Match) -> dict[str, list[Row]]:
        """Group entries under the followed policy area; groups stand in the order of their first entries."""
        areas = match >> _MASKS * self._size
        regions = areas >> self._areas.span
        groups: dict[str, list[Row]] = {}
        for number in _bits(near):
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
        """Place an entry from elsewhere, with its theme as the reason only where no policy area of it is followed."""
        areas = match >> _MASKS * self._size + number
        candidate = self.candidates[number]
        if theme := self._themes.value(number, areas >> self._areas.span + self._regions.span):
            return candidate.entry, "elsewhere-theme", theme, candidate.regions[0]
        return candidate.entry, "elsewhere-area", self._areas.value(number, areas), candidate.regions[0]


class _FacetMasks:
    """The values of one facet of an edition's entries, each entry's strongest first, as masks.

    `ranks` is the most values that an entry has, `span` the bits of a mask for each rank. Times `each`, a mask is
    repeated for each rank. A value of `always` is followed by every reader.
    """

    def __init__(self, values: Sequence[tuple[str, ...]], always: tuple[str, ...] = ()) -> None:
        self._values, self._always, self._size = values, always, len(values)
        self.ranks = max(map(len, values), default=0)
        self.span = self.ranks * self._size
        self.each = _repeated(self.ranks, self._size)
        self._masks: list[dict[str, int]] = [{} for _ in range(self.ranks)]
        for number, slugs in enumerate(values):
            for rank, slug in enumerate(slugs):
                self._masks[rank][slug] = self._masks[rank].get(slug, 0) | 1 << number
        self.followed = lru_cache(maxsize=_KEPT)(self._followed)

    def _followed(self, wanted: frozenset[str]) -> tuple[int, int]:
        """Return the mask of the entries with a value that is wanted, and the same by rank.

        By rank: a mask for each rank, one above the other, of the entries whose first value that is wanted has it.
        """
        entries = by_rank = 0
        for rank, masks in enumerate(self._masks):
            here = 0
            for slug in (*wanted, *self._always):
                here |= masks.get(slug, 0)
            by_rank |= (here & ~entries) << rank * self._size
            entries |= here
        return entries, by_rank

    def value(self, number: int, rank: int) -> str:
        """Return the value of an entry that masks by rank, shifted by its number, point to; "" for none."""
        for slug in self._values[number]:
            if rank & 1:
                return slug
            rank >>= self._size
        return ""


def _mask(entries: Iterable[bool]) -> int:
    """Return the mask of the entries that are true."""
    return sum(1 << number for number, is_in in enumerate(entries) if is_in)


def _repeated(times: int, size: int) -> int:
    """Return the number that, times a mask of `size` bits, is the mask repeated."""
    return sum(1 << number * size for number in range(times))


def _bits(mask: int) -> Iterator[int]:
    """Yield the numbers of a mask's entries, in the edition's order."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _first(mask: int, count: int) -> int:
    """Return the mask of the first `count` entries of a mask."""
    while mask.bit_count() > count:
        mask ^= 1 << mask.bit_length() - 1
    return mask
