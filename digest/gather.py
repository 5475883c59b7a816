"""Gather: read every source that is due, decide which entries are new, classify and store them.

Each source is stored in a transaction of its own (`store_source`), and a bad source stops no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.classify import Classifier, kind_of
from digest.editions.withdraw import Seen, Withdrawal, after_reading, at_their_time, is_out
from digest.errors import SourceError, TryLater
from digest.installation import Installation
from digest.model import Sighting, Snapshot, Source
from digest.sources.newness import New, SnapshotDecision, keys_of, surge, what_is_new
from digest.sources.read import Reading, Validators, read_source
from digest.sources.web.fetch import Fetcher
from digest.sources.withdrawal import Sign, sign_of
from digest.store import entries, releases, sources, standings
from digest.store.engine import reading, writing
from digest.store.sources import Gathering, State
from digest.system import stopping
from digest.system.failpoint import failpoint

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
    settings, now, fetcher = installation.settings, installation.clock(), installation.fetcher()
    zone = ZoneInfo(settings.site.zone)
    with reading(installation.engine) as conn:
        states = {source.name: sources.state_of(conn, source) for source in settings.sources}
    chosen = [source for source in settings.sources if only is None or source.name == only]
    every = timedelta(0) if force else settings.gather_every
    rows: dict[str, Gathering] = {}
    with ThreadPoolExecutor(max_workers=settings.gather_workers, thread_name_prefix="gather") as pool:
        for failed in (False, True):
            turn = [source for source in chosen if (states[source.name].failures > 0) is failed]
            jobs = {
                source.name: pool.submit(_read, source, states[source.name], fetcher, now, zone)
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
                    row = Gathering(source.name, "failed", error=why)
                else:
                    continue
                rows[source.name] = row
                progress(row)
    at_their_time(installation, now)
    return [rows[source.name] for source in chosen if source.name in rows]


def is_due(source: Source, state: State, now: datetime, every: timedelta) -> bool:
    """Return whether a source is to be read now: not gone, not asked to wait, not read a moment ago."""
    if state.gone or (state.not_before and now < state.not_before):
        return False
    if source.url is None or state.checked_at is None:
        return True
    # Look to both sides, because a clock that was set back must not silence a source until it catches up.
    return not state.checked_at - every < now < state.checked_at + every


def store_source(
    installation: Installation, source: Source, result: Reading | SourceError, now: datetime
) -> Gathering:
    """Store what reading a source brought, in one transaction: its new entries, or why it could not be read."""
    failpoint("gather: read")
    with writing(installation.engine, "gather") as conn:
        if isinstance(result, SourceError):
            row = _store_failure(conn, source, result, now)
        else:
            row = _store_reading(conn, installation, source, result, now)
        sources.add_gathering(conn, row, now)
    return row


def _why_not_read(state: State, now: datetime, force: bool) -> str | None:
    """Return why a source is not read and the cure, where a person must know of it; else None."""
    if state.gone:
        return "gone (410): correct or remove it in config.toml"
    if force and state.not_before and now < state.not_before:
        return f"asked us to wait until {state.not_before:%Y-%m-%d %H:%M} UTC; it is not read before"
    return None


def _read(source: Source, state: State, fetcher: Fetcher, now: datetime, zone: ZoneInfo) -> Reading | SourceError:
    """Read a source in a thread of the pool; any error is returned as a SourceError."""
    if source.url and state.moved_to and _has_moved(state, now):
        source = replace(source, url=state.moved_to)
    validators = Validators(state.etag, state.last_modified, state.body_hash)
    try:
        return read_source(source, validators, fetcher, now=now, zone=zone)
    except SourceError as error:
        return error
    except Exception as error:  # because a fault of this program with one source must not cost the others
        return SourceError(f"could not be read: {type(error).__name__}: {error}")


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
    state = sources.state_of(conn, source)
    facts = {
        "etag": result.validators.etag, "last_modified": result.validators.last_modified,
        "body_hash": result.validators.body_hash, "checked_at": now, "ok_at": now, "failures": 0, "error": None,
        "gone": False, "not_before": None, "first_ok_at": state.first_ok_at or now, "hold_next": False,
        **_move(state, result.moved_to, now),
    }  # fmt: skip
    if result.snapshot is None:
        sources.keep_state(conn, source, **facts)
        return _unchanged(source, after_reading(conn, installation, source, None, now))
    snapshot, classifier = result.snapshot, installation.classifier
    if _is_emptied(conn, source, snapshot):
        emptied = SourceError(f"{source.path} is empty, though it held texts; put them back, or remove the source")
        return _store_failure(conn, source, emptied, now)
    # Leave out a sighting with neither title nor link nor words, because there is nothing of it to show.
    worded = [sighting for sighting in snapshot.sightings if _has_content(sighting)]
    shown = [sighting for sighting in worded if not is_out(sighting, now)]
    memory = entries.stored_keys(conn, _keys(source, snapshot))
    decision = what_is_new(source, shown, memory)
    due = replace(decision, new=tuple(new for new in decision.new if not new.sighting.not_before))
    why = _why_held(conn, source, state, due, now)
    ready = {id(new): entry_state for new, entry_state in _states(source, state, due, why, now)}
    states = [(new, ready.get(id(new), "withheld")) for new in decision.new]
    numbers = _add(conn, source, states, classifier, why or "", now)
    for recognised in decision.recognised:
        facets = classifier.classify(recognised.sighting, source) if recognised.changed else None
        entries.refresh(conn, recognised, facets)
        numbers[id(recognised.sighting)] = recognised.entry
    entries.spoil(conn, decision.spoilt)
    released = [numbers[id(new.sighting)] for new, entry_state in reversed(states) if entry_state == "ready"]
    releases.number(conn, released, "new", now, installation.settings.welcome)
    withdrawal = after_reading(conn, installation, source, Seen(snapshot, memory, numbers), now)
    notes = [f"held for an editor: {why}; see `digest entries --state held`"] if why else []
    error = "; ".join([*notes, *withdrawal.notes, *snapshot.problems, *classifier.unknown(shown)]) or None
    sources.keep_state(conn, source, **{**facts, "error": error})
    new, changed = len(decision.new), sum(recognised.changed for recognised in decision.recognised)
    same, held = len(shown) - new - changed, withdrawal.held + sum(each == "held" for _, each in states)
    withheld = sum(bool(sign_of(sighting, now).code) for sighting in worded)
    return Gathering(source.name, "held" if held else "ok", new, changed, same, held, error, withheld)


def _unchanged(source: Source, withdrawal: Withdrawal) -> Gathering:
    """Return the row of a source that shows what it showed last time; an entry may be missing for long by now."""
    error = "; ".join(withdrawal.notes) or None
    return Gathering(source.name, "held" if withdrawal.held else "not-modified", held=withdrawal.held, error=error)


def _is_emptied(conn: Connection, source: Source, snapshot: Snapshot) -> bool:
    """Return whether a folder that held texts holds nothing now, as one that is not mounted."""
    nothing = snapshot.whole and not snapshot.sightings and not snapshot.problems
    return nothing and standings.are_stored(conn, source.name)


def _keys(source: Source, snapshot: Snapshot) -> list[str]:
    """Return every key of a snapshot, also of texts that are not released and of those it says were deleted."""
    deleted = [Sighting(guid, None, "") for guid in snapshot.deleted]
    return [key for each in (*snapshot.sightings, *deleted) for key in keys_of(each, source.name).values()]


def _has_content(sighting: Sighting) -> bool:
    return bool(sighting.title or sighting.link or sighting.html or sighting.summary)


def _why_held(
    conn: Connection, source: Source, state: State, decision: SnapshotDecision, now: datetime
) -> str | None:
    """Return why a snapshot's new entries must wait for an editor, or None."""
    if state.hold_next and decision.new:
        return "the database was restored, and these may have been sent before that"
    if state.first_ok_at is None:
        return None
    return surge(decision, sources.usual(conn, source.name, now), state.ok_at, now)


def _states(
    source: Source, state: State, decision: SnapshotDecision, why_held: str | None, now: datetime
) -> list[tuple[New, str]]:
    """Return the new entries in the source's order, each with the state it is stored in."""
    if why_held is not None:
        return [(new, "held") for new in decision.new]
    owed = _backfill(source, decision.new, now) if state.first_ok_at is None else decision.new
    ready = {id(new) for new in owed}
    return [(new, "ready" if id(new) in ready else "baseline") for new in decision.new]


def _add(
    conn: Connection,
    source: Source,
    states: Sequence[tuple[New, str]],
    classifier: Classifier,
    why_held: str,
    now: datetime,
) -> dict[int, int]:
    """Store new entries, last first because sources list the newest first; return their ids by sighting's `id()`."""
    numbers = {}
    for new, state in reversed(states):
        facets = classifier.classify(new.sighting, source)
        failpoint("gather: one classified")
        sign = (
            sign_of(new.sighting, now)
            if state == "withheld"
            else Sign("surge", why_held)
            if state == "held"
            else Sign()
        )
        arrival = entries.NewEntry(
            source.name, new, kind_of(new.sighting, source), facets, state, sign.code, sign.why
        )
        numbers[id(new.sighting)] = entries.add(conn, arrival, now)
        failpoint("gather: one stored")
    return numbers


def _backfill(source: Source, new: Sequence[New], now: datetime) -> list[New]:
    """Return the entries of a source's first sight that are owed: the newest n, or all of the last n days."""
    if source.backfill.span is not None:
        since = now - source.backfill.span
        return [entry for entry in new if entry.sighting.published and entry.sighting.published >= since]
    oldest = datetime.min.replace(tzinfo=now.tzinfo)
    newest = sorted(new, key=lambda entry: entry.sighting.published or oldest, reverse=True)
    return newest[: source.backfill.count]


def _move(state: State, moved_to: str | None, now: datetime) -> dict[str, object]:
    """Return the facts about a permanent redirect: equal answers are counted, another starts the count again."""
    if moved_to is None:
        # Keep the count of a source that has moved, because asked at its new address it redirects no more.
        return {} if _has_moved(state, now) else {"moved_to": None, "moved_count": 0, "moved_since": None}
    if moved_to != state.moved_to:
        return {"moved_to": moved_to, "moved_count": 1, "moved_since": now}
    return {"moved_count": state.moved_count + 1}
