"""Tell which subscribers must not be mailed now, and why: for plans, claims, previews and pages alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from subscribers.consent import may_mail
from subscribers.model import Subscriber
from subscribers.suppression import suppressed_reasons


def unmailable(
    conn: Connection, subscribers: Sequence[Subscriber], *, secret: bytes, allow_list: Collection[str], now: datetime
) -> dict[int, str]:
    """Return {id: reason} for those of `subscribers` who must not get a letter now.

    The reasons are those of `consent.may_mail`; suppressions are read in the caller's transaction. An empty
    `allow_list` allows everybody. Raises BadSecret when the suppressions were made with another secret.
    """
    suppressed = suppressed_reasons(conn, secret, [subscriber.id for subscriber in subscribers])
    reasons = {
        subscriber.id: may_mail(subscriber, subscriber.id in suppressed, now, allow_list)
        for subscriber in subscribers
    }
    return {number: reason for number, reason in reasons.items() if reason}
