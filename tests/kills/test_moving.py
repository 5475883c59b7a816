"""Killed while it moves to PostgreSQL: at every moment one of the two databases sends, and never both."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import update

from digest.errors import DatabaseMoved
from digest.store import migrate
from digest.store.engine import make_engine, writing
from digest.store.fence import Fence
from subscribers.tables import subscriber
from tests.kills.conftest import TrialOf
from tests.kills.trial import READERS, Trial
from tests.postgres import Databases

KILLED = -signal.SIGKILL
RANDOM_KILLS = 20
BEFORE = (
    "fence follows: committed",
    "upgrade: before commit",
    "begin move: before commit",
    "begin move: committed",
    "move: a table copied",
    "move: a table copied*30",
    "move: copied",
    "copy: before commit",
    "copy: committed",
)
AFTER = ("move: handed over", "end move: before commit", "end move: committed", "fence follows: committed*2")
# The note stands from a move that was killed before.
LATE = ("end move late: before commit", "end move late: committed")


@contextmanager
def ready(trial_of: TrialOf, postgresql: Databases, readers: int = READERS) -> Iterator[tuple[Trial, Trial]]:
    """Yield a trial that owes letters, on SQLite, and the same with the url of an empty database."""
    url = postgresql.new()
    with trial_of("file", "sqlite", readers=readers) as old:
        yield old, replace(old, environ=old.environ | {"DIGEST_STORAGE__URL": url})
    postgresql.drop(url)


def sender(old: Trial, new: Trial) -> Trial:
    """Return the trial that may send; the other may not."""
    (only,) = [trial for trial in (old, new) if may_send(trial)]
    return only


def may_send(trial: Trial) -> bool:
    engine = make_engine(trial.environ.get("DIGEST_STORAGE__URL", f"sqlite:///{trial.folder}/digest.db"))
    try:
        return bool(migrate.check_schema(engine)) and not Fence(engine, trial.folder / "digest.fence").why()
    finally:
        engine.dispose()


def takes_changes(trial: Trial) -> bool:
    """Return whether a change of a reader is stored in the database."""
    place = trial.place()
    try:
        with writing(place.engine) as conn:
            return conn.execute(update(subscriber).values(silence_notices=False)).rowcount > 0
    except DatabaseMoved:
        return False
    finally:
        place.close()


def killed(old: Trial, new: Trial, at: str) -> None:
    ended = old.run("db", "move", new.environ["DIGEST_STORAGE__URL"], failpoint=at).wait()
    assert ended.code == KILLED, f"{at} was not passed: {ended}"


def goes_on(old: Trial, new: Trial) -> None:
    """Send with the database that may, end the move, and find that every reader had one letter."""
    only = sender(old, new)
    only.finish()
    assert only is sender(old, new)
    ended = old.run("db", "move", new.environ["DIGEST_STORAGE__URL"]).wait()
    assert ended.code == 0, ended
    assert sender(old, new) is new and not takes_changes(old)
    new.finish()
    new.judge()
    assert new.arrived().total() == READERS
    assert old.run("run").wait().code == 4


@pytest.mark.kills
@pytest.mark.parametrize("place", [*BEFORE, *AFTER])
def test_killed_at_each_place_one_of_both_sends(trial_of: TrialOf, postgresql: Databases, place: str) -> None:
    with ready(trial_of, postgresql) as (old, new):
        killed(old, new, place)
        assert sender(old, new) is (new if place in AFTER else old)
        assert takes_changes(old) is (place in BEFORE)
        goes_on(old, new)
        if place in BEFORE:
            assert new.count("SELECT count(*) FROM subscriber WHERE NOT silence_notices") == READERS


def test_killed_between_the_hand_over_and_the_end(trial_of: TrialOf, postgresql: Databases) -> None:
    with ready(trial_of, postgresql) as (old, new):
        killed(old, new, "move: handed over")
        assert sender(old, new) is new and not takes_changes(old)
        goes_on(old, new)


@pytest.mark.kills
@pytest.mark.parametrize("place", LATE)
def test_killed_again_while_it_ends(trial_of: TrialOf, postgresql: Databases, place: str) -> None:
    with ready(trial_of, postgresql) as (old, new):
        killed(old, new, "move: handed over")
        killed(old, new, place)
        assert sender(old, new) is new and not takes_changes(old)
        goes_on(old, new)


@pytest.mark.kills
def test_killed_again_before_the_copy_is_replaced(trial_of: TrialOf, postgresql: Databases) -> None:
    with ready(trial_of, postgresql) as (old, new):
        for place in ("copy: committed", "begin move: committed", "move: a table copied", "move: copied"):
            killed(old, new, place)
            assert sender(old, new) is old and takes_changes(old)
        goes_on(old, new)


@pytest.mark.kills
def test_killed_and_moved_elsewhere_the_first_copy_never_sends(trial_of: TrialOf, postgresql: Databases) -> None:
    other_url = postgresql.new()
    with ready(trial_of, postgresql) as (old, new):
        other = replace(new, environ=old.environ | {"DIGEST_STORAGE__URL": other_url})
        killed(old, other, "copy: committed")
        assert not may_send(other)
        goes_on(old, new)
        assert not may_send(other)
        ended = other.run("run").wait()
        assert ended.code == 4 and "the move into it has not ended" in ended.said
    postgresql.drop(other_url)


@pytest.mark.kills
def test_killed_at_random(trial_of: TrialOf, postgresql: Databases) -> None:
    chance = random.Random(15)
    took, killed_ones = 0.0, 0
    for _ in range(RANDOM_KILLS + 1):
        with ready(trial_of, postgresql) as (old, new):
            url = new.environ["DIGEST_STORAGE__URL"]
            running = old.run("db", "move", url)
            if not took:
                took = running.wait().seconds
            else:
                time.sleep(chance.uniform(0, took))
                running.signal(signal.SIGKILL)
                killed_ones += running.wait().code == KILLED
            goes_on(old, new)
    assert killed_ones > RANDOM_KILLS // 2
