"""Store events, each once, and apply the effect on delivery and address in the same transaction.

The decisions are made in `digest.ledger.events`. No query here counts the rows of a table, because events come by the
million.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from digest.ledger import events as decide
from digest.ledger.events import Event
from digest.store.event_history import events_by_delivery
from digest.store.schema import delivery, event
from digest.system.failpoint import failpoint
from subscribers import store as people
from subscribers.addresses import parse_address
from subscribers.database import chunks, dialect_insert
from subscribers.errors import BadAddress, NoSubscriber, NotAllowed
from subscribers.model import Subscriber
from subscribers.rows import last_lifts
from subscribers.suppression import address_hash, reasons_for, suppress_keys

# The actions that end letters at once; those of a strike are counted.
_NEWS = ("left", "bounced", "complained")
_STRIKES = 0x6469676573740004  # the advisory lock for counting strikes on PostgreSQL


@dataclass(slots=True)
class TakenEvents:
    """Count the results of storing events.

    `new`, `duplicate` and `strangers` are events; a stranger names no delivery of this database. `settled` are
    deliveries that became accepted; `suppressed` and `left` are addresses. `alerts` counts the refusals of sender
    or text by domain.
    """

    new: int = 0
    duplicate: int = 0
    settled: int = 0
    suppressed: int = 0
    left: int = 0
    strikes: int = 0
    strangers: int = 0
    alerts: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: TakenEvents) -> TakenEvents:
        for name in ("new", "duplicate", "settled", "suppressed", "left", "strikes", "strangers"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.alerts.update(other.alerts)
        return self


@dataclass(frozen=True, slots=True)
class _Acting:
    """Hold an event with its action on an address; `key` is the normalised address, None when it is unknown."""

    event: Event
    action: str
    key: str | None
    person: Subscriber | None


def take(conn: Connection, events: Iterable[Event], secret: bytes, now: datetime) -> TakenEvents:
    """Store events and let them act, in the caller's transaction. Safe to repeat, in any order and in any parts.

    Events of a delivery that is being taken back are stored but do not move it until `replay`. Several processes
    may call this at once, also beside a running hand-over: a transaction that waits too long for another raises
    TryLater, and the provider delivers its events again.
    """
    once: dict[tuple[str, str], Event] = {}
    taken = TakenEvents()
    for item in events:
        taken.duplicate += (item.provider, item.id) in once
        once.setdefault((item.provider, item.id), item)
    # Sorted, so that two processes lock the rows in the same order and never each wait for the other.
    ordered = [once[key] for key in sorted(once)]
    for chunk in chunks(ordered):
        taken += _take(conn, chunk, secret, now)
        failpoint("events: a part taken")
    return taken


def replay(conn: Connection, deliveries: Collection[int], now: datetime) -> int:
    """Let the stored events move these deliveries now; return how many became accepted."""
    return _move(conn, events_by_delivery(conn, deliveries), now)[0]


def _take(conn: Connection, events: Sequence[Event], secret: bytes, now: datetime) -> TakenEvents:
    """Store one chunk of different events, and let those that are new act."""
    acting = {(item.event.provider, item.event.id): item for item in _acting(conn, events)}
    rows = [_row(item, acting.get((item.provider, item.id)), secret, now) for item in events]
    insert = dialect_insert(conn)(event).on_conflict_do_nothing().returning(event.c.provider, event.c.event_id)
    fresh = {(row[0], row[1]) for row in conn.execute(insert, rows)}
    new = [item for item in events if (item.provider, item.id) in fresh]
    by_delivery: dict[int, list[Event]] = {}
    for item in new:
        if item.delivery is not None:
            by_delivery.setdefault(item.delivery, []).append(item)
    settled, existing = _move(conn, by_delivery, now)
    taken = TakenEvents(new=len(new), duplicate=len(events) - len(new), settled=settled)
    taken.strangers = sum(1 for item in new if item.delivery not in existing and item.reader is None)
    _act(conn, [acting[key] for key in sorted(fresh & acting.keys())], secret, now, taken)
    return taken


def _row(item: Event, acting: _Acting | None, secret: bytes, now: datetime) -> dict[str, Any]:
    action, key = (acting.action, acting.key) if acting else ("", None)
    return {
        "provider": item.provider,
        "event_id": item.id,
        "delivery_id": item.delivery,
        "kind": item.kind,
        "at": item.at,
        "received_at": now,
        "status": item.status,
        # A success needs no reason, and successes are most of the rows.
        "reason": "" if item.kind in ("processed", "delivered") else item.reason,
        "action": action,
        "address_hash": address_hash(secret, key) if action in ("unsure", "strike") and key else None,
        "domain": key.rpartition("@")[2] if action == "alert" and key else None,
    }


def _move(conn: Connection, by_delivery: dict[int, list[Event]], now: datetime) -> tuple[int, set[int]]:
    """Let events move their deliveries; return how many became accepted, and which of the deliveries exist."""
    settled, existing = 0, set()
    for chunk in chunks(sorted(by_delivery)):
        columns: tuple[Any, ...] = (
            delivery.c.id, delivery.c.state, delivery.c.fate, delivery.c.provider_id, delivery.c.take_back,
            delivery.c.reason,
        )  # fmt: skip
        query = select(*columns).where(delivery.c.id.in_(chunk)).order_by(delivery.c.id).with_for_update()
        changes = []
        for row in conn.execute(query).all():
            existing.add(row.id)
            if change := _change(row, by_delivery[row.id], now):
                changes.append(change)
                settled += change["new_state"] != row.state
        if changes:
            conn.execute(_MOVE, changes)
    return settled, existing


def _change(row: Row[Any], events: Sequence[Event], now: datetime) -> dict[str, Any] | None:
    """Return the parameters of _MOVE that events bring to a delivery, or None when it stays as it is."""
    state, fate, reason = row.state, row.fate, row.reason
    moving = [item for item in events if decide.may_move(item.kind, row.take_back)]
    for item in moving:
        state, fate = decide.fate_of(state, fate, item.kind)
    provider_id = row.provider_id or max((item.message for item in moving), default="") or None
    if (state, fate, provider_id) == (row.state, row.fate, row.provider_id):
        return None
    if row.state == "cancelled" and state != row.state:
        reason = f"an event tells that it left; before: {reason}"
    return {
        "of": row.id, "new_state": state, "new_fate": fate, "new_provider_id": provider_id, "new_reason": reason,
        "at": now,
    }  # fmt: skip


_MOVE = (
    update(delivery)
    .where(delivery.c.id == bindparam("of"))
    .values(
        state=bindparam("new_state"),
        fate=bindparam("new_fate"),
        provider_id=bindparam("new_provider_id"),
        reason=bindparam("new_reason"),
        updated_at=bindparam("at"),
    )
)


def _acting(conn: Connection, events: Iterable[Event]) -> Iterator[_Acting]:
    """Yield the few events that act on an address, each with this address and its reader."""
    actions = [(item, action) for item in events if (action := decide.action(item.kind, item.status, item.reason))]
    deliveries = {item.delivery for item, _ in actions if item.delivery is not None}
    readers: dict[int, int] = {}
    for chunk in chunks(sorted(deliveries)):
        query = select(delivery.c.id, delivery.c.subscriber_id).where(delivery.c.id.in_(chunk))
        readers.update((row[0], row[1]) for row in conn.execute(query))
    linked = {item.reader for item, _ in actions if item.reader is not None}
    persons: dict[int, Subscriber] = {}
    for chunk in chunks(sorted({*readers.values(), *linked})):
        persons |= people.many(conn, chunk)
    for item, action in actions:
        person = persons.get(item.reader or readers.get(item.delivery or 0, 0))
        if person is None and item.delivery is None and item.address:
            person = people.find(conn, item.address)
        # The event's address comes first, because the reader may have another address by now.
        yield _Acting(item, action, _key(item.address) or _key(person.email if person else None), person)


def _key(address: str | None) -> str | None:
    try:
        return parse_address(address).key if address else None
    except BadAddress:
        return None


def _act(conn: Connection, acting: Sequence[_Acting], secret: bytes, now: datetime, taken: TakenEvents) -> None:
    """Do the actions of new events on their addresses, and count them in `taken`."""
    reasons: dict[str, str] = {}
    lifts = last_lifts(conn, {item.person.id for item in acting if item.person})
    for item in acting:
        if item.action == "alert":
            taken.alerts[item.key.rpartition("@")[2] if item.key else "an unknown domain"] += 1
        elif item.action in _NEWS and _was_answered(item, lifts):
            continue
        elif item.action == "left" and item.person is not None:
            taken.left += _leave(conn, item.person.id, item.event.reason, secret, now)
        elif item.action in ("left", "bounced", "complained") and item.key is not None:
            # Of several reasons for one address the strongest is kept.
            reasons[item.key] = max(reasons.get(item.key, ""), item.action, key=decide.ACTIONS.index)
    left = sum(reason == "left" for reason in reasons.values())
    taken.left += left
    taken.suppressed += len(reasons) - left
    suppress_keys(conn, dict(sorted(reasons.items())), secret=secret, now=now, note="by an event")
    _count_strikes(conn, [item for item in acting if item.action == "strike"], lifts, secret, now, taken)


def _was_answered(acting: _Acting, lifts: Mapping[int, datetime]) -> bool:
    """Return whether a person decided after the event, which may come late: their newer decision counts.

    The reader joined again, or a person lifted the suppression (`lifts`, by subscriber).
    """
    if acting.person is None:
        return False
    joined = acting.person.joined_at if acting.action in ("left", "complained") else None
    return any(at is not None and _is_before(acting.event.at, at) for at in (joined, lifts.get(acting.person.id)))


def _is_before(event_at: datetime, decided_at: datetime) -> bool:
    """Return whether an event, which may be dated to the second only, is older than a decision."""
    return event_at.replace(microsecond=999_999) < decided_at


def _leave(conn: Connection, number: int, reason: str, secret: bytes, now: datetime) -> int:
    try:
        people.leave(conn, number, how=reason or "the provider's unsubscribe event", now=now, secret=secret)
    except (NoSubscriber, NotAllowed):
        return 0
    return 1


def _count_strikes(
    conn: Connection,
    strikes: Sequence[_Acting],
    lifts: Mapping[int, datetime],
    secret: bytes,
    now: datetime,
    taken: TakenEvents,
) -> None:
    """Suppress each address that new strikes, together with the stored ones, bring over the limit.

    The count begins anew when the suppression was lifted, and with a new record of the person. The words of stored
    strikes are read again, because older versions stored what was not sure as a strike.
    """
    taken.strikes += len(strikes)
    keys = {address_hash(secret, strike.key): strike.key for strike in strikes if strike.key}
    if not keys:
        return
    if conn.dialect.name == "postgresql":
        # Because two transactions at once would not see each other's strikes, and both would count too few.
        conn.execute(select(func.pg_advisory_xact_lock(_STRIKES)))
    begins = {
        address_hash(secret, strike.key): max(
            at for at in (strike.person.created_at, lifts.get(strike.person.id)) if at
        )
        for strike in strikes
        if strike.key and strike.person and strike.person.created_at
    }
    history: dict[str, list[tuple[datetime, int | str]]] = {}
    for chunk in chunks(sorted(keys)):
        for row in conn.execute(select(event).where(event.c.address_hash.in_(chunk))):
            begun = row.address_hash not in begins or not _is_before(row.at, begins[row.address_hash])
            if begun and decide.action(row.kind, row.status, row.reason) == "strike":
                history.setdefault(row.address_hash, []).append((row.at, row.delivery_id or row.event_id))
    out = {keys[hashed]: "bounced" for hashed, times in sorted(history.items()) if decide.struck_out(times)}
    fresh = out.keys() - reasons_for(conn, secret, out).keys()
    suppress_keys(conn, out, secret=secret, now=now, note="three strikes")
    taken.suppressed += len(fresh)
    # The last strike is stored as the suppression, because `troubles` must see when many addresses end at once.
    last = {strike.key: strike.event for strike in strikes if strike.key in fresh}
    for item in last.values():
        deciding = update(event).where(event.c.provider == item.provider, event.c.event_id == item.id)
        conn.execute(deciding.values(action="bounced"))
