"""The daemon: its clock agrees with the slots, it runs for real, and it leaves in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger

from digest.config.hours import parse_at
from digest.config.load import load
from digest.daemon import ClockWatch, SlotTrigger, make_scheduler
from digest.schedule import WEEKDAYS, Cadence, next_slot
from tests import console
from tests.counts import table
from tests.house import CONFIG, House

LONDON = "Europe/London"
# Hours, and the same as APScheduler reads them.
FORMS: list[tuple[str, str, dict[str, object]]] = [
    ("daily", "07:30", {"hour": 7, "minute": 30}),
    ("daily", "mon-fri 07:30", {"day_of_week": "mon-fri", "hour": 7, "minute": 30}),
    ("daily", "sun,wed 23:45", {"day_of_week": "wed,sun", "hour": 23, "minute": 45}),
    ("daily", "30 7 * * 1-5", {"day_of_week": "mon-fri", "hour": 7, "minute": 30}),
    *(("weekly", f"{day} 08:00", {"day_of_week": day, "hour": 8, "minute": 0}) for day in WEEKDAYS),
    ("weekly", "0 8 * * 7", {"day_of_week": "sun", "hour": 8, "minute": 0}),
    ("monthly", "1 08:00", {"day": 1, "hour": 8, "minute": 0}),
    ("monthly", "28 00:15", {"day": 28, "hour": 0, "minute": 15}),
    ("monthly", "last 12:00", {"day": "last", "hour": 12, "minute": 0}),
    ("monthly", "first mon 07:30", {"day": "1st mon", "hour": 7, "minute": 30}),
    ("monthly", "last fri 07:30", {"day": "last fri", "hour": 7, "minute": 30}),
]


@table("name, text, fields", FORMS)
@table("ahead", [0, 5])
def test_the_clock_rings_when_a_slot_falls_due(name: str, text: str, fields: dict[str, object], ahead: int) -> None:
    cadence = Cadence(name, parse_at(name, text), ahead=timedelta(hours=ahead))
    trigger, cron = SlotTrigger(cadence, LONDON), CronTrigger(**fields, timezone=LONDON)
    previous, now = None, datetime(2026, 3, 20, tzinfo=UTC)
    for _ in range(20):
        rings = trigger.get_next_fire_time(previous, now.astimezone(ZoneInfo(LONDON)))
        slot = next_slot(cadence, now - timedelta(seconds=1), LONDON)
        assert rings == slot.instant
        # APScheduler's own reading of the hour agrees, wherever the clocks do not change in it.
        hour = rings + cadence.ahead
        assert cron.get_next_fire_time(None, (hour - timedelta(minutes=1)).astimezone(ZoneInfo(LONDON))) == hour
        previous, now = rings, slot.instant + timedelta(minutes=1)


def test_no_job_is_dropped_for_being_a_little_late_or_run_twice(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(source="", weekly="").replace('"0 minutes"', '"30 minutes"'))
    scheduler = make_scheduler(load(config, {}), lambda: None)
    assert {job.id for job in scheduler.get_jobs()} == {"daily", "weekly", "monthly", "gather"}
    environ = {
        "DIGEST_CADENCE__WEEKLY__AHEAD": "2 hours",
        "DIGEST_TRANSPORT__KIND": "sendgrid",
        "SENDGRID_API_KEY": "k",
    }
    ahead = make_scheduler(load(config, environ), lambda: None)
    # What could not be handed over ahead waits for the hour itself.
    assert {job.id for job in ahead.get_jobs()} == {"daily", "weekly", "weekly hour", "monthly", "gather"}
    approved = {
        "DIGEST_CADENCE__WEEKLY__APPROVAL": "required",
        "DIGEST_CADENCE__WEEKLY__DRAFT_AHEAD": "1 day",
        "DIGEST_CADENCE__WEEKLY__REMIND_AHEAD": "2 hours",
    }
    jobs = {job.id: job for job in make_scheduler(load(config, approved), lambda: None).get_jobs()}
    assert set(jobs) == {"daily", "weekly", "weekly draft", "weekly remind", "monthly", "gather"}
    now = datetime(2026, 11, 2, tzinfo=UTC)
    times = [jobs[f"weekly{name}"].trigger.get_next_fire_time(None, now) for name in (" draft", " remind", "")]
    hour = datetime(2026, 11, 6, 8, tzinfo=UTC)
    assert times == [hour - timedelta(days=1), hour - timedelta(hours=2), hour]
    defaults = scheduler._job_defaults
    assert defaults["misfire_grace_time"] >= 3600
    assert (defaults["coalesce"], defaults["max_instances"]) == (True, 1)


@pytest.mark.parametrize(
    ("step", "anew"),
    [
        (timedelta(hours=-3), True),
        (timedelta(days=-20000), True),
        (timedelta(minutes=-2), True),
        (timedelta(hours=1), True),
        (timedelta(days=3), True),  # a machine that slept
        (timedelta(seconds=-5), False),
        (timedelta(0), False),
    ],
)
def test_the_daemon_plans_anew_only_after_its_clock_was_set(tmp_path: Path, step: timedelta, anew: bool) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(source="", weekly="").replace('"0 minutes"', '"30 minutes"'))
    start = datetime(2026, 11, 5, 12, tzinfo=UTC)
    clock, steady = [start.timestamp()], [100.0]
    settings = load(config, {})
    scheduler = make_scheduler(settings, lambda: None, ClockWatch(lambda: clock[0], lambda: steady[0]))
    # Started without its main loop, and paused, so that no time passes and no job runs.
    super(BlockingScheduler, scheduler).start(paused=True)
    try:
        planned = {job.id: start + timedelta(minutes=20) for job in scheduler.get_jobs()}
        for name, at in planned.items():
            scheduler.modify_job(name, next_run_time=at)
        steady[0] += 60
        now = start + timedelta(seconds=60) + step
        clock[0] = now.timestamp()
        for _ in range(2):
            assert scheduler._process_jobs() == 60  # it looks again within a minute
            jobs = {job.id: job.next_run_time for job in scheduler.get_jobs()}
            if anew:
                assert jobs.pop("gather") == now
                assert jobs == {each.name: next_slot(each, now, LONDON).instant for each in settings.cadences}
            else:
                assert jobs == planned
    finally:
        super(BlockingScheduler, scheduler).shutdown()


@pytest.mark.long
def test_the_daemon_runs_what_is_due_beside_cron_and_stops_on_sigterm(tmp_path: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DIGEST_")}
    digest = [sys.executable, "-m", "digest"]
    house = House(tmp_path, source='backfill = "30 days"')
    house.now = datetime.now(UTC) - timedelta(days=40)  # before the newest slot of each cadence
    for n in range(12):
        house.reader(f"r{n}@example.org", ("daily", "weekly", "monthly")[n % 3])
    house.now = datetime.now(UTC)
    house.publish("One")
    house.close()
    daemon = subprocess.Popen([*digest, "schedule"], cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True)
    try:
        assert console.digest(tmp_path, "run").code in (0, 75)  # as cron would, in this process
        for _ in range(1200):
            receipts = console.digest(tmp_path, "status", "--json").document["receipts"]
            if len(receipts) == 3 and all(r["balanced"] for r in receipts):
                break
            time.sleep(0.1)
        for _ in range(300):
            if not has_database_open(daemon.pid):
                break
            time.sleep(0.1)
        assert not has_database_open(daemon.pid), "a run that has ended keeps no connection"
        daemon.send_signal(signal.SIGTERM)
        _, said = daemon.communicate(timeout=60)
    finally:
        daemon.kill()
    assert daemon.returncode == 0, said
    assert "stopped" in said
    assert sorted(r["cadence"] for r in receipts) == ["daily", "monthly", "weekly"]
    letters = sum(r["accepted"] for r in receipts)
    assert len(list((tmp_path / "letters").glob("*/*.eml"))) == letters > 10


@pytest.mark.long
def test_sighup_reads_the_config_anew_and_a_mistake_in_it_changes_nothing(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    house.close()
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DIGEST_")}
    daemon = subprocess.Popen(
        [sys.executable, "-m", "digest", "schedule"], cwd=house.folder, env=environ, stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
        # Also below `nohup`, which leaves SIGHUP ignored.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # fmt: skip
    assert daemon.stderr is not None
    told = daemon.stderr

    def told_until(words: str) -> list[str]:
        lines = []
        for line in told:
            lines.append(line)
            if words in line:
                return lines
        raise AssertionError("".join(lines))

    def weekly(lines: list[str]) -> str:
        [line] = [line for line in lines if "weekly: next on" in line]
        return line

    text = house.config.read_text(encoding="utf-8")
    try:
        assert "Friday" in weekly(told_until("monthly: next on"))
        for at, weekday in (("tue 09:15", "Tuesday"), ("0 9 * * 0", "Sunday")):
            house.config.write_text(text.replace("fri 08:00", at), encoding="utf-8")
            daemon.send_signal(signal.SIGHUP)
            assert weekday in weekly(told_until("monthly: next on"))
        house.config.write_text(text.replace("fri 08:00", "friday"), encoding="utf-8")
        daemon.send_signal(signal.SIGHUP)
        assert "cadence.weekly.at" in told_until("the hours stay as they are")[-1]
        daemon.send_signal(signal.SIGTERM)
        assert told_until("digest: stopped") and daemon.wait(timeout=60) == 0
    finally:
        daemon.kill()
        daemon.wait()
        told.close()


def has_database_open(process: int) -> bool:
    for file in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            if "digest.db" in str(file.readlink()):
                return True
    return False
