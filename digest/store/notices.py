"""Store the notices: mails that are no digests. Address and facts are kept only while a notice is owed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, null, select, update

from digest.store.schema import notice
from subscribers.tables import suppression

SILENCE = "silence"  # the kind that nobody has asked for
MOVED = "moved"  # to the address from which a reader's letters have moved
LETTER = "letter"  # a test letter: a digest's letter, marked as a test, to an address that an editor typed
# To somebody who asked on a page: to confirm what they asked for, or that they get the letters already.
CONFIRM, ALREADY = "confirm", "already"
# To editors: a draft is ready, its deadline is near, or nobody has met it.
READY, NEAR, MISSED = "ready", "near", "missed"
TO_EDITORS = (READY, NEAR, MISSED)
ALARM = "alarm"  # to operators: something keeps letters back, or that is over
_FORGET: dict[str, Any] = {"email": None, "facts": null()}


@dataclass(frozen=True, slots=True)
class Owed:
    """Hold a notice that is to be handed over: its number, its kind, the address, and the facts that it tells."""

    number: int
    kind: str
    email: str
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Hold how a notice stands. `state`: pending, claimed, accepted, refused, uncertain, or dropped."""

    number: int
    kind: str
    state: str
    reason: str


def add(
    conn: Connection, kind: str, email: str, address_hash: str, now: datetime, facts: Mapping[str, Any] | None = None
) -> int:
    """Store a notice that is owed; return its number."""
    row = {"kind": kind, "email": email, "address_hash": address_hash, "state": "pending", "reason": ""}
    new = insert(notice).values(**row, facts=facts or null(), created_at=now, updated_at=now)
    return int(conn.execute(new.returning(notice.c.id)).scalar_one())


def add_none(conn: Connection, kind: str, address_hash: str, now: datetime) -> None:
    """Store a notice that is not owed, by the statement that stores one that is.

    So that the time of an answer does not tell whether somebody is written to.
    """
    row = {"kind": kind, "email": None, "address_hash": address_hash, "state": "dropped", "reason": "not owed"}
    new = insert(notice).values(**row, facts={}, created_at=now, updated_at=now)
    conn.execute(new.returning(notice.c.id)).scalar_one()


def get(conn: Connection, number: int) -> Notice:
    """Return a notice that exists."""
    row = conn.execute(select(notice).where(notice.c.id == number)).one()
    return Notice(row.id, row.kind, row.state, row.reason)


def owed(conn: Connection) -> list[Owed]:
    """Return the notices that are still to be handed over: first those that people wait for, the oldest first."""
    rows = conn.execute(select(notice).where(notice.c.state == "pending").order_by(notice.c.id))
    notices = [Owed(row.id, row.kind, row.email, row.facts) for row in rows]
    return sorted(notices, key=lambda owed: owed.kind == SILENCE)


def are_open(conn: Connection) -> bool:
    """Return whether a notice is still owed, or claimed without an outcome."""
    return conn.scalar(select(notice.c.id).where(notice.c.state.in_(("pending", "claimed"))).limit(1)) is not None


def are_owed_since(conn: Connection, since: datetime) -> bool:
    """Return whether a notice is owed that was written down after an instant."""
    new = (notice.c.state == "pending", notice.c.created_at > since)
    return conn.scalar(select(notice.c.id).where(*new).limit(1)) is not None


def are_awaited(conn: Connection) -> bool:
    """Return whether a notice is owed that somebody waits for, such as a link to sign in."""
    waiting = (notice.c.state == "pending") & (notice.c.kind != SILENCE)
    return conn.scalar(select(notice.c.id).where(waiting).limit(1)) is not None


def is_asked_since(conn: Connection, kind: str, address_hash: str, since: datetime) -> bool:
    """Return whether a notice of a kind, owed or not, was stored for an address after an instant."""
    same = (notice.c.kind == kind, notice.c.address_hash == address_hash, notice.c.created_at > since)
    return conn.scalar(select(notice.c.id).where(*same).limit(1)) is not None


def count_since(conn: Connection, kind: str, address_hash: str, since: datetime, *, left: bool = False) -> int:
    """Count the notices of a kind to an address since an instant; `left`: only those that have or may have left."""
    rows = select(func.count()).where(
        notice.c.kind == kind, notice.c.address_hash == address_hash, notice.c.created_at > since
    )
    if left:
        rows = rows.where(notice.c.state.in_(("accepted", "claimed", "uncertain")))
    return conn.scalar(rows) or 0


def owed_to(conn: Connection, kind: str, address_hash: str) -> int | None:
    """Return the number of a notice of a kind that is owed to an address already; None when none is."""
    waiting = (notice.c.kind == kind) & (notice.c.address_hash == address_hash) & (notice.c.state == "pending")
    number: int | None = conn.scalar(select(func.min(notice.c.id)).where(waiting))
    return number


def drop_owed(conn: Connection, kind: str, address_hash: str, reason: str, now: datetime) -> None:
    """Drop the notices of a kind that are owed to an address."""
    waiting = (notice.c.kind == kind) & (notice.c.address_hash == address_hash) & (notice.c.state == "pending")
    values = {"state": "dropped", "reason": reason, "updated_at": now, **_FORGET}
    conn.execute(update(notice).where(waiting).values(values))


def count_all_since(conn: Connection, kind: str, since: datetime) -> int:
    """Count the notices of a kind to all addresses since an instant."""
    return conn.scalar(select(func.count()).where(notice.c.kind == kind, notice.c.created_at > since)) or 0


def claim(conn: Connection, number: int, now: datetime) -> bool:
    """Claim a notice before its first byte leaves; return whether it was still owed."""
    owed_still = (notice.c.id == number) & (notice.c.state == "pending")
    return conn.execute(update(notice).where(owed_still).values(state="claimed", updated_at=now)).rowcount == 1


def settle(conn: Connection, number: int, state: str, reason: str, now: datetime) -> None:
    """Store what became of a notice; unless it is owed again, its address and facts are forgotten."""
    values = {"state": state, "reason": reason, "updated_at": now} | ({} if state == "pending" else _FORGET)
    conn.execute(update(notice).where(notice.c.id == number).values(values))


def close_old(conn: Connection, before: datetime, now: datetime) -> None:
    """Drop the notices owed since before an instant, and call those uncertain that a dead process had claimed."""
    for state, end, reason in (("pending", "dropped", "given up"), ("claimed", "uncertain", "the answer was lost")):
        old = (notice.c.state == state) & (notice.c.created_at < before)
        values = {"state": end, "reason": reason, "updated_at": now, **_FORGET}
        conn.execute(update(notice).where(old).values(values))


def drop_erased(conn: Connection, now: datetime) -> int:
    """Drop the notices that are owed to people who were erased, and forget their addresses; return how many."""
    erased = select(suppression.c.address_hash).where(suppression.c.reason == "erased")
    theirs = notice.c.email.is_not(None) & notice.c.address_hash.in_(erased)
    values = {"state": "dropped", "reason": "erased", "updated_at": now, **_FORGET}
    return conn.execute(update(notice).where(theirs).values(values)).rowcount
