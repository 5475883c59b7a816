"""The power is cut while the real program runs: no database breaks, and no hand-over is forgotten.

No VFS under SQLite, as reliability.md has it (apsw): the program does not go through apsw. Instead strace writes
down what a real `digest run` asks of its disk and its network, in order (recording.py), and a disk that keeps
only what was waited for (powercut.py) makes of every beginning of that what a power cut may leave. So the fence's
file, the letters of the file transport and the names in folders are tried as well as the database, and what had
left for the mail server is known to the byte. Each image is opened by the program's own code; one in some is run
to its end.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import text

from digest.errors import DigestError
from digest.store.engine import make_engine, reading
from digest.store.fence import Fence
from tests.figures import Figures
from tests.kills import books
from tests.kills.powercut import Disk, write_out
from tests.kills.recording import Recording, need_strace, record
from tests.kills.trial import FRIDAY, Ground, Trial, letters_in

_RUN = ["-m", "digest", "--now", FRIDAY, "run"]
# A program that does not wait for its disk at each commit.
_HASTY = """
import sys
from sqlalchemy import Engine, event
from digest.cli import main
@event.listens_for(Engine, "begin")
def hurry(conn): conn.exec_driver_sql("PRAGMA synchronous=NORMAL")
sys.argv = ["digest", *sys.argv[1:]]
main()
"""
_EDITION = f"SELECT id FROM edition WHERE cadence = 'weekly' AND slot = '{FRIDAY[:10]}' AND state = 'frozen'"
_CLAIMED = """
    SELECT s.email FROM delivery d JOIN subscriber s ON s.id = d.subscriber_id
    WHERE d.edition_id = :edition AND d.state <> 'pending'
"""
_ADDRESS = re.compile(rb"r\d+@example\.org")
_REQUEST = re.compile(rb"POST /v3/mail/send .*?Content-Length: (\d+).*?\r\n\r\n", re.S | re.I)


@dataclass(frozen=True, slots=True)
class Scene:
    """What is recorded. `frames`: changes that wait in the database's log, which is written back at 1,000.

    `killed`: a place where a run is killed before the one that comes to a good end.
    """

    name: str
    kind: str
    readers: int = 30
    frames: int = 0
    killed: str = ""


SCENES = [
    Scene("file", "file"),
    Scene("file, killed", "file", killed="file: one in place*20"),
    Scene("smtp, two batches", "smtp", readers=230),
    Scene("smtp, log written back", "smtp", frames=960),
    Scene("sendgrid", "sendgrid"),
]


def recorded(ground: Ground, scene: Scene, program: list[str] = _RUN) -> tuple[Trial, Recording]:
    """Record a run from its beginning to its good end."""
    one = ground.trial(scene.kind, readers=scene.readers)
    with sqlite3.connect(one.folder / "digest.db", isolation_level=None) as other:
        other.execute("PRAGMA wal_autocheckpoint=0")
        other.execute("PRAGMA synchronous=OFF")
        for _ in range(scene.frames):
            other.execute("UPDATE run SET outcome = outcome WHERE id = (SELECT max(id) FROM run)")
        words = [sys.executable, *program]
        if scene.killed:
            run = " ".join(words)
            words = ["sh", "-c", f"DIGEST_FAILPOINT='{scene.killed}' {run}; test $? = 137 && {run}"]
        made = record(one.folder, one.environ, words)
    other.close()
    assert made.code == 0
    shutil.rmtree(one.folder)
    return one, made


class Left:
    """What had left for the mail server: `named` are those of whom a byte had, `taken` those whose letter had."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._streams: dict[str, bytearray] = {}
        self._known: dict[str, tuple[set[str], list[str]]] = {}

    def add(self, connection: str, data: bytes) -> None:
        """Take note of what was sent next on a connection."""
        stream = self._streams.setdefault(connection, bytearray())
        stream += data
        self._known[connection] = (_by_smtp if self._kind == "smtp" else _by_sendgrid)(bytes(stream))

    @property
    def named(self) -> set[str]:
        """Return the addresses of which a byte had left."""
        return {address for named, _ in self._known.values() for address in named}

    @property
    def taken(self) -> Counter[str]:
        """Return how often a whole letter had left, by address."""
        return Counter(address for _, taken in self._known.values() for address in taken)


def _by_smtp(stream: bytes) -> tuple[set[str], list[str]]:
    asked = [address.decode() for address in re.findall(rb"RCPT TO:<([^>]+)>", stream)]
    return set(asked), asked[: stream.count(b"\r\n.\r\n")]


def _by_sendgrid(stream: bytes) -> tuple[set[str], list[str]]:
    named: set[str] = set()
    taken: list[str] = []
    for head in _REQUEST.finditer(stream):
        body = stream[head.end() : head.end() + int(head[1])]
        addresses = {address.decode() for address in _ADDRESS.findall(body)}
        named |= addresses
        taken += addresses if len(body) == int(head[1]) else ()
    return named, taken


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts the power of a recorded run at moments of its choice; asserts that nothing is lost by it.

    The image of a trial lies where the trial lay: a fence's file fits only there.
    """

    trial: Trial
    recording: Recording
    scene: Scene
    dice: random.Random

    def cut(self, images: int, run_on: int) -> int:
        """Judge so many images, and let the program run on in so many of them; return how many had claims."""
        events = self.recording.events
        # Most of them where letters are on their way.
        first = next(n for n, event in enumerate(events) if event.data == b"digest.fence")
        weights = [(1 if n < first else 8) * (1 if event.kind == "sent" else 4) for n, event in enumerate(events)]
        moments = Counter(self.dice.choices(range(len(weights)), weights, k=images))
        going_on = set(self.dice.sample(range(images), run_on))
        disk, left, made, claimed = Disk(self.recording), Left(self.scene.kind), 0, 0
        for number, event in enumerate(events):
            disk.apply(event)
            if event.kind == "sent":
                left.add(event.path, event.data)
            for _ in range(moments[number]):
                image = self.trial.folder
                write_out(disk.cut(self.dice), image)
                try:
                    claimed += self._judge(image, left) > 0
                    if made in going_on:
                        self._run_on(image, left)
                except BaseException as error:
                    error.add_note(
                        f"image {made} of {self.scene.name}, after event {number}, {event.kind} {event.path}"
                    )
                    raise
                finally:
                    shutil.rmtree(image)
                made += 1
        return claimed

    def _judge(self, image: Path, left: Left) -> int:
        """Hold an image against what had left; return how many deliveries of it are claimed or beyond."""
        taken = letters_in(image / "letters") if self.scene.kind == "file" else left.taken
        engine = make_engine(f"sqlite:///{image}/digest.db")
        try:
            with reading(engine) as conn:
                assert conn.scalar(text("PRAGMA integrity_check")) == "ok"
                assert not conn.execute(text("PRAGMA foreign_key_check")).all()
                books.accounts(conn)
                edition = conn.scalar(text(_EDITION))
                known = set(conn.scalars(text(_CLAIMED), {"edition": edition}))
                assert left.named <= known, f"forgotten: {sorted(left.named - known)}"
                if edition is not None:
                    books.compare(conn, edition, taken)
                assert edition is not None or not taken, "the edition is forgotten"
            Fence(engine, image / "digest.fence").check()
            return len(known)
        finally:
            engine.dispose()

    def _run_on(self, image: Path, left: Left) -> None:
        """Let the program go on in an image until it has nothing to do: nobody is lost, nobody mailed twice."""
        if self.scene.kind == "file":
            one = Trial(image, self.trial.environ, lambda: letters_in(image / "letters"))
        else:
            taken, before = left.taken, self.trial.arrived()
            one = Trial(image, self.trial.environ, lambda: taken + (self.trial.arrived() - before))
        one.finish()
        one.judge(self.scene.readers)


@pytest.fixture(scope="module")
def cutter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Cutter]]:
    """`cutter(scene, dice)` cuts the power of a scene, recorded once, in memory where that can be a disk."""
    need_strace()
    memory, folder = Path("/dev/shm"), tmp_path_factory.mktemp("power")
    images = Path(tempfile.mkdtemp(dir=memory if os.access(memory, os.W_OK) else folder))
    ground = Ground(images)
    known: dict[Scene, tuple[Trial, Recording]] = {}

    def make(scene: Scene, dice: random.Random, program: list[str] = _RUN) -> Cutter:
        if scene not in known:
            known[scene] = recorded(ground, scene, program)
        return Cutter(*known[scene], scene, dice)

    yield make
    shutil.rmtree(images)
    ground.close()


def _seed() -> int:
    return int(os.environ.get("DIGEST_SEED", str(random.randrange(10**6))))


@pytest.mark.kills
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_power_cut_breaks_and_forgets_nothing(cutter: Callable[..., Cutter], scene: Scene) -> None:
    assert cutter(scene, random.Random(1)).cut(60, 1) > 0


@pytest.mark.proof
def test_power_cuts(cutter: Callable[..., Cutter], figure: Figures) -> None:
    images, seed = int(os.environ.get("DIGEST_POWER_CUTS", "10000")), _seed()
    dice = random.Random(seed)
    claimed = 0
    for scene in SCENES:
        claimed += cutter(scene, dice).cut(images // len(SCENES), images // len(SCENES) // 100)
    figure(
        f"5 power cuts, sqlite (seed {seed})",
        goal="0 corrupt, 0 hand-overs forgotten, 0 held",
        result=f"0, 0, 0 in {images} images, {claimed} with claims, {images // 100} run to their end",
        met=True,
    )


@pytest.mark.kills
def test_a_program_that_does_not_wait_for_its_disk_is_caught(cutter: Callable[..., Cutter]) -> None:
    scene = Scene("smtp, in haste", "smtp")
    hasty = cutter(scene, random.Random(1), ["-c", _HASTY, "--now", FRIDAY, "run"])
    with pytest.raises((AssertionError, DigestError), match=r"forgotten|arrived|does not fit"):
        hasty.cut(1000, 0)


@pytest.mark.proof
@pytest.mark.parametrize(
    ("scene", "sync", "path"),
    [
        ("sendgrid", "sync", r"digest\.db-wal"),
        ("sendgrid", "sync", r"digest\.db"),
        ("sendgrid", "sync", r"\.digest\.fence\.new"),
        ("sendgrid", "sync-names", r"\."),
        ("file", "sync", r"letters/.*\.part"),
        ("file", "sync-names", r"letters/.*"),
        ("file, killed", "sync-names", r"letters/.*"),
    ],
)
def test_each_wait_for_the_disk_is_needed(cutter: Callable[..., Cutter], scene: str, sync: str, path: str) -> None:
    whole = cutter(next(one for one in SCENES if one.name == scene), random.Random(1))
    with pytest.raises((AssertionError, DigestError)):
        replace(whole, recording=whole.recording.without(sync, path)).cut(2000, 0)
