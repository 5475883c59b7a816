"""Gather: read every source that is due, decide which entries are new, classify and store them.

Each source is stored in a transaction of its own (`store_source`), and a bad source stops no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from digest.classify import Classifier, kind_of
from digest.errors import DigestError, SourceError, TryLater
from digest.installation import Installation
from digest.model import Facets, Sighting, Source
from digest.sources.formats.tidy import TOO_MANY
from digest.sources.newness import MOST_RETITLED, TITLE, New, SnapshotDecision, StoredKeys, keys_of, what_is_new
from digest.sources.read import Reading, Validators, read_source
from digest.sources.surge import is_news, surge
from digest.sources.web.fetch import Fetcher
from digest.store import entries, releases, sources
from digest.store.engine import is_of_database, reading, writing
from digest.store.sources import Gathering, State
from digest.system import stopping
from digest.system.failpoint import failpoint

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
    settings, now, fetcher = installation.settings, installation.clock(), installation.fetcher()
    with reading(installation.engine) as conn:
        states = {source.name: sources.state_of(conn, source) for source in settings.sources}
    chosen = [source for source in settings.sources if only is None or source.name == only]
    every = timedelta(0) if force else settings.gather_every
    rows: dict[str, Gathering] = {}
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
                    row = store_source(installation, source, jobs[source.name].result(), now)
                elif why := _why_not_read(states[source.name], now, force):
                    row = Gathering(source.name, "failed", error=why)
                else:
                    continue
                rows[source.name] = row
                progress(row)
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


def _why_not_read(state: State, now: datetime, force: bool) -> str | None:
    """Return why a source is not read and the cure, where a person must know of it; else None."""
    if state.gone:
        return "gone (410): correct or remove it in config.toml"
    if force and state.not_before and now < state.not_before:
        return f"asked us to wait until {state.not_before:%Y-%m-%d %H:%M} UTC; it is not read before"
    return None


def _read(source: Source, state: State, fetcher: Fetcher, now: datetime) -> Reading | SourceError:
    """Read a source in a thread of the pool; any error is returned as a SourceError."""
    if source.url and state.moved_to and _has_moved(state, now):
        source = replace(source, url=state.moved_to)
    validators = Validators(state.etag, state.last_modified, state.body_hash)
    try:
        return read_source(source, validators, fetcher, now=now)
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
    snapshot, classifier = result.snapshot, _CarefulClassifier(installation.classifier)
    assert snapshot is not None
    # Leave out a sighting with neither title nor link nor words, because there is nothing of it to show.
    shown = [sighting for sighting in snapshot.sightings if _has_content(sighting)]
    decision = what_is_new(source, shown, _stored_about(conn, source, shown))
    why = _why_held(conn, source, state, decision, now)
    states = _states(source, state, decision, why, now)
    released = _add(conn, source, states, classifier, now)
    for recognised in decision.recognised:
        facets = classifier.classify(recognised.sighting, source) if recognised.changed else None
        entries.refresh(conn, recognised, facets)
    entries.spoil(conn, decision.spoilt)
    releases.number(conn, released, "new", now, installation.settings.welcome)
    new, changed = len(decision.new), sum(recognised.changed for recognised in decision.recognised)
    same, held = len(shown) - new - changed, sum(entry_state == "held" for _, entry_state in states)
    notes = [
        *_notes_held(states, why),
        *snapshot.problems,
        *installation.classifier.unknown(shown),
        *classifier.problems,
    ]
    error = "; ".join(notes) or None
    cut = next((problem for problem in snapshot.problems if problem.startswith(TOO_MANY)), None)
    sources.keep_state(conn, source, **{**facts, "error": error, "cut": cut})
    return Gathering(source.name, "held" if held else "ok", new, changed, same, held, error)


@dataclass(slots=True)
class _CarefulClassifier:
    """Classify sightings; one that cannot be classified stays without policy area and is named in `problems`."""

    classifier: Classifier
    problems: list[str] = field(default_factory=list)

    def classify(self, sighting: Sighting, source: Source) -> Facets:
        """Return the facets of a sighting, or none for an error that nobody foresaw."""
        try:
            return self.classifier.classify(sighting, source)
        except Exception as error:
            _log.debug("classifying failed", exc_info=error)
            self.problems.append(
                f"{sighting.title[:60]!r} cannot be classified ({type(error).__name__}): give its facets with"
                " `digest retag`, and please report it"
            )
            return Facets()


def _stored_about(conn: Connection, source: Source, shown: Sequence[Sighting]) -> StoredKeys:
    """Return what is stored about the keys of a snapshot, and the entries dated as its unknown sightings are."""
    keyed = [keys_of(sighting, source.name) for sighting in shown]
    memory = entries.stored_keys(conn, [key for keys in keyed for key in keys.values()])
    unknown = [
        sighting.published
        for sighting, keys in zip(shown, keyed, strict=True)
        if sighting.published and all(memory.keys.get(key) is None for kind, key in keys.items() if kind != TITLE)
    ]
    if len(unknown) > MOST_RETITLED:
        return memory
    return StoredKeys(memory.keys, {**entries.of_days(conn, unknown), **memory.entries})


def _notes_held(states: Sequence[tuple[New, str]], why: str | None) -> list[str]:
    """Return why new entries of a gather are held, for the editor."""
    held = [new for new, state in states if state == "held"]
    doubts = [new for new in held if new.doubt]
    cure = "see `digest entries --state held`"
    notes = [f"{len(held)} held for an editor: {why}; {cure}"] if why and len(held) > len(doubts) else []
    return notes + [
        f"held for an editor: {new.sighting.title[:60]!r} may be {new.doubt[:60]!r} under another title; {cure}"
        for new in doubts[:3]
    ]


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
    return surge(decision.new, sources.usual(conn, source.name, now), state.ok_at, now)


def _states(
    source: Source, state: State, decision: SnapshotDecision, why_held: str | None, now: datetime
) -> list[tuple[New, str]]:
    """Return the new entries in the source's order, each with the state it is stored in."""
    if state.first_ok_at is None and why_held is None:
        owed = {id(new) for new in _backfill(source, decision.new, now)}
        return [(new, "ready" if id(new) in owed else "baseline") for new in decision.new]
    return [(new, _state(new, state, decision, why_held)) for new in decision.new]


def _state(new: New, state: State, decision: SnapshotDecision, why_held: str | None) -> str:
    """Return the state in which a new entry of a source that was read before is stored."""
    if why_held and state.hold_next:
        return "held"  # because after a restore even news may have been sent
    # A source that shows too much lets in old entries at the end of its window, when newer ones are deleted.
    shown = [again.sighting.published for again in decision.recognised if again.sighting.published]
    if state.cut and shown and new.sighting.published and new.sighting.published < min(shown):
        return "baseline"
    return "held" if new.doubt or (why_held and not is_news(new, state.ok_at)) else "ready"


def _add(
    conn: Connection, source: Source, states: Sequence[tuple[New, str]], classifier: _CarefulClassifier, now: datetime
) -> list[int]:
    """Store new entries, last first because sources list the newest first; return the ids of those to release."""
    released = []
    for new, state in reversed(states):
        facets = classifier.classify(new.sighting, source)
        failpoint("gather: one classified")
        arrival = entries.NewEntry(source.name, new, kind_of(new.sighting, source), facets, state)
        number = entries.add(conn, arrival, now)
        failpoint("gather: one stored")
        if state == "ready":
            released.append(number)
    return released


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
