"""An older state of the database, however it was put back, mails nobody unasked, and nobody who left since."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from digest.errors import PersonNeeded
from digest.operations.resume import resume
from digest.store.engine import reading, writing
from digest.store.fence import Fence
from digest.web.app import make_app
from subscribers import store as people
from tests import postgres
from tests.console import Answer, digest
from tests.counts import others_long
from tests.house import House

ANN, BEN = "ann@example.org", "ben@example.org"
TAILS = ("", "-wal", "-shm")


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return a house whose two readers have had a letter, with news for the next; it is copied."""
    return send_one(House(tmp_path_factory.mktemp("sent") / "house"))


def send_one(house: House) -> House:
    house.run()
    house.reader(ANN)
    house.reader(BEN)
    house.publish("One")
    house.run(days=4)
    house.publish("Two")
    house.close()
    return house


@pytest.fixture
def house(sent: House, tmp_path: Path) -> Iterator[House]:
    house = sent.copy(tmp_path / "house")
    yield house
    house.close()


def told(house: House, *words: str) -> Answer:
    environ = {"DIGEST_STORAGE__URL": house.settings.storage_url}
    return digest(house.folder, "--now", house.now.isoformat(), *words, environ=environ)


def by_command(*words: str) -> Callable[[House], None]:
    def act(house: House) -> None:
        assert told(house, "subscribers", *words).code == 0

    return act


def leaves_by_link(house: House) -> None:
    [letter] = [text for path in house.folder.glob("letters/*/*.txt") if ANN in (text := path.read_text())]
    [path, *_] = re.findall(r"https://digest\.example\.org(/unsubscribe/\S+)", letter)
    with TestClient(make_app(house.live())) as pages:
        assert pages.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200


def leaves_at_another_host(house: House) -> None:
    """Let a host without the file write it; the next run here brings the file up."""
    place = house.place
    with writing(place.engine) as conn:
        people.leave(conn, 1, how="link", now=house.now, secret=place.secret)
    Fence(place.engine, house.folder / "elsewhere" / "digest.fence").follow()
    assert told(house, "run").code == 0


# A change after which the reader must get nothing (but after `set`): how it comes about.
CHANGES: dict[str, Callable[[House], None]] = {
    "suppressed": by_command("suppress", ANN),
    "erased": by_command("forget", ANN, "--yes"),
    "left by link": leaves_by_link,
    "left at another host": leaves_at_another_host,
    "paused": by_command("pause", ANN),
    "set": by_command("set", ANN, "cadence=monthly"),
}


def replaced(house: House, source: Path) -> None:
    house.close()
    for tail in TAILS:
        (house.folder / f"digest.db{tail}").unlink(missing_ok=True)
    shutil.copyfile(source, house.folder / "digest.db")


def by_copy(house: House, kept: Path) -> Callable[[], None]:
    house.close()
    shutil.copyfile(house.folder / "digest.db", kept)
    return lambda: replaced(house, kept)


def by_rename(house: House, kept: Path) -> Callable[[], None]:
    by_copy(house, kept)

    def put_back() -> None:
        for tail in TAILS[1:]:
            (house.folder / f"digest.db{tail}").unlink(missing_ok=True)
        kept.replace(house.folder / "digest.db")

    return put_back


def by_backup_command(house: House, kept: Path) -> Callable[[], None]:
    assert told(house, "db", "backup", str(kept)).code == 0
    return lambda: replaced(house, kept)


def by_restore_command(house: House, kept: Path) -> Callable[[], None]:
    assert told(house, "db", "backup", str(kept)).code == 0

    def put_back() -> None:
        assert told(house, "db", "restore", str(kept)).code == 0

    return put_back


def by_copy_in_use(house: House, kept: Path) -> Callable[[], None]:
    """Copy the file and its log while a process has them open, as a snapshot of the disk does."""
    with reading(house.place.engine):
        for tail in TAILS:
            if (path := house.folder / f"digest.db{tail}").exists():
                shutil.copyfile(path, f"{kept}{tail}")

    def put_back() -> None:
        house.close()
        for tail in TAILS:
            (house.folder / f"digest.db{tail}").unlink(missing_ok=True)
            if (path := Path(f"{kept}{tail}")).exists():
                shutil.copyfile(path, house.folder / f"digest.db{tail}")

    return put_back


def by_vacuum_into(house: House, kept: Path) -> Callable[[], None]:
    with closing(sqlite3.connect(house.folder / "digest.db")) as conn:
        conn.execute("VACUUM INTO ?", (str(kept),))
    return lambda: replaced(house, kept)


def by_dump(house: House, kept: Path) -> Callable[[], None]:
    with closing(sqlite3.connect(house.folder / "digest.db")) as conn, closing(sqlite3.connect(kept)) as copy:
        # Without the table of searches, which the program sqlite3 can dump and Python's own function cannot.
        lines = [
            line for line in conn.iterdump() if not re.match(r"INSERT INTO (\"archive_search\"|sqlite_master)", line)
        ]
        copy.executescript("\n".join(lines))
    return lambda: replaced(house, kept)


def by_folder(house: House, kept: Path) -> Callable[[], None]:
    """Copy the whole folder without the fence's files, which are never copied, and copy it back over the living."""
    house.close()
    shutil.copytree(house.folder, kept, ignore=shutil.ignore_patterns("digest.fence*"))

    def put_back() -> None:
        house.close()
        for tail in TAILS:
            (house.folder / f"digest.db{tail}").unlink(missing_ok=True)
        shutil.copytree(kept, house.folder, dirs_exist_ok=True)

    return put_back


WAYS = (by_copy, by_rename, by_backup_command, by_restore_command, by_copy_in_use, by_vacuum_into, by_dump, by_folder)


def drill(
    house: House, change: str, way: Callable[[House, Path], Callable[[], None]], kept: Path, *, runs: bool
) -> None:
    """Keep the database, let a reader say no, put the database back, and judge it; `runs`: a run between."""
    put_back = way(house, kept)
    CHANGES[change](house)
    if runs:
        house.run(days=7)
    put_back()
    judge(house, change)


def judge(house: House, change: str) -> None:
    house.now = house.now.replace(day=27)
    before = letters(house)
    held = told(house, "run")
    assert (held.code, "is in HOLD" in held.stderr) == (4, True), held
    assert told(house, "doctor").code in (1, 4)
    assert letters(house) == before
    assert told(house, "db", "resume", "--unsent").code == 0
    assert told(house, "run").code == 0
    fresh = letters(house) - before
    assert any(BEN in address for address, _ in fresh)
    if change not in ("set", "paused"):  # because these change no suppression
        assert not any(ANN in address for address, _ in fresh)
    if change == "erased":
        assert ANN not in told(house, "subscribers", "list").stdout
        assert told(house, "subscribers", "show", ANN).code == 2


def letters(house: House) -> set[tuple[str, str]]:
    """Return the letters written so far, as (the line that names the reader, path)."""
    return {
        (line, path.name + path.parent.name)
        for path in house.folder.glob("letters/*/*.eml")
        for line in path.read_text().splitlines()
        if line.startswith("To: ")
    }


@pytest.mark.long
@pytest.mark.parametrize(
    ("change", "way"),
    others_long(
        [("suppressed", by_copy), ("erased", by_copy_in_use), ("left by link", by_folder), ("paused", by_rename),
         ("left at another host", by_dump)],
        ("erased", by_copy_in_use),
    ),
)  # fmt: skip
def test_an_older_database_is_in_hold_without_any_hand_over(
    house: House, tmp_path: Path, change: str, way: Callable[[House, Path], Callable[[], None]]
) -> None:
    drill(house, change, way, tmp_path / "kept", runs=False)


@pytest.mark.long
@pytest.mark.parametrize(("change", "way", "runs"), list(product(CHANGES, WAYS, (False, True))))
def test_every_way_to_put_it_back(
    house: House, tmp_path: Path, change: str, way: Callable[[House, Path], Callable[[], None]], runs: bool
) -> None:
    drill(house, change, way, tmp_path / "kept", runs=runs)


@pytest.mark.long
@pytest.mark.parametrize("way", [by_copy, by_dump, by_backup_command])
def test_the_fence_begins_with_the_first_reader(
    tmp_path: Path, way: Callable[[House, Path], Callable[[], None]]
) -> None:
    house = House(tmp_path / "house")
    house.close()
    for email in (ANN, BEN):
        assert told(house, "subscribers", "add", email).code == 0
    put_back = way(house, tmp_path / "kept")
    assert told(house, "subscribers", "forget", ANN, "--yes").code == 0
    put_back()
    held = told(house, "run")
    assert (held.code, "is in HOLD" in held.stderr) == (4, True), held
    assert told(house, "db", "resume", "--unsent").code == 0
    assert told(house, "subscribers", "show", ANN).code == 2
    assert told(house, "run").code == 0
    house.close()


def suppress(house: House) -> None:
    place = house.place
    with writing(place.engine) as conn:
        people.suppress(conn, ANN, "editor", secret=place.secret, now=house.now)
    place.fence.follow()


def erase(house: House) -> None:
    place = house.place
    with writing(place.engine) as conn:
        people.forget(conn, 1, secret=place.secret, now=house.now)
    place.fence.follow()


@pytest.mark.long
@pytest.mark.parametrize("change", [suppress, erase])
def test_a_postgresql_database_that_was_put_back(
    postgresql: postgres.Databases, postgresql_url: str, tmp_path: Path, change: Callable[[House], None]
) -> None:
    house = send_one(House(tmp_path / "house", postgresql_url))
    kept = postgresql.new(make_url(postgresql_url).database or "")
    change(house)
    house.close()
    house.settings, house._place = replace(house.settings, storage_url=kept), None
    before = letters(house)
    with pytest.raises(PersonNeeded, match="older than the last change of a subscriber"):
        house.run(days=7)
    resumed = resume(house.place, sent=False)
    assert (resumed.suppressed, resumed.erased) == (1, int(change is erase))
    house.run()
    assert [address for address, _ in letters(house) - before] == [f"To: {BEN}"]
    with reading(house.place.engine) as conn:
        assert (people.find(conn, ANN) is None) is (change is erase)
    house.close()
    postgresql.drop(kept)


@pytest.mark.long
@pytest.mark.parametrize("lists", ["kept", "lost", "foreign"])
def test_the_list_of_before_a_new_secret_erases_again_or_a_person_is_told(
    house: House, lists: str, tmp_path: Path
) -> None:
    secret, main = house.settings.secret_file, house.folder / "digest.fence.suppressed"
    assert told(house, "db", "backup", str(tmp_path / "digest.db")).code == 0
    shutil.copy(secret, tmp_path / "digest.secret")
    assert told(house, "subscribers", "suppress", ANN).code == 0
    assert told(house, "subscribers", "forget", BEN, "--yes").code == 0
    secret.unlink()
    assert told(house, "db", "new-secret", "--yes").code == 4
    (aside,) = house.folder.glob("digest.fence.suppressed.before-*")
    assert (aside.stat().st_mode & 0o777, main.exists()) == (0o600, True)
    if lists == "foreign":
        told(house, "subscribers", "suppress", "cat@example.org")
    shutil.copy(tmp_path / "digest.secret", secret)
    replaced(house, tmp_path / "digest.db")
    if lists == "lost":
        aside.unlink()
        main.unlink()
    first = told(house, "db", "resume", "--sent")
    if lists == "kept":
        assert first.code == 0 and "2 addresses not to be mailed" in first.stderr
    else:
        assert (first.code, "nobody can know who left" in first.stderr) == (4, True)
        assert told(house, "db", "resume", "--sent", "--lists-lost").code == 0
    house._place = None
    with reading(house.place.engine) as conn:
        ann, ben = (people.find(conn, email) for email in (ANN, BEN))
        suppressed = people.is_suppressed(conn, ANN, secret=house.place.secret)
    assert (suppressed, ben) == ("editor", None) if lists != "lost" else (ann and ben)
    assert told(house, "run").code in (0, 4)
