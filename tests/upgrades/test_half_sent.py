"""Programs of earlier commits send half of an edition and are killed; this one upgrades, and sends the rest.

The earlier programs are taken out of this repository's history: for each schema the last commit that had it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import default
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import text

from digest.config.load import load
from digest.installation import Installation
from digest.store import migrate
from digest.store.engine import make_engine, reading
from subscribers.links import person_of
from subscribers.tokens import read_token
from tests.figures import Figures
from tests.house import CONFIG
from tests.kills import books
from tests.kills.trial import BASELINE, FRIDAY, NOTE, Ended, Running
from tests.transports.mailserver import Queued, Server
from tests.upgrades.dying import DIE_AT, die
from tests.upgrades.filling import upgrade_to
from tests.upgrades.shapes import facts

ROOT = Path(__file__).parents[2]
VERSIONS = "digest/store/migrations/versions"
# Of two editions: the first is claimed as a whole when its program is killed, and the second is owed.
READERS = {"daily": 20, "weekly": 20}
KILLED_AFTER = 10  # messages
KILLED = -signal.SIGKILL
EARLIER = migrate.revisions()[:-1]


def git(*words: str) -> bytes:
    """Return what git answers in this repository; b"" where there is none, or no git."""
    try:
        return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""


def migrations_of(commit: str) -> list[str]:
    """Return the file names of the migrations of a commit, oldest first."""
    names = git("ls-tree", "--name-only", commit, f"{VERSIONS}/").decode().split()
    return sorted(name.rpartition("/")[2] for name in names if name.rpartition("/")[2][:4].isdigit())


@cache
def last_commits() -> Mapping[str, str]:
    """Return by schema the last commit whose migrations have the names of this program's own up to that one."""
    own, last = migrations_of("HEAD"), {}
    for commit in git("rev-list", "--reverse", "HEAD", "--", VERSIONS).decode().split():
        before = migrations_of(f"{commit}^")
        if before and before == own[: len(before)] and len(before) < len(own):
            last[before[-1][:4]] = git("rev-parse", f"{commit}^").decode().strip()
    return last


class Killing(list[Queued]):
    """Kill a process as soon as so many messages were taken from it."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after, self.pid = after, 0

    def append(self, message: Queued) -> None:
        """Take a message."""
        super().append(message)
        if len(self) == self.after and self.pid:
            os.kill(self.pid, signal.SIGKILL)


@dataclass
class Site:
    """One installation, the program of an earlier commit in `old`, and a server that counts."""

    folder: Path
    old: Path
    environ: dict[str, str]
    server: Server

    def old_run(self, *words: str, killed_after: int = 0) -> tuple[int, str]:
        """Call the earlier program; return its exit code and what it said."""
        program = [sys.executable, "-m", "digest", *words]
        environ = self.environ | {"PYTHONPATH": str(self.old)}
        queued = Killing(killed_after)
        process = subprocess.Popen(
            program, cwd=self.folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if killed_after:
            queued.pid = process.pid
            self.server.queued = queued
        told, _ = process.communicate(timeout=300)
        return process.returncode, told

    def new_run(self, *words: str, die_at: int = 0) -> Ended:
        """Call this program."""
        if die_at:
            return Running(self.folder, self.environ | {DIE_AT: str(die_at)}, [*words], first=die).wait()
        return Running(self.folder, self.environ, [*words]).wait()

    def arrived(self) -> Counter[str]:
        """Return how many copies arrived, by address."""
        return Counter(message.to for message in self.server.queued)


@contextmanager
def site(folder: Path, commit: str, url: str) -> Iterator[Site]:
    """Make an installation with the program of a commit: past its baseline, with readers and an entry to send."""
    old = folder / "old"
    with tarfile.open(fileobj=BytesIO(git("archive", commit, "digest", "subscribers", "templates"))) as packed:
        packed.extractall(old, filter="data")
    home = folder / "home"
    (home / "notes").mkdir(parents=True)
    server = Server()
    mail = f'[transport]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
    (home / "config.toml").write_text(CONFIG.format(source="", weekly="") + mail)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    made = Site(home, old, environ | {"DIGEST_STORAGE__URL": url}, server)
    try:
        yield made
    finally:
        server.close()


@pytest.mark.proof
@pytest.mark.parametrize("schema", EARLIER)
def test_an_edition_that_an_earlier_version_sent_by_half(
    tmp_path: Path, address: str, twin: str, figure: Figures, schema: str
) -> None:
    if schema not in last_commits():
        pytest.skip(f"no commit of this repository's history has the schema {schema} as it is now")
    engine = address.partition(":")[0].partition("+")[0]
    with site(tmp_path, last_commits()[schema], address) as one:
        begin(one)
        if not has_form_of(address, schema, twin):
            pytest.skip(f"the schema {schema} had another form at that commit")
        code, told = one.old_run("--now", FRIDAY, "run", killed_after=KILLED_AFTER)
        assert code == KILLED, told
        sent = one.arrived()
        assert KILLED_AFTER <= sent.total() == len(sent) <= 20

        refused = one.new_run("--now", FRIDAY, "run")
        assert refused.code == 2 and "back it up, then run `digest db upgrade`" in refused.said, refused
        if engine == "sqlite":
            assert one.new_run("db", "backup", "before.db").code == 0
        assert one.new_run("db", "upgrade", die_at=20).code == KILLED
        upgraded = one.new_run("db", "upgrade")
        assert upgraded.code == 0 and upgraded.said == f"schema {migrate.revisions()[-1]}\n", upgraded
        code, told = one.old_run("--now", FRIDAY, "run")
        assert code == 2 and "newer" in told, told
        assert one.arrived() == sent

        codes = [one.new_run("--now", FRIDAY, "run").code for _ in range(2)]
        doubts = judge(one)
        assert codes == ([4, 0] if doubts else [0, 0])  # told once
        assert one.new_run("check").code == 0
        for words in ("status", "doctor", "receipt"):
            ended = one.new_run("--now", FRIDAY, words)
            assert ended.code in (0, 4), ended
        links_work(one)
    figure(
        f"52 an edition half sent at schema {schema}, {engine}",
        goal="0 lost, 0 twice",
        result=f"0, 0; {len(sent)} of {sum(READERS.values())} before, {len(doubts)} in doubt, listed",
        met=True,
    )


def has_form_of(address: str, schema: str, empty: str) -> bool:
    """Return whether a database has a schema as this program's migrations make it; `empty`: where one may be made."""
    shapes = []
    for url in (address, empty):
        engine = make_engine(url)
        if url == empty:
            upgrade_to(engine, schema)
        with reading(engine) as connection:
            shapes.append(facts(connection))
        engine.dispose()
    return shapes[0] == shapes[1]


def begin(one: Site) -> None:
    """Pass the baseline, add the readers, publish: all by the earlier program."""
    code, told = one.old_run("--now", BASELINE, "run")
    if code != 0:
        pytest.skip(f"the program of that commit does not run here: {told.splitlines()[-1]}")
    rows = "".join(
        f"{cadence}{n}@example.org,{cadence}\n" for cadence, count in READERS.items() for n in range(count)
    )
    (one.folder / "people.csv").write_text(f"email,cadence\n{rows}")
    code, told = one.old_run("--now", BASELINE, "subscribers", "import", "people.csv")
    assert code == 0, told
    (one.folder / "notes" / "one.md").write_text(NOTE)


def judge(one: Site) -> list[str]:
    """Hold the books against what arrived: every reader got one letter, or is listed in doubt; return these."""
    engine = make_engine(one.environ["DIGEST_STORAGE__URL"])
    doubts = []
    try:
        with reading(engine) as connection:
            cadences = dict(map(tuple, connection.execute(text("SELECT id, cadence FROM edition"))))
            accounts = {cadences[each.edition]: each for each in books.accounts(connection) if each.eligible}
            for cadence, account in accounts.items():
                assert set(account.states) <= {"accepted", "uncertain"}, account
                arrived = {to: count for to, count in one.arrived().items() if to.startswith(cadence)}
                doubts += books.compare(connection, account.edition, arrived)
        assert {cadence: account.eligible for cadence, account in accounts.items()} == READERS
        return doubts
    finally:
        engine.dispose()


def links_work(one: Site) -> None:
    """Follow the link by which a reader leaves, in the first letter, which the earlier program sent, and the last."""
    installation = Installation(load(one.folder / "config.toml", one.environ))
    try:
        for message in (one.server.queued[0], one.server.queued[-1]):
            header = BytesParser(policy=default).parsebytes(message.body)["List-Unsubscribe"]
            token = re.search(r"<https://digest\.example\.org/unsubscribe/([^>]+)>", header)
            assert token, header
            link = read_token(installation.link_keys, "unsubscribe", token[1])
            with reading(installation.engine) as connection:
                person = person_of(connection, link)
            assert person and person.email == message.to
    finally:
        installation.close()
