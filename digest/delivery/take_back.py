"""Take back: requests in doubt, or of a stopped edition, that still wait for their hour at the provider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from digest.ledger.ahead import after_doubt
from digest.ledger.states import OPEN_RECALLS, OpenRecall
from digest.store import requests
from digest.store.engine import reading, writing
from digest.store.requests import Request
from digest.system.failpoint import failpoint
from digest.transports.base import Transport, WaitingTransport

Clock = Callable[[], datetime]


@dataclass(slots=True)
class TakenBack:
    """What came of it: readers whose letter was given back; requests whose taking back is open, or too late."""

    readers: int = 0
    open: int = 0
    late: int = 0


def take_back(engine: Engine, transport: Transport, clock: Clock) -> TakenBack:
    """Take back every request in doubt whose hour is far enough off. Hold the run lock. Safe to repeat.

    What the provider confirms in time is owed again; what it does not stays in doubt.
    """
    with reading(engine) as conn:
        found = requests.in_doubt(conn)
    account = TakenBack()
    for one in found:
        _take_back(engine, transport, clock, one, "stop" if one.recall == "stop" else "doubt", account)
    return account


def _take_back(
    engine: Engine, transport: Transport, clock: Clock, one: Request, why: OpenRecall, account: TakenBack
) -> None:
    if after_doubt(clock(), one.send_at, None) == "hold":
        if one.recall in OPEN_RECALLS:
            account.late += 1
            with writing(engine, "give up") as conn:
                requests.give_up(conn, one.batch, clock())
        return
    if not isinstance(transport, WaitingTransport):
        account.open += 1  # another transport is configured by now; the old one cannot be asked
        return
    with writing(engine, "take back") as conn:
        if not requests.open_take_back(conn, one.batch, why, clock()):
            account.late += why == "stop"  # a doubt that is settled needs nothing more; a stop was wished for
            return
    confirmed = transport.cancel(one.batch)
    failpoint("take back: cancelled")
    if not confirmed:
        account.open += 1
        return
    now = clock()
    with writing(engine, "taken back") as conn:
        if after_doubt(now, one.send_at, now) == "resend":
            account.readers += requests.confirm_take_back(conn, one.batch, now)
        else:
            account.late += 1
            requests.give_up(conn, one.batch, now)
