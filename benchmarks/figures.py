"""Hold the figures of the benchmarks: what each says, its values of all repetitions, and what is to be reached."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table of benchmarks.

    `key` names the figure in JSON ("letter-later"), `says` tells in words what is measured against what. `values` has
    one value for each repetition: a ratio, or a number of `unit` ("×", "µs", "MB", ""). `reach` and `stretch` are
    what the project wants (None: nothing, the figure is told for its own sake); `more` tells whether more is better.
    `short` gives the reason when `reach` is missed.
    """

    key: str
    says: str
    values: tuple[float, ...]
    unit: str
    reach: float | None
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
        if self.reach is None:
            return True
        return self.median >= self.reach if self.more else self.median <= self.reach

    @property
    def measured(self) -> str:
        """Return the median with its unit, for a cell of a table."""
        return _with_unit(self.median, self.unit)

    @property
    def spread(self) -> str:
        """Return the lowest and the highest value; "" when there is a single one."""
        if len(self.values) < 2:
            return ""
        return f"{rounded(min(self.values))} to {rounded(max(self.values))}"

    def wanted(self, goal: float | None) -> str:
        """Return `reach` or `stretch` in words, for a cell of a table; "" for None."""
        return "" if goal is None else f"{'≥' if self.more else '≤'} {_with_unit(goal, self.unit)}"

    def sentence(self) -> str:
        """Return the figure as a line for the terminal: what it says, its median and spread, and the verdict."""
        spread = f" [{self.spread}]" if self.spread else ""
        verdict = "reached" if self.is_reached else f"short: {self.reason}"
        want = f", {self.wanted(self.reach)}: {verdict}" if self.reach is not None else ""
        return f"{self.says}: {self.measured}{spread}{want}"

    @property
    def reason(self) -> str:
        """Return why `reach` is missed."""
        return self.short or "no reason given"

    def to_json(self) -> dict[str, Any]:
        """Return the figure as a JSON object, with its median and verdict."""
        return asdict(self) | {"median": self.median, "reached": self.is_reached}


def from_json(document: dict[str, Any]) -> Figure:
    """Return the figure that `to_json` wrote."""
    values = {field.name: document[field.name] for field in fields(Figure) if field.name in document}
    return Figure(**values | {"values": tuple(document["values"])})


def report(figures: list[Figure]) -> None:
    """Print figures as sentences, and then as one line of JSON."""
    for figure in figures:
        print(figure.sentence())
    print(json.dumps([figure.to_json() for figure in figures]))


def count_off(repetitions: int) -> Iterator[int]:
    """Yield the number of each repetition, from 1, and tell on stderr how long the one before it took."""
    began = time.monotonic()
    for number in range(1, repetitions + 1):
        yield number
        now = time.monotonic()
        print(f"  repetition {number} of {repetitions}: {now - began:.0f} s", file=sys.stderr, flush=True)
        began = now


def rounded(value: float) -> str:
    """Return a number with three digits that matter."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _with_unit(value: float, unit: str) -> str:
    return f"{rounded(value)} {unit}".rstrip()
