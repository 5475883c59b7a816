"""Read for people what happened: to an edition, its runs and its deliveries, and to an entry's releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Text, case, cast, exists, func, literal, or_, select, union

from digest.ledger.redact import OUR_YES
from digest.store.schema import delivery, digest, digest_entry, edition_entry, had, release, run, tally
from digest.store.tallies import tallied_fates
from subscribers.database import chunks


@dataclass(frozen=True, slots=True)
class EditionRun:
    """Hold a run that worked on an edition. `outcome` None: it is under way, or was killed."""

    id: int
    command: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None


def reasons(conn: Connection, number: int) -> dict[tuple[str, str], int]:
    """Return how many deliveries of an edition there are for each (state, stored reason), without the condensed.

    The answers to accepted letters count together, with "" for a reason, because each has a number of its own.
    """
    # Not LIKE, because SQLite's takes capitals for small letters.
    begins = (func.substr(delivery.c.reason, 1, len(words)) == words for words in OUR_YES)
    ours = or_(delivery.c.state != "accepted", *begins)
    reason = case((ours, delivery.c.reason), else_="").label("told")
    query = (
        select(delivery.c.state, reason, func.count())
        .where(delivery.c.edition_id == number)
        .group_by(delivery.c.state, reason)
    )
    return {(row[0], row[1]): row[2] for row in conn.execute(query)}


def fates(conn: Connection, number: int) -> dict[str, int]:
    """Return how many accepted deliveries of an edition have each later fate: delivered, bounced, complained."""
    query = (
        select(delivery.c.fate, func.count())
        .where(delivery.c.edition_id == number, delivery.c.state == "accepted", delivery.c.fate.is_not(None))
        .group_by(delivery.c.fate)
    )
    counts = Counter({row[0]: row[1] for row in conn.execute(query)})
    return dict(counts + Counter(tallied_fates(conn, number)))


def fates_of(conn: Connection, deliveries: Collection[int]) -> dict[int, str]:
    """Return the later fate of each of `deliveries`; a delivery without a fate is left out."""
    fate_by_delivery: dict[int, str] = {}
    for chunk in chunks(sorted(deliveries)):
        query = select(delivery.c.id, delivery.c.fate).where(delivery.c.id.in_(chunk), delivery.c.fate.is_not(None))
        fate_by_delivery.update((row[0], row[1]) for row in conn.execute(query))
    return fate_by_delivery


def runs_of(conn: Connection, number: int) -> list[EditionRun]:
    """Return the runs that claimed deliveries of an edition or have its receipt in their account, oldest first."""
    claimed = union(
        *(select(table.c.run_id).where(table.c.edition_id == number) for table in (delivery, tally))
    ).scalar_subquery()
    # Search the accounts as text first, because reading the JSON of each run of a year would take seconds.
    tells = cast(run.c.account, Text).contains(f'"edition": {number},')
    runs = []
    for row in conn.execute(
        select(run, run.c.id.in_(claimed).label("claimed"))
        .where(or_(run.c.id.in_(claimed), tells))
        .order_by(run.c.id)
    ):
        receipts = (row.account or {}).get("receipts", ())
        if row.claimed or any(receipt.get("edition") == number for receipt in receipts):
            runs.append(EditionRun(row.id, row.command, row.started_at, row.finished_at, row.outcome))
    return runs


def sizes(conn: Connection, number: int) -> tuple[int, int]:
    """Return the number of new entries of an edition, and the number of its digests; no empty digest counts."""
    entries = select(func.count()).where(edition_entry.c.edition_id == number, edition_entry.c.release > 0)
    # Not by counting the rows of entries, of which a large edition has a million.
    has_entry = exists().where(digest_entry.c.digest_id == digest.c.id)
    digests = select(func.count()).where(digest.c.edition_id == number, has_entry)
    return conn.scalar(entries) or 0, conn.scalar(digests) or 0


def count_in_doubt(conn: Connection) -> int:
    """Return the number of uncertain deliveries of all editions."""
    return conn.scalar(select(func.count()).where(delivery.c.state == "uncertain")) or 0


def carried(conn: Connection, entry: int) -> dict[int, int]:
    """Return the editions that carry an entry as a new one, each with the release by which the entry came in."""
    query = select(edition_entry.c.edition_id, edition_entry.c.release)
    query = query.where(edition_entry.c.entry_id == entry, edition_entry.c.release > 0)
    return {row[0]: row[1] for row in conn.execute(query)}


def released(conn: Connection, entry: int) -> tuple[int, datetime] | None:
    """Return the number and instant of an entry's newest release, or None before its first."""
    query = select(release.c.number, release.c.at).where(release.c.entry_id == entry)
    row = conn.execute(query.order_by(release.c.number.desc()).limit(1)).one_or_none()
    return (row.number, row.at) if row else None


def letters_with(conn: Connection, entry: int) -> dict[int, dict[str, int]]:
    """Return the editions that have letters with an entry: how many are in each state, by edition."""
    query = (
        select(delivery.c.edition_id, delivery.c.state, func.count())
        .join(digest_entry, digest_entry.c.digest_id == delivery.c.digest_id)
        .where(digest_entry.c.entry_id == entry)
        .group_by(delivery.c.edition_id, delivery.c.state)
    )
    condensed = (
        select(digest.c.edition_id, literal("accepted"), func.count())
        .select_from(had)
        .join(digest, digest.c.id == had.c.digest_id)
        .join(digest_entry, digest_entry.c.digest_id == had.c.digest_id)
        .where(digest_entry.c.entry_id == entry)
        .group_by(digest.c.edition_id)
    )
    letters: dict[int, Counter[str]] = {}
    for number, state, count in [*conn.execute(query), *conn.execute(condensed)]:
        letters.setdefault(number, Counter())[state] += count
    return {number: dict(letters[number]) for number in sorted(letters)}
