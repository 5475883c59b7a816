"""Read the cells of a CSV row as changes to a subscriber, and refuse values that config.toml does not have. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from subscribers.addresses import Address, parse_address
from subscribers.csv.rows import CsvRow
from subscribers.errors import BadAddress
from subscribers.facets import KnownFacets, quoted
from subscribers.languages import is_language_tag
from subscribers.rows import clean_name
from subscribers.tables import REASONS, STATES

_YES = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}
T = TypeVar("T")
_MOST_REMEMBERED = 50_000  # cells, for each facet


@dataclass(frozen=True, slots=True)
class RowChanges:
    """The changes that one CSV row asks for. None: the cell is blank or has no column, so nothing changes.

    `counted` false: the report has counted this row already (it repeats an address, and asks to leave).
    """

    line: int
    address: Address
    name: str | None = None
    cadence: str | None = None
    policy_areas: frozenset[str] | None = None
    regions: frozenset[str] | None = None
    themes: frozenset[str] | None = None
    elsewhere: bool | None = None
    language: str | None = None
    state: str | None = None
    paused_until: datetime | None = None
    joined_at: datetime | None = None
    suppressed: str | None = None
    counted: bool = True

    @property
    def stops(self) -> str | None:
        """The reason of the suppression that this row asks for, or None."""
        return self.suppressed or ("left" if self.state == "left" else None)


class BadCell(Exception):
    """A cell holds a value that the import refuses; the message names it and the cure, never an address."""


@dataclass(slots=True)
class CellReader:
    """Reads rows, and checks them against the facets and cadences of config.toml.

    It remembers the cells of facets that it has read, because many subscribers follow the same.
    """

    known_facets: KnownFacets
    cadences: tuple[str, ...]
    _facets: dict[str, _Facet] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._facets = {facet: _Facet(facet, self.known_facets) for facet in ("policy_areas", "regions", "themes")}

    def read(self, row: CsvRow) -> RowChanges:
        """Return the changes that the row asks for. Raises BadCell for the first cell that is wrong."""
        cells = row.cells
        try:
            address = parse_address(cells.get("email", ""))
        except BadAddress as error:
            raise BadCell(str(error)) from None

        return RowChanges(
            line=row.line,
            address=address,
            name=clean_name(cells.get("name") or address.name) or None,
            cadence=_unless_blank(cells, "cadence", self._cadence),
            policy_areas=_unless_blank(cells, "policy_areas", self._facets["policy_areas"].read),
            regions=_unless_blank(cells, "regions", self._facets["regions"].read),
            themes=_unless_blank(cells, "themes", self._facets["themes"].read),
            elsewhere=_unless_blank(cells, "elsewhere", _yes_or_no),
            language=_unless_blank(cells, "language", _language),
            state=_unless_blank(cells, "state", _state),
            paused_until=_unless_blank(cells, "paused_until", _instant),
            joined_at=_unless_blank(cells, "joined_at", _instant),
            suppressed=_unless_blank(cells, "suppressed", _reason),
        )

    def _cadence(self, text: str) -> str:
        return _choice("cadence", text, self.cadences)


class _Facet:
    """Reads the cells of one facet: slugs or names split by ";" ("all" alone: follow all of it)."""

    def __init__(self, facet: str, facets: KnownFacets) -> None:
        self.facet = facet
        self.facets = facets
        self.remembered: dict[str, frozenset[str]] = {}

    def read(self, cell: str) -> frozenset[str]:
        """Return the slugs of a cell. Raises BadCell."""
        slugs = self.remembered.get(cell)
        if slugs is None:
            slugs = self._read(cell)
            if len(self.remembered) < _MOST_REMEMBERED:
                self.remembered[cell] = slugs
        return slugs

    def _read(self, cell: str) -> frozenset[str]:
        words = [word.strip() for word in cell.split(";") if word.strip()]
        if len(words) == 1 and words[0].lower() == "all" and self.facets.slug(self.facet, "all") is None:
            return frozenset()
        slugs, problems = self.facets.read(self.facet, words)
        if problems:
            raise BadCell(problems[0] + ('; split several by ";"' if "," in cell else ""))
        return frozenset(slugs)


def _unless_blank(cells: Mapping[str, str], name: str, read: Callable[[str], T]) -> T | None:
    """Return the value that `read` makes of a cell, or None when the cell is blank or missing."""
    text = cells.get(name)
    return read(text) if text else None


def _choice(title: str, text: str, choices: tuple[str, ...]) -> str:
    """Return the word of `choices` that `text` is, in upper or lower case. Raises BadCell when it is none of them."""
    word = text.lower()
    if word in choices:
        return word
    near = difflib.get_close_matches(word[:60], choices, n=1, cutoff=0.7)
    cure = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(choices)}"
    raise BadCell(f"{title} {quoted(text)} is not known; {cure}")


def _yes_or_no(text: str) -> bool:
    if text.lower() not in _YES:
        raise BadCell(f"elsewhere {quoted(text)} is neither yes nor no")
    return _YES[text.lower()]


def _language(text: str) -> str:
    if not is_language_tag(text):
        raise BadCell(f"language {quoted(text)} is not a language code; write one like 'en' or 'cy'")
    return text


def _state(text: str) -> str:
    return _choice("state", text, STATES)


def _reason(text: str) -> str:
    return _choice("suppressed", text, REASONS)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell(f"{quoted(text)} is not a date; write it like 2026-12-31 or 2026-12-31T08:00Z") from None
