"""Keep the audit log: record each act of a person, and refuse an act on something that has changed meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from digest.errors import PersonNeeded
from digest.installation import Installation
from digest.store import acts
from digest.store.acts import Act
from digest.store.editions import VOIDED

# Verbs of acts that make no form stale: a test letter leaves an edition as it was, and an approval is bound to its
# content by itself.
CHANGES_NOTHING = frozenset({"test letter", VOIDED})


@dataclass(frozen=True, slots=True)
class Hand:
    """The person who acts, by name, and the newest act on the same object that they have `seen` (None: any).

    A command has seen what it prints, so that it passes None; a page passes the number that stands in its form.
    `undoes` is the act that the person takes back, if any.
    """

    by: str
    seen: int | None = None
    undoes: int | None = None


class StaleForm(PersonNeeded):
    """Somebody has changed the same object since the form was opened; `since` are their acts, the newest first."""

    def __init__(self, object_name: str, since: list[Act]) -> None:
        names = " and ".join(dict.fromkeys(act.by for act in since))
        super().__init__(f"{object_name} was changed meanwhile by {names}; nothing was saved: look at it again")
        self.object_name, self.since = object_name, since


def check_fresh(conn: Connection, object_name: str, hand: Hand) -> None:
    """Raise StaleForm when an object has changed since the person opened its form.

    Call it in the transaction that changes the object, after `editions.serialise`.
    """
    if hand.seen is None:
        return
    since = acts.listing(conn, after=hand.seen, object_name=object_name)
    if changes := [act for act in since if act.verb not in CHANGES_NOTHING]:
        raise StaleForm(object_name, changes)


def record(
    conn: Connection, installation: Installation, hand: Hand, verb: str, object_name: str,
    values: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> int:  # fmt: skip
    """Record an act in the transaction that does it; return its number.

    `values` are the object's before and after; of these, only what differs is kept. No reader may be named in them.
    """
    before, after = values
    differ = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    kept = [{key: side[key] for key in differ if key in side} for side in (before, after)]
    return acts.add(conn, Act(0, installation.clock(), hand.by, verb, object_name, kept[0], kept[1], hand.undoes))
