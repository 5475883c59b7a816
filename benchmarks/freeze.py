"""Measure what freezing an edition costs: processor time a reader, matching alone, PostgreSQL, and memory.

    .venv/bin/python -m benchmarks.freeze [REPETITIONS]

Timed in process are the functions that a run freezes with. The memory is that of `digest run` in its own process,
which is stopped once it has frozen. PostgreSQL is the server that the tests use.
"""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, select
from sqlalchemy.engine import make_url

from benchmarks.figures import Figure, report
from benchmarks.population import DUE, Population, make
from digest.editions import draft
from digest.editions.freeze import freeze
from digest.editions.plan import PAGE, Offer, Standing
from digest.group import Match
from digest.model import Edition
from digest.schedule import due_slot
from digest.store.engine import reading, writing
from subscribers import store as people
from subscribers.rows import READER_COLUMNS
from subscribers.tables import subscriber
from tests.postgres import Databases, server

READERS = 100_000
NO_SERVER = "no PostgreSQL server here; see tests/postgres.py"


def measure(repetitions: int) -> list[Figure]:
    """Return the figures of freezing at 100,000 readers."""
    gc.set_threshold(200_000)  # as digest.cli does
    times: dict[str, list[float]] = {"sqlite": [], "postgresql": [], "match": [], "memory": []}
    with tempfile.TemporaryDirectory() as name, server() as address:
        home = Path(name)
        population = make(home / "sqlite", READERS)
        databases = Databases(address) if address else None
        url = databases.new() if databases else ""
        other = make(home / "postgresql", READERS, url=url) if databases else None
        for _ in range(repetitions):
            times["match"].append(match_ratio(population))
            with tempfile.TemporaryDirectory() as folder:
                times["sqlite"].append(freeze_micros(population.copy(Path(folder) / "copy")))
            with tempfile.TemporaryDirectory() as folder:
                times["memory"].append(run_memory(population.copy(Path(folder) / "copy")))
            if databases and other:
                twin = databases.new(make_url(url).database or "")
                with tempfile.TemporaryDirectory() as folder:
                    times["postgresql"].append(freeze_micros(other.copy(Path(folder) / "copy", url=twin)))
                databases.drop(twin)
    return _figures(times)


def _figures(times: dict[str, list[float]]) -> list[Figure]:
    """Return the figures of what was measured in each repetition."""
    ratios = tuple(ours / theirs for ours, theirs in zip(times["postgresql"], times["sqlite"], strict=False))
    return [
        Figure("freeze-cpu", "freeze of 100,000 readers, processor time a reader, SQLite",
               tuple(times["sqlite"]), "µs", 60, 20, more=False,
               short="reading and writing the rows is half of it, and the other half is Python for each reader"),
        Figure("match", "readers' rows in, digests out, vs only fetching the rows",
               tuple(times["match"]), "×", 3, 1.5, more=False,
               short="a reader's interests are made of their row before they can be matched"),
        Figure("freeze-postgresql", "freeze of 100,000 readers, PostgreSQL vs SQLite, processor time of the client",
               ratios or (float("inf"),), "×", 1.2, 1, more=False,
               short="the rows cross a socket" if ratios else NO_SERVER),
        Figure("run-memory-100000", "peak memory of a run up to the freeze, 100,000 readers",
               tuple(times["memory"]), "MB", 150, 110, more=False,
               short="the libraries alone take half of it"),
    ]  # fmt: skip


def measure_growth(readers: int = 1_000_000) -> list[Figure]:
    """Return how much more memory a run up to the freeze takes with so many readers than with 100,000."""
    peaks = []
    for count in (READERS, readers):
        with tempfile.TemporaryDirectory() as name:
            peaks.append(run_memory(make(Path(name), count)))
    says = f"growth of a run's peak memory up to the freeze, 100,000 to {readers:,} readers"
    return [Figure("run-memory-growth", says, (peaks[1] - peaks[0],), "MB", 30, 10, more=False)]


def freeze_micros(population: Population) -> float:
    """Freeze an installation's weekly edition; return the microseconds of processor time a reader."""
    installation = population.installation()
    settings, secret = installation.settings, installation.secret
    cadence = settings.cadence("weekly")
    slot = due_slot(cadence, DUE, settings.site.zone)
    with writing(installation.engine) as conn:
        draft.ready(conn, settings, cadence, slot, DUE)
    began = time.process_time()
    with writing(installation.engine) as conn:
        freeze(conn, settings, cadence, slot, secret, DUE)
    micros = (time.process_time() - began) / READERS * 1e6
    installation.engine.dispose()
    return micros


def match_ratio(population: Population) -> float:
    """Return how much longer it takes to fetch all readers and match them than only to fetch their rows."""
    installation = population.installation()
    with reading(installation.engine) as conn:
        high = max(row.release for row in draft.entries_between(conn, 0, sys.maxsize))
        edition = Edition(0, "weekly", "2026-11-20", "draft", False, "", high, "")
        offer = Offer(installation.settings, edition, draft.entries_between(conn, 0, high))
        fetching = _seconds(lambda: _fetch(conn))
        matching = _seconds(lambda: _match(conn, offer))
    installation.engine.dispose()
    return matching / fetching


def _fetch(conn: Connection) -> None:
    """Fetch the rows that plans are made of, page by page."""
    last = 0
    query = select(*READER_COLUMNS).where(subscriber.c.cadence == "weekly", subscriber.c.state == "active")
    query = query.order_by(subscriber.c.id).limit(PAGE)
    while rows := conn.execute(query.where(subscriber.c.id > last)).all():
        last = rows[-1][0]


def _match(conn: Connection, offer: Offer) -> int:
    """Match all readers with the edition; return the number of digests."""
    last = 0
    matches: set[Match | None] = set()
    while page := people.readers(conn, cadence="weekly", after=last, limit=PAGE):
        last = page[-1].id
        matches.update(offer.planned(Standing(reader, "", 0, ())).match for reader in page)
    return len(matches)


def run_memory(population: Population) -> float:
    """Let `digest run` freeze the edition of an installation; return the peak of its memory in MB."""
    # The second freeze, because the daily edition, which nobody follows, is due too.
    environ = os.environ | {"DIGEST_FAILPOINT": "freeze: committed*2", "DIGEST_FAILPOINT_SIGNAL": "STOP"}
    process = subprocess.Popen(population.command("run"), env=environ)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "the run ended before it had frozen"
    # From /proc, because the peak that the kernel reports of a child that has ended may be that of this process.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    process.kill()
    process.wait()
    assert peak is not None
    return int(peak[1]) / 1024


def _seconds(work: Callable[[], object]) -> float:
    """Do some work; return the seconds of processor time that it took."""
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    report(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
