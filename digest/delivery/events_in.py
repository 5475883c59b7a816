"""Take in the events that providers and mail servers report, and count what was left aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import Engine

from digest.delivery.linked import read_links
from digest.installation import Installation
from digest.ledger.events import Event
from digest.store.engine import reading, writing
from digest.store.events import TakenEvents, take
from digest.store.keys import tag_keys
from digest.transports.mailbox.mailbox import Mailbox
from digest.transports.mailbox.reports import NoReport, read_report
from digest.transports.tag import TagKeys, read_tag, tagged_numbers
from digest.transports.webhook import Webhook

BATCH = 200  # messages in one transaction


@dataclass(slots=True)
class Incoming:
    """Count events taken, events left aside (by reason), and messages in a mailbox left unread for a person.

    `answers` are those of the unread that answer one of our letters.
    """

    taken: TakenEvents = field(default_factory=TakenEvents)
    aside: Counter[str] = field(default_factory=Counter)
    unread: int = 0
    answers: int = 0


def take_body(engine: Engine, webhook: Webhook, body: bytes, secret: bytes, now: datetime) -> Incoming:
    """Take the events of a webhook call whose signature was verified. Raises BadBody when it cannot be read."""
    # All at once, because a body may bring thousands of events.
    keys = _find_keys(engine, tagged_numbers(body.decode("utf-8", "replace")))
    parsed = webhook.parse(body, partial(read_tag, secret, lambda _numbers: keys), now)
    aside = Counter({name or "no event": count for name, count in parsed.ignored.items()})
    with writing(engine, "events") as conn:
        return Incoming(take(conn, parsed.events, secret, now), aside)


def take_mailbox(installation: Installation, box: Mailbox) -> Incoming:
    """Take the reports in a mailbox, and mark each as read once its event is stored. Safe to repeat after any end.

    A machine's message that reports no letter of this installation is marked as well; a person's stays unread.
    Raises BadSecret when a report has but a link, and the keys of links are lost.
    """
    read, incoming = report_reader(installation), Incoming()
    batch: list[Event] = []
    keys: list[str] = []

    def store() -> None:
        if batch:
            with writing(installation.engine, "events") as conn:
                incoming.taken += take(conn, batch, installation.secret, installation.clock())
        box.done(keys)
        batch.clear()
        keys.clear()

    for key, raw in box.unread():
        try:
            batch.append(read(raw))
        except NoReport as report:
            incoming.aside[str(report)] += 1
            if not report.machine:
                incoming.unread += 1
                incoming.answers += report.reader
                continue
        keys.append(key)
        if len(keys) >= BATCH:
            store()
    store()
    return incoming


def report_reader(installation: Installation) -> Callable[[bytes], Event]:
    """Return the function that reads a message by this installation's tags and links, and raises as `read_report`.

    Raises BadSecret when the secret is lost; the function does, when a report has but a link and the keys are lost.
    """
    find_delivery = partial(read_tag, installation.secret, partial(_find_keys, installation.engine))
    find_reader = partial(read_links, installation)
    return lambda raw: read_report(raw, find_delivery, find_reader, installation.clock())


def _find_keys(engine: Engine, numbers: Collection[int]) -> Mapping[int, TagKeys]:
    """Return what the tags of these deliveries are bound to."""
    with reading(engine) as conn:
        return tag_keys(conn, numbers)
