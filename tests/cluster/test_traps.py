"""Traps of the library, each found by a trial before it was chosen: what would have gone wrong, and does not."""

from __future__ import annotations

import asyncio
import inspect
import time
import tomllib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from procrastinate import App
from procrastinate.manager import JobManager
from procrastinate.periodic import PeriodicDeferrer
from procrastinate.tasks import Task
from procrastinate.testing import InMemoryConnector

from digest.cluster.tasks import WATCH, Rhythm, sweep_stalled, tidy_queue
from digest.errors import TryLater
from digest.installation import Work
from tests.cluster.bench import Bench
from tests.counts import table

DAY = 86_400
PATIENCE = 20  # seconds, on a busy machine


def _managed(bench: Bench, act: Callable[[JobManager], object]) -> object:
    async def serve() -> object:
        app = bench.app()
        async with app.open_async():
            return await act(app.job_manager)  # type: ignore[misc]

    return asyncio.run(serve())


def _die_with_jobs(bench: Bench, *works: Work) -> int:
    """Announce works, let a worker take them, and let it be silent for a minute; return its number."""
    bench.announce(*works)
    with bench.engine.begin() as conn:
        worker = conn.exec_driver_sql("SELECT worker_id FROM procrastinate_register_worker_v1()").scalar_one()
        for _ in range(sum(work.batches for work in works)):
            conn.exec_driver_sql(f"SELECT procrastinate_fetch_job_v2(NULL, {worker})")
        conn.exec_driver_sql("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    return int(worker)


def test_jobs_of_a_dead_worker_come_back_by_our_own_sweep(bench: Bench) -> None:
    """Trap 1: the library never takes them up again by itself."""
    _die_with_jobs(bench, Work("turn"), Work("send", "7", 2))
    bench.drain(queues=["turn", "send"])
    assert bench.heard.lines == []
    assert _managed(bench, lambda manager: sweep_stalled(manager, 30)) == 3
    assert _managed(bench, lambda manager: sweep_stalled(manager, 30)) == 0
    bench.drain()
    assert sorted(kind for kind, _, _ in bench.heard.lines) == ["send", "send", "turn"]


def test_a_job_that_was_announced_again_meanwhile_comes_back_once(bench: Bench) -> None:
    _die_with_jobs(bench, Work("turn"))
    bench.announce(Work("turn"))
    assert _managed(bench, lambda manager: sweep_stalled(manager, 30)) == 1
    assert bench.ask("SELECT status::text FROM procrastinate_jobs") == ["todo"]


def test_a_sweep_of_a_dead_worker_blocks_no_later_sweep(bench: Bench) -> None:
    """Trap 1: with a lock it would, for ever."""
    _die_with_jobs(bench, Work("turn"))
    worker = bench.ask("SELECT id FROM procrastinate_workers")[0]
    for status, number in (("doing", worker), ("todo", None)):
        bench.change(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args, status, worker_id) VALUES"
            " ('watch', 'sweep', 'sweep', '{\"timestamp\": 1}', CAST(:status AS procrastinate_job_status), :worker)",
            status=status,
            worker=number,
        )
    bench.drain(queues=[WATCH])
    assert bench.ask("SELECT task_name, status::text FROM procrastinate_jobs") == [("turn", "todo")]


def test_a_job_whose_worker_was_forgotten_comes_back(bench: Bench) -> None:
    """Trap 6: issue 1518 of the library; mended in 3.10."""
    worker = _die_with_jobs(bench, Work("turn"))
    bench.change("DELETE FROM procrastinate_workers WHERE id = :worker", worker=worker)
    assert _managed(bench, lambda manager: sweep_stalled(manager, 30)) == 1


def test_the_heart_beats_while_a_job_works(bench: Bench) -> None:
    """Trap 2: an asynchronous task that works would stop it, and another worker would begin the same job."""
    beats: list[object] = []

    def work_long(_: Work) -> None:
        until = time.monotonic() + PATIENCE
        while len(beats) < 3 and time.monotonic() < until:
            (beat,) = bench.ask("SELECT last_heartbeat FROM procrastinate_workers")
            if beat not in beats:
                beats.append(beat)
            time.sleep(0.02)

    bench.does = work_long
    bench.announce(Work("turn"))
    bench.drain()
    assert len(beats) == 3


def test_tasks_that_work_are_plain_functions(bench: Bench) -> None:
    tasks = {name: task for name, task in bench.app().tasks.items() if isinstance(task, Task) and ":" not in name}
    asynchronous = {name for name, task in tasks.items() if inspect.iscoroutinefunction(task.func)}
    ours = {name for name in tasks if "procrastinate" not in name}
    assert ours == {"gather", "turn", "send", "recover", "events", "look", "sweep", "tidy"}
    assert asynchronous & ours == {"sweep", "tidy"}


def test_no_job_has_a_lock(bench: Bench) -> None:
    """Trap 3: a job that waits with a lock keeps back all later ones."""
    works = [Work("turn"), Work("gather", "Notes"), Work("send", "7", 3), Work("recover"), Work("events")]
    bench.announce(*works)
    assert bench.ask("SELECT DISTINCT lock FROM procrastinate_jobs") == [None]
    app = bench.app()
    assert {task.lock for task in app.tasks.values()} == {None}
    assert {app.tasks[name].queueing_lock for name in ("look", "sweep", "tidy")} == {"look", "sweep", "tidy"}


@table("name, times", [("look", DAY // 15), ("sweep", DAY // 10), ("tidy", 24)])
def test_the_seconds_of_a_cron_line_are_last(name: str, times: int) -> None:
    """Trap 4: at the front they would be minutes, without a word."""
    app = App(connector=InMemoryConnector())
    lines = {"look": Rhythm().look, "sweep": Rhythm().sweep, "tidy": Rhythm().tidy}

    @app.periodic(cron=lines[name])
    @app.task(name=name)
    def task(timestamp: int) -> None:
        pass

    deferrer = PeriodicDeferrer(app.periodic_registry)
    periodic = app.periodic_registry.periodic_tasks[name, ""]
    begin = 1_800_000_000 - 1_800_000_000 % DAY
    assert len(list(deferrer.get_timestamps(periodic, since=begin, until=begin + DAY))) == times


def test_jobs_that_are_done_leave_no_row(bench: Bench) -> None:
    """Trap 10: jobs, and three rows of events for each, would grow for ever."""

    def be_late(work: Work) -> None:
        if work.kind == "recover":
            raise TryLater("another turn is under way")

    bench.does = be_late
    bench.announce(Work("turn"), Work("recover"))
    bench.drain()
    assert sorted(bench.heard.lines) == [("recover", "later", "another turn is under way"), ("turn", "done", "None")]
    assert bench.ask("SELECT count(*) FROM procrastinate_jobs") == [0]
    assert bench.ask("SELECT count(*) FROM procrastinate_events") == [0]


def test_a_job_that_failed_is_kept_and_goes_in_time(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def break_down(_: Work) -> None:
        raise ZeroDivisionError("ada@town.example")

    bench.does = break_down
    bench.announce(Work("turn"))
    bench.drain()
    assert bench.ask("SELECT task_name, status::text FROM procrastinate_jobs") == [("turn", "failed")]
    tidy = lambda days: _managed(bench, lambda manager: tidy_queue(manager, timedelta(days=days)))  # noqa: E731
    tidy(14)
    assert bench.ask("SELECT count(*) FROM procrastinate_jobs") == [1]
    bench.change("UPDATE procrastinate_events SET at = at - interval '15 days'")
    tidy(14)
    assert bench.ask(
        "SELECT (SELECT count(*) FROM procrastinate_jobs) + (SELECT count(*) FROM procrastinate_events)"
    ) == [0]


def test_the_extra_names_the_driver_with_its_library() -> None:
    """Trap 11: plain psycopg needs a library of the system."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["cluster"]
    assert any(name.startswith("psycopg[binary]") for name in extra)
    assert any(name.startswith("procrastinate>=3.10,") for name in extra)
