"""A story: workers of one PostgreSQL database gather, freeze and send an edition, and its account balances."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from digest.cluster.schema import upgrade_queue
from digest.model import Receipt
from digest.operations.run_report import receipt_now
from digest.store import editions
from digest.store.engine import reading
from tests.house import House

READERS = 200
PATIENCE = 60  # seconds, on a busy machine


class Crew:
    """Workers of a house as processes, at the house's hour."""

    def __init__(self, house: House, url: str) -> None:
        self.house = house
        self.environ = {
            **os.environ, "DIGEST_STORAGE__URL": url, "DIGEST_CLUSTER__ENABLED": "true",
            "PYTHONPATH": str(Path.cwd()),
        }  # fmt: skip
        self.running: list[subprocess.Popen[str]] = []

    def digest(self, *words: str) -> list[str]:
        """Return the words of a command line of the house."""
        now = self.house.now.isoformat()
        return [sys.executable, "-m", "digest", "--config", str(self.house.config), "--now", now, *words]

    def run(self, *words: str) -> str:
        """Run a command to its end; return what it prints."""
        done = subprocess.run(self.digest(*words), env=self.environ, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode in (0, 1, 4), done.stderr
        return done.stdout

    def hire(self, *options: str) -> subprocess.Popen[str]:
        """Start a worker."""
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        self.running.append(subprocess.Popen(self.digest("worker", "-v", *options), env=self.environ, **streams))
        return self.running[-1]

    def end(self) -> list[str]:
        """Stop all workers in good order; return what they told."""
        for worker in self.running:
            worker.terminate()
        told = [worker.communicate(timeout=PATIENCE)[1] for worker in self.running]
        assert all(worker.returncode in (0, -9) for worker in self.running), told
        return told


@pytest.fixture
def crew(tmp_path: Path, postgresql_url: str) -> Iterator[Crew]:
    """Workers of a house with many readers, shortly after an edition has fallen due; the queue is made."""
    house = House(tmp_path / "house", postgresql_url)
    house.run()
    for number in range(READERS):
        house.reader(f"r{number}@example.org")
    house.publish("A street for walking")
    house.now += timedelta(days=4)
    upgrade_queue(house.place.engine)
    crew = Crew(house, postgresql_url)
    yield crew
    for worker in crew.running:
        if worker.poll() is None:
            worker.kill()
            worker.communicate()
    house.close()


def _receipt(house: House) -> Receipt | None:
    with reading(house.place.engine) as conn:
        frozen = [edition for edition in editions.listing(conn) if edition.cadence == "weekly" and edition.frozen_at]
    return receipt_now(house.place, frozen[0].id) if frozen else None


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.1)


@pytest.mark.long
def test_two_workers_send_an_edition(crew: Crew) -> None:
    crew.hire()
    crew.hire("--concurrency", "2")

    def is_sent() -> bool:
        receipt = _receipt(crew.house)
        return receipt is not None and receipt.accepted == READERS

    _wait(is_sent)
    told = crew.end()
    receipt = _receipt(crew.house)
    assert receipt is not None and receipt.balanced and receipt.uncertain == 0, told
    letters = Counter(path.name for path in (crew.house.folder / "letters").rglob("*.eml"))
    assert sum(letters.values()) == READERS, letters
