"""A worker as a process: it stops in good order, outlives its server, and needs no notification to work."""

from __future__ import annotations

import os
import queue as queues
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.cluster.schema import upgrade_queue
from digest.installation import Work
from digest.store import migrate, queue
from digest.store.engine import make_engine, reading
from tests import postgres
from tests.cluster.bench import Bench

ROOT = Path(__file__).parents[2]
PATIENCE = 40  # seconds, on a busy machine


class Process:
    """A process with its lines, as they come."""

    def __init__(self, *command: str) -> None:
        self._running = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self._lines: queues.Queue[str] = queues.Queue()
        self.seen: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._running.stdout is not None
        for line in self._running.stdout:
            self._lines.put(line.rstrip())

    def wait_for(self, words: str) -> str:
        """Return the next line with these words."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            try:
                line = self._lines.get(timeout=0.2)
            except queues.Empty:
                continue
            self.seen.append(line)
            if words in line:
                return line
        raise AssertionError(f"no {words!r} in {self.seen}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the exit code."""
        self._running.send_signal(number)
        return self._running.wait(PATIENCE)

    def end(self) -> None:
        """Kill the process if it still runs."""
        if self._running.poll() is None:
            self._running.kill()
            self._running.wait(PATIENCE)
        assert self._running.stdout is not None
        self._running.stdout.close()


@contextmanager
def worker(url: str, folder: Path, grace: float = 20) -> Iterator[Process]:
    """Run a worker with fake stories."""
    process = Process("-m", "tests.cluster.faked", url, str(folder), str(grace))
    try:
        yield process
    finally:
        process.end()


def noted(engine: Engine) -> queue.WorkerProcess:
    """Return the one worker; it notes itself beside its first jobs, and its watcher too."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with reading(engine) as conn:
            workers = queue.list_workers(conn)
        if len(workers) == 1 and workers[0].concurrency:
            return workers[0]
        time.sleep(0.05)
    raise AssertionError(f"noted: {workers}")


@pytest.mark.long
def test_a_stop_lets_jobs_end_their_batch(bench: Bench, queue_url: str, tmp_path: Path) -> None:
    bench.announce(Work("send", "7", 1), Work("send", "8", 1), Work("send", "9", 1))
    with worker(queue_url, tmp_path) as process:
        process.wait_for("begun send")
        process.wait_for("begun send")
        shown = noted(bench.engine)
        assert (shown.host, shown.concurrency, shown.queues) == ("anglesey", 2, ("gather", "turn", "send"))
        assert process.stop() == 0
        process.wait_for("stopped")
    # Those that were begun ended well, the third waits for another worker, and this one has said good-bye.
    assert bench.ask("SELECT args ->> 'key', status::text FROM procrastinate_jobs WHERE queue_name = 'send'") == [
        ("9", "todo")
    ]
    assert bench.ask("SELECT count(*) FROM procrastinate_workers") == [0]


@pytest.mark.long
def test_a_job_that_hears_no_stop_is_left_and_comes_back(
    queue_engine: Engine, queue_url: str, tmp_path: Path
) -> None:
    bench = Bench(queue_engine, tmp_path)
    bench.announce(Work("gather", "6", 1))
    with worker(queue_url, tmp_path, grace=0.5) as process:
        process.wait_for("begun gather")
        assert process.stop() == 75
        process.wait_for("did not end within")
    with worker(queue_url, tmp_path) as process:
        process.wait_for("begun gather")
        process.wait_for("ended gather")


@pytest.mark.long
def test_a_killed_workers_job_comes_back(bench: Bench, queue_url: str, tmp_path: Path) -> None:
    bench.announce(Work("gather", "1.5", 1))
    with worker(queue_url, tmp_path) as process:
        process.wait_for("begun gather")
        process.stop(signal.SIGKILL)
    with worker(queue_url, tmp_path) as process:
        process.wait_for("ended gather")


@pytest.mark.long
def test_a_worker_behind_a_pooler_finds_jobs_without_notifications(
    bench: Bench, queue_url: str, tmp_path: Path
) -> None:
    """Trap 8: LISTEN hears nothing through a pooler in transaction mode."""
    bench.change("DROP TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 ON procrastinate_jobs")
    with worker(queue_url, tmp_path) as process:
        process.wait_for("turned")
        bench.announce(Work("gather", "0", 1))
        process.wait_for("ended gather 0")


@pytest.mark.long
def test_a_worker_outlives_a_restart_of_the_server(tmp_path: Path) -> None:
    with postgres.cluster("fsync = off") as server:
        if server is None:
            pytest.skip(postgres.MISSING)
        engine = make_engine(server.address)
        migrate.upgrade(engine)
        upgrade_queue(engine)
        bench = Bench(engine, tmp_path)
        with worker(server.address, tmp_path) as process:
            process.wait_for("turned")
            for _ in range(2):
                server.restart()
                process.wait_for("connecting again")
                bench.announce(Work("gather", "0", 1))
                process.wait_for("ended gather 0")
            server.control("stop", "-m", "immediate")
            process.wait_for("is away")
            assert process.stop() == 0
            server.control("start")
        engine.dispose()
