"""Find the random keys to which tags and links are bound, and end the tags and links that were made without keys.

After a restore the numbers of subscribers, editions and deliveries are given again; keys never are.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select, true, update

from digest.store.schema import delivery, edition
from digest.transports.tag import TagKeys
from subscribers import links
from subscribers.database import chunks
from subscribers.tables import subscriber


def tag_keys(conn: Connection, numbers: Collection[int]) -> dict[int, TagKeys]:
    """Return {delivery: what its tag is bound to} for those of these deliveries that exist with their readers."""
    joined = delivery.join(edition).join(subscriber, subscriber.c.id == delivery.c.subscriber_id)
    query = select(delivery.c.id, subscriber.c.key, edition.c.key, edition.c.old_links).select_from(joined)
    keys: dict[int, TagKeys] = {}
    for chunk in chunks(sorted(numbers)):
        keys.update((row[0], TagKeys(*row[1:])) for row in conn.execute(query.where(delivery.c.id.in_(chunk))))
    return keys


def edition_key(conn: Connection, number: int) -> tuple[str, bool] | None:
    """Return an edition's key, and whether links to it that were made before there were keys still count."""
    row = conn.execute(select(edition.c.key, edition.c.old_links).where(edition.c.id == number)).one_or_none()
    return (row[0], row[1]) if row else None


def end_old_links(conn: Connection) -> None:
    """Let no link or tag without a key count any more, because a restore may have given its number to another."""
    links.end_old_links(conn)
    conn.execute(update(edition).where(edition.c.old_links == true()).values(old_links=False))
