"""Gather: read every source that is due, decide what is new, classify and store it. A bad source stops no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from digest.classify import Classifier, kind_of
from digest.config.settings import Settings
from digest.errors import SourceError, TryLater
from digest.model import Source
from digest.sources.newness import New, SnapshotDecision, keys_of, surge, what_is_new
from digest.sources.read import Reading, Validators, read_source
from digest.sources.web.fetch import Fetcher
from digest.store import entries, releases, sources
from digest.store.engine import reading, writing
from digest.store.sources import Gathering, State
from digest.system import stopping
from digest.system.failpoint import failpoint

Progress = Callable[[Gathering], None]

_MOVES = 3
_MOVED_FOR = timedelta(hours=24)


def gather(
    engine: Engine,
    settings: Settings,
    fetcher: Fetcher,
    classifier: Classifier,
    *,
    now: datetime,
    only: str | None = None,
    force: bool = False,
    progress: Progress = lambda _: None,
) -> list[Gathering]:
    """Read the sources that are due and store what they bring; return one row a source read, in config's order.

    Those that failed last time are read and stored after the others, so that what hangs keeps nobody waiting.
    `only` names one source; `force` reads also what was read a moment ago. A source that is gone is not read, and
    its row says so; nor, even under `force`, one that asked us to wait. `progress` is called as each is done.
    """
    with reading(engine) as conn:
        states = {source.name: sources.state_of(conn, source) for source in settings.sources}
    chosen = [source for source in settings.sources if only is None or source.name == only]
    every = timedelta(0) if force else settings.gather_every
    done: dict[str, Gathering] = {}
    with ThreadPoolExecutor(max_workers=settings.gather_workers, thread_name_prefix="gather") as pool:
        for failed in (False, True):
            turn = [source for source in chosen if (states[source.name].failures > 0) is failed]
            jobs = {
                source.name: pool.submit(_read, source, states[source.name], fetcher, now)
                for source in turn
                if is_due(source, states[source.name], now, every)
            }
            for source in turn:
                if stopping.asked():
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise TryLater("stopped as asked, while gathering; run again to go on")
                if source.name in jobs:
                    result = jobs[source.name].result()
                    failpoint("gather: read")
                    with writing(engine, "gather") as conn:
                        if isinstance(result, SourceError):
                            one = _failed(conn, source, states[source.name], result, now)
                        else:
                            one = _store(conn, source, result, classifier, settings.welcome, now)
                        sources.record(conn, one, now)
                elif why := _why_not(states[source.name], now, force):
                    one = Gathering(source.name, "failed", error=why)
                else:
                    continue
                done[source.name] = one
                progress(one)
    return [done[source.name] for source in chosen if source.name in done]


def is_due(source: Source, state: State, now: datetime, every: timedelta) -> bool:
    """Return whether a source is to be read now: not gone, not asked to wait, not read a moment ago."""
    if state.gone or (state.not_before and now < state.not_before):
        return False
    if source.url is None or state.checked_at is None:
        return True
    # A clock that was set back must not silence a source until it catches up.
    return not state.checked_at - every < now < state.checked_at + every


def _why_not(state: State, now: datetime, force: bool) -> str | None:
    """Return what to say of a source that was not read: a person must mend it, or has just asked for it."""
    if state.gone:
        return "gone (410): correct or remove it in config.toml"
    if force and state.not_before and now < state.not_before:
        return f"asked us to wait until {state.not_before:%Y-%m-%d %H:%M} UTC; it is not read before"
    return None


def _read(source: Source, state: State, fetcher: Fetcher, now: datetime) -> Reading | SourceError:
    """Read one source in a thread of the pool; whatever goes wrong comes back as a reason."""
    if source.url and state.moved_to and _has_moved(state, now):
        source = replace(source, url=state.moved_to)
    known = Validators(state.etag, state.last_modified, state.body_hash)
    try:
        return read_source(source, known, fetcher, now=now)
    except SourceError as error:
        return error
    except Exception as error:  # a fault of ours with one source must not cost the others
        return SourceError(f"could not be read: {type(error).__name__}: {error}")


def _has_moved(state: State, now: datetime) -> bool:
    """Whether a permanent redirect was the same long enough to believe it."""
    return state.moved_count >= _MOVES and state.moved_since is not None and now - state.moved_since >= _MOVED_FOR


def _failed(conn: Connection, source: Source, state: State, error: SourceError, now: datetime) -> Gathering:
    wait = now + timedelta(seconds=error.retry_after) if error.retry_after else None
    sources.keep_state(
        conn, source, checked_at=now, failures=state.failures + 1, error=str(error), gone=error.gone, not_before=wait,
        # A new address that fails is given up: the configured one is asked again.
        moved_to=None, moved_count=0, moved_since=None,
    )  # fmt: skip
    return Gathering(source.name, "failed", error=str(error))


def _store(
    conn: Connection, source: Source, result: Reading, classifier: Classifier, welcome: timedelta, now: datetime
) -> Gathering:
    """Store a reading and what we learnt of its source in the caller's one transaction."""
    state = sources.state_of(conn, source)
    facts = {
        "etag": result.validators.etag, "last_modified": result.validators.last_modified,
        "body_hash": result.validators.body_hash, "checked_at": now, "ok_at": now, "failures": 0, "error": None,
        "gone": False, "not_before": None, "first_ok_at": state.first_ok_at or now, "hold_next": False,
        **_move(state, result.moved_to, now),
    }  # fmt: skip
    if result.status == "not-modified":
        sources.keep_state(conn, source, **facts)
        return Gathering(source.name, "not-modified")
    snapshot = result.snapshot
    assert snapshot is not None
    # What has neither title nor link nor words has nothing to show anyone.
    shown = [s for s in snapshot.sightings if s.title or s.link or s.html or s.summary]
    memory = entries.stored_keys(conn, [k for s in shown for k in keys_of(s, source.name).values()])
    decision = what_is_new(source, shown, memory)
    first = state.first_ok_at is None
    why = None if first else surge(decision, sources.usual(conn, source.name, now), state.ok_at, now)
    if state.hold_next and decision.new:
        why = "the database was restored, and these may have been sent before that"
    owed = _backfill(source, decision.new, now) if first else decision.new
    released = _add(conn, source, decision, owed, classifier, held=why is not None, now=now)
    for one in decision.recognised:
        facets = classifier.classify(one.sighting, source) if one.changed else None
        entries.refresh(conn, one, facets)
    entries.spoil(conn, decision.spoilt)
    releases.number(conn, released, "new", now, welcome)
    notes = [f"held for an editor: {why}; see `digest entries --state held`"] if why else []
    notes += [*snapshot.problems, *classifier.unknown(shown)]
    sources.keep_state(conn, source, **{**facts, "error": "; ".join(notes) or None})
    changed = sum(one.changed for one in decision.recognised)
    return Gathering(
        source.name,
        "held" if why else "ok",
        new=len(decision.new),
        changed=changed,
        same=len(shown) - len(decision.new) - changed,
        held=len(decision.new) if why else 0,
        error="; ".join(notes) or None,
    )


def _add(
    conn: Connection,
    source: Source,
    decision: SnapshotDecision,
    owed: Sequence[New],
    classifier: Classifier,
    *,
    held: bool,
    now: datetime,
) -> list[int]:
    """Store the new entries, oldest first; return those to release."""
    released = []
    wanted = {id(new) for new in owed}
    for new in reversed(decision.new):
        state = "held" if held else "ready" if id(new) in wanted else "baseline"
        facets = classifier.classify(new.sighting, source)
        failpoint("gather: one classified")
        made = entries.add(conn, source.name, new, kind_of(new.sighting, source), facets, state, now)
        failpoint("gather: one stored")
        if state == "ready":
            released.append(made)
    return released


def _backfill(source: Source, new: Sequence[New], now: datetime) -> list[New]:
    """Return what of a source's first sight is owed: the newest so many, or all of the last so many days."""
    if source.backfill.span is not None:
        since = now - source.backfill.span
        return [n for n in new if n.sighting.published and n.sighting.published >= since]
    oldest = datetime.min.replace(tzinfo=now.tzinfo)
    newest = sorted(new, key=lambda n: n.sighting.published or oldest, reverse=True)
    return newest[: source.backfill.count]


def _move(state: State, moved_to: str | None, now: datetime) -> dict[str, object]:
    """Count equal answers of a permanent redirect; anything else starts the count again."""
    if moved_to is None:
        # Asked at its new address, a source that has moved says nothing of moving.
        return {} if _has_moved(state, now) else {"moved_to": None, "moved_count": 0, "moved_since": None}
    if moved_to != state.moved_to:
        return {"moved_to": moved_to, "moved_count": 1, "moved_since": now}
    return {"moved_count": state.moved_count + 1}
