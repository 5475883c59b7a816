"""Hold the figures of the benchmarks: what each says, its values of all repetitions, and what is to be reached."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table of benchmarks.

    `key` names the figure in JSON ("letter-later"), `says` tells in words what is measured against what. `values` has
    one value for each repetition: a ratio, or a number of `unit` ("×", "µs", "MB", ""). `reach` and `stretch` are
    what the project wants; `more` tells whether more is better. `short` gives the reason when `reach` is missed.
    """

    key: str
    says: str
    values: tuple[float, ...]
    unit: str
    reach: float
    stretch: float | None
    more: bool
    short: str = ""

    @property
    def median(self) -> float:
        """Return the median of the values."""
        return statistics.median(self.values)

    @property
    def is_reached(self) -> bool:
        """Tell whether the median is as good as `reach` or better."""
        return self.median >= self.reach if self.more else self.median <= self.reach

    def sentence(self) -> str:
        """Return the figure as a line for the terminal: what it says, its median and spread, and the verdict."""
        spread = f"[{_rounded(min(self.values))} to {_rounded(max(self.values))}]" if len(self.values) > 1 else ""
        sign = "at least" if self.more else "at most"
        verdict = "reached" if self.is_reached else f"short: {self.short or 'no reason given'}"
        want = f"{sign} {_rounded(self.reach)}"
        return f"{self.says}: {_rounded(self.median)} {self.unit} {spread}, {want}: {verdict}".replace("  ", " ")

    def to_json(self) -> dict[str, Any]:
        """Return the figure as a JSON object, with its median and verdict."""
        return asdict(self) | {"median": self.median, "reached": self.is_reached}


def report(figures: list[Figure]) -> None:
    """Print figures as sentences, and then as one line of JSON."""
    for figure in figures:
        print(figure.sentence())
    print(json.dumps([figure.to_json() for figure in figures]))


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"
