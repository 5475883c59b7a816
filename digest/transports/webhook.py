"""Define the seam for a provider's webhook: the HTTP calls by which it reports events of letters. Pure.

To add a provider's webhook, write `digest/transports/NAME/events.py` with a function that returns a `Webhook`, and
return that from `EventsSettings.webhook` in `digest/config/events.py`. `digest/web/app.py` then accepts POST calls at
its path, checks each with `verify`, and stores the events that `parse` returns. Both functions read no clock and
no file: they get the present time and the secrets they need as arguments or when the `Webhook` is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from digest.ledger.events import Event

# Turns the tag that a provider repeats in an event into the number of our delivery; None if no tag of ours is in it.
ReadTag = Callable[[str], int | None]


class BadBody(ValueError):
    """Report a body that cannot be read at all, so that nothing of it is stored. The message holds no address."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """Hold what one body reports: its `events` in their order, and how many others were ignored, by name.

    Ignored are events that say nothing of a delivery, such as "open" or "click". Elements that are no events at
    all are counted under the name "".
    """

    events: list[Event]
    ignored: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Hold what the web application needs to serve one provider's webhook.

    `path` is the path that the provider calls, such as "/hooks/NAME".

    `verify` (headers, body, now) returns whether the call truly comes from the provider. Header names are lower case,
    and a header given twice is left out. Returns False for anything wrong, and raises nothing.

    `parse` (body, read_tag, now) returns the events of a verified body. A faulty element must not spoil the others;
    raises BadBody if the whole body cannot be read. Each `Event` has the provider's name and an id that stays the
    same when the provider repeats the event, because repeats are recognised by these two.
    """

    path: str
    verify: Callable[[Mapping[str, str], bytes, datetime], bool]
    parse: Callable[[bytes, ReadTag, datetime], Parsed]
