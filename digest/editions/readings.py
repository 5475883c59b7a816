"""Store what reading a source brought: its entries, that it shows the same, or why it could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from digest.errors import SourceError, without_secrets
from digest.installation import Installation
from digest.model import Snapshot, Source
from digest.store import sources, standings
from digest.store.engine import writing
from digest.store.lock import lock_intake
from digest.store.sources import Gathering, State

if TYPE_CHECKING:
    from digest.editions.withdraw import Withdrawal
    from digest.sources.read import Reading

_MOVES = 3
_MOVED_FOR = timedelta(hours=24)


def has_moved(state: State, now: datetime) -> bool:
    """Return whether a permanent redirect has been the same for long enough to believe it."""
    return state.moved_count >= _MOVES and state.moved_since is not None and now - state.moved_since >= _MOVED_FOR


def store_failure(installation: Installation, source: Source, error: SourceError, now: datetime) -> Gathering:
    """Store that a source could not be read, and until when it asked us to wait."""
    with writing(installation.engine, "gather") as conn:
        lock_intake(conn)
        row = _failure(conn, source, error, now)
        sources.add_gatherings(conn, [row], now)
    return row


def store_not_read(installation: Installation, source: Source, why: str, now: datetime) -> Gathering:
    """Store that a source was not read, so that the day's first such gather is known as the one that tells it."""
    row = Gathering(source.name, "failed", error=why)
    with writing(installation.engine, "gather") as conn:
        lock_intake(conn)
        sources.add_gatherings(conn, [row], now)
    return row


def store_unchanged(
    installation: Installation, readings: Sequence[tuple[Source, Reading]], now: datetime
) -> list[Gathering]:
    """Store, in one transaction, that sources show what they showed last time."""
    with writing(installation.engine, "gather") as conn:
        lock_intake(conn)
        states = sources.states_of(conn, [source for source, _ in readings])
        facts = {
            source: _facts(result, states[source.name], now) | {"error": _lasting(states[source.name])}
            for source, result in readings
        }
        sources.keep_states(conn, facts)
        missing = standings.have_missing(conn, [source.name for source in facts])
        rows = []
        for source in facts:
            lasting = facts[source]["error"]
            row = Gathering(source.name, "not-modified", error=lasting, lasting=lasting)
            if source.name in missing:
                from digest.editions.withdraw import after_reading  # here, because few readings lack an entry

                # An entry that its source has not shown for long is held, also when the source shows nothing else.
                row = _unchanged(row, after_reading(conn, installation, source, None, now))
            rows.append(row)
        sources.add_gatherings(conn, rows, now)
    return rows


def store_snapshot(installation: Installation, source: Source, result: Reading, now: datetime) -> Gathering:
    """Store the entries that a reading shows, and the facts about its source that the next reading needs.

    Raises NotInFull as `take_in` does; nothing is stored then.
    """
    # Here, because a run in which no source shows anything new must load neither classifier nor parsers.
    from digest.editions.classified import classified
    from digest.editions.intake import take_in
    from digest.sources.formats.tidy import TOO_MANY

    snapshot = result.snapshot
    assert snapshot is not None
    sightings = [each for place, each in enumerate(snapshot.sightings) if place not in result.skipped]
    classifier = classified(installation, source, sightings, now)
    with writing(installation.engine, "gather") as conn:
        lock_intake(conn)
        state = sources.state_of(conn, source)
        if _is_emptied(conn, source, snapshot):
            emptied = f"{source.path} is empty, though it held texts; put them back, or remove the source"
            row = _failure(conn, source, SourceError(emptied), now)
        else:
            facts = _facts(result, state, now)
            row, again = take_in(conn, installation, source, result, classifier, now)
            facts["parts"] = again.to_text() if again and result.validators.body_hash else None
            if snapshot.whole and not snapshot.sightings and snapshot.problems:
                # Taken in all the same, because a text that can no longer be read is withheld; told as a failure.
                row = replace(row, status="failed", error=f"no text in its folder can be read: {row.error}")
                facts |= {"failures": state.failures + 1, "ok_at": state.ok_at}
            cut = next((problem for problem in snapshot.problems if problem.startswith(TOO_MANY)), None)
            told = row.error if row.status == "failed" else row.lasting
            sources.keep_state(conn, source, **{**facts, "error": told, "cut": cut})
        sources.add_gatherings(conn, [row], now)
    return row


def _failure(conn: Connection, source: Source, error: SourceError, now: datetime) -> Gathering:
    wait = now + timedelta(seconds=error.retry_after) if error.retry_after else None
    state = sources.state_of(conn, source)
    failures = state.failures + 1
    if _lasting(state):
        # This failure takes the place of what is known of the source, so that the next good reading is to tell it
        # again, also when the source has not changed.
        sources.keep_state(conn, source, etag=None, last_modified=None, body_hash=None, parts=None)
    sources.keep_state(
        conn, source, checked_at=now, failures=failures, error=str(error), gone=error.gone, not_before=wait,
        # Forget a new address, because one that fails is given up: the configured one is asked again.
        moved_to=None, moved_count=0, moved_since=None,
    )  # fmt: skip
    return Gathering(source.name, "failed", error=str(error))


def _facts(result: Reading, state: State, now: datetime) -> dict[str, Any]:
    """Return what is stored of a source after any good reading."""
    return {
        "etag": result.validators.etag, "last_modified": result.validators.last_modified,
        "body_hash": result.validators.body_hash, "checked_at": now, "ok_at": now, "failures": 0, "error": None,
        "gone": False, "not_before": None, "first_ok_at": state.first_ok_at or now, "hold_next": False,
        **_move(state, result.moved_to, now),
    }  # fmt: skip


def _lasting(state: State) -> str | None:
    """Return what the last reading that showed anything told of its source; None also for a source that failed."""
    return None if state.failures or state.gone else state.error


def _unchanged(row: Gathering, withdrawal: Withdrawal) -> Gathering:
    """Return the row of a source that shows what it showed last time; an entry may be missing for long by now."""
    error = "; ".join([*withdrawal.notes, *filter(None, [row.lasting])]) or None
    status = "held" if withdrawal.held else row.status
    return replace(row, status=status, held=withdrawal.held, error=error)


def _is_emptied(conn: Connection, source: Source, snapshot: Snapshot) -> bool:
    """Return whether a folder that held texts holds nothing now, as one that is not mounted."""
    nothing = snapshot.whole and not snapshot.sightings and not snapshot.problems
    return nothing and standings.are_stored(conn, source.name)


def _move(state: State, moved_to: str | None, now: datetime) -> dict[str, object]:
    """Return the facts about a permanent redirect: equal answers are counted, another starts the count again."""
    # An address that holds a key is not stored: its source is asked where config.toml says, and redirects each time.
    if moved_to is None or without_secrets(moved_to) != moved_to:
        # Keep the count of a source that has moved, because asked at its new address it redirects no more.
        return {} if has_moved(state, now) else {"moved_to": None, "moved_count": 0, "moved_since": None}
    if moved_to != state.moved_to:
        return {"moved_to": moved_to, "moved_count": 1, "moved_since": now}
    return {"moved_count": state.moved_count + 1}
