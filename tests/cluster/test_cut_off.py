"""A worker on a machine of its own is cut off and comes back late: nobody twice, nobody lost, and it goes on.

The machine is a network namespace behind a router that drops packets without a word, as a cable that is pulled.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from digest.store.engine import make_engine, reading
from tests import postgres
from tests.cluster import wire as wires
from tests.cluster.fleet import Fleet, fleets_on, server_or_skip
from tests.figures import Figures
from tests.kills.trial import NOTE, Ground
from tests.transports.fake_sendgrid import FakeSendGrid
from tests.transports.mailserver import Server, Talk

_RECOVERED = 60.0  # seconds within which the others have settled what a cut-off worker had claimed
_NOTICED = 25.0  # seconds within which the server ends the session of its lock; the keepalives say 20
_ALIVE = """
    SELECT l.objid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.classid = 1684629349 AND a.client_addr = '{there}'
    AND a.datname = current_database()
"""


class FarFleet(Fleet):
    """A fleet with one worker on a far machine, in a folder of its own beside that of the others."""

    wire: wires.Wire
    far: subprocess.Popen[bytes]

    def settle_far(self, wire: wires.Wire) -> None:
        """Copy the installation to the far machine, and add that as a host, as docs/cluster.md tells."""
        self.wire, self.there = wire, self.trial.folder / "far"
        ignored = shutil.ignore_patterns("digest.fence*", ".digest.fence*", "*.log")
        shutil.copytree(self.trial.folder, self.there, ignore=ignored)
        name = make_url(self.trial.environ["DIGEST_STORAGE__URL"]).database
        self._environ = self.trial.environ | {
            "DIGEST_STORAGE__URL": f"postgresql+psycopg://postgres@{wire.database}/{name}"
        }
        added = subprocess.run(
            wire.within(sys.executable, "-m", "digest", "db", "add-host", "--name", "far"),
            cwd=self.there, env=self._environ, capture_output=True, text=True,
        )  # fmt: skip
        assert added.returncode == 0, added

    def hire_far(self) -> None:
        """Start the worker there."""
        with (self.there / "worker-far.log").open("wb") as log:
            self.far = subprocess.Popen(
                self.wire.within(sys.executable, "-m", "digest", "worker", "--concurrency", "1", "-v"),
                cwd=self.there, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.workers.append(self.far)

    def claims_there(self, most: float = 120) -> set[int]:
        """Wait until the far worker has letters in hand; return their numbers."""
        began = time.monotonic()
        while time.monotonic() - began < most:
            with reading(self._engine) as conn:
                runs = list(conn.scalars(text(_ALIVE.format(there=self.wire.there))))
                held = text("SELECT id FROM delivery WHERE state = 'claimed' AND run_id = ANY(:runs)")
                if claims := set(conn.scalars(held, {"runs": runs})):
                    return claims
            time.sleep(0.02)
        raise AssertionError(f"the far worker claimed nothing\n{self.said()}")

    def noticed_within(self, most: float = 90) -> float:
        """Wait until no run of the far machine counts as alive; return the seconds that it took."""
        began = time.monotonic()
        while self.ask(_ALIVE.format(there=self.wire.there)) > 0:
            assert time.monotonic() - began < most, f"the server has not noticed the loss\n{self.said()}"
            time.sleep(0.2)
        return time.monotonic() - began

    def stop_others(self) -> None:
        """Let the workers of this host end in order, so that the far one is the only one."""
        for worker in self.workers:
            if worker is not self.far:
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(120) == 0, self.said()

    def new_work_there(self, most: float = 180) -> None:
        """Let the far worker alone gather a note that only its machine has, then end in order."""
        self.stop_others()
        (self.there / "notes" / "two.md").write_text(NOTE.replace("n1", "n2").replace("One", "Two"))
        began = time.monotonic()
        while self.ask("SELECT count(*) FROM entry WHERE title = 'Two'") < 1:
            assert time.monotonic() - began < most, f"it goes on with nothing\n{self.said()}"
            time.sleep(0.2)
        self.far.send_signal(signal.SIGTERM)
        assert self.far.wait(120) == 0, self.said()

    def said(self) -> str:
        """Return the last lines that the processes have told, also the far one."""
        return f"{super().said()}\nfar: {self.told_there()[-6000:]}"

    def told_there(self) -> str:
        """Return what the far worker has told."""
        return (self.there / "worker-far.log").read_text("utf-8", "replace")


FleetOf = Callable[..., FarFleet]


@pytest.fixture(scope="module")
def wire() -> Iterator[wires.Wire]:
    with wires.laid() as made:
        yield made


@pytest.fixture(scope="module")
def server(wire: wires.Wire) -> Iterator[postgres.Cluster]:
    """A server that the far machine reaches."""
    with server_or_skip(f"listen_addresses = '{wire.database}'", "fsync = off") as started:
        started.admit(wire.net)
        yield started


@pytest.fixture
def fleet_of(
    server: postgres.Cluster, wire: wires.Wire, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FleetOf]:
    """`fleet_of(readers, kind)`: a fleet of which one worker may be hired on the far machine."""
    ground = Ground(tmp_path_factory.mktemp("cut"), listen=wire.provider)

    with fleets_on(server, ground, FarFleet) as near:

        def fleet(readers: int, kind: str) -> FarFleet:
            far = near(readers, kind)
            far.settle_far(wire)
            return far

        yield fleet
        wire.mend()
    ground.close()


@pytest.mark.proof
def test_the_server_ends_each_transaction_of_a_machine_that_is_cut_off(
    server: postgres.Cluster, wire: wires.Wire, figure: Figures
) -> None:
    # Any transaction may hold what all others need: that of a claim locks the readers and the row of the fence.
    far = make_engine(f"postgresql+psycopg://postgres@{wire.database}/postgres")
    here = make_engine(server.address)
    connection = wire.call_within(far.connect)
    assert connection.scalar(text("SELECT pg_try_advisory_xact_lock(1)"))
    wire.cut(wire.database)
    began = time.monotonic()
    while time.monotonic() - began < 2 * _NOTICED:
        with reading(here) as conn:
            if conn.scalar(text("SELECT pg_try_advisory_xact_lock(1)")):
                break
        time.sleep(0.2)
    took = time.monotonic() - began
    wire.mend()
    connection.invalidate()
    for engine in (far, here):
        engine.dispose()
    figure(
        "a transaction cut off", goal=f"ended within {_NOTICED:.0f} s", result=f"{took:.0f} s", met=took < _NOTICED
    )


def told(figure: Figures, name: str, noticed: float, recovered: float, states: Counter[str]) -> None:
    goal = f"0 twice, 0 lost, noticed within {_NOTICED:.0f} s, recovered within {_RECOVERED:.0f} s"
    result = f"{dict(states)}, noticed within {noticed:.0f} s, recovered within {recovered:.0f} s"
    figure(name, goal=goal, result=result, met=noticed < _NOTICED and recovered < _RECOVERED)


@pytest.mark.proof
@pytest.mark.parametrize("readers", [1_500, pytest.param(20_000, marks=pytest.mark.proof)])
def test_cut_off_with_a_request_under_way_and_back_when_all_is_settled(
    fleet_of: FleetOf, wire: wires.Wire, readers: int, figure: Figures
) -> None:
    fleet = fleet_of(readers, "sendgrid")
    assert isinstance(fleet.trial.server, FakeSendGrid)
    fleet.trial.server.pause = 20.0
    fleet.hire_far()
    claims = fleet.claims_there()
    fleet.wait_until(1)  # letters have left, and their answer has not come
    wire.cut(wire.database, wire.provider)
    fleet.trial.server.pause = 0.0
    began = time.monotonic()
    fleet.hire(2)
    noticed = fleet.noticed_within()
    fleet.recovered_within(claims)
    recovered = time.monotonic() - began
    fleet.wait_for_end()
    doubts, _ = fleet.judge(readers)
    assert doubts == len(claims), "nobody knows of what was under way, and of the rest everybody"
    wire.mend()
    fleet.new_work_there()
    doubts, states = fleet.judge(readers)
    # The answer may still come where the wire is mended before the request's time limit: then it is recorded.
    assert doubts in (0, len(claims))
    assert "worker: send" in fleet.told_there(), "it has not told how its job ended"
    told(figure, f"{readers} readers, cut off from all", noticed, recovered, states)


def slowly(talk: Talk) -> None:
    """Take a letter after a fifth of a second: with the four connections of a worker, 20 a second."""
    time.sleep(0.2)
    talk.queue()
    talk.reply("250 2.0.0 Ok: queued")


@pytest.mark.proof
def test_cut_off_from_the_database_alone_while_it_goes_on_handing_over(
    fleet_of: FleetOf, wire: wires.Wire, figure: Figures
) -> None:
    readers = 1_100
    fleet = fleet_of(readers, "smtp")
    beside = wire.call_within(lambda: Server({"dot": slowly}))
    near = fleet.trial.server
    assert isinstance(near, Server)
    near.script["dot"] = slowly
    config = fleet.there / "config.toml"
    config.write_text(config.read_text().replace(f"port = {near.port}", f"port = {beside.port}"))
    fleet.trial.arrived = lambda: Counter(letter.to for letter in (*near.queued, *beside.queued))
    fleet.hire_far()
    claims = fleet.claims_there()
    fleet.hire(2)
    while not beside.queued:
        time.sleep(0.05)
    wire.cut(wire.database)
    began, left = time.monotonic(), len(beside.queued)
    noticed = fleet.noticed_within()
    fleet.recovered_within(claims)
    recovered = time.monotonic() - began
    fleet.stop_others()
    assert len(beside.queued) > left, "it handed nothing over while it was cut off"
    while len(beside.queued) < len(claims):
        assert time.monotonic() - began < 300, fleet.said()
        time.sleep(0.1)
    wire.mend()
    fleet.new_work_there()
    doubts, states = fleet.judge(readers)
    beside.close()
    assert doubts == 0, f"what the far worker knew was not recorded\n{fleet.said()}"
    assert "worker: send" in fleet.told_there(), "it has not told how its job ended"
    told(figure, f"{readers} readers, cut off from the database", noticed, recovered, states)
