"""A database whose tables are not those of its stamp: refused with the difference, or stamped and upgraded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, Engine, text

from digest.errors import SchemaTooOld, WrongTables
from digest.store import migrate
from digest.store.engine import reading, writing
from digest.store.first_form import is_first_form
from digest.store.fit import shapes_built
from digest.store.shape import Shape, differences, shape_of
from tests import console
from tests.counts import spread, table
from tests.house import House
from tests.upgrades.filling import contents, fill, kept, make_older, renamed, upgrade_to
from tests.upgrades.shapes import whole
from tests.upgrades.test_filled import judge

Change = Callable[[Operations], object]
HEAD = migrate.revisions()[-1]
AT = "0013"  # a schema with tables that a later one changes


@pytest.fixture(scope="module")
def built() -> dict[str, dict[str, dict[str, str]]]:
    """The shapes of all schemas, as the migrations build them in memory."""
    return shapes_built(migrate.config(), migrate.revisions())


@pytest.mark.long
def test_every_schema_of_either_engine_has_the_shape_that_is_built_in_memory(
    empty: Engine, built: dict[str, Shape]
) -> None:
    for revision in migrate.revisions():
        upgrade_to(empty, revision)
        with reading(empty) as connection:
            assert not list(differences(built[revision], shape_of(connection), built[HEAD])), revision


def test_no_two_schemas_have_the_same_shape(built: dict[str, Shape]) -> None:
    for one, other in zip(migrate.revisions(), migrate.revisions()[1:], strict=False):
        assert list(differences(built[one], built[other], built[HEAD])), (one, other)


@pytest.fixture(scope="module")
def shared_house(begun: Callable[..., House], tmp_path_factory: pytest.TempPathFactory) -> House:
    return begun(tmp_path_factory.mktemp("fit") / "house")


@pytest.fixture
def older(empty: Engine) -> Engine:
    upgrade_to(empty, AT)
    return empty


@contextmanager
def changed(engine: Engine, change: Change) -> Iterator[Connection]:
    """Change tables in a transaction that is rolled back. Alembic copies a table of SQLite that it changes."""
    with engine.connect() as connection, connection.begin() as transaction:
        change(Operations(MigrationContext.configure(connection)))
        yield connection
        transaction.rollback()


def column(table_name: str, name: str, **values: object) -> Change:
    def change(op: Operations) -> None:
        with op.batch_alter_table(table_name) as batch:
            batch.alter_column(name, existing_type=sa.Text(), **values)

    return change


def batched(table_name: str, step: str, *arguments: object, **values: object) -> Change:
    def change(op: Operations) -> None:
        with op.batch_alter_table(table_name) as batch:
            getattr(batch, step)(*arguments, **values)

    return change


def new(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer())


CHANGES: list[tuple[Change, str]] = [
    (lambda op: op.drop_table("tally"), "table tally is missing"),
    (lambda op: op.create_table("act", new("id")), "table act does not belong there"),
    (lambda op: op.rename_table("slot", "slots"), "table slot is missing"),
    (batched("entry", "drop_column", "author"), "table entry, column author is missing"),
    (batched("entry", "add_column", new("stars")), "table entry, column stars does not belong there"),
    (
        batched("entry", "alter_column", "author", new_column_name="writer", existing_type=sa.Text()),
        "table entry, column author is missing; table entry, column writer does not belong there",
    ),
    (
        column("gathering", "error", type_=sa.Boolean(), postgresql_using="error = 'x'"),
        "table gathering, column error is 'boolean' and not 'text'",
    ),
    (
        column("entry", "title", nullable=True),
        "table entry, column title is 'text' and not 'text, not null'",
    ),
    (
        column("consent_event", "how", server_default=None),
        "table consent_event, column how is 'text, not null' and not 'text, not null, with a default'",
    ),
    (
        batched("edition", "drop_constraint", "uq_edition_cadence_slot", type_="unique"),
        "table edition, unique (cadence, slot) is missing",
    ),
    (
        batched("mark", "create_unique_constraint", "uq_mark_release", ["release"]),
        "table mark, unique (release) does not belong there",
    ),
    (
        batched("slot", "drop_constraint", "fk_slot_edition_id_edition", type_="foreignkey"),
        "table slot, foreign key (edition_id) is missing",
    ),
    (batched("counter", "drop_constraint", "pk_counter", type_="primary"), "table counter, primary key is ''"),
    (
        batched("subscriber", "drop_constraint", "ck_subscriber_state", type_="check"),
        "table subscriber, check ck_subscriber_state is missing",
    ),
    (
        lambda op: op.drop_index("ix_entry_state", "entry"),
        "table entry, index ix_entry_state is missing",
    ),
    (
        lambda op: op.create_index("ix_gathering_new", "gathering", ["new"]),
        "table gathering, index ix_gathering_new does not belong there",
    ),
]  # fmt: skip
HARMLESS: list[Change] = [
    lambda op: op.create_table("notes_of_the_operator", new("id")),
    lambda op: op.create_index("ix_own", "entry", ["title"]),
    lambda op: op.execute("CREATE VIEW readers AS SELECT id FROM subscriber"),
]


@table("change, told", CHANGES)
def test_each_change_of_a_table_is_told(change: Change, told: str, older: Engine, built: dict[str, Shape]) -> None:
    with changed(older, change) as connection:
        left = list(differences(built[AT], shape_of(connection), built[HEAD]))
    assert told in "; ".join(map(str, left))
    assert not is_first_form(AT, left)


@table("change", HARMLESS)
def test_what_an_operator_adds_beside_the_tables_is_no_difference(
    change: Change, older: Engine, built: dict[str, Shape]
) -> None:
    with changed(older, change) as connection:
        assert not list(differences(built[AT], shape_of(connection), built[HEAD]))


def run_sql(engine: Engine, *statements: str) -> None:
    with writing(engine) as connection:
        for statement in statements:
            connection.execute(text(statement))


WRONG = {
    "a table was lost": (
        ["DROP TABLE tally"],
        f"it is stamped as schema {AT}, and its tables are not those of that schema: table tally is missing; restore",
    ),
    "the stamp is that of an older schema": (
        ["UPDATE alembic_version SET version_num = '0007'"],
        f"it is stamped as schema 0007, but its tables are those of schema {AT}; back it up, remove the stamp",
    ),
    "the stamp is that of this program's schema": (
        [f"UPDATE alembic_version SET version_num = '{HEAD}'"],
        f"it is stamped as schema {HEAD}, but its tables are those of schema {AT}; back it up, remove the stamp",
    ),
    "there are two stamps": (
        ["INSERT INTO alembic_version VALUES ('0009')"],
        f"it is stamped as schema 0009 and {AT}, but its tables are those of schema {AT}",
    ),
    "the stamp is another program's": (
        ["UPDATE alembic_version SET version_num = 'ae1027a6acf'"],
        f"it is stamped as schema ae1027a6acf, but its tables are those of schema {AT}",
    ),
    "without a stamp, and two columns were lost": (
        [
            "DELETE FROM alembic_version", "ALTER TABLE entry DROP COLUMN author",
            "ALTER TABLE run DROP COLUMN outcome",
        ],
        f"it has no stamp, and its tables are not those of any schema of this program, the nearest is {AT}: table"
        " entry, column author is missing; table run, column outcome is missing; restore",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", spread(2, WRONG))
def test_tables_that_do_not_fit_are_refused_and_left_as_they_are(older: Engine, case: str) -> None:
    statements, told = WRONG[case]
    run_sql(older, *statements)
    with reading(older) as connection:
        before = whole(connection)
    for step in (migrate.compare, migrate.why_old, migrate.upgrade):
        with pytest.raises(WrongTables, match=re.escape(told)):
            step(older)
    with reading(older) as connection:
        assert whole(connection) == before
    if "remove the stamp" in told:  # then the cure is true
        run_sql(older, "DELETE FROM alembic_version")
        assert isinstance(migrate.why_old(older), SchemaTooOld)
        assert migrate.upgrade(older) is True
        judge(older)


@pytest.mark.parametrize("revision", spread(1, ["0001", "0009", "0020", HEAD]))
@pytest.mark.parametrize("lost", spread(1, ["DELETE FROM alembic_version", "DROP TABLE alembic_version"]))
def test_a_database_that_lost_its_stamp_is_stamped_and_upgraded_with_all_its_rows(
    empty: Engine, revision: str, lost: str
) -> None:
    upgrade_to(empty, revision)
    fill(empty, 3)
    before = renamed(contents(empty))
    run_sql(empty, lost)
    assert not migrate.holds_nothing(empty)
    assert migrate.upgrade(empty) is True
    after = contents(empty)
    assert {name: rows for name, rows in kept(before, after).items() if rows != before[name]} == {}
    assert migrate.current(empty) == HEAD
    judge(empty)


def to_first_form(engine: Engine) -> None:
    """Take from a database what the first schema did not have in its first form (commit c22e0fe)."""
    run_sql(
        engine, "DROP TABLE installation", "ALTER TABLE edition DROP COLUMN from_release",
        "ALTER TABLE edition DROP COLUMN look", "ALTER TABLE source_state DROP COLUMN hold_next",
    )  # fmt: skip


@pytest.mark.parametrize("stamped", [True, pytest.param(False, marks=pytest.mark.long)])
@pytest.mark.parametrize("revision", spread(1, ["0001", "0003", "0011", "0024"]))
def test_a_database_of_the_first_form_is_upgraded_with_all_its_rows(
    empty: Engine, revision: str, stamped: bool
) -> None:
    upgrade_to(empty, revision)
    fill(empty, 3)
    to_first_form(empty)
    if not stamped:
        run_sql(empty, "DELETE FROM alembic_version")
    before = renamed(contents(empty))
    assert isinstance(migrate.why_old(empty), SchemaTooOld)
    assert migrate.upgrade(empty) is True
    after = contents(empty)
    assert {name: rows for name, rows in kept(before, after).items() if rows != before[name]} == {}
    assert after["installation"] == []
    assert {(row["from_release"], row["look"]) for row in after["edition"]} == {(0, "")}
    assert {row["hold_next"] for row in after["source_state"]} == {False}
    judge(empty)


@pytest.mark.long
def test_a_first_form_that_lacks_more_or_less_is_refused(empty: Engine) -> None:
    upgrade_to(empty, "0003")
    to_first_form(empty)
    with writing(empty) as connection:
        connection.execute(text("ALTER TABLE edition ADD COLUMN look VARCHAR(64) DEFAULT '' NOT NULL"))
    with pytest.raises(WrongTables, match="table edition, column from_release is missing; table installation"):
        migrate.upgrade(empty)


SAYING = ("status", "doctor", "check", "db upgrade")
EMPTIED = ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
OTHERS = {
    "another's": ["CREATE TABLE posts (id INTEGER)", "CREATE TABLE authors (id INTEGER)"],
    "another's with names of ours": [
        "CREATE TABLE event (id INTEGER, venue TEXT)", "CREATE TABLE run (id INTEGER)",
        "CREATE TABLE athlete (id INTEGER)",
    ],
    "another's with a stamp": [
        "CREATE TABLE posts (id INTEGER)", "CREATE TABLE alembic_version (version_num VARCHAR(32))",
        "INSERT INTO alembic_version VALUES ('1975ea83b712')",
    ],
}  # fmt: skip


@table("case", OTHERS)
def test_another_programs_file_is_refused_and_left_as_it_is(
    case: str, opened: Callable[..., Engine], tmp_path_factory: pytest.TempPathFactory
) -> None:
    engine = opened(f"sqlite:///{tmp_path_factory.mktemp('other') / 'other.db'}")
    refuse_other(engine, case)


@pytest.mark.parametrize("case", [name for name in OTHERS if name != "another's"])
def test_names_that_another_program_of_a_server_uses_are_refused(
    postgresql_url: str, opened: Callable[..., Engine], case: str
) -> None:
    run_sql(engine := opened(postgresql_url), *EMPTIED)
    refuse_other(engine, case)


def refuse_other(engine: Engine, case: str) -> None:
    run_sql(engine, *OTHERS[case])
    with reading(engine) as connection:
        before = whole(connection)
    with pytest.raises(
        WrongTables, match=r"it holds '(athlete|authors|posts)' and is not this program's; name another"
    ):
        migrate.upgrade(engine)
    with reading(engine) as connection:
        assert whole(connection) == before


def test_tables_of_another_program_of_a_server_are_left_alone(
    postgresql_url: str, opened: Callable[..., Engine]
) -> None:
    run_sql(engine := opened(postgresql_url), *EMPTIED, *OTHERS["another's"])
    assert migrate.holds_nothing(engine)
    assert migrate.upgrade(engine) is True
    migrate.compare(engine)


def test_status_doctor_check_and_upgrade_say_the_same_of_wrong_tables(house: House) -> None:
    run_sql(house.place.engine, "DROP TABLE slot", "ALTER TABLE entry DROP COLUMN author")
    house.close()
    told = "its tables are not those of that schema: table entry, column author is missing; table slot is missing"
    words = {command: console.digest(house.folder, *command.split()) for command in SAYING}
    assert {answer.code for answer in words.values()} == {1, 2}
    assert all(told in answer.stdout + answer.stderr for answer in words.values())
    with writing(house.place.engine) as connection:  # the same of a stamp that lies
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
    house.close()
    for command in SAYING:
        answer = console.digest(house.folder, *command.split())
        assert "it is stamped as schema 0003, and its tables are not those of that schema" in str(answer), command


def test_commands_name_the_command_that_compares(house: House) -> None:
    run_sql(house.place.engine, "ALTER TABLE edition DROP COLUMN question")
    house.close()
    answer = console.digest(house.folder, "run")
    assert answer.code == 1 and "run `digest doctor`, which compares its tables" in answer.stderr


@pytest.mark.long
def test_a_backup_of_the_first_form_is_restored_in_hold_and_upgraded(house: House) -> None:
    make_older(house.place.engine, "0003")
    to_first_form(house.place.engine)
    house.close()
    for words in ("db backup old.db", "db restore old.db", "db upgrade"):
        assert console.digest(house.folder, *words.split()).code == 0
    judge(house.place.engine)
    assert house.place.fence.why() == "it was restored from a backup"
