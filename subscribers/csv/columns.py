"""Decide what each column of a CSV file is: one of ours, a name, a word on consent, or nothing that we keep.

Pure. A column whose name may speak of consent is never left out: it is mapped, or the file is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from subscribers.csv.remarks import names_a_stop
from subscribers.csv.standing import CONSENT_FIELDS
from subscribers.csv.vocabulary import LONGEST_NAME, Export, name_words, squashed, vocabulary
from subscribers.errors import BadFile

COLUMNS = (
    "email",
    "name",
    "cadence",
    "policy_areas",
    "regions",
    "themes",
    "elsewhere",
    "language",
    "state",
    "paused_until",
    "joined_at",
    "carry_over",
    "suppressed",
    "silence_notices",
    "zone",
    "consent_history",
    "entry_answers",
)
# Fields of a column that is not known: "" is left out with a remark; "unnamed" has no name, and nothing is said of it
# as long as it is blank.
UNKNOWN = ("", "unnamed")
# Fields of columns that must not be missing in a row.
TELL_CONSENT = (*CONSENT_FIELDS, "state", "suppressed", "paused_until", "remark")
SUSPECT = "?"
TO_MAP = (
    *COLUMNS, "first_name", "last_name", "interests", "status", "subscribed", "confirmed", "unsubscribed", "bounced",
    "complained", "blocked", "remark", "ignore",
)  # fmt: skip
_TIMES = ("at", "date", "time", "since", "datum", "timestamp", "utc")


@dataclass(frozen=True, slots=True)
class CsvColumn:
    """A column: its name for messages, and its field.

    A field is one of COLUMNS, CONSENT_FIELDS or UNKNOWN, or first_name, last_name, created_at, interests, remark,
    ignore or other.
    """

    name: str
    field: str


@dataclass(frozen=True, slots=True)
class CsvHeader:
    """The columns of a file in their order, and the export of another tool that the file is (None: of none)."""

    columns: tuple[CsvColumn, ...]
    export: Export | None

    @property
    def left_out(self) -> list[str]:
        """The names of the columns that are left out with a remark."""
        return [column.name for column in self.columns if column.field in ("", "other")]


def column_name(cell: str) -> str:
    """Return the name in a cell of the first line as messages show it: lower case, with "_" between words."""
    return re.sub(r"[\s-]+", "_", cell.strip().strip("\ufeff'").lower())


def read_header(cells: Sequence[str], mapping: Mapping[str, str]) -> CsvHeader:
    """Return what the columns are. `mapping`, {column: field}, is the operator's word and wins.

    Raises BadFile when there is no column of addresses, one of ours is there twice, or one may speak of consent and
    nobody has said how.
    """
    names = [column_name(cell) or f"column_{number}" for number, cell in enumerate(cells, start=1)]
    wanted = _wanted(names, mapping)
    squashes = frozenset(squashed(name) for name in names)
    exports = (export for export in vocabulary().exports if any(sign <= squashes for sign in export.signs))
    export = next(exports, None)
    fields = [wanted.get(name) or field_of(name, cell, export) for name, cell in zip(names, cells, strict=True)]
    for ours in COLUMNS:
        exact = {name for name, field in wanted.items() if field == ours} or {ours} & (set(names) - wanted.keys())
        if exact:  # an address under "email" leaves those under "Mail" and "E-Mail 2" out
            fields = [
                "" if field == ours and name not in exact else field
                for name, field in zip(names, fields, strict=True)
            ]
    _check(names, fields)
    columns = tuple(CsvColumn(name, field) for name, field in zip(names, fields, strict=True))
    return CsvHeader(columns, export)


def field_of(name: str, cell: str, export: Export | None = None) -> str:
    """Return the field of a column by its name.

    It is SUSPECT when it may speak of consent, "other" when it speaks of something else, "" when nobody knows it.
    """
    if not cell.strip("\ufeff' "):
        return "unnamed"
    words, squash = vocabulary(), squashed(name)[:LONGEST_NAME]
    if export is not None and squash in export.columns:
        return export.columns[squash]
    if name in COLUMNS:
        return name
    if squash in words.names:
        return words.names[squash]
    for field, pattern in words.consent:
        if pattern.fullmatch(squash):
            dated = squash.endswith(_TIMES) or squash.startswith("date") or squashed(cell.split()[-1]) == "on"
            return "subscribed_at" if field == "subscribed" and dated else field
    parts = name_words(cell)
    endings = {"".join(parts[at:]) for at in range(len(parts))}
    if words.harmless & endings or ("mail" not in squash and words.other_channels.search(squash)):
        return "other"
    suspect = words.suspect.search(squash) or words.suspect_words & set(parts) or names_a_stop(cell)
    return SUSPECT if suspect else ""


def _wanted(names: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Return {name of a column: field} of what the operator says. Raises BadFile for what does not fit."""
    wanted = {column_name(column): field for column, field in mapping.items()}
    for name, field in wanted.items():
        if field not in TO_MAP:
            raise BadFile(f"--map {name!r}: no field {field[:40]!r}; use one of {', '.join(TO_MAP)}")
        if name not in names:
            raise BadFile(f"--map {name!r}: the file has no such column; it has {_listed(names)}")
    return wanted


def _check(names: Sequence[str], fields: Sequence[str]) -> None:
    """Raise BadFile unless the fields make a file that can be imported."""
    ours = [field for field in fields if field in COLUMNS]
    twice = next((field for field in COLUMNS if ours.count(field) > 1), None)
    if twice is not None:
        same = [name for name, field in zip(names, fields, strict=True) if field == twice]
        if len(set(same)) == 1:
            raise BadFile(f"line 1: column {twice!r} is there twice; leave one")
        raise BadFile(f"line 1: {_listed(same)} may all be {twice!r}; say which with --map COLUMN={twice}")
    if "email" not in fields:
        if any("@" in name for name in names):
            raise BadFile("line 1: no column names; put a first line that names them, one of them 'email'")
        raise BadFile(
            f"line 1: no column 'email' (found {_listed(names)}); name the column of addresses 'email',"
            ' or say which it is with --map "COLUMN=email"'
        )
    suspects = [name for name, field in zip(names, fields, strict=True) if field == SUSPECT]
    if suspects:
        raise BadFile(
            f"line 1: {_listed(suspects)} may tell who must not be mailed, and is not known; {cure(suspects[0])}"
        )


def cure(name: str) -> str:
    """Return how the operator says what a column is."""
    fields = ", ".join(field for field in TO_MAP if field in CONSENT_FIELDS)
    return (
        f'say what it is with --map "{name[:40]}=FIELD": {fields}, remark (such lines are refused, others taken), or'
        " ignore when it tells nothing of consent"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:40]) for name in names[:12] if name) or "none"
