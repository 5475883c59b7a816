"""Keep the wishes of subscribers to move to another address, and know whether they have moved, or asked to, before.

Every function works inside the caller's transaction. A wish to move is a row of `confirmation`; so is the way back
after a move, with `back` among its choices.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from subscribers.asked import note_asking
from subscribers.confirmations import MOVE, Wish
from subscribers.tables import asked, confirmation, consent_event, subscriber

WAY_BACK = {"back": True}  # the choices of a wish that undoes a move
MOVED, MOVED_BACK = "moved to another address", "moved back to the address before"
_MOVER = "mover"  # the kind of the rows that count how often a reader asked to move


def is_way_back(wish: Wish) -> bool:
    """Return whether a wish undoes a move."""
    return wish.kind == MOVE and bool(wish.choices.get("back"))


def end_open_moves(conn: Connection, number: int) -> None:
    """Remove the wishes to move of a subscriber that are not confirmed, but for the ways back."""
    theirs = (confirmation.c.subscriber_id == number) & (confirmation.c.kind == MOVE)
    rows = conn.execute(select(confirmation.c.id, confirmation.c.choices).where(theirs)).all()
    ended = [row.id for row in rows if not row.choices]
    conn.execute(delete(confirmation).where(confirmation.c.id.in_(ended)))


def has_open_move(conn: Connection, number: int, address_hash: str) -> bool:
    """Return whether a wish of a subscriber to move to an address waits to be confirmed there."""
    theirs = (confirmation.c.subscriber_id == number) & (confirmation.c.kind == MOVE) & (confirmation.c.email != "")
    rows = conn.execute(select(confirmation.c.choices).where(theirs, confirmation.c.address_hash == address_hash))
    return any(not row.choices for row in rows)


def hashes_of_wishes(conn: Connection, number: int) -> list[str]:
    """Return the hashes of the addresses to which wishes of a subscriber are to be confirmed."""
    return list(conn.scalars(select(confirmation.c.address_hash).where(confirmation.c.subscriber_id == number)))


def was_moved_back(conn: Connection, number: int, since: datetime) -> bool:
    """Return whether a move of a subscriber was undone since an instant."""
    query = select(consent_event.c.id).where(
        consent_event.c.subscriber_id == number, consent_event.c.how == MOVED_BACK, consent_event.c.at > since
    )
    return conn.scalar(query.limit(1)) is not None


def note_mover(conn: Connection, address_hash: str, network: str, now: datetime) -> None:
    """Remember that the reader with an address asked to move."""
    note_asking(conn, _MOVER, address_hash, network, now)


def count_moves(conn: Connection, address_hash: str, since: datetime) -> int:
    """Count how often the reader with an address asked to move since an instant."""
    theirs = (asked.c.kind == _MOVER) & (asked.c.address_hash == address_hash) & (asked.c.at > since)
    return conn.scalar(select(func.count()).select_from(asked).where(theirs)) or 0


def lock_subscriber(conn: Connection, number: int) -> None:
    """Lock the row of a subscriber until the transaction ends, so that two moves come one after the other."""
    conn.execute(select(subscriber.c.id).where(subscriber.c.id == number).with_for_update())
