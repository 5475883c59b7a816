"""Measure the peak memory of whole runs, for each transport and database: `python -m benchmarks.memory`.

Each run gathers, freezes and sends, once with 10,000 and once with 100,000 readers. Letters written as files go into
a folder in memory where this machine has one, because flushing each to a disk would take a quarter of an hour.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure, report
from benchmarks.million import whole_run
from benchmarks.population import FILE_TRANSPORT
from benchmarks.sinks import SENDGRID_ENVIRON, sendgrid_sink, sendgrid_transport, smtp_sink, smtp_transport
from tests.postgres import Databases, roomy, server

READERS = (10_000, 100_000)
REACH, GROWTH = 150, 20  # MB
SHORT = "the libraries take half of it; what grows is the database's own pages, and what a run keeps for each digest"


def measure(repetitions: int = 1) -> list[Figure]:  # noqa: ARG001 - a peak varies too little to measure it twice
    """Return the peak memory of a run, and its growth, for each transport and database."""
    os.environ.update(SENDGRID_ENVIRON)
    figures = []
    with _databases() as databases, _transports() as transports:
        for database, server_used in (("SQLite", None), ("PostgreSQL", databases)):
            for kind, lines in transports.items():
                peaks = [_peak(readers, lines, server_used) for readers in READERS]
                figures += _figures(f"{kind}, {database}", *peaks)
    return figures


def _peak(readers: int, transport: str, databases: Databases | None) -> float:
    """Return the peak memory of one run in MB; without `databases` its database is an SQLite file."""
    url = databases.new() if databases else ""
    with tempfile.TemporaryDirectory(dir=roomy()) as name:
        run = whole_run(Path(name) / "installation", readers, transport, url=url)
    if databases:
        databases.drop(url)
    return run.cost.memory


def _figures(cell: str, before: float, peak: float) -> list[Figure]:
    """Return the figures of a transport and database, `cell`, from the peaks with fewer and with more readers."""
    fewer, more = READERS
    key, words = f"memory-{cell.lower().replace(', ', '-')}", f"peak memory of a run of {more:,} readers, {cell}"
    growth = f"{words}: growth from {fewer:,}"
    return [
        Figure(key, words, (peak,), "MB", REACH, 110, False, SHORT),
        Figure(f"{key}-growth", growth, (peak - before,), "MB", GROWTH, 10, False, SHORT),
    ]


@contextmanager
def _databases() -> Iterator[Databases]:
    """Start a PostgreSQL server. Raises RuntimeError when this machine has none."""
    with server() as address:
        if address is None:
            raise RuntimeError("there is no PostgreSQL server: pip install -r requirements-ci.lock")
        yield Databases(address)


@contextmanager
def _transports() -> Iterator[dict[str, str]]:
    with smtp_sink() as smtp, sendgrid_sink() as sendgrid:
        yield {"SMTP": smtp_transport(smtp), "SendGrid": sendgrid_transport(sendgrid), "files": FILE_TRANSPORT}


if __name__ == "__main__":
    report(measure())
