"""A worker on a test's bench: fake stories, a quick rhythm, and a drain that does all jobs that wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from procrastinate import App
from procrastinate.worker import Worker
from sqlalchemy import Engine, text

from digest.cluster.announcer import Announcer
from digest.cluster.connector import make_connector
from digest.cluster.installations import Installations
from digest.cluster.jobs import Jobs
from digest.cluster.tasks import Rhythm, register_tasks
from digest.errors import TryLater
from digest.installation import Installation, Work
from digest.store.engine import reading, writing

NEVER = "0 0 1 1 * 0"  # so that a drain has the jobs alone that the test has announced
QUIET = Rhythm(look=NEVER, sweep=NEVER, tidy=NEVER, beat=0.1, stalled=1)


@dataclass
class Heard:
    """A teller that keeps what it is told."""

    lines: list[tuple[str, str, str]] = field(default_factory=list)

    def done(self, work: Work, report: object, seconds: float) -> None:
        self.lines.append((work.kind, "done", str(report)))

    def later(self, work: Work, why: TryLater) -> None:
        self.lines.append((work.kind, "later", str(why)))

    def problem(self, work: Work, error: Exception) -> None:
        self.lines.append((work.kind, "problem", str(error)))


class FakeInstallation:
    """As much of an installation as a job needs of it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.closed = 0
        self.fresh = 0

    def read_anew(self) -> None:
        self.fresh += 1

    def require_schema(self) -> None:
        pass

    def close(self) -> None:
        self.closed += 1


@dataclass
class Bench:
    """An engine on a queue, and jobs that call the function `does`."""

    engine: Engine
    folder: Path
    does: Callable[[Work], object] = lambda _: None
    waits: list[Work] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)
    threads: set[str] = field(default_factory=set)

    def jobs(self) -> Jobs:
        """Return jobs whose every story calls `does`."""

        def story(_: Installation, work: Work) -> object:
            self.threads.add(threading.current_thread().name)
            return self.does(work)

        installations = Installations(
            lambda: cast(Installation, FakeInstallation(self.engine)), self.folder / "c.toml"
        )
        stories = dict.fromkeys(("gather", "turn", "send", "recover", "events"), story)
        return Jobs(installations, Announcer(), self.heard, stories, lambda _: self.waits)

    def announce(self, *works: Work) -> None:
        """Announce works in a transaction of their own."""
        announcer = Announcer()
        with writing(self.engine) as conn:
            for work in works:
                announcer(conn, work)

    def app(self, rhythm: Rhythm = QUIET, keep_failed: timedelta = timedelta(days=14)) -> App:
        """Return an app with our tasks on the engine's database."""
        app = App(connector=make_connector(self.engine.url.render_as_string(hide_password=False)))
        register_tasks(app, self.jobs(), rhythm, keep_failed)
        return app

    def drain(self, rhythm: Rhythm = QUIET, **options: Any) -> None:
        """Do all jobs that wait, then stop."""
        app = self.app(rhythm)

        async def serve() -> None:
            async with app.open_async():
                await Worker(
                    app, wait=False, delete_jobs="successful", install_signal_handlers=False,
                    update_heartbeat_interval=rhythm.beat, stalled_worker_timeout=rhythm.stalled, **options,
                ).run()  # fmt: skip

        asyncio.run(serve())

    def ask(self, statement: str, **values: Any) -> list[Any]:
        """Return the rows of a statement, of a single column as values."""
        with reading(self.engine) as conn:
            rows = conn.execute(text(statement), values).all()
        return [row[0] if len(row) == 1 else tuple(row) for row in rows]

    def change(self, statement: str, **values: Any) -> None:
        """Change rows of the queue."""
        with writing(self.engine) as conn:
            conn.execute(text(statement), values)
