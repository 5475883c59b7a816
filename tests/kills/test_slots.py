"""Slot mode, killed: what a dead run left in doubt is taken back and sent again, so that nothing stays in doubt."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from datetime import datetime

import pytest

from tests.figures import Figures
from tests.kills.trial import FRIDAY, Ground, Trial
from tests.transports.fake_sendgrid import FakeSendGrid

PLACES = (
    "claim: committed",
    "claim: fence kept",
    "hand-over: composed",
    "request: committed",
    "hand-over: one answered",
    "hand-over: all answered",
    "record: before commit",
    "record: committed",
)
AFTER_A_LOST_ANSWER = ("take back: committed", "take back: cancelled", "taken back: committed")


def slot_trial(ground: Ground) -> tuple[Trial, FakeSendGrid]:
    """Return a trial at nine o'clock whose letters are to arrive at two, and its provider."""
    one = ground.trial("sendgrid")
    config = one.folder / "config.toml"
    config.write_text(config.read_text().replace('"fri 08:00"', '"fri 14:00"\nahead = "5 hours"'))
    fake = ground.servers[-1]
    assert isinstance(fake, FakeSendGrid)
    fake.now = datetime.fromisoformat(FRIDAY).timestamp()
    one.arrived = lambda: Counter(m.to for m in fake.queued if not fake._discarded(m))
    return one, fake


def check(one: Trial, fake: FakeSendGrid) -> None:
    one.finish()
    fake.arrive()
    assert one.judge() == []
    assert {message.send_at for message in fake.queued} == {int(fake.now) + 5 * 3600}


@pytest.mark.kills
@pytest.mark.parametrize("place", PLACES)
def test_killed_at_each_place_nothing_stays_in_doubt(ground: Ground, place: str) -> None:
    one, fake = slot_trial(ground)
    killed = one.start(place)
    said, _ = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL, said.decode()
    check(one, fake)


@pytest.mark.kills
@pytest.mark.parametrize("fault", ["take reset", "reset", "late"])
@pytest.mark.parametrize("place", AFTER_A_LOST_ANSWER)
def test_killed_while_a_lost_answer_is_taken_back(ground: Ground, place: str, fault: str) -> None:
    one, fake = slot_trial(ground)
    fake.faults.append(fault)
    killed = one.start(place)
    said, _ = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL, said.decode()
    check(one, fake)


@pytest.mark.proof
def test_killed_at_random_moments_in_slot_mode(ground: Ground, figure: Figures) -> None:
    wanted = int(os.environ.get("DIGEST_SLOT_KILLS", "200"))
    seed = int(os.environ.get("DIGEST_SEED", str(random.randrange(10**6))))
    dice = random.Random(f"{seed} slots")
    kills = runs = 0
    while kills < wanted:
        one, fake = slot_trial(ground)
        fake.faults.extend(dice.choices(["", "", "take reset", "reset", "late"], k=2))
        for _ in range(dice.randint(1, 3)):
            run = one.run()
            time.sleep(dice.uniform(0.0, 0.6))
            one.kill(run)
        check(one, fake)
        runs, kills = runs + 1, kills + one.kills
        ground.done(one)
    name = f"11 slot mode, random kill -9 (seed {seed})"
    figure(name, goal="0 lost, 0 twice, 0 in doubt", result=f"0, 0, 0 in {runs} runs, {kills} kills", met=True)
