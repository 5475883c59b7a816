"""Slot mode: handing over early with send_at and a batch id, so that a hand-over in doubt can be taken back. Pure.

The provider discards what was cancelled by its batch id when its hour comes, however often and however late the
request arrived. A cancel counts when it is confirmed 10 minutes before; a minute more is kept for clocks that differ.

What is cancelled is the whole batch, and an order to cancel may be taken though its answer is lost. So a batch is one
request: were it more, a cancel for the one in doubt could silently take back another that was long accepted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

LEAD = timedelta(minutes=25)  # no sooner than this before the hour is a slot worth its trouble
FARTHEST = timedelta(hours=72)
CANCEL_BY = timedelta(minutes=11)

Doubt = Literal["cancel", "resend", "hold"]


def in_slot(now: datetime, send_at: datetime) -> bool:
    """True when letters handed over now may wait for `send_at` at the provider and still be taken back."""
    return LEAD <= send_at - now <= FARTHEST


def after_doubt(now: datetime, send_at: datetime | None, confirmed_at: datetime | None) -> Doubt:
    """Return what to do about a batch with a hand-over in doubt.

    "cancel": ask the provider to cancel it, write the confirmation down, ask here again; "resend": what
    is uncertain of it is owed again, in a new batch; "hold": it stays uncertain until an event or a person
    settles it. `send_at` is None for a batch handed over without one; `confirmed_at` is when the provider's
    confirmation of the cancel was in our hands, or None. Until then, events of the batch settle nothing of it.
    """
    if send_at is None:
        return "hold"
    last = send_at - CANCEL_BY
    if confirmed_at is not None:
        return "resend" if confirmed_at <= last else "hold"
    return "cancel" if now <= last else "hold"
