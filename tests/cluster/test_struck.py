"""A fleet that is struck: workers, a scheduler and the server are killed midway; nobody twice, nobody lost."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests import postgres
from tests.cluster.fleet import Fleet, fleets_on, server_or_skip
from tests.figures import Figures
from tests.kills.test_random import seed
from tests.kills.trial import Ground

FleetOf = Callable[..., Fleet]
_RECOVERED = 60.0  # seconds within which the letters of a dead worker are settled


@pytest.fixture
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    ground = Ground(tmp_path_factory.mktemp("fleet"))
    yield ground
    ground.close()


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Cluster]:
    """A server that may be struck down, and that keeps what it has committed."""
    with server_or_skip("fsync = on", "synchronous_commit = on") as started:
        yield started


@pytest.fixture
def fleet_of(server: postgres.Cluster, ground: Ground) -> Iterator[FleetOf]:
    """`fleet_of(readers, kind)`: an installation with a queue and so many readers, whose weekly edition is due."""
    with fleets_on(server, ground, Fleet) as fleet:
        yield fleet


def kill_while_they_send(fleet: Fleet) -> float:
    """Kill three of four workers while two have claims; return the seconds until no claim of that moment stands."""
    until = time.monotonic() + 300
    while fleet.ask("SELECT count(DISTINCT run_id) FROM delivery WHERE state = 'claimed'") < 2:
        assert time.monotonic() < until, fleet.said()
        fleet.revive()
        time.sleep(0.01)
    claims = fleet.claims_now()
    for worker in fleet.workers[-3:]:
        worker.send_signal(signal.SIGKILL)
    fleet.hire(3)
    return fleet.recovered_within(claims)


@pytest.mark.kills
@pytest.mark.parametrize(
    "readers", [9_000, pytest.param(100_000, marks=pytest.mark.proof)]
)  # the second alone shows what the promise says
def test_workers_a_scheduler_and_the_server_die_midway(
    fleet_of: FleetOf, server: postgres.Cluster, readers: int, figure: Figures
) -> None:
    fleet = fleet_of(readers, "sendgrid")
    fleet.schedulers += [fleet.begin("schedule") for _ in range(2)]
    fleet.hire(4)
    waits = []
    fleet.wait_until(readers // 10)
    waits.append(kill_while_they_send(fleet))
    fleet.schedulers[0].send_signal(signal.SIGKILL)
    server.restart()
    fleet.wait_until(readers // 3)
    waits.append(kill_while_they_send(fleet))
    fleet.wait_for_end()
    doubts, states = fleet.judge(readers)
    result = f"{dict(states)}, recovered within {max(waits):.0f} s"
    goal = "0 twice, 0 lost, recovered within 60 s"
    figure(f"{readers} readers, struck", goal=goal, result=result, met=max(waits) < _RECOVERED)
    assert 0 < doubts < readers, "no worker was killed with letters in hand"


@pytest.mark.kills
@pytest.mark.parametrize("kills", [12, pytest.param(200, marks=pytest.mark.proof)])
def test_a_fleet_of_which_workers_are_killed_at_random(fleet_of: FleetOf, kills: int, figure: Figures) -> None:
    dice, done, trials = random.Random(seed()), 0, 0
    while done < kills:
        fleet = fleet_of(2_000, "file")
        fleet.hire(4)
        while not fleet.has_ended():
            time.sleep(dice.uniform(0.0, 1.5))
            if done < kills:
                number = dice.randrange(4)
                fleet.workers[number].send_signal(signal.SIGKILL)
                fleet.workers[number].wait()
                fleet.workers[number] = fleet.begin("worker", "--concurrency", "1")
                done += 1
        fleet.judge(2_000)
        fleet.close()
        trials += 1
    figure("killed at random", goal="0 twice, 0 lost", result=f"{done} kills in {trials} trials", met=True)
