"""Watch the columns of a file that nobody knows, and tell those that may say who must not be mailed.

Pure. A column is doubted for a single cell (a word of a status, a date, a remark), or because all its cells are as
short as yes and no. Only the whole file shows the second, so the file is refused at its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from subscribers.csv.columns import UNKNOWN, cure
from subscribers.csv.dates import looks_dated
from subscribers.csv.remarks import is_a_stop
from subscribers.csv.rows import CsvRow
from subscribers.csv.standing import cell_word, may_tell
from subscribers.csv.vocabulary import name_words, vocabulary
from subscribers.errors import BadFile
from subscribers.facets import quoted

_MOST_NUMBERS, _MOST_LETTERS = 2, 4  # different ones in a column; with more, they are counts, grades or initials


@dataclass(slots=True)
class _Cells:
    """Hold the cells of a column so far: the first with its line, the different answers, whether all are answers."""

    name: str
    line: int
    first: str
    answers: set[str] = field(default_factory=set)
    short: bool = True

    def speak_of_consent(self) -> bool:
        """Return whether all cells are answers, and too few different ones to be counts or grades."""
        words = vocabulary()
        numbers = {answer for answer in self.answers if answer.isdecimal()}
        letters = {answer for answer in self.answers - words.yes - words.no - numbers if len(answer) == 1}
        few = len(numbers) <= _MOST_NUMBERS and len(letters) <= _MOST_LETTERS
        return self.short and bool(self.answers) and few


@dataclass(slots=True)
class UnknownColumns:
    """Collect the cells of the columns that nobody knows, by their place in the row."""

    doubts: dict[int, _Cells] = field(default_factory=dict)
    cells: dict[int, _Cells] = field(default_factory=dict)

    def see(self, row: CsvRow) -> None:
        """Look at the cells of a row that no other column tells to leave alone."""
        for place, (column, text) in enumerate(row.others):
            if not text or column.field not in UNKNOWN or place in self.doubts:
                continue
            if doubtful(column.name, text):
                self.doubts[place] = _Cells(column.name, row.line, text)
                continue
            cells = self.cells.setdefault(place, _Cells(column.name, row.line, text))
            answer = _answer(text) if cells.short else None
            cells.short = answer is not None
            if answer:
                cells.answers.add(answer)

    def check(self) -> None:
        """Raise BadFile when a column may tell who must not be mailed; the message names all such columns."""
        short = {
            place: cells
            for place, cells in self.cells.items()
            if cells.speak_of_consent() and not _named(cells.name).intersection(("letters", "work"))
        }
        doubts = sorted((short | self.doubts).items())
        if doubts:
            shown = [f"line {each.line}: column {each.name[:40]!r} holds {quoted(each.first)}" for _, each in doubts]
            raise BadFile(
                f"{'; '.join(shown[:12])}, which may tell who must not be mailed; {cure(doubts[0][1].name)}"
                + ("; and so for each of these columns" if len(doubts) > 1 else "")
            )


def doubtful(name: str, text: str) -> bool:
    """Return whether one cell of an unknown column of this name may tell that a person must not be mailed."""
    kinds = _named(name)
    if "remarks" in kinds:
        return True
    if "harmless_dates" not in kinds and looks_dated(text):
        return True
    return is_a_stop(text) if "work" in kinds else may_tell(text)


@lru_cache(maxsize=1_000)
def _named(name: str) -> frozenset[str]:
    """Return what the words of a column's name make it: "remarks", "work", "harmless_dates" or "letters"."""
    words, parts = vocabulary(), name_words(name)
    patterns = {
        "remarks": words.remarks,
        "work": words.work,
        "harmless_dates": words.harmless_dates,
        "letters": words.letters,
    }
    return frozenset(kind for kind, pattern in patterns.items() if any(pattern.fullmatch(part) for part in parts))


def _answer(text: str) -> str | None:
    """Return the answer that a cell is, "" for a cell that says nothing, None for a cell that is no answer."""
    words, word = vocabulary(), cell_word(text)
    if not word or word in words.blank:
        return ""
    if word in words.yes or word in words.no or word in words.answers:
        return word
    return word if len(word) == 1 and not word.isdecimal() else None
