"""Decide whether a subscriber may be mailed, and which changes of state consent allows. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from subscribers.model import Reader, Subscriber

# (state, event) -> state after the event. A pair that is not in the table is not allowed. None: no subscriber yet.
# An import neither confirms a subscriber nor brings one back, because it is the operator's word, not the person's.
TRANSITIONS: dict[tuple[str | None, str], str] = {
    (None, "imported"): "active",
    (None, "added"): "active",
    ("pending", "imported"): "pending",
    ("active", "imported"): "active",
    ("pending", "confirmed"): "active",
    ("active", "confirmed"): "active",
    # Only by the person's own word; `store.confirm` and `store.add` refuse it until the suppression has been lifted.
    ("left", "confirmed"): "active",
    ("left", "added"): "active",
    ("pending", "left"): "left",
    ("active", "left"): "left",
    ("left", "left"): "left",
    ("active", "paused"): "active",
    ("active", "resumed"): "active",
    ("pending", "changed"): "pending",
    ("active", "changed"): "active",
    ("pending", "unsuppressed"): "pending",
    ("active", "unsuppressed"): "active",
    ("left", "unsuppressed"): "left",
    ("pending", "erased"): "erased",
    ("active", "erased"): "erased",
    ("left", "erased"): "erased",
}


def next_state(state: str | None, what: str) -> str | None:
    """Return the state of a subscriber after the event `what`, or None when the event is not allowed in `state`.

    `what` is a word of `tables.EVENTS`; `state` None: there is no subscriber yet. The state "erased" means that no
    row is left.
    """
    return TRANSITIONS.get((state, what))


def may_mail(
    subscriber: Reader | Subscriber, suppressed: bool, now: datetime, allow_list: Collection[str] = ()
) -> str | None:
    """Return the reason why this subscriber must not get a letter now, or None when they may get one.

    The reason is the first of these that is true: "suppressed", "left" or "pending", "paused", "not on the
    allow-list". From the instant `paused_until` on, letters go out again. `allow_list` is that of `on_allow_list`.
    `mailable.unmailable` gives the answer for stored subscribers.
    """
    if suppressed:
        return "suppressed"
    if subscriber.state != "active":
        return subscriber.state
    if subscriber.paused_until is not None and now < subscriber.paused_until:
        return "paused"
    if allow_list and not on_allow_list(subscriber.email, allow_list):
        return "not on the allow-list"
    return None


def own_word_lifts(suppressed: str | None) -> bool:
    """Return whether a person's confirmed wish ends the suppression of their address, which has a reason or is None.

    It undoes what the person did themselves: that they left, or had themselves erased. A hard bounce, a complaint and
    an editor's decision stand until an editor lifts them, because whoever has the mailbox now may not know of them.
    """
    return suppressed in (None, "left", "erased")


def on_allow_list(email: str, allow_list: Collection[str]) -> bool:
    """Return whether an address is on the list of addresses and "@domain"s, all in lower case.

    An empty list allows every address.
    """
    key = email.casefold()
    return not allow_list or key in allow_list or f"@{key.rpartition('@')[2]}" in allow_list
