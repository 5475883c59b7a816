"""Print the workers and queues of a cluster for `digest status`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from digest.commands.base import table

if TYPE_CHECKING:
    from digest.operations.workers import ClusterState

_HEAD = ("host", "process", "jobs at once", "heard of", "queues")


def print_cluster(state: ClusterState) -> None:
    """Print a table of the workers, a table of the queues, and since when the oldest job waits."""
    click.echo("\nWorkers")
    workers = [
        (worker.host, worker.process, worker.concurrency, _ago(state.heard(worker)), ", ".join(worker.queues))
        for worker in state.workers
    ]
    click.echo(table(_HEAD, workers) if workers else "none: start `digest worker`")
    click.echo("\nQueues")
    queues = [(depth.name, depth.waiting, depth.under_way, depth.failed) for depth in state.queues]
    click.echo(table(("queue", "waiting", "under way", "failed"), queues) if queues else "empty")
    if state.oldest:
        click.echo(f"the oldest job that waits was announced {_ago(state.at - state.oldest)}")


def _ago(span: timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    if seconds < 120:
        return f"{seconds} s ago"
    return f"{seconds // 60} min ago" if seconds < 7200 else f"{seconds // 3600} h ago"
