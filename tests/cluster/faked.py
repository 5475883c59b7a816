"""Run a worker with fake stories as a process of its own: python -m tests.cluster.faked URL FOLDER GRACE

It prints a line for each job that it begins and ends. `gather` sleeps as many seconds as its key says and hears no
stop; `send` works until a stop is asked for; `turn` waits for the database to answer.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

from digest.cluster.announcer import Announcer
from digest.cluster.installations import Installations
from digest.cluster.jobs import Jobs
from digest.cluster.tasks import Rhythm
from digest.cluster.worker import WorkerPlan, work
from digest.errors import TryLater
from digest.installation import Installation, Work
from digest.store.engine import make_engine, reading
from digest.system import stopping
from tests.cluster.bench import QUIET, FakeInstallation, Heard


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def main(url: str, folder: str, grace: str) -> None:
    """Work until a stop is asked for."""
    stopping.listen()

    def opened() -> Installation:
        return cast(Installation, FakeInstallation(make_engine(url)))

    def gather(_: Installation, job: Work) -> None:
        say(f"begun gather {job.key}")
        time.sleep(float(job.key))
        say(f"ended gather {job.key}")

    def send(_: Installation, job: Work) -> None:
        say(f"begun send {job.key}")
        while not stopping.asked():
            time.sleep(0.02)
        say(f"ended send {job.key}")
        raise TryLater("stopped as asked")

    def turn(installation: Installation, _: Work) -> None:
        with reading(installation.engine) as conn:
            conn.exec_driver_sql("SELECT 1")
        say("turned")

    rhythm: Rhythm = replace(QUIET, sweep="* * * * * */2", look="* * * * * */2", stalled=3, beat=0.5)
    plan = WorkerPlan(
        url, ("gather", "turn", "send"), 2, timedelta(days=14), say, rhythm, grace=float(grace), host="anglesey"
    )
    jobs = Jobs(
        Installations(opened, Path(folder) / "config.toml"),
        Announcer(),
        Heard(),
        {"gather": gather, "send": send, "turn": turn},
        lambda _: [Work("turn")],
    )
    work(plan, jobs)
    say("stopped")


if __name__ == "__main__":
    main(*sys.argv[1:])
