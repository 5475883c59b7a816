"""Tell whether a reader is owed a letter and nothing is about to send it: the single question behind every alarm.

`/readyz`, `/metrics`, the mails to the operators and `digest status` all ask `why_unsent`. A letter is owed when
its edition is frozen and it was not handed over, or when the hour of an edition has passed. It is about to be sent
while a run works, and while runs come in time and end well.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from digest.errors import counted

LATE = timedelta(minutes=90)  # after its hour, a due slot that has not run is wrong
BUSY = timedelta(minutes=15)  # a run that works claims letters more often than this
_SELDOM = timedelta(minutes=30)  # because few start runs more often, whatever [gather] every says
CODES = ("hold", "clock", "stopped", "approval", "overdue", "no-run", "failing", "stuck")


class Unsent(NamedTuple):
    """Hold why letters that are owed do not leave: a code of CODES, in words without personal data, and the cure."""

    code: str
    words: str
    cure: str


class LateSlot(NamedTuple):
    """Hold a slot whose hour passed long ago without its edition.

    `why` is "stopped" (a person keeps it back), "approval" (nobody has approved it) or "overdue" (no run took it).
    """

    cadence: str
    day: str
    why: str
    edition: int | None


@dataclass(frozen=True, slots=True)
class LastRuns:
    """Hold what is remembered of the newest runs. None: there was none.

    `began` and `ended` are of the newest run (`ended` None: it works, or was killed), `good_at` is the end of the
    newest run that did its work, and `failed` whether the newest run that came to an end did not.
    """

    began: datetime | None = None
    ended: datetime | None = None
    good_at: datetime | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """Hold what the database tells of letters that are owed, at the instant `now`.

    `every` is how often a run is expected. `held` and `clock_behind`: nothing runs, for that reason. `since`: when
    the first edition was frozen whose letters wait and that is not stopped; `stopped` are the editions with letters
    that a person keeps back, `late` the late slots, and `due` how many slots wait for a run, late or not.
    `claimed_at` is the newest claim that has no outcome yet, and `ripe` whether a letter could have left ever since a
    run was expected. `existed_since` counts only where there was no run. `shares` tells how the shares of a cluster
    ended, which hand the letters over there.
    """

    now: datetime
    every: timedelta
    held: bool = False
    clock_behind: bool = False
    since: datetime | None = None
    stopped: tuple[int, ...] = ()
    late: tuple[LateSlot, ...] = ()
    due: int = 0
    claimed_at: datetime | None = None
    ripe: bool = False
    runs: LastRuns = LastRuns()
    shares: LastRuns = LastRuns()
    existed_since: datetime | None = None

    @property
    def patience(self) -> timedelta:
        """Return the longest time between two runs that is in order."""
        return longest_pause(self.every)

    @property
    def works(self) -> bool:
        """Return whether a run is at work: it has claimed letters just now, or has begun not long ago."""
        began, ended = self.runs.began, self.runs.ended
        claims = self.claimed_at is not None and self.now - self.claimed_at <= BUSY
        return claims or (began is not None and ended is None and self.now - began <= self.patience)

    @property
    def runs_late(self) -> bool:
        """Return whether no run has come for longer than is in order; a run that works is not late."""
        last = self.runs.ended or self.runs.began or self.existed_since
        return last is not None and self.now - last > self.patience and not self.works


def longest_pause(every: timedelta) -> timedelta:
    """Return the longest time between two runs that is in order, where one is expected this often."""
    return max(every, _SELDOM) + LATE


def why_unsent(facts: LetterFacts) -> list[Unsent]:
    """Return why letters that are owed do not leave; an empty list when none is owed, or something is sending them.

    Pure: the same facts give the same answer.
    """
    owed = facts.since is not None
    stopped = [Unsent("stopped", *_stopped(facts))] if facts.stopped or _late(facts, "stopped") else []
    if facts.held or facts.clock_behind:
        # Before all else, because whatever is owed waits for this.
        if owed or facts.due or facts.late or stopped:
            return [_nothing_runs(facts), *stopped]
        return []
    reasons = list(stopped)
    if late := _late(facts, "approval"):
        cure = "approve it on the desk, or with `digest approve`; else its entries go out with the next edition"
        reasons.append(Unsent("approval", f"nobody has approved {_named(late)}, and the hour has passed", cure))
    if facts.works:
        return reasons
    if late := _late(facts, "overdue"):
        cure = "run `digest run`, and check that cron, the daemon or a worker runs"
        reasons.append(Unsent("overdue", f"no run has taken {_named(late)}, and the hour has passed", cure))
    return [*reasons, *(_of_runs(facts) if owed else ())]


def span_in_words(span: timedelta) -> str:
    """Return a span of time in words: minutes, hours or days, rounded down."""
    minutes = int(span.total_seconds() // 60)
    if minutes < 120:
        return counted(minutes, "minute")
    return counted(minutes // 60, "hour") if minutes < 48 * 60 else counted(minutes // (24 * 60), "day")


def _of_runs(facts: LetterFacts) -> list[Unsent]:
    """Return why runs do not send the letters that are frozen and owed; a run is not at work."""
    assert facts.since is not None
    if facts.runs_late:
        words = f"letters wait, and no run has come for {span_in_words(facts.now - _last(facts))}"
        return [Unsent("no-run", words, "run `digest run`, and check that cron, the daemon or a worker runs")]
    for last in (facts.runs, facts.shares):
        begin = max(facts.since, last.good_at or facts.since)
        if last.failed and facts.now - begin > facts.patience:
            words = f"letters wait, and every run has failed for {span_in_words(facts.now - begin)}"
            return [Unsent("failing", words, "`digest doctor` tells why the last run failed, and the cure")]
    if facts.ripe:
        words = f"letters wait that could have left more than {span_in_words(facts.patience)} ago"
        return [Unsent("stuck", words, "`digest doctor` tells what keeps them back; `digest send` tries them again")]
    return []


def _nothing_runs(facts: LetterFacts) -> Unsent:
    if facts.held:
        cure = "`digest db held` shows what is owed, `digest db resume` lets it go on"
        return Unsent("hold", "letters are owed, and the database is in HOLD", cure)
    cure = "set the clock right; `digest doctor` tells more"
    return Unsent("clock", "letters are owed, and nothing runs because the clock is behind", cure)


def _stopped(facts: LetterFacts) -> tuple[str, str]:
    numbers = sorted({*facts.stopped, *(slot.edition or 0 for slot in _late(facts, "stopped"))})
    which = ", ".join(map(str, numbers))
    words = f"{counted(len(numbers), 'edition is', 'editions are')} stopped with letters owed: {which}"
    return words, f"`digest approve {numbers[0]}` lets it go on"


def _late(facts: LetterFacts, why: str) -> list[LateSlot]:
    return [slot for slot in facts.late if slot.why == why]


def _named(slots: list[LateSlot]) -> str:
    return ", ".join(f"the {slot.cadence} edition of {slot.day}" for slot in slots)


def _last(facts: LetterFacts) -> datetime:
    return facts.runs.ended or facts.runs.began or facts.existed_since or facts.now
