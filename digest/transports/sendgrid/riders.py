"""Fit readers into a request: leave out each reader who breaks a limit, so that the others are not rejected. Pure."""

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
    """Hold a request that breaks no limit: `body` is the JSON to send, for `personals` in this order.

    `refused` maps the deliveries that fit into no request to the reason. `body` is None if there is nothing to send:
    no reader is left, `fault` says what is wrong with the settings, or `letter` what is wrong with the letter. After
    these two `personals` are the readers to try again later, because the fault is not theirs.
    """

    personals: list[Personal]
    refused: dict[int, str]
    body: str | None = None
    fault: str = ""
    letter: str = ""


def fit_request(
    shared: Shared,
    personals: Sequence[Personal],
    now: datetime,
    *,
    send_at: int | None = None,
    batch_id: str = "",
    sandbox: bool = False,
) -> Fitted:
    """Build the request for as many of these readers as fit. `now` is aware, `send_at` Unix seconds."""
    refused: dict[int, str] = {}
    riders = [personal for personal in personals if not _unaddressed(personal, refused)]
    while riders:
        try:
            request = payload(shared, riders, send_at=send_at, batch_id=batch_id, sandbox=sandbox)
        except BadHeader as error:  # the readers' addresses are good, so it is the sender's
            return Fitted(riders, refused, fault=f"[site] {error}")
        problems = limit_problems(request, now)
        if not problems:
            return Fitted(riders, refused, written(request))
        by_reader = _by_reader(problems)
        if not by_reader:
            field, problem = problems[0]
            if field.split(".")[0] in OURS:
                return Fitted(riders, refused, fault=f"not sent to SendGrid: {field} {problem}; correct it in config")
            return Fitted(riders, refused, letter=redacted(f"not sent: {field} {problem}"))
        refused |= {riders[at].delivery: redacted(f"not sent: {problem}") for at, problem in by_reader.items()}
        riders = [rider for at, rider in enumerate(riders) if at not in by_reader]
    return Fitted([], refused)


def _unaddressed(personal: Personal, refused: dict[int, str]) -> bool:
    """Return whether a reader has no address that can be sent; then add them to `refused`."""
    try:
        address_of(personal)
    except BadHeader:
        # In words of our own, because the error quotes the address and a reason must hold none.
        plain = personal.to.rpartition("@")[0].isascii()
        cause = "is not one that can be mailed" if plain else "has letters outside ASCII before the @"
        refused[personal.delivery] = f"the address {cause}; correct it"
        return True
    return False


def _by_reader(problems: Sequence[LimitProblem]) -> dict[int, str]:
    """Return the first problem of each reader who has a problem, by the reader's position."""
    by_reader: dict[int, str] = {}
    for field, problem in problems:
        if match := _READER.match(field):
            by_reader.setdefault(int(match[1]), f"{field[match.end() :]} {problem}")
    return by_reader
