"""Decide which state of a delivery may follow which, and when a temporary refusal is tried again. Pure.

pending → claimed → accepted | refused | uncertain, or pending again after a temporary refusal; cancelled or
suppressed when it must not be mailed any more. An uncertain delivery is settled by an event, by a person, by the
transport's own records, or by `take_back` on the provider's word.

Three changes are made outside TRANSITIONS: `digest db resume --sent` makes pending deliveries uncertain
(`store.deliveries.doubt`), the stop of an edition makes accepted ones that wait at the provider uncertain
(`store.requests.open_take_back`), and a run makes deliveries that it has refused itself pending again once it shows
that the sender was objected to (`OWED_AGAIN`, `store.deliveries.owe_again`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

# The present state, and the states that may follow.
TRANSITIONS: dict[str, frozenset[str]] = {
    # "accepted", because a restored database may say pending of a letter that an event proves to have left.
    "pending": frozenset({"claimed", "accepted", "cancelled", "suppressed"}),
    "claimed": frozenset({"accepted", "refused", "pending", "uncertain", "cancelled"}),
    "uncertain": frozenset({"accepted", "refused", "pending", "cancelled"}),
    # Because an event may prove that the provider took the letter, whatever its answer said.
    "refused": frozenset({"accepted"}),
    "accepted": frozenset(),
    # Because a letter that a person wrote off may have left after all, and an event proves it.
    "cancelled": frozenset({"accepted"}),
    "suppressed": frozenset(),
    "empty": frozenset(),
    "held": frozenset(),
}
# The states of a delivery that is owed or in doubt, so that its row must stay as it is.
OPEN_STATES = ("pending", "claimed", "uncertain")
# The step by which a run takes its own refusal back. It can mail nobody twice, because a refusal is a certain answer,
# and it is no part of TRANSITIONS, because nothing else may take one back.
OWED_AGAIN = ("refused", "pending")

# A request that waits at the provider for its hour (slot mode) can be taken back. The column `take_back` of its
# deliveries says how far this has come:
# None: it was not asked for.
# "doubt": the request's answer was lost; once the provider confirms the cancel, a letter is owed again.
# "stop": a person stopped the edition; once the provider confirms the cancel, nothing of it is owed.
# "back": the provider confirmed in time. After a doubt another request follows.
# "late": the provider did not confirm in time.
# While it is open ("doubt" or "stop"), no event moves the deliveries, because the provider may still confirm; the
# stored events are applied if it does not. In "back" and "late" an event "processed" proves nothing, because the
# provider may have said it of letters that it discarded; an event of a letter that has left is proof.
OpenTakeBack = Literal["doubt", "stop"]
OPEN_TAKE_BACKS: tuple[OpenTakeBack, ...] = ("doubt", "stop")

FIRST_WAIT = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(days=3)
GIVEN_UP = "given up after three days: "  # before the last answer, in the reason of a letter that was given up
LEAST_TRIES = 12  # before a letter is given up; 12 waits fit into three days, however long a server asks to wait


def before(state: str) -> tuple[str, ...]:
    """Return the states from which `state` may be reached, for the WHERE of a conditional update."""
    return tuple(sorted(now for now, after in TRANSITIONS.items() if state in after))


def next_try(attempts: int, retry_after: float | None, frozen_at: datetime, now: datetime) -> datetime | None:
    """Return when a temporarily refused delivery is tried again, or None to give it up (refused).

    `attempts` counts the tries so far (1 or more); `retry_after` is the wait that the server asked for, in seconds,
    or None. Without it the wait doubles from 15 minutes to 4 hours; three days after the edition was frozen the
    delivery is given up. It has had some tries by then, so that days in which the sender was objected to, which
    count as no try, take none of a letter's chances.
    """
    if now - frozen_at >= GIVE_UP_AFTER and attempts >= LEAST_TRIES:
        return None
    if retry_after is None:
        wait: timedelta = min(FIRST_WAIT * 2 ** min(attempts - 1, 10), LONGEST_WAIT)
        return now + wait
    return now + min(timedelta(seconds=max(retry_after, 0)), GIVE_UP_AFTER)
