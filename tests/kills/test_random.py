"""Killed at random moments, again and again: nobody twice, nobody forgotten, and little in doubt."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.figures import Figures
from tests.kills.conftest import DatabaseOf
from tests.kills.trial import READERS, TRANSPORTS, Ground, Trial


def kill_at_random(one: Trial, dice: random.Random, most: int) -> None:
    for _ in range(dice.randint(1, most)):
        run = one.run()
        time.sleep(dice.uniform(0.0, 0.8))
        one.kill(run)


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_killed_at_random_moments(
    ground: Ground, kind: str, engine: str, figure: Figures, database_of: DatabaseOf
) -> None:
    runs = int(os.environ.get("DIGEST_KILL_RUNS", "20"))
    seed = int(os.environ.get("DIGEST_SEED", str(random.randrange(10**6))))
    dice = random.Random(f"{seed} {kind} {engine}")
    kills = in_doubt = 0
    for _ in range(runs):
        with database_of(engine) as url:
            one = ground.trial(kind, url)
            kill_at_random(one, dice, 3)
            one.finish()
            doubts = len(one.judge())
            assert doubts <= one.kills * READERS
            kills, in_doubt = kills + one.kills, in_doubt + doubts
            ground.done(one)
    name = f"3 random kill -9, {kind} on {engine} (seed {seed})"
    figure(name, goal="0 lost, 0 twice", result=f"0, 0 in {runs} runs, {kills} kills, {in_doubt} in doubt", met=True)
