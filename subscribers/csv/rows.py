"""Read the lines of a CSV file as rows of named cells; a bad line costs no other line. Pure."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from subscribers.csv.lines import Line, read_lines
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
    "suppressed",
)
# A spreadsheet runs a cell that begins with these; in some locales the full-width forms count as their ASCII twins.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_GUARDED = (*_FORMULA, "'")
_MOST_LINES = 40  # in one quoted row; with more, somebody forgot to close a quotation mark
_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: the number of its first line (from 1), and its cells, trimmed, by the names of `COLUMNS`."""

    line: int
    cells: Mapping[str, str] = field(repr=False)


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


def read_rows(stream: IO[bytes]) -> Iterator[CsvRow | RowProblem]:
    """Yield each row of a CSV file, or the problem with it; blank lines are skipped.

    The first line names the columns, in any order and case. The delimiter is the comma, semicolon, tab or bar that
    gives the most columns of `COLUMNS`. Raises BadFile when there is no `email` column, a column is there twice, or
    the file is empty or no CSV.
    """
    lines = read_lines(stream)
    header, delimiter = _header(lines)
    names = [_column(cell) for cell in header]
    _check_header(names)
    unknown = [name for name in names if name and name not in COLUMNS]
    if unknown:
        shown = ", ".join(repr(name[:40]) for name in unknown[:10])
        text = f"unknown columns left out: {shown}; known are {', '.join(COLUMNS)}"
        yield RowProblem(1, text, refused=False)
    told = False
    for line, cells in _records(lines, delimiter):
        if line.legacy and not told:
            told = True
            text = 'not UTF-8, read as Windows-1252: check the accents, and save the file as "CSV UTF-8"'
            yield RowProblem(line.number, text, refused=False)
        if isinstance(cells, str):
            yield RowProblem(line.number, cells)
        elif any(cell.strip() for cell in cells):
            yield _row(line.number, names, cells)


def _header(lines: Iterator[Line]) -> tuple[list[str], str]:
    """Return the cells of the first line that is not blank, and the delimiter of the file."""
    for line in lines:
        text = line.text or ""
        # Excel writes such a line before the header to name the delimiter.
        if line.number == 1 and (named := re.fullmatch(r'"?sep=(.)"?', text.strip("\r\n"), re.IGNORECASE)):
            first = next(lines, None)
            return _cells(first.text or "", named[1]) if first else [], named[1]
        if text.strip(" ,;\t|"):
            counts = {
                delimiter: sum(_column(cell) in COLUMNS for cell in _cells(text, delimiter))
                for delimiter in _DELIMITERS
            }
            best = max(_DELIMITERS, key=lambda delimiter: counts[delimiter])
            return _cells(text, best), best
    raise BadFile("the file is empty; its first line must name the columns, one of them 'email'")


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return []


def _column(cell: str) -> str:
    return re.sub(r"[\s-]+", "_", cell.strip().strip("\ufeff'").lower())


def _check_header(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if name in COLUMNS and names.count(name) > 1})
    if twice:
        raise BadFile(f"line 1: column {twice[0]!r} is there twice; leave one")
    if "email" in names:
        return
    if any("@" in name for name in names):
        raise BadFile("line 1: no column names; put a first line that names them, one of them 'email'")
    columns = ", ".join(repr(name[:40]) for name in names[:12] if name)
    raise BadFile(f"line 1: no column 'email' (found {columns or 'none'}); name the column of addresses 'email'")


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
                yield line, next(csv.reader(texts, delimiter=delimiter, strict=True), [])
                break
            except csv.Error as error:
                more = _to_next_quote(again, lines, taken) if "unexpected end" in str(error) else False
            if not more or len(taken) > _MOST_LINES:
                again.extendleft(reversed(taken))
                yield line, "a quotation mark stands alone; close it, or double it inside a quoted cell"
                break
            texts = [f"{line.text}\n", *(f"{further.text}\n" for further in taken)]


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


def _row(number: int, names: Sequence[str], cells: Sequence[str]) -> CsvRow | RowProblem:
    if "\x00" in "".join(cells):
        return RowProblem(number, "holds a NUL byte; type the row again")
    if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
        cure = "quote a cell that holds the delimiter"
        return RowProblem(number, f"{len(cells)} cells, but the first line names {len(names)} columns; {cure}")
    pairs = zip(names, cells, strict=False)
    return CsvRow(number, {name: unguarded(cell.strip()).strip() for name, cell in pairs if name in COLUMNS})
