"""What comes back from providers and mail servers, into the ledger; and what a person must hear of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import Engine

from digest.ledger.events import Event
from digest.store.engine import writing
from digest.store.events import Taken, take
from digest.transports.mailbox.mailbox import Mailbox
from digest.transports.mailbox.reports import NoReport, read_report
from digest.transports.tag import read_tag
from digest.transports.webhook import Webhook

BATCH = 200  # messages in one transaction
Clock = Callable[[], datetime]


@dataclass(slots=True)
class Incoming:
    """What was taken, and by reason how much was left aside. `unread`: messages that only a person can read."""

    taken: Taken = field(default_factory=Taken)
    aside: Counter[str] = field(default_factory=Counter)
    unread: int = 0


def take_body(engine: Engine, webhook: Webhook, body: bytes, secret: bytes, now: datetime) -> Incoming:
    """Take the events of a webhook call that is known to be the provider's. Raises BadBody (ValueError)."""
    found = webhook.parse(body, partial(read_tag, secret), now)
    aside = Counter({name or "no event": count for name, count in found.ignored.items()})
    with writing(engine, "events") as conn:
        done = Incoming(take(conn, found.events, secret, now), aside)
    return done


def take_mailbox(engine: Engine, box: Mailbox, secret: bytes, clock: Clock) -> Incoming:
    """Take the reports in a mailbox; each is marked as read once its event is stored. Safe to repeat after any end.

    Machines' messages that report nothing of ours are marked as well; a person's stay unread.
    """
    done = Incoming()
    batch: list[Event] = []
    keys: list[str] = []

    def store() -> None:
        if batch:
            with writing(engine, "events") as conn:
                done.taken += take(conn, batch, secret, clock())
        box.done(keys)
        batch.clear()
        keys.clear()

    for key, raw in box.unread():
        try:
            batch.append(read_report(raw, partial(read_tag, secret), clock()))
        except NoReport as why:
            done.aside[str(why)] += 1
            if not why.machine:
                done.unread += 1
                continue
        keys.append(key)
        if len(keys) >= BATCH:
            store()
    store()
    return done
