"""Erase a reader for good: row, history and marks go; a hash of the address stays, so that it is never mailed.

A page and `digest subscribers forget` call it. The database file is rewritten afterwards: at once by the command, by
the next run after a page, because it takes long.
"""

from __future__ import annotations

from sqlalchemy import Connection

from digest.installation import Installation
from digest.store import notices
from digest.store.erase import owe_scrub
from digest.store.notices import CONFIRM, MOVED
from subscribers import moves, store


def erase_reader(conn: Connection, installation: Installation, number: int) -> None:
    """Erase a subscriber in the caller's transaction, with the notices that are owed to them. Raises NoSubscriber.

    The fence follows afterwards, as after every change of consent.
    """
    now, secret = installation.clock(), installation.secret
    hashes = moves.hashes_of_wishes(conn, number)
    store.forget(conn, number, now=now, secret=secret)
    notices.drop_erased(conn, now)
    for hashed in hashes:  # because these go to other addresses of theirs
        for kind in (CONFIRM, MOVED):
            notices.drop_owed(conn, kind, hashed, "erased", now)
    owe_scrub(conn)
