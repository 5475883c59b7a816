"""Accounts: what an edition's rows say beside its receipt: why, by which runs, and what was heard of them since."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from digest.store.schema import delivery, digest, edition_entry, release, run
from subscribers.database import chunks

RUNS = 200  # how many of the newest runs are looked through


@dataclass(frozen=True, slots=True)
class Worked:
    """One run that worked on an edition. `outcome` None: it is under way, or was killed."""

    id: int
    command: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None


def reasons(conn: Connection, number: int) -> dict[tuple[str, str], int]:
    """Return how many deliveries of an edition stand in each state for each stored reason."""
    query = (
        select(delivery.c.state, delivery.c.reason, func.count())
        .where(delivery.c.edition_id == number)
        .group_by(delivery.c.state, delivery.c.reason)
    )
    return {(row[0], row[1]): row[2] for row in conn.execute(query)}


def fates(conn: Connection, number: int) -> dict[str, int]:
    """Return how many accepted deliveries of an edition were later delivered, bounced, complained of."""
    query = (
        select(delivery.c.fate, func.count())
        .where(delivery.c.edition_id == number, delivery.c.state == "accepted", delivery.c.fate.is_not(None))
        .group_by(delivery.c.fate)
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def fates_of(conn: Connection, deliveries: Collection[int]) -> dict[int, str]:
    """Return the later fate of each of some deliveries; of whom nothing was heard is left out."""
    found: dict[int, str] = {}
    for chunk in chunks(sorted(deliveries)):
        query = select(delivery.c.id, delivery.c.fate).where(delivery.c.id.in_(chunk), delivery.c.fate.is_not(None))
        found.update((row[0], row[1]) for row in conn.execute(query))
    return found


def runs_of(conn: Connection, number: int) -> list[Worked]:
    """Return the runs that claimed deliveries of an edition or told of it in their account, oldest first."""
    claimed = set(conn.scalars(select(delivery.c.run_id).where(delivery.c.edition_id == number).distinct()))
    found = []
    for row in conn.execute(select(run).order_by(run.c.id.desc()).limit(RUNS)):
        told = (row.account or {}).get("receipts", ())
        if row.id in claimed or any(one.get("edition") == number for one in told):
            found.append(Worked(row.id, row.command, row.started_at, row.finished_at, row.outcome))
    return found[::-1]


def sizes(conn: Connection, number: int) -> tuple[int, int]:
    """Return how many entries an edition has, and how many digests were made of them."""
    entries = select(func.count()).where(edition_entry.c.edition_id == number)
    digests = select(func.count()).where(digest.c.edition_id == number)
    return conn.scalar(entries) or 0, conn.scalar(digests) or 0


def count_in_doubt(conn: Connection) -> int:
    """Return how many deliveries are uncertain, of all editions."""
    return conn.scalar(select(func.count()).where(delivery.c.state == "uncertain")) or 0


def carried(conn: Connection, entry: int) -> dict[int, int]:
    """Return the editions that carry an entry, each with the release by which it came in."""
    query = select(edition_entry.c.edition_id, edition_entry.c.release).where(edition_entry.c.entry_id == entry)
    return {row[0]: row[1] for row in conn.execute(query)}


def released(conn: Connection, entry: int) -> tuple[int, datetime] | None:
    """Return the number and instant of an entry's newest release, or None before its first."""
    query = select(release.c.number, release.c.at).where(release.c.entry_id == entry)
    row = conn.execute(query.order_by(release.c.number.desc()).limit(1)).one_or_none()
    return (row.number, row.at) if row else None
