"""Decide what an event from a provider or a mail server does to a delivery and to an address. Pure.

Events come late, twice, in any order, or never. So nothing here depends on their order: the fate of a
delivery only goes from delivered to bounced to complained, and an address is judged by all of its events together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from digest.ledger.replies import Class, classify
from digest.ledger.states import OPEN_TAKE_BACKS

KINDS = ("processed", "deferred", "delivered", "bounced", "blocked", "dropped", "complained", "unsubscribed")

LONGEST_ID = 100  # characters; the reader of an event replaces a longer id by its hash


@dataclass(frozen=True, slots=True)
class Event:
    """Hold one event: one statement of a provider or a mail server about one letter.

    `id` is unique for each `provider`, at most 100 characters. `kind` is one of KINDS: "bounced" is a hard bounce,
    "blocked" a soft one. `delivery` is the number of the delivery, proven by its tag, or None. `reader` is the id of
    the subscriber, proven by a signed link where there is no tag, or None. `address` is given only where the event
    can be trusted about it (a signed webhook); it is never stored, nor shown by `repr`. `status` is an enhanced
    status code (RFC 3463, "5.1.1") or None; `message` is the provider's own id of the letter, or "".
    """

    id: str
    kind: str
    delivery: int | None
    address: str | None = field(repr=False)
    at: datetime
    status: str | None = None
    reason: str = ""
    provider: str = ""
    message: str = ""
    reader: int | None = None


# --- an event and a delivery -------------------------------------------------------------------------------

# The states that an event moves to accepted, because it proves that the transport took the letter, whatever the
# answer at the hand-over was. `cancelled` is among them, because a letter that a person wrote off may have left
# after all; `suppressed`, `empty` and `held` are not, because nothing was handed over.
UNSETTLED = frozenset({"pending", "claimed", "uncertain", "refused", "cancelled"})

# The fates of an accepted delivery; it only climbs, because a mail server may take a letter and bounce it afterwards,
# and a reader who complains has had the letter, whatever the events before said.
FATES = ("delivered", "bounced", "complained")
_FATE_OF = {
    "delivered": "delivered",
    "bounced": "bounced",
    "blocked": "bounced",
    "dropped": "bounced",
    "complained": "complained",
}


def fate_of(state: str, fate: str | None, kind: str) -> tuple[str, str | None]:
    """Return a delivery's (state, fate) after an event of `kind`.

    The same events give the same result in any order and however often each comes.
    """
    state = "accepted" if state in UNSETTLED else state
    new_fate = _FATE_OF.get(kind)
    if state != "accepted" or new_fate is None:
        return state, fate
    return state, max(new_fate, fate or new_fate, key=FATES.index)


def may_move(kind: str, take_back: str | None) -> bool:
    """Return whether an event of `kind` may move a delivery.

    `take_back` says how far the taking back of its request has come (see `digest.ledger.states`).
    """
    if take_back in OPEN_TAKE_BACKS:
        return False
    # Because the provider says "processed" also of a letter that it discards later.
    return take_back is None or kind != "processed"


# --- an event and an address -------------------------------------------------------------------------------

# The actions on an address, weakest first: nothing (""), show it to a person (unsure), count a strike, tell a
# person about its domain ("alert"), suppress it now as "bounced" or "complained", let its subscriber leave ("left").
ACTIONS = ("", "unsure", "strike", "alert", "bounced", "complained", "left")

STRIKES = 3
STRIKES_OVER = timedelta(days=7)  # because three in one week-end are one full mailbox
STRIKES_WITHIN = timedelta(days=100)  # so that three monthly letters fit in

# The action of a bounce on its address, by the class of the server's words. An unsure answer suppresses nobody,
# however often it comes: a person is told (`event_history.unsure_readers`). Nobody is struck for us or for a text.
_BY_CLASS: Final[dict[Class, str]] = {
    "address": "bounced",
    "mailbox": "strike",
    "passing": "strike",
    "unsure": "unsure",
    "letter": "alert",
    "sender": "alert",
}
_DROPPED = (
    (re.compile(r"spam.?report", re.I), "complained"),
    (re.compile(r"unsubscribed", re.I), "left"),
    # A strike, because the provider's own list is sure of the address, but may have counted a spam block as a bounce.
    (re.compile(r"bounced|invalid", re.I), "strike"),
)


def action(kind: str, status: str | None, reason: str = "") -> str:
    """Return the action of an event on its address, one of ACTIONS. The words outrank the provider's kind.

    The policy: an address that does not exist is suppressed at once; a full or unwilling mailbox gets three
    strikes over a week; a server that refuses the sender or the text says nothing about the reader's address; words
    that are not understood are for a person to read.
    """
    if kind == "complained":
        return "complained"
    if kind == "unsubscribed":
        return "left"
    if kind not in ("bounced", "blocked", "dropped"):
        return ""
    if kind == "dropped":
        for words, result in _DROPPED:
            if words.search(reason):
                return result
    result = _BY_CLASS[classify(reason, status=status)]
    # Only a strike, because a provider drops by its own list, and a spam block may have been counted as a bounce.
    return "strike" if (kind, result) == ("dropped", "bounced") else result


def struck_out(strikes: Iterable[tuple[datetime, int | str]]) -> bool:
    """Return whether an address has too many strikes: three letters, over a week or more, within 100 days.

    `strikes` are pairs (instant, delivery). One more strike never turns true into false, so their order does not
    matter.
    """
    first: dict[int | str, datetime] = {}
    for at, delivery in strikes:
        first[delivery] = min(at, first.get(delivery, at))
    times = sorted(first.values())
    # Each pair of strikes with at least one more between them, a week or more apart and within 100 days.
    return any(
        times[j] - times[i] >= STRIKES_OVER
        for j in range(STRIKES - 1, len(times))
        for i in range(j - STRIKES + 2)
        if times[j] - times[i] <= STRIKES_WITHIN
    )


# --- an alarm for a person -------------------------------------------------------------------------------

ALARM_SHARE = 0.01
ALARM_LEAST = 3  # because one dead address among fifty readers is no alarm
_DAY = timedelta(days=1)


def worst_day(times: Sequence[datetime]) -> int:
    """Return how many of `times` fall within the busiest 24 hours."""
    ordered = sorted(times)
    most = start = 0
    for end, at in enumerate(ordered):
        while at - ordered[start] >= _DAY:
            start += 1
        most = max(most, end - start + 1)
    return most


def too_many(accepted: int, suppressed: Sequence[datetime]) -> bool:
    """Return whether more than 1 % of an edition's accepted deliveries were suppressed within a day.

    A fault of a provider, a domain or our own list is likely then, because so many addresses do not end at once.
    """
    worst = worst_day(suppressed)
    return worst >= ALARM_LEAST and worst > accepted * ALARM_SHARE
