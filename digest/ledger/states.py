"""The rules of a delivery: which state may follow which, and when a temporary refusal is tried again. Pure.

pending → claimed → accepted | refused | uncertain, or pending again after a temporary refusal; cancelled or
suppressed when it must not be mailed any more. What is uncertain is settled by evidence or by a person.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

# state now -> states that may follow, and who may say so.
TRANSITIONS: dict[str, frozenset[str]] = {
    # accepted: an event may be quicker than the row that a restored database believes in.
    "pending": frozenset({"claimed", "accepted", "cancelled", "suppressed"}),
    "claimed": frozenset({"accepted", "refused", "pending", "uncertain", "cancelled"}),
    "uncertain": frozenset({"accepted", "refused", "pending", "cancelled"}),
    # An event may arrive although the provider's answer said otherwise: it took the letter after all.
    "refused": frozenset({"accepted"}),
    "accepted": frozenset(),
    # Written off by a person, and then an event tells of it.
    "cancelled": frozenset({"accepted"}),
    "suppressed": frozenset(),
    "empty": frozenset(),
    "held": frozenset(),
}
# A request that waits at the provider for its hour (slot mode) can be taken back. How far that has come:
# "doubt": its answer was lost; once the provider confirms, its readers are owed a letter again.
# "stop": a person stopped its edition; once the provider confirms, its readers get nothing of it.
# While it is one of these, nothing that is heard moves the readers: the provider may say yes to either first.
# "late": the confirmation did not come in time; "back": it did, and another request is to follow. In both, what the
# provider said of the request before is no proof any more, only that a letter has left.
OpenTakeBack = Literal["doubt", "stop"]
OPEN_TAKE_BACKS: tuple[OpenTakeBack, ...] = ("doubt", "stop")

FIRST_WAIT = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(days=3)


def before(state: str) -> tuple[str, ...]:
    """Return the states from which `state` may be reached, for the WHERE of a conditional update."""
    return tuple(sorted(now for now, after in TRANSITIONS.items() if state in after))


def next_try(attempts: int, retry_after: float | None, frozen_at: datetime, now: datetime) -> datetime | None:
    """Return when a temporarily refused delivery is tried again, or None to give it up (refused).

    `attempts` counts the tries so far (1 or more); `retry_after` is what the server asked, in seconds. The
    wait doubles from 15 minutes to 4 hours; three days after the edition was frozen it is given up.
    """
    if now - frozen_at >= GIVE_UP_AFTER:
        return None
    patience = min(FIRST_WAIT * 2 ** min(attempts - 1, 10), LONGEST_WAIT)
    asked = timedelta(seconds=max(retry_after or 0, 0))
    return now + max(patience if retry_after is None else timedelta(0), min(asked, GIVE_UP_AFTER))
