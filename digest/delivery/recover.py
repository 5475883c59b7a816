"""Recover from a run that died: settle the deliveries it had claimed."""

from __future__ import annotations

from collections import Counter

from digest.delivery.parcel import folder_of
from digest.delivery.run import Run
from digest.store import deliveries, editions, runs
from digest.store.engine import reading, writing
from digest.system.failpoint import failpoint


def recover(run: Run) -> Counter[tuple[int, str]]:
    """Settle the deliveries that a dead run had claimed; return how many, by edition and new state.

    The transport is asked about each: accepted, or absent and so pending again. In slot mode a delivery whose request
    was never stored is pending again, because nothing of it left. A delivery it knows nothing of is
    uncertain; so is each that was handed over elsewhere (`TransportSettings.where`), because this transport cannot
    know of it.
    """
    engine, where = run.installation.engine, run.installation.settings.transport.where
    with reading(engine) as conn:
        orphans = deliveries.in_state(conn, "claimed")
        folders = {orphan.edition: folder_of(editions.get(conn, orphan.edition)) for orphan in orphans}
        askable = runs.handed_over_by(conn, where, orphans)
    if not orphans:
        return Counter()
    answers = run.transport.ask([(orphan.id, folders[orphan.edition]) for orphan in askable])
    settled = []
    for orphan in orphans:
        answer = "absent" if orphan.unbegun else answers.get(orphan.id, "")
        state = {"accepted": "accepted", "absent": "pending"}.get(answer, "uncertain")
        reason = "the run that claimed it ended before its outcome was known" if state == "uncertain" else ""
        settled.append((orphan.id, state, reason))
        failpoint("recover: one asked about")
    with writing(engine, "recover") as conn:
        deliveries.settle(conn, settled, run.installation.clock())
    return Counter((orphan.edition, state) for orphan, (_, state, _) in zip(orphans, settled, strict=True))
