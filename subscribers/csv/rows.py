"""Read the lines of a CSV file as rows of named cells; a bad line costs no other line. Pure."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import IO

from subscribers.csv.columns import COLUMNS, TELL_CONSENT, CsvColumn, CsvHeader, column_name, field_of, read_header
from subscribers.csv.lines import LONGEST_LINE, Line, read_lines
from subscribers.errors import BadFile

# A spreadsheet runs a cell that begins with these; in some locales the full-width forms count as their ASCII twins.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_GUARDED = (*_FORMULA, "'")
_MOST_LINES = 40  # in one quoted row; with more, somebody forgot to close a quotation mark
_DELIMITERS = (",", ";", "\t", "|")
# A sign before an address that strikes it off; addresses are written with the others, such as "+" and "=".
STRUCK = re.compile(r"[^\w\s<=+'\"(]")
_NOT_MAPPED: Mapping[str, str] = MappingProxyType({})


class BadCell(Exception):
    """A cell holds a value that the import refuses; the message names it and the cure, never an address."""


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: the number of its first line (from 1), and its cells, trimmed, by the names of `COLUMNS`.

    `others` are the cells of the other columns that count: those of consent, also where they are blank, parts of a
    name, and what nobody knows. `unreached` is the name of the first column of consent that the row is too short for,
    and `first` the first cell.
    """

    line: int
    cells: Mapping[str, str] = field(repr=False)
    others: Sequence[tuple[CsvColumn, str]] = field(default=(), repr=False)
    unreached: str = ""
    first: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A line of the report to the operator. `refused` false: a remark, the row was taken."""

    line: int
    text: str
    refused: bool = True

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


def guarded(cell: str) -> str:
    """Return the cell with a leading "'" if a spreadsheet would run it, or if `unguarded` would remove a "'"."""
    return f"'{cell}" if cell.startswith(_GUARDED) else cell


def unguarded(cell: str) -> str:
    """Undo `guarded`; a leading "'" that guards nothing stays."""
    return cell[1:] if cell.startswith("'") and cell.startswith(_GUARDED, 1) else cell


def read_rows(stream: IO[bytes], mapping: Mapping[str, str] = _NOT_MAPPED) -> Iterator[CsvRow | RowProblem]:
    """Yield each row of a CSV file, or the problem with it; blank lines are skipped.

    The first line names the columns, in any order and case; `mapping` says of some of them what they are, as
    {column: field of `columns.TO_MAP`}. The delimiter is the comma, semicolon, tab or bar that gives the most columns
    that are known. Raises BadFile when the file is empty or no CSV, and as `columns.read_header` does.
    """
    csv.field_size_limit(LONGEST_LINE)  # the history of one person may be longer than Python's own limit
    lines = read_lines(stream)
    first, delimiter = _header(lines, mapping)
    header = read_header(first, mapping)
    yield from _remarks(header)
    told = False
    for line, cells in _records(lines, delimiter):
        if line.legacy and not told:
            told = True
            text = 'not UTF-8, read as Windows-1252: check the accents, and save the file as "CSV UTF-8"'
            yield RowProblem(line.number, text, refused=False)
        if isinstance(cells, str):
            yield RowProblem(line.number, cells)
        elif any(cell.strip() for cell in cells):
            yield _row(line.number, header.columns, cells)


def _remarks(header: CsvHeader) -> Iterator[RowProblem]:
    """Yield what the operator should know of the columns before the rows."""
    if header.export is not None:
        text = f"read as an export of {header.export.name}"
        yield RowProblem(1, f"{text}; {header.export.note}" if header.export.note else text, refused=False)
    if header.left_out:
        shown = ", ".join(repr(name[:40]) for name in header.left_out[:10])
        text = (
            f"unknown columns left out: {shown}; known are {', '.join(COLUMNS)}, and --map COLUMN=FIELD names others"
        )
        yield RowProblem(1, text, refused=False)


def _header(lines: Iterator[Line], mapping: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the cells of the first line that is not blank, and the delimiter of the file."""
    for line in lines:
        text = line.text or ""
        # Excel writes such a line before the header to name the delimiter.
        if line.number == 1 and (named := re.fullmatch(r'"?sep=(.)"?', text.strip("\r\n"), re.IGNORECASE)):
            first = next(lines, None)
            return _cells(first.text or "", named[1]) if first else [], named[1]
        if text.strip(" ,;\t|"):
            rows = {delimiter: _cells(text, delimiter) for delimiter in _DELIMITERS}
            best = max(rows, key=lambda delimiter: _score(rows[delimiter], mapping))
            return rows[best], best
    raise BadFile("the file is empty; its first line must name the columns, one of them 'email'")


def _score(cells: Sequence[str], mapping: Mapping[str, str]) -> tuple[int, int]:
    """Return how much a first line that is cut like this looks right: its known columns, and its columns."""
    mapped = {column_name(column) for column in mapping}
    names = [column_name(cell) for cell in cells]
    known_names = sum(name in mapped or field_of(name, cell) != "" for name, cell in zip(names, cells, strict=True))
    return known_names, len(cells)


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


def _records(lines: Iterator[Line], delimiter: str) -> Iterator[tuple[Line, list[str] | str]]:
    """Yield each row's first line with its cells, or with the text of its problem.

    A quotation mark that is never closed costs its own line only: the lines after it are read again.
    """
    again: deque[Line] = deque()
    while (line := again.popleft() if again else next(lines, None)) is not None:
        if line.text is None:
            yield line, "the line is far too long for a row; is this a CSV file?"
            continue
        texts, taken = [line.text], list[Line]()
        while True:
            try:
                yield line, _strict_cells(texts, delimiter)
                break
            except csv.Error as error:
                more = _to_next_quote(again, lines, taken) if "unexpected end" in str(error) else False
            if not more or len(taken) > _MOST_LINES:
                again.extendleft(reversed(taken))
                yield line, "a quotation mark stands alone; close it, or double it inside a quoted cell"
                break
            texts = [f"{line.text}\n", *(f"{further.text}\n" for further in taken)]


def _strict_cells(texts: Sequence[str], delimiter: str) -> list[str] | str:
    """Return the cells of one row, or the text of its problem. Raises csv.Error.

    Spaces beside the quotation marks around a cell are no part of it.
    """
    try:
        cells = next(csv.reader(texts, delimiter=delimiter, strict=True, skipinitialspace=True), [])
    except csv.Error as error:
        trimmed = [re.sub(rf'"[ \u00a0]+(?=[{re.escape(delimiter)}\n]|$)', '"', text) for text in texts]
        if "expected after" not in str(error) or trimmed == list(texts):
            raise
        cells = next(csv.reader(trimmed, delimiter=delimiter, strict=True, skipinitialspace=True), [])
    if any(cell[:1].isspace() and cell.strip()[:1] == '"' for cell in cells):
        return "a tab or an unusual space stands before a quotation mark; remove it"
    return cells


def _to_next_quote(again: deque[Line], lines: Iterator[Line], taken: list[Line]) -> bool:
    """Append to `taken` the lines up to the next with a quotation mark; return whether there is such a line."""
    while len(taken) <= _MOST_LINES:
        line = again.popleft() if again else next(lines, None)
        if line is None:
            return False
        taken.append(line)
        if line.text is None:
            return False
        if '"' in line.text:
            return True
    return False


def _row(number: int, columns: Sequence[CsvColumn], cells: Sequence[str]) -> CsvRow | RowProblem:
    if "\x00" in "".join(cells):
        return RowProblem(number, "holds a NUL byte; type the row again")
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        cure = "quote a cell that holds the delimiter"
        return RowProblem(number, f"{len(cells)} cells, but the first line names {len(columns)} columns; {cure}")
    texts = [unguarded(cell.strip()).strip() for cell in cells] + [""] * (len(columns) - len(cells))
    ours, others = {}, []
    for column, text in zip(columns, texts, strict=False):
        if column.field in COLUMNS:
            ours[column.field] = text
        elif column.field not in ("ignore", "other"):
            others.append((column, text))
    missing = (column.name for column in columns[len(cells) :] if column.field in TELL_CONSENT)
    return CsvRow(number, ours, others, next(missing, ""), texts[0])
