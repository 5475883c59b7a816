"""A program and a database of another version: refused with exit code 2 and the cure, and nothing is changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import click
import pytest
from sqlalchemy import text

from digest import cli, pipeline
from digest.errors import SchemaTooNew, SchemaTooOld
from digest.store import migrate
from digest.store.engine import make_engine, reading, writing
from digest.store.lock import run_lock
from tests import console
from tests.house import House
from tests.upgrades.filling import make_older
from tests.upgrades.shapes import whole

FUTURE = "9999"
NEWER = f"its schema {FUTURE} is newer than this program's"
OLDER = "the database's schema is older than this program"


@pytest.fixture(scope="module")
def shared_house(begun: Callable[..., House], tmp_path_factory: pytest.TempPathFactory) -> House:
    return begun(tmp_path_factory.mktemp("older") / "house")


def set_revision(house: House, revision: str) -> None:
    """Let the database pass for one that another version of the program wrote."""
    with writing(house.place.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


def come_from(house: House, revision: str) -> None:
    """Let another version of the program have written the house's database."""
    if revision == FUTURE:
        set_revision(house, revision)
    else:
        make_older(house.place.engine, "0022")


# Every command that opens the database, with what it needs to get so far.
COMMANDS = (
    "answers accept 1", "answers aside 1", "answers list", "approve 1", "arrange 1 --own-order", "changes 1",
    "correct 1 --text x", "coverage weekly", "db add-host", "db held", "db new-link-key", "db new-secret",
    "db resume --sent",
    "doctor", "drop 1", "editors add e@example.org --name E --role editor", "editors remove 1",
    "editors role 1 admin", "editors sessions", "entries", "entry 1", "events --file people.csv",
    "explain --subscriber 1", "gather", "hold 1", "ingredients 1", "log", "prepare weekly", "preview", "receipt",
    "recurring", "release 1", "retag 1 --regions wales", "reword 1 --title T",
    "rules add --when x --policy-areas housing", "rules remove 1", "rules suggest 1", "run", "send",
    "serve --port 0", "settle", "sources health", "sources mute Notes", "sources unmute Notes", "status",
    "stories back 1 --note n", "stories end 1", "stories invite Place", "stories list", "stories take 1",
    "subscribers add new@example.org", "subscribers confirm r@example.org --note n", "subscribers export",
    "subscribers forget --yes r@example.org", "subscribers import people.csv", "subscribers list",
    "subscribers move r@example.org n@example.org --note n", "subscribers pause r@example.org",
    "subscribers resume r@example.org", "subscribers set r@example.org cadence=daily",
    "subscribers show r@example.org", "subscribers suppress r@example.org",
    "subscribers unsuppress r@example.org --note n", "subscribers why-left", "test t@example.org", "undo",
    "withdraw 1 --text x", "write --title T --text x",
)  # fmt: skip
# The others: they open no database, stay, or have tests of their own below.
OTHERS = {
    "check", "db backup", "db move", "db restore", "db upgrade", "demo", "init", "schedule", "sources export",
    "sources import", "sources try", "worker",
}  # fmt: skip


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the name of every command."""
    if not isinstance(command, click.Group):
        yield " ".join(path)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below
        yield from leaves(below, (*path, name))


def test_every_command_is_tried_here() -> None:
    names = set(leaves(cli.digest))
    tried = {name for name in names for words in COMMANDS if f"{words} ".startswith(f"{name} ")}
    assert names - tried == OTHERS, "add a new command to COMMANDS if it opens the database, else to OTHERS"


@pytest.mark.long
@pytest.mark.parametrize(("revision", "message"), [(FUTURE, NEWER), ("0022", OLDER)])
def test_every_command_refuses_the_schema_of_another_version(house: House, revision: str, message: str) -> None:
    house.reader("r@example.org")
    (house.folder / "people.csv").write_text("email\nnew@example.org\n")
    come_from(house, revision)
    before = stored(house)
    for words in COMMANDS:
        answer = console.digest(house.folder, *words.split())
        if words == "doctor" and revision != FUTURE:
            # A finding, because it is what an operator asks.
            assert answer.code == 1 and "older than this program" in answer.stdout, answer
            continue
        assert (answer.code, answer.stdout) == (2, ""), (words, answer)
        assert message in answer.stderr, (words, answer)
    assert stored(house) == before
    assert not list(house.folder.glob("letters/*"))


def test_an_upgrade_refuses_the_schema_of_a_newer_version(house: House) -> None:
    set_revision(house, FUTURE)
    before = stored(house)
    answer = console.digest(house.folder, "db", "upgrade")
    assert (answer.code, answer.stdout) == (2, "")
    assert answer.stderr.startswith("digest: database ") and NEWER in answer.stderr
    assert answer.stderr.endswith("install the newer version, or restore an older backup\n")
    assert stored(house) == before


@pytest.mark.parametrize(("revision", "message"), [(FUTURE, NEWER), ("0022", OLDER)])
def test_check_names_the_schema_of_another_version(house: House, revision: str, message: str) -> None:
    come_from(house, revision)
    answer = console.digest(house.folder, "check")
    assert answer.code == 2 and message in answer.stderr


@pytest.mark.parametrize("revision", [FUTURE, "0022"])
def test_a_backup_is_made_of_any_schema_because_it_is_due_before_an_upgrade(house: House, revision: str) -> None:
    come_from(house, revision)
    before = stored(house)
    answer = console.digest(house.folder, "db", "backup", "before.db")
    assert (answer.code, answer.stdout) == (0, "before.db\n"), answer
    engine = make_engine(f"sqlite:///{house.folder}/before.db")
    with reading(engine) as connection:
        assert whole(connection) == before
    engine.dispose()


def test_a_backup_of_no_database_makes_none(house: House, tmp_path: Path) -> None:
    house.close()
    for path in house.folder.glob("digest.*"):
        path.unlink()
    answer = console.digest(house.folder, "db", "backup", "before.db")
    assert answer.code == 2 and "digest.db" in answer.stderr
    assert not list(house.folder.glob("*.db"))


def test_an_upgrade_waits_for_no_run_and_takes_the_run_lock(house: House) -> None:
    make_older(house.place.engine, "0022")
    before = stored(house)
    with run_lock(house.place.engine):
        answer = console.digest(house.folder, "db", "upgrade")
    assert (answer.code, answer.stdout) == (75, "")
    assert re.search(r"another run holds the lock on .*digest\.db\.lock \(process \d+\)", answer.stderr)
    assert stored(house) == before


def test_a_run_whose_database_is_upgraded_before_it_gets_the_lock_stops(house: House) -> None:
    house.reader("r@example.org")
    house.publish("One")
    house.now += timedelta(days=4)
    place = house.place
    assert place.engine  # opened while the schema was this program's
    set_revision(house, FUTURE)
    before = stored(house)
    with pytest.raises(SchemaTooNew, match=NEWER):
        pipeline.run(place)
    assert stored(house) == before
    set_revision(house, "0022")
    with pytest.raises(SchemaTooOld):
        pipeline.run(place)
    set_revision(house, migrate.revisions()[-1])
    assert [receipt.eligible for receipt in pipeline.run(place).receipts if receipt.eligible] == [1]


def stored(house: House) -> tuple[object, object]:
    """Return all that the house's database holds."""
    with reading(house.place.engine) as connection:
        return whole(connection)
