"""The disk is full, a little later in each run: no letter leaves without a claim, and it goes on by itself.

The database, the fence's file and the letters lie on a disk of two megabytes in memory, which the
test mounts and fills up to so many pages. Where nothing may be mounted, and as well where it may, the system lets
no file of the run grow beyond so many bytes (RLIMIT_FSIZE): not the same error, but the same want of room.
"""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from digest.store.engine import make_engine, reading
from tests.figures import Figures
from tests.kills import books
from tests.kills.test_syscalls import LATER, TELLS
from tests.kills.trial import FRIDAY, Ended, Ground, Running, Trial, letters_in

PAGE = 4096
# How many pages, or bytes of the largest file, are wanted for a run to come to its end: it gets fewer.
PAGES = {"file": 390, "smtp": 66, "sendgrid": 66}
BYTES = {"file": 200_000, "smtp": 200_000, "sendgrid": 200_000}
_EDITION = f"SELECT id FROM edition WHERE cadence = 'weekly' AND slot = '{FRIDAY[:10]}' AND state = 'frozen'"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "digest-test", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True) if shutil.which("mount") else None
    if done is None or done.returncode:
        must = os.environ.get("DIGEST_REQUIRE_MOUNT") == "1"
        why = f"no disk can be mounted here: {done.stderr.strip() if done else 'no mount command'}"
        (pytest.fail if must else pytest.skip)(why)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def on_disk(ground: Ground, kind: str, pages: int, disk: Path) -> tuple[Trial, Ended]:
    """Run a trial whose files lie on the small disk, with so many pages free; return it with room again."""
    one = ground.trial(kind)
    shutil.copy(one.folder / "digest.db", disk / "digest.db")
    shutil.copy(one.folder / "digest.fence", disk / "digest.fence")
    one.environ |= {
        "DIGEST_STORAGE__URL": f"sqlite:///{disk}/digest.db",
        "DIGEST_STORAGE__FENCE_FILE": str(disk / "digest.fence"),
        "DIGEST_TRANSPORT__DIRECTORY": str(disk / "letters"),
    }
    if kind == "file":
        one.arrived = partial(letters_in, disk / "letters")
    filler = disk / "filler"
    about = os.statvfs(disk)
    filler.write_bytes(bytes(about.f_bavail * about.f_frsize - pages * PAGE))
    ended = one.run().wait()
    filler.unlink()
    return one, ended


def within_limit(ground: Ground, kind: str, size: int) -> tuple[Trial, Ended]:
    """Run a trial of which no file may grow beyond so many bytes."""
    one = ground.trial(kind)
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size))
    return one, Running(one.folder, one.environ, ["--now", one.now, "run"], first=limit).wait()


def judged(one: Trial, ended: Ended, kind: str) -> int:
    """Judge a trial as the want of room left it, and once it has run on; return how many are in doubt."""
    assert "Traceback" not in ended.said, ended.said
    assert ended.code in (0, 4, 75), ended
    assert ended.code == 0 or TELLS.search(ended.said), ended
    url = one.environ.get("DIGEST_STORAGE__URL", f"sqlite:///{one.folder}/digest.db")
    with sqlite3.connect(url.removeprefix("sqlite:///")) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    file.close()
    engine = make_engine(url)
    with reading(engine) as conn:
        edition = conn.scalar(text(_EDITION))
        if edition is None:
            assert not one.arrived()
        else:
            books.compare(conn, edition, one.arrived())
    engine.dispose()
    one.now = LATER
    one.finish(1)
    return len(one.judge())


def rooms(most: int, count: int) -> list[int]:
    """Return `count` amounts of room, from nothing to just below `most`."""
    return [most * number // count for number in range(count)]


def try_disks(ground: Ground, kind: str, count: int, disk: Path, codes: Counter[int]) -> int:
    """Try so many amounts of room on a disk; return how many are in doubt at their ends."""
    doubts = 0
    for pages in rooms(PAGES[kind], count):
        one, ended = on_disk(ground, kind, pages, disk)
        codes[ended.code] += 1
        doubts += _judged(one, ended, kind, pages)
        ground.done(one)
        for path in disk.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return doubts


def try_limits(ground: Ground, kind: str, count: int, codes: Counter[int]) -> int:
    """Try so many limits of the largest file; return how many are in doubt at their ends."""
    doubts = 0
    for size in rooms(BYTES[kind], count):
        one, ended = within_limit(ground, kind, max(PAGE, size))
        codes[ended.code] += 1
        doubts += _judged(one, ended, kind, size)
        ground.done(one)
    return doubts


def _judged(one: Trial, ended: Ended, kind: str, room: int) -> int:
    try:
        doubts = judged(one, ended, kind)
        assert kind != "file" or doubts == 0, doubts
    except AssertionError as error:
        error.add_note(f"{kind} with room for {room}: {ended}")
        raise
    return doubts


@pytest.mark.kills
@pytest.mark.parametrize("kind", PAGES)
def test_a_full_disk_loses_nobody(ground: Ground, kind: str, small_disk: Path) -> None:
    codes: Counter[int] = Counter()
    try_disks(ground, kind, 2, small_disk, codes)
    assert codes[75] == 2


@pytest.mark.kills
def test_a_limit_of_file_size_loses_nobody(ground: Ground) -> None:
    codes: Counter[int] = Counter()
    try_limits(ground, "smtp", 2, codes)
    assert codes[75] == 2


@pytest.mark.proof
@pytest.mark.parametrize("kind", PAGES)
def test_full_disks(ground: Ground, kind: str, small_disk: Path, figure: Figures) -> None:
    runs = int(os.environ.get("DIGEST_FULL_DISKS", "50"))
    codes: Counter[int] = Counter()
    doubts = try_disks(ground, kind, runs, small_disk, codes)
    _tell(figure, f"7 full disk, {kind}", runs, codes, doubts)


@pytest.mark.proof
@pytest.mark.parametrize("kind", BYTES)
def test_limits_of_file_size(ground: Ground, kind: str, figure: Figures) -> None:
    runs = int(os.environ.get("DIGEST_FULL_DISKS", "50"))
    codes: Counter[int] = Counter()
    doubts = try_limits(ground, kind, runs, codes)
    _tell(figure, f"7 files may not grow, {kind}", runs, codes, doubts)


def _tell(figure: Figures, name: str, runs: int, codes: Counter[int], doubts: int) -> None:
    ends = ", ".join(f"{code}: {count}" for code, count in sorted(codes.items()))
    goal = "0 lost, 0 twice, 0 without a claim, goes on by itself"
    figure(name, goal=goal, result=f"0, 0, 0 in {runs} runs; {doubts} in doubt; exit codes {ends}", met=True)
