"""Describe and check how to reach a SendGrid account. Light to import, because config reads it at each start."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from digest.transports.base import Capabilities
from digest.transports.sendgrid.payload import MOST

# A batch is as large as a request, so that a digest's readers share as few requests as possible.
CAPABILITIES = Capabilities(batch_size=MOST, fills_forms=True, can_wait=True)

# The provider lets at most so many batches be cancelled at one time, so no more requests may be under way at once.
MOST_CANCELLED = 10


@dataclass(frozen=True, slots=True)
class SendGridSettings:
    """Hold how to reach the account. `base_url` "" means the provider's own host in `region` ("global" or "eu").

    `timeout` is how many seconds an answer may take. `concurrency` (1 to 10) is how many requests are under way at
    once, and so the most that one hand-over can leave in doubt. `most` is how many readers share a request (1 to
    1,000).
    `sandbox` has the provider check every request and mail nothing.
    """

    api_key: str = field(repr=False)
    base_url: str = ""
    region: str = "global"
    timeout: float = 30.0
    concurrency: int = 4
    sandbox: bool = False
    most: int = MOST


def mistakes(settings: SendGridSettings) -> list[str]:
    """Return each setting that cannot work, a line with its cure; [] if all can."""
    wrong = []
    if not re.fullmatch(r"[!-~]+", settings.api_key):
        wrong.append(
            "SendGrid key: it is empty or not a single line of plain letters; give the key as SendGrid showed it"
        )
    if settings.base_url and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", settings.base_url):
        wrong.append("transport.base_url: is not an http or https address; leave it out for SendGrid's own")
    if settings.region not in ("global", "eu"):
        wrong.append(f"transport.region: {settings.region!r} is unknown; give global or eu")
    if not 1 <= settings.concurrency <= MOST_CANCELLED:
        wrong.append(f"transport.concurrency: {settings.concurrency} is not 1 to {MOST_CANCELLED}; give fewer")
    if not 0 < settings.timeout <= 600:
        wrong.append(f"transport.timeout: {settings.timeout:g} is not more than 0 and at most 600 seconds")
    if not 1 <= settings.most <= MOST:
        wrong.append(f"transport.most: {settings.most} is not 1 to {MOST} readers a request")
    return wrong
