"""Define the command worker: a process that does the jobs of a cluster, beside any number of others."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from digest.commands.base import GlobalOptions, as_verbose, message_of, story, tell
from digest.errors import TryLater, WrongUse, counted

if TYPE_CHECKING:
    from digest.installation import Work

_AGAIN = timedelta(days=1)  # after which a line that needs a person is told once more
_MOST_LINES = 1_000


@click.command()
@click.option(
    "--concurrency", type=click.IntRange(1, 64), help="Jobs at the same time (default: [cluster] concurrency)."
)
@click.option(
    "--queues", metavar="NAMES", help="Do only these of recover, turn, events, gather, send; such as recover,send."
)
@as_verbose
@click.pass_obj
def worker(options: GlobalOptions, concurrency: int | None, queues: str | None, verbose: bool) -> None:
    """Do the work of the installation beside other workers, until it is stopped: needs [cluster] and PostgreSQL.

    SIGTERM lets the jobs under way finish their batch.
    """
    settings = options.settings()
    if not settings.cluster.enabled:
        raise WrongUse(
            "workers need `enabled = true` in [cluster] of config.toml (docs/cluster.md); on one machine, cron or"
            " `digest schedule` does"
        )
    from digest.cluster.extra import require_extra

    require_extra()
    from digest.cluster.announcer import Announcer
    from digest.cluster.installations import Installations
    from digest.cluster.jobs import Jobs
    from digest.cluster.stories import chosen_queues
    from digest.cluster.worker import WorkerPlan, work
    from digest.commands.worker_stories import worker_stories
    from digest.store.hold import in_hold
    from digest.system import garbage, stopping

    garbage.collect_as_usual()
    names = chosen_queues(queues)
    at_once = concurrency or settings.cluster.concurrency
    installation = options.installation(create=False)
    # Opened here only so that a mistake is reported at the start, not at the first job. In HOLD, such as on a host
    # that was never added, this worker would take jobs away from those that can do them.
    installation.require_secret()
    if why := installation.fence.why():
        raise in_hold(why)
    installation.close()
    story.begin(options.at, quiet=not verbose)
    signal.signal(signal.SIGINT, stopping.request_stop)
    plan = WorkerPlan(settings.storage_url, names, at_once, settings.cluster.keep_failed, tell=tell_worker)
    jobs = Jobs(
        Installations(lambda: options.installation(create=False), options.config),
        Announcer(),
        _Told(options.at, verbose=verbose),
        worker_stories(),
    )
    tell_worker(f"up to {counted(at_once, 'job')} at once of {', '.join(names)}")
    work(plan, jobs)
    tell_worker("stopped")


def tell_worker(line: str, level: str = "INFO") -> None:
    """Tell a line of a worker."""
    tell(f"worker: {line}", level)


class _Told:
    """Tell how jobs end: each with `verbose`, else only what needs a person, and the same line once a day."""

    def __init__(self, clock: Callable[[], datetime], *, verbose: bool) -> None:
        self._clock, self._verbose = clock, verbose
        self._told: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def done(self, work: Work, report: object, seconds: float) -> None:
        """Tell what a report says that a person must do."""
        if self._verbose:
            tell_worker(f"{_name(work)}: done in {seconds:.1f} s{_read(report)}")
        for line in _lines_of(report):
            self._once(f"{_name(work)}: {line}", "WARNING")

    def later(self, work: Work, why: TryLater) -> None:
        """Tell why a job is left until it is announced again."""
        if self._verbose:
            tell_worker(f"{_name(work)}: {why}")

    def problem(self, work: Work, error: Exception) -> None:
        """Tell an error that was raised on purpose."""
        for line in message_of(error).splitlines() or [type(error).__name__]:
            self._once(f"{_name(work)}: {line}", "ERROR")

    def _once(self, line: str, level: str) -> None:
        now = self._clock()
        with self._lock:
            if self._verbose or line not in self._told or now - self._told[line] >= _AGAIN:
                if len(self._told) >= _MOST_LINES:
                    self._told.clear()
                self._told[line] = now
                tell_worker(line, level)


def _read(report: object) -> str:
    """Return what a job has read of sources, for its line."""
    from digest.commands.progress import gathering_line
    from digest.store.sources import Gathering

    rows = report if isinstance(report, list) else []
    return "".join(f"; {gathering_line(row)}" for row in rows if isinstance(row, Gathering))


def _lines_of(report: object) -> list[str]:
    """Return what a report says to a person, or what failed of the sources that were read."""
    from digest.operations.run_report import RunReport

    if isinstance(report, RunReport):
        return [*report.failed, *(line for line in report.waiting if line not in report.told)]
    return []


def _name(work: Work) -> str:
    batches = f" ({counted(work.batches, 'batch', 'batches')})" if work.kind == "send" else ""
    return f"{work.kind} {work.key}".strip() + batches


COMMANDS = (worker,)
