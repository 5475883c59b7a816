"""Read what is kept of one subscriber beside their row: consent with its words, wishes, limits, why they left."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, select

from subscribers.tables import asked, confirmation, consent_event, consent_words, leaving

Kept = list[dict[str, Any]]


def consents(conn: Connection, number: int) -> Kept:
    """Return the consent history, oldest first, with the network and the words of what was agreed to on a page."""
    of_page = consent_words.c.key == consent_event.c.words
    query = (
        select(
            consent_event.c.at, consent_event.c.what, consent_event.c.how, consent_event.c.network,
            consent_words.c.language, consent_words.c.text.label("words"),
        )
        .outerjoin(consent_words, of_page)
        .where(consent_event.c.subscriber_id == number)
        .order_by(consent_event.c.id)
    )  # fmt: skip
    return _rows(conn, query)


def open_wishes(conn: Connection, number: int, hashed: str) -> Kept:
    """Return the wishes of a subscriber, or of their address, that are not confirmed."""
    theirs = (confirmation.c.subscriber_id == number) | (confirmation.c.address_hash == hashed)
    columns = (confirmation.c.kind, confirmation.c.email, confirmation.c.choices, confirmation.c.network)
    return _rows(conn, select(*columns, confirmation.c.asked_at).where(theirs).order_by(confirmation.c.id))


def times_asked(conn: Connection, hashed: str) -> Kept:
    """Return when and from which network a mail to an address was asked for, as the limits keep it."""
    query = select(asked.c.kind, asked.c.at, asked.c.network).where(asked.c.address_hash == hashed)
    return _rows(conn, query.order_by(asked.c.id))


def reasons_to_leave(conn: Connection, number: int) -> Kept:
    """Return why a subscriber left once, if they said it."""
    return _rows(
        conn, select(leaving.c.reason, leaving.c.text, leaving.c.at).where(leaving.c.subscriber_id == number)
    )


def _rows(conn: Connection, query: Select[Any]) -> Kept:
    return [dict(row._mapping) for row in conn.execute(query)]
