"""Settle: uncertain deliveries, what is known of each, and a person's decision; nothing is re-sent without one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.delivery.parcel import folder_of
from digest.errors import WrongUse
from digest.installation import Installation
from digest.store import deliveries, editions, requests, runs
from digest.store.engine import reading, writing
from digest.store.event_history import known
from digest.store.lock import run_lock
from subscribers import store as people
from subscribers.database import chunks

DECISIONS = {"accepted": "accepted", "resend": "pending", "write-off": "cancelled"}


@dataclass(frozen=True, slots=True)
class DeliveryInDoubt:
    """One uncertain delivery. `heard`: what events said of it, oldest first; `email` is None for who was erased."""

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
    """Return the uncertain deliveries of edition `number`, or of all, with what is known of each."""
    with reading(installation.engine) as conn:
        found = deliveries.in_state(conn, "uncertain", number)
        persons = {
            one: person
            for some in chunks(sorted({d.subscriber for d in found}))
            for one, person in people.many(conn, some).items()
        }
        said = known(conn, [d.id for d in found])
        named = {one: editions.get(conn, one) for one in {d.edition for d in found}}
        return [
            DeliveryInDoubt(
                d.id,
                d.edition,
                folder_of(named[d.edition]),
                persons[d.subscriber].email if d.subscriber in persons else None,
                d.updated_at,
                d.reason,
                tuple(f"{e.at:%Y-%m-%d %H:%M} {e.kind} {e.reason}".strip() for e in said.get(d.id, ())),
            )
            for d in found
        ]


def ask_transport(installation: Installation, number: int | None = None) -> dict[str, int]:
    """Ask the transport about every uncertain delivery; what it surely took becomes accepted. Returns counts.

    What it surely did not take stays listed: to send it again is a person's decision. That it does not know what
    another transport may have taken says nothing.
    """
    found = doubts(installation, number)
    counts = {"accepted": 0, "absent": 0, "unknown": 0}
    with run_lock(installation.engine), closing(installation.transport()) as transport:
        with reading(installation.engine) as conn:
            rows = deliveries.in_state(conn, "uncertain", number)
            ours = {one.id for one in runs.handed_over_by(conn, installation.settings.transport.where, rows)}
        answers = transport.ask([(one.id, one.where) for one in found])
        taken = [one.id for one in found if answers.get(one.id) == "accepted"]
        with writing(installation.engine, "settle by asking") as conn:
            for some in chunks(sorted(taken)):
                deliveries.settle(
                    conn,
                    [(one, "accepted", "settled by the transport: accepted") for one in some],
                    installation.clock(),
                )
    for one in found:
        heard = answers.get(one.id, "unknown")
        counts["unknown" if heard == "absent" and one.id not in ours else heard] += 1
    return counts


def record_decision(installation: Installation, numbers: Sequence[int], decision: str, who: str) -> int:
    """Settle uncertain deliveries by a person's word; return how many. `decision` is a key of DECISIONS.

    Raises WrongUse when one of them is not uncertain; nothing is changed then.
    """
    state = DECISIONS[decision]
    with run_lock(installation.engine), writing(installation.engine, "settle") as conn:
        open_ = {one.id for one in deliveries.in_state(conn, "uncertain")}
        wrong = [number for number in numbers if number not in open_]
        if wrong:
            raise WrongUse(f"delivery {wrong[0]} is not uncertain; see `digest settle`, nothing was changed")
        if taking := requests.being_taken_back(conn).intersection(numbers):
            raise WrongUse(
                f"delivery {min(taking)} is being taken back at the provider: `digest run` first brings its answer;"
                " nothing was changed"
            )
        if decision != "accepted" and (waiting := requests.waiting(conn, installation.clock()).intersection(numbers)):
            raise WrongUse(
                f"delivery {min(waiting)} may wait at the provider for its hour: decide after it; nothing was changed"
            )
        reason = f"settled by {who}: {decision}"
        # In parts: one statement binds only so many.
        for some in chunks(sorted(set(numbers))):
            deliveries.settle(conn, [(number, state, reason) for number in some], installation.clock())
    return len(set(numbers))
