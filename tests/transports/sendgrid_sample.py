"""Make letters for SendGrid, of invented readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from digest.model import NamedAddress
from digest.transports.base import Outcome
from digest.transports.sendgrid.payload import Payload, Personal, Shared, payload
from digest.transports.sendgrid.settings import SendGridSettings
from digest.transports.sendgrid.transport import SendGridTransport
from tests.transports.fake_sendgrid import KEY, FakeSendGrid

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
MARK, LINK = "qwertyuiopasdfghjkaa", "qwertyuiopasdfghjkab"
SHARED = Shared(
    "Housing and 3 more",
    f'<p>{MARK}</p><a href="{LINK}">Leave</a>',
    f"{MARK}\nLeave: {LINK}\n",
    ("weekly",),
    NamedAddress("digest@news.example.org", "Learning Digest"),
    NamedAddress("editors@news.example.org"),
    {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "List-ID": "Digest <weekly.news.example.org>"},
)


def personal(number: int, **other: Any) -> Personal:
    """Return reader `number`, whose delivery has the same number."""
    link = f"https://digest.example.org/unsubscribe/token-{number}"
    reader = Personal(
        number,
        f"reader{number}@example.org",
        f"Reader {number}",
        {MARK: f"Good morning, {number}", LINK: link},
        {"List-Unsubscribe": f"<{link}>"},
        f"{number}-tag",
    )
    return replace(reader, **other)


def people(count: int, first: int = 1) -> list[Personal]:
    return [personal(number) for number in range(first, first + count)]


def request(*personals: Personal, shared: Shared = SHARED, **other: Any) -> Payload:
    return payload(shared, personals or people(2), **other)


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
