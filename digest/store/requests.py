"""Requests that wait at the provider for their hour: noted before they leave, taken back while there is time.

A request is named by its batch id; its readers are the deliveries that carry it. What stands in `recall` is said in
`digest.ledger.states`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from digest.ledger.states import OPEN_RECALLS, OpenRecall
from digest.store import events
from digest.store.schema import delivery

_TAKEN = "taken back before its hour"


@dataclass(frozen=True, slots=True)
class Request:
    """One request and the hour it waits for; `recall`: how far a taking back of it has come."""

    batch: str
    send_at: datetime
    recall: str | None


def note(conn: Connection, ids: Sequence[int], batch: str, run: int) -> bool:
    """Write down which request carries `run`'s claims. False, and nothing may leave, when they are not its own."""
    ours = (delivery.c.id.in_(ids), delivery.c.state == "claimed", delivery.c.run_id == run)
    return conn.execute(update(delivery).where(*ours).values(batch=batch)).rowcount == len(ids)


def in_doubt(conn: Connection) -> list[Request]:
    """Return the requests with readers in doubt that may still be taken back, soonest hour first."""
    return _requests(conn, delivery.c.state == "uncertain", or_(_fresh(), delivery.c.recall.in_(OPEN_RECALLS)))


def of_edition(conn: Connection, number: int, now: datetime) -> list[Request]:
    """Return the requests of an edition that wait for an hour yet to come."""
    ours = delivery.c.edition_id == number
    # "claimed": the run lock is held, so the run that had these is dead.
    states = delivery.c.state.in_(("accepted", "claimed", "uncertain"))
    open_ = or_(_fresh(), delivery.c.recall.in_(OPEN_RECALLS))
    return _requests(conn, ours, states, delivery.c.send_at > now, open_)


def being_taken_back(conn: Connection) -> set[int]:
    """Return the deliveries whose taking back is open: the provider's answer comes first."""
    return set(
        conn.scalars(select(delivery.c.id).where(delivery.c.recall.in_(OPEN_RECALLS), delivery.c.batch.is_not(None)))
    )


def waiting(conn: Connection, now: datetime) -> set[int]:
    """Return the deliveries in doubt whose letter may leave by itself at an hour yet to come."""
    doubted = (delivery.c.state == "uncertain", delivery.c.batch.is_not(None), delivery.c.send_at > now)
    return set(conn.scalars(select(delivery.c.id).where(*doubted)))


def open_take_back(conn: Connection, batch: str, why: OpenRecall, now: datetime) -> bool:
    """Open the taking back of a request, "doubt" or "stop"; True when it may be cancelled at the provider.

    From here on neither an event nor a late answer moves its readers. False: of a request in doubt an event
    has shown that it was taken, so it is left to go out.
    """
    states = ("uncertain",) if why == "doubt" else ("accepted", "claimed", "uncertain")
    open_ = delivery.c.recall == "doubt"
    taken = update(delivery).where(delivery.c.batch == batch, delivery.c.state.in_(states), or_(_fresh(), open_))
    shown = select(func.count()).where(delivery.c.batch == batch, delivery.c.state == "accepted")
    with conn.begin_nested() as point:
        # Looked at once the rows are ours: an event that was quicker is seen, one that comes now waits for us.
        conn.execute(taken.values(state="uncertain", recall=why, run_id=None, updated_at=now))
        if conn.scalar(shown):
            point.rollback()
            return False
    return True


def confirm_take_back(conn: Connection, batch: str, now: datetime) -> int:
    """Settle a request that the provider has taken back in time; return how many readers it had.

    After a doubt they are owed a letter again, after a person's stop they get nothing.
    """
    again: dict[str, object] = {
        "state": "pending",
        "recall": "back",
        "batch": None,
        "send_at": None,
        "reason": _TAKEN,
        "updated_at": now,
    }
    ended: dict[str, object] = {
        "state": "cancelled",
        "recall": "back",
        "reason": f"{_TAKEN}: the edition was stopped",
        "updated_at": now,
    }
    return _move(conn, batch, again, "doubt") + _move(conn, batch, ended, "stop")


def go_on(conn: Connection, number: int) -> None:
    """Owe the readers of a stopped edition their letters again, where the provider has yet to confirm the stop."""
    stopping = (delivery.c.edition_id == number, delivery.c.recall == "stop", delivery.c.state == "uncertain")
    conn.execute(update(delivery).where(*stopping).values(recall="doubt"))


def give_up(conn: Connection, batch: str, now: datetime) -> None:
    """Close the taking back of a request that was not confirmed in time: events or a person settle its readers."""
    where = (delivery.c.batch == batch, delivery.c.recall.in_(OPEN_RECALLS))
    ids = list(conn.scalars(select(delivery.c.id).where(*where)))
    _move(conn, batch, {"recall": "late", "updated_at": now})
    events.replay(conn, ids, now)


def forget(conn: Connection, now: datetime) -> None:
    """Take nothing back any more of what is in doubt by now: events or a person settle it.

    After a restore a request that these rows name may have failed or been taken back since, and another have left.
    """
    doubted = (delivery.c.state == "uncertain", delivery.c.batch.is_not(None))
    ids = list(conn.scalars(select(delivery.c.id).where(*doubted, delivery.c.recall.in_(OPEN_RECALLS))))
    conn.execute(update(delivery).where(*doubted).values(recall="late", updated_at=now))
    events.replay(conn, ids, now)


def _fresh() -> ColumnElement[bool]:
    return or_(delivery.c.recall.is_(None), delivery.c.recall == "back")


def _requests(conn: Connection, *where: ColumnElement[bool]) -> list[Request]:
    columns = (delivery.c.batch, delivery.c.send_at, delivery.c.recall)
    query = select(*columns).where(delivery.c.batch.is_not(None), delivery.c.send_at.is_not(None), *where).distinct()
    found: dict[str, Request] = {}
    for row in conn.execute(query):
        known = found.get(row.batch)
        if known is None or row.recall in OPEN_RECALLS:
            found[row.batch] = Request(row.batch, row.send_at, row.recall)
    return sorted(found.values(), key=lambda one: (one.send_at, one.batch))


def _move(conn: Connection, batch: str, values: dict[str, object], recall: str | None = None) -> int:
    where = [delivery.c.batch == batch, delivery.c.state == "uncertain"]
    where.append(delivery.c.recall == recall if recall else delivery.c.recall.in_(OPEN_RECALLS))
    return conn.execute(update(delivery).where(*where).values(values)).rowcount
