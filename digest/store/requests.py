"""Store the requests that wait at the provider for their hour: note each before it leaves, take it back in time.

A request is named by the provider's batch id, and its readers are the deliveries that carry this id. The values of
the column `take_back` are explained in `digest.ledger.states`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from digest.ledger.states import OPEN_TAKE_BACKS, OpenTakeBack
from digest.store import events
from digest.store.schema import delivery

_TAKEN = "taken back before its hour"


@dataclass(frozen=True, slots=True)
class Request:
    """One request and the hour it waits for; `take_back`: how far a taking back of it has come."""

    id: str
    send_at: datetime
    take_back: str | None


def note(conn: Connection, ids: Sequence[int], request: str, run: int) -> bool:
    """Write down which request carries `run`'s claims. False, and nothing may leave, when they are not its own."""
    ours = (delivery.c.id.in_(ids), delivery.c.state == "claimed", delivery.c.run_id == run)
    return conn.execute(update(delivery).where(*ours).values(request=request)).rowcount == len(ids)


def in_doubt(conn: Connection) -> list[Request]:
    """Return the requests with readers in doubt that may still be taken back, soonest hour first."""
    return _requests(conn, delivery.c.state == "uncertain", or_(_fresh(), delivery.c.take_back.in_(OPEN_TAKE_BACKS)))


def of_edition(conn: Connection, number: int, now: datetime) -> list[Request]:
    """Return the requests of an edition that wait for an hour yet to come."""
    ours = delivery.c.edition_id == number
    # "claimed": the run lock is held, so the run that had these is dead.
    states = delivery.c.state.in_(("accepted", "claimed", "uncertain"))
    open_ = or_(_fresh(), delivery.c.take_back.in_(OPEN_TAKE_BACKS))
    return _requests(conn, ours, states, delivery.c.send_at > now, open_)


def being_taken_back(conn: Connection) -> set[int]:
    """Return the deliveries whose taking back is open: the provider's answer comes first."""
    return set(
        conn.scalars(
            select(delivery.c.id).where(delivery.c.take_back.in_(OPEN_TAKE_BACKS), delivery.c.request.is_not(None))
        )
    )


def waiting(conn: Connection, now: datetime) -> set[int]:
    """Return the deliveries in doubt whose letter may leave by itself at an hour yet to come."""
    doubted = (delivery.c.state == "uncertain", delivery.c.request.is_not(None), delivery.c.send_at > now)
    return set(conn.scalars(select(delivery.c.id).where(*doubted)))


def open_take_back(conn: Connection, request: str, why: OpenTakeBack, now: datetime) -> bool:
    """Open the taking back of a request, "doubt" or "stop"; True when it may be cancelled at the provider.

    From here on neither an event nor a late answer moves its readers. False: of a request in doubt an event
    has shown that it was taken, so it is left to go out.
    """
    states = ("uncertain",) if why == "doubt" else ("accepted", "claimed", "uncertain")
    open_ = delivery.c.take_back == "doubt"
    taken = update(delivery).where(delivery.c.request == request, delivery.c.state.in_(states), or_(_fresh(), open_))
    shown = select(func.count()).where(delivery.c.request == request, delivery.c.state == "accepted")
    with conn.begin_nested() as point:
        # Looked at once the rows are ours: an event that was quicker is seen, one that comes now waits for us.
        conn.execute(taken.values(state="uncertain", take_back=why, run_id=None, updated_at=now))
        if conn.scalar(shown):
            point.rollback()
            return False
    return True


def confirm_take_back(conn: Connection, request: str, now: datetime) -> int:
    """Settle a request that the provider has taken back in time; return how many readers it had.

    After a doubt they are owed a letter again, after a person's stop they get nothing.
    """
    again: dict[str, object] = {
        "state": "pending",
        "take_back": "back",
        "request": None,
        "send_at": None,
        "reason": _TAKEN,
        "updated_at": now,
    }
    ended: dict[str, object] = {
        "state": "cancelled",
        "take_back": "back",
        "reason": f"{_TAKEN}: the edition was stopped",
        "updated_at": now,
    }
    return _move(conn, request, again, "doubt") + _move(conn, request, ended, "stop")


def go_on(conn: Connection, number: int) -> None:
    """Owe the readers of a stopped edition their letters again, where the provider has yet to confirm the stop."""
    stopping = (delivery.c.edition_id == number, delivery.c.take_back == "stop", delivery.c.state == "uncertain")
    conn.execute(update(delivery).where(*stopping).values(take_back="doubt"))


def give_up(conn: Connection, request: str, now: datetime) -> None:
    """Close the taking back of a request that was not confirmed in time: events or a person settle its readers."""
    where = (delivery.c.request == request, delivery.c.take_back.in_(OPEN_TAKE_BACKS))
    ids = list(conn.scalars(select(delivery.c.id).where(*where)))
    _move(conn, request, {"take_back": "late", "updated_at": now})
    events.replay(conn, ids, now)


def forget(conn: Connection, now: datetime) -> None:
    """Take nothing back any more of what is in doubt by now: events or a person settle it.

    After a restore a request that these rows name may have failed or been taken back since, and another have left.
    """
    doubted = (delivery.c.state == "uncertain", delivery.c.request.is_not(None))
    ids = list(conn.scalars(select(delivery.c.id).where(*doubted, delivery.c.take_back.in_(OPEN_TAKE_BACKS))))
    conn.execute(update(delivery).where(*doubted).values(take_back="late", updated_at=now))
    events.replay(conn, ids, now)


def _fresh() -> ColumnElement[bool]:
    return or_(delivery.c.take_back.is_(None), delivery.c.take_back == "back")


def _requests(conn: Connection, *where: ColumnElement[bool]) -> list[Request]:
    columns = (delivery.c.request, delivery.c.send_at, delivery.c.take_back)
    query = (
        select(*columns).where(delivery.c.request.is_not(None), delivery.c.send_at.is_not(None), *where).distinct()
    )
    found: dict[str, Request] = {}
    for row in conn.execute(query):
        known = found.get(row.request)
        if known is None or row.take_back in OPEN_TAKE_BACKS:
            found[row.request] = Request(row.request, row.send_at, row.take_back)
    return sorted(found.values(), key=lambda one: (one.send_at, one.id))


def _move(conn: Connection, request: str, values: dict[str, object], take_back: str | None = None) -> int:
    where = [delivery.c.request == request, delivery.c.state == "uncertain"]
    where.append(delivery.c.take_back == take_back if take_back else delivery.c.take_back.in_(OPEN_TAKE_BACKS))
    return conn.execute(update(delivery).where(*where).values(values)).rowcount
