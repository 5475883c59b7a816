"""The ping of each run: a server hears its start and its end, and nothing that it answers harms a run."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import click
import pytest

from digest.commands.base import GlobalOptions
from digest.commands.pinging import FAILED, NEITHER, WELL, RunPing
from digest.commands.scheduling import _run as run_of_daemon
from digest.commands.worker_stories import worker_stories
from digest.errors import ConfigError, DigestError, PersonNeeded, TryLater
from digest.installation import Work
from digest.store.engine import writing
from digest.store.lock import run_lock
from digest.system.ping import ping
from tests.console import Answer, digest
from tests.counts import table
from tests.house import House

KEY = "5c1ee7-secret-key"
NOW = "2026-11-03T08:00:00+00:00"


class Watcher(BaseHTTPRequestHandler):
    """A watcher that notes what it is asked, and answers as it is told to."""

    heard: ClassVar[list[str]] = []
    status: ClassVar[int] = 200

    def do_GET(self) -> None:
        self.heard.append(self.path)
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", f"/elsewhere/{KEY}")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"OK")

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def watcher() -> Iterator[str]:
    """Give the address of a watcher."""
    Watcher.heard.clear()
    Watcher.status = 200
    server = ThreadingHTTPServer(("127.0.0.1", 0), Watcher)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{KEY}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def hanging() -> Iterator[str]:
    """Give the address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/{KEY}"


@pytest.fixture
def house(tmp_path: Path, begun: Callable[..., House]) -> Iterator[House]:
    house = begun(tmp_path / "house")
    house.reader("anna@example.org", "daily")
    house.close()
    yield house
    house.close()


def run(house: House, url: str, *words: str) -> Answer:
    environ = {"DIGEST_OPERATE__PING_URL": url}
    command = ("--config", str(house.config), "--now", NOW, "run", *words)
    return digest(house.folder, *command, environ=environ)


def test_a_run_that_does_its_work(house: House, watcher: str) -> None:
    assert run(house, watcher) == Answer(0, "", "")
    assert Watcher.heard == [f"/{KEY}/start", f"/{KEY}"]


def test_a_run_that_needs_a_person(house: House, watcher: str) -> None:
    house.place.fence.hold()
    assert run(house, watcher).code == 4
    assert Watcher.heard == [f"/{KEY}/start", f"/{KEY}/4"]


def test_a_run_that_leaves_until_later_is_neither_good_nor_bad(house: House, watcher: str) -> None:
    with run_lock(house.place.engine):
        assert (run(house, watcher).code, run(house, watcher).code) == (75, 75)
    assert Watcher.heard == [f"/{KEY}/start", f"/{KEY}/log"] * 2


def test_the_daemon_pings_as_cron_does(house: House, watcher: str) -> None:
    environ = {"DIGEST_OPERATE__PING_URL": watcher}
    options = GlobalOptions(house.config, datetime.fromisoformat(NOW), environ)
    run_of_daemon(options)
    house.place.fence.hold()
    run_of_daemon(options)
    assert Watcher.heard == [f"/{KEY}/start", f"/{KEY}", f"/{KEY}/start", f"/{KEY}/4"]


def test_a_worker_pings_after_each_turn_that_it_does(house: House, watcher: str) -> None:
    installation = GlobalOptions(house.config, datetime.fromisoformat(NOW), {"DIGEST_OPERATE__PING_URL": watcher})
    turning = worker_stories()["turn"]
    with closing(installation.installation()) as opened:
        turning(opened, Work("turn"))
        with run_lock(house.place.engine), pytest.raises(TryLater):
            turning(opened, Work("turn"))
        house.place.fence.hold()
        with pytest.raises(PersonNeeded):
            turning(opened, Work("turn"))
    assert Watcher.heard == [f"/{KEY}", f"/{KEY}/4"]


def test_a_mistake_in_the_database_is_told(house: House, watcher: str) -> None:
    with writing(house.place.engine) as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    house.close()
    assert run(house, watcher).code == 2
    assert Watcher.heard == [f"/{KEY}/start", f"/{KEY}/2"]


@table(
    "error, later, signal",
    [
        (None, False, WELL),
        (click.exceptions.Exit(0), False, WELL),
        (click.exceptions.Exit(75), False, WELL),  # letters wait for another try, and the run did its work
        (click.exceptions.Exit(75), True, NEITHER),  # another run is under way, told already
        (TryLater("the database is away"), False, NEITHER),
        (click.exceptions.Exit(1), False, "1"),
        (click.exceptions.Exit(4), False, "4"),
        (PersonNeeded("HOLD"), False, "4"),
        (ConfigError(["x"]), False, "2"),
        (DigestError("x"), False, "1"),
        (ZeroDivisionError(), False, FAILED),
        (KeyboardInterrupt(), False, FAILED),
    ],
)
def test_the_signal_of_an_end(error: BaseException | None, later: bool, signal: str) -> None:
    of_run = RunPing()
    with pytest.raises(TryLater) if later else pytest.MonkeyPatch.context(), of_run.heeding_later():
        if later:
            raise TryLater("another run")
    assert of_run.signal_of(error) == signal


def test_a_watcher_that_fails_is_told_once_a_day_and_harms_nothing(house: House, watcher: str) -> None:
    Watcher.status = 404
    first, second = run(house, watcher), run(house, watcher)
    assert (first.code, second) == (0, Answer(0, "", ""))
    assert "ping_url failed: it answered 404; check" in first.stderr and KEY not in first.stderr
    assert first.stderr.count("\n") == 1


@pytest.mark.parametrize("status", [302, 500])
def test_a_watcher_that_answers_something_else(watcher: str, status: int) -> None:
    Watcher.status = status
    assert ping(watcher, "start", "test") == f"it answered {status}"
    assert Watcher.heard == [f"/{KEY}/start"], "no redirect is followed"


def test_a_watcher_that_is_not_there_or_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    why = ping(f"http://127.0.0.1:{port}/{KEY}", "", "test")
    assert "refused" in why and KEY not in why
    with hanging() as address:
        assert ping(address, "", "test", patience=0.1) == "no answer within 0.1 seconds"
