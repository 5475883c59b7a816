"""Figures that a proof measures, printed as one table when the tests end."""

from __future__ import annotations

from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `met` is whether `result` meets `goal`."""

    name: str
    goal: str
    result: str
    met: bool


class Figures:
    """Collects figures and checks each against its goal."""

    def __init__(self) -> None:
        self.rows: list[Figure] = []

    def __call__(self, name: str, *, goal: str, result: object, met: bool) -> None:
        """Add a line, then fail the test if the goal is not met."""
        self.rows.append(Figure(name, goal, str(result), met))
        assert met, f"{name}: wanted {goal}, got {result}"

    def table(self) -> list[str]:
        """Return the lines of the table, or none when nothing was measured."""
        if not self.rows:
            return []
        cells = [("figure", "goal", "result", "")]
        cells += [(row.name, row.goal, row.result, "met" if row.met else "MISSED") for row in self.rows]
        widths = [max(len(line[column]) for line in cells) for column in range(4)]
        return [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
        ]


@pytest.hookimpl
def pytest_configure(config: pytest.Config) -> None:
    """One table for each run of the tests."""
    config.stash[FIGURES] = Figures()


@pytest.hookimpl
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    lines = config.stash[FIGURES].table()
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.line(line)


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figures:
    """Record a measured figure: `figure("hostile feeds", goal="0 crashes", result=0, met=True)`."""
    return request.config.stash[FIGURES]


FIGURES = pytest.StashKey[Figures]()
