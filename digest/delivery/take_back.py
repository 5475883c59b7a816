"""Take back requests that still wait for their hour at the provider: those in doubt, or of a stopped edition."""

from __future__ import annotations

from dataclasses import dataclass

from digest.delivery.run import Run
from digest.ledger.ahead import after_doubt
from digest.ledger.states import OPEN_TAKE_BACKS, OpenTakeBack
from digest.store import requests
from digest.store.engine import reading, writing
from digest.store.requests import Request
from digest.system.failpoint import failpoint
from digest.transports.base import WaitingTransport


@dataclass(slots=True)
class TakenBack:
    """Count the readers whose letters were taken back, and the requests not confirmed yet or too late to be."""

    readers: int = 0
    open: int = 0
    late: int = 0


def take_back(run: Run) -> TakenBack:
    """Take back every request in doubt whose hour is far enough off, and count the results. Safe to repeat.

    The letters of a request that the provider gives back in time are owed again; the others stay in doubt.
    """
    with reading(run.installation.engine) as conn:
        doubtful = requests.in_doubt(conn)
    account = TakenBack()
    for request in doubtful:
        take_back_request(run, request, "stop" if request.take_back == "stop" else "doubt", account)
    return account


def take_back_request(run: Run, request: Request, why: OpenTakeBack, account: TakenBack) -> None:
    """Take back one request at the provider, and add the result to `account`.

    The attempt is written down before the provider is asked, and the result when the provider has confirmed it.
    """
    engine, clock = run.installation.engine, run.installation.clock
    if after_doubt(clock(), request.send_at, None) == "hold":
        if request.take_back in OPEN_TAKE_BACKS:
            account.late += 1
            with writing(engine, "give up") as conn:
                requests.give_up(conn, request.id, clock())
        return
    if not isinstance(run.transport, WaitingTransport):
        account.open += 1  # because config.toml names another transport by now, and the old provider cannot be asked
        return
    with writing(engine, "take back") as conn:
        if not requests.open_take_back(conn, request.id, why, clock()):
            # A doubt that an event has settled needs nothing more; a stop was wished for and is too late.
            account.late += why == "stop"
            return
    confirmed = run.transport.cancel(request.id)
    failpoint("take back: cancelled")
    if not confirmed:
        account.open += 1
        return
    now = clock()
    with writing(engine, "taken back") as conn:
        if after_doubt(now, request.send_at, now) == "resend":
            account.readers += requests.confirm_take_back(conn, request.id, now)
        else:
            account.late += 1
            requests.give_up(conn, request.id, now)


def why_open(run: Run) -> str:
    """Return why requests in doubt have not been taken back, and the cure, to follow "… requests in doubt,"."""
    if isinstance(run.transport, WaitingTransport):
        return (
            "at a provider which has not confirmed that it takes them back: look at its key and its state,"
            " and run again before their hour"
        )
    return (
        "at the provider that was given them, and config.toml names another by now: run with that one again"
        " before their hour, or `digest settle` after it"
    )
