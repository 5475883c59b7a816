"""Measure `digest db move` of 100,000 readers and a year of weekly editions: `python -m benchmarks.move`.

One edition is frozen as a run does it, and 51 earlier ones are made of it in SQL, with digests and deliveries of
their own. The cost is that of the command; PostgreSQL's own processes come on top, so that the wall time tells more.
"""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Table, func, insert, literal, select

from benchmarks.cost import cost_of
from benchmarks.figures import Figure, report
from benchmarks.population import Population, make
from digest.store.engine import reading, writing
from digest.store.migrate import tables
from digest.store.schema import delivery, digest, digest_entry, edition, edition_entry, slot
from tests.postgres import Databases, cluster

READERS, EDITIONS = 100_000, 52
_SENT = literal("accepted")
NO_SERVER = "no PostgreSQL server here; see tests/postgres.py"


def measure(repetitions: int = 1) -> list[Figure]:  # noqa: ARG001 - it takes minutes, so that once is enough
    """Return the figures of one move."""
    # On a disk, because both databases have some gigabytes.
    with cluster() as server, tempfile.TemporaryDirectory(dir="/tmp") as name:
        if server is None:
            return _figures(0, float("inf"), float("inf"), float("inf"))
        population = make(Path(name) / "installation", READERS, frozen=True)
        add_a_year(population)
        return move_figures(population, server.address)


def move_figures(population: Population, address: str) -> list[Figure]:
    """Move an installation to a new database of the server at `address`; return the figures."""
    databases = Databases(address)
    url = databases.new()
    cost = cost_of(population.command("db", "move", url))
    rows = _rows(population)
    databases.drop(url)
    databases.close()
    return _figures(rows, cost.processor, cost.wall, cost.memory)


def add_a_year(population: Population) -> None:
    """Give an installation with one frozen edition those of the weeks before it, all sent."""
    installation = population.installation()
    # Made at the end, because rows at random places of large indexes take most of the time.
    tables()
    indexes = [index for table in (digest, digest_entry, delivery) for index in table.indexes]
    with writing(installation.engine) as conn:
        conn.exec_driver_sql("PRAGMA cache_size=-500000")
        for index in indexes:
            index.drop(conn)
        newest = conn.execute(select(edition.c.id, edition.c.slot)).one()
        step = conn.scalar(select(func.max(digest.c.id))) or 0
        for week in range(1, EDITIONS):
            day = (date.fromisoformat(newest.slot) - timedelta(weeks=week)).isoformat()
            _repeat(conn, newest.id, day, week, week * step)
        for index in indexes:
            index.create(conn)
    installation.engine.dispose()


def _repeat(conn: Connection, number: int, day: str, week: int, step: int) -> None:
    """Add an earlier edition that is as edition `number`; its digests' ids are higher by `step`."""
    other, key = number + week, func.lower(func.hex(func.randomblob(8)))
    plain = {"id": literal(other), "slot": literal(day), "key": key}
    made_of: dict[Table, tuple[Column[Any], dict[str, Any]]] = {
        edition: (edition.c.id, plain),
        edition_entry: (edition_entry.c.edition_id, {"edition_id": literal(other)}),
        slot: (slot.c.edition_id, {"edition_id": literal(other), "day": literal(day)}),
        digest: (digest.c.edition_id, {"id": digest.c.id + step, "edition_id": literal(other)}),
        delivery: (
            delivery.c.edition_id,
            {"id": None, "edition_id": literal(other), "digest_id": delivery.c.digest_id + step, "state": _SENT},
        ),
    }
    for table, (which, changed) in made_of.items():
        columns = [column for column in table.columns if changed.get(column.name, "") is not None]
        values = [changed.get(column.name, column) for column in columns]
        names = [column.name for column in columns]
        conn.execute(insert(table).from_select(names, select(*values).where(which == number)))
    entries = digest_entry.c
    rows = select(entries.digest_id + step, entries.entry_id).where(entries.digest_id.between(1, step // week))
    conn.execute(insert(digest_entry).from_select(["digest_id", "entry_id"], rows))


def _rows(population: Population) -> int:
    installation = population.installation()
    with reading(installation.engine) as conn:
        count = conn.scalar(select(func.count()).select_from(delivery)) or 0
    installation.engine.dispose()
    return count


def _figures(deliveries: int, processor: float, wall: float, memory: float) -> list[Figure]:
    what = f"db move of {deliveries:,} deliveries and their digests"
    each = processor / max(deliveries, 1) * 1e6
    short = "each row is read and hashed on both sides" if deliveries else NO_SERVER
    return [
        Figure("move-cpu", f"{what}, processor time a delivery", (each,), "µs", 100, 50, more=False, short=short),
        Figure("move-wall", f"{what}, seconds in which readers' changes are refused", (wall,), "", None, None, False),
        Figure("move-memory", f"{what}, peak memory", (memory,), "MB", 150, 110, more=False, short=short),
    ]


if __name__ == "__main__":
    report(measure())
