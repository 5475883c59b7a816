"""Who may be mailed, and what may happen to whom. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from subscribers.model import Subscriber

# (state now, what happens) -> state after. What is not in the table is not allowed. None: not known yet.
# An import speaks for the operator, not for the person: it neither confirms nor brings back.
TRANSITIONS: dict[tuple[str | None, str], str] = {
    (None, "imported"): "active",
    (None, "added"): "active",
    ("pending", "imported"): "pending",
    ("active", "imported"): "active",
    ("pending", "confirmed"): "active",
    ("active", "confirmed"): "active",
    # The person's own word, and only once the suppression has been lifted on purpose.
    ("left", "confirmed"): "active",
    ("pending", "left"): "left",
    ("active", "left"): "left",
    ("left", "left"): "left",
    ("active", "paused"): "active",
    ("active", "resumed"): "active",
    ("pending", "changed"): "pending",
    ("active", "changed"): "active",
    ("pending", "erased"): "erased",
    ("active", "erased"): "erased",
    ("left", "erased"): "erased",
}


def next_state(state: str | None, what: str) -> str | None:
    """Return the state after `what` happens to someone in `state`, or None when it is not allowed.

    `what` is a word of `tables.EVENTS`; the result "erased" means that no row is left.
    """
    return TRANSITIONS.get((state, what))


def may_mail(subscriber: Subscriber, suppressed: bool, now: datetime, allow_list: Collection[str] = ()) -> str | None:
    """Return why this subscriber must not get a letter now, or None when they may.

    The reason is "suppressed", "left", "pending", "paused" or "not on the allow-list", the first that holds in
    this order. A pause ends at its instant: from `paused_until` on, letters go out again. `allow_list`: as for
    `on_allow_list`. `mailable.unmailable` asks this of subscribers as they are stored.
    """
    if suppressed:
        return "suppressed"
    if subscriber.state != "active":
        return subscriber.state
    if subscriber.paused_until is not None and now < subscriber.paused_until:
        return "paused"
    if not on_allow_list(subscriber.email, allow_list):
        return "not on the allow-list"
    return None


def on_allow_list(email: str, allow_list: Collection[str]) -> bool:
    """Return whether a list of addresses and "@domain" in lower case has an address; an empty list has every one."""
    key = email.casefold()
    return not allow_list or key in allow_list or f"@{key.rpartition('@')[2]}" in allow_list
