"""The seam of what comes back: one provider's webhook as a value, and the events that its calls bring. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from digest.ledger.events import Event

# Turns a tag that we gave a provider into a delivery of ours, or None.
ReadTag = Callable[[str], int | None]


class BadBody(ValueError):
    """The body of a call cannot be read; nothing of it can be used."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """`events` in the body's order, and how many of each other name (open, click, an account's) were left aside.

    Under the name "" are counted elements that are no events at all.
    """

    events: list[Event]
    ignored: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Hold what a provider's webhook needs: where it calls, how a call is believed, and what it says.

    `verify` (headers, body, now) returns whether the call is truly the provider's; headers by name in lower case,
    without any that was given twice. `parse` (body, read_tag, now) returns its events; BadBody when it has none.
    """

    path: str
    verify: Callable[[Mapping[str, str], bytes, datetime], bool]
    parse: Callable[[bytes, ReadTag, datetime], Parsed]
