"""Keep a row for each change of consent, so that an older state of the database can be told from the newest.

The row is written in the transaction of the change. `digest.store.fence` copies its token to a file outside the
database, and its address hash to a list beside that file.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from subscribers.database import chunks
from subscribers.tables import consent_change

LIFTED = "lifted"  # instead of a reason: the suppression of the address was lifted
_REMEMBERED = 1_000  # rows kept behind the newest, because a file may be that far behind


def record_changes(conn: Connection, suppressions: Sequence[tuple[str, str]] = (("", ""),)) -> None:
    """Add a row for each changed suppression, as (address hash, reason or LIFTED), or one row for another change."""
    if suppressions:
        rows = [
            {"token": secrets.token_hex(8), "address_hash": hashed, "what": what} for hashed, what in suppressions
        ]
        conn.execute(insert(consent_change), rows)


def newest_kept(conn: Connection) -> str:
    """Return the token of the newest change that was copied, or "" when none was."""
    kept = select(consent_change.c.token).where(consent_change.c.kept)
    return conn.scalar(kept.order_by(consent_change.c.id.desc()).limit(1)) or ""


def newest_change(conn: Connection) -> int:
    """Return the number of the newest change, copied or not, or 0 when there was none."""
    return conn.scalar(select(func.max(consent_change.c.id))) or 0


def has_change(conn: Connection, token: str) -> bool:
    """Return whether this database has had the change with this token."""
    return conn.scalar(select(consent_change.c.id).where(consent_change.c.token == token).limit(1)) is not None


def unkept_changes(conn: Connection) -> list[tuple[int, str, str]]:
    """Return the changes that were not copied yet, oldest first, as (id, address hash, reason or LIFTED)."""
    query = select(consent_change.c.id, consent_change.c.address_hash, consent_change.c.what)
    rows = conn.execute(query.where(consent_change.c.kept.is_(False)).order_by(consent_change.c.id))
    return [(row.id, row.address_hash, row.what) for row in rows]


def mark_kept(conn: Connection, ids: Sequence[int]) -> None:
    """Mark changes as copied, and remove old ones that no file can name any more."""
    for some in chunks(ids):
        conn.execute(update(consent_change).where(consent_change.c.id.in_(some)).values(kept=True))
    old = consent_change.c.id < newest_change(conn) - _REMEMBERED
    conn.execute(delete(consent_change).where(old, consent_change.c.kept))
