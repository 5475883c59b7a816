"""Read what the editions of a reader decided for them and what became of their letters."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from digest.installation import Installation
from digest.model import Digest, Edition
from digest.readers.decisions import EditionName, LetterState, named_edition
from digest.store import deliveries as ledger
from digest.store import editions, event_history, history, letter_entries
from digest.store.deliveries import Delivery
from subscribers.mailable import unmailable
from subscribers.model import Subscriber


@dataclass(frozen=True, slots=True)
class ReaderHistory:
    """A reader and their deliveries, newest first.

    `blocked` says why they must not be mailed now, or "". `editions`, `digests` and `fates` are by the id of the
    edition, the digest and the delivery; a fate stands with the words of its events. Of a history about some entries
    alone, `digests` are those of the editions that carry one.
    """

    person: Subscriber
    blocked: str
    deliveries: list[Delivery]
    editions: dict[int, Edition]
    digests: dict[int, Digest]
    fates: dict[int, tuple[str, str]]

    def digest(self, delivery: Delivery) -> Digest | None:
        """Return the frozen digest of a delivery, or None when nothing was planned for the reader."""
        return self.digests.get(delivery.digest or 0)

    def edition(self, delivery: Delivery) -> EditionName:
        """Return the name of a delivery's edition."""
        return named_edition(self.editions[delivery.edition])

    def letter(self, delivery: Delivery) -> LetterState:
        """Return what became of the letter of a delivery."""
        fate, words = self.fates.get(delivery.id, ("", ""))
        return LetterState(delivery.state, delivery.reason, fate, words, self.blocked)


def read_history(
    conn: Connection, installation: Installation, person: Subscriber, *, about: Collection[int] | None = None
) -> ReaderHistory:
    """Return the history of a subscriber as it stands now; `about`: so far as it decided about these entries."""
    deliveries = ledger.of_subscriber(conn, person.id)
    wanted = deliveries
    if about is not None:  # because to read a year of daily digests takes long
        carrying = letter_entries.editions_with(conn, {each.edition for each in deliveries}, about)
        wanted = [delivery for delivery in deliveries if delivery.edition in carrying]
    digests = ledger.digests(conn, [delivery.digest for delivery in wanted if delivery.digest])
    return ReaderHistory(
        person,
        blocked_now(conn, installation, person),
        deliveries,
        editions.by_number(conn, [delivery.edition for delivery in deliveries]),
        digests,
        read_fates(conn, [delivery.id for delivery in deliveries if delivery.id]),
    )


def blocked_now(conn: Connection, installation: Installation, person: Subscriber) -> str:
    """Return why a subscriber must not be mailed now, or ""."""
    secret, allow_list, now = installation.secret, installation.settings.only, installation.clock()
    return unmailable(conn, [person], secret=secret, allow_list=allow_list, now=now).get(person.id, "")


def read_fates(conn: Connection, deliveries: list[int]) -> dict[int, tuple[str, str]]:
    """Return by delivery the later fate and the words of its events; a delivery without a fate is left out."""
    fates = history.fates_of(conn, deliveries)
    events = event_history.events_by_delivery(conn, list(fates)) if fates else {}
    words = {
        number: next((event.reason for event in reversed(some) if event.reason), "")
        for number, some in events.items()
    }
    return {number: (fate, words.get(number, "")) for number, fate in fates.items()}
