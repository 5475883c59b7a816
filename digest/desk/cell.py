"""Open a cell of the coverage: its readers, what they follow and get, and the nearest entries that they miss.

No whole address is shown, because pages are printed and looked at over a shoulder: ids name the readers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection

from digest.desk.counts import EditionCounts
from digest.desk.words import NO_LETTER, masked_address
from digest.editions.plan import Offer, Planned, Planner, Standing
from digest.group import HAD, NOT_CONSIDERED, NOT_FOR, OVER_CAP
from digest.installation import Installation
from digest.model import CASE_STUDY, UNKNOWN, Digest, Entry
from digest.store.silence import last_letters
from subscribers.followed import following
from subscribers.model import Interests

PAGE_OF_READERS = 50
MOST_MISSED = 3  # entries told to each reader
_MOST_TRIED = 8  # entries whose choices are tried for a reader, because each try is a match

# Entries that are left out for these reasons come by no other choice of the reader.
_SETTLED = (OVER_CAP, HAD, NOT_FOR, NOT_CONSIDERED)


class Missed(NamedTuple):
    """Hold an entry that a reader does not get, and the choice that would bring it, as `Addition` names it."""

    entry: Entry
    facet: str
    slug: str


class ReaderInCell(NamedTuple):
    """Hold a reader of a cell: the masked address, and the slot of the last letter ("" without any).

    `entries` is how many the edition brings them, `over_cap` how many have no room in the letter; without a letter
    `why` says why, else it is "".
    """

    subscriber: int
    address: str
    interests: Interests
    last_letter: str
    entries: int
    over_cap: int
    why: str
    missed: tuple[Missed, ...]


@dataclass(frozen=True, slots=True)
class CellReaders:
    """Hold one page of a cell's readers. `after` is the id to ask the next page with, 0 when this is the last."""

    readers: tuple[ReaderInCell, ...]
    after: int


def readers_of_cell(
    conn: Connection, installation: Installation, counts: EditionCounts, chosen: tuple[str, str], after: int = 0
) -> CellReaders:  # fmt: skip
    """Return a page of the readers who chose a policy area and a region ("" for those who chose none).

    `counts` are of the edition. The readers are planned anew, by the function that freezes.
    """
    edition, settings = counts.edition, installation.settings
    readers = following(conn, edition.cadence, chosen, after=after, limit=PAGE_OF_READERS + 1)
    page = readers[:PAGE_OF_READERS]
    planner = Planner(conn, settings, edition, counts.shown, installation.secret, installation.clock())
    standings = planner.standings(page)
    nearest = _Nearest(planner.offer, {row.entry.id: row.entry for row in counts.shown if row.release})
    last = last_letters(conn, [reader.id for reader in page])
    rows = [
        _row(planner.offer, nearest, standing, planned, last)
        for standing, planned in zip(standings, planner.plans(standings), strict=True)
    ]
    return CellReaders(tuple(rows), page[-1].id if len(readers) > len(page) else 0)


def _row(
    offer: Offer, nearest: _Nearest, standing: Standing, planned: Planned, last: Mapping[int, str]
) -> ReaderInCell:  # fmt: skip
    reader = standing.reader
    digest = offer.digest(planned)
    why = "" if planned.state == "pending" else NO_LETTER.get(planned.reason or planned.state, planned.reason)
    over_cap = sum(code == OVER_CAP for _, code in digest.left_out) if digest else 0
    return ReaderInCell(
        reader.id, masked_address(reader.email), reader.interests, last.get(reader.id, ""),
        len(digest.placed) if digest else 0, over_cap, why,
        tuple(nearest.missed(standing, digest)) if digest else (),
    )  # fmt: skip


class _Nearest:
    """Finds the entries that a single further choice would bring a reader, by the rule of letters itself."""

    def __init__(self, offer: Offer, entries: Mapping[int, Entry]) -> None:
        self._offer = offer
        self._entries = entries
        self._brought: dict[
            tuple[Interests, int, frozenset[int]], frozenset[int]
        ] = {}  # many readers follow the same

    def missed(self, standing: Standing, digest: Digest) -> Iterator[Missed]:
        """Yield up to MOST_MISSED entries that a digest leaves out, the nearest first, each with its choice."""
        shown = {placed.entry for placed in digest.placed}
        out = dict(digest.left_out)
        others = [
            entry
            for number, entry in self._entries.items()
            if number in out and number not in shown and out[number] not in _SETTLED
        ]
        count = 0
        for entry in sorted(others, key=lambda each: _distance(standing.reader.interests, each))[:_MOST_TRIED]:
            for facet, slug, changed in _choices(standing.reader.interests, entry):
                if entry.id in self._with(standing, changed):
                    yield Missed(entry, facet, slug)
                    count += 1
                    break
            if count == MOST_MISSED:
                return

    def _with(self, standing: Standing, interests: Interests) -> frozenset[int]:
        """Return the entries that a reader would get if they followed something else."""
        key = interests, standing.mark, frozenset(standing.had)
        if key not in self._brought:
            reader = standing.reader
            other = (
                reader._replace(interests=interests)
                if isinstance(reader, tuple)
                else replace(reader, interests=interests)
            )
            planned = self._offer.planned(standing._replace(reader=other))
            brought = self._offer.matchers[0].entries(planned.match) if planned.match is not None else frozenset()
            self._brought[key] = brought
        return self._brought[key]


def _distance(interests: Interests, entry: Entry) -> tuple[int, bool]:
    """Return how far an entry is from what a reader follows: 0 lacks a region or a switch only, 1 a policy area."""
    facets = entry.facets
    areas = not interests.policy_areas or not interests.policy_areas.isdisjoint(facets.policy_areas)
    return (0 if areas else 1), entry.kind != CASE_STUDY


def _choices(interests: Interests, entry: Entry) -> Iterator[tuple[str, str, Interests]]:
    """Yield the single choices that could bring an entry, the smallest step first, with what is followed then."""
    facets, wanted = entry.facets, interests
    if wanted.regions and not wanted.elsewhere:
        yield "elsewhere", "", replace(wanted, elsewhere=True)
    if wanted.regions:
        for slug in _new(facets.regions, wanted.regions):
            yield "region", slug, replace(wanted, regions=wanted.regions | {slug})
    if wanted.policy_areas:
        for slug in _new(facets.policy_areas, wanted.policy_areas):
            yield "policy_area", slug, replace(wanted, policy_areas=wanted.policy_areas | {slug})
    if wanted.regions and wanted.elsewhere:
        for slug in _new(facets.themes, wanted.themes):
            yield "theme", slug, replace(wanted, themes=wanted.themes | {slug})


def _new(values: Sequence[str], followed: frozenset[str]) -> list[str]:
    return [slug for slug in values if slug not in followed and slug != UNKNOWN]  # which nobody can choose
