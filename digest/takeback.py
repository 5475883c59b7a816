"""Take back: requests in doubt, or of a stopped edition, that still wait for their hour at the provider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from digest.failpoint import failpoint
from digest.ledger import OPEN_RECALLS, OpenRecall
from digest.store import slots
from digest.store.engine import reading, writing
from digest.store.slots import Request
from digest.transports.base import Transport, Waiting
from digest.transports.sendgrid.slots import after_doubt

Clock = Callable[[], datetime]


@dataclass(slots=True)
class Account:
    """What came of it: readers whose letter was given back; requests whose taking back is open, or too late."""

    readers: int = 0
    open: int = 0
    late: int = 0


def take_back(engine: Engine, transport: Transport, clock: Clock) -> Account:
    """Take back every request in doubt whose hour is far enough off. Hold the run lock. Safe to repeat.

    What the provider confirms in time is owed again; what it does not stays in doubt.
    """
    with reading(engine) as conn:
        found = slots.in_doubt(conn)
    account = Account()
    for one in found:
        _take_back(engine, transport, clock, one, "stop" if one.recall == "stop" else "doubt", account)
    return account


def stop(engine: Engine, transport: Transport, clock: Clock, number: int) -> Account:
    """Take back every request of an edition whose hour is far enough off, also those surely accepted.

    The readers of what the provider confirms in time get nothing. The others' letters go out, or are in doubt.
    """
    with reading(engine) as conn:
        found = slots.of_edition(conn, number)
    account = Account()
    for one in found:
        if after_doubt(clock(), one.send_at, None) == "cancel":
            _take_back(engine, transport, clock, one, "stop", account)
        else:
            account.late += 1
    return account


def _take_back(
    engine: Engine, transport: Transport, clock: Clock, one: Request, why: OpenRecall, account: Account
) -> None:
    if after_doubt(clock(), one.send_at, None) == "hold":
        if one.recall in OPEN_RECALLS:
            account.late += 1
            with writing(engine) as conn:
                slots.give_up(conn, one.batch, clock())
        return
    if not isinstance(transport, Waiting):
        account.open += 1  # another transport is configured by now; the old one cannot be asked
        return
    with writing(engine) as conn:
        if not slots.recall(conn, one.batch, why, clock()):
            return
    failpoint("take back: opened")
    confirmed = transport.cancel(one.batch)
    failpoint("take back: cancelled")
    if not confirmed:
        account.open += 1
        return
    now = clock()
    with writing(engine) as conn:
        if after_doubt(now, one.send_at, now) == "resend":
            account.readers += slots.confirm(conn, one.batch, now)
        else:
            account.late += 1
            slots.give_up(conn, one.batch, now)
    failpoint("take back: confirmed")
