"""Killed at random moments, again and again: nobody twice, nobody forgotten, and little in doubt."""

from __future__ import annotations

import math
import os
import random
import time
from dataclasses import dataclass

import pytest

from tests.figures import Figures
from tests.kills import doubts
from tests.kills.conftest import TrialOf
from tests.kills.trial import TRANSPORTS, Running, Trial

HELD_BACK = 75  # the exit code of a run that finds another at work
_SAMPLE = 12  # one trial in so many is taken up again by a new process, and the time measured


@dataclass
class Tally:
    """What was done and seen in many trials."""

    trials: int = 0
    kills: int = 0
    overlapped: int = 0  # times that two runs were started at once
    held_back: int = 0  # of which one found the other at work
    in_doubt: int = 0  # batches
    resumed: int = 0
    slowest: float = 0  # seconds from the start of a new process to its first letter or its end


def length_of(one: Trial) -> float:
    """Return how long a run takes that nobody kills."""
    return one.run().wait().seconds


def wait_for_a_moment(one: Trial, runs: list[Running], dice: random.Random, length: float) -> None:
    """Wait for any moment of a run's length or, one time in three, until letters are on their way."""
    if dice.random() < 2 / 3:
        time.sleep(dice.uniform(0.0, length))
        return
    before = one.arrived().total()
    while one.arrived().total() == before and not all(run.over() for run in runs):
        time.sleep(0.002)
    time.sleep(dice.uniform(0.0, 0.05))


def kill_at_random(one: Trial, dice: random.Random, length: float, tally: Tally) -> None:
    """Start runs, now and then two at once, and kill each at a moment of its length, at most 3 times."""
    for _ in range(dice.randint(1, 3)):
        two = dice.random() < 0.2
        runs = [one.run() for _ in range(1 + two)]
        wait_for_a_moment(one, runs, dice, length)
        codes = [one.kill(run).code for run in runs]
        tally.overlapped += two
        tally.held_back += HELD_BACK in codes
        assert set(codes) <= {-9, 0, 4, *([HELD_BACK] if two else [])}, codes


def resume(one: Trial) -> float:
    """Go on by a new process; return the seconds until something arrived, or else until it ended."""
    before = one.arrived().total()
    began = time.monotonic()
    process = one.start()
    while process.poll() is None and one.arrived().total() == before:
        time.sleep(0.01)
    seconds = time.monotonic() - began
    said, _ = process.communicate(timeout=120)
    assert process.returncode in (0, 4), said.decode()
    one.check_books()
    return seconds


def check_kills(trial_of: TrialOf, kind: str, engine: str, kills: int, dice: random.Random) -> Tally:
    tally = Tally()
    with trial_of(kind, engine) as one:
        length = length_of(one)
        one.judge()
    while tally.kills < kills:
        with trial_of(kind, engine) as one:
            kill_at_random(one, dice, length, tally)
            if tally.trials % _SAMPLE == 0:
                tally.resumed += 1
                tally.slowest = max(tally.slowest, resume(one))
            one.finish()
            in_doubt = doubts.check(one, 0 if kind == "file" else one.kills)
            tally.trials, tally.kills, tally.in_doubt = (
                tally.trials + 1,
                tally.kills + one.kills,
                tally.in_doubt + in_doubt,
            )
    return tally


def seed() -> int:
    return int(os.environ.get("DIGEST_SEED", str(random.randrange(10**6))))


@pytest.mark.kills
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_killed_at_some_random_moments(trial_of: TrialOf, kind: str) -> None:
    check_kills(trial_of, kind, "sqlite", 12, random.Random(f"{seed()} {kind}"))


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_killed_at_random_moments(trial_of: TrialOf, kind: str, engine: str, figure: Figures) -> None:
    wanted = math.ceil(int(os.environ.get("DIGEST_KILLS", "1000")) / len(TRANSPORTS))
    chosen = seed()
    tally = check_kills(trial_of, kind, engine, wanted, random.Random(f"{chosen} {kind} {engine}"))
    name = f"3 random kill -9, {kind} on {engine} (seed {chosen})"
    figure(
        name,
        goal=f"{wanted} kills: 0 lost, 0 twice, batches in doubt <= kills and all listed",
        result=f"{tally.kills} kills in {tally.trials} trials: 0, 0, {tally.in_doubt} in doubt, all listed;"
        f" {tally.overlapped} times 2 runs at once, {tally.held_back} held back",
        met=tally.kills >= wanted,
    )
    busy = os.getloadavg()[0] > 2 * (os.cpu_count() or 1)
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores" + (", too busy to judge" if busy else "")
    figure(
        f"3 resumed after a kill, {kind} on {engine} (seed {chosen})",
        goal="<= 5 s",
        result=f"{tally.slowest:.2f} s at most, {tally.resumed} new processes; {load}",
        met=tally.slowest <= 5 or busy,
    )
