"""Read and change subscribers and their consent history in the database.

Every function works inside the caller's transaction, on the caller's connection; `now` is an aware UTC datetime.
`consent.next_state` decides whether a change is allowed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, delete, func, literal, select, text, update

from subscribers.addresses import parse_address
from subscribers.consent import next_state
from subscribers.database import dialect_insert
from subscribers.errors import BadAddress, NoSubscriber, NotAllowed
from subscribers.model import Interests, NewSubscriber, Reader, Subscriber
from subscribers.rows import (
    COLUMNS,
    READER_COLUMNS,
    OwnWord,
    add_consent_events,
    clean_name,
    interest_columns,
    to_reader,
    to_subscriber,
    write_all,
)
from subscribers.suppression import (
    address_hash,
    is_suppressed,
    reasons_for,
    suppress,
    suppress_hashes,
    suppressed_reasons,
    unsuppress,
)
from subscribers.tables import confirmation, consent_event, subscriber, suppression

__all__ = [
    "ConsentEvent",
    "NewSubscriber",
    "add",
    "change",
    "confirm",
    "confirm_by_word",
    "count",
    "end_pause",
    "erase_again",
    "find",
    "forget",
    "get",
    "history",
    "is_suppressed",
    "keep_still",
    "leave",
    "lift",
    "many",
    "named",
    "pause",
    "readers",
    "set_cadence",
    "stream",
    "suppress",
    "suppressed_reasons",
    "unsuppress",
    "update_interests",
]

_ID_DIGITS = 18  # the longest id that any database holds


_LIFT_FIRST = "lift the suppression first: `digest subscribers unsuppress`"
# Suppressions that are lifted only by force, with their words.
_STRONG = {"complained": "complained about a letter", "erased": "had themselves erased"}


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One line of a consent history: `what` happened (a word of `tables.EVENTS`), and `how`, in free words.

    Of a person's own word on a page, `network` is where it came from and `words` the key of what the page showed.
    """

    subscriber: int
    at: datetime
    what: str
    how: str
    network: str = ""
    words: str = ""


def get(conn: Connection, id: int) -> Subscriber | None:
    """Return the subscriber with this id, or None."""
    row = conn.execute(select(*COLUMNS).where(subscriber.c.id == id)).one_or_none()
    return None if row is None else to_subscriber(row)


def keep_still(conn: Connection) -> None:
    """Keep other processes from adding or changing subscribers and suppressions until this transaction ends.

    PostgreSQL locks both tables; SQLite's write lock keeps others out already.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(text("LOCK TABLE suppression, subscriber IN SHARE MODE"))


def many(conn: Connection, ids: Collection[int]) -> dict[int, Subscriber]:
    """Return {id: subscriber} for at most 1,000 ids; ids without a subscriber are left out."""
    rows = conn.execute(select(*COLUMNS).where(subscriber.c.id.in_(ids)))
    return {row.id: to_subscriber(row) for row in rows}


def find(conn: Connection, email: str) -> Subscriber | None:
    """Return the subscriber with this address in any spelling; None for an address that is unknown or not valid."""
    try:
        key = parse_address(email).key
    except BadAddress:
        return None
    row = conn.execute(select(*COLUMNS).where(subscriber.c.email_key == key)).one_or_none()
    return None if row is None else to_subscriber(row)


def named(conn: Connection, text: str) -> Subscriber:
    """Return the subscriber whom a person names by address or by id. Raises NoSubscriber.

    Only for what a person typed, because an address in an event must never be taken for an id.
    """
    person = get(conn, int(text)) if _is_id(text) else find(conn, text)
    if person is None:
        raise NoSubscriber("no subscriber has this address or id; see `digest subscribers list`")
    return person


def address_named(conn: Connection, text: str) -> str:
    """Return the address that a person names: the text itself, or that of the subscriber with this id.

    For what is done to addresses, which need no subscriber. Raises NoSubscriber for an id that nobody has.
    """
    return named(conn, text).email if _is_id(text) else text


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _ID_DIGITS


def stream(
    conn: Connection,
    *,
    cadence: str | None = None,
    state: str | None = "active",
    after: int = 0,
    limit: int = 1000,
) -> list[Subscriber]:
    """Return one page of subscribers in the order of ids: at most `limit`, all with an id above `after`.

    Ask for the next page with the last id of this one; an empty list is the end. `cadence` None: of any cadence;
    `state` None: in any state. Paused and suppressed subscribers are included: `mailable.unmailable` tells them.
    """
    query = select(*COLUMNS).where(subscriber.c.id > after).order_by(subscriber.c.id).limit(limit)
    if cadence is not None:
        query = query.where(subscriber.c.cadence == cadence)
    if state is not None:
        query = query.where(subscriber.c.state == state)
    return [to_subscriber(row) for row in conn.execute(query)]


def readers(conn: Connection, *, cadence: str, after: int, limit: int) -> list[Reader]:
    """Return a page of the active subscribers of a cadence as `stream` does, with no more than plans need."""
    query = select(*READER_COLUMNS).where(subscriber.c.cadence == cadence, subscriber.c.state == "active")
    query = query.where(subscriber.c.id > after).order_by(subscriber.c.id).limit(limit)
    return [to_reader(row) for row in conn.execute(query).all()]


def count(conn: Connection, *, cadence: str | None = None, state: str | None = "active") -> int:
    """Return how many subscribers all pages of `stream` hold."""
    query = select(func.count()).select_from(subscriber)
    if cadence is not None:
        query = query.where(subscriber.c.cadence == cadence)
    if state is not None:
        query = query.where(subscriber.c.state == state)
    return conn.scalar(query) or 0


def has_more_than(conn: Connection, amount: int, cadence: str) -> bool:
    """Return whether more than so many active subscribers follow a cadence, without counting them all."""
    active = (subscriber.c.cadence == cadence) & (subscriber.c.state == "active")
    return conn.scalar(select(subscriber.c.id).where(active).limit(1).offset(amount)) is not None


def history(conn: Connection, id: int) -> list[ConsentEvent]:
    """Return the consent history of one subscriber, oldest first."""
    query = select(consent_event).where(consent_event.c.subscriber_id == id).order_by(consent_event.c.id)
    return [
        ConsentEvent(row.subscriber_id, row.at, row.what, row.how, row.network, row.words)
        for row in conn.execute(query)
    ]


def add(conn: Connection, new: NewSubscriber, *, how: str, now: datetime, secret: bytes) -> Subscriber:
    """Store a new subscriber and return them; `how` goes into the consent history.

    A subscriber who has left joins again under their old id, with what `new` says. Raises BadAddress, ValueError for
    another state than "active" or "pending", and NotAllowed when the address is suppressed or belongs to a
    subscriber who has not left.
    """
    if new.state not in ("active", "pending"):
        raise ValueError(f"a new subscriber is active or pending, not {new.state!r}")
    address = parse_address(new.email)
    if reason := is_suppressed(conn, address.email, secret=secret):
        raise NotAllowed(f"this address must not be mailed ({reason}); {_LIFT_FIRST}")
    values = {
        "email": address.email,
        "email_key": address.key,
        "name": clean_name(new.name or address.name),
        "cadence": new.cadence,
        **interest_columns(new.interests),
        "language": new.language,
        "state": new.state,
        "joined_at": now if new.state == "active" else None,
        "created_at": now,
    }
    insert = dialect_insert(conn)(subscriber).values(values).on_conflict_do_nothing(index_elements=["email_key"])
    row = conn.execute(insert.returning(*COLUMNS)).one_or_none()
    if row is None:
        del values["created_at"]
        again = update(subscriber).where(subscriber.c.email_key == address.key, subscriber.c.state == "left")
        row = conn.execute(again.values(values).returning(*COLUMNS)).one_or_none()
    if row is None:
        raise NotAllowed("this address is already a subscriber; change that one with `digest subscribers set`")
    add_consent_events(conn, [(row.id, "added")], how=how, now=now)
    return to_subscriber(row)


def confirm(conn: Connection, id: int, *, how: str, now: datetime, secret: bytes) -> Subscriber:
    """Make a subscriber active because they said so themselves; an active subscriber stays unchanged.

    Raises NoSubscriber, and NotAllowed while the address is suppressed: call `lift` first.
    """
    person, state = _change(conn, id, "confirmed")
    if reason := is_suppressed(conn, person.email, secret=secret):
        raise NotAllowed(f"this address must not be mailed ({reason}); {_LIFT_FIRST}")
    if person.state == state:
        return person
    return _write(conn, replace(person, state=state, joined_at=now), "confirmed", how, now)


def confirm_by_word(conn: Connection, wanted: Subscriber, word: OwnWord, *, how: str, now: datetime) -> Subscriber:
    """Make a subscriber active with the choices of `wanted`, because they pressed a button; keep the word they gave.

    The caller has lifted a suppression before. A line of the consent history tells it also of somebody who is active.
    Raises NoSubscriber.
    """
    person, state = _change(conn, wanted.id, "confirmed")
    joined_at = person.joined_at if person.state == state else now
    after = replace(
        wanted, state=state, joined_at=joined_at, paused_until=person.paused_until, name=clean_name(wanted.name)
    )
    write_all(conn, [after])
    add_consent_events(conn, [(after.id, "confirmed")], how=how, now=now, word=word)
    return after


def lift(conn: Connection, email: str, *, how: str, force: bool, now: datetime, secret: bytes) -> str:
    """Lift the suppression of an address because the person asks for letters again; return its reason.

    `how` says who asked, and goes into the consent history: that of the subscriber, or, for an address without one,
    under the number 0, which names nobody. Nothing else changes: `add` or `confirm` brings back who has left. Raises
    BadAddress, and NotAllowed for an address that is not suppressed; also, unless `force`, for a person who
    complained or had themselves erased, because they asked for more than to get no letters.
    """
    reason = is_suppressed(conn, email, secret=secret)
    if reason is None:
        raise NotAllowed("this address is not suppressed; nothing was changed")
    if reason in _STRONG and not force:
        raise NotAllowed(
            f"this address is suppressed because the person {_STRONG[reason]}; nothing was changed: give --force if"
            " they themselves have asked for letters again, and say so in --note"
        )
    unsuppress(conn, email, secret=secret)
    person = find(conn, email)
    number = person.id if person else 0
    add_consent_events(conn, [(number, "unsuppressed")], how=f"{how} (was: {reason})", now=now)
    return reason


def leave(conn: Connection, id: int, *, how: str, now: datetime, secret: bytes) -> Subscriber:
    """Set a subscriber to the state "left" and suppress their address. Safe to repeat. Raises NoSubscriber."""
    person, state = _change(conn, id, "left")
    # By the hash, because the line "left" in the consent history says it already.
    hashed = address_hash(secret, parse_address(person.email).key)
    suppress_hashes(conn, {hashed: "left"}, secret=secret, now=now)
    if person.state == state:
        return person
    return _write(conn, replace(person, state=state, paused_until=None), "left", how, now)


def pause(conn: Connection, id: int, until: datetime, *, how: str, now: datetime) -> Subscriber:
    """Pause a subscriber's letters until the instant `until`; ValueError unless it is later than `now`.

    Raises NoSubscriber, and NotAllowed for a subscriber who is not active.
    """
    if until <= now:
        raise ValueError("a pause must end later than now")
    person, _ = _change(conn, id, "paused")
    if person.paused_until == until:
        return person
    return _write(conn, replace(person, paused_until=until), "paused", how, now)


def end_pause(conn: Connection, id: int, *, how: str, now: datetime) -> Subscriber:
    """End a subscriber's pause now; without a pause, nothing changes. Raises NoSubscriber and NotAllowed."""
    person, _ = _change(conn, id, "resumed")
    if person.paused_until is None:
        return person
    return _write(conn, replace(person, paused_until=None), "resumed", how, now)


def update_interests(conn: Connection, id: int, interests: Interests, *, how: str, now: datetime) -> Subscriber:
    """Replace all interests of a subscriber; an empty facet means all of it. Raises NoSubscriber and NotAllowed."""
    person, _ = _change(conn, id, "changed")
    interest_columns(interests)
    if person.interests == interests:
        return person
    return _write(conn, replace(person, interests=interests), "changed", how, now)


def change(conn: Connection, changed: Subscriber, *, how: str, now: datetime) -> Subscriber:
    """Store what a subscriber chose, and their name; their state and pause stay as they are.

    The caller has checked the cadence, the language and the zone. Raises NoSubscriber and NotAllowed.
    """
    person, _ = _change(conn, changed.id, "changed")
    after = replace(
        person,
        name=clean_name(changed.name),
        cadence=changed.cadence,
        interests=changed.interests,
        language=changed.language,
        silence_notices=changed.silence_notices,
        zone=changed.zone,
    )
    return person if after == person else _write(conn, after, "changed", how, now)


def set_cadence(conn: Connection, id: int, cadence: str, *, how: str, now: datetime) -> Subscriber:
    """Change a subscriber's cadence, which the caller has checked. Raises NoSubscriber and NotAllowed."""
    person, _ = _change(conn, id, "changed")
    if person.cadence == cadence:
        return person
    return _write(conn, replace(person, cadence=cadence), "changed", how, now)


def forget(conn: Connection, id: int, *, now: datetime, secret: bytes) -> None:
    """Erase a subscriber: address, name, interests and history go; the hash in `suppression` stays.

    One event stays in the history, ("erased", now), with an id that no longer names anyone. SQLite overwrites the
    deleted rows with zeros (secure_delete), but older copies stay in the write-ahead log and in pages freed before.
    Therefore the caller, after the commit, runs `PRAGMA wal_checkpoint(TRUNCATE)` and `VACUUM`, on PostgreSQL
    `VACUUM`. Backups keep their copies until they are deleted. Raises NoSubscriber.
    """
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("PRAGMA secure_delete=ON")
    person, _ = _change(conn, id, "erased")
    suppress(conn, person.email, "erased", secret=secret, now=now)
    # Also what somebody with this address has not confirmed, which names no subscriber.
    hashed = address_hash(secret, parse_address(person.email).key)
    theirs = (confirmation.c.address_hash == hashed) | (confirmation.c.subscriber_id == id)
    conn.execute(delete(confirmation).where(theirs))
    conn.execute(delete(consent_event).where(consent_event.c.subscriber_id == id))
    conn.execute(delete(subscriber).where(subscriber.c.id == id))
    add_consent_events(conn, [(id, "erased")], how="", now=now)


def erase_again(conn: Connection, *, now: datetime, secret: bytes) -> int:
    """Erase each subscriber whose address is suppressed as erased, because an older database brought them back.

    Returns how many there were. The caller goes on as after `forget`.
    """
    if conn.scalar(select(literal(1)).where(suppression.c.reason == "erased").limit(1)) is None:
        return 0
    erased = last = 0
    query = select(subscriber.c.id, subscriber.c.email_key).order_by(subscriber.c.id).limit(1000)
    while page := {row.email_key: row.id for row in conn.execute(query.where(subscriber.c.id > last))}:
        last = max(page.values())
        for key, reason in reasons_for(conn, secret, page).items():
            if reason == "erased":
                forget(conn, page[key], now=now, secret=secret)
                erased += 1
    return erased


def _change(conn: Connection, id: int, what: str) -> tuple[Subscriber, str]:
    """Return the subscriber, their row locked for this transaction, and their state after the event `what`.

    Raises NoSubscriber, and NotAllowed when the consent rules do not allow the event.
    """
    row = conn.execute(select(*COLUMNS).where(subscriber.c.id == id).with_for_update()).one_or_none()
    if row is None:
        raise NoSubscriber(f"no subscriber has the id {id}")
    person = to_subscriber(row)
    after = next_state(person.state, what)
    if after is None:
        raise NotAllowed(f"subscriber {id} is {person.state}: {what!r} is not possible")
    return person, after


def _write(conn: Connection, changed: Subscriber, what: str, how: str, now: datetime) -> Subscriber:
    """Store a changed subscriber and the event that changed them; return the subscriber."""
    write_all(conn, [changed])
    add_consent_events(conn, [(changed.id, what)], how=how, now=now)
    return changed
