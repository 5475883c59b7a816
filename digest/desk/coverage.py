"""Hold an edition's entries against what its readers follow: policy areas × regions, and who or what is left out.

`cover` makes it of the counts that all pages share. `digest.desk.cell` opens the readers of one cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from digest.config.settings import Settings
from digest.desk.counts import ANY, DigestCount, EditionCounts, EntryReach, count_cadence
from digest.editions.plan import new_entries
from digest.errors import counted
from digest.group import Candidate, Matcher, candidate_of
from digest.installation import Installation
from digest.model import NATIONAL, UNKNOWN, Entry, Taxonomy
from digest.store.engine import reading
from subscribers.model import Interests

EVERY = ""  # in the place of a policy area or region: readers who chose none, and so follow all
MOST_DIGESTS = 10  # of the biggest


class CoverageCell(NamedTuple):
    """Hold one policy area in one region (EVERY for readers who chose none): its readers and its entries.

    `readers` chose it and may be mailed, `unmailed` chose it and may not. `entries` are those of the edition that a
    reader of just this gets in their areas; `shared` of them are for every region. `before` is the number of such
    entries in the last edition, None without one.
    """

    area: str
    region: str
    readers: int
    unmailed: int
    entries: tuple[int, ...]
    shared: int
    before: int | None

    @property
    def is_uncovered(self) -> bool:
        """Return whether readers follow this, and the edition has nothing on it."""
        return self.readers > 0 and not self.entries

    @property
    def is_emptied(self) -> bool:
        """Return whether it is uncovered now, and the last edition had entries on it."""
        return self.is_uncovered and bool(self.before)


class Unreached(NamedTuple):
    """Hold an entry that goes to nobody, and why."""

    entry: int
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Hold the coverage of an edition; `rows` has the cells of each policy area, the regions in order, EVERY last.

    `nobody` are the entries that go to nobody, `biggest` the digests of the most readers.
    """

    counts: EditionCounts
    taxonomy: Taxonomy
    rows: tuple[tuple[CoverageCell, ...], ...]
    nobody: tuple[Unreached, ...]
    biggest: tuple[DigestCount, ...]

    @property
    def cells(self) -> Iterator[CoverageCell]:
        """Yield every cell, row by row."""
        for row in self.rows:
            yield from row

    @property
    def uncovered(self) -> list[CoverageCell]:
        """Return the cells with readers and no entry, most readers first."""
        return sorted([cell for cell in self.cells if cell.is_uncovered], key=lambda cell: -cell.readers)

    def cell(self, area: str, region: str) -> CoverageCell | None:
        """Return one cell, or None where config.toml has no such policy area or region."""
        return next((cell for cell in self.cells if (cell.area, cell.region) == (area, region)), None)

    def through_all(self, cell: CoverageCell) -> int:
        """Return how many readers get a cell's entries because they follow every policy area or every region."""
        follow = self.counts.follow
        others = {(cell.area, EVERY), (EVERY, cell.region), (EVERY, EVERY)} - {(cell.area, cell.region)}
        return sum(follow.get(chosen, 0) for chosen in others)


def coverage_of(installation: Installation, cadence: str) -> Coverage:
    """Return the coverage of the edition that a cadence's readers are offered next, counted now.

    Raises ConfigError when config.toml has no such cadence.
    """
    with reading(installation.engine) as conn:
        return cover(installation.settings, count_cadence(conn, installation, cadence))


def cover(settings: Settings, counts: EditionCounts) -> Coverage:
    """Return the coverage of an edition by its counts; reads no database."""
    taxonomy = settings.taxonomy
    new = [row.entry for row in new_entries(counts.shown)]
    here = _Offered([candidate_of(entry, 1) for entry in new])
    before = _Offered(counts.last.entries) if counts.last else None
    everywhere = {entry.id for entry in new if {NATIONAL, UNKNOWN} & set(entry.facets.regions)}
    regions = [*taxonomy.region_names, EVERY]

    def cell(area: str, region: str) -> CoverageCell:
        chosen, entries = (area, region), here.entries(area, region)
        return CoverageCell(
            area, region, counts.follow.get(chosen, 0), counts.unmailed.get(chosen, 0), entries,
            len(everywhere.intersection(entries)), len(before.entries(area, region)) if before else None,
        )  # fmt: skip

    areas = [*(term.slug for term in taxonomy.policy_areas), EVERY]
    nobody = [
        Unreached(entry.id, entry.title, _why_nobody(settings, counts, entry, reach))
        for entry in new
        if not (reach := counts.reach.get(entry.id, EntryReach())).readers
    ]
    rows = tuple(tuple(cell(area, region) for region in regions) for area in areas)
    return Coverage(counts, taxonomy, rows, tuple(nobody), counts.digests[:MOST_DIGESTS])


class _Offered:
    """Tells which entries are in the areas of a reader of one policy area in one region, by the rule of letters."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._matcher = Matcher(candidates, cap=len(candidates), elsewhere_cap=0)
        self._order = [each.entry for each in candidates]

    def entries(self, area: str, region: str) -> tuple[int, ...]:
        """Return the ids in the edition's order."""
        interests = Interests(_set_of(area), _set_of(region), elsewhere=False)
        shown = self._matcher.entries(self._matcher.match(interests, 0))
        return tuple(entry for entry in self._order if entry in shown)


def _set_of(slug: str) -> frozenset[str]:
    return frozenset({slug}) if slug else frozenset()


def _why_nobody(settings: Settings, counts: EditionCounts, entry: Entry, reach: EntryReach) -> str:
    """Return why an entry goes to nobody: what keeps it from those it matches, else what nobody follows."""
    reasons = []
    if reach.over_cap:
        reasons.append(
            f"{counted(reach.over_cap, 'reader follows', 'readers follow')} it, but their letters have no room for it"
            f" (at most {counted(settings.letter_cap, 'entry', 'entries')})"
        )
    if reach.off:
        off = counted(reach.off, "reader has", "readers have")
        reasons.append(f"{off} switched off what comes from elsewhere")
    if reach.had:
        reasons.append(f"{counted(reach.had, 'reader has', 'readers have')} had it already")
    return "; ".join(reasons) or _nobody_follows(settings.taxonomy, counts, entry)


def _nobody_follows(taxonomy: Taxonomy, counts: EditionCounts, entry: Entry) -> str:
    facets, follow = entry.facets, counts.follow
    if not follow.get((ANY, ANY)):
        return "no reader of this cadence may be mailed"
    areas = ", ".join(taxonomy.name(slug) for slug in facets.policy_areas)
    if not any(follow.get((slug, ANY)) for slug in (*facets.policy_areas, EVERY)):
        return f"nobody follows {areas}" if areas else "it has no policy area, and nobody follows every policy area"
    regions = [slug for slug in facets.regions if slug not in (NATIONAL, UNKNOWN)]
    places = ", ".join(taxonomy.name(slug) for slug in regions)
    cells = [(area, region) for area in (*facets.policy_areas, EVERY) for region in (*regions, EVERY)]
    if regions and not any(follow.get(cell) for cell in cells):
        readers = max(follow.get((slug, ANY), 0) for slug in (*facets.policy_areas, EVERY))
        follows = f"{counted(readers, 'reader follows', 'readers follow')} {areas or 'every policy area'}"
        return f"{follows}, none of them in {places}"
    if entry.edit and entry.edit.not_for:
        names = ", ".join(taxonomy.name(slug) for slug in entry.edit.not_for)
        return f"it is not for readers who chose {names}, and nobody else follows it"
    return "it was released before the readers who follow it joined"
