"""Decide about slot mode: when letters may be handed over early, and what to do when an answer is lost. Pure.

In slot mode the provider gets the letters early, each request with a send_at and a batch id of its own. The provider
discards a cancelled batch id when its hour comes, however often and however late the request arrived. A cancel counts
when the provider confirms it 10 minutes before the hour; one more minute is kept for clocks that differ.

A cancel covers the whole batch id, and the provider may take a cancel though its answer is lost. So a batch id is for
one request only: with two, a cancel for the request in doubt could silently take back the other, long accepted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

LEAD = timedelta(minutes=25)  # less time than this before the hour is not enough to take a request back
FARTHEST = timedelta(hours=72)
CANCEL_BY = timedelta(minutes=11)

Doubt = Literal["cancel", "resend", "hold"]


def in_slot(now: datetime, send_at: datetime) -> bool:
    """Return whether letters handed over now may wait for `send_at` at the provider and still be taken back."""
    return LEAD <= send_at - now <= FARTHEST


def after_doubt(now: datetime, send_at: datetime | None, confirmed_at: datetime | None) -> Doubt:
    """Return what to do about a request whose answer was lost.

    "cancel": ask the provider to cancel it, write the confirmation down, ask here again; "resend": its uncertain
    deliveries are owed again, in a new request; "hold": they stay uncertain until an event or a person settles
    them. `send_at` is None for a request handed over without an hour; `confirmed_at` is when this program received
    the provider's confirmation of the cancel, or None. Until then, events of the request settle nothing of it.
    """
    if send_at is None:
        return "hold"
    last = send_at - CANCEL_BY
    if confirmed_at is not None:
        return "resend" if confirmed_at <= last else "hold"
    return "cancel" if now <= last else "hold"
