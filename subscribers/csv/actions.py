"""Decide what one CSV row does to the subscriber stored under its address. Pure: no SQL here.

An address that is suppressed or has left stays so, whatever the row asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from subscribers.consent import next_state
from subscribers.csv.cells import RowChanges
from subscribers.model import Interests, Subscriber

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RowDecision:
    """The import's decision about one row.

    `outcome` names a count of ImportReport. `after` is the subscriber to store; None: store nothing. `event` is a
    word of `tables.EVENTS` for the consent history; `remark` is a line for the report.
    """

    outcome: str
    after: Subscriber | None = None
    event: str | None = None
    remark: str = ""


def row_action(
    changes: RowChanges, stored: Subscriber | None, reason: str | None, new: Subscriber, now: datetime
) -> RowDecision:
    """Return what the import does with a row.

    `stored` is the subscriber with its address (None: nobody has it), `reason` why the address is suppressed (None:
    it is not), and `new` holds the defaults for a new subscriber.
    """
    if stored is None:
        return _new_row(changes, reason, new, now)
    if stored.state == "left" or reason is not None:
        if changes.stops is None:
            return RowDecision("suppressed", remark=f"must not be mailed ({reason or stored.state}); nothing changed")
        if changes.lifted and reason is None:
            return RowDecision("unchanged")
        after = stored
    else:
        after = filled(changes, stored)
    event = "changed"
    if changes.state == "left" and stored.state != "left":
        after = replace(after, state="left", paused_until=None)
        event = "left"
    remark = ""
    if stored.state == "pending" and changes.state == "active":
        remark = "has not confirmed yet; stays pending"
    elif stored.state == "active" and changes.state == "pending":
        remark = "is active here already; stays active"
    if after == stored:
        stops_now = changes.stops is not None and reason is None
        return RowDecision("changed" if stops_now else "unchanged", remark=remark)
    return RowDecision("changed", after, event, remark)


def _new_row(changes: RowChanges, reason: str | None, new: Subscriber, now: datetime) -> RowDecision:
    """Return what the import does with a row whose address no subscriber has."""
    if reason is not None:
        return RowDecision("suppressed", remark=f"must not be mailed ({reason}); not added")
    state = changes.state or next_state(None, "imported")
    after = filled(changes, replace(new, email=changes.address.email, state=state or "active"))
    joined = changes.joined_at or (now if after.state == "active" else None)
    return RowDecision("added", replace(after, joined_at=joined), "imported")


def filled(changes: RowChanges, base: Subscriber) -> Subscriber:
    """Return `base` with every cell of the row filled in, except address and state; blank cells change nothing."""
    interests = Interests(
        _or(changes.policy_areas, base.interests.policy_areas),
        _or(changes.regions, base.interests.regions),
        _or(changes.themes, base.interests.themes),
        _or(changes.elsewhere, base.interests.elsewhere),
        _or(changes.carry_over, base.interests.carry_over),
    )
    return replace(
        base,
        name=_or(changes.name, base.name),
        cadence=_or(changes.cadence, base.cadence),
        interests=interests,
        language=_or(changes.language, base.language),
        paused_until=_or(changes.paused_until, base.paused_until),
        silence_notices=_or(changes.silence_notices, base.silence_notices),
        zone=_or(changes.zone, base.zone),
    )


def _or(cell: T | None, stored: T) -> T:
    """Return the value of a cell, or the stored value where the cell is blank."""
    return stored if cell is None else cell
