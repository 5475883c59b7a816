"""Recover from a run that died: settle the deliveries it had claimed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection

from digest.delivery.run import Run
from digest.installation import Installation
from digest.store import deliveries, editions, runs
from digest.store.deliveries import Delivery
from digest.store.engine import reading, writing
from digest.store.lock import dead_runs
from digest.system.failpoint import failpoint
from digest.transports.base import Asked

RECOVERED = "the run that claimed it ended before its outcome was known"


def recover(run: Run) -> Counter[tuple[int, str]]:
    """Settle the deliveries that dead runs had claimed; return how many, by edition and new state. Hold the turn.

    The transport is asked about each: accepted, or absent and so pending again. In slot mode a delivery whose request
    was never stored is pending again, because nothing of it left. A delivery it knows nothing of is
    uncertain; so is each that was handed over elsewhere (`TransportSettings.where`), because this transport cannot
    know of it.
    """
    engine, where = run.installation.engine, run.installation.settings.transport.where
    with reading(engine) as conn:
        claims = deliveries.in_state(conn, "claimed")
    dead = dead_runs(engine, {claim.run for claim in claims if claim.run is not None})
    orphans = [claim for claim in claims if claim.run is None or claim.run in dead]
    with reading(engine) as conn:
        askable = letters_of(conn, run.installation, runs.handed_over_by(conn, where, orphans))
    if not orphans:
        return Counter()
    answers = run.transport.ask(askable)
    settled = []
    for orphan in orphans:
        answer = "absent" if orphan.unbegun else answers.get(orphan.id, "")
        state = {"accepted": "accepted", "absent": "pending"}.get(answer, "uncertain")
        reason = RECOVERED if state == "uncertain" else ""
        settled.append((orphan.id, state, reason))
        failpoint("recover: one asked about")
    by_run: dict[int | None, list[tuple[int, str, str]]] = {}
    for orphan, outcome in zip(orphans, settled, strict=True):
        by_run.setdefault(orphan.run, []).append(outcome)
    with writing(engine, "recover") as conn:
        for dead_run, outcomes in by_run.items():
            # Of the dead run's claims alone, because it may have ended in order since, and another have claimed.
            deliveries.settle(conn, outcomes, run.installation.clock(), dead_run)
    return Counter((orphan.edition, state) for orphan, (_, state, _) in zip(orphans, settled, strict=True))


def letters_of(conn: Connection, installation: Installation, rows: Iterable[Delivery]) -> list[Asked]:
    """Return the letters of these deliveries as a transport is asked about them."""
    rows = list(rows)
    if not rows:
        return []
    # Here, because composing letters is slow to import, and most runs ask about none.
    from digest.delivery.parcel import folder_of, message_id
    from digest.store.keys import tag_keys

    folders = {number: folder_of(editions.get(conn, number)) for number in {row.edition for row in rows}}
    keys = tag_keys(conn, [row.id for row in rows])  # none of a reader who was erased
    site, secret = installation.settings.site, installation.secret
    return [
        Asked(row.id, folders[row.edition], message_id(site, keys[row.id], secret) if row.id in keys else "")
        for row in rows
    ]
