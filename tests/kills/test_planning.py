"""Killed while an edition is planned, and between an editor's word and the sending: nobody is left out."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from sqlalchemy import insert

from digest.store.engine import writing
from subscribers.model import Interests
from subscribers.rows import interest_columns
from subscribers.tables import subscriber
from tests.figures import Figures
from tests.kills.conftest import TrialOf
from tests.kills.trial import FRIDAY, READERS, Trial

RUNS = int(os.environ.get("DIGEST_PLAN_RUNS", "50"))
CROWD = 10_400  # no whole number of pages: a dropped tail would be seen
# A page is 1,000 readers: killed after each tenth, at the end, and on the way to the commit. The daily edition,
# which is planned before, has no reader and so no page.
PLACES = (*(f"planned: one page*{n}" for n in range(1, 11)), "planned: all pages*2", "freeze: before commit*2")
_PLANNED = f"""
    SELECT count(*) FROM delivery d JOIN edition e ON e.id = d.edition_id
    WHERE e.cadence = 'weekly' AND e.slot = '{FRIDAY[:10]}'
"""
APPROVAL = '[cadence.weekly]\nat = "fri 08:00"\napproval = "required"\n'


def crowd(one: Trial) -> None:
    """Let there be so many readers who follow something else that planning takes its time."""
    place = one.place()
    columns = interest_columns(Interests(frozenset({"transport"})))
    rows = [
        {
            "email": f"c{n}@example.org", "email_key": f"c{n}@example.org", "name": "", "cadence": "weekly",
            "language": "en", "state": "active", "joined_at": place.clock(), "created_at": place.clock(), **columns,
        }
        for n in range(CROWD - READERS)
    ]  # fmt: skip
    with writing(place.engine) as conn:
        conn.execute(insert(subscriber), rows)
    place.engine.dispose()


def check_planning(one: Trial, place: str) -> None:
    """Die at a place of the planning; the next run plans all, and all who follow the entry get it."""
    killed = one.run(failpoint=place).wait()
    assert killed.code == -signal.SIGKILL, killed
    one.check_books()
    assert one.count(_PLANNED) == 0
    assert one.arrived().total() == 0
    one.finish()
    assert one.count(_PLANNED) == one.count("SELECT count(*) FROM subscriber WHERE cadence = 'weekly'") == CROWD
    assert one.judge(eligible=CROWD) == []
    assert one.arrived().total() == READERS


@pytest.mark.kills
def test_killed_half_way_through_the_planning(trial_of: TrialOf) -> None:
    with trial_of("file", "sqlite") as one:
        crowd(one)
        check_planning(one, "planned: one page*5")


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_killed_at_each_tenth_of_the_planning(trial_of: TrialOf, engine: str, figure: Figures) -> None:
    runs = max(RUNS // 2, len(PLACES))
    for n in range(runs):
        with trial_of("file", engine) as one:
            crowd(one)
            check_planning(one, PLACES[n % len(PLACES)])
    result = f"equal in {runs} runs of {CROWD:,} readers"
    figure(f"17 planning killed at 10 % to 100 %, {engine}", goal="planned = eligible", result=result, met=True)


def check_approved(one: Trial, dice: random.Random) -> int:
    """Ask for approval, kill the approval and the runs after it at random; return how many kills it took."""
    config = one.folder / "config.toml"
    config.write_text(config.read_text().replace('[cadence.weekly]\nat = "fri 08:00"\n', APPROVAL))
    waits = one.run().wait()
    assert waits.code == 4, waits
    number = one.count(f"SELECT id FROM edition WHERE slot = '{FRIDAY[:10]}' AND cadence = 'weekly'")
    word = one.run("approve", str(number), "--by", "Ann")
    time.sleep(dice.uniform(0, 0.3))
    word.signal(signal.SIGKILL)
    draft = f"SELECT count(*) FROM edition WHERE id = {number} AND state = 'draft'"
    if word.wait().code != 0 and one.count(draft):
        # Nobody was told that it is approved, and it is not: the editor says so again.
        assert one.run("approve", str(number), "--by", "Ann").wait().code == 0
    # From here on nobody helps.
    for place in (dice.choice(["planned: all pages", "freeze: before commit"]), "freeze: committed"):
        killed = one.run(failpoint=place).wait()
        assert killed.code == -signal.SIGKILL, killed
        one.kills += 1
        one.check_books()
    ended = one.finish()
    assert ended.code == 0, ended
    assert one.judge() == []
    assert one.arrived().total() == READERS
    return one.kills


@pytest.mark.kills
def test_what_is_approved_goes_out_without_help(trial_of: TrialOf) -> None:
    with trial_of("smtp", "postgresql") as one:
        check_approved(one, random.Random(1))


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_approved_then_killed(trial_of: TrialOf, engine: str, figure: Figures) -> None:
    seed = int(os.environ.get("DIGEST_SEED", str(random.randrange(10**6))))
    dice = random.Random(seed)
    kills = 0
    for _ in range(RUNS):
        with trial_of("smtp", engine) as one:
            kills += check_approved(one, dice)
    result = f"all in {RUNS} runs, {kills} kills after the approval"
    figure(f"17 approved, then killed, {engine} (seed {seed})", goal="sent without help", result=result, met=True)
