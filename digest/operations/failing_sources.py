"""Tell which sources fail, once a day, and which of their files are to be corrected, once for each problem."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from digest.errors import PersonNeeded, TryLater
from digest.installation import Installation
from digest.schedule import local_midnight
from digest.store import sources
from digest.store.engine import reading
from digest.store.sources import Gathering, State

_PASSING_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class FailingSources:
    """Hold what is to be told of sources that fail.

    `lines` has one for each that failed for the first time today, and for each whose last reading but this one did
    not tell the same problems of its files, or that its pages cannot be read; these change no exit code, because they
    hold up no letter. `exit_code` is 0 unless most sources fail.
    """

    lines: list[str]
    exit_code: int


def failing_sources(
    installation: Installation, rows: Sequence[Gathering], names: Collection[str] | None = None
) -> FailingSources:
    """Return what to tell after a gather with these `rows`; `names` are the sources that count (default: all)."""
    now = installation.clock()
    midnight = local_midnight(now, installation.settings.site.zone)
    configured = [source for source in installation.settings.sources if names is None or source.name in names]
    with reading(installation.engine) as conn:
        states = list(sources.states_of(conn, configured).values())
        lines = [
            f"source {row.name}: {row.error}"
            for row in rows
            if row.status == "failed" and sources.count_failed(conn, row.name, midnight, now) <= 1
        ]
        faulty = [_faulty_files(conn, row) for row in rows if row.status != "failed"]
    code = exit_code_for(states, now)
    if code and lines:
        lines.append(f"most sources fail: {sum(_fails(state) for state in states)} of {len(states)}; `digest doctor`")
    unread = [f"source {row.name}: {row.unread}" for row in rows if row.unread]
    return FailingSources([*filter(None, faulty), *unread, *lines], code)


def _faulty_files(conn: Connection, row: Gathering) -> str:
    """Return the line about the files of a source that are to be corrected, or "" when none of them is new."""
    if row.error is None:
        return ""
    from digest.operations.file_problems import file_problems, in_short

    problems = file_problems(row.error)
    before = file_problems(sources.note_before(conn, row.name)) if problems else []
    fresh = [problem for problem in problems if problem not in before]
    return f"source {row.name}: {in_short(fresh)}; `digest doctor` keeps them in sight" if fresh else ""


def exit_code_for(states: Sequence[State], now: datetime) -> int:
    """Return 0 unless more than half of the sources fail: then 75 while all that fail may come back, else 4.

    A source may come back by itself when it was read within the last day and has not answered that it is gone.
    """
    failing = [state for state in states if _fails(state)]
    if 2 * len(failing) <= len(states):
        return 0
    passing = all(not state.gone and state.ok_at and now - state.ok_at < _PASSING_FOR for state in failing)
    return TryLater.exit_code if passing else PersonNeeded.exit_code


def _fails(state: State) -> bool:
    return state.gone or state.failures > 0
