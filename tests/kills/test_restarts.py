"""The PostgreSQL server struck down under a running send: nobody twice, nobody forgotten, no row gone.

A commit that the server did not answer may have been made or not; the run ends with 75 and the next reads what is
true. The server waits a moment before it writes a commit down (commit_delay), so that it is often struck then.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from digest.store import migrate
from digest.store.engine import make_engine, reading
from tests import postgres
from tests.figures import Figures
from tests.kills import doubts
from tests.kills.conftest import TrialOf, copying
from tests.kills.test_random import length_of, seed
from tests.kills.trial import TRANSPORTS, Ground, Running, Trial

_DELAY = 0.1  # seconds
SETTINGS = (
    "fsync = on",
    "synchronous_commit = on",
    f"commit_delay = {_DELAY * 1_000_000:.0f}",
    "commit_siblings = 0",
    "wal_writer_delay = 60ms",  # so that some of the commits that wait are written down meanwhile
    "recovery_init_sync_method = syncfs",  # or each start waits for a thousand files, one by one
)
_MOST = 8  # restarts in one trial
_COMMITS = 6  # about so many has a run
# What may never be taken back once a run has ended.
_FINAL = "SELECT id, state FROM delivery WHERE state IN ('accepted', 'refused', 'cancelled', 'suppressed', 'empty')"
_ROWS = """
    SELECT (SELECT count(*) FROM subscriber) + (SELECT count(*) FROM entry) + (SELECT count(*) FROM delivery)
         + (SELECT count(*) FROM release) + (SELECT count(*) FROM run)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    """A server that may be struck down."""
    with postgres.cluster(*SETTINGS) as made:
        if made is None and postgres.REQUIRED:
            pytest.fail(postgres.MISSING)
        if made is None:
            pytest.skip(postgres.MISSING)
        yield made


class Settled(postgres.Databases):
    """Databases that a crash does not harm when they are new.

    A copy's sequences count on from what was logged for the original, and not for them: until the next
    checkpoint, a crash would have them give a number twice.
    """

    def new(self, template: str = "template0") -> str:
        """Make a database as `Databases` does, and wait until all of it is on the disk."""
        address = super().new(template)
        self._run("CHECKPOINT")
        return address


@pytest.fixture
def trial_there(cluster: postgres.Cluster, ground: Ground) -> Iterator[TrialOf]:
    """`trial_of` on that server."""
    databases = Settled(cluster.address)
    url = databases.new()
    engine = make_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    name = engine.url.database or ""
    yield copying(ground, lambda: (databases, name))
    databases.close()


class Witness:
    """Sees that no row goes and that nothing final is taken back."""

    def __init__(self, one: Trial) -> None:
        self._url = one.environ["DIGEST_STORAGE__URL"]
        self._rows = 0
        self._final: dict[int, str] = {}

    def look(self) -> None:
        """Compare with the last time."""
        engine = make_engine(self._url)
        try:
            with reading(engine) as conn:
                rows = int(conn.scalar(text(_ROWS)) or 0)
                final = {row.id: row.state for row in conn.execute(text(_FINAL))}
        finally:
            engine.dispose()
        assert rows >= self._rows, f"{self._rows - rows} rows are gone"
        assert final.items() >= self._final.items(), "what was final is not any more"
        self._rows, self._final = rows, final


def wait_for_a_moment(run: Running, heard: Path, dice: random.Random, length: float) -> None:
    """Wait until some commit is under way, or, one time in four, for any moment at all, or for the run's end."""
    if dice.random() < 0.25:
        time.sleep(dice.uniform(0.0, length))
        return
    wanted = dice.randint(1, _COMMITS)
    while heard.read_bytes().count(b"?") < wanted and not run.over():
        time.sleep(0.002)
    time.sleep(dice.uniform(0.0, _DELAY))


def strike(one: Trial, cluster: postgres.Cluster, dice: random.Random, length: float, most: int) -> Counter[str]:
    """Run, and restart the server meanwhile, until a run comes to its end or `most` were struck; return the sums."""
    sums: Counter[str] = Counter()
    witness = Witness(one)
    heard = one.folder / "commits"
    one.environ["COUNT_LOST_COMMITS"] = str(heard)
    for _ in range(most):
        heard.write_bytes(b"")
        run = one.run()
        wait_for_a_moment(run, heard, dice, length)
        if not run.over():
            cluster.restart()
            sums["restarts"] += 1
        ended = run.wait()
        assert ended.code in (0, 4, 75), ended
        one.check_books()
        witness.look()
        sums["runs broken off"] += ended.code == 75
        sums["unknown commits"] += heard.read_bytes().count(b"!")
        if ended.code != 75:
            break
    one.finish()
    witness.look()
    # A run that the server leaves knows of its own letters; but it may have had no database to write it down.
    sums["in doubt"] = doubts.check(one, sums["runs broken off"])
    return sums


def check_restarts(
    trial_there: TrialOf, cluster: postgres.Cluster, restarts: int, dice: random.Random, kinds: tuple[str, ...]
) -> Counter[str]:
    sums: Counter[str] = Counter()
    lengths: dict[str, float] = {}
    for kind in kinds:
        with trial_there(kind, "postgresql") as one:
            lengths[kind] = length_of(one)
    while sums["restarts"] < restarts:
        kind = kinds[sums["trials"] % len(kinds)]
        with trial_there(kind, "postgresql") as one:
            most = min(_MOST, restarts - sums["restarts"])
            sums.update(strike(one, cluster, dice, lengths[kind], most))
        sums["trials"] += 1
    return sums


@pytest.mark.kills
def test_server_struck_down_a_few_times(trial_there: TrialOf, cluster: postgres.Cluster) -> None:
    check_restarts(trial_there, cluster, 5, random.Random(seed()), ("sendgrid",))


@pytest.mark.proof
def test_server_struck_down(trial_there: TrialOf, cluster: postgres.Cluster, figure: Figures) -> None:
    restarts = int(os.environ.get("DIGEST_RESTARTS", "1000"))
    chosen = seed()
    sums = check_restarts(trial_there, cluster, restarts, random.Random(chosen), TRANSPORTS)
    figure(
        f"8 immediate restarts of PostgreSQL (seed {chosen})",
        goal=f"{restarts} restarts, >= {restarts // 2} unknown commits: 0 lost, 0 twice, 0 rows gone",
        result=f"{sums['restarts']} restarts in {sums['trials']} trials, {sums['unknown commits']} unknown commits:"
        f" 0, 0, 0; {sums['runs broken off']} runs broken off, {sums['in doubt']} batches in doubt, all listed",
        met=sums["restarts"] >= restarts and sums["unknown commits"] >= restarts // 2,
    )
