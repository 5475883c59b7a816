"""Show how each source does, and mute a source or hear it again, for an editor.

While a source is muted it is gathered as ever, and what is new in it is held for an editor.
"""

from __future__ import annotations

import hashlib
import shlex
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from digest.desk.acts import Hand, check_fresh, record
from digest.errors import WrongUse, counted
from digest.installation import Installation
from digest.model import Source
from digest.store import acts, editions, muted, sources, standings
from digest.store.engine import reading, writing
from digest.store.muted import Mute
from digest.store.sources import State

WEEKS = 12
_LOOK_BACK = timedelta(days=182)  # over which the usual gap of a source is measured
_ENOUGH_DAYS = 4  # with new entries; with fewer there is no usual gap
_SHORTEST = timedelta(days=14)
_WITHOUT_USUAL = timedelta(weeks=WEEKS)
_LONGEST_NAME = 60  # characters of the object of an act


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """Hold how one source does.

    `next_look` is when it is read next at the earliest, None for the next gather. `weeks` are the new entries of each
    of the last twelve weeks, the oldest first, without its baseline. `silent_since` is the day of its newest entry
    when that is much longer ago than usual, `usual_gap` the usual number of days between two days with new entries.
    `held` counts its entries that wait for an editor. `seen` is the newest act on it, for a form.
    """

    source: Source
    state: State
    next_look: datetime | None
    weeks: tuple[int, ...]
    newest: date | None
    usual_gap: int | None
    silent_since: date | None
    mute: Mute | None
    held: int
    seen: int

    @property
    def standing(self) -> str:
        """Return in a word how it does: gone, failing, "not read yet", muted, silent or well."""
        if self.state.gone:
            return "gone"
        if self.state.failures:
            return "failing"
        if self.state.first_ok_at is None:
            return "not read yet"
        return "muted" if self.mute else "silent" if self.silent_since else "well"

    @property
    def problem(self) -> str:
        """Return why it could not be read the last time, in words; "" when it could."""
        if self.state.gone:
            return "it answers that it is gone for good (410)"
        return _in_two(self.state.error or "it could not be read")[0] if self.state.failures else ""

    @property
    def cure(self) -> str:
        """Return what to do about the problem, "" without one."""
        if self.state.gone:
            return f"correct its address in {self.source.named_in}, or remove it there"
        if not self.state.failures:
            return ""
        where = "address" if self.source.url else "path"
        known_cure = _in_two(self.state.error or "")[1]
        return known_cure or f"check its {where} in {self.source.named_in}"


def source_health(installation: Installation) -> list[SourceHealth]:
    """Return how every configured source does, in config's order, by five queries for all of them."""
    configured, now = installation.settings.sources, installation.clock()
    today = now.astimezone(UTC).date()
    with reading(installation.engine) as conn:
        states = sources.states_of(conn, configured)
        arrived = sources.new_by_day(conn, now - _LOOK_BACK)
        mutes = muted.by_source(conn)
        waiting = standings.count_held(conn)
        versions = acts.newest_of(conn, [source_name(source.name) for source in configured])
    rows = []
    for source in configured:
        name, state = source.name, states[source.name]
        new = arrived.get(name, {})
        since = max(_first_read(state), today - _LOOK_BACK) if state.first_ok_at else None
        newest, gap = max(new, default=None), usual_gap(sorted(new))
        silent = silent_since(newest, gap, since, today)
        rows.append(
            SourceHealth(
                source, state, _next_look(source, state, installation.settings.gather_every, now),
                by_week(new, today), newest, gap, silent, mutes.get(name), waiting.get(name, 0),
                versions.get(source_name(name), 0),
            )
        )  # fmt: skip
    return rows


def _first_read(state: State) -> date:
    assert state.first_ok_at is not None
    return state.first_ok_at.astimezone(UTC).date()


def by_week(new: Mapping[date, int], today: date) -> tuple[int, ...]:
    """Return how many entries were new in each of the last twelve weeks of seven days, the last one ending today."""
    weeks = [0] * WEEKS
    for day, count in new.items():
        ago = (today - day).days // 7
        if 0 <= ago < WEEKS:
            weeks[WEEKS - 1 - ago] += count
    return tuple(weeks)


def usual_gap(days: Sequence[date]) -> int | None:
    """Return the median number of days between the `days` with new entries, in order; None with fewer than four."""
    if len(days) < _ENOUGH_DAYS:
        return None
    gaps = [(after - before).days for before, after in pairwise(days)]
    return max(1, round(statistics.median(gaps)))


def silent_since(newest: date | None, gap: int | None, read_since: date | None, today: date) -> date | None:
    """Return since when a source is silent, or None when it is not.

    It is silent when its newest entry came longer ago than three times its usual gap, and at least 14 days; without a
    usual gap, twelve weeks ago. A source that has brought nothing counts from `read_since`, its first good reading.
    """
    since = newest or read_since
    if since is None:
        return None
    patience = _WITHOUT_USUAL if gap is None else max(3 * timedelta(days=gap), _SHORTEST)
    return since if today - since > patience else None


def silence_in_words(row: SourceHealth) -> str:
    """Return that a source is silent, since when and what is usual; "" when it is not."""
    if row.silent_since is None:
        return ""
    usual = f", where one comes every {counted(row.usual_gap, 'day')} as a rule" if row.usual_gap else ""
    since = f"{row.silent_since:%Y-%m-%d}"
    if row.newest is None:
        # Where it was read before, it may have brought something on a day that is not looked at.
        is_first = row.silent_since == _first_read(row.state)
        since = f"its first reading on {since}" if is_first else f"{since} or longer"
    return f"nothing new since {since}{usual}; look at its page: it may have moved its feed, or stopped"


def mute_source(installation: Installation, name: str, hand: Hand) -> str:
    """Mute a source, so that what is new in it is held; return a line for a person.

    Entries that were released already stay. Raises WrongUse for a source that config.toml does not have, and
    StaleForm as `check_fresh` does.
    """
    installation.settings.check_source(name)
    with writing(installation.engine, "mute") as conn:
        editions.serialise(conn)
        check_fresh(conn, source_name(name), hand)
        if earlier := muted.mute_of(conn, name):
            return f"source {name!r} is muted already, by {earlier.by} since {earlier.at:%Y-%m-%d}"
        muted.keep_muted(conn, name, Mute(hand.by, installation.clock()))
        values = {"new entries": "released"}, {"new entries": "held"}
        record(conn, installation, hand, "mute", source_name(name), values)
    return f"source {name!r} is muted: what is new in it from now on is held; entries released before go out"


def unmute_source(installation: Installation, name: str, hand: Hand) -> str:
    """Hear a muted source again; what it holds stays held. Return a line for a person that tells how to release it.

    Raises WrongUse for a source that config.toml does not have, and StaleForm as `check_fresh` does.
    """
    with writing(installation.engine, "unmute") as conn:
        editions.serialise(conn)
        check_fresh(conn, source_name(name), hand)
        earlier = muted.mute_of(conn, name)
        if earlier is None:
            installation.settings.check_source(name)
            return f"source {name!r} is not muted"
        muted.hear_again(conn, name)
        held = standings.count_held(conn).get(name, 0)
        values = {"new entries": "held"}, {"new entries": "released"}
        record(conn, installation, hand, "unmute", source_name(name), values)
    still = f"; {held_in_words(name, held)}" if held else ""
    return f"source {name!r} is heard again: what is new in it goes out{still}"


def held_in_words(name: str, held: int) -> str:
    """Return that entries of a source that is heard again stay held, with the command that releases them."""
    stay, them = ("entry of it stays", "it") if held == 1 else ("entries of it stay", "them all")
    return f"{held} {stay} held: `digest release --source {shlex.quote(name)}` lets {them} go out"


def take_back_mute(installation: Installation, hand: Hand, verb: str, object_name: str) -> str:
    """Take back a mute, or an unmute, of the source that is the object of an act; return a line for a person.

    Raises WrongUse when config.toml has the source no longer.
    """
    name = next((each.name for each in installation.settings.sources if source_name(each.name) == object_name), None)
    if name is None:
        raise WrongUse(f"{object_name} is not in config.toml any more; nothing was changed")
    return (unmute_source if verb == "mute" else mute_source)(installation, name, hand)


def source_name(name: str) -> str:
    """Return the name of a source in the log: "source NAME", and of a long name its beginning and a hash."""
    whole = f"source {name}"
    if len(whole) <= _LONGEST_NAME:
        return whole
    return f"{whole[: _LONGEST_NAME - 9]}…{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _next_look(source: Source, state: State, every: timedelta, now: datetime) -> datetime | None:
    """Return when a source is read at the earliest; None: at the next gather."""
    if state.gone or state.checked_at is None:
        return None
    at = state.checked_at + every if source.url else now
    at = max(at, state.not_before) if state.not_before else at
    return at if at > now else None


def _in_two(error: str) -> tuple[str, str]:
    """Return a stored error as the problem and its cure, "" where it ends in none."""
    problem, _, cure = error.rpartition("; ")
    return (problem, cure) if problem else (cure, "")
