"""Compare workers that share an edition with one process that sends it alone.

    .venv/bin/python -m benchmarks.fleet [REPETITIONS]

An edition for 20,000 readers is frozen once, on PostgreSQL. Each repetition sends it from fresh copies of that
database into Postfix's `smtp-sink`: by `digest send`, which knows no queue, and by 1, 2 and 4 processes of
`digest worker --queues send`, to which it is announced as a freeze does. Workers live long, so that an edition finds
them running: their start has a figure of its own, and that of `digest send`, which cron starts, is part of its cost.
All of them, the sink and the server share this machine's cores, so that more workers than cores gain nothing here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, TextClause, text
from sqlalchemy.engine import make_url

from benchmarks.cost import cost_of
from benchmarks.figures import Figure, report
from benchmarks.population import Population, make
from benchmarks.sinks import smtp_sink, smtp_transport
from digest.cluster.announcer import Announcer
from digest.cluster.schema import upgrade_queue
from digest.installation import Work, batches_of
from digest.store.engine import make_engine, reading, writing
from tests.postgres import Databases, cluster

READERS = 20_000
FLEETS = (1, 2, 4)
_OPEN = text("SELECT count(*) FROM delivery WHERE state IN ('pending', 'claimed')")
_HIRED = text("SELECT count(DISTINCT (host, process)) FROM cluster_worker")
_DONE = text("SELECT count(*) FROM delivery WHERE state = 'accepted'")
_PATIENCE = 600  # seconds


def measure(repetitions: int) -> list[Figure]:
    """Return the figures. Raises RuntimeError when this machine has no PostgreSQL, or a letter was not accepted."""
    alone: list[float] = []
    overheads: list[float] = []
    starts: list[float] = []
    rates: dict[int, list[float]] = {count: [] for count in FLEETS}
    with tempfile.TemporaryDirectory() as name, cluster() as server:
        if server is None:
            raise RuntimeError("there is no PostgreSQL server: pip install -r requirements-ci.lock")
        databases = Databases(server.address)
        frozen = make(Path(name) / "frozen", READERS, url=databases.new(), frozen=True)
        engine = make_engine(frozen.url)
        upgrade_queue(engine)
        engine.dispose()
        for repetition in range(repetitions):
            print(f"repetition {repetition + 1} of {repetitions}", file=sys.stderr, flush=True)
            single = _sent(frozen, databases, Path(name) / "copy", 0)
            alone.append(1e6 * single.processor / READERS)
            for count in FLEETS:
                shared = _sent(frozen, databases, Path(name) / "copy", count)
                rates[count].append(single.wall / shared.wall)
                if count == 1:
                    overheads.append(100 * (shared.processor / single.processor - 1))
                    starts.append(shared.start)
    return [
        Figure("fleet-alone", "processor time of `digest send` for a reader, on PostgreSQL", tuple(alone), "µs", None,
               None, more=False),
        Figure("fleet-overhead", "processor time of one `digest worker` above that", tuple(overheads), "%", 15, None,
               more=False),
        Figure("fleet-start", "processor time of a worker's start", tuple(starts), "s", None, None, more=False),
        *(
            Figure(f"fleet-{count}", f"letters a second of {count} workers by those of `digest send`", tuple(values),
                   "×", None, None, more=True)
            for count, values in rates.items()
        ),
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Spent:
    """Say what sending took: `processor` and `wall` in seconds, and `start`, the processor time of all starts."""

    processor: float
    wall: float
    start: float = 0.0


def _sent(frozen: Population, databases: Databases, folder: Path, workers: int) -> _Spent:
    """Send the edition of a copy by so many workers, 0 for `digest send`; return what that cost."""
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    url = databases.new(make_url(frozen.url).database or "")
    with smtp_sink() as port:
        copy = frozen.copy(folder, transport=smtp_transport(port), url=url)
        engine = make_engine(url)
        if workers:
            with (folder / "config.toml").open("a", encoding="utf-8") as config:
                config.write("\n[cluster]\nenabled = true\n")
            cost = _spent_by_fleet(copy, engine, workers)
        else:
            alone = cost_of(copy.command("send"))
            cost = _Spent(alone.processor, alone.wall)
        with reading(engine) as conn:
            left, done = conn.scalar(_OPEN), conn.scalar(_DONE)
        engine.dispose()
    if left or not done:
        raise RuntimeError(f"{left} letters are left, {done} were accepted")
    databases.drop(url)
    return cost


def _spent_by_fleet(copy: Population, engine: Engine, workers: int) -> _Spent:
    command = copy.command("worker", "--concurrency", "1", "--queues", "send")
    running = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(workers)]
    try:
        _wait_until(engine, _HIRED, workers)
        time.sleep(1)  # because a worker has told its name before its last connection is open
        started = sum(map(_processor_time, running))
        began = time.perf_counter()
        with writing(engine) as conn:
            Announcer()(conn, Work("send", "1", batches_of(int(conn.scalar(_OPEN) or 0))))
        _wait_until(engine, _OPEN, 0)
        wall = time.perf_counter() - began
        return _Spent(sum(map(_processor_time, running)) - started, wall, started)
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait()


def _wait_until(engine: Engine, query: TextClause, value: int) -> None:
    began = time.perf_counter()
    while True:
        with reading(engine) as conn:
            now = conn.scalar(query)
        if now == value:
            return
        if time.perf_counter() - began > _PATIENCE:
            raise RuntimeError(f"{query}: {now} instead of {value} after {_PATIENCE} s")
        time.sleep(0.05)


def _processor_time(process: subprocess.Popen[bytes]) -> float:
    """Return the seconds that a process of Linux has spent so far, of user and system time."""
    stat = Path(f"/proc/{process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
