"""Find the troubles that the operators are mailed about, and decide what of them is news.

A run decides at its end, and its account remembers what has been told. HOLD and a clock that is behind are not among
them: then nothing is mailed at all, and the exit code, `/readyz` and the watcher of [operate] ping_url tell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from digest.errors import counted
from digest.installation import Installation
from digest.operations.alarms import alarms
from digest.operations.failing_sources import exit_code_for
from digest.operations.letter_facts import letter_facts
from digest.operations.owed import LastRuns, why_unsent
from digest.store import history, open_letters, sources
from digest.system.json_log import without_addresses

_AGAIN = timedelta(days=1)  # after its mail, a trouble that comes and goes is not told for so long


class OpenTrouble(NamedTuple):
    """Hold a trouble that is open now: a key by which it is the same again, the problem, and the cure."""

    key: str
    problem: str
    cure: str


class ToldTrouble(NamedTuple):
    """Hold what was told of a trouble: the problem, when (ISO), when it was over ("": it is open).

    `quiet`: it has come back since, and that was not told yet.
    """

    problem: str
    told: str
    over: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class TroubleNews:
    """Hold what is news: the troubles that have `begun`, the problems that are `over`, and all that is `kept`."""

    begun: list[OpenTrouble] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    kept: dict[str, ToldTrouble] = field(default_factory=dict)


def open_troubles(conn: Connection, installation: Installation, failed: Sequence[str]) -> Iterator[OpenTrouble]:
    """Yield the troubles at the end of a run; `failed` are the lines by which it tells that editions failed."""
    now = installation.clock()
    facts = letter_facts(conn, installation, open_letters.open_editions(conn))
    # As they stand when this run has ended, because while it works it passes for the help that is on its way.
    good = facts.runs.good_at if failed else now
    ended = replace(facts, claimed_at=None, runs=LastRuns(now, now, good, failed=bool(failed)))
    yield from (OpenTrouble(*reason) for reason in why_unsent(ended))
    if failed:
        # Lines hold no address by their own rules; this is the last look, because a mail goes elsewhere.
        problem, _, cure = without_addresses(failed[0]).partition("; ")
        yield OpenTrouble("run", problem, cure or "`digest doctor` tells more")
    if doubts := history.count_in_doubt(conn):
        problem = counted(doubts, "delivery is", "deliveries are") + " in doubt, and nobody is mailed again for them"
        yield OpenTrouble("in doubt", problem, "decide with `digest settle`")
    if exit_code_for(list(sources.states_of(conn, installation.settings.sources).values()), now):
        yield OpenTrouble("sources", "most sources fail", "`digest doctor` names each, and the cure")
    yield from (
        OpenTrouble(alarm.place, f"{alarm.place}: {alarm.problem}", alarm.cure) for alarm in alarms(conn, now)
    )


def what_is_news(before: Mapping[str, ToldTrouble], troubles: Sequence[OpenTrouble], now: datetime) -> TroubleNews:
    """Return what to tell of the open troubles. Pure.

    Each is told once, and once when it is over. One that comes and goes is told at most once a day.
    """
    news = TroubleNews()
    for trouble in troubles:
        was = before.get(trouble.key)
        recent = was is not None and now - datetime.fromisoformat(was.told) < _AGAIN
        if was is None or ((was.over or was.quiet) and not recent):
            news.begun.append(trouble)
            news.kept[trouble.key] = ToldTrouble(trouble.problem, now.isoformat())
        else:
            news.kept[trouble.key] = was._replace(over="", quiet=was.quiet or bool(was.over))
    for key, was in before.items():
        if key in news.kept:
            continue
        if not was.over:
            news.over.extend([] if was.quiet else [was.problem])
            news.kept[key] = was._replace(over=now.isoformat())
        elif now - datetime.fromisoformat(was.told) < _AGAIN:
            news.kept[key] = was
    return news
