"""The real program as a process, one installation and one stand-in that counts what arrives.

A trial starts `digest run` again and again, killed or hindered in some way, until a run ends by itself. Then
`judge` holds the books against what arrived: every eligible reader was mailed exactly once, or is listed as
uncertain and was mailed at most once.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path

from sqlalchemy import Connection, text

from digest.config.load import load
from digest.installation import Installation
from digest.store import editions
from digest.store.engine import make_engine, reading
from tests.house import CONFIG, always_here
from tests.kills import books
from tests.transports.fake_sendgrid import KEY, FakeSendGrid
from tests.transports.mailserver import Server

READERS = 30
BASELINE, FRIDAY = "2026-11-02T09:00:00+00:00", "2026-11-06T09:00:00+00:00"
TRANSPORTS = ("file", "smtp", "sendgrid")
NOTE = "---\ntitle: One\nid: n1\npolicy_areas: [housing]\nregions: [wales]\n---\nWhat we learnt.\n"

# What a run imports, so that a forked one starts at once.
_LOADED = [
    "__main__", "tests.kills.trial", "tests.kills.commits", "digest.cli", "digest.pipeline",
    "digest.commands.editions", "psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite", "sqlalchemy.dialects.postgresql.psycopg", "digest.facets.places.gazetteer",
    "digest.transports.file", "digest.transports.smtp.transport", "digest.transports.sendgrid.transport",
]  # fmt: skip
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(_LOADED)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its exit code (negative: the signal), what it said, and how long it took in seconds."""

    code: int
    said: str
    seconds: float


def _nothing() -> None:
    pass


class Running:
    """One run of the program in a process forked from one that has its modules loaded. Real in all else.

    `at`: it begins no sooner (time.time()); `first`: what its process does before it, a module's function.
    """

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        words: list[str],
        at: float = 0,
        first: Callable[[], None] = _nothing,
    ) -> None:
        self._log = folder / f"run-{time.monotonic_ns()}.log"
        self._began = time.monotonic()
        about = (folder, dict(environ), words, self._log, at, first)
        self._process = _forks.Process(target=_main, args=about, daemon=False)
        self._process.start()

    @property
    def pid(self) -> int:
        """Return the process's number."""
        assert self._process.pid
        return self._process.pid

    def over(self) -> bool:
        """True once it has ended."""
        return self._process.exitcode is not None

    def signal(self, number: int) -> None:
        """Send it a signal, if it is still there."""
        if not self.over():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def said(self) -> str:
        """Return what it has said so far."""
        return self._log.read_text("utf-8") if self._log.exists() else ""

    def wait(self, timeout: float = 120) -> Ended:
        """Wait for its end; AssertionError when it hangs."""
        self._process.join(timeout)
        code, said = self._process.exitcode, self.said()
        if code is None:
            self._process.kill()
            raise AssertionError(f"still running after {timeout} s: {said}")
        self._process.close()
        return Ended(code, said, time.monotonic() - self._began)


def _main(
    folder: Path, environ: dict[str, str], words: list[str], log: Path, at: float, first: Callable[[], None]
) -> None:
    from digest import cli
    from digest.system import failpoint as failpoint_
    from digest.system import stopping
    from tests.kills import commits

    stopping.listen()

    os.setpgid(0, 0)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    failpoint_.arm()
    commits.watch(environ.get("COUNT_LOST_COMMITS"))
    time.sleep(max(0, at - time.time()))
    first()
    sys.exit(cli.run_command(words))


@dataclass
class Trial:
    """One installation with `READERS` readers and one entry to send; `arrived` counts copies by address."""

    folder: Path
    environ: dict[str, str]
    arrived: Callable[[], Counter[str]]
    kills: int = 0
    now: str = FRIDAY
    server: Server | FakeSendGrid | None = None

    def run(self, *words: str, at: float = 0, failpoint: str = "") -> Running:
        """Start `digest run` (or `words`) at the trial's hour, forked; `at`: no sooner (time.time()).

        It dies at `failpoint` as with `start`.
        """
        environ = self.environ | ({"DIGEST_FAILPOINT": failpoint} if failpoint else {})
        return Running(self.folder, environ, ["--now", self.now, *(words or ("run",))], at)

    def start(self, failpoint: str = "") -> subprocess.Popen[bytes]:
        """Start `digest run` as a new process; it dies at `failpoint`, a place's name, with "*n" at the n-th pass."""
        words = [sys.executable, "-m", "digest", "--now", self.now, "run"]
        environ = self.environ | ({"DIGEST_FAILPOINT": failpoint} if failpoint else {})
        return subprocess.Popen(words, cwd=self.folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def asleep(self, failpoint: str) -> Running:
        """Start `digest run` as `run` does, and return once it sleeps at `failpoint`; SIGCONT wakes it."""
        environ = self.environ | {"DIGEST_FAILPOINT": failpoint, "DIGEST_FAILPOINT_SIGNAL": "STOP"}
        sleeper = Running(self.folder, environ, ["--now", self.now, "run"])
        while not sleeper.over():
            with suppress(FileNotFoundError):
                if Path(f"/proc/{sleeper.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T":
                    return sleeper
            time.sleep(0.01)
        raise AssertionError(f"{failpoint} was not reached: {sleeper.wait()}")

    def kill(self, running: Running) -> Ended:
        """Kill a run as a power cut would, and count it when that was what ended it."""
        running.signal(signal.SIGKILL)
        ended = running.wait()
        self.kills += ended.code == -signal.SIGKILL
        self.check_books()
        return ended

    def finish(self, most: int = 5) -> Ended:
        """Run until a run ends by itself; exit 4 says that something is in doubt. The books balance after each."""
        ended = None
        for _ in range(most):
            ended = self.run().wait()
            self.check_books()
            if ended.code in (0, 4):
                return ended
        raise AssertionError(ended)

    def place(self) -> Installation:
        """Open the installation; dispose of its engine."""
        return Installation(load(self.folder / "config.toml", self.environ))

    def check_books(self) -> None:
        """Balance the books as they stand now, whatever state the program was left in."""
        with self._database() as conn:
            books.accounts(conn)

    def count(self, question: str) -> int:
        """Return the number that a query gives, 0 for none."""
        with self._database() as conn:
            return int(conn.scalar(text(question)) or 0)

    @contextmanager
    def _database(self) -> Iterator[Connection]:
        engine = make_engine(self.environ.get("DIGEST_STORAGE__URL", f"sqlite:///{self.folder}/digest.db"))
        try:
            with reading(engine) as conn:
                yield conn
        finally:
            engine.dispose()

    def judge(self, eligible: int = READERS) -> list[str]:
        """Hold the books against what arrived; return the addresses in doubt."""
        place = self.place()
        try:
            with reading(place.engine) as conn:
                weekly = [e for e in editions.listing(conn) if e.cadence == "weekly" and e.slot == FRIDAY[:10]]
                (account,) = [one for one in books.accounts(conn) if one.edition == weekly[0].id]
                assert account.eligible == eligible, account
                assert set(account.states) <= {"accepted", "uncertain", "cancelled", "suppressed", "empty"}, account
                return books.compare(conn, weekly[0].id, self.arrived())
        finally:
            place.engine.dispose()


class Ground:
    """Makes trials fast: an installation past its baseline, with readers and an entry, is made once and copied.

    `listen`: the address on which the stand-in of SendGrid listens.
    """

    def __init__(self, folder: Path, listen: str = "127.0.0.1") -> None:
        self._folder, self._listen = folder, listen
        self._made = 0
        self.servers: list[Server | FakeSendGrid] = []

    def pattern(self, readers: int, database_url: str) -> Path:
        """Prepare a database to be copied; return the folder that belongs to it and to its copies."""
        folder = self._folder / f"pattern{readers}-server"
        environ = {k: v for k, v in os.environ.items() if not k.startswith("DIGEST_")}
        _prepared(folder, environ | {"DIGEST_STORAGE__URL": database_url}, readers)
        return folder

    def trial(
        self, kind: str, database_url: str = "", *, readers: int = READERS, pattern: Path | None = None
    ) -> Trial:
        """Return a new trial of a transport; `database_url` "" for an SQLite file, else an address.

        `pattern`: the folder of the prepared database that the one at the address is a copy of.
        """
        self._made += 1
        folder = self._folder / f"trial{self._made}"
        environ = {k: v for k, v in os.environ.items() if not k.startswith("DIGEST_")}
        if database_url:
            environ["DIGEST_STORAGE__URL"] = database_url
            if pattern:
                always_here(shutil.copytree(pattern, folder))
            else:
                _prepared(folder, environ, readers)
        else:
            model = self._folder / f"pattern{readers}"
            if not model.exists():
                _prepared(model, environ, readers)
            always_here(shutil.copytree(model, folder))
        lines = f'[transport]\nkind = "{kind}"\n'
        arrived: Callable[[], Counter[str]]
        kept: Server | FakeSendGrid | None = None
        if kind == "smtp":
            kept = server = Server()
            self.servers.append(server)
            lines += f'host = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
            arrived = lambda: Counter(q.to for q in server.queued)  # noqa: E731
        elif kind == "sendgrid":
            kept = fake = FakeSendGrid(listen=self._listen)
            self.servers.append(fake)
            environ["SENDGRID_API_KEY"] = KEY
            lines += f'base_url = "{fake.url}"\n'
            arrived = lambda: Counter(message.to for message in fake.queued)  # noqa: E731
        else:
            arrived = lambda: letters_in(folder / "letters")  # noqa: E731
        (folder / "config.toml").write_text(CONFIG.format(source="", weekly="") + lines)
        return Trial(folder, environ, arrived, server=kept)

    def done(self, trial: Trial) -> None:
        """Forget a trial's folder and servers."""
        shutil.rmtree(trial.folder)
        self.close()

    def close(self) -> None:
        """Stop the servers."""
        while self.servers:
            self.servers.pop().close()


def _prepared(folder: Path, environ: Mapping[str, str], readers: int) -> None:
    """Pass the baseline, add the readers, publish."""
    (folder / "notes").mkdir(parents=True)
    (folder / "config.toml").write_text(CONFIG.format(source="", weekly=""))
    ended = Running(folder, environ, ["--now", BASELINE, "run"]).wait()
    assert ended.code == 0, ended
    rows = "".join(f"r{n}@example.org,weekly\n" for n in range(readers))
    (folder / "readers.csv").write_text(f"email,cadence\n{rows}")
    words = ["--now", BASELINE, "subscribers", "import", "readers.csv"]
    ended = Running(folder, environ, words).wait(timeout=600)
    assert ended.code == 0, ended
    (folder / "readers.csv").unlink()
    (folder / "notes" / "one.md").write_text(NOTE)


def letters_in(folder: Path) -> Counter[str]:
    """Count the letters of the file transport by address."""
    parser = BytesHeaderParser()
    return Counter(str(parser.parsebytes(p.read_bytes())["To"]) for p in folder.glob("*/*.eml"))
