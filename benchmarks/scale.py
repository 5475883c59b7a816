"""Tell how long ten million letters take with 1 to 32 workers, by simulation: `python -m benchmarks.scale`.

    .venv/bin/python -m benchmarks.scale [--readers N] [--web N] [--seed N] [--write]

`benchmarks.workers` is the simulation. Its costs are measured: benchmarks/results.json has those of `make bench`,
benchmarks/scale.json those of `python -m benchmarks.ledger`. `--write` writes docs/scale.svg, and the lines of
docs/scale.md between markers. The same figures and options give the same lines.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchmarks import ledger, scale_page
from benchmarks.pages import ROOT
from benchmarks.results import load_results
from benchmarks.scale_page import Size
from benchmarks.workers import EVENTS, Costs, SimulatedEdition, Simulation, World
from benchmarks.wrk import EVENTS as OF_A_CALL

WORKERS = (1, 2, 4, 8, 16, 32)
READERS = (100_000, 1_000_000, 10_000_000)
WAYS = {"SMTP": World(), "SendGrid": World(sendgrid=True, answer=0.15)}
Measured = Mapping[str, float]


def load_measured() -> dict[str, float]:
    """Return the median of every measured figure by its key. Raises RuntimeError when some were never measured."""
    results = [*load_results(), *load_results(ledger.FILE, ("ledger",))]
    if missing := [result.module for result in results if not result.figures and result.module in ("ledger", "load")]:
        raise RuntimeError(f"{', '.join(missing)}: not measured; run `python -m benchmarks.ledger` and `make bench`")
    return {figure.key: figure.median for result in results for figure in result.figures}


def costs_of(measured: Measured, readers: int) -> Costs:
    """Return the costs of an edition for so many readers."""
    micros = {key: measured[key] / 1e6 for key in ledger.KEYS}
    # The first letter of a digest costs more, and the more readers there are, the fewer of their letters are such.
    first = (measured["letter-first-µs"] - measured["letter-later-µs"]) / 1e6
    fewer = measured["digests-few"] / ledger.FEW - digests_of(measured, readers) / readers
    return Costs(
        start=measured["start"],
        freeze=measured["freeze-cpu"] / 1e6 * measured["freeze-postgresql"] + micros["server-freeze"],
        claim=micros["claim"] * 1000,
        compose=max(micros["compose"] - first * fewer, 0.0),
        hand_over=micros["hand-over"],
        record=micros["record"] * 1000,
        server_letter=micros["server-letter"],
        server_event=micros["server-event"],
        event=1 / (measured["load-alone-webhook-postgresql"] * OF_A_CALL),
        requests=digests_of(measured, readers) / readers + 1 / 1000,
    )


def digests_of(measured: Measured, readers: int) -> float:
    """Return how many digests so many readers make: between and beyond the two measured numbers, a power of them."""
    few, many = measured["digests-few"], measured["digests-many"]
    power = math.log(many / few) / math.log(ledger.MANY / ledger.FEW)
    return min(many * math.pow(readers / ledger.MANY, power), float(readers))


def size_of(measured: Measured, readers: int) -> Size:
    """Return how much of the database the readers take, and how much each edition adds."""
    rows = {"delivery": readers, "event": readers * EVENTS, "digest": digests_of(measured, readers)}
    edition = sum(measured[f"bytes-{table}"] * count for table, count in rows.items())
    return Size(measured["bytes-subscriber"] * readers / 1e9, edition / 1e9)


def simulated(measured: Measured, world: World, workers: Sequence[int] = WORKERS) -> dict[int, SimulatedEdition]:
    """Return the simulated edition for each number of workers."""
    costs = costs_of(measured, world.readers)
    return {number: Simulation(costs, replace(world, workers=number)).run() for number in workers}


def repeated(measured: Measured) -> SimulatedEdition:
    """Return the run that `benchmarks.ledger` measured, simulated: nobody waits for an answer, and nothing fails."""
    letters = int(measured["letters-many"])
    world = World(letters, answer=0, rate=math.inf, life=1e12, restarts=(), outages=(), delay=0)
    return Simulation(costs_of(measured, letters), world).run()


def alone(measured: Measured, connections: int) -> dict[int, SimulatedEdition]:
    """Return the editions of one process over SMTP, by how many readers they have."""
    worlds = (replace(WAYS["SMTP"], readers=readers, connections=connections) for readers in READERS)
    return {world.readers: simulated(measured, world, (1,))[1] for world in worlds}


def texts(measured: Measured) -> dict[str, str]:
    """Return the text of docs/scale.md and docs/scale.svg."""
    editions = {name: simulated(measured, world) for name, world in WAYS.items()}
    few, many = alone(measured, WAYS["SMTP"].connections), alone(measured, scale_page.MORE)
    page = (ROOT / "docs/scale.md").read_text(encoding="utf-8")
    sections = {
        "cron": scale_page.of_cron(measured),
        "postgresql": scale_page.of_postgresql(measured, few, many, size_of(measured, READERS[-1])),
        "workers": scale_page.of_workers(editions, WAYS),
        "measured": scale_page.of_measures(measured, repeated(measured)),
    }
    return {
        "docs/scale.md": scale_page.with_sections(page, sections),
        "docs/scale.svg": scale_page.picture_of(editions, READERS[-1]),
    }


def write() -> None:
    """Write docs/scale.md and docs/scale.svg anew."""
    for name, text in texts(load_measured()).items():
        (ROOT / name).write_text(text, encoding="utf-8")


def main() -> None:
    """Print the tables, or write them into the pages."""
    usual = World()
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--readers", type=int, default=usual.readers)
    options.add_argument("--web", type=int, default=usual.web, help="web processes that take events in")
    options.add_argument("--seed", type=int, default=usual.seed)
    options.add_argument("--write", action="store_true", help="write docs/scale.md and docs/scale.svg")
    chosen = options.parse_args()
    if chosen.write:
        write()
        return
    measured = load_measured()
    for name, world in WAYS.items():
        assumed = replace(world, readers=chosen.readers, web=chosen.web, seed=chosen.seed)
        print(f"{name}, {chosen.readers:,} readers\n")
        print("\n".join(scale_page.table(simulated(measured, assumed))), end="\n\n")


if __name__ == "__main__":
    main()
