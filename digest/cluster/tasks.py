"""Give Procrastinate the tasks of a worker: one for each kind of work, and three that look after the queue.

All tasks that do work are plain functions, which run in threads: an asynchronous one would keep the worker's heart
from beating while it works, and another worker would begin the same job. Only those that wait for nothing but a
statement of the queue are asynchronous. No task has a lock, because a job that waits with a lock, or whose worker
died, would keep back all later jobs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from digest.cluster.announcer import PRIORITIES
from digest.cluster.jobs import LOOK_EVERY, Jobs
from digest.installation import Work

_AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)  # in the past, whatever the clock of this host says
WATCH = "watch"  # the queue of the tasks that look after the others


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Say how often a worker looks after the queue. `look`, `sweep` and `tidy` are cron lines whose seconds are last.

    `beat`: seconds between two signs of life; `stalled`: seconds without one after which a worker counts as dead.
    """

    look: str = f"* * * * * */{LOOK_EVERY}"
    sweep: str = "* * * * * */10"
    tidy: str = "17 * * * * 0"
    beat: float = 10
    stalled: float = 30


def register_tasks(app: App, jobs: Jobs, rhythm: Rhythm, keep_failed: timedelta) -> None:
    """Register the tasks of a worker with `app`. `keep_failed`: how long jobs that failed are kept."""
    for kind in PRIORITIES:
        _register_kind(app, jobs, kind)

    @app.periodic(cron=rhythm.look)
    @app.task(name="look", queue=WATCH, queueing_lock="look")
    def look(timestamp: int) -> None:
        jobs.look_and_announce(timestamp)

    @app.periodic(cron=rhythm.sweep)
    @app.task(name="sweep", queue=WATCH, queueing_lock="sweep", priority=10, pass_context=True)
    async def sweep(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
        await sweep_stalled(context.app.job_manager, rhythm.stalled)

    @app.periodic(cron=rhythm.tidy)
    @app.task(name="tidy", queue=WATCH, queueing_lock="tidy", pass_context=True)
    async def tidy(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
        await tidy_queue(context.app.job_manager, keep_failed)


def _register_kind(app: App, jobs: Jobs, kind: str) -> None:
    @app.task(name=kind, queue=kind)
    def do(key: str, batches: int) -> None:
        jobs.do(Work(kind, key, batches))


async def sweep_stalled(manager: JobManager, stalled: float) -> int:
    """Put the jobs of dead workers back into their queue; return how many. The library does not do so by itself."""
    count = 0
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=stalled):
        count += await _put_back(manager, job)
    return count


async def _put_back(manager: JobManager, job: Job) -> bool:
    assert job.id is not None
    try:
        await manager.retry_job(job, retry_at=_AT_ONCE)
    except UniqueViolation:
        # The same work has been announced again meanwhile, and the same work waits once.
        await manager.finish_job_by_id_async(job.id, Status.ABORTED, delete_job=True)
    except ConnectorException:
        return False  # because another worker was faster
    return True


async def tidy_queue(manager: JobManager, keep_failed: timedelta) -> None:
    """Remove jobs that failed long ago, and workers that have not been heard of for an hour."""
    hours = math.ceil(keep_failed / timedelta(hours=1))
    await manager.delete_old_jobs(hours, include_failed=True, include_cancelled=True, include_aborted=True)
    await manager.prune_stalled_workers(3600)
