"""Events in the database: each taken once, whatever it does to deliveries and addresses in the same transaction.

What an event does is decided in `digest.ledger.events`. Nothing here counts rows: events come by the million.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from digest.ledger import events as decide
from digest.ledger.events import Event
from digest.store.event_history import known
from digest.store.schema import delivery, event
from digest.system.failpoint import failpoint
from subscribers import store as people
from subscribers.addresses import parse_address
from subscribers.database import chunks, dialect_insert
from subscribers.errors import BadAddress, NoSubscriber, NotAllowed
from subscribers.model import Subscriber
from subscribers.suppression import address_hash, reasons_for, suppress_keys

_STRIKES = 0x6469676573740004  # PostgreSQL's lock for counting them


@dataclass(slots=True)
class Taken:
    """What became of events: `settled` deliveries became accepted by them, `suppressed` and `left` are addresses.

    `strangers` name no delivery of this database; `alerts` counts refusals of sender or text by domain.
    """

    new: int = 0
    duplicate: int = 0
    settled: int = 0
    suppressed: int = 0
    left: int = 0
    strikes: int = 0
    strangers: int = 0
    alerts: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: Taken) -> Taken:
        for name in ("new", "duplicate", "settled", "suppressed", "left", "strikes", "strangers"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.alerts.update(other.alerts)
        return self


@dataclass(frozen=True, slots=True)
class _Acting:
    """An event that does something to an address: what, whose (normalised, None: unknown), and to which reader."""

    event: Event
    action: str
    key: str | None
    person: Subscriber | None


def take(conn: Connection, events: Iterable[Event], secret: bytes, now: datetime) -> Taken:
    """Store events and let them act, in the caller's transaction. Safe to repeat, in any order and division.

    Events of a delivery that is being taken back are stored but do not move it, until `replay`. Safe beside
    other takers and a running hand-over: what waits too long on another ends in TryLater, and the provider
    comes again.
    """
    once: dict[tuple[str, str], Event] = {}
    taken = Taken()
    for one in events:
        taken.duplicate += (one.provider, one.id) in once
        once.setdefault((one.provider, one.id), one)
    # In one order for all takers, so that they wait for each other and do not lock each other out.
    ordered = [once[key] for key in sorted(once)]
    for chunk in chunks(ordered):
        taken += _take(conn, chunk, secret, now)
        failpoint("events: a part taken")
    return taken


def replay(conn: Connection, deliveries: Collection[int], now: datetime) -> int:
    """Let stored events move these deliveries, as when they came; return how many became accepted by it."""
    return _move(conn, known(conn, deliveries), now)[0]


def _take(conn: Connection, events: Sequence[Event], secret: bytes, now: datetime) -> Taken:
    acting = {(one.event.provider, one.event.id): one for one in _acting(conn, events)}
    rows = [_row(one, acting.get((one.provider, one.id)), secret, now) for one in events]
    insert = dialect_insert(conn)(event).on_conflict_do_nothing().returning(event.c.provider, event.c.event_id)
    fresh = {(row[0], row[1]) for row in conn.execute(insert, rows)}
    new = [one for one in events if (one.provider, one.id) in fresh]
    said: dict[int, list[Event]] = {}
    for one in new:
        if one.delivery is not None:
            said.setdefault(one.delivery, []).append(one)
    settled, ours = _move(conn, said, now)
    taken = Taken(new=len(new), duplicate=len(events) - len(new), settled=settled)
    taken.strangers = sum(1 for one in new if one.delivery not in ours)
    _act(conn, [acting[key] for key in sorted(fresh & acting.keys())], secret, now, taken)
    return taken


def _row(one: Event, acting: _Acting | None, secret: bytes, now: datetime) -> dict[str, Any]:
    what, key = (acting.action, acting.key) if acting else ("", None)
    return {
        "provider": one.provider,
        "event_id": one.id,
        "delivery_id": one.delivery,
        "kind": one.kind,
        "at": one.at,
        "received_at": now,
        "status": one.status,
        # What went well needs no words.
        "reason": "" if one.kind in ("processed", "delivered") else one.reason,
        "action": what,
        "address_hash": address_hash(secret, key) if what == "strike" and key else None,
        "domain": key.rpartition("@")[2] if what == "alert" and key else None,
    }


def _move(conn: Connection, said: dict[int, list[Event]], now: datetime) -> tuple[int, set[int]]:
    """Let events move their deliveries; return how many became accepted, and which of the deliveries exist."""
    settled, found = 0, set()
    for chunk in chunks(sorted(said)):
        columns = (delivery.c.id, delivery.c.state, delivery.c.fate, delivery.c.provider_id, delivery.c.take_back)
        query = (
            select(*columns, delivery.c.reason)
            .where(delivery.c.id.in_(chunk))
            .order_by(delivery.c.id)
            .with_for_update()
        )
        changed = []
        for number, state, fate, name, take_back, reason in conn.execute(query).all():
            found.add(number)
            after, later = state, fate
            heeded = [one for one in said[number] if decide.may_move(one.kind, take_back)]
            for one in heeded:
                after, later = decide.fate_of(after, later, one.kind)
            named = name or max((one.message for one in heeded), default="") or None
            if (after, later, named) != (state, fate, name):
                if state == "cancelled" and after != state:
                    reason = f"an event tells that it left; before: {reason}"
                changed.append(
                    {"of": number, "new_state": after, "new_fate": later, "named": named, "why": reason, "when": now}
                )
                settled += after != state
        if changed:
            conn.execute(_MOVE, changed)
    return settled, found


_MOVE = (
    update(delivery)
    .where(delivery.c.id == bindparam("of"))
    .values(
        state=bindparam("new_state"),
        fate=bindparam("new_fate"),
        provider_id=bindparam("named"),
        reason=bindparam("why"),
        updated_at=bindparam("when"),
    )
)


def _acting(conn: Connection, events: Iterable[Event]) -> Iterator[_Acting]:
    """Yield the few events that do something to an address, each with the address and the reader it is about."""
    found = [(one, what) for one in events if (what := decide.action(one.kind, one.status, one.reason))]
    wanted = {one.delivery for one, _ in found if one.delivery is not None}
    readers: dict[int, int] = {}
    for chunk in chunks(sorted(wanted)):
        query = select(delivery.c.id, delivery.c.subscriber_id).where(delivery.c.id.in_(chunk))
        readers.update((row[0], row[1]) for row in conn.execute(query))
    persons: dict[int, Subscriber] = {}
    for chunk in chunks(sorted(set(readers.values()))):
        persons |= people.many(conn, chunk)
    for one, what in found:
        person = persons.get(readers.get(one.delivery or 0, 0))
        if person is None and one.delivery is None and one.address:
            person = people.find(conn, one.address)
        # The address it was sent to, before the one the reader has by now.
        yield _Acting(one, what, _key(one.address) or _key(person.email if person else None), person)


def _key(address: str | None) -> str | None:
    try:
        return parse_address(address).key if address else None
    except BadAddress:
        return None


def _act(conn: Connection, acting: Sequence[_Acting], secret: bytes, now: datetime, taken: Taken) -> None:
    """Do to addresses what new events ask for."""
    wanted: dict[str, str] = {}
    for one in acting:
        if one.action == "alert":
            taken.alerts[one.key.rpartition("@")[2] if one.key else "an unknown domain"] += 1
        elif one.action in ("left", "complained") and _has_rejoined(one):
            continue
        elif one.action == "left" and one.person is not None:
            taken.left += _leave(conn, one.person.id, secret, now)
        elif one.action in ("left", "bounced", "complained") and one.key is not None:
            # Of several reasons the stronger is kept below.
            wanted[one.key] = max(wanted.get(one.key, ""), one.action, key=decide.ACTIONS.index)
    left = {key: reason for key, reason in wanted.items() if reason == "left"}
    taken.left += len(left)
    taken.suppressed += len(wanted) - len(left)
    suppress_keys(conn, dict(sorted(wanted.items())), secret=secret, now=now, note="by an event")
    _count_strikes(conn, [one for one in acting if one.action == "strike"], secret, now, taken)


def _has_rejoined(one: _Acting) -> bool:
    """Their own later word outranks an earlier event that comes late."""
    joined = one.person.joined_at if one.person else None
    return joined is not None and one.event.at.replace(microsecond=999_999) < joined


def _leave(conn: Connection, number: int, secret: bytes, now: datetime) -> int:
    try:
        people.leave(conn, number, how="the provider's unsubscribe event", now=now, secret=secret)
    except (NoSubscriber, NotAllowed):
        return 0
    return 1


def _count_strikes(conn: Connection, strikes: Sequence[_Acting], secret: bytes, now: datetime, taken: Taken) -> None:
    taken.strikes += len(strikes)
    keys = {address_hash(secret, one.key): one.key for one in strikes if one.key}
    if not keys:
        return
    if conn.dialect.name == "postgresql":
        # Two takers at once, each with one of the strikes, would both count too few.
        conn.execute(select(func.pg_advisory_xact_lock(_STRIKES)))
    history: dict[str, list[tuple[datetime, int | str]]] = {}
    for chunk in chunks(sorted(keys)):
        query = select(event.c.address_hash, event.c.at, event.c.delivery_id, event.c.event_id)
        for row in conn.execute(query.where(event.c.address_hash.in_(chunk))):
            history.setdefault(row[0], []).append((row[1], row[2] or row[3]))
    out = {keys[found]: "bounced" for found, them in sorted(history.items()) if decide.struck_out(them)}
    fresh = out.keys() - reasons_for(conn, secret, out).keys()
    suppress_keys(conn, out, secret=secret, now=now, note="three strikes")
    taken.suppressed += len(fresh)
    # The strike that decided counts as the suppression: `troubles` must see many at once.
    last = {one.key: one.event for one in strikes if one.key in fresh}
    for one in last.values():
        decided = update(event).where(event.c.provider == one.provider, event.c.event_id == one.id)
        conn.execute(decided.values(action="bounced"))
