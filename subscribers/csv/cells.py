"""Read the cells of a CSV row as changes to a subscriber, and refuse values that config.toml does not have. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from subscribers.addresses import Address, parse_address
from subscribers.changes import LIFTED
from subscribers.csv.answers import AnswerColumn
from subscribers.csv.foreign import consent_date, standing_in
from subscribers.csv.histories import PastEvent, read_history_cell, told_stop
from subscribers.csv.labels import FACETS, Labels, Meaning
from subscribers.csv.remarks import holds_a_stop
from subscribers.csv.rows import STRUCK, BadCell, CsvRow
from subscribers.csv.standing import UNCLEAR, standing_of
from subscribers.csv.unknown import UnknownColumns
from subscribers.errors import BadAddress
from subscribers.facets import KnownFacets, quoted
from subscribers.languages import is_language_tag
from subscribers.rows import clean_name
from subscribers.tables import REASONS, STATES
from subscribers.zones import is_zone

_YES = {"yes": True, "y": True, "true": True, "1": True, "no": False, "n": False, "false": False, "0": False}
_STRUCK_ROW = re.compile(r"#(?!\d)|//|--+\s*\w|~~")
T = TypeVar("T")
_MOST_REMEMBERED = 50_000  # cells, for each facet


@dataclass(frozen=True, slots=True)
class RowChanges:
    """The changes that one CSV row asks for. None: the cell is blank or has no column, so nothing changes.

    `counted` false: the report has counted this row already (it repeats an address, and asks to leave). `remark` is a
    line for the report.
    """

    line: int
    address: Address
    name: str | None = None
    cadence: str | None = None
    policy_areas: frozenset[str] | None = None
    regions: frozenset[str] | None = None
    themes: frozenset[str] | None = None
    elsewhere: bool | None = None
    carry_over: bool | None = None
    language: str | None = None
    state: str | None = None
    paused_until: datetime | None = None
    joined_at: datetime | None = None
    suppressed: str | None = None
    silence_notices: bool | None = None
    zone: str | None = None
    history: tuple[PastEvent, ...] | None = None
    answers: str | None = None
    counted: bool = True
    remark: str = ""

    @property
    def stops(self) -> str | None:
        """The reason of the suppression that this row asks for, or None."""
        return self.suppressed or ("left" if self.state == "left" else None)

    @property
    def lifted(self) -> bool:
        """Whether the row tells, by its history, of a person who has left and whose suppression was lifted since."""
        return self.state == "left" and not self.suppressed and told_stop(self.history or ()) == LIFTED


@dataclass(slots=True)
class CellReader:
    """Reads rows, and checks them against the facets and cadences of config.toml.

    `interests` is {label of another tool: its meaning}. Raises BadFile for a meaning that is not known. It remembers
    the cells of facets that it has read, because many subscribers follow the same. `answers` checks cells of answers;
    None: they are not taken. After the last row, `unknown.check` tells whether the file must be refused.
    """

    known_facets: KnownFacets
    cadences: tuple[str, ...]
    interests: Mapping[str, Meaning] = field(default_factory=dict)
    unknown: UnknownColumns = field(default_factory=UnknownColumns)
    answers: AnswerColumn | None = None
    _facets: dict[str, _Facet] = field(default_factory=dict)
    labels: Labels = field(init=False)

    def __post_init__(self) -> None:
        self._facets = {facet: _Facet(facet, self.known_facets) for facet in FACETS}
        self.labels = Labels(self.known_facets, self.interests)

    def read(self, row: CsvRow) -> RowChanges:
        """Return the changes that the row asks for.

        Raises BadCell for the first cell that is wrong; but a row that tells the person to be left alone is taken
        for that, because a wrong cell beside it must not cost them their wish.
        """
        _refuse_commented(row)
        try:
            address = parse_address(row.cells.get("email", ""))
        except BadAddress as error:
            raise BadCell(str(error)) from None
        standing, remark = standing_in(row, self.unknown)
        try:
            return self._read_all(row, address, standing, remark)
        except BadCell as error:
            own = (row.cells.get(name, "").lower() for name in ("state", "suppressed"))
            stops = [word for word in (standing, *own) if word in REASONS]
            if not stops:
                raise
            stop = max(stops, key=REASONS.index)
            remark = "; ".join(filter(None, (remark, f"nothing else is taken from this line: {error}")))
            return RowChanges(
                row.line, address, state="left", suppressed=None if stop == "left" else stop, remark=remark
            )

    def _read_all(self, row: CsvRow, address: Address, standing: str | None, remark: str) -> RowChanges:
        cells = row.cells
        parts = {column.field: text for column, text in reversed(row.others) if text}
        both = " ".join(text for text in (parts.get("first_name"), parts.get("last_name")) if text)
        labels = [text for column, text in row.others if column.field == "interests"]
        labelled = self.labels.read(labels) if labels else {}
        follows = {
            facet: _both(_unless_blank(cells, facet, self._facets[facet].read), labelled.get(facet))
            for facet in FACETS
        }
        changes = RowChanges(
            line=row.line,
            address=address,
            name=clean_name(cells.get("name") or both or address.name) or None,
            cadence=_unless_blank(cells, "cadence", self._cadence),
            policy_areas=follows["policy_areas"],
            regions=follows["regions"],
            themes=follows["themes"],
            elsewhere=_unless_blank(cells, "elsewhere", partial(_yes_or_no, "elsewhere")),
            carry_over=_unless_blank(cells, "carry_over", partial(_yes_or_no, "carry_over")),
            language=_unless_blank(cells, "language", _language),
            state=_unless_blank(cells, "state", _state),
            paused_until=_unless_blank(cells, "paused_until", _instant),
            joined_at=_unless_blank(cells, "joined_at", _instant) or consent_date(row.others),
            suppressed=_unless_blank(cells, "suppressed", _reason),
            silence_notices=_unless_blank(cells, "silence_notices", partial(_yes_or_no, "silence_notices")),
            zone=_unless_blank(cells, "zone", _zone),
            history=_unless_blank(cells, "consent_history", read_history_cell),
            answers=_unless_blank(cells, "entry_answers", self._answers),
            remark=remark,
        )
        changes = changes if standing is None else _with_standing(changes, standing)
        # Not of our own export, because it tells in other columns how a person stands.
        if changes.stops is None and changes.history is None and changes.name and holds_a_stop(changes.name):
            raise BadCell(
                f"name {quoted(changes.name)} may tell that they must not be mailed; take those words out,"
                " or say so in a column 'state' (left)"
            )
        return changes

    def _cadence(self, text: str) -> str:
        return _choice("cadence", text, self.cadences)

    def _answers(self, text: str) -> str | None:
        if self.answers is None:
            return None
        if problem := self.answers.problem(text):
            raise BadCell(f"entry_answers {problem}")
        return text


def _refuse_commented(row: CsvRow) -> None:
    """Raise BadCell for a row that is struck off by a sign before it: "#ann@x.example", "-ann@x.example", "//Ann"."""
    if STRUCK.match(row.cells.get("email", "")) or _STRUCK_ROW.match(row.first):
        raise BadCell(
            "a sign before the row may tell that it is struck off; take the row out, or the sign, or write an address"
            " that truly begins with it as <#ann@x.example>"
        )


def _with_standing(changes: RowChanges, standing: str) -> RowChanges:
    """Return the changes with the standing that another tool's columns give, unless their own are stricter."""
    if standing == "active":
        return replace(changes, state=changes.state or standing)
    if standing == "pending":
        return replace(changes, state="left" if changes.state == "left" else "pending")
    reason = max(changes.suppressed or "left", standing, key=REASONS.index)
    return replace(changes, state="left", suppressed=None if reason == "left" else reason)


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


def _both(cell: frozenset[str] | None, labelled: frozenset[str] | None) -> frozenset[str] | None:
    """Return what a cell and the labels ask to follow together; an empty set is all of the facet, None nothing."""
    if cell is None or labelled is None:
        return labelled if cell is None else cell
    return cell | labelled if cell else cell


def _unless_blank(cells: Mapping[str, str], name: str, read: Callable[[str], T | None]) -> T | None:
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


def _yes_or_no(title: str, text: str) -> bool:
    if text.lower() not in _YES:
        raise BadCell(f"{title} {quoted(text)} is neither yes nor no")
    return _YES[text.lower()]


def _language(text: str) -> str:
    if not is_language_tag(text):
        raise BadCell(f"language {quoted(text)} is not a language code; write one like 'en' or 'cy'")
    return text


def _zone(text: str) -> str:
    if not is_zone(text):
        raise BadCell(f"zone {quoted(text)} is not a time zone; write one like 'Europe/London'")
    return text


def _state(text: str) -> str | None:
    if standing_of("status", text) not in (None, UNCLEAR) and text.lower() not in STATES:
        return None  # a word of another tool, which `standing_in` has read
    return _choice("state", text, STATES)


def _reason(text: str) -> str:
    return _choice("suppressed", text, REASONS)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadCell(f"{quoted(text)} is not a date; write it like 2026-12-31 or 2026-12-31T08:00Z") from None
