"""Make letters for SendGrid, of invented readers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from digest.letter.blocks import decode
from digest.letter.mime.quoted_printable import encode
from digest.model import NamedAddress
from digest.transports.base import Outcome
from digest.transports.sendgrid.limits import LimitProblem, reader_problems, shared_problems
from digest.transports.sendgrid.payload import Payload, Personal, Shared, personal_part, shared_part
from digest.transports.sendgrid.riders import admitted, fit_request
from digest.transports.sendgrid.settings import SendGridSettings
from digest.transports.sendgrid.transport import SendGridTransport
from tests.transports.fake_sendgrid import KEY, FakeSendGrid

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
MARK, LINK = "qwertyuiopasdfghjkaa", "qwertyuiopasdfghjkab"
SHARED = Shared(
    "Housing and 3 more",
    [encode(f'<p>{MARK}</p><a href="{LINK}">'), encode("Leave</a>")],
    [encode(f"{MARK}\nLeave: {LINK}\n")],
    ("weekly",),
    NamedAddress("digest@news.example.org", "Learning Digest"),
    NamedAddress("editors@news.example.org"),
    {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "List-ID": "Digest <weekly.news.example.org>"},
    ("List-Unsubscribe",),
    (MARK, LINK),
)


def personal(
    number: int, *, to: str = "", to_name: str | None = None, values: Sequence[str] | None = None, header: str = "",
    mid: str | None = None,
) -> Personal:  # fmt: skip
    """Return reader `number`, whose delivery has the same number."""
    link = f"https://digest.example.org/unsubscribe/token-{number}"
    values = (f"Good morning, {number}", link) if values is None else values
    name = f"Reader {number}" if to_name is None else to_name
    return personal_part(
        number,
        f"{number}-tag" if mid is None else mid,
        (header or f"<{link}>", *values),
        to or f"reader{number}@example.org",
        name,
    )


def people(count: int, first: int = 1) -> list[Personal]:
    return [personal(number) for number in range(first, first + count)]


def numbered(count: int, length: int = 20) -> Shared:
    """Return what readers share who have a value each for so many marks."""
    return replace(SHARED, marks=tuple(f"{n:0{length}d}m" for n in range(count)))


def plainly(shared: Shared, personals: Sequence[Personal], *, send_at: int | None = None) -> Payload:
    """Return a request in the plain way: as one dictionary, from which a JSON writer would make it."""
    people = []
    for person in personals:
        mid, *rest = person.texts
        headers, values = rest[: len(shared.own_headers)], rest[len(shared.own_headers) :]
        to = {"email": person.address} | ({"name": rest[-1]} if person.named else {})
        entry: Payload = {"to": [to], "custom_args": {"mid": mid}}
        if headers:
            entry["headers"] = dict(zip(shared.own_headers, headers, strict=True))
        if shared.marks:
            entry["substitutions"] = dict(zip(shared.marks, values[: len(shared.marks)], strict=True))
        people.append(entry)
    content = [("text/plain", decode(shared.text)), ("text/html", decode(shared.html))]
    return shared_part(shared, send_at=send_at) | {
        "personalizations": people,
        "content": [{"type": kind, "value": value} for kind, value in content],
    }


def request(*personals: Personal, shared: Shared = SHARED, **other: Any) -> Payload:
    """Return a request as the provider reads it."""
    riders, refused = admitted(shared, personals or people(2))
    assert not refused, refused
    fitted = fit_request(shared, riders, NOW, **other)
    document: Payload = json.loads(fitted.body or b"")
    return document


def limit_problems(document: Payload) -> list[LimitProblem]:
    """Return everything in a request that breaks a limit, of those that are checked field by field."""
    part = {name: value for name, value in document.items() if name not in ("personalizations", "content")}
    headers = document.get("headers", {})
    readers = [problem for person in document["personalizations"] for problem in reader_problems(person, headers)]
    return [*shared_problems(part, NOW), *readers]


def transport(fake: FakeSendGrid | str, **other: Any) -> SendGridTransport:
    url = fake if isinstance(fake, str) else fake.url
    settings = SendGridSettings(KEY, url, **{"timeout": 60.0, "concurrency": 1} | other)
    clock = (lambda: NOW) if isinstance(fake, str) else (lambda: datetime.fromtimestamp(fake.now, UTC))
    return SendGridTransport(settings, clock)


def states(outcomes: Sequence[Outcome]) -> dict[int, str]:
    """Return each delivery's state; check that no delivery has two outcomes."""
    by_delivery = {outcome.delivery: outcome.state for outcome in outcomes}
    assert len(by_delivery) == len(outcomes)
    return by_delivery
