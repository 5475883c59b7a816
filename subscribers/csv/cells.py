"""What the cells of a row say of a subscriber, checked against what config.toml knows. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from subscribers.addresses import Address, parse_address
from subscribers.csv.rows import CsvRow
from subscribers.errors import BadAddress
from subscribers.facets import KnownFacets, shown
from subscribers.languages import is_language_tag
from subscribers.rows import clean_name
from subscribers.tables import REASONS, STATES

_YES = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}
T = TypeVar("T")
_REMEMBERED = 50_000  # cells, each facet


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one row asks for. None: the cell is blank or its column is not there, so it asks for nothing.

    `counted` false: the row stands in the report already (an address seen before, that now leaves).
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
        """The reason for a suppression that this row asks for, or None."""
        return self.suppressed or ("left" if self.state == "left" else None)


class BadCell(Exception):
    """A cell says something we cannot take; the message names it and the cure, never an address."""


@dataclass(slots=True)
class CellReader:
    """Reads rows against known facets and cadences, remembering list cells: most readers follow the same."""

    known: KnownFacets
    cadences: tuple[str, ...]
    _facets: dict[str, _Facet] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._facets = {facet: _Facet(facet, self.known) for facet in ("policy_areas", "regions", "themes")}

    def read(self, row: CsvRow) -> Wanted:
        """Return what the row asks for, or raise BadCell for the first cell that is wrong."""
        cells = row.cells
        try:
            address = parse_address(cells.get("email", ""))
        except BadAddress as error:
            raise BadCell(str(error)) from None

        return Wanted(
            line=row.line,
            address=address,
            name=clean_name(cells.get("name") or address.name) or None,
            cadence=_if_said(cells, "cadence", self._cadence),
            policy_areas=_if_said(cells, "policy_areas", self._facets["policy_areas"].read),
            regions=_if_said(cells, "regions", self._facets["regions"].read),
            themes=_if_said(cells, "themes", self._facets["themes"].read),
            elsewhere=_if_said(cells, "elsewhere", _yes_or_no),
            language=_if_said(cells, "language", _language),
            state=_if_said(cells, "state", _state),
            paused_until=_if_said(cells, "paused_until", _instant),
            joined_at=_if_said(cells, "joined_at", _instant),
            suppressed=_if_said(cells, "suppressed", _reason),
        )

    def _cadence(self, text: str) -> str:
        return one_of("cadence", text, self.cadences)


class _Facet:
    """One facet's words: reads a cell of slugs or names split by ";" ("all" alone: follow all of it)."""

    def __init__(self, facet: str, facets: KnownFacets) -> None:
        self.facet = facet
        self.facets = facets
        self.remembered: dict[str, frozenset[str]] = {}

    def read(self, cell: str) -> frozenset[str]:
        found = self.remembered.get(cell)
        if found is None:
            found = self._read(cell)
            if len(self.remembered) < _REMEMBERED:
                self.remembered[cell] = found
        return found

    def _read(self, cell: str) -> frozenset[str]:
        words = [word.strip() for word in cell.split(";") if word.strip()]
        if len(words) == 1 and words[0].lower() == "all" and self.facets.slug(self.facet, "all") is None:
            return frozenset()
        slugs, problems = self.facets.read(self.facet, words)
        if problems:
            raise BadCell(problems[0] + ('; split several by ";"' if "," in cell else ""))
        return frozenset(slugs)


def _if_said(cells: Mapping[str, str], name: str, read: Callable[[str], T]) -> T | None:
    text = cells.get(name)
    return read(text) if text else None


def one_of(title: str, text: str, known: tuple[str, ...]) -> str:
    """Return the known word that `text` is in any case, or raise BadCell."""
    if text.lower() in known:
        return text.lower()
    cure = _nearest(text.lower(), {word: word for word in known}) or f"use one of {', '.join(known)}"
    raise BadCell(f"{title} {shown(text)} is not known; {cure}")


def _nearest(word: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(word[:60], known, n=1, cutoff=0.7)
    return f"did you mean {known[near[0]]!r}?" if near else ""


def _yes_or_no(text: str) -> bool:
    if text.lower() not in _YES:
        raise BadCell(f"elsewhere {shown(text)} is neither yes nor no")
    return _YES[text.lower()]


def _language(text: str) -> str:
    if not is_language_tag(text):
        raise BadCell(f"language {shown(text)} is not a language code; write one like 'en' or 'cy'")
    return text


def _state(text: str) -> str:
    return one_of("state", text, STATES)


def _reason(text: str) -> str:
    return one_of("suppressed", text, REASONS)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell(f"{shown(text)} is not a date; write it like 2026-12-31 or 2026-12-31T08:00Z") from None
