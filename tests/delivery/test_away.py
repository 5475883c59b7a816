"""A database that goes away between the answers and their record: a run waits for it, and tells how that ended."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline
from digest.delivery.recover import recover
from digest.delivery.run import Run
from digest.errors import TryLater
from digest.installation import Installation
from digest.store import migrate
from digest.store.engine import make_engine
from digest.system import stopping
from digest.transports.base import Outcome, Parcel, Transport
from tests import postgres
from tests.house import House
from tests.test_send import Recorder, freeze, hand_over, receipt


class Striking(Recorder):
    """Takes the server down after some answers, and lets it come back a moment later."""

    def __init__(self, cluster: postgres.Cluster, after: int) -> None:
        super().__init__()
        self._cluster, self._after = cluster, after
        self.back = threading.Timer(1.5, cluster.control, ["start"])

    def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
        for number, outcome in enumerate(super().hand_over(parcels), 1):
            yield outcome
            if number == self._after:
                self._cluster.control("stop", "-m", "immediate")
                self.back.start()


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    """A server that may be taken down."""
    with postgres.cluster() as server:
        if server is None and postgres.REQUIRED:
            pytest.fail(postgres.MISSING)
        if server is None:
            pytest.skip(postgres.MISSING)
        yield server


@pytest.mark.long
@pytest.mark.parametrize("after", [1, 3, 5])
def test_answers_that_came_are_recorded_when_the_server_is_back(
    tmp_path: Path, cluster: postgres.Cluster, after: int
) -> None:
    databases = postgres.Databases(cluster.address)
    url = databases.new()
    databases.close()
    engine = make_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    house = House(tmp_path / "house", url)
    house.run()
    for n in range(5):
        house.reader(f"r{n}@example.org")
    house.publish("A street for walking")
    number = freeze(house)
    transport = Striking(cluster, after)
    with pytest.raises(TryLater, match="every answer that came is recorded"):
        hand_over(house, number, transport)
    transport.back.join()
    assert (receipt(house, number).accepted, receipt(house, number).uncertain) == (5, 0)
    assert not recover(Run(house.place, Recorder()))
    assert len(transport.taken) == 5
    house.close()


class Locked(Installation):
    """An installation whose database is locked by another program once its letters are answered.

    It does not wait for locks, and is asked to stop then.
    """

    def __init__(self, house: House) -> None:
        super().__init__(house.settings, house.now)
        self.__dict__["engine"] = make_engine(house.settings.storage_url, wait=0)
        self.other = sqlite3.connect(house.folder / "digest.db", isolation_level=None)

    def transport(self) -> Transport:
        installation = self

        class Locking(Recorder):
            def hand_over(self, parcels: Sequence[Parcel]) -> Iterator[Outcome]:
                yield from super().hand_over(parcels)
                installation.other.execute("BEGIN IMMEDIATE")
                stopping.request_stop()

        return Locking()


@pytest.mark.long
def test_a_run_that_is_stopped_while_it_waits_tells_what_is_in_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "_asked", False)
    house = House(tmp_path / "house")
    house.run()
    house.reader("r@example.org")
    house.publish("A street for walking")
    house.now += timedelta(days=4)
    locked = Locked(house)
    with pytest.raises(TryLater, match=r"asked to stop before it was back.*digest settle"):
        pipeline.run(locked)
    locked.other.close()
    locked.engine.dispose()
    monkeypatch.setattr(stopping, "_asked", False)
    assert recover(Run(house.place, Recorder())).total() == 1
    house.close()
