"""Compare workers that share an edition with one process that sends it alone.

    .venv/bin/python -m benchmarks.fleet [REPETITIONS]

An edition for 20,000 readers is frozen once, on PostgreSQL. Each repetition sends it from fresh copies of that
database into Postfix's `smtp-sink`: by `digest send`, which knows no queue, and by 1, 2 and 4 processes of
`digest worker`, to which it is announced as a freeze does. All of them, the sink and the server share this machine's
cores, so that more workers than cores gain nothing here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from benchmarks.cost import Cost, cost_of
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
_DONE = text("SELECT count(*) FROM delivery WHERE state = 'accepted'")
_PATIENCE = 600  # seconds


def measure(repetitions: int) -> list[Figure]:
    """Return the figures. Raises RuntimeError when this machine has no PostgreSQL, or a letter was not accepted."""
    alone: list[float] = []
    overheads: list[float] = []
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
    why = "the queue's own work, and a start that imports it"
    return [
        Figure("fleet-alone", "processor time of `digest send` for a reader, on PostgreSQL", tuple(alone), "µs", None,
               None, more=False),
        Figure("fleet-overhead", "processor time of one `digest worker` above that", tuple(overheads), "%", 15, None,
               more=False, short=why),
        *(
            Figure(f"fleet-{count}", f"letters a second of {count} workers by those of `digest send`", tuple(values),
                   "×", None, None, more=True)
            for count, values in rates.items()
        ),
    ]  # fmt: skip


def _sent(frozen: Population, databases: Databases, folder: Path, workers: int) -> Cost:
    """Send the edition of a copy by so many workers, 0 for `digest send`; return what that cost."""
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    url = databases.new(make_url(frozen.url).database or "")
    with smtp_sink() as port:
        copy = frozen.copy(folder, transport=smtp_transport(port), url=url)
        engine = make_engine(url)
        if workers:
            with (folder / "config.toml").open("a", encoding="utf-8") as config:
                config.write("\n[cluster]\nenabled = true\n")
            with writing(engine) as conn:
                Announcer()(conn, Work("send", "1", batches_of(int(conn.scalar(_OPEN) or 0))))
        cost = _cost_of_fleet(copy, engine, workers) if workers else cost_of(copy.command("send"))
        with reading(engine) as conn:
            left, done = conn.scalar(_OPEN), conn.scalar(_DONE)
        engine.dispose()
    if left or not done:
        raise RuntimeError(f"{left} letters are left, {done} were accepted")
    databases.drop(url)
    return cost


def _cost_of_fleet(copy: Population, engine: Engine, workers: int) -> Cost:
    began = time.perf_counter()
    command = copy.command("worker", "--concurrency", "1")
    running = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(workers)]
    while time.perf_counter() - began < _PATIENCE:
        with reading(engine) as conn:
            if not conn.scalar(_OPEN):
                break
        time.sleep(0.05)
    wall = time.perf_counter() - began
    for process in running:
        process.send_signal(signal.SIGTERM)
    spent = 0.0
    for process in running:
        _, _, usage = os.wait4(process.pid, 0)
        spent += usage.ru_utime + usage.ru_stime
        process.returncode = 0
    return Cost(spent, wall, 0.0)


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
