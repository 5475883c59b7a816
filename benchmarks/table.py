"""Show the figures as a table: on the terminal, and in Markdown."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure
from benchmarks.results import ModuleResult

HEADINGS = ("figure", "measured", "spread", "to reach", "stretch")
WIDTH = 118


def show(results: Sequence[ModuleResult]) -> None:
    """Print every figure in the table's order, then a sentence for each that falls short or could not be measured."""
    table = Table(*HEADINGS, "", box=None, pad_edge=False, header_style="bold")
    for figure in all_figures(results):
        table.add_row(*_cells(figure), _verdict(figure))
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, markup=False)
    console.print(table)
    for sentence in shortfalls(results):
        console.print(f"- {sentence}")


def all_figures(results: Iterable[ModuleResult]) -> list[Figure]:
    """Return the figures of all modules in the table's order."""
    return [figure for result in results for figure in result.figures]


def shortfalls(results: Iterable[ModuleResult]) -> list[str]:
    """Return a sentence for each figure that falls short, and for each module that has no figures."""
    sentences = []
    for result in results:
        sentences += [
            f"Short: {figure.says}: {figure.measured}, wanted {figure.wanted(figure.reach)}: {figure.reason}."
            for figure in result.figures
            if not figure.is_reached
        ]
        if result.failed:
            sentences.append(f"Not measured: {result.module}: {result.failed}.")
    return sentences


def markdown(figures: Iterable[Figure]) -> list[str]:
    """Return the lines of a Markdown table of figures; those that fall short are marked in words."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{' --- |' * len(HEADINGS)}"]
    for figure in figures:
        says, measured, *others = _cells(figure)
        measured = measured if figure.is_reached else f"**{measured}**, short"
        lines.append(f"| {' | '.join((says, measured, *others))} |")
    return lines


def _cells(figure: Figure) -> tuple[str, ...]:
    goals = (figure.wanted(figure.reach), figure.wanted(figure.stretch))
    return (figure.says, figure.measured, figure.spread, *goals)


def _verdict(figure: Figure) -> str:
    if figure.reach is None:
        return ""
    return "reached" if figure.is_reached else "SHORT"
