"""The daemon: APScheduler as a clock that calls the very run that cron would call."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from datetime import datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from digest import stopping
from digest.config import Settings
from digest.schedule import WEEKDAYS, At, Cadence

_GRACE = 6 * 3600  # seconds: a busy machine must not drop a slot; the slot rows stop a second run


def make_scheduler(settings: Settings, work: Callable[[], None]) -> BlockingScheduler:
    """Return a scheduler that calls `work` now, at every hour of every cadence and every `gather.every`.

    `work` decides by the slot rows what is due, so an early, late or double call does no harm. Jobs live in
    memory: config.toml is the one place that says when.
    """
    scheduler = BlockingScheduler(
        timezone=settings.site.zone,
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": _GRACE},
    )
    for cadence in settings.cadences:
        scheduler.add_job(work, trigger_of(cadence, settings.site.zone), id=cadence.name, name=cadence.name)
    # The first run makes good what fell due while nobody was there.
    scheduler.add_job(
        work,
        IntervalTrigger(seconds=round(settings.gather_every.total_seconds())),
        id="gather",
        name="gather",
        next_run_time=datetime.now(scheduler.timezone),
    )
    return scheduler


def trigger_of(cadence: Cadence, zone: str) -> CronTrigger:
    """Return the cron trigger of a cadence. Weekdays go by name: numbers mean other days here than in cron."""
    at: At = cadence.at
    if at.month_day is not None:
        day = "last" if at.month_day == 0 else str(at.month_day)
        return CronTrigger(day=day, hour=at.hour, minute=at.minute, timezone=zone)
    days = ",".join(WEEKDAYS[n] for n in sorted(at.weekdays))
    return CronTrigger(day_of_week=days, hour=at.hour, minute=at.minute, timezone=zone)


def serve(scheduler: BlockingScheduler) -> None:
    """Run until SIGTERM or SIGINT; a run under way is finished first."""
    logging.getLogger("apscheduler").setLevel(logging.WARNING)

    def stop(*_: object) -> None:
        stopping.ask()
        # wait=False: returns at once; the executor's thread is joined when the interpreter leaves.
        scheduler.shutdown(wait=False)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    scheduler.start()
