"""Let the daemon's runs of some hours follow each other at once: `python -m tests.soaking CONFIG START HOURS`.

All of them run in this process, at the hours of the jobs that `digest schedule` would have, and each does what the
daemon does then; the clock is injected. After each, a line of JSON tells what the process holds.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from digest.commands import scheduling
from digest.commands.base import GlobalOptions
from digest.config.settings import Settings
from digest.daemon import make_scheduler
from digest.system import garbage


def main() -> None:
    """Do the runs, and tell after each what the process holds."""
    config, start, hours = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])
    garbage.collect_as_usual()  # as `digest schedule` does
    for at in instants(GlobalOptions(config).settings(), start, start + timedelta(hours=hours)):
        scheduling._run(GlobalOptions(config, at))
        print(json.dumps({"at": at.isoformat(), **held()}), flush=True)


def instants(settings: Settings, start: datetime, end: datetime) -> list[datetime]:
    """Return when the daemon, started at `start`, starts a run before `end`: by the triggers of its own jobs."""
    return sorted(
        {at for job in make_scheduler(settings, lambda: None).get_jobs() for at in _of_job(job, start, end)}
    )


def _of_job(job: object, start: datetime, end: datetime) -> Iterator[datetime]:
    # The daemon gathers at once, and from then on in steps.
    trigger = job.trigger  # type: ignore[attr-defined]
    step = getattr(trigger, "interval", None)
    at = start if step else trigger.get_next_fire_time(None, start)
    while at < end:
        yield at
        at = at + step if step else trigger.get_next_fire_time(at, at)


def held() -> dict[str, int]:
    """Return the memory in KiB and the counts of what this process holds between two runs."""
    files = [target for entry in Path("/proc/self/fd").iterdir() if (target := _target(entry))]
    children = [entry.parent for entry in Path("/proc").glob("[0-9]*/stat") if _parent(entry) == os.getpid()]
    return {
        "memory": _memory(Path("/proc/self")),
        "files": len(files),
        # A connection to PostgreSQL is a socket, and one to SQLite an open file. Each child, which reads feeds or
        # pages within limits and stays, has a socket too.
        "connections": sum(file.startswith("socket:") or "digest.db" in file for file in files) - len(children),
        "threads": threading.active_count(),
        "children": len(children),
        "children_memory": sum(map(_memory, children)),
    }


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:  # it was open to list the folder
        return ""


def _memory(process: Path) -> int:
    return int((process / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return 0


if __name__ == "__main__":
    main()
