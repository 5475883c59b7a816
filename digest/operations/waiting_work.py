"""Look for the work that waits now, to announce it to the workers of a cluster. Changes nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from digest.delivery.share import shareable
from digest.editions.due import has_slot_due
from digest.gather import is_due
from digest.installation import Installation, Work, batches_of
from digest.ledger.ahead import after_doubt
from digest.model import Source
from digest.store import deliveries, notices, requests, runs, sources
from digest.store.engine import reading
from digest.store.lock import dead_runs
from digest.store.sources import State

_LONGEST = timedelta(minutes=15)  # between two turns, for all that has an hour of its own: drafts ahead, silence, age
_AGAIN = timedelta(minutes=2)  # between two turns for the same, such as an edition that waits for its approval


def waiting_work(installation: Installation) -> list[Work]:
    """Return the work that waits now, what is most urgent first."""
    settings, now = installation.settings, installation.clock()
    with reading(installation.engine) as conn:
        claiming = deliveries.claiming_runs(conn)
        owed = [
            Work("send", str(number), batches_of(deliveries.count_ripe(conn, number, now)))
            for number in shareable(conn, now)
        ]
        turn = _is_turn_due(conn, installation, now)
        states = sources.states_of(conn, settings.sources)
    due = [
        Work("gather", source.name)
        for source in settings.sources
        if _is_reading_due(source, states[source.name], now, settings.gather_every)
    ]
    # The turn recovers, too, but it may take long.
    dead = [Work("recover")] if claiming and dead_runs(installation.engine, claiming) else []
    events = [Work("events")] if settings.events.mailbox else []
    return [*dead, *([Work("turn")] if turn else []), *owed, *events, *due]


def _is_turn_due(conn: Connection, installation: Installation, now: datetime) -> bool:
    """Return whether a turn has something to do: at once what the last cannot have seen, the rest again later."""
    settings, last = installation.settings, runs.newest_whole(conn)
    if last is None or not last <= now < last + _LONGEST or notices.are_owed_since(conn, last):
        return True
    again = now >= last + _AGAIN
    due = [cadence for cadence in settings.cadences if has_slot_due(conn, cadence, now, settings.site.zone)]
    if any(again or not has_slot_due(conn, cadence, last, settings.site.zone) for cadence in due):
        return True
    # Soon, because a request can be taken back for some minutes only.
    doubts = again and any(after_doubt(now, request.send_at, None) == "cancel" for request in requests.in_doubt(conn))
    return doubts or (again and notices.are_open(conn))


def _is_reading_due(source: Source, state: State, now: datetime, every: timedelta) -> bool:
    """Return whether a source is to be read now; a folder of this host not at each look, as a run would read it."""
    lately = source.url is None and state.checked_at is not None and now - _LONGEST < state.checked_at <= now
    return not lately and is_due(source, state, now, every)
