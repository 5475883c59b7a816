"""Read what the editions of a reader decided for them and what became of their letters, for explain."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from digest.installation import Installation
from digest.model import Digest, Edition
from digest.store import deliveries as ledger
from digest.store import editions, history
from digest.store.deliveries import Delivery
from subscribers.mailable import unmailable
from subscribers.model import Subscriber


@dataclass(frozen=True, slots=True)
class ReaderHistory:
    """A reader and their deliveries, newest first.

    `blocked` says why they must not be mailed now, or "". `editions`, `digests` and `fates` are by the id of the
    edition, the digest and the delivery.
    """

    person: Subscriber
    blocked: str
    deliveries: list[Delivery]
    editions: dict[int, Edition]
    digests: dict[int, Digest]
    fates: dict[int, str]

    def digest(self, delivery: Delivery) -> Digest | None:
        """Return the frozen digest of a delivery, or None when nothing was planned for the reader."""
        return self.digests.get(delivery.digest or 0)

    def edition(self, delivery: Delivery) -> str:
        """Return the edition of a delivery in words."""
        edition = self.editions[delivery.edition]
        return f"edition {edition.id} ({edition.cadence} {edition.slot})"


def read_history(conn: Connection, installation: Installation, person: Subscriber) -> ReaderHistory:
    """Return the history of a subscriber as it stands now."""
    reasons = unmailable(
        conn, [person], secret=installation.secret, allow_list=installation.settings.only, now=installation.clock()
    )
    deliveries = ledger.of_subscriber(conn, person.id)
    by_number = {
        delivery.edition: edition for delivery in deliveries if (edition := editions.get(conn, delivery.edition))
    }
    digests = ledger.digests(conn, [delivery.digest for delivery in deliveries if delivery.digest])
    fates = history.fates_of(conn, [delivery.id for delivery in deliveries])
    return ReaderHistory(person, reasons.get(person.id, ""), deliveries, by_number, digests, fates)
