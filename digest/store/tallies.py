"""Read the tallies: the counts that stay of an edition's condensed deliveries (see digest.store.condense)."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from digest.store.schema import tally


def is_condensed(conn: Connection, number: int) -> bool:
    """Return whether deliveries of edition `number` were condensed."""
    return conn.scalar(select(tally.c.id).where(tally.c.edition_id == number).limit(1)) is not None


def tallied_reasons(conn: Connection, number: int) -> dict[tuple[str, str], int]:
    """Return the counts of an edition's condensed deliveries by (state, reason), as its receipt shows them."""
    query = select(tally.c.state, tally.c.reason, func.sum(tally.c.count)).where(tally.c.edition_id == number)
    return {(row[0], row[1]): row[2] for row in conn.execute(query.group_by(tally.c.state, tally.c.reason))}


def tallied_fates(conn: Connection, number: int) -> dict[str, int]:
    """Return how many condensed deliveries of an edition that were accepted have each later fate."""
    query = select(tally.c.fate, func.sum(tally.c.count)).where(
        tally.c.edition_id == number, tally.c.state == "accepted", tally.c.fate.is_not(None)
    )
    return {row[0]: row[1] for row in conn.execute(query.group_by(tally.c.fate))}
