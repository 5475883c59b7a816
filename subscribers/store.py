"""Subscribers and their consent history in the database. A door.

Every function takes the caller's connection, inside the caller's transaction, and `now` as an aware UTC
datetime. What a function may do to whom is decided by `consent.next_state`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, text

from subscribers.addresses import parse_address
from subscribers.consent import next_state
from subscribers.database import dialect_insert
from subscribers.errors import BadAddress, NoSubscriber, NotAllowed
from subscribers.model import Interests, Subscriber
from subscribers.rows import (
    COLUMNS,
    clean_name,
    interest_columns,
    record,
    to_subscriber,
    write_all,
)
from subscribers.suppression import is_suppressed, suppress, suppressed_ids, unsuppress
from subscribers.tables import consent_event, subscriber

__all__ = [
    "ConsentEvent",
    "add",
    "confirm",
    "count",
    "end_pause",
    "find",
    "forget",
    "get",
    "history",
    "is_suppressed",
    "keep_still",
    "leave",
    "many",
    "pause",
    "set_cadence",
    "stream",
    "suppress",
    "suppressed_ids",
    "unsuppress",
    "update_interests",
]


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One line of a consent history. `what` is a word of `tables.EVENTS`, `how` says by which way."""

    subscriber: int
    at: datetime
    what: str
    how: str


def get(conn: Connection, id: int) -> Subscriber | None:
    """Return the subscriber with this id, or None."""
    row = conn.execute(select(*COLUMNS).where(subscriber.c.id == id)).one_or_none()
    return None if row is None else to_subscriber(row)


def keep_still(conn: Connection) -> None:
    """Let nobody join, leave or change until this transaction ends; SQLite's write lock does that by itself."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("LOCK TABLE suppression, subscriber IN SHARE MODE"))


def many(conn: Connection, ids: Collection[int]) -> dict[int, Subscriber]:
    """Return the subscribers with these ids, at most 1,000 asked for at once, by id; who is gone is left out."""
    rows = conn.execute(select(*COLUMNS).where(subscriber.c.id.in_(ids)))
    return {row.id: to_subscriber(row) for row in rows}


def find(conn: Connection, email: str) -> Subscriber | None:
    """Return the subscriber with this address, however it is spelt, or None; None too for no valid address."""
    try:
        key = parse_address(email).key
    except BadAddress:
        return None
    row = conn.execute(select(*COLUMNS).where(subscriber.c.email_key == key)).one_or_none()
    return None if row is None else to_subscriber(row)


def stream(
    conn: Connection,
    *,
    cadence: str | None = None,
    state: str | None = "active",
    after: int = 0,
    limit: int = 1000,
) -> list[Subscriber]:
    """Return one page, at most `limit` subscribers with an id above `after`, in the order of ids.

    The next page is asked for with the last id of this one; an empty list is the end. None: any cadence, any
    state. Who is paused or suppressed is in it: `consent.may_mail` decides.
    """
    query = select(*COLUMNS).where(subscriber.c.id > after).order_by(subscriber.c.id).limit(limit)
    if cadence is not None:
        query = query.where(subscriber.c.cadence == cadence)
    if state is not None:
        query = query.where(subscriber.c.state == state)
    return [to_subscriber(row) for row in conn.execute(query)]


def count(conn: Connection, *, cadence: str | None = None, state: str | None = "active") -> int:
    """Return how many subscribers `stream` would yield over all pages."""
    query = select(func.count()).select_from(subscriber)
    if cadence is not None:
        query = query.where(subscriber.c.cadence == cadence)
    if state is not None:
        query = query.where(subscriber.c.state == state)
    return conn.scalar(query) or 0


def history(conn: Connection, id: int) -> list[ConsentEvent]:
    """Return the consent history of one subscriber, oldest first."""
    query = select(consent_event).where(consent_event.c.subscriber_id == id).order_by(consent_event.c.id)
    return [ConsentEvent(row.subscriber_id, row.at, row.what, row.how) for row in conn.execute(query)]


def add(
    conn: Connection,
    email: str,
    *,
    cadence: str,
    how: str,
    now: datetime,
    secret: bytes,
    name: str = "",
    interests: Interests | None = None,
    language: str = "en",
    state: str = "active",
) -> Subscriber:
    """Store a new subscriber, "active" or "pending" (has still to confirm), and return them.

    Raises BadAddress, and NotAllowed when the address is suppressed or already there.
    """
    if state not in ("active", "pending"):
        raise ValueError(f"a new subscriber is active or pending, not {state!r}")
    address = parse_address(email)
    if reason := is_suppressed(conn, address.email, secret=secret):
        raise NotAllowed(f"this address must not be mailed ({reason}); lift the suppression first")
    values = {
        "email": address.email,
        "email_key": address.key,
        "name": clean_name(name or address.name),
        "cadence": cadence,
        **interest_columns(interests or Interests()),
        "language": language,
        "state": state,
        "joined_at": now if state == "active" else None,
        "created_at": now,
    }
    new = dialect_insert(conn)(subscriber).values(values).on_conflict_do_nothing(index_elements=["email_key"])
    row = conn.execute(new.returning(*COLUMNS)).one_or_none()
    if row is None:
        raise NotAllowed("this address is already a subscriber; change that one")
    record(conn, [(row.id, "added")], how=how, now=now)
    return to_subscriber(row)


def confirm(conn: Connection, id: int, *, how: str, now: datetime, secret: bytes) -> Subscriber:
    """Make a subscriber active on their own word; one who already is stays as they are.

    Raises NoSubscriber, and NotAllowed while the address is suppressed (`unsuppress` is a step of its own).
    """
    found, state = _change(conn, id, "confirmed")
    if reason := is_suppressed(conn, found.email, secret=secret):
        raise NotAllowed(f"this address must not be mailed ({reason}); lift the suppression first")
    if found.state == state:
        return found
    return _write(conn, replace(found, state=state, joined_at=now), "confirmed", how, now)


def leave(conn: Connection, id: int, *, how: str, now: datetime, secret: bytes) -> Subscriber:
    """Let a subscriber go: state "left", and the address suppressed ("left"). Safe to repeat."""
    found, state = _change(conn, id, "left")
    suppress(conn, found.email, "left", secret=secret, now=now)
    if found.state == state:
        return found
    return _write(conn, replace(found, state=state, paused_until=None), "left", how, now)


def pause(conn: Connection, id: int, until: datetime, *, how: str, now: datetime) -> Subscriber:
    """Hold letters back until the instant `until`, which must be later than `now` (ValueError)."""
    if until <= now:
        raise ValueError("a pause must end later than now")
    found, _ = _change(conn, id, "paused")
    if found.paused_until == until:
        return found
    return _write(conn, replace(found, paused_until=until), "paused", how, now)


def end_pause(conn: Connection, id: int, *, how: str, now: datetime) -> Subscriber:
    """End a pause now; without one, nothing changes."""
    found, _ = _change(conn, id, "resumed")
    if found.paused_until is None:
        return found
    return _write(conn, replace(found, paused_until=None), "resumed", how, now)


def update_interests(conn: Connection, id: int, interests: Interests, *, how: str, now: datetime) -> Subscriber:
    """Replace all interests; who leaves an empty facet follows all of it."""
    found, _ = _change(conn, id, "changed")
    interest_columns(interests)
    if found.interests == interests:
        return found
    return _write(conn, replace(found, interests=interests), "changed", how, now)


def set_cadence(conn: Connection, id: int, cadence: str, *, how: str, now: datetime) -> Subscriber:
    """Change the cadence; whether it is one that config knows is the caller's question."""
    found, _ = _change(conn, id, "changed")
    if found.cadence == cadence:
        return found
    return _write(conn, replace(found, cadence=cadence), "changed", how, now)


def forget(conn: Connection, id: int, *, now: datetime, secret: bytes) -> None:
    """Erase a person: row, address, name, interests and history go; the hash in `suppression` stays.

    Of the history one event is left, ("erased", now) at an id that names nobody. SQLite overwrites what is
    deleted here with zeros (secure_delete), but older copies stay in the write-ahead log and in pages freed
    before, so after the commit the caller runs `PRAGMA wal_checkpoint(TRUNCATE)` and `VACUUM`, on PostgreSQL
    `VACUUM`; backups end with their own time. Raises NoSubscriber.
    """
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA secure_delete=ON")
    found, _ = _change(conn, id, "erased")
    suppress(conn, found.email, "erased", secret=secret, now=now)
    conn.execute(delete(consent_event).where(consent_event.c.subscriber_id == id))
    conn.execute(delete(subscriber).where(subscriber.c.id == id))
    record(conn, [(id, "erased")], how="", now=now)


def _change(conn: Connection, id: int, what: str) -> tuple[Subscriber, str]:
    """Return the subscriber, locked for this transaction, and their state after `what`."""
    row = conn.execute(select(*COLUMNS).where(subscriber.c.id == id).with_for_update()).one_or_none()
    if row is None:
        raise NoSubscriber(f"no subscriber has the id {id}")
    found = to_subscriber(row)
    after = next_state(found.state, what)
    if after is None:
        raise NotAllowed(f"subscriber {id} is {found.state}: {what!r} is not possible")
    return found, after


def _write(conn: Connection, one: Subscriber, what: str, how: str, now: datetime) -> Subscriber:
    write_all(conn, [one])
    record(conn, [(one.id, what)], how=how, now=now)
    return one
