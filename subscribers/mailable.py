"""Tell which subscribers must not be mailed now, and why: for plans, claims, previews and pages alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from subscribers.addresses import parse_address
from subscribers.consent import may_mail
from subscribers.database import among
from subscribers.model import Reader, Subscriber
from subscribers.rows import COLUMNS, to_subscriber
from subscribers.suppression import reasons_for
from subscribers.tables import subscriber


def unmailable(
    conn: Connection, subscribers: Sequence[Subscriber], *, secret: bytes, allow_list: Collection[str], now: datetime
) -> dict[int, str]:
    """Return {id: reason} for those of `subscribers` who must not get a letter now.

    The reasons are those of `consent.may_mail`; suppressions are read in the caller's transaction. An empty
    `allow_list` allows everybody. Raises BadSecret when the suppressions were made with another secret.
    """
    keys = {person.id: parse_address(person.email).key for person in subscribers}
    reasons = reasons_for(conn, secret, keys.values())
    suppressed = {number for number, key in keys.items() if key in reasons}
    return _reasons(subscribers, suppressed, allow_list, now)


def unmailable_readers(
    conn: Connection, readers: Sequence[Reader], *, secret: bytes, allow_list: Collection[str], now: datetime
) -> dict[int, str]:
    """Return the same as `unmailable`, for readers who were read with their normalised addresses."""
    reasons = reasons_for(conn, secret, [reader.email_key for reader in readers])
    suppressed = {reader.id for reader in readers if reader.email_key in reasons}
    return _reasons(readers, suppressed, allow_list, now)


def read_mailable(
    conn: Connection, ids: Collection[int], *, secret: bytes, allow_list: Collection[str], now: datetime
) -> tuple[dict[int, Subscriber], dict[int, str]]:
    """Return {id: subscriber} for at most 1,000 ids, and of these {id: reason} as `unmailable`, from one reading.

    Ids without a subscriber are left out.
    """
    rows = conn.execute(select(*COLUMNS, subscriber.c.email_key).where(among(conn, subscriber.c.id, ids))).all()
    readers = {row.id: to_subscriber(row[:-1]) for row in rows}
    reasons = reasons_for(conn, secret, [row.email_key for row in rows])
    suppressed = {row.id for row in rows if row.email_key in reasons}
    return readers, _reasons(readers.values(), suppressed, allow_list, now)


def _reasons(
    subscribers: Iterable[Reader | Subscriber],
    suppressed: Collection[int],
    allow_list: Collection[str],
    now: datetime,
) -> dict[int, str]:
    reasons = {person.id: may_mail(person, person.id in suppressed, now, allow_list) for person in subscribers}
    return {number: reason for number, reason in reasons.items() if reason}
