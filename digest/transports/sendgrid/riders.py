"""Put readers into requests: leave out who breaks a limit, share the others out, and make each request. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from digest.ledger.redact import redacted
from digest.letter.mime.headers import BadHeader
from digest.transports.sendgrid.answers import OURS
from digest.transports.sendgrid.limits import SUBSTITUTION_BYTES, reader_problems, shared_problems, stem_of
from digest.transports.sendgrid.payload import (
    MOST,
    MOST_BYTES,
    MOST_SUBSTITUTIONS,
    Personal,
    Shared,
    is_ready,
    made_ready,
    personalization,
    shared_part,
    written,
    written_request,
)

Names = tuple[str, ...]
_MOST_OF_READER = 25_000  # bytes of a reader's part in which every limit is kept
_ROOM = MOST_BYTES - 100_000  # bytes of a request for its content and its riders


def admitted(shared: Shared, personals: Sequence[Personal]) -> tuple[list[Personal], dict[int, str]]:
    """Return the readers of one digest who break no limit, as riders, and the reason for each delivery that does.

    These are left out, so that the others are not rejected.
    """
    room, stem = _limits_of_texts(shared.own_headers, shared.marks, tuple(shared.headers))
    riders: list[Personal] = []
    refused: dict[int, str] = {}
    for personal in personals:
        texts = "".join(personal.texts)
        # The quick test, which nearly everybody passes.
        if len(texts) <= room and stem not in texts and is_ready(texts):
            riders.append(personal)
        elif problem := _problem(shared, personal):
            refused[personal.delivery] = redacted(f"not sent: {problem}")
        else:
            riders.append(made_ready(personal))
    return riders, refused


@lru_cache(maxsize=64)
def _limits_of_texts(own_headers: Names, marks: Names, shared: Names) -> tuple[int, str]:
    """Return how many characters a reader's texts have at most, and what they do not hold, if no limit is near.

    The number is -1 where the names of the headers beside the `shared` ones, or the marks, break a limit themselves.
    """
    blank = Shared("", (), (), headers=dict.fromkeys(shared, "x"), own_headers=own_headers, marks=marks)
    trial = Personal(0, ["x"] * (1 + len(own_headers) + len(marks)) + ["a@b.example"], named=False)
    if _problem(blank, trial):
        return -1, ""
    stem, _ = stem_of(marks)
    # An escaped character has at most six bytes.
    room = (SUBSTITUTION_BYTES - len(written(personalization(blank, trial)))) // 6
    return (room, stem) if stem else (-1, "")


def _problem(shared: Shared, personal: Personal) -> str:
    """Return the first limit that a reader breaks, or ""."""
    entry = personalization(shared, personal)
    for field, problem in reader_problems(entry, shared.headers):
        return f"{field} {problem}"
    try:
        written(entry).encode()
    except UnicodeEncodeError:
        return "a text holds half a surrogate pair, which is no UTF-8"
    return ""


def requests(shared: Shared, riders: Sequence[Personal], most: int = MOST) -> Iterator[list[Personal]]:
    """Yield the riders of one digest, split into as few requests as the limits allow, in order where possible.

    An address that comes again goes into another request, because the provider rejects a whole request that names an
    address twice.
    """
    # Twice the content, because an escaped character is at most twice as long as in quoted-printable.
    content = 2 * sum(map(len, (*shared.html, *shared.text)))
    by_substitutions = MOST_SUBSTITUTIONS // max(1, len(shared.marks))
    most = max(1, min(most, by_substitutions, (_ROOM - content) // _MOST_OF_READER))
    while riders:
        taken: dict[str, Personal] = {}
        left: list[Personal] = []
        for rider in riders:
            address = rider.address.lower()
            if len(taken) < most and address not in taken:
                taken[address] = rider
            else:
                left.append(rider)
        yield [*taken.values()]
        riders = left


@dataclass(frozen=True, slots=True)
class Fitted:
    """Hold a request: the `body` to send, or None and why.

    `fault` says what is wrong with the settings, or `letter` what is wrong with the letter. The riders are then to be
    tried again later, because the fault is not theirs.
    """

    body: bytes | None = None
    fault: str = ""
    letter: str = ""


def fit_request(
    shared: Shared,
    riders: Sequence[Personal],
    now: datetime,
    *,
    send_at: int | None = None,
    batch_id: str = "",
    sandbox: bool = False,
) -> Fitted:
    """Build the request for some riders of one digest, in their order. `now` is aware, `send_at` Unix seconds."""
    try:
        part = shared_part(shared, send_at=send_at, batch_id=batch_id, sandbox=sandbox)
    except BadHeader as error:
        return Fitted(fault=f"[site] {error}")
    for field, problem in shared_problems(part, now):
        if field.split(".")[0] in OURS:
            return Fitted(fault=f"not sent to SendGrid: {field} {problem}; correct it in config")
        return Fitted(letter=redacted(f"not sent: {field} {problem}"))
    if not (any(shared.text) and any(shared.html)):
        return Fitted(letter="not sent: content is empty")
    try:
        body = written_request(part, shared, riders)
    except UnicodeEncodeError:
        return Fitted(letter="not sent: subject holds half a surrogate pair, which is no UTF-8")
    if len(body) >= MOST_BYTES:
        return Fitted(letter=f"not sent: the request has {len(body):,} bytes; less than {MOST_BYTES:,} are taken")
    return Fitted(body)
