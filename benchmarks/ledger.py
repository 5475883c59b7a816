"""Measure on PostgreSQL what the simulation of many workers is calibrated by: `python -m benchmarks.ledger`.

The server keeps what it commits on this machine's disk. An edition for 20,000 readers is frozen, and sent batch by
batch, each step by itself: claim, compose, hand over, record. Then the tables' bytes are counted, and events taken
in. At last one `digest run` gathers, freezes and sends to 100,000 readers: this the simulation has to meet. All
times are processor time, that of PostgreSQL's processes included. Takes ten minutes or more; benchmarks/scale.json
keeps it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, func, select, text

from benchmarks import events
from benchmarks.cost import cost_of
from benchmarks.figures import Figure, report
from benchmarks.population import DUE, Population, accepted, freeze, make
from benchmarks.results import measured_now, save_results
from benchmarks.sinks import smtp_sink, smtp_transport
from digest.delivery.claim import claim
from digest.delivery.hand_over import compose_batch, record_outcomes
from digest.delivery.run import Run
from digest.send import frozen_edition
from digest.store import migrate
from digest.store.engine import make_engine, reading
from digest.store.lock import sending
from digest.transports.base import BATCH
from tests.postgres import Databases, cluster

FILE = Path(__file__).with_name("scale.json")
LEAST, FEW, MANY = 100, 20_000, 100_000
EVENTS = 60_000  # different ones
# Of the figures in microseconds.
KEYS = (
    "server-freeze", "claim", "compose", "hand-over", "record", "server-letter", "server-event",
)  # fmt: skip
BOTH = "PostgreSQL's included"
Spent = defaultdict[str, float]


def measure() -> list[Figure]:
    """Return the figures. Raises RuntimeError when this machine has no PostgreSQL."""
    with tempfile.TemporaryDirectory() as name, smtp_sink() as port, cluster() as server:
        if server is None:
            raise RuntimeError("there is no PostgreSQL server: pip install -r requirements-ci.lock")
        databases, transport = Databases(server.address), smtp_transport(port)
        few = make(Path(name) / "few", FEW, transport=transport, url=databases.new())
        figures = [*_frozen(few), *_sent(few), *_sizes(few), *_events(databases.new())]
        least = make(Path(name) / "least", LEAST, transport=transport, url=databases.new(), gathered=False)
        start = cost_of(least.command("run")).processor
        many = make(Path(name) / "many", MANY, transport=transport, url=databases.new(), gathered=False)
        print(f"one run of {MANY:,} readers", file=sys.stderr, flush=True)
        whole = _run_seconds(many)
        letters, digests = accepted(many), _rows(many, "digest")
    run = "one run (gather, freeze, send)"
    return [
        *figures,
        _told("start", f"{run} of {LEAST} readers, processor time", start, "s"),
        _told("digests-many", f"digests of {MANY:,} readers", digests, ""),
        _told("letters-many", f"letters to {MANY:,} readers", letters, ""),
        _told("run-many", f"{run} of {MANY:,} readers, processor time, {BOTH}", whole, "s"),
    ]


def _run_seconds(population: Population) -> float:
    """Run an installation once; return the processor time of the run and of the server."""
    installation = population.installation(DUE)
    before = _server_seconds(installation.engine)
    ours = cost_of(population.command("run")).processor
    time.sleep(1)  # until the server has counted the connections that have just ended
    server = _server_seconds(installation.engine) - before
    installation.engine.dispose()
    return ours + server


def _frozen(population: Population) -> list[Figure]:
    """Freeze the edition; return what that took of the server a reader, and how many digests it made."""
    installation = population.installation(DUE)
    spent: Spent = defaultdict(float)
    with _timed(spent, "freeze", installation.engine):
        freeze(population)
        time.sleep(1)  # until the server has counted the connection that has just ended
    # Now, because the server would do it by itself while letters are sent, and its time would be counted there.
    with installation.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    installation.engine.dispose()
    server = spent["freeze, server"] / FEW
    return [
        _told("server-freeze", f"freeze of {FEW:,} readers, processor time a reader of PostgreSQL alone", server),
        _told("digests-few", f"digests of {FEW:,} readers", _rows(population, "digest"), ""),
    ]


def _sent(population: Population) -> list[Figure]:
    """Send the edition step by step; return the processor time of each step, and the server's alone, a letter."""
    installation = population.installation(DUE)
    installation.fence.check()
    with sending(installation.engine) as live:
        live(1)
        return _sent_by(population, Run(installation, number=1))


def _sent_by(population: Population, run: Run) -> list[Figure]:
    installation = run.installation
    frozen, engine, letters = frozen_edition(installation, 1), installation.engine, 0
    spent: Spent = defaultdict(float)
    while True:
        with _timed(spent, "claim", engine):
            batch, _ = claim(run, 1, installation.clock(), corrects=False)
        if not batch:
            break
        with _timed(spent, "compose", engine):
            parcels, _ = compose_batch(frozen, batch, installation.keyring, installation.clock())
        with _timed(spent, "hand-over", engine):
            outcomes = list(run.transport.hand_over(parcels))
        with _timed(spent, "record", engine):
            record_outcomes(run, frozen.edition, batch, outcomes, begun=True)
        letters += len(batch)
        if letters == len(batch):
            spent.clear()  # because the first batch also loads what a run loads once, which `start` has
    run.close()
    engine.dispose()
    if accepted(population) != letters:
        raise RuntimeError("not every letter was accepted")
    letters -= BATCH
    server = spent.pop("claim, server") + spent.pop("record, server")
    steps = {step: took for step, took in spent.items() if "server" not in step}
    return [
        *(_told(step, f"{step} of batches of 1,000, processor time a letter, {BOTH}", took / letters)
          for step, took in steps.items()),
        _told("server-letter", "claim and record, processor time a letter of PostgreSQL alone", server / letters),
    ]  # fmt: skip


def _sizes(population: Population) -> list[Figure]:
    """Return the bytes of a row of the tables that grow with readers and letters, with their indexes."""
    installation = population.installation(DUE)
    sizes = {
        table: _size(installation.engine, table) / _rows(population, table)
        for table in ("subscriber", "delivery", "digest")
    }
    installation.engine.dispose()
    return [_bytes(table, size) for table, size in sizes.items()]


def _events(url: str) -> list[Figure]:
    """Take events in, each five times; return the server's processor time for an event, and the bytes of its row."""
    engine = make_engine(url)
    migrate.upgrade(engine)
    events.fill(engine, EVENTS // events.EACH)
    before = _server_seconds(engine)
    taken, *_ = events.run(engine, EVENTS)
    server, size = _server_seconds(engine) - before, _size(engine, "event")
    engine.dispose()
    calls = EVENTS * events.FOLD
    return [
        _told("server-event", "an event taken in, processor time of PostgreSQL alone", server / calls),
        _bytes("event", size / taken.new),
    ]


def _bytes(table: str, size: float) -> Figure:
    return _told(f"bytes-{table}", f"PostgreSQL: bytes of a row of `{table}`, with its indexes", size, "B")


def _rows(population: Population, table: str) -> int:
    installation = population.installation(DUE)
    with reading(installation.engine) as conn:
        count = conn.scalar(select(func.count()).select_from(text(table))) or 0
    installation.engine.dispose()
    return count


def _size(engine: Engine, table: str) -> int:
    with reading(engine) as conn:
        return int(conn.scalar(text(f"SELECT pg_total_relation_size('{table}')")) or 0)


def _server_seconds(engine: Engine) -> float:
    """Return the processor time that the server has used so far, with that of its processes that have ended."""
    with reading(engine) as conn:
        backend = conn.scalar(text("SELECT pg_backend_pid()"))
    parent = _stat(Path(f"/proc/{backend}/stat"))[1]
    ticks = sum(_stat(Path(f"/proc/{parent}/stat"))[11:15])
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = _stat(path)
        except OSError:
            continue  # because the process has just ended
        ticks += sum(fields[11:13]) if fields[1] == parent else 0
    return ticks / 100


def _stat(path: Path) -> list[int]:
    """Return the numbers of a process in /proc after its name: state (0), parent, …, processor times (11 to 14)."""
    return [int(word) if word.lstrip("-").isdigit() else 0 for word in path.read_text().rpartition(")")[2].split()]


@contextmanager
def _timed(spent: Spent, step: str, engine: Engine) -> Iterator[None]:
    """Add the processor time of the block to `spent`: of this process and the server, and of the server alone.

    Not the time of a clock, because other work on this machine would be counted with it.
    """
    server, began = _server_seconds(engine), time.process_time()
    yield
    ours, theirs = time.process_time() - began, _server_seconds(engine) - server
    spent[step] += ours + theirs
    spent[f"{step}, server"] += theirs


def _told(key: str, says: str, value: float, unit: str = "µs") -> Figure:
    return Figure(key, says, (value * 1e6 if unit == "µs" else value,), unit, None, None, more=False)


if __name__ == "__main__":
    began = time.monotonic()
    figures = measure()
    save_results([measured_now("ledger", figures, "", time.monotonic() - began)], FILE)
    report(figures)
