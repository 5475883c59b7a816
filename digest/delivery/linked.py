"""Find whom the signed links in a report name, because a provider may have taken out the address and the tag."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Connection

from digest.delivery.parcel import message_id
from digest.installation import Installation
from digest.store import deliveries
from digest.store.engine import reading
from digest.store.keys import edition_key, tag_keys
from digest.transports.mailbox.reports import LinkedReader
from subscribers.errors import BadToken, OldLink
from subscribers.links import person_of
from subscribers.tokens import Token, read_token, tokens_in

_PURPOSES = ("unsubscribe", "preferences", "browse")  # of the links in every letter


def read_links(installation: Installation, text: str) -> LinkedReader | None:
    """Return the reader whose links are in `text`; None for no link that counts, or links of two readers.

    A link counts if one of our keys has signed it, and if it is bound to the key of its reader, and of its edition.
    Raises BadSecret when the keys of links are lost.
    """
    tokens = tokens_in(text)
    keys = installation.link_keys if tokens else ()
    links = []
    for token in tokens:
        for purpose in _PURPOSES:
            with suppress(BadToken):
                links.append(read_token(keys, purpose, token))
    if not links:
        return None
    with reading(installation.engine) as conn:
        counting = [link for link in links if _counts(conn, link)]
        if len({link.subscriber for link in counting}) != 1:
            return None
        delivery = _delivery_of(conn, installation, counting, text)
    return LinkedReader(counting[0].subscriber, delivery, all(link.retired for link in counting))


def _delivery_of(conn: Connection, installation: Installation, links: Sequence[Token], text: str) -> int | None:
    """Return the delivery of a reader's letter, by the edition of a link or by the letter's Message-ID, or None."""
    editions = {link.edition for link in links if link.edition}
    own = deliveries.of_subscriber(conn, links[0].subscriber)
    numbers = [row.id for row in own if row.edition in editions]
    if not editions:
        site, secret = installation.settings.site, installation.secret
        keys = tag_keys(conn, [row.id for row in own])
        numbers = [number for number in keys if message_id(site, keys[number], secret) in text]
    return numbers[0] if len(numbers) == 1 else None


def _counts(conn: Connection, link: Token) -> bool:
    """Return whether a link is bound to a reader who is there, and to its edition where it names one."""
    edition = edition_key(conn, link.edition) if link.edition else None
    if link.edition and edition is None:
        return False
    with suppress(OldLink):
        return person_of(conn, link, edition) is not None
    return False
