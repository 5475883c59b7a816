"""Announce work to the workers: defer its jobs on the connection, and so in the transaction, that writes the work.

An announcement never harms its caller: it waits for nobody, and an error undoes nothing but itself. It may be lost,
because the workers look for waiting work themselves.
"""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from digest.cluster.extra import has_extra
from digest.installation import Work
from digest.store import queue

if TYPE_CHECKING:
    from procrastinate.jobs import Job
    from procrastinate.manager import JobManager

MOST_JOBS = 64  # of one edition that wait at the same time
# A job with a higher number is taken first, so that no turn and no recovery waits behind all letters of an edition.
PRIORITIES = {"recover": 50, "turn": 40, "events": 30, "gather": 20, "send": 10}
_log = logging.getLogger(__name__)


class Announcer:
    """Defer jobs for work on a given connection; the same work waits in the queue once."""

    def __call__(self, conn: Connection, work: Work) -> None:
        """Defer the jobs of a work that do not wait yet. Never raises an error of the queue."""
        if conn.dialect.name != "postgresql" or not has_extra():
            return
        from procrastinate.exceptions import ProcrastinateException

        try:
            # A savepoint, because an error in the queue must not undo what the caller has written.
            with conn.begin_nested():
                self._defer(conn, work)
        except (SQLAlchemyError, ProcrastinateException) as error:
            _log.warning("%s could not be announced (%s): a worker will find it", work.kind, type(error).__name__)

    def _defer(self, conn: Connection, work: Work) -> None:
        waiting = queue.promised_batches(conn, work.kind, work.key) if work.kind == "send" else 0
        if work.batches <= waiting:
            return
        free = queue.free_names(conn, names_of(work))
        shares = shares_of(work.batches - waiting, len(free))
        jobs = [_job(work, name, share) for name, share in zip(free, shares, strict=False)]
        if jobs:
            self._manager.batch_defer_jobs(jobs, connection=conn.connection.driver_connection)

    @cached_property
    def _manager(self) -> JobManager:
        # Here, because most commands announce nothing, and the library is slow to import.
        from digest.cluster.connector import unconnected_app

        return unconnected_app().job_manager


def names_of(work: Work) -> list[str]:
    """Return the names under which jobs of a work wait, at most one job under each."""
    if work.kind != "send":
        return [f"{work.kind}:{work.key}"]
    return [f"send:{work.key}:{number}" for number in range(min(work.batches, MOST_JOBS))]


def shares_of(batches: int, jobs: int) -> list[int]:
    """Divide batches among at most `jobs` jobs, evenly and without an empty share."""
    least, more = divmod(batches, max(jobs, 1))
    return [share for number in range(jobs) if (share := least + (number < more))]


def _job(work: Work, name: str, batches: int) -> Job:
    from procrastinate.jobs import Job

    return Job(
        queue=work.kind,
        priority=PRIORITIES[work.kind],
        # No lock, because a job with a lock that waits keeps back all later jobs with that lock.
        lock=None,
        queueing_lock=name,
        task_name=work.kind,
        task_kwargs={"key": work.key, "batches": batches},
    )
