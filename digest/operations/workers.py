"""Tell how the workers of a cluster do, and its queues: for `digest status` and `digest doctor`. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from digest.config.settings import Settings
from digest.errors import counted
from digest.operations.finding import Finding
from digest.store import queue
from digest.store.old_rows import server_time

_SILENT = timedelta(minutes=2)  # a worker gives a sign of life every 10 seconds
_LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ClusterState:
    """The workers and the queues of a cluster at one instant, `at`, by the clock of the database's server."""

    at: datetime
    workers: list[queue.WorkerProcess]
    queues: list[queue.QueueDepth]

    @property
    def oldest(self) -> datetime | None:
        """Return since when the job that has waited longest waits, or None when none waits."""
        return min((depth.oldest for depth in self.queues if depth.oldest), default=None)

    @property
    def heard_workers(self) -> list[queue.WorkerProcess]:
        """Return the workers that were heard of lately."""
        return [worker for worker in self.workers if self.heard(worker) <= _SILENT]

    def heard(self, worker: queue.WorkerProcess) -> timedelta:
        """Return how long ago a worker was heard of last."""
        return max(self.at - worker.heard, timedelta(0))

    def to_json(self) -> dict[str, Any]:
        """Return the part of the document that `digest status --json` prints."""
        return {
            "workers": [
                {
                    "host": worker.host, "process": worker.process, "began": worker.began.isoformat(),
                    "heard": worker.heard.isoformat(), "silent": self.heard(worker) > _SILENT,
                    "concurrency": worker.concurrency, "queues": list(worker.queues),
                }
                for worker in self.workers
            ],
            "queues": [
                depth._asdict() | {"oldest": depth.oldest.isoformat() if depth.oldest else None}
                for depth in self.queues
            ],
            "oldest": self.oldest.isoformat() if self.oldest else None,
        }  # fmt: skip


def cluster_state(conn: Connection, settings: Settings) -> ClusterState | None:
    """Return how the cluster does; None where there is none, or where its queue was not made yet."""
    at = server_time(conn) if settings.cluster.enabled else None
    if at is None or queue.queue_version(conn) is None:
        return None
    return ClusterState(at, queue.list_workers(conn), queue.list_queues(conn))


def cluster_findings(conn: Connection, settings: Settings) -> Iterator[Finding]:
    """Yield that the queue is missing, that no worker is there, and that jobs have failed lately."""
    if not settings.cluster.enabled:
        return
    state = cluster_state(conn, settings)
    if state is None:
        problem = "workers are enabled, and the database has no queue for them: only `digest run` works"
        yield Finding("wrong", "cluster", problem, "run `digest db upgrade`, then start `digest worker`")
        return
    if not state.heard_workers:
        waiting = counted(sum(depth.waiting for depth in state.queues), "job waits", "jobs wait")
        problem = f"no worker has been heard of for two minutes; {waiting}"
        yield Finding("wrong", "cluster", problem, "start `digest worker` on one machine at least: docs/cluster.md")
    done = {name for worker in state.heard_workers for name in worker.queues}
    for depth in state.queues:
        if state.heard_workers and depth.waiting and depth.name not in done:
            problem = f"{counted(depth.waiting, 'job waits', 'jobs wait')}, and no worker does this queue"
            yield Finding("wrong", f"queue {depth.name}", problem, f"start `digest worker --queues {depth.name}`")
    for name, count in queue.failed_jobs(conn, state.at - _LATELY).items():
        cure = "the log of the worker says why (please report it); the work is announced again by itself"
        yield Finding("wrong", f"queue {name}", f"{counted(count, 'job')} failed within a day", cure)
