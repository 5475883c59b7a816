"""Look for the work that waits now, to announce it to the workers of a cluster. Changes nothing."""

from __future__ import annotations

from datetime import timedelta

from digest.delivery.recover import RECOVERED
from digest.editions.due import has_slot_due
from digest.gather import is_due
from digest.installation import Installation, Work, batches_of
from digest.store import deliveries, notices, runs, sources
from digest.store.engine import reading
from digest.store.lock import dead_runs

_LONGEST = timedelta(minutes=15)  # between two turns, for all that has an hour of its own: drafts ahead, silence, age
_PATIENCE = timedelta(minutes=5)  # after a lost answer, to leave the provider alone for a while


def waiting_work(installation: Installation) -> list[Work]:
    """Return the work that waits now, what is most urgent first."""
    settings, now = installation.settings, installation.clock()
    with reading(installation.engine) as conn:
        claiming = deliveries.claiming_runs(conn)
        owed = [
            Work("send", str(number), batches_of(deliveries.count_ripe(conn, number, now)))
            for number in deliveries.owed(conn, now)
            if not deliveries.lost_since(conn, number, now - _PATIENCE, but=RECOVERED)
        ]
        last = runs.newest_whole(conn)
        turn = (
            last is None
            or not last <= now < last + _LONGEST
            or notices.are_open(conn)
            or any(has_slot_due(conn, cadence, now, settings.site.zone) for cadence in settings.cadences)
        )
        states = sources.states_of(conn, settings.sources)
    due = [
        Work("gather", source.name)
        for source in settings.sources
        if is_due(source, states[source.name], now, settings.gather_every)
    ]
    # The turn recovers, too, but it may take long.
    dead = [Work("recover")] if claiming and dead_runs(installation.engine, claiming) else []
    events = [Work("events")] if settings.events.mailbox else []
    return [*dead, *([Work("turn")] if turn else []), *owed, *events, *due]
