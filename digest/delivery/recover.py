"""Recover from a run that died: settle the deliveries it had claimed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from digest.delivery.parcel import folder_of
from digest.store import deliveries, editions, runs
from digest.store.engine import reading, writing
from digest.system.failpoint import failpoint
from digest.transports.base import Transport

Clock = Callable[[], datetime]


def recover(engine: Engine, transport: Transport, where: str, clock: Clock) -> Counter[tuple[int, str]]:
    """Settle what a run that died had claimed: by what the transport knows, else uncertain. Hold the run lock.

    `where` is `TransportSettings.where`: of what was handed over elsewhere the transport cannot know, so that stays
    uncertain. Returns how many of each edition became accepted, pending and uncertain.
    """
    with reading(engine) as conn:
        orphans = deliveries.in_state(conn, "claimed")
        folders = {d.edition: folder_of(editions.get(conn, d.edition)) for d in orphans}
        asked = runs.handed_over_by(conn, where, orphans)
    if not orphans:
        return Counter()
    known = transport.ask([(d.id, folders[d.edition]) for d in asked])
    settled = []
    for one in orphans:
        heard = "absent" if one.unbegun else known.get(one.id, "")
        state = {"accepted": "accepted", "absent": "pending"}.get(heard, "uncertain")
        reason = "the run that claimed it ended before its outcome was known" if state == "uncertain" else ""
        settled.append((one.id, state, reason))
        failpoint("recover: one asked about")
    with writing(engine, "recover") as conn:
        deliveries.settle(conn, settled, clock())
    return Counter((one.edition, state) for one, (_, state, _) in zip(orphans, settled, strict=True))
