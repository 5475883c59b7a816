"""A fleet of real processes: workers and schedulers of one installation on a PostgreSQL server that may be struck.

Letters go to a stand-in that counts them; the books are read by plain SQL.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import text

from digest.cluster.schema import upgrade_queue
from digest.store import migrate
from digest.store.engine import make_engine, reading
from tests import postgres
from tests.kills import books
from tests.kills.conftest import copying
from tests.kills.test_restarts import Settled
from tests.kills.trial import Ground, Trial

OPEN = "SELECT count(*) FROM delivery WHERE state IN ('claimed', 'pending')"
_HELD = (
    "SELECT d.id FROM delivery d JOIN run r ON r.id = d.run_id WHERE d.state = 'claimed' AND r.finished_at IS NULL"
)

AnyFleet = TypeVar("AnyFleet", bound="Fleet")


class Fleet:
    """Workers and schedulers of a trial, which `close` ends."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.workers: list[subprocess.Popen[bytes]] = []
        self.schedulers: list[subprocess.Popen[bytes]] = []
        self._engine = make_engine(trial.environ["DIGEST_STORAGE__URL"], wait=60)

    def begin(self, *words: str, folder: Path | None = None) -> subprocess.Popen[bytes]:
        """Start a command of the installation as a process; its lines go to a log beside it."""
        there = folder or self.trial.folder
        log = (there / f"{words[0]}-{time.monotonic_ns()}.log").open("wb")
        command = [sys.executable, "-m", "digest", *words]
        with log:
            return subprocess.Popen(
                command, cwd=there, env=self.trial.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def hire(self, count: int) -> None:
        """Start so many more workers."""
        self.workers += [self.begin("worker", "--concurrency", "1") for _ in range(count)]

    def revive(self) -> None:
        """Start those workers again that ended because the server was away when they began, as systemd does."""
        for number, worker in enumerate(self.workers):
            if worker.poll() == 75:
                self.workers[number] = self.begin("worker", "--concurrency", "1")

    def ask(self, query: str) -> int:
        """Return the number that a query gives; -1 while the server is away."""
        try:
            with reading(self._engine) as conn:
                return int(conn.scalar(text(query)) or 0)
        except Exception:
            return -1

    def claims_now(self) -> set[int]:
        """Return the deliveries that are claimed."""
        with reading(self._engine) as conn:
            return set(conn.scalars(text(_HELD)))

    def recovered_within(self, claims: set[int], most: float = 120) -> float:
        """Wait until none of these claims stands; return the seconds that it took."""
        began = time.monotonic()
        while time.monotonic() - began < most:
            try:
                if not claims & self.claims_now():
                    return time.monotonic() - began
            except Exception:
                pass  # the server is away
            time.sleep(0.2)
        raise AssertionError(f"still claimed after {most} s: {len(claims & self.claims_now())}\n{self.said()}")

    def wait_until(self, arrived: int, most: float = 900) -> None:
        """Wait until so many letters have arrived."""
        began = time.monotonic()
        while sum(self.trial.arrived().values()) < arrived:
            assert time.monotonic() - began < most, f"{sum(self.trial.arrived().values())} arrived\n{self.said()}"
            self.revive()
            time.sleep(0.05)

    def is_frozen(self) -> bool:
        """Return whether the edition with letters is frozen."""
        return self.ask("SELECT count(*) FROM delivery") > 0

    def has_ended(self) -> bool:
        """Return whether the edition is frozen, and nothing of it is owed or claimed."""
        return self.is_frozen() and self.ask(OPEN) == 0  # in this order, because it may be frozen between the two

    def wait_for_end(self, most: float = 900) -> None:
        """Wait until nothing of the weekly edition is owed or claimed."""
        began = time.monotonic()
        while not self.has_ended():
            assert time.monotonic() - began < most, f"{self.ask(OPEN)} open\n{self.said()}"
            self.revive()
            time.sleep(0.2)

    def judge(self, eligible: int) -> tuple[int, Counter[str]]:
        """Hold the books against what arrived; return how many are in doubt, and the states."""
        with reading(self._engine) as conn:
            # Of the weekly edition that has letters, because that of the day on which it began has none.
            (account,) = [each for each in books.accounts(conn) if each.eligible == eligible]
            doubts = books.compare(conn, account.edition, self.trial.arrived())
        assert sum(account.states.values()) == eligible
        assert set(account.states) <= {"accepted", "uncertain"}, account
        return len(doubts), Counter(dict(account.states))

    def said(self) -> str:
        """Return the last lines that the processes have told."""
        logs = sorted(self.trial.folder.glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text('utf-8', 'replace')[-1500:]}" for log in logs)

    def close(self) -> None:
        """Kill what still runs."""
        for process in (*self.workers, *self.schedulers):
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait()
        self._engine.dispose()


@contextmanager
def server_or_skip(*settings: str) -> Iterator[postgres.Cluster]:
    """Yield a server of its own with these settings; without the program skip the tests, or fail where it must be."""
    with postgres.cluster(*settings) as started:
        if started is None:
            (pytest.fail if postgres.REQUIRED else pytest.skip)(postgres.MISSING)
        yield started


@contextmanager
def fleets_on(
    server: postgres.Cluster, ground: Ground, fleet_of_trial: Callable[[Trial], AnyFleet]
) -> Iterator[Callable[[int, str], AnyFleet]]:
    """Yield a function that gives a fleet of so many readers and a kind of transport, whose weekly edition is due."""
    databases = Settled(server.address)
    url = databases.new()
    engine = make_engine(url)
    migrate.upgrade(engine)
    upgrade_queue(engine)
    engine.dispose()
    trial_of = copying(ground, lambda: (databases, engine.url.database or ""))
    fleets: list[AnyFleet] = []

    def fleet(readers: int, kind: str) -> AnyFleet:
        fleets.append(fleet_of_trial(trial_of(kind, "postgresql", readers=readers).__enter__()))
        config = fleets[-1].trial.folder / "config.toml"
        config.write_text(config.read_text() + "\n[cluster]\nenabled = true\n")
        return fleets[-1]

    yield fleet
    for each in fleets:
        each.close()
    databases.close()
