"""The daemon: APScheduler as a clock that calls the very run that cron would call."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from apscheduler.events import EVENT_SCHEDULER_STARTED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from digest.config.settings import Settings
from digest.schedule import Cadence, next_slot
from digest.system import stopping

_INSTANT = timedelta(microseconds=1)
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
        scheduler.add_job(work, SlotTrigger(cadence, settings.site.zone), id=cadence.name, name=cadence.name)
        if cadence.ahead:
            # What could not be handed over ahead waits for the hour itself.
            hour = SlotTrigger(replace(cadence, ahead=timedelta(0)), settings.site.zone)
            scheduler.add_job(work, hour, id=f"{cadence.name} hour", name=cadence.name)
    # The first run makes good what fell due while nobody was there.
    scheduler.add_job(
        work,
        IntervalTrigger(seconds=round(settings.gather_every.total_seconds())),
        id="gather",
        name="gather",
        next_run_time=datetime.now(scheduler.timezone),
    )
    return scheduler


class SlotTrigger(BaseTrigger):  # type: ignore[misc]
    """Fires when a slot of a cadence falls due, by the very rule that decides what a run owes."""

    def __init__(self, cadence: Cadence, zone: str) -> None:
        self._cadence, self._zone = cadence, zone

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the first instant at or after `now`, and after the previous one."""
        after = now - _INSTANT if previous_fire_time is None else min(now, previous_fire_time)
        return next_slot(self._cadence, after, self._zone).instant


def serve(scheduler: BlockingScheduler) -> None:
    """Run until SIGTERM or SIGINT, also one that came before; a run under way is finished first."""
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    waiting, waking = os.pipe()

    def stop(*_: object) -> None:
        # No more than this: the signal may find this thread inside a lock that a shutdown needs.
        stopping.request_stop()
        os.write(waking, b".")

    def end() -> None:
        os.read(waiting, 1)
        # wait=False: returns at once; the executor's thread is joined when the interpreter leaves.
        scheduler.shutdown(wait=False)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # Nobody is there to be stopped before it has started.
    scheduler.add_listener(lambda _: threading.Thread(target=end, daemon=True).start(), EVENT_SCHEDULER_STARTED)
    if not stopping.asked():
        scheduler.start()
