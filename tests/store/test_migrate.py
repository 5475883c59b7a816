"""Test the migrations on both engines: they make the tables that the schema declares, whole or not at all."""

from __future__ import annotations

import hmac
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from textwrap import dedent

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from digest.errors import DigestError, SchemaTooNew, TryLater
from digest.store import migrate
from digest.store.archive_tables import SEARCH, SEARCH_COLUMN
from digest.store.engine import reading, writing
from digest.store.keys import end_old_links, tag_keys
from digest.transports.tag import read_tag
from subscribers import store as people
from subscribers.errors import OldLink
from subscribers.links import person_of
from subscribers.tokens import _serializer, read_token
from tests.postgres import Databases
from tests.transports.webhook import NOW, SECRET

Open = Callable[..., Engine]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Make a database without any table; return its address."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty 100%.db'}"
        return
    databases: Databases = request.getfixturevalue("postgresql")
    url = databases.new()
    yield url
    databases.drop(url)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put two small migrations in place of the shipped migrations; return their folder."""
    folder = tmp_path / "migrations 100%"
    shutil.copytree(migrate._MIGRATIONS, folder, ignore=shutil.ignore_patterns("[0-9]*.py", "__pycache__"))
    head = "from alembic import op\nimport sqlalchemy as sa\n"
    (folder / "versions" / "0001_first.py").write_text(
        f'{head}revision, down_revision = "0001", None\n'
        + dedent("""
        def upgrade():
            op.create_table("toy_parent", sa.Column("id", sa.Integer, primary_key=True), sa.Column("n", sa.Integer))
            op.create_table(
                "toy_child",
                sa.Column("id", sa.Integer, primary_key=True),
                sa.Column("parent", sa.Integer, sa.ForeignKey("toy_parent.id", ondelete="CASCADE"), nullable=False),
            )
            op.execute("INSERT INTO toy_parent (id, n) VALUES (1, 1)")
            op.execute("INSERT INTO toy_child (id, parent) VALUES (1, 1)")
        """)
    )
    (folder / "versions" / "0002_second.py").write_text(
        f'{head}revision, down_revision = "0002", "0001"\n'
        + dedent("""
        def upgrade():
            with op.batch_alter_table("toy_parent") as table:
                table.alter_column("n", existing_type=sa.Integer, type_=sa.String)
            #END
        """)
    )
    monkeypatch.setattr(migrate, "_MIGRATIONS", folder)
    return folder


def second(folder: Path, ending: str) -> None:
    """Let the second toy migration end with `ending`."""
    path = folder / "versions" / "0002_second.py"
    path.write_text(path.read_text().replace("#END", ending))


def test_the_migrations_make_the_tables_that_the_code_describes(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": _compared})
        assert compare_metadata(context, migrate.tables()) == []
    assert migrate.check_schema(engine)


def _compared(name: str | None, *_more: object) -> bool:
    """Leave out the index of words, which each database has in a form of its own that Alembic cannot compare."""
    return SEARCH_COLUMN not in str(name) and not str(name).startswith(SEARCH)


def test_each_database_has_the_index_of_words(engine: Engine) -> None:
    with reading(engine) as connection:
        inspected = inspect(connection)
        if engine.dialect.name == "sqlite":
            assert SEARCH in inspected.get_table_names()
        else:
            assert [SEARCH_COLUMN] in [index["column_names"] for index in inspected.get_indexes("archived")]


def test_revisions_are_the_ones_alembic_sees_in_one_line() -> None:
    script = ScriptDirectory.from_config(migrate.config())
    assert tuple(reversed([script_file.revision for script_file in script.walk_revisions()])) == migrate.revisions()
    assert len(script.get_heads()) <= 1


@pytest.mark.long
def test_the_columns_batch_and_recall_keep_their_values_under_their_new_names(opened: Open, empty_url: str) -> None:
    engine = opened(empty_url)
    upgrade_to(engine, "0003")
    before = [(1, "b1", None), (2, "b1", "doubt"), (3, None, "back"), (4, "b2", "late"), (5, None, None)]
    with writing(engine) as connection:
        connection.execute(text(_EDITION_AT_0003))
        connection.execute(text(_DELIVERY_AT_0003), [dict(zip("nbr", row, strict=True)) for row in before])
    assert migrate.upgrade(engine) is True
    with reading(engine) as connection:
        after = connection.execute(text("SELECT id, request, take_back FROM delivery ORDER BY id")).all()
        columns = {column["name"] for column in inspect(connection).get_columns("delivery")}
        indexes = {index["name"]: index["column_names"] for index in inspect(connection).get_indexes("delivery")}
    assert [tuple(row) for row in after] == before
    assert not columns & {"batch", "recall"}
    assert indexes["ix_delivery_request"] == ["request"]
    assert "ix_delivery_batch" not in indexes


_EDITION_AT_0003 = """
    INSERT INTO edition (id, cadence, slot, state, held, note, to_release, content_hash, created_at, eligible)
    VALUES (1, 'weekly', '2026-11-06', 'frozen', false, '', 0, '', '2026-11-06 09:00:00', 5)
"""
_DELIVERY_AT_0003 = """
    INSERT INTO delivery (id, edition_id, subscriber_id, state, reason, updated_at, batch, recall)
    VALUES (:n, 1, :n, 'uncertain', '', '2026-11-06 09:00:00', :b, :r)
"""


@pytest.mark.long
def test_letters_that_are_out_keep_their_links_and_tags(opened: Open, empty_url: str) -> None:
    engine = opened(empty_url)
    upgrade_to(engine, "0004")
    with writing(engine) as connection:
        connection.execute(text(_SUBSCRIBER_AT_0004), [{"n": n} for n in (1, 2)])
        connection.execute(text(_EDITION_AT_0003))
        connection.execute(
            text(_EDITION_AT_0003.replace("(1,", "(2,").replace("frozen", "draft").replace("-06'", "-13'"))
        )
        connection.execute(text(_DELIVERY_AT_0004), [{"n": n} for n in (1, 2)])
    assert migrate.upgrade(engine) is True
    with writing(engine) as connection:
        keys = [
            *connection.scalars(text("SELECT key FROM subscriber")),
            *connection.scalars(text("SELECT key FROM edition")),
        ]
        assert len(set(keys)) == 4 and all(re.fullmatch("[0-9a-f]{16}", key) for key in keys)
        connection.execute(text(_DELIVERY_AT_0004.replace(", 1, :n,", ", 2, :n,")), [{"n": 3}])  # frozen later
        new = people.add(connection, people.NewSubscriber("n@example.org", "weekly"), how="", now=NOW, secret=SECRET)
    links = {n: read_token([SECRET], "unsubscribe", old_token(n)) for n in (1, 2, new.id)}
    tags = {n: f"{n}-{hmac.digest(SECRET, f'delivery {n}'.encode(), 'sha256').hex()[:20]}" for n in (1, 2, 3)}

    def working() -> tuple[list[int], list[int]]:
        with reading(engine) as connection:
            persons = [n for n, link in links.items() if not refused(partial(person_of, connection, link))]
            return persons, [
                n for n, tag in tags.items() if read_tag(SECRET, partial(tag_keys, connection), tag) == n
            ]

    assert working() == ([1, 2], [1, 2])
    with writing(engine) as connection:
        end_old_links(connection)
    assert working() == ([], [])


def refused(step: Callable[[], object]) -> bool:
    try:
        step()
    except OldLink:
        return True
    return False


def old_token(subscriber: int) -> str:
    """Return the token of the link by which a reader leaves, as programs before keys made it."""
    return str(_serializer((SECRET,), "unsubscribe").dumps([subscriber]))


_SUBSCRIBER_AT_0004 = """
    INSERT INTO subscriber (email, email_key, cadence, elsewhere, language, state, created_at)
    VALUES ('r' || :n || '@example.org', 'r' || :n || '@example.org', 'weekly', true, 'en', 'active',
            '2026-11-06 09:00:00')
"""
_DELIVERY_AT_0004 = """
    INSERT INTO delivery (id, edition_id, subscriber_id, state, reason, updated_at)
    VALUES (:n, 1, :n, 'accepted', '', '2026-11-06 09:00:00')
"""


@pytest.mark.long
def test_the_consent_history_is_kept_when_it_learns_a_word(opened: Open, empty_url: str) -> None:
    engine = opened(empty_url)
    upgrade_to(engine, "0004")
    row = "INSERT INTO consent_event (subscriber_id, at, what, how) VALUES (7, '2026-11-06 09:00:00', :what, 'x')"
    with writing(engine) as connection:
        connection.execute(text(row), [{"what": "added"}, {"what": "left"}])
    assert migrate.upgrade(engine) is True
    with writing(engine) as connection:
        connection.execute(text(row), {"what": "unsuppressed"})
        rows = connection.execute(text("SELECT id, subscriber_id, what, how FROM consent_event ORDER BY id")).all()
        indexes = {index["name"] for index in inspect(connection).get_indexes("consent_event")}
    assert [tuple(row) for row in rows] == [(1, 7, "added", "x"), (2, 7, "left", "x"), (3, 7, "unsuppressed", "x")]
    assert indexes == {"ix_consent_event_subscriber_id"}
    with pytest.raises(IntegrityError), writing(engine) as connection:
        connection.execute(text(row), {"what": "misspelt"})


def upgrade_to(engine: Engine, revision: str) -> None:
    """Bring an empty database to `revision`, as an older program left it."""
    with engine.connect() as connection, connection.begin():
        config = migrate.config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def test_an_upgrade_says_whether_it_changed_anything(opened: Open, empty_url: str, toy: Path) -> None:
    engine = opened(empty_url)
    assert (migrate.current(engine), migrate.check_schema(engine)) == (None, None)
    assert migrate.upgrade(engine) is True
    assert (migrate.current(engine), migrate.check_schema(engine)) == ("0002", True)
    assert migrate.upgrade(engine) is False


def test_changing_a_table_keeps_the_rows_that_point_at_it(opened: Open, empty_url: str, toy: Path) -> None:
    engine = opened(empty_url)
    migrate.upgrade(engine)
    with writing(engine) as connection:
        assert connection.execute(text("SELECT id, n FROM toy_parent")).all() == [(1, "1")]
        assert connection.execute(text("SELECT parent FROM toy_child")).all() == [(1,)]
        # After the upgrade the connection checks foreign keys again.
        connection.execute(text("DELETE FROM toy_parent"))
        assert connection.execute(text("SELECT parent FROM toy_child")).all() == []


def test_an_upgrade_that_fails_leaves_the_old_schema_whole(opened: Open, empty_url: str, toy: Path) -> None:
    engine = opened(empty_url)
    second(toy, "raise RuntimeError('half way')")
    with pytest.raises(RuntimeError, match="half way"):
        migrate.upgrade(engine)
    assert migrate.current(engine) is None
    with reading(engine) as connection:
        assert [name for name in inspect(connection).get_table_names() if name.startswith("toy")] == []


def test_an_upgrade_that_would_orphan_rows_is_refused(opened: Open, tmp_path: Path, toy: Path) -> None:
    engine = opened(f"sqlite:///{tmp_path / 'orphans.db'}")
    second(toy, 'op.execute("DELETE FROM toy_parent")')
    with pytest.raises(DigestError, match="1 rows of toy_child without what they refer to"):
        migrate.upgrade(engine)
    assert migrate.current(engine) is None


def test_a_database_from_the_future_is_refused_and_left_alone(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("DELETE FROM alembic_version"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
    for refused in (migrate.check_schema, migrate.upgrade):
        with pytest.raises(SchemaTooNew, match="its schema 9999 is newer than this program's"):
            refused(engine)
    assert migrate.current(engine) == "9999"


@pytest.mark.long
@pytest.mark.parametrize("count", [2, 4])
def test_many_processes_may_upgrade_at_once(opened: Open, empty_url: str, count: int) -> None:
    code = (
        "import sys\n"
        "from digest.store import migrate\n"
        "from digest.store.engine import make_engine\n"
        "migrate.upgrade(make_engine(sys.argv[1]))"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, empty_url]) for _ in range(count)]
    assert [process.wait() for process in children] == [0] * count
    engine = opened(empty_url)
    assert migrate.check_schema(engine)


def test_a_locked_database_is_try_later(opened: Open, sqlite_url: str, toy: Path) -> None:
    holder, other = opened(sqlite_url), opened(sqlite_url, wait=0.0)
    with writing(holder), pytest.raises(TryLater, match="locked"):
        migrate.upgrade(other)


@pytest.mark.long
def test_checking_the_schema_does_not_load_alembic(sqlite_url: str) -> None:
    code = (
        "import sys\n"
        "from digest.store import migrate\n"
        "from digest.store.engine import make_engine\n"
        "assert migrate.check_schema(make_engine(sys.argv[1]))\n"
        "print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, sqlite_url], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
