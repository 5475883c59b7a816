"""Store the requests that wait at the provider: note a request before it leaves, record its taking back.

A request is named by the provider's batch id, and its readers are the deliveries that carry this id. The values of
the column `take_back` are explained in `digest.ledger.states`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from digest.ledger.states import OPEN_TAKE_BACKS, OpenTakeBack
from digest.store.schema import delivery

_TAKEN = "taken back before its hour"
_HAS_REQUEST = delivery.c.request.is_not(None)
_OPEN = delivery.c.take_back.in_(OPEN_TAKE_BACKS)
_NOT_ASKED = or_(delivery.c.take_back.is_(None), delivery.c.take_back == "back")


@dataclass(frozen=True, slots=True)
class Request:
    """Hold one request: its batch id, the hour it waits for, and how far its taking back has come."""

    id: str
    send_at: datetime
    take_back: str | None


def note(conn: Connection, ids: Sequence[int], request: str, run: int) -> bool:
    """Store which request carries the claims `ids` of `run`; False, and no byte may leave, when it has lost one."""
    claims = (delivery.c.id.in_(ids), delivery.c.state == "claimed", delivery.c.run_id == run)
    return conn.execute(update(delivery).where(*claims).values(request=request)).rowcount == len(ids)


def in_doubt(conn: Connection) -> list[Request]:
    """Return the requests with uncertain deliveries that may still be taken back, soonest hour first."""
    return _requests(conn, delivery.c.state == "uncertain", or_(_NOT_ASKED, _OPEN))


def of_edition(conn: Connection, number: int, now: datetime) -> list[Request]:
    """Return the requests of edition `number` whose hour is still to come, soonest first."""
    in_edition = delivery.c.edition_id == number
    # "claimed" is among them, because the caller holds the run lock: the run that claimed is dead.
    states = delivery.c.state.in_(("accepted", "claimed", "uncertain"))
    return _requests(conn, in_edition, states, delivery.c.send_at > now, or_(_NOT_ASKED, _OPEN))


def being_taken_back(conn: Connection) -> set[int]:
    """Return the deliveries whose taking back is open, so that nobody settles them before the provider answers."""
    return set(conn.scalars(select(delivery.c.id).where(_OPEN, _HAS_REQUEST)))


def waiting(conn: Connection, now: datetime) -> set[int]:
    """Return the uncertain deliveries whose letter the provider may still send by itself, at an hour to come."""
    uncertain = (delivery.c.state == "uncertain", _HAS_REQUEST, delivery.c.send_at > now)
    return set(conn.scalars(select(delivery.c.id).where(*uncertain)))


def open_take_back(conn: Connection, request: str, why: OpenTakeBack, now: datetime) -> bool:
    """Open the taking back of a request, because of a "doubt" or a "stop"; True when the caller may cancel it.

    From here on neither an event nor a late answer moves its deliveries. False: an event has proven that the
    provider took the request in doubt, so nothing is changed and the letters go out.
    """
    states = ("uncertain",) if why == "doubt" else ("accepted", "claimed", "uncertain")
    may_open = or_(_NOT_ASKED, delivery.c.take_back == "doubt")
    opened = update(delivery).where(delivery.c.request == request, delivery.c.state.in_(states), may_open)
    proven = select(func.count()).where(delivery.c.request == request, delivery.c.state == "accepted")
    with conn.begin_nested() as point:
        # Update first and look afterwards, because the update locks the rows: an earlier event is seen, and a later
        # event waits.
        conn.execute(opened.values(state="uncertain", take_back=why, run_id=None, updated_at=now))
        if conn.scalar(proven):
            point.rollback()
            return False
    return True


def confirm_take_back(conn: Connection, request: str, now: datetime) -> int:
    """Settle a request that the provider has taken back in time; return how many deliveries it had.

    After a doubt they are pending again, after a person's stop they are cancelled.
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
    """Turn the unconfirmed stops of edition `number` into doubts: once confirmed, its letters are owed again."""
    stopping = (delivery.c.edition_id == number, delivery.c.take_back == "stop", delivery.c.state == "uncertain")
    conn.execute(update(delivery).where(*stopping).values(take_back="doubt"))


def give_up(conn: Connection, request: str, now: datetime) -> None:
    """Close the taking back of a request that was not confirmed in time: events or a person settle its deliveries."""
    where = (delivery.c.request == request, _OPEN)
    ids = list(conn.scalars(select(delivery.c.id).where(*where)))
    _move(conn, request, {"take_back": "late", "updated_at": now})
    _replay(conn, ids, now)


def close_take_backs(conn: Connection, now: datetime) -> None:
    """Take back no request of uncertain deliveries any more, after a restore: events or a person settle them.

    The restored rows may name a request that has since failed or been taken back, while another request left.
    """
    uncertain = (delivery.c.state == "uncertain", _HAS_REQUEST)
    ids = list(conn.scalars(select(delivery.c.id).where(*uncertain, _OPEN)))
    conn.execute(update(delivery).where(*uncertain).values(take_back="late", updated_at=now))
    _replay(conn, ids, now)


def _requests(conn: Connection, *where: ColumnElement[bool]) -> list[Request]:
    columns = (delivery.c.request, delivery.c.send_at, delivery.c.take_back)
    query = select(*columns).where(_HAS_REQUEST, delivery.c.send_at.is_not(None), *where).distinct()
    requests: dict[str, Request] = {}
    for row in conn.execute(query):
        # An open taking back counts for the whole request, because all its deliveries are cancelled together.
        if row.request not in requests or row.take_back in OPEN_TAKE_BACKS:
            requests[row.request] = Request(row.request, row.send_at, row.take_back)
    return sorted(requests.values(), key=lambda request: (request.send_at, request.id))


def _move(conn: Connection, request: str, values: dict[str, object], take_back: str | None = None) -> int:
    """Change the uncertain deliveries of a request whose taking back is `take_back`, or open; return how many."""
    where = [delivery.c.request == request, delivery.c.state == "uncertain"]
    where.append(delivery.c.take_back == take_back if take_back else _OPEN)
    return conn.execute(update(delivery).where(*where).values(values)).rowcount


def _replay(conn: Connection, ids: Sequence[int], now: datetime) -> None:
    from digest.store.events import replay  # here, because most runs take nothing back, and events are slow to import

    replay(conn, ids, now)
