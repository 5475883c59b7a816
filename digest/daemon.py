"""Run the pipeline at every due hour: APScheduler is the clock, and each run is what `digest run` does.

APScheduler keeps each job's next time and waits for it; a clock that is set meanwhile, or a machine that sleeps,
makes that time untrue. So `_Scheduler` looks every minute whether the clock was set.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_SCHEDULER_STARTED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.interval import IntervalTrigger

from digest.config.settings import Settings
from digest.schedule import Cadence, next_slot
from digest.system import stopping

_INSTANT = timedelta(microseconds=1)
_LOOK = 60.0  # seconds that the scheduler waits at most before it looks at the clock
_STEP = 30.0  # seconds by which the clock must be off its course to count as set
_STOP, _READ_ANEW = b".", b"r"  # what a signal writes to the thread that obeys it
_GRACE = 6 * 3600  # seconds that a job may start late: a busy machine must not drop a slot


def make_scheduler(
    settings: Settings, work: Callable[[], None], watch: ClockWatch | None = None
) -> BlockingScheduler:
    """Return a scheduler with the jobs of `plan`. `watch` tells when the clock was set; None: that of this machine.

    Jobs are kept in memory only, because the hours are read from config.toml at every start.
    """
    scheduler = _Scheduler(
        watch or ClockWatch(),
        timezone=settings.site.zone,
        executors={"default": ThreadPoolExecutor(1)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": _GRACE},
    )
    plan(scheduler, settings, work)
    return scheduler


def plan(scheduler: BlockingScheduler, settings: Settings, work: Callable[[], None]) -> None:
    """Let a scheduler call `work` now, at every hour of every cadence and every `gather.every`, and at no other time.

    `work` reads from the slot rows which editions are due, so an early, late or repeated call does no harm.
    """
    scheduler.remove_all_jobs()
    for cadence in settings.cadences:
        scheduler.add_job(work, SlotTrigger(cadence, settings.site.zone), id=cadence.name, name=cadence.name)
        for zone in cadence.zones and (settings.site.zone, *cadence.zones):
            # A job for each zone, because the letters of its readers wait for their own hour.
            there = SlotTrigger(replace(cadence, zones=()), zone)
            scheduler.add_job(work, there, id=f"{cadence.name} {zone}", name=cadence.name)
        if cadence.ahead:
            # A second job at the hour itself, because some letters cannot be handed over ahead of it.
            hour = SlotTrigger(replace(cadence, ahead=timedelta(0)), settings.site.zone)
            scheduler.add_job(work, hour, id=f"{cadence.name} hour", name=cadence.name)
        # Where editors must approve, a run drafts before the hour, and reminds them.
        for what, span in (("draft", cadence.draft_ahead), ("remind", cadence.remind_ahead)):
            if span:
                before = SlotTrigger(replace(cadence, ahead=span), settings.site.zone)
                scheduler.add_job(work, before, id=f"{cadence.name} {what}", name=cadence.name)
    # The first run starts at once, because editions may have fallen due while the daemon was not running.
    scheduler.add_job(
        work,
        IntervalTrigger(seconds=round(settings.gather_every.total_seconds())),
        id="gather",
        name="gather",
        next_run_time=datetime.now(scheduler.timezone),
    )


class ClockWatch:
    """Find out whether the clock was set, or the machine slept, by comparing it with a clock that nobody sets.

    `clock` returns seconds of the time of day; `steady` is a monotonic clock.
    """

    def __init__(self, clock: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self.clock, self._steady = clock, steady
        self._course = clock() - steady()

    def was_set(self) -> bool:
        """Return whether the clock was set since the last time that this was true, or since the start."""
        course = self.clock() - self._steady()
        if abs(course - self._course) <= _STEP:
            return False
        self._course = course
        return True


def plan_anew(scheduler: BlockingScheduler, now: datetime) -> None:
    """Give every job its next time by a clock that was set to `now`: the gathering at once, slots at their hour."""
    for job in scheduler.get_jobs():
        slot = isinstance(job.trigger, SlotTrigger)
        job.modify(next_run_time=job.trigger.get_next_fire_time(None, now) if slot else now)


class _Scheduler(BlockingScheduler):  # type: ignore[misc]
    """Wake every minute, and plan anew when the clock was set."""

    def __init__(self, watch: ClockWatch, **options: Any) -> None:
        super().__init__(**options)
        self._watch = watch

    def _process_jobs(self) -> float:
        # APScheduler's main loop calls this for the jobs that are due, and waits as long as it returns.
        if self._watch.was_set():
            logging.getLogger(__name__).warning("the clock was set: planning anew, and gathering now")
            plan_anew(self, datetime.fromtimestamp(self._watch.clock(), self.timezone))
        wait = super()._process_jobs()
        return _LOOK if wait is None else min(wait, _LOOK)


class SlotTrigger(BaseTrigger):  # type: ignore[misc]
    """Fire when a slot of a cadence falls due, by the same rule that tells a run which slot is next."""

    def __init__(self, cadence: Cadence, zone: str) -> None:
        self._cadence, self._zone = cadence, zone

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return when the next slot falls due: at or after `now`, and after the previous time."""
        after = now - _INSTANT if previous_fire_time is None else min(now, previous_fire_time)
        return next_slot(self._cadence, after, self._zone).instant


def serve(scheduler: BlockingScheduler, read_anew: Callable[[], None], begun: Callable[[], None]) -> None:
    """Run the scheduler until a stop is requested, or SIGINT; a run under way is finished first.

    Calls `begun` once signals are obeyed. SIGHUP calls `read_anew`, in a thread of its own; where a terminal is open
    it stops the scheduler, because a terminal that closes sends it. Returns at once when a stop was requested before
    the call.
    """
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    waiting, waking = os.pipe()

    def wake() -> None:
        # Do no more here, because the signal may interrupt this thread while it holds a lock that a shutdown needs.
        os.write(waking, _STOP)

    def obey() -> None:
        while os.read(waiting, 1) == _READ_ANEW:
            read_anew()
        # wait=False returns at once; the interpreter joins the executor's thread when it exits.
        scheduler.shutdown(wait=False)

    signal.signal(signal.SIGINT, stopping.request_stop)
    if not any(map(os.isatty, (0, 1, 2))) and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: os.write(waking, _READ_ANEW))
    # The thread that ends the scheduler starts after it, because only a scheduler that has started can be shut down.
    scheduler.add_listener(lambda _: threading.Thread(target=obey, daemon=True).start(), EVENT_SCHEDULER_STARTED)
    with stopping.telling(wake):
        if not stopping.asked():
            begun()
            scheduler.start()
