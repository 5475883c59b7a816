"""Gather: read every source that is due, decide which entries are new, classify and store them.

Each source is stored in a transaction of its own (`store_source`), and a bad source stops no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.errors import DigestError, SourceError, TryLater, without_secrets
from digest.installation import Installation
from digest.model import Snapshot, Source
from digest.schedule import CLOCKS_DIFFER
from digest.store import releases, sources, standings
from digest.store.engine import is_of_database, reading, writing
from digest.store.sources import Gathering, State
from digest.system import stopping
from digest.system.failpoint import failpoint

if TYPE_CHECKING:
    from digest.editions.withdraw import Withdrawal
    from digest.sources.read import Reading
    from digest.sources.web.fetch import Fetcher

_log = logging.getLogger(__name__)
Progress = Callable[[Gathering], None]

_MOVES = 3
_MOVED_FOR = timedelta(hours=24)


def gather(
    installation: Installation,
    *,
    only: str | None = None,
    force: bool = False,
    progress: Progress = lambda _: None,
) -> list[Gathering]:
    """Read the sources that are due and store their entries; return one row for each source, in config's order.

    Reading is parallel, storing is not. Sources that failed last time are read and stored after the others, because
    one that hangs must keep no other waiting. `only` names the single source to gather; `force` reads also a source
    that was read a moment ago. A source that is gone is never read, and its row says so; nor, even under `force`, is
    a source that asked us to wait. `progress` is called with each row when it is ready. Raises TryLater when asked
    to stop.
    """
    settings, now = installation.settings, installation.clock()
    zone = ZoneInfo(settings.site.zone)
    with reading(installation.engine) as conn:
        states = sources.states_of(conn, settings.sources)
    chosen = [source for source in settings.sources if only is None or source.name == only]
    every = timedelta(0) if force else settings.gather_every
    fetcher = cache(installation.fetcher)  # made for the first source that is due, because it is slow to import
    rows: dict[str, Gathering] = {}
    with ThreadPoolExecutor(max_workers=settings.gather_workers, thread_name_prefix="gather") as pool:
        for failed in (False, True):
            turn = [source for source in chosen if (states[source.name].failures > 0) is failed]
            jobs = {
                source.name: pool.submit(_read, source, states[source.name], fetcher(), now, zone)
                for source in turn
                if is_due(source, states[source.name], now, every)
            }
            for source in turn:
                if stopping.asked():
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise TryLater("stopped as asked, while gathering; run again to go on")
                if source.name in jobs:
                    row = store_source(installation, source, jobs[source.name].result(), now)
                elif why := _why_not_read(states[source.name], now, force):
                    row = _store_not_read(installation, source, why, now)
                else:
                    continue
                rows[source.name] = row
                progress(row)
    _release_by_date(installation, now)
    return [rows[source.name] for source in chosen if source.name in rows]


def _release_by_date(installation: Installation, now: datetime) -> None:
    """Release the entries whose embargo has ended, and withhold those that have expired, if there are any."""
    with reading(installation.engine) as conn:
        floor = releases.floor(conn, now, installation.settings.welcome)
        if not standings.due(conn, now, floor):
            return
    from digest.editions.withdraw import at_their_time  # here, because in most runs no entry reaches its date

    at_their_time(installation, now)


def is_due(source: Source, state: State, now: datetime, every: timedelta) -> bool:
    """Return whether a source is to be read now: not gone, not asked to wait, not read a moment ago."""
    if state.gone or _waits(state, now):
        return False
    if source.url is None or state.checked_at is None:
        return True
    # Look to both sides, because a clock that was set back must not silence a source until it catches up.
    return not state.checked_at - every < now < state.checked_at + every


def _waits(state: State, now: datetime) -> bool:
    """Return whether a source has asked us to wait beyond `now`."""
    if state.not_before is None or now >= state.not_before:
        return False
    # A wait that a clock ahead of the present has written would last until that clock's day.
    return state.checked_at is None or state.checked_at <= now + CLOCKS_DIFFER


def store_source(
    installation: Installation, source: Source, result: Reading | SourceError, now: datetime
) -> Gathering:
    """Store what reading a source brought, in one transaction: its new entries, or why it could not be read."""
    failpoint("gather: read")
    try:
        return _store(installation, source, result, now)
    except DigestError:
        raise  # because it is the database's or the operator's, and concerns every source
    except Exception as error:
        if is_of_database(error):
            raise
        return _store(installation, source, _unforeseen("storing its entries", error), now)


def _store(installation: Installation, source: Source, result: Reading | SourceError, now: datetime) -> Gathering:
    with writing(installation.engine, "gather") as conn:
        if isinstance(result, SourceError):
            row = _store_failure(conn, source, result, now)
        else:
            row = _store_reading(conn, installation, source, result, now)
        sources.add_gathering(conn, row, now)
    return row


def _unforeseen(step: str, error: Exception) -> SourceError:
    """Return the failure of one source for an error that nobody foresaw, so that it costs no other source."""
    # The words of such an error may hold anything, so that only its class is told; the log has the rest.
    _log.debug("%s failed", step, exc_info=error)
    return SourceError(f"{step} failed by a fault of this program ({type(error).__name__}): please report it")


def _store_not_read(installation: Installation, source: Source, why: str, now: datetime) -> Gathering:
    """Store that a source was not read, so that the day's first such gather is known as the one that tells it."""
    row = Gathering(source.name, "failed", error=why)
    with writing(installation.engine, "gather") as conn:
        sources.add_gathering(conn, row, now)
    return row


def _why_not_read(state: State, now: datetime, force: bool) -> str | None:
    """Return why a source is not read and the cure, where a person must know of it; else None."""
    if state.gone:
        return "gone (410): correct or remove it in config.toml"
    if force and state.not_before and _waits(state, now):
        return f"asked us to wait until {state.not_before:%Y-%m-%d %H:%M} UTC; it is not read before"
    return None


def _read(source: Source, state: State, fetcher: Fetcher, now: datetime, zone: ZoneInfo) -> Reading | SourceError:
    """Read a source in a thread of the pool; any error is returned as a SourceError."""
    # Here and in `_store_reading`, because a run that reads nothing must not load parsers.
    from digest.sources.read import Validators, read_source
    from digest.sources.web.guard import endpoint

    if source.url and state.moved_to and _has_moved(state, now):
        # The permission is for the service that config.toml names, not for where it sends us.
        private = source.allow_private and endpoint(source.url) == endpoint(state.moved_to)
        source = replace(source, url=state.moved_to, allow_private=private)
    validators = Validators(state.etag, state.last_modified, state.body_hash)
    try:
        return read_source(source, validators, fetcher, now=now, zone=zone)
    except SourceError as error:
        return error
    except Exception as error:
        return _unforeseen("reading it", error)


def _has_moved(state: State, now: datetime) -> bool:
    """Return whether a permanent redirect has been the same for long enough to believe it."""
    return state.moved_count >= _MOVES and state.moved_since is not None and now - state.moved_since >= _MOVED_FOR


def _store_failure(conn: Connection, source: Source, error: SourceError, now: datetime) -> Gathering:
    """Store that a source could not be read, and until when it asked us to wait."""
    wait = now + timedelta(seconds=error.retry_after) if error.retry_after else None
    failures = sources.state_of(conn, source).failures + 1
    sources.keep_state(
        conn, source, checked_at=now, failures=failures, error=str(error), gone=error.gone, not_before=wait,
        # Forget a new address, because one that fails is given up: the configured one is asked again.
        moved_to=None, moved_count=0, moved_since=None,
    )  # fmt: skip
    return Gathering(source.name, "failed", error=str(error))


def _store_reading(
    conn: Connection, installation: Installation, source: Source, result: Reading, now: datetime
) -> Gathering:
    """Store the entries of a reading, and the facts about its source that the next reading needs."""
    from digest.editions.intake import take_in
    from digest.editions.withdraw import after_reading
    from digest.sources.formats.tidy import TOO_MANY

    state = sources.state_of(conn, source)
    facts = {
        "etag": result.validators.etag, "last_modified": result.validators.last_modified,
        "body_hash": result.validators.body_hash, "checked_at": now, "ok_at": now, "failures": 0, "error": None,
        "gone": False, "not_before": None, "first_ok_at": state.first_ok_at or now, "hold_next": False,
        **_move(state, result.moved_to, now),
    }  # fmt: skip
    snapshot = result.snapshot
    if snapshot is None:
        sources.keep_state(conn, source, **facts)
        return _unchanged(source, after_reading(conn, installation, source, None, now))
    if _is_emptied(conn, source, snapshot):
        emptied = SourceError(f"{source.path} is empty, though it held texts; put them back, or remove the source")
        return _store_failure(conn, source, emptied, now)
    row = take_in(conn, installation, source, snapshot, now)
    if snapshot.whole and not snapshot.sightings and snapshot.problems:
        # Taken in all the same, because a text that can no longer be read is withheld; and told as a failure.
        row = replace(row, status="failed", error=f"no text in its folder can be read: {row.error}")
        facts |= {"failures": state.failures + 1, "ok_at": state.ok_at}
    cut = next((problem for problem in snapshot.problems if problem.startswith(TOO_MANY)), None)
    sources.keep_state(conn, source, **{**facts, "error": row.error, "cut": cut})
    return row


def _unchanged(source: Source, withdrawal: Withdrawal) -> Gathering:
    """Return the row of a source that shows what it showed last time; an entry may be missing for long by now."""
    error = "; ".join(withdrawal.notes) or None
    return Gathering(source.name, "held" if withdrawal.held else "not-modified", held=withdrawal.held, error=error)


def _is_emptied(conn: Connection, source: Source, snapshot: Snapshot) -> bool:
    """Return whether a folder that held texts holds nothing now, as one that is not mounted."""
    nothing = snapshot.whole and not snapshot.sightings and not snapshot.problems
    return nothing and standings.are_stored(conn, source.name)


def _move(state: State, moved_to: str | None, now: datetime) -> dict[str, object]:
    """Return the facts about a permanent redirect: equal answers are counted, another starts the count again."""
    # An address that holds a key is not stored: its source is asked where config.toml says, and redirects each time.
    if moved_to is None or without_secrets(moved_to) != moved_to:
        # Keep the count of a source that has moved, because asked at its new address it redirects no more.
        return {} if _has_moved(state, now) else {"moved_to": None, "moved_count": 0, "moved_since": None}
    if moved_to != state.moved_to:
        return {"moved_to": moved_to, "moved_count": 1, "moved_since": now}
    return {"moved_count": state.moved_count + 1}
