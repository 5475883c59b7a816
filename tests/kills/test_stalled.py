"""A run that falls asleep at any place of the hand-over, and wakes when another has gone on: nobody twice.

As long as it sleeps it keeps the run lock, and others are turned away. It may lose the lock, by a firewall that
forgets its connection, or an operator who removes a lock file: then two runs are under way at once.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.counts import spread
from tests.figures import Figures
from tests.kills.claims import Claims
from tests.kills.conftest import DatabaseOf, TrialOf
from tests.kills.trial import TRANSPORTS, Ended, Running, Trial

RUNS = int(os.environ.get("DIGEST_STALL_RUNS", "216"))
CLAIMS = int(os.environ.get("DIGEST_CLAIM_RACES", "1000"))
PLACES = (
    "freeze: committed", "claim: before commit", "claim: committed", "claim: fence kept", "hand-over: composed",
    "hand-over: one answered", "hand-over: all answered", "record: before commit", "record: committed",
)  # fmt: skip
# Inside a transaction of SQLite's: its own lock keeps all others out, whatever became of ours.
_INSIDE = ("claim: before commit", "record: before commit")
_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
_LOCK = " AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@contextmanager
def sleeping(one: Trial, place: str) -> Iterator[Running]:
    """A run that sleeps at a place; gone at the end of the block."""
    # The first pass of these is the daily edition's, which has no readers.
    sleeper = one.asleep(f"{place}*2" if place.startswith(("freeze", "claim")) else place)
    try:
        yield sleeper
    except BaseException:
        with suppress(ValueError):  # it has ended, and was waited for
            sleeper.signal(signal.SIGKILL)
        raise


def wake(sleeper: Running) -> Ended:
    sleeper.signal(signal.SIGCONT)
    return sleeper.wait()


def ask(url: str, question: str) -> int:
    """Ask the server from outside the program."""
    other = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with other.connect() as conn:
            others = question if question == _WAITING else f"{question} AND pid <> pg_backend_pid()"
            return int(conn.scalar(text(others)) or 0)
    finally:
        other.dispose()


def lose_lock(one: Trial, all_sessions: bool = False) -> None:
    """Take the lock from a run that sleeps, as the world may."""
    if not (url := address(one)):
        (one.folder / "digest.db.lock").unlink()
    else:
        ask(url, _SESSIONS + ("" if all_sessions else _LOCK))


def address(one: Trial) -> str:
    return one.environ.get("DIGEST_STORAGE__URL", "")


def until_over_or_waiting(second: Running, url: str) -> None:
    """Wait until a run has ended, or waits for a row that the sleeper holds."""
    while not second.over() and not (url and ask(url, _WAITING)):
        time.sleep(0.05)


def check_asleep_with_its_lock(one: Trial, place: str) -> int:
    """Return how many were in doubt: none."""
    with sleeping(one, place) as sleeper:
        second = one.run().wait()
        assert second.code == 75, second
        first = wake(sleeper)
        assert first.code == 0, first
    one.finish()
    doubts = one.judge()
    assert doubts == []
    return len(doubts)


def check_asleep_without_its_lock(one: Trial, place: str, all_sessions: bool = False) -> int:
    """Return how many were in doubt; whoever got a letter got one."""
    with sleeping(one, place) as sleeper:
        lose_lock(one, all_sessions)
        second = one.run()
        until_over_or_waiting(second, address(one))
        for ended in (wake(sleeper), second.wait()):
            assert ended.code in (0, 4, 75), ended
    last = one.finish()
    # What the sleeper did when it woke must not stop the others.
    assert "HOLD" not in last.said, last
    return len(one.judge())


@pytest.mark.kills
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_who_sleeps_keeps_the_lock(trial_of: TrialOf, engine: str) -> None:
    with trial_of("smtp", engine) as one:
        check_asleep_with_its_lock(one, "hand-over: composed")


@pytest.mark.kills
@pytest.mark.parametrize("place", ["claim: committed", "hand-over: one answered"])
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_who_lost_the_lock_sends_nothing_twice(trial_of: TrialOf, engine: str, place: str) -> None:
    with trial_of("smtp", engine) as one:
        check_asleep_without_its_lock(one, place)


@pytest.mark.kills
@pytest.mark.parametrize("place", ["claim: committed", "claim: fence kept", "hand-over: composed"])
def test_what_a_person_gave_to_another_run_is_left_alone(trial_of: TrialOf, place: str) -> None:
    """Their answer to a doubt was right when they gave it: nothing had been handed over."""
    with trial_of("smtp", "sqlite") as one, sleeping(one, place) as sleeper:
        lose_lock(one)
        assert one.run().wait().code in (0, 4)
        assert one.run("settle", "--all", "--as", "resend", "--by", "Ann").wait().code in (0, 4)
        second = one.run().wait()
        assert second.code == 0, second
        first = wake(sleeper)
        assert first.code in (0, 75), first
        one.finish()
        assert one.judge() == []


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_asleep_at_each_place(trial_of: TrialOf, kind: str, engine: str, figure: Figures) -> None:
    ways: list[Callable[[Trial, str], int]] = [check_asleep_with_its_lock, check_asleep_without_its_lock]
    if engine == "postgresql":
        ways.append(lambda one, place: check_asleep_without_its_lock(one, place, all_sessions=True))
    places = [one for one in PLACES if engine == "postgresql" or one not in _INSIDE]
    table = [(way, place) for way in ways for place in places]
    runs, in_doubt = max(RUNS // 6, len(table)), 0
    for n in range(runs):
        way, place = table[n % len(table)]
        with trial_of(kind, engine) as one:
            in_doubt += way(one, place)
    figure(
        f"10 asleep, then awake, {kind} on {engine}",
        goal="0 twice, 0 lost",
        result=f"0, 0 in {runs} runs, {in_doubt} in doubt",
        met=True,
    )


@pytest.mark.parametrize("engine", spread(1, ["sqlite", "postgresql"]))
def test_two_who_both_believe_in_their_lock_claim_nothing_twice(
    tmp_path: Path, engine: str, database_of: DatabaseOf
) -> None:
    with database_of(engine) as url:
        assert claimed_twice(tmp_path / "house", url, 4, random.Random(1)) == 0


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_two_claim_at_once(tmp_path: Path, engine: str, figure: Figures, database_of: DatabaseOf) -> None:
    seed = int(os.environ.get("DIGEST_SEED", str(random.randrange(10**6))))
    with database_of(engine) as url:
        twice = claimed_twice(tmp_path / "house", url, CLAIMS, random.Random(seed))
    name = f"10 two runs claim at once, {engine} (seed {seed})"
    figure(name, goal="0 claimed twice", result=f"{twice} in {CLAIMS} races", met=twice == 0)


def claimed_twice(folder: Path, url: str, races: int, dice: random.Random) -> int:
    """Let two runs claim at once, again and again; return how many letters both would have handed over."""
    claims = Claims(folder, url, 20)
    runs = [claims.run(claims.engine()) for _ in range(2)]
    twice = 0
    for _ in range(races):
        got: Counter[int] = Counter()
        gate = threading.Barrier(2)

        def claim(run: Callable[[], list[int]], pause: float, got: Counter[int], gate: threading.Barrier) -> None:
            gate.wait()
            time.sleep(pause)
            got.update(run())

        threads = [threading.Thread(target=claim, args=(run, dice.uniform(0, 0.004), got, gate)) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        twice += sum(count - 1 for count in got.values())
        claims.again()
    claims.close()
    return twice
