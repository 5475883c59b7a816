"""Who can ride in a request: the limits judged locally, so that one reader's fault costs nobody else. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.ledger.redact import redacted
from digest.letter.mime.headers import BadHeader
from digest.transports.sendgrid.answers import OURS
from digest.transports.sendgrid.limits import LimitProblem, limit_problems
from digest.transports.sendgrid.payload import Personal, Shared, address_of, payload, written

_READER = re.compile(r"personalizations\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A request that breaks no limit: `body` is the JSON to send, for `personals` in this order.

    `refused` are those who fit into no request, and why. `body` is None when nobody is left; then `fault`, if
    any, is what is wrong with the settings, and `personals` those who are refused nothing for it.
    """

    personals: list[Personal]
    refused: dict[int, str]
    body: str | None = None
    fault: str = ""


def fit_request(
    shared: Shared,
    personals: Sequence[Personal],
    now: datetime,
    *,
    send_at: int | None = None,
    batch_id: str = "",
    sandbox: bool = False,
) -> Fitted:
    """Return the request for as many of these readers as can be in it. `now` is aware, `send_at` Unix seconds."""
    refused: dict[int, str] = {}
    riders = [one for one in personals if not _unaddressed(one, refused)]
    while riders:
        try:
            made = payload(shared, riders, send_at=send_at, batch_id=batch_id, sandbox=sandbox)
        except BadHeader as error:  # the readers' addresses are good, so it is the sender's
            return Fitted(riders, refused, fault=f"[site] {error}")
        found = limit_problems(made, now)
        if not found:
            return Fitted(riders, refused, written(made))
        theirs = _by_reader(found)
        if not theirs:
            where, what = found[0]
            if where.split(".")[0] in OURS:
                return Fitted(riders, refused, fault=f"not sent to SendGrid: {where} {what}; correct it in config")
            refused |= {one.delivery: redacted(f"not sent: {where} {what}") for one in riders}
            break
        refused |= {riders[at].delivery: redacted(f"not sent: {what}") for at, what in theirs.items()}
        riders = [one for at, one in enumerate(riders) if at not in theirs]
    return Fitted([], refused)


def _unaddressed(one: Personal, refused: dict[int, str]) -> bool:
    try:
        address_of(one)
    except BadHeader as error:
        refused[one.delivery] = redacted(str(error))
        return True
    return False


def _by_reader(found: Sequence[LimitProblem]) -> dict[int, str]:
    """Return the first problem of each reader who has one, by position."""
    theirs: dict[int, str] = {}
    for where, what in found:
        if match := _READER.match(where):
            theirs.setdefault(int(match[1]), f"{where[match.end() :]} {what}")
    return theirs
