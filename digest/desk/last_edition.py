"""Read what is compared of the edition before another one: its readers, its letters and its entries."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from digest.editions.plan import new_entries
from digest.group import Candidate, candidate_of
from digest.model import Edition
from digest.store import deliveries, editions


class LastEdition(NamedTuple):
    """Hold a frozen edition: how many readers it had, for how many of them a letter was written, and its entries."""

    edition: Edition
    readers: int
    letters: int
    entries: tuple[Candidate, ...]


def last_edition(conn: Connection, edition: Edition) -> LastEdition | None:
    """Return the newest frozen edition of the same cadence before an edition, or None for a first one."""
    before = editions.frozen_before(conn, edition)
    if before is None:
        return None
    receipt = deliveries.receipt(conn, before)
    entries = [candidate_of(row.entry, row.release) for row in new_entries(editions.shown(conn, before.id))]
    letters = receipt.eligible - receipt.empty - receipt.suppressed - receipt.held
    return LastEdition(before, receipt.eligible, letters, tuple(entries))
