"""Read the queue of a cluster: its workers, its jobs by queue, and the version of its tables.

The tables whose names begin with `procrastinate_` are those of a library. `digest.cluster` makes them, and two of our
own beside them, which are in no migration because most installations have no queue. All this is on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from digest.errors import WrongUse

_UPGRADE = 0x6469676573740013  # the advisory lock for an upgrade of the queue
_ANNOUNCED = 1_684_632_949  # the first half of the advisory locks of work that is being announced
_OWN_TABLES = (
    "CREATE TABLE IF NOT EXISTS cluster_queue (version varchar(32) NOT NULL)",
    """
    CREATE TABLE IF NOT EXISTS cluster_worker (
        worker bigint PRIMARY KEY REFERENCES procrastinate_workers (id) ON DELETE CASCADE,
        host varchar(253) NOT NULL, process integer NOT NULL, queues text NOT NULL,
        concurrency integer NOT NULL, began timestamp with time zone NOT NULL DEFAULT now()
    )
    """,
)
_FREE = text(
    """
    SELECT name FROM unnest(CAST(:names AS text[])) AS name
    WHERE NOT EXISTS (SELECT FROM procrastinate_jobs WHERE queueing_lock = name AND status = 'todo')
      AND pg_try_advisory_xact_lock(:space, hashtext(name))
    """
)
_PROMISED = text(
    """
    SELECT coalesce(sum(CAST(args ->> 'batches' AS integer)), 0) FROM procrastinate_jobs
    WHERE status = 'todo' AND queue_name = :kind AND args ->> 'key' = :key
    """
)
_WORKERS = text(
    """
    SELECT host, process, min(began) AS began, max(last_heartbeat) AS heard,
           coalesce(max(concurrency) FILTER (WHERE queues <> 'watch'), 0) AS concurrency,
           string_agg(queues, ',' ORDER BY queues) AS queues
    FROM cluster_worker JOIN procrastinate_workers ON id = worker
    GROUP BY host, process ORDER BY host, process
    """
)
_QUEUES = text(
    """
    SELECT queue_name AS name, count(*) FILTER (WHERE status = 'todo') AS waiting,
           count(*) FILTER (WHERE status = 'doing') AS under_way, count(*) FILTER (WHERE status = 'failed') AS failed,
           min(at) FILTER (WHERE status = 'todo') AS oldest
    FROM procrastinate_jobs AS job
    LEFT JOIN procrastinate_events AS event ON event.job_id = job.id AND event.type = 'deferred'
    WHERE status IN ('todo', 'doing', 'failed') AND queue_name <> 'watch'
    GROUP BY queue_name ORDER BY queue_name
    """
)
_FAILED = text(
    """
    SELECT queue_name, count(DISTINCT job.id) FROM procrastinate_jobs AS job
    JOIN procrastinate_events AS event ON event.job_id = job.id AND event.type = 'failed'
    WHERE status = 'failed' AND at > :since GROUP BY queue_name ORDER BY queue_name
    """
)


class QueueMissing(WrongUse):
    """The database has no tables of the queue, or those of another version."""


class WorkerProcess(NamedTuple):
    """A worker: its host and process, when it began, when it was heard of last, how many jobs it does at once."""

    host: str
    process: int
    began: datetime
    heard: datetime
    concurrency: int
    queues: tuple[str, ...]


class QueueDepth(NamedTuple):
    """Count the jobs of a queue; `oldest`: since when the job that has waited longest waits."""

    name: str
    waiting: int
    under_way: int
    failed: int
    oldest: datetime | None


def queue_version(conn: Connection) -> str | None:
    """Return the version of the queue's tables, or None when there are none."""
    if conn.scalar(text("SELECT to_regclass('cluster_queue')")) is None:
        return None
    version = conn.scalar(text("SELECT max(version) FROM cluster_queue"))
    return None if version is None else str(version)


def has_foreign_queue(conn: Connection) -> bool:
    """Return whether there are tables of a queue that another program has made."""
    return queue_version(conn) is None and conn.scalar(text("SELECT to_regclass('procrastinate_jobs')")) is not None


def lock_queue_upgrade(conn: Connection) -> None:
    """Wait until no other process upgrades the queue's tables, and keep others waiting until the commit."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE})


def apply_to_queue(conn: Connection, scripts: Iterable[str], version: str) -> None:
    """Run scripts of SQL that make or change the queue's tables, then note their version."""
    driver = conn.connection.driver_connection
    assert driver is not None
    for script in scripts:
        driver.execute(script)  # by the driver itself, because a script holds many statements, and per cent signs
    for statement in _OWN_TABLES:
        conn.execute(text(statement))
    conn.execute(text("DELETE FROM cluster_queue"))
    conn.execute(text("INSERT INTO cluster_queue (version) VALUES (:version)"), {"version": version})


def free_names(conn: Connection, names: Sequence[str]) -> list[str]:
    """Return those of the names of jobs under which no job waits, and let no other transaction take them meanwhile.

    Waits for nobody: a name that another transaction is about to use is not free.
    """
    return [str(name) for name in conn.scalars(_FREE, {"names": list(names), "space": _ANNOUNCED})]


def promised_batches(conn: Connection, kind: str, key: str) -> int:
    """Return how many batches the waiting jobs of a kind and key will do."""
    return int(conn.scalar(_PROMISED, {"kind": kind, "key": key}) or 0)


def list_workers(conn: Connection) -> list[WorkerProcess]:
    """Return the workers that have not said good-bye, by host."""
    return [
        WorkerProcess(
            row.host, row.process, row.began, row.heard, row.concurrency,
            tuple(name for name in row.queues.split(",") if name != "watch"),
        )
        for row in conn.execute(_WORKERS)
    ]  # fmt: skip


def list_queues(conn: Connection) -> list[QueueDepth]:
    """Return each queue that has jobs, by name."""
    return [QueueDepth(*row) for row in conn.execute(_QUEUES)]


def failed_jobs(conn: Connection, since: datetime) -> dict[str, int]:
    """Return how many jobs of each queue have failed since an instant."""
    return {str(name): int(count) for name, count in conn.execute(_FAILED, {"since": since})}
