"""A database that was restored or copied mails nobody until a person has said what is true."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from alembic import command as alembic
from sqlalchemy import event, text

from digest import cli, pipeline
from digest.errors import TryLater
from digest.notices.confirm import owe_confirm
from digest.store import migrate, runs
from digest.store.backup import backup
from digest.store.engine import make_engine, reading, writing
from digest.store.lock import run_lock
from subscribers import store as people
from subscribers.confirmations import Wish, add_wish, drop_wishes_of_erased
from subscribers.suppression import address_hash, is_suppressed, suppress
from tests.counts import others_long, spread
from tests.figures import Figures
from tests.house import House
from tests.kills import books

READERS = 6


@dataclass
class Copy:
    """An installation at some folder, used by its command line only."""

    folder: Path
    now: datetime

    def __call__(self, *words: str) -> int:
        return cli.run_command(["--config", str(self.folder / "config.toml"), "--now", self.now.isoformat(), *words])

    def letters(self) -> Counter[str]:
        """Copies by reader and entry, in whatever edition: what a reader would call twice."""
        parser, found = BytesParser(policy=policy.default), Counter[str]()
        for file in (self.folder / "letters").glob("*/*.eml"):
            letter = parser.parsebytes(file.read_bytes())
            body = letter.get_body(("plain",))
            assert body is not None
            entries = re.findall(r"What we learnt: (\w+)", body.get_content())
            assert entries, file
            found.update(f"{letter['To']} {entry}" for entry in entries)
        return found


@pytest.fixture
def house(tmp_path: Path, second_week: House) -> Iterator[House]:
    """A house with readers, one weekly edition sent, and an entry for the next."""
    made = second_week.copy(tmp_path / "live")
    yield made
    made.close()


@pytest.fixture(scope="module")
def second_week(tmp_path_factory: pytest.TempPathFactory) -> House:
    """The house that `house` copies."""
    made = House(tmp_path_factory.mktemp("second-week") / "live")
    made.run()
    with writing(made.place.engine) as conn:
        for n in range(READERS):
            people.add(
                conn,
                people.NewSubscriber(f"r{n}@example.org", cadence="weekly"),
                how="test",
                now=made.now,
                secret=made.place.secret,
            )
    made.publish("One")
    made.run(days=4)
    made.publish("Two")
    made.now += timedelta(days=3)
    made.close()
    return made


def at(house: House, folder: Path | None = None) -> Copy:
    return Copy(folder or house.folder, house.now)


def copied(house: House, target: Path, *without: str) -> Copy:
    """Copy the whole folder as it lies there, but for some files."""
    shutil.copytree(house.folder, target, ignore=shutil.ignore_patterns(*without, "*.lock"))
    return Copy(target, house.now)


def states(copy: Copy) -> Counter[str]:
    with closing(sqlite3.connect(copy.folder / "digest.db")) as conn:
        return Counter(row[0] for row in conn.execute("SELECT state FROM delivery"))


def is_held(copy: Copy, capsys: pytest.CaptureFixture[str]) -> str:
    """Check that nothing goes out of a copy and that it says how to go on; return what it said."""
    before = copy.letters()
    capsys.readouterr()
    assert [copy(word) for word in ("run", "send", "run")] == [4, 4, 4]
    said = capsys.readouterr().err
    for words in ("the database is in HOLD", "digest db held", "digest db resume --sent", "--unsent"):
        assert words in said
    assert copy("status") == 0
    assert capsys.readouterr().out.startswith("HOLD: nothing is mailed: ")
    assert copy("status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["hold"]
    assert copy("doctor") in (1, 4)
    assert "person: database: is in HOLD, nothing is mailed" in capsys.readouterr().out
    assert copy.letters() == before
    return said


@pytest.mark.long
def test_the_living_installation_is_not_in_hold(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert at(house)("status", "--json") == 0
    assert json.loads(capsys.readouterr().out)["hold"] is None
    assert at(house)("run") == 0


def test_a_restored_backup_is_in_hold_shows_what_it_would_send_and_goes_on_when_told(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = at(house)
    assert live("gather") == 0
    assert live("db", "backup", str(tmp_path / "b.db")) == 0
    house.publish("Three")
    house.now += timedelta(days=4)
    live.now = house.now
    assert live("run") == 0  # the second weekly edition goes out after the backup
    assert sum(live.letters().values()) == 3 * READERS
    house.close()
    assert live("db", "restore", str(tmp_path / "b.db")) == 0
    said = capsys.readouterr()
    assert "weekly 2026-11-13: a slot it believes is due" in said.out
    assert list(live.folder.glob("digest.db.before-*"))
    assert "it was restored from a backup" in is_held(live, capsys)
    assert live("db", "held", "--json") == 0
    assert {"cadence": "weekly", "slot": "2026-11-13"} in json.loads(capsys.readouterr().out)["due"]
    assert live("db", "resume") == 2
    assert "say --sent" in capsys.readouterr().err
    with closing(sqlite3.connect(live.folder / "digest.db")) as conn:
        conn.execute("UPDATE delivery SET state = CASE id WHEN 4 THEN 'pending' ELSE 'uncertain' END WHERE id > 3")
        conn.commit()
    assert live("db", "resume", "--sent") == 0
    told = capsys.readouterr().err
    assert f"{READERS - 3} letters are in doubt now (`digest settle`), 1 of them by this command" in told
    assert "the next new entries of each source wait for an editor" in told
    assert live("settle", "--json") == 4
    assert len(json.loads(capsys.readouterr().out)) == READERS - 3
    live.now += timedelta(days=7)
    assert live("run") == 4
    live.now += timedelta(days=7)
    assert live("run") == 4
    assert max(live.letters().values()) == 1
    assert sum(live.letters().values()) == 3 * READERS
    # What was gathered before the backup counts as sent; what came again with the next gather waits for an editor.
    for entry, outcome in (("1", "included"), ("2", "before-restore"), ("3", "held")):
        capsys.readouterr()
        assert live("explain", "--subscriber", "r1@example.org", "--entry", entry) == 0
        assert capsys.readouterr().out.startswith(f"{outcome}\n"), entry


@pytest.mark.long
def test_unsent_sends_what_the_restored_database_believes_to_be_owed(house: House, tmp_path: Path) -> None:
    live = at(house)
    assert live("db", "backup", str(tmp_path / "b.db")) == 0
    house.close()
    assert live("db", "restore", str(tmp_path / "b.db")) == 0
    assert live("db", "resume", "--unsent") == 0
    live.now += timedelta(days=4)
    assert live("run") == 0
    assert sum(live.letters().values()) == 2 * READERS
    assert max(live.letters().values()) == 1


@pytest.mark.long
@pytest.mark.parametrize(
    "kind",
    others_long(["no fence", "an old fence", "an older database", "all of it"], "all of it"),
)
def test_a_copy_of_the_folder_is_in_hold(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    live = at(house)
    house.close()
    old = {name: (house.folder / name).read_bytes() for name in ("digest.db", "digest.fence")}
    live.now += timedelta(days=4)
    assert live("run") == 0
    house.now = live.now + timedelta(days=7)
    copy = copied(house, tmp_path / "copy", *(["digest.fence"] if kind == "no fence" else []))
    if kind == "an old fence":
        (copy.folder / "digest.fence").write_bytes(old["digest.fence"])
    if kind == "an older database":
        for name in ("digest.db-wal", "digest.db-shm"):
            (copy.folder / name).unlink(missing_ok=True)
        (copy.folder / "digest.db").write_bytes(old["digest.db"])
    said = is_held(copy, capsys)
    assert ("is missing" if kind == "no fence" else "was made on another machine or in another folder") in said


@pytest.mark.long
def test_a_copy_with_letters_pending_and_claimed_shows_them_and_sends_none(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house.now += timedelta(days=4)
    assert at(house)("run") == 0
    house.close()
    copy = copied(house, tmp_path / "copy", "digest.fence", "letters")
    with closing(sqlite3.connect(copy.folder / "digest.db")) as conn:
        conn.execute("UPDATE delivery SET state = CASE WHEN id % 2 THEN 'pending' ELSE 'claimed' END WHERE id > 6")
        conn.commit()
    capsys.readouterr()
    assert copy("db", "held", "--json") == 0
    held = json.loads(capsys.readouterr().out)
    assert [one["letters"] for one in held["pending"]] == [READERS]
    is_held(copy, capsys)
    assert copy("db", "resume", "--sent") == 0
    assert (
        f"{READERS} letters are in doubt now (`digest settle`), {READERS} of them by this command"
        in capsys.readouterr().err
    )
    assert copy("run") == 4
    assert (sum(copy.letters().values()), states(copy)["uncertain"]) == (0, READERS)


@pytest.mark.long
@pytest.mark.parametrize("word", ["r1@example.org", "@one.example"])
def test_an_installation_with_an_allow_list_mails_only_those_on_it(
    house: House, tmp_path: Path, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with writing(house.place.engine) as conn:
        people.add(
            conn,
            people.NewSubscriber("x@one.example", cadence="weekly"),
            how="test",
            now=house.now,
            secret=house.place.secret,
        )
    house.close()
    copy = copied(house, tmp_path / "copy", "digest.fence", "letters")
    with (copy.folder / "config.toml").open("a") as file:
        file.write(f'[transport]\nonly = ["{word}"]\n')
    copy.now += timedelta(days=4)
    is_held(copy, capsys)
    assert copy("db", "resume", "--unsent") == 0
    assert copy("run", "--json") == 0
    receipt = next(r for r in json.loads(capsys.readouterr().out)["receipts"] if r["cadence"] == "weekly")
    assert (receipt["eligible"], receipt["accepted"], receipt["held"]) == (READERS + 1, 1, READERS)
    assert receipt["balanced"]
    # Who joined between the two entries is owed the second.
    mailed = "x@one.example" if word[0] == "@" else word
    assert list(copy.letters()) == [f"{mailed} Two"]
    assert copy("explain", "--subscriber", "r2@example.org", "--entry", "2") == 0
    said = capsys.readouterr().out
    assert said.startswith("held")
    assert "not on the allow-list" in said


# --- under load ---------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_copy_of_before_the_first_run_is_in_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = House(tmp_path / "new", source='backfill = "30 days"')
    new.reader("r@example.org")
    new.publish("One")
    pipeline.gather(new.place, force=True)
    backup(new.place.engine, tmp_path / "backup.db")
    new.run(days=4)
    new.close()
    for tail in ("", "-wal", "-shm"):
        (new.folder / f"digest.db{tail}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", new.folder / "digest.db")
    live = at(new)
    assert live("run") == 4
    assert "HOLD" in capsys.readouterr().err
    assert live("db", "resume", "--sent") == 0
    assert live("run") == 0
    assert sum(live.letters().values()) == 1


@pytest.mark.long
def test_a_living_database_cannot_be_resumed(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    live = at(house)
    with run_lock(house.place.engine):  # one who resumes it, or a run, may be about to change that
        assert live("db", "resume", "--sent") == 75
    assert live("db", "resume", "--sent") == 2
    assert "is not in HOLD" in capsys.readouterr().err
    live.now += timedelta(days=4)
    assert live("run") == 0
    assert sum(live.letters().values()) == 2 * READERS


@pytest.mark.long
def test_who_has_left_since_the_backup_is_not_mailed(house: House, tmp_path: Path) -> None:
    live = at(house)
    assert live("db", "backup", str(tmp_path / "backup.db")) == 0
    with writing(house.place.engine) as conn:
        people.leave(conn, 1, how="link", now=house.now, secret=house.place.secret)
    assert live("db", "restore", str(tmp_path / "backup.db")) == 0
    assert live("db", "resume", "--unsent") == 0
    live.now += timedelta(days=4)
    assert live("run") == 0
    assert sum(live.letters().values()) == 2 * READERS - 1


def test_what_a_reader_says_after_a_restore_is_said_to_the_restored_database(house: House, tmp_path: Path) -> None:
    place = house.place  # as a `digest serve` that goes on: it has connections to the database that was replaced
    live = at(house)
    assert live("db", "backup", str(tmp_path / "backup.db")) == 0
    with reading(place.engine) as conn:
        assert people.get(conn, 1)
    assert live("db", "restore", str(tmp_path / "backup.db")) == 0
    with writing(place.engine) as conn:
        people.leave(conn, 1, how="link", now=house.now, secret=place.secret)
    with closing(sqlite3.connect(house.folder / "digest.db")) as conn:
        assert conn.execute("SELECT state FROM subscriber WHERE id = 1").fetchall() == [("left",)]


def test_who_leaves_while_it_is_restored_is_not_told_in_vain(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(house.place.engine, tmp_path / "backup.db")
    serving = make_engine(house.place.settings.storage_url, wait=30)
    told: list[str] = []

    def leave() -> None:
        try:
            with writing(serving) as conn:
                people.leave(conn, 1, how="link", now=house.now, secret=house.place.secret)
        except TryLater:
            told.append("later")
        else:
            told.append("done")

    leaving = threading.Thread(target=leave)

    def meanwhile(name: str) -> None:
        if name == "restore: copied":
            leaving.start()
            leaving.join(0.5)

    monkeypatch.setattr("digest.store.backup.failpoint", meanwhile)
    assert at(house)("db", "restore", str(tmp_path / "backup.db")) == 0
    leaving.join()
    serving.dispose()
    with closing(sqlite3.connect(house.folder / "digest.db")) as conn:
        [(state,)] = conn.execute("SELECT state FROM subscriber WHERE id = 1").fetchall()
    assert (told, state) in ((["later"], "active"), (["done"], "left"))


def test_what_is_put_in_place_while_a_connection_opens_is_seen(house: House, tmp_path: Path) -> None:
    file = house.folder / "digest.db"
    backup(house.place.engine, tmp_path / "backup.db")
    house.place.engine.dispose()
    engine = make_engine(f"sqlite:///{file}")

    def replaced(*_: object) -> None:
        if (tmp_path / "backup.db").exists():
            (tmp_path / "backup.db").replace(file)
            for tail in ("-wal", "-shm"):
                file.with_name(file.name + tail).unlink(missing_ok=True)

    event.listen(engine, "connect", replaced)
    for number in (1, 2):
        with writing(engine) as conn:
            people.leave(conn, number, how="link", now=house.now, secret=house.place.secret)
    engine.dispose()
    with closing(sqlite3.connect(file)) as conn:
        assert conn.execute("SELECT count(*) FROM subscriber WHERE state = 'left'").fetchone() == (2,)


def test_a_restore_keeps_the_stronger_reason(house: House, tmp_path: Path) -> None:
    place = house.place
    for reason, file in (("left", "backup.db"), ("complained", "")):
        with writing(place.engine) as conn:
            suppress(conn, "r1@example.org", reason, secret=place.secret, now=house.now)
        if file:
            backup(place.engine, tmp_path / file)
    assert at(house)("db", "restore", str(tmp_path / "backup.db")) == 0
    with reading(place.engine) as conn:
        assert is_suppressed(conn, "r1@example.org", secret=place.secret) == "complained"


def test_a_damaged_database_can_be_replaced(house: House, tmp_path: Path) -> None:
    live = at(house)
    assert live("db", "backup", str(tmp_path / "backup.db")) == 0
    house.place.engine.dispose()
    for tail in ("-wal", "-shm"):
        (house.folder / f"digest.db{tail}").unlink(missing_ok=True)
    (house.folder / "digest.db").write_bytes(os.urandom(5000))
    assert live("db", "restore", str(tmp_path / "backup.db")) == 0
    assert live("run") == 4


def damaged_header(path: Path) -> None:
    path.write_bytes(os.urandom(100) + path.read_bytes()[100:])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5_000])


def deleted(path: Path) -> None:
    path.unlink()


@pytest.mark.long
@pytest.mark.parametrize("damage", [damaged_header, emptied, cut_off, deleted])
def test_what_the_log_of_a_damaged_database_holds_is_kept(
    house: House, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    live, file = at(house), house.folder / "digest.db"
    assert live("db", "backup", str(tmp_path / "backup.db")) == 0
    house.close()
    with closing(sqlite3.connect(file)) as conn:
        conn.execute("PRAGMA wal_autocheckpoint=0")
        conn.execute("UPDATE subscriber SET name = 'THE LAST COMMIT' WHERE id = 1")
        conn.commit()
        tails = {tail: file.with_name(f"digest.db{tail}").read_bytes() for tail in ("-wal", "-shm")}
    for tail, content in tails.items():  # as a power cut leaves them: the last connection has removed them
        file.with_name(f"digest.db{tail}").write_bytes(content)
    damage(file)
    assert live("db", "restore", str(tmp_path / "backup.db")) == 0
    kept = {path.name.partition(".before-")[2][15:]: path.read_bytes() for path in house.folder.glob("*.before-*")}
    assert kept["-wal"] == tails["-wal"] and b"THE LAST COMMIT" in kept["-wal"]
    assert kept.keys() == {"", "-wal", "-shm"} - ({""} if damage is deleted else set())
    assert live("run") == 4


def test_a_whole_database_is_kept_with_all_that_its_log_held(house: House, tmp_path: Path) -> None:
    live = at(house)
    assert live("db", "backup", str(tmp_path / "backup.db")) == 0
    with writing(house.place.engine) as conn:
        people.leave(conn, 1, how="link", now=house.now, secret=house.place.secret)
    assert live("db", "restore", str(tmp_path / "backup.db")) == 0
    [kept] = house.folder.glob("digest.db.before-*")  # and no log beside it
    with closing(sqlite3.connect(kept)) as old:
        assert old.execute("SELECT state FROM subscriber WHERE id = 1").fetchall() == [("left",)]


@pytest.mark.parametrize("replaced", spread(1, ["whole", "damaged", "older program"]))
def test_who_was_erased_since_the_backup_is_erased_again(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str], replaced: str
) -> None:
    live, file = at(house), tmp_path / "backup.db"
    assert live("db", "backup", str(file)) == 0
    if replaced == "older program":
        file = of_another_program(tmp_path / "old.db")
        with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(tmp_path / "backup.db")) as new, old:
            columns = "id, email, email_key, name, cadence, elsewhere, language, state, created_at"
            rows = new.execute(f"SELECT {columns} FROM subscriber").fetchall()
            old.executemany(f"INSERT INTO subscriber ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    for number in (1, 3):
        assert live("subscribers", "forget", f"r{number}@example.org", "--yes") == 0
    house.close()
    if replaced == "damaged":
        damaged_header(house.folder / "digest.db")
    assert live("db", "restore", str(file)) == 0
    restored = b"".join(path.read_bytes() for path in house.folder.glob("digest.db*") if ".before-" not in path.name)
    assert b"r2@example.org" in restored
    assert b"r1@example.org" not in restored and b"r3@example.org" not in restored
    assert live("db", "upgrade") == 0
    assert live("db", "resume", "--unsent") == 0
    capsys.readouterr()
    assert live("subscribers", "list", "--json") == 0
    assert {row["id"] for row in json.loads(capsys.readouterr().out)} == {1, 3, 5, 6}
    with closing(sqlite3.connect(house.folder / "digest.db")) as conn:
        events = "SELECT subscriber_id, what FROM consent_event WHERE subscriber_id IN (2, 4) ORDER BY 1"
        assert conn.execute(events).fetchall() == [(2, "erased"), (4, "erased")]
    assert live("subscribers", "add", "r1@example.org") == 1


def test_what_an_erased_address_had_asked_for_is_not_restored(house: House, tmp_path: Path) -> None:
    live, secret, file = at(house), house.place.secret, tmp_path / "backup.db"
    nobody = "canary@example.org"  # is no subscriber, when the backup is made
    gone, stays = (address_hash(secret, email) for email in (nobody, "other@example.org"))
    with writing(house.place.engine) as conn:
        for email, hashed in ((nobody, gone), ("other@example.org", stays)):
            waiting = add_wish(conn, Wish("join", email, hashed, {"name": email}, "", ""), house.now)
            owe_confirm(conn, waiting, "en")
    assert live("db", "backup", str(file)) == 0
    with writing(house.place.engine) as conn:
        suppress(conn, nobody, "erased", secret=secret, now=house.now)
    house.close()
    assert live("db", "restore", str(file)) == 0
    with closing(sqlite3.connect(house.folder / "digest.db")) as conn:
        assert conn.execute("SELECT email FROM confirmation").fetchall() == [("other@example.org",)]
    assert live("db", "resume", "--unsent") == 0
    restored = b"".join(path.read_bytes() for path in house.folder.glob("digest.db*") if ".before-" not in path.name)
    assert b"other@example.org" in restored and b"canary" not in restored


@pytest.mark.parametrize("there", [True, False])
def test_resuming_forgets_what_an_erased_address_had_asked_for(there: bool, house: House) -> None:
    hashed = address_hash(house.place.secret, "canary@example.org")
    with writing(house.place.engine) as conn:
        add_wish(conn, Wish("join", "canary@example.org", hashed, {}, "", ""), house.now)
        if there:
            suppress(conn, "canary@example.org", "erased", secret=house.place.secret, now=house.now)
        assert drop_wishes_of_erased(conn) == int(there)


def test_while_somebody_reads_on_and_on_nothing_is_replaced(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.store.backup._PATIENCE", 0.1)
    live = at(house)
    assert live("db", "backup", str(tmp_path / "backup.db")) == 0
    with closing(sqlite3.connect(house.folder / "digest.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM run").fetchone()
        with writing(house.place.engine) as conn:
            people.leave(conn, 1, how="link", now=house.now, secret=house.place.secret)
        assert live("db", "restore", str(tmp_path / "backup.db")) == 75
    assert not list(house.folder.glob("digest.db.before-*"))
    assert live("db", "restore", str(tmp_path / "backup.db")) == 0
    [kept] = house.folder.glob("digest.db.before-*")
    with closing(sqlite3.connect(kept)) as old:
        assert old.execute("SELECT state FROM subscriber WHERE id = 1").fetchall() == [("left",)]


def of_another_program(path: Path, revision: str = "") -> Path:
    """Make a database as an older program left it, or as one would that knows another revision."""
    engine = make_engine(f"sqlite:///{path}")
    with engine.connect() as conn, conn.begin():
        made = migrate.config()
        made.attributes["connection"] = conn
        alembic.upgrade(made, "0002")
    engine.dispose()
    if revision:
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    return path


def test_a_backup_of_an_older_program_is_in_hold(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = at(house)
    assert live("db", "restore", str(of_another_program(tmp_path / "old.db"))) == 0
    assert "digest db upgrade" in capsys.readouterr().err
    assert live("db", "upgrade") == 0
    assert live("run") == 4


@pytest.mark.long
def test_a_backup_of_a_newer_program_changes_nothing(house: House, tmp_path: Path) -> None:
    live = at(house)
    assert live("db", "restore", str(of_another_program(tmp_path / "new.db", "9999"))) == 2
    assert live("run") == 0


def test_two_restores_in_one_second_keep_what_they_replaced(house: House, tmp_path: Path) -> None:
    live = at(house)
    files = [str(tmp_path / name) for name in ("a.db", "b.db")]
    assert [live("db", "backup", file) for file in files] == [0, 0]
    assert [live("db", "restore", file) for file in files] == [0, 0]
    assert len(list(house.folder.glob("digest.db.before-*"))) == 2


def busy(house: House, readers: int, name: str) -> subprocess.Popen[bytes]:
    """Start the real program on an edition of many readers."""
    with writing(house.place.engine) as conn:
        for n in range(readers):
            people.add(
                conn,
                people.NewSubscriber(f"{name}{n}@example.org", cadence="weekly"),
                how="test",
                now=house.now,
                secret=house.place.secret,
            )
    house.now += timedelta(days=4)
    house.close()
    words = [sys.executable, "-m", "digest", "--config", str(house.config), "--now", house.now.isoformat(), "run"]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DIGEST_")}
    return subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def backups_under_load(house: House, folder: Path, count: int, readers: int) -> tuple[int, int, int]:
    """Back up again and again while a run writes; return how many are sound, were taken meanwhile, differ."""
    run = busy(house, readers, "m")
    meanwhile, files = 0, []
    with closing(sqlite3.connect(house.folder / "digest.db")) as conn:
        while not conn.execute("SELECT 1 FROM delivery WHERE state = 'claimed'").fetchone() and run.poll() is None:
            time.sleep(0.01)
        for n in range(count):
            files.append(folder / f"b{n}.db")
            with writing(house.place.engine) as mine:
                runs.start(mine, f"before {n}", house.now)
            backup(house.place.engine, files[-1])
            meanwhile += run.poll() is None
            time.sleep(0.05)
    said, _ = run.communicate(timeout=600)
    assert run.returncode == 0, said.decode()
    sound, seen = 0, set()
    for n, file in enumerate(files):
        with closing(sqlite3.connect(file)) as conn:
            whole = conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            counts = dict(conn.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall())
            frozen = conn.execute("SELECT sum(eligible) FROM edition WHERE state = 'frozen'").fetchone()[0]
            known = conn.execute("SELECT 1 FROM run WHERE command = ?", (f"before {n}",)).fetchone()
        seen.add(tuple(sorted(counts.items())))
        # What was committed when it began is in it: a plain copy of the file lacks what stands in the log.
        sound += whole and sum(counts.values()) == frozen and known is not None
    return sound, meanwhile, len(seen)


def drill(live: Copy, file: Path, word: str) -> tuple[int, int]:
    """Restore a backup over the living database, run for two weeks before and after a person's word.

    Return the letters sent without the word, and sent twice after it.
    """
    first = live.letters()
    assert live("db", "restore", str(file)) == 0
    for _ in range(2):
        assert live("run") == 4
    unasked = sum((live.letters() - first).values())
    assert live("db", "resume", word) == 0
    for _ in range(2):
        live.now += timedelta(days=7)
        assert live("run") in (0, 4)
    twice = sum(count - 1 for count in live.letters().values())
    return unasked, twice


def drills(house: House, folder: Path, count: int) -> tuple[int, int]:
    """Restore backups of every stage of a run, each over a copy of what was alive at its end."""
    run = busy(house, 60, "d")
    files, copy = [], at(house)
    while len(files) < count:
        files.append(folder / f"d{len(files)}.db")
        assert copy("db", "backup", str(files[-1])) == 0
    run.communicate(timeout=600)
    unasked = twice = 0
    for n, file in enumerate(files):
        # The living fence goes with the copy: it belongs to the newer database.
        here = copied(house, folder / f"drill{n}")
        one, two = drill(here, file, "--sent")
        unasked, twice = unasked + one, twice + two
        check_books(here)
        shutil.rmtree(here.folder)
    return unasked, twice


def check_books(copy: Copy) -> None:
    engine = make_engine(f"sqlite:///{copy.folder}/digest.db")
    with reading(engine) as conn:
        books.accounts(conn)
        assert conn.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    engine.dispose()


@pytest.mark.kills
def test_backups_while_a_run_writes_are_sound(house: House, tmp_path: Path) -> None:
    sound, meanwhile, _ = backups_under_load(house, tmp_path, 20, 1200)
    assert sound == 20
    assert meanwhile >= 10  # or nothing was tried


@pytest.mark.kills
def test_a_restore_drill_sends_nothing_again(house: House, tmp_path: Path) -> None:
    assert drills(house, tmp_path, 2) == (0, 0)


@pytest.mark.proof
def test_many_backups_while_a_run_writes(house: House, tmp_path: Path, figure: Figures) -> None:
    many = int(os.environ.get("DIGEST_DRILLS", "50"))
    sound, meanwhile, stages = backups_under_load(house, tmp_path, many, 100 * many)
    figure(
        "51 backups under load, sqlite", goal=f"{many} of {many} sound",
        result=f"{sound}, {meanwhile} of them while a run wrote, {stages} different stages of it",
        met=sound == many and meanwhile >= many // 2,
    )  # fmt: skip


@pytest.mark.proof
def test_many_restore_drills(house: House, tmp_path: Path, figure: Figures) -> None:
    many = int(os.environ.get("DIGEST_DRILLS", "50"))
    unasked, twice = drills(house, tmp_path, many)
    figure(
        "51 restore drills, sqlite", goal=f"0 sent unasked, 0 twice in {many}",
        result=f"{unasked}, {twice} in {many}, each with 2 runs in HOLD and 2 weeks after --sent",
        met=(unasked, twice) == (0, 0),
    )  # fmt: skip
