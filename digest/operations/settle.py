"""Settle uncertain deliveries: list them with their events, ask the transport, record a person's decision.

No uncertain delivery is sent again unless a person decides so, or the provider confirms that it discarded the
request (slot mode).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.delivery.parcel import folder_of
from digest.delivery.recover import letters_of
from digest.errors import WrongUse
from digest.installation import Installation
from digest.store import deliveries, editions, event_history, requests, runs
from digest.store.engine import reading, writing
from digest.store.lock import run_lock
from subscribers import store as people
from subscribers.database import chunks
from subscribers.model import Subscriber

# {decision of a person: state of the delivery after it}
DECISIONS = {"accepted": "accepted", "resend": "pending", "write-off": "cancelled"}


@dataclass(frozen=True, slots=True)
class DeliveryInDoubt:
    """An uncertain delivery: since when, why, and its events in words (`heard`), oldest first.

    `where` is the folder name of its edition. `email` is None when the reader was erased.
    """

    id: int
    edition: int
    where: str
    email: str | None
    since: datetime
    reason: str
    heard: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints."""
        return {
            "delivery": self.id, "edition": self.edition, "subscriber": self.email, "since": self.since.isoformat(),
            "reason": self.reason, "heard": list(self.heard),
        }  # fmt: skip


def doubts(installation: Installation, number: int | None = None) -> list[DeliveryInDoubt]:
    """Return the uncertain deliveries of edition `number`, or of all editions, with their readers and events."""
    with reading(installation.engine) as conn:
        uncertain = deliveries.in_state(conn, "uncertain", number)
        persons: dict[int, Subscriber] = {}
        for some in chunks(sorted({delivery.subscriber for delivery in uncertain})):
            persons |= people.many(conn, some)
        events = event_history.events_by_delivery(conn, [delivery.id for delivery in uncertain])
        folders = {id: folder_of(editions.get(conn, id)) for id in {delivery.edition for delivery in uncertain}}
        return [
            DeliveryInDoubt(
                delivery.id,
                delivery.edition,
                folders[delivery.edition],
                persons[delivery.subscriber].email if delivery.subscriber in persons else None,
                delivery.updated_at,
                delivery.reason,
                tuple(
                    f"{event.at:%Y-%m-%d %H:%M} {event.kind} {event.reason}".strip()
                    for event in events.get(delivery.id, ())
                ),
            )
            for delivery in uncertain
        ]


def ask_transport(installation: Installation, number: int | None = None) -> dict[str, int]:
    """Ask the transport about the uncertain deliveries; set those that it surely took to accepted.

    Return counts of the answers: {"accepted": …, "absent": …, "unknown": …}. A delivery that the transport surely did
    not take ("absent") stays uncertain, because only a person may decide to send it again. A delivery that another
    transport handed over counts as unknown when this transport does not have it.
    """
    uncertain = doubts(installation, number)
    counts = {"accepted": 0, "absent": 0, "unknown": 0}
    with run_lock(installation.engine), closing(installation.transport()) as transport:
        with reading(installation.engine) as conn:
            rows = deliveries.in_state(conn, "uncertain", number)
            handed_over = runs.handed_over_by(conn, installation.settings.transport.where, rows)
            ours = {delivery.id for delivery in handed_over}
            letters = letters_of(conn, installation, rows)
        answers = transport.ask(letters)
        taken = [delivery.id for delivery in uncertain if answers.get(delivery.id) == "accepted"]
        with writing(installation.engine, "settle by asking") as conn:
            for some in chunks(sorted(taken)):
                deliveries.settle(
                    conn,
                    [(id, "accepted", "settled by the transport: accepted") for id in some],
                    installation.clock(),
                )
    for delivery in uncertain:
        answer = answers.get(delivery.id, "unknown")
        counts["unknown" if answer == "absent" and delivery.id not in ours else answer] += 1
    return counts


def record_decision(installation: Installation, numbers: Sequence[int], decision: str, person: str) -> int:
    """Settle uncertain deliveries by the decision of `person`, a key of DECISIONS; return their number.

    Raises WrongUse when a delivery is not uncertain, is being taken back, or may still wait at the provider for its
    hour; nothing is changed then.
    """
    state = DECISIONS[decision]
    with run_lock(installation.engine), writing(installation.engine, "settle") as conn:
        uncertain = {delivery.id for delivery in deliveries.in_state(conn, "uncertain")}
        wrong = [number for number in numbers if number not in uncertain]
        if wrong:
            raise WrongUse(f"delivery {wrong[0]} is not uncertain; see `digest settle`, nothing was changed")
        if taking := requests.being_taken_back(conn).intersection(numbers):
            raise WrongUse(
                f"delivery {min(taking)} is being taken back at the provider: run `digest run` first to get its"
                " answer; nothing was changed"
            )
        if decision != "accepted" and (waiting := requests.waiting(conn, installation.clock()).intersection(numbers)):
            raise WrongUse(
                f"delivery {min(waiting)} may wait at the provider for its hour: decide after that hour; nothing was"
                " changed"
            )
        reason = f"settled by {person}: {decision}"
        # In chunks, because a statement binds a limited number of values.
        for some in chunks(sorted(set(numbers))):
            deliveries.settle(conn, [(number, state, reason) for number in some], installation.clock())
    return len(set(numbers))
