"""How to reach a SendGrid account. Light to import: the transport itself is not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from digest.transports.base import Capabilities
from digest.transports.sendgrid.payload import MOST

# One request carries so many readers.
CAPABILITIES = Capabilities(batch_size=MOST, fills_forms=True, can_wait=True)

MOST_CANCELLED = 10  # batches at one time; no more than so many workers may be in doubt


@dataclass(frozen=True, slots=True)
class SendGridSettings:
    """How to reach the account. `base_url` "" is the provider's own host in `region` ("global" or "eu").

    `timeout` is the seconds that an answer may take; `concurrency` (1 to 10) how many requests are under way at
    once, and so the most that one call can leave in doubt; `most` how many readers ride in one (1 to 1,000);
    `sandbox` has everything checked and nothing mailed.
    """

    api_key: str = field(repr=False)
    base_url: str = ""
    region: str = "global"
    timeout: float = 30.0
    concurrency: int = 4
    sandbox: bool = False
    most: int = MOST


def mistakes(settings: SendGridSettings) -> list[str]:
    """Return everything that cannot work, one line each with its cure; [] when there is nothing."""
    wrong = []
    if not re.fullmatch(r"[!-~]+", settings.api_key):
        wrong.append("SendGrid key: it is empty or not one plain line; give the key as SendGrid showed it")
    if settings.base_url and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", settings.base_url):
        wrong.append("transport.base_url: it is no http or https address; leave it out for SendGrid's own")
    if settings.region not in ("global", "eu"):
        wrong.append(f"transport.region: {settings.region!r} is unknown; give global or eu")
    if not 1 <= settings.concurrency <= MOST_CANCELLED:
        wrong.append(f"transport.concurrency: {settings.concurrency} is not 1 to {MOST_CANCELLED}; give fewer")
    if not 0 < settings.timeout <= 600:
        wrong.append(f"transport.timeout: {settings.timeout:g} is not more than 0 and at most 600 seconds")
    if not 1 <= settings.most <= MOST:
        wrong.append(f"transport.most: {settings.most} is not 1 to {MOST} readers a request")
    return wrong
