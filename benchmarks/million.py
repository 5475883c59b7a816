"""Measure one whole run of a million readers: `make bench-million`, or `python -m benchmarks.million [READERS]`.

The run gathers, freezes and sends over SMTP into Postfix's smtp-sink on this machine, which takes each letter and
discards it. A run of a tenth of the readers before it tells how memory grows.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cost import Cost, cost_of
from benchmarks.figures import Figure, report
from benchmarks.population import accepted, make
from benchmarks.sample import check_first_letters
from benchmarks.sinks import smtp_sink, smtp_transport

SHORT = "what a run keeps for each digest, and what it loads, is more than that"


@dataclass(frozen=True, slots=True)
class WholeRun:
    """Hold the cost of a run that gathered, froze and sent, and how many letters were accepted."""

    cost: Cost
    letters: int


def measure(readers: int) -> list[Figure]:
    """Return peak memory, its growth from a tenth of the readers, processor time and wall time of one run."""
    fewer = readers // 10
    with tempfile.TemporaryDirectory() as name, smtp_sink() as port:
        small = whole_run(Path(name) / "small", fewer, smtp_transport(port))
        large = whole_run(Path(name) / "large", readers, smtp_transport(port))
    run = f"one run (gather, freeze, send) of {readers:,} readers"
    cost, growth = large.cost, large.cost.memory - small.cost.memory
    micros = cost.processor / large.letters * 1e6
    return [
        Figure("million-memory", f"{run}: peak memory", (cost.memory,), "MB", 150, 110, False, SHORT),
        Figure("million-growth", f"{run}: growth of memory from {fewer:,}", (growth,), "MB", 30, 10, False, SHORT),
        Figure("million-processor", f"{run}: processor time a letter", (micros,), "µs", None, None, False),
        Figure("million-time", f"{run}: wall time", (cost.wall,), "s", None, None, False),
    ]


def whole_run(folder: Path, readers: int, transport: str, *, url: str = "") -> WholeRun:
    """Make an installation in `folder`, run it once from gathering to sending, and remove it; return the cost.

    Over SMTP its first letters are compared with the letters rendered whole, in a run of a copy. Raises RuntimeError
    when a reader is not accounted for.
    """
    print(f"making an installation of {readers:,} readers", file=sys.stderr, flush=True)
    population = make(folder, readers, transport=transport, url=url, gathered=False)
    if 'kind = "smtp"' in transport and not url:
        check_first_letters(population, folder.with_name(f"{folder.name}-checked"), "run")
    print("running it once", file=sys.stderr, flush=True)
    cost = cost_of(population.command("run"))
    letters = accepted(population)
    shutil.rmtree(folder)
    seconds = f"{cost.wall:,.0f} s ({cost.processor:,.0f} s of processor time)"
    print(f"{letters:,} letters in {seconds}, {cost.memory:,.0f} MB", file=sys.stderr, flush=True)
    return WholeRun(cost, letters)


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000))
