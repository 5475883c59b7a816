"""Find the edition that a person names by its number."""

from __future__ import annotations

from sqlalchemy import Connection

from digest.errors import WrongUse
from digest.model import Edition
from digest.store import editions


def edition_of(conn: Connection, number: int) -> Edition:
    """Return an edition. Raises WrongUse when it does not exist."""
    edition = editions.get(conn, number)
    if edition is None:
        raise WrongUse(f"edition {number} does not exist; see `digest status`")
    return edition
