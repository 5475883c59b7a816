"""The real program as a process against a counting stand-in, killed anywhere: nobody twice, nobody forgotten.

Each trial starts `digest run` again and again, killed at a named place or at a random moment, until a run ends by
itself. Then every eligible reader was mailed exactly once, or is listed as uncertain and mailed at most once.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest
from sqlalchemy import func, select

from digest.config import load
from digest.installation import Installation
from digest.store import deliveries, editions
from digest.store.engine import reading, writing
from digest.store.schema import delivery
from subscribers import store as people
from tests.figures import Figures
from tests.house import CONFIG
from tests.transports.fake_sendgrid import KEY, FakeSendGrid
from tests.transports.mailserver import Server

READERS = 30
BASELINE, FRIDAY = "2026-11-02T09:00:00+00:00", "2026-11-06T09:00:00+00:00"
PLACES = (
    "frozen",
    "claim: before commit",
    "claim: committed",
    "claim: fence kept",
    "hand-over: composed",
    "hand-over: one answered",
    "hand-over: all answered",
    "record: before commit",
    "record: committed",
)
TRANSPORTS = ("file", "smtp", "sendgrid")


@dataclass
class Trial:
    """One installation with readers and one entry to send, and the stand-in that counts what arrives."""

    folder: Path
    environ: dict[str, str]
    arrived: Callable[[], Counter[str]]
    kills: int = 0

    def start(self, failpoint: str = "") -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "digest", "--now", FRIDAY, "run"]
        environ = self.environ | ({"DIGEST_FAILPOINT": failpoint} if failpoint else {})
        return subprocess.Popen(words, cwd=self.folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def finish(self) -> None:
        """Run until a run ends by itself; 4 is for what is in doubt."""
        for _ in range(5):
            run = self.start()
            said, _ = run.communicate(timeout=120)
            if run.returncode in (0, 4):
                return
        raise AssertionError(said.decode())

    def judge(self) -> int:
        """Check the books against what arrived; return how many are in doubt."""
        place = Installation(load(self.folder / "config.toml", self.environ))
        arrived = self.arrived()
        try:
            with reading(place.engine) as conn:
                rows = conn.execute(select(delivery.c.state, delivery.c.subscriber_id)).all()
                known = people.many(conn, [row.subscriber_id for row in rows])
                weekly = [e for e in editions.listing(conn) if e.cadence == "weekly" and e.slot == "2026-11-06"]
                receipt = deliveries.receipt(conn, weekly[0])
                twins = conn.scalar(
                    select(func.count()).select_from(
                        select(delivery.c.edition_id).group_by(delivery.c.edition_id, delivery.c.subscriber_id)
                        .having(func.count() > 1).subquery()
                    )
                )  # fmt: skip
        finally:
            place.engine.dispose()
        state = {known[row.subscriber_id].email: row.state for row in rows if row.state != "empty"}
        assert twins == 0
        assert receipt.balanced
        assert receipt.eligible == READERS
        assert len(state) == READERS
        for email, became in state.items():
            copies = arrived[email]
            assert copies == 1 if became == "accepted" else copies <= 1, (email, became, copies)
            assert became in ("accepted", "uncertain")
        assert set(arrived) <= set(state)
        return sum(became == "uncertain" for became in state.values())


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Callable[[str, str], Trial]]:
    """Build trials: (transport, database address; "" for an SQLite file)."""
    servers: list[Server | FakeSendGrid] = []
    made: list[Trial] = []

    def build(kind: str, database_url: str = "") -> Trial:
        folder = tmp_path / f"trial{len(made)}"
        (folder / "notes").mkdir(parents=True)
        environ = {k: v for k, v in os.environ.items() if not k.startswith("DIGEST_")}
        if database_url:
            environ["DIGEST_STORAGE__URL"] = database_url
        lines = f'[transport]\nkind = "{kind}"\n'
        if kind == "smtp":
            server = Server()
            servers.append(server)
            lines += f'host = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
            arrived = lambda: Counter(q.to for q in server.queued)  # noqa: E731
        elif kind == "sendgrid":
            fake = FakeSendGrid()
            servers.append(fake)
            environ["SENDGRID_API_KEY"] = KEY
            lines += f'base_url = "{fake.url}"\n'
            arrived = lambda: fake_mailed(fake)  # noqa: E731
        else:
            arrived = lambda: files(folder / "letters")  # noqa: E731
        (folder / "config.toml").write_text(CONFIG.format(source="", weekly="") + lines)
        one = Trial(folder, environ, arrived)
        made.append(one)
        prepare(one)
        return one

    yield build
    for server in servers:
        server.close()


def prepare(one: Trial) -> None:
    """Pass the baseline, add the readers, publish."""
    words = [sys.executable, "-m", "digest", "--now", BASELINE, "run"]
    subprocess.run(words, cwd=one.folder, env=one.environ, check=True, capture_output=True)
    place = Installation(load(one.folder / "config.toml", one.environ))
    with writing(place.engine) as conn:
        for n in range(READERS):
            people.add(
                conn, f"r{n}@example.org", cadence="weekly", how="test", now=place.clock(), secret=place.secret
            )
    place.engine.dispose()
    text = "---\ntitle: One\nid: n1\npolicy_areas: [housing]\nregions: [wales]\n---\nWhat we learnt.\n"
    (one.folder / "notes" / "one.md").write_text(text)


def files(folder: Path) -> Counter[str]:
    parser = BytesHeaderParser()
    return Counter(str(parser.parsebytes(p.read_bytes())["To"]) for p in folder.glob("*/*.eml"))


def fake_mailed(fake: FakeSendGrid) -> Counter[str]:
    return Counter(message.to for message in fake.queued)


@pytest.mark.kills
@pytest.mark.parametrize("kind", TRANSPORTS)
@pytest.mark.parametrize("place", PLACES)
def test_killed_at_each_named_place(trial: Callable[..., Trial], kind: str, place: str) -> None:
    check_place(trial(kind), kind, place)


def test_killed_between_claim_and_answer(trial: Callable[..., Trial]) -> None:
    check_place(trial("smtp"), "smtp", "hand-over: one answered")


def check_place(one: Trial, kind: str, place: str) -> None:
    killed = one.start(place)
    said, _ = killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL, said.decode()
    one.finish()
    in_doubt = one.judge()
    if kind == "file":
        assert in_doubt == 0
    if place in ("frozen", "claim: before commit", "record: committed"):
        assert in_doubt == 0


@pytest.mark.kills
def test_asked_to_stop_leaves_nothing_in_doubt(trial: Callable[..., Trial]) -> None:
    one = trial("smtp")
    for wait in (0.3, 0.6, 0.9):
        run = one.start()
        time.sleep(wait)
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)
    one.finish()
    assert one.judge() == 0


def kill_at_random(one: Trial, dice: random.Random, most: int) -> None:
    for _ in range(dice.randint(1, most)):
        run = one.start()
        time.sleep(dice.uniform(0.2, 1.6))
        if run.poll() is None:
            run.kill()
            one.kills += 1
        run.communicate(timeout=60)


@pytest.mark.proof
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", TRANSPORTS)
def test_killed_at_random_moments(
    trial: Callable[..., Trial],
    kind: str,
    engine: str,
    request: pytest.FixtureRequest,
    figure: Figures,
    tmp_path: Path,
) -> None:
    runs = int(os.environ.get("DIGEST_KILL_RUNS", "20"))
    seed = int(os.environ.get("DIGEST_SEED", str(random.randrange(10**6))))
    dice = random.Random(f"{seed} {kind} {engine}")
    kills = in_doubt = 0
    for _ in range(runs):
        with database(engine, request) as url:
            one = trial(kind, url)
            kill_at_random(one, dice, 3)
            one.finish()
            doubts = one.judge()
            assert doubts <= one.kills * READERS
            kills, in_doubt = kills + one.kills, in_doubt + doubts
            shutil.rmtree(one.folder)
    name = f"3 random kill -9, {kind} on {engine} (seed {seed})"
    figure(name, goal="0 lost, 0 twice", result=f"0, 0 in {runs} runs, {kills} kills, {in_doubt} in doubt", met=True)


@contextmanager
def database(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the address of a database of its own; "" for an SQLite file."""
    if engine == "sqlite":
        yield ""
        return
    databases = request.getfixturevalue("postgresql")
    url = databases.new(request.getfixturevalue("postgresql_template"))
    yield url
    databases.drop(url)
