"""Decide whom a link in a letter names: the subscriber it was made for, or nobody.

After a restore an id may be given again, to another person. So a link counts only with the random key of its
subscriber. A link of the old form has none; it counts for the subscribers of the time when keys came, until the first
restore after that.
"""

from __future__ import annotations

import hmac

from sqlalchemy import Connection, select, true, update

from subscribers.errors import OldLink
from subscribers.model import Subscriber
from subscribers.rows import COLUMNS, to_subscriber
from subscribers.tables import subscriber
from subscribers.tokens import Token, joint_key


def person_of(conn: Connection, link: Token, edition: tuple[str, bool] | None = None) -> Subscriber | None:
    """Return the subscriber that a link was made for; None when nobody has the id, because they were erased.

    `edition`: the key and `old_links` of the edition that the link is bound to as well. Raises OldLink when the id is
    another subscriber's now, and for a link of the old form that does not count any more.
    """
    query = select(*COLUMNS, subscriber.c.old_links).where(subscriber.c.id == link.subscriber)
    row = conn.execute(query).one_or_none()
    if row is None and link.key:
        return None
    if row is not None:
        key, old_links = row.key, row.old_links
        if edition is not None:
            key, old_links = joint_key(key, edition[0]), old_links and edition[1]
        if _is_bound(link.key, key, old_links):
            return to_subscriber(row[:-1])
    raise OldLink("this link is from an old letter")


def _is_bound(given: str, stored: str, old_links: bool) -> bool:
    """Return whether a link with the key `given` ("" in the old form) is bound to the key `stored`."""
    return hmac.compare_digest(given, stored) if given and stored else not given and old_links


def end_old_links(conn: Connection) -> None:
    """Let no link of the old form count any more, because after a restore an id may be another person's."""
    conn.execute(update(subscriber).where(subscriber.c.old_links == true()).values(old_links=False))
