"""Run a worker: it takes jobs from the queue until it is asked to stop, and outlives restarts of the server.

A process holds two workers of the library: one for the jobs, and one for the tasks that look after the queue, because
those must not wait until a long job has ended.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
from procrastinate import App
from procrastinate.exceptions import ProcrastinateException
from procrastinate.worker import Worker

from digest.cluster.connector import make_connector
from digest.cluster.jobs import Jobs
from digest.cluster.schema import check_queue
from digest.cluster.tasks import WATCH, Rhythm, register_tasks
from digest.errors import TryLater
from digest.store.engine import make_engine
from digest.system import stopping

GRACE = 90.0  # seconds that jobs have to end after a stop was asked for; systemd gives 120
_WATCHERS = 3  # tasks that look after the queue at the same time
_LONGEST_PAUSE = 15.0  # seconds between two attempts to connect
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, OSError, TryLater)
# They tell of each broken connection, with tracebacks; the worker tells it in a line.
_LOGGERS = ("procrastinate", "psycopg", "asyncio")
_NOTE_WORKER = """
    INSERT INTO cluster_worker (worker, host, process, queues, concurrency)
    SELECT id, %(host)s, %(process)s, %(queues)s, %(concurrency)s FROM procrastinate_workers WHERE id = %(worker)s
    ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """Say what a worker does. `queues`: their names; `grace`: seconds that jobs have to end after a stop.

    `host`: the name under which `digest status` shows it; `tell`: tells the operator a line.
    """

    url: str
    queues: tuple[str, ...]
    concurrency: int
    keep_failed: timedelta
    tell: Callable[[str], None]
    rhythm: Rhythm = field(default_factory=Rhythm)
    grace: float = GRACE
    host: str = field(default_factory=socket.gethostname)


def work(plan: WorkerPlan, jobs: Jobs) -> None:
    """Do jobs until a stop is asked for. A server that goes away is waited for.

    Raises QueueMissing or SchemaTooNew for tables of the queue that this program cannot use, ConfigError when the
    server refuses the account, and SchemaTooNew or SchemaTooOld when another version of this program takes the
    database over. The caller has registered what SIGTERM does (`stopping.listen`).
    """
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    pause = 1.0
    while not stopping.asked():
        try:
            _check(plan)
            asyncio.run(_serve(plan, jobs))
            pause = 1.0
        except (ProcrastinateException, *_AWAY) as error:
            if not isinstance(error, _AWAY) and not isinstance(error.__cause__, _AWAY):
                raise
            plan.tell(f"the database is away: connecting again in {pause:.0f} s")
            _wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            jobs.installations.close()
    if jobs.fatal:
        raise jobs.fatal[0]


def _check(plan: WorkerPlan) -> None:
    engine = make_engine(plan.url, create=False)
    try:
        check_queue(engine)
    finally:
        engine.dispose()


def _wait(seconds: float) -> None:
    """Wait, but not longer than until a stop is asked for."""
    stopped = threading.Event()
    with stopping.telling(stopped.set):
        stopped.wait(seconds)


async def _serve(plan: WorkerPlan, jobs: Jobs) -> None:
    """Work until a stop is asked for, or until a connection of the queue breaks."""
    loop = asyncio.get_running_loop()
    # Each job needs a thread; the loop's own pool has fewer on a small machine.
    loop.set_default_executor(ThreadPoolExecutor(plan.concurrency + _WATCHERS, thread_name_prefix="job"))
    loop.set_exception_handler(
        lambda _loop, _context: None
    )  # a job's end could not be noted: the sweep finds the job
    app = App(connector=make_connector(plan.url))
    register_tasks(app, jobs, plan.rhythm, plan.keep_failed)
    async with app.open_async():
        hands = _worker(app, plan, plan.queues, plan.concurrency)
        watcher = _worker(app, plan, (WATCH,), _WATCHERS)
        both = [hands, watcher]
        with _stopping(loop, plan, both):
            running = [asyncio.create_task(_run(app, plan, worker)) for worker in both]
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for worker in both:
                worker.stop()
            await asyncio.gather(*running)
        if not stopping.asked():
            plan.tell("a connection to the database broke: connecting again")


def _worker(app: App, plan: WorkerPlan, queues: tuple[str, ...], concurrency: int) -> Worker:
    return Worker(
        app,
        queues=list(queues),  # a tuple would be no array to the driver
        concurrency=concurrency,
        delete_jobs="successful",
        install_signal_handlers=False,
        update_heartbeat_interval=plan.rhythm.beat,
        stalled_worker_timeout=plan.rhythm.stalled,
        shutdown_graceful_timeout=plan.grace,
    )


async def _run(app: App, plan: WorkerPlan, worker: Worker) -> None:
    noting = asyncio.create_task(_note(app, plan, worker))
    try:
        await worker.run()
    finally:
        noting.cancel()


async def _note(app: App, plan: WorkerPlan, worker: Worker) -> None:
    """Note for `digest status` where a worker runs, once the library has given it a number."""
    while worker.worker_id is None:
        await asyncio.sleep(0.05)
    await app.connector.execute_query_async(
        _NOTE_WORKER,
        worker=worker.worker_id,
        host=plan.host,
        process=os.getpid(),
        queues=",".join(worker.queues or ()),
        concurrency=worker.concurrency,
    )


@contextmanager
def _stopping(loop: asyncio.AbstractEventLoop, plan: WorkerPlan, workers: list[Worker]) -> Iterator[None]:
    """Stop the workers when a stop is asked for, and leave when their jobs do not end in time."""

    def stop() -> None:
        for worker in workers:
            worker.stop()
        loop.call_later(plan.grace, leave)

    def leave() -> None:
        plan.tell(f"jobs did not end within {plan.grace:.0f} s: leaving them to another worker, which settles them")
        # At once, because the interpreter would wait for the threads. No harm is done, as when a worker is killed.
        os._exit(TryLater.exit_code)

    def wake() -> None:
        # Do no more here, because a signal may interrupt anything.
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop)

    with stopping.telling(wake):
        yield
