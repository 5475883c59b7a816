"""Store the deliveries of an edition, one row for each eligible reader, and count them for its receipt."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
    union_all,
    update,
)

from digest.ledger.states import OPEN_STATES, OWED_AGAIN, before
from digest.model import Digest, Edition, Receipt
from digest.schedule import CLOCKS_DIFFER
from digest.store.bulk import insert_rows, new_ids
from digest.store.plans import digest_of, placed_in, plan_of, whole_digest
from digest.store.schema import delivery, digest, digest_entry, edition, edition_entry, had, mark, tally
from subscribers.database import among, chunks, pairs
from subscribers.tables import subscriber

# The states of the readers whose mark moves when the edition is frozen; a held reader's mark does not move.
CONSIDERED = ("pending", "empty", "suppressed")


class Delivery(NamedTuple):
    """Hold one delivery. `digest` is None where no letter was planned."""

    id: int
    edition: int
    subscriber: int
    digest: int | None
    state: str
    reason: str
    attempts: int
    updated_at: datetime
    unbegun: bool = False  # claimed, and certainly no byte of it has left
    run: int | None = None  # the run that claimed it last


class WordedDelivery(NamedTuple):
    """Hold a delivery with its reason as it is stored, and the reader's address that may stand in it, if any."""

    id: int
    state: str
    reason: str
    updated_at: datetime
    email: str | None


def has_handed_over(conn: Connection) -> bool:
    """Return whether a letter may have left: whether any delivery was ever claimed and not given back."""
    states = ("claimed", "accepted", "refused", "uncertain")
    begun = (select(table.c.id).where(table.c.state.in_(states)).limit(1) for table in (delivery, tally))
    return any(conn.scalar(query) is not None for query in begun)


def add_digests(conn: Connection, number: int, plans: Sequence[Mapping[str, Any]]) -> list[int]:
    """Store the plans of digests of edition `number`; return the ids of the digests in this order."""
    ids = new_ids(conn, digest, len(plans))
    texts = [json.dumps(plan) for plan in plans]
    insert_rows(conn, digest, ("id", "plan"), zip(ids, texts, strict=True), {"edition_id": number})
    # Sorted as the table is, which halves the work of its index.
    entries = [(new, entry) for new, plan in zip(ids, plans, strict=True) for entry in sorted(placed_in(plan))]
    insert_rows(conn, digest_entry, ("digest_id", "entry_id"), entries, {})
    return ids


def replace_digest(conn: Connection, number: int, contents: Digest) -> None:
    """Store digest `number` anew, with nothing left out."""
    conn.execute(update(digest).where(digest.c.id == number).values(plan=plan_of(contents)))


def digests(conn: Connection, ids: Iterable[int], *, left_out: bool = True) -> dict[int, Digest]:
    """Return stored digests by id; without `left_out`, only what a letter shows, which is quicker."""
    # As text, because the reader of pydantic takes half as long for it.
    query = select(digest.c.id, cast(digest.c.plan, Text), digest.c.edition_id)
    rows = conn.execute(query.where(among(conn, digest.c.id, sorted(set(ids))))).all()
    if not left_out:
        return {number: digest_of(from_json(plan)) for number, plan, _ in rows}
    entries = _entries_in_order(conn, {of_edition for _, _, of_edition in rows})
    return {number: whole_digest(from_json(plan), entries[of_edition]) for number, plan, of_edition in rows}


def add(conn: Connection, number: int, rows: Sequence[tuple[int, int | None, str, str]], now: datetime) -> None:
    """Store deliveries of edition `number`: rows of subscriber id, digest id, state and reason."""
    columns = ("subscriber_id", "digest_id", "state", "reason")
    insert_rows(conn, delivery, columns, rows, {"edition_id": number, "updated_at": now})


def move_marks(conn: Connection, frozen: Edition) -> None:
    """Move the mark of every reader that an edition considered forward to its last release."""
    considered = select(delivery.c.subscriber_id).where(
        delivery.c.edition_id == frozen.id, delivery.c.state.in_(CONSIDERED)
    )
    moved = update(mark).where(mark.c.subscriber_id.in_(considered), mark.c.release < frozen.to_release)
    conn.execute(moved.values(release=frozen.to_release))


def pending(
    conn: Connection, number: int, limit: int, now: datetime, *, after: Delivery | None = None, to_claim: bool = False
) -> list[Delivery]:
    """Return the next deliveries of an edition that may be handed over now, sorted by digest, then id.

    `after`: only deliveries after this one, to pass over those that were read and left as they are. `to_claim`: those
    that another process is about to claim or change are passed over, and no other gets these before the commit.
    """
    where = [delivery.c.edition_id == number, *_ripe(now)]
    if after is not None:
        where.append(tuple_(delivery.c.digest_id, delivery.c.id) > tuple_(after.digest, after.id))
    return _select(conn, *where, order=(delivery.c.digest_id, delivery.c.id), limit=limit, to_claim=to_claim)


def in_state(conn: Connection, state: str, number: int | None = None) -> list[Delivery]:
    """Return all deliveries in `state`, of edition `number` or of all."""
    where = [delivery.c.state == state]
    if number is not None:
        where.append(delivery.c.edition_id == number)
    return _select(conn, *where)


def worded(conn: Connection, number: int, states: Collection[str]) -> list[WordedDelivery]:
    """Return the deliveries of edition `number` in some states; a pending one only if it has a reason."""
    columns = (delivery.c.id, delivery.c.state, delivery.c.reason, delivery.c.updated_at, subscriber.c.email)
    query = select(*columns).outerjoin(subscriber, subscriber.c.id == delivery.c.subscriber_id)
    query = query.where(delivery.c.edition_id == number)
    rows = conn.execute(query.where(delivery.c.state.in_(set(states) - {"pending"}))).all()
    # Apart, because a million may be pending, and few of them for a reason.
    rows = [*rows, *conn.execute(query.where(_WAITS_FOR_A_REASON))] if "pending" in states else rows
    return sorted(WordedDelivery(*row) for row in rows)


def of_subscriber(conn: Connection, subscriber: int) -> list[Delivery]:
    """Return a subscriber's deliveries, newest first; those that were condensed have the state "had" and the id 0."""
    rows = _select(conn, delivery.c.subscriber_id == subscriber)
    query = select(had.c.digest_id, had.c.day, digest.c.edition_id).join(digest, digest.c.id == had.c.digest_id)
    for row in conn.execute(query.where(had.c.subscriber_id == subscriber)):
        day = datetime.fromisoformat(row.day).replace(tzinfo=UTC)
        rows.append(Delivery(0, row.edition_id, subscriber, row.digest_id, "had", f"on {row.day}", 0, day))
    return sorted(rows, key=lambda row: (row.edition, row.id), reverse=True)


def claim(conn: Connection, ids: Sequence[int], run: int, now: datetime, send_at: datetime | None = None) -> set[int]:
    """Claim pending deliveries for `run`; return those it got, which no other run hands over from here on.

    `send_at`: in slot mode, the hour; then no byte of a delivery leaves before its request is stored.
    """
    # The database checks the state again under the row's lock, so that of two runs only one gets a delivery.
    claimed = update(delivery).where(among(conn, delivery.c.id, ids), delivery.c.state == "pending")
    step = {"state": "claimed", "run_id": run, "retry_at": None, "updated_at": now}
    claimed = claimed.values(attempts=delivery.c.attempts + 1, send_at=send_at, request=None, **step)
    return set(conn.scalars(claimed.returning(delivery.c.id)).all())


def claimed_by(conn: Connection, ids: Sequence[int], run: int) -> set[int]:
    """Return which of these deliveries `run` still has claimed."""
    claims = (among(conn, delivery.c.id, ids), delivery.c.state == "claimed", delivery.c.run_id == run)
    return set(conn.scalars(select(delivery.c.id).where(*claims)).all())


def settle(conn: Connection, outcomes: Iterable[tuple[int, str, str]], now: datetime, run: int | None = None) -> None:
    """Store outcomes, triples (delivery id, state, reason), where the ledger allows the step.

    `run`: change only deliveries that this run has claimed. A delivery that an event or another run has settled
    in the meantime stays as it is.
    """
    by_state: dict[str, dict[int, str]] = {}
    for number, state, reason in outcomes:
        by_state.setdefault(state, {})[number] = reason
    for state, reasons in by_state.items():
        # One statement for all reasons, because a server's answer has a number of its own for each letter.
        settled, words = pairs(conn, reasons)
        step = update(delivery).where(delivery.c.id == settled, delivery.c.state.in_(before(state)))
        if run is not None:
            step = step.where(delivery.c.run_id == run)
        conn.execute(step.values(state=state, reason=words, updated_at=now))


def put_off(
    conn: Connection, rows: Iterable[tuple[int, datetime, str]], now: datetime, run: int, *, tried: bool = True
) -> None:
    """Give claims of `run` back as pending, each not before its instant: triples (delivery id, retry_at, reason).

    `tried` false: the claim does not count as an attempt.
    """
    attempts = delivery.c.attempts - (0 if tried else 1)
    for retry_at, reasons in _by_instant(rows):
        put, words = pairs(conn, reasons)
        step = update(delivery).where(delivery.c.id == put, *_own_claims(run))
        values = {"state": "pending", "retry_at": retry_at, "reason": words, "attempts": attempts, "updated_at": now}
        conn.execute(step.values(values))


def postpone(conn: Connection, rows: Iterable[tuple[int, datetime, str]], now: datetime) -> None:
    """Let pending deliveries wait: triples (delivery id, the instant until which it waits, reason)."""
    for until, reasons in _by_instant(rows):
        waiting, words = pairs(conn, reasons)
        step = update(delivery).where(delivery.c.id == waiting, delivery.c.state == "pending")
        conn.execute(step.values(retry_at=until, reason=words, updated_at=now))


def _by_instant(rows: Iterable[tuple[int, datetime, str]]) -> Iterable[tuple[datetime, dict[int, str]]]:
    """Return the reasons by delivery for each instant, because the letters of a batch mostly wait for one."""
    reasons: dict[datetime, dict[int, str]] = {}
    for number, instant, reason in rows:
        reasons.setdefault(instant, {})[number] = reason
    return reasons.items()


def wait(conn: Connection, number: int, until: datetime, reason: str, now: datetime) -> None:
    """Let all deliveries of edition `number` that may be handed over now wait until `until`."""
    step = update(delivery).where(delivery.c.edition_id == number, *_ripe(now))
    conn.execute(step.values(retry_at=until, reason=reason, updated_at=now))


def wait_for_hours(conn: Connection, number: int, hours: Mapping[str, datetime], rest: datetime) -> None:
    """Let the pending deliveries of edition `number` wait for the hour in each reader's time zone.

    Call it in the transaction that freezes. `hours` has an instant (aware UTC) for each zone; `rest` is that of all
    other readers.
    """
    of_rest = subscriber.c.zone.not_in(sorted(hours))
    for readers, hour in [(of_rest, rest), *((subscriber.c.zone == zone, hour) for zone, hour in hours.items())]:
        own = select(subscriber.c.id).where(readers)
        step = update(delivery).where(delivery.c.edition_id == number, delivery.c.state == "pending")
        conn.execute(step.where(delivery.c.subscriber_id.in_(own)).values(retry_at=hour))


def count_early(conn: Connection, numbers: Collection[int], now: datetime) -> int:
    """Return how many pending deliveries of some editions wait for the hour of their reader's time zone."""
    early = (delivery.c.state == "pending", delivery.c.reason == "", delivery.c.retry_at > now)
    return conn.scalar(select(func.count()).where(delivery.c.edition_id.in_(sorted(numbers)), *early)) or 0


def give_back(conn: Connection, ids: Sequence[int], now: datetime, run: int) -> None:
    """Give claims of `run` that were not begun back as pending; they do not count as attempts."""
    step = update(delivery).where(among(conn, delivery.c.id, ids), *_own_claims(run))
    conn.execute(step.values(state="pending", attempts=delivery.c.attempts - 1, updated_at=now))


def _own_claims(run: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a claim of `run`, which alone knows what became of its letters.

    Also where another run has called them uncertain meanwhile, because it took this one for dead.
    """
    # Not what is asked back at the provider. "back": it was, before this run claimed it anew.
    in_doubt = and_(
        delivery.c.state == "uncertain", or_(delivery.c.take_back.is_(None), delivery.c.take_back == "back")
    )
    return or_(delivery.c.state == "claimed", in_doubt), delivery.c.run_id == run


def owe_again(conn: Connection, ids: Sequence[int], reason: str, now: datetime, run: int) -> None:
    """Make deliveries pending that `run` has refused itself; the try does not count as an attempt."""
    refused, owed_again = OWED_AGAIN
    for chunk in chunks(ids):
        step = update(delivery).where(delivery.c.id.in_(chunk), delivery.c.state == refused, delivery.c.run_id == run)
        values = {"state": owed_again, "reason": reason, "attempts": delivery.c.attempts - 1, "updated_at": now}
        conn.execute(step.values(values))


def doubt(conn: Connection, ids: Sequence[int], reason: str, now: datetime) -> None:
    """Make pending and claimed deliveries of a restored database uncertain: their letters may have left since."""
    for chunk in chunks(ids):
        step = update(delivery).where(delivery.c.id.in_(chunk), delivery.c.state.in_(("pending", "claimed")))
        conn.execute(step.values(state="uncertain", reason=reason, retry_at=None, updated_at=now))


def last_change(conn: Connection, number: int) -> tuple[bool, datetime | None]:
    """Return whether nothing of an edition is owed or in doubt, and when a delivery of it changed last."""
    of_edition = delivery.c.edition_id == number
    is_open = select(delivery.c.id).where(of_edition, delivery.c.state.in_(OPEN_STATES)).limit(1)
    changed: datetime | None = conn.scalar(select(func.max(delivery.c.updated_at)).where(of_edition))
    return conn.scalar(is_open) is None, changed


def frozen_at(conn: Connection, number: int) -> datetime:
    """Return when an edition was frozen."""
    instant: datetime | None = conn.scalar(select(edition.c.frozen_at).where(edition.c.id == number))
    assert instant is not None
    return instant


def owed(conn: Connection, now: datetime) -> list[int]:
    """Return the editions with deliveries that may be handed over now, oldest first, without the stopped."""
    query = (
        select(delivery.c.edition_id)
        .join(edition, edition.c.id == delivery.c.edition_id)
        .where(*_ripe(now), edition.c.held.is_(False))
        .distinct()
        .order_by(delivery.c.edition_id)
    )
    return list(conn.scalars(query))


def count_ripe(conn: Connection, number: int, now: datetime) -> int:
    """Return how many deliveries of an edition may be handed over now."""
    return conn.scalar(select(func.count()).where(delivery.c.edition_id == number, *_ripe(now))) or 0


def claiming_runs(conn: Connection) -> set[int]:
    """Return the runs that have claims."""
    query = select(delivery.c.run_id).where(delivery.c.state == "claimed", delivery.c.run_id.is_not(None)).distinct()
    return set(conn.scalars(query))


def stopped(conn: Connection) -> list[int]:
    """Return the stopped editions that still have pending or claimed deliveries."""
    waits = delivery.c.state.in_(("pending", "claimed"))
    query = select(edition.c.id).where(edition.c.state == "frozen", edition.c.held.is_(True))
    unsent = select(delivery.c.id).where(delivery.c.edition_id == edition.c.id, waits).exists()
    return list(conn.scalars(query.where(unsent).order_by(edition.c.id)))


def receipt(conn: Connection, frozen: Edition) -> Receipt:
    """Return a frozen edition's receipt: how many readers were eligible, and their deliveries counted by state."""
    return receipts_of(conn, [frozen])[frozen.id]


def receipts_of(conn: Connection, frozen: Sequence[Edition]) -> dict[int, Receipt]:
    """Return the receipts of frozen editions by number, by one query for all of them."""
    numbers = [each.id for each in frozen]
    eligible = select(edition.c.id, literal("eligible"), edition.c.eligible).where(edition.c.id.in_(numbers))
    rows = (
        select(table.c.edition_id, table.c.state, count)
        .where(table.c.edition_id.in_(numbers))
        .group_by(table.c.edition_id, table.c.state)
        for table, count in ((delivery, func.count()), (tally, func.sum(tally.c.count)))
    )
    counts: dict[int, Counter[str]] = {number: Counter() for number in numbers}
    for number, state, count in conn.execute(union_all(eligible, *rows)) if numbers else ():
        counts[number][state] += int(count)
    return {each.id: _receipt(each, counts[each.id]) for each in frozen}


def _receipt(frozen: Edition, counts: Counter[str]) -> Receipt:
    pending = counts.pop("pending", 0) + counts.pop("claimed", 0)
    return Receipt(frozen.id, frozen.cadence, frozen.slot, counts.pop("eligible"), pending=pending, **counts)


def _ripe(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a delivery that may be handed over now."""
    # A delivery that waits for the end of a pause is ripe earlier when its reader has ended the pause.
    paused = exists().where(subscriber.c.id == delivery.c.subscriber_id, subscriber.c.paused_until > now)
    pause_ended = and_(delivery.c.reason == "paused", ~paused)
    # A wait that a clock ahead of the present has written would last until that clock's day.
    by_clock_ahead = delivery.c.updated_at > now + CLOCKS_DIFFER
    due = or_(delivery.c.retry_at.is_(None), delivery.c.retry_at <= now, pause_ended, by_clock_ahead)
    return delivery.c.state == "pending", due


# Written out, because SQLite uses a partial index only where the words of its condition stand in the query.
_WAITS_FOR_A_REASON = text("delivery.state = 'pending' AND delivery.reason <> ''")
# In the order of the fields of `Delivery`.
_COLUMNS = (
    delivery.c.id,
    delivery.c.edition_id,
    delivery.c.subscriber_id,
    delivery.c.digest_id,
    delivery.c.state,
    delivery.c.reason,
    delivery.c.attempts,
    delivery.c.updated_at,
    and_(delivery.c.state == "claimed", delivery.c.send_at.is_not(None), delivery.c.request.is_(None)),
    delivery.c.run_id,
)


def _select(
    conn: Connection, *where: Any, order: Sequence[Any] = (delivery.c.id,), limit: int | None = None,
    to_claim: bool = False,
) -> list[Delivery]:  # fmt: skip
    query = select(*_COLUMNS).where(*where).order_by(*order).limit(limit)
    if to_claim:
        query = query.with_for_update(skip_locked=True, of=delivery)
    return list(map(Delivery._make, conn.execute(query).all()))


def _entries_in_order(conn: Connection, numbers: Iterable[int]) -> dict[int, list[int]]:
    """Return the ids of the entries of editions that came in by a release, in each edition's order."""
    entries: dict[int, list[int]] = {number: [] for number in numbers}
    query = select(edition_entry.c.edition_id, edition_entry.c.entry_id).order_by(edition_entry.c.position)
    query = query.where(edition_entry.c.edition_id.in_(sorted(entries)), edition_entry.c.release > 0)
    for row in conn.execute(query):
        entries[row.edition_id].append(row.entry_id)
    return entries
