"""Test the database engine: no lost update, aware instants, one run at a time, reading beside a writer."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from digest.errors import ConfigError, DigestError, TryLater
from digest.store.engine import make_engine, reading, translate_errors, writing
from digest.store.erase import scrub
from digest.store.lock import run_lock
from subscribers.database import UtcDateTime
from tests.asked import asked
from tests.counts import POSTGRESQL_LONG, table

Open = Callable[..., Engine]
catalogue = MetaData()
counter = Table("test_counter", catalogue, Column("id", Integer, primary_key=True), Column("n", Integer))
moment = Table("test_moment", catalogue, Column("id", Integer, primary_key=True), Column("at", UtcDateTime()))


@pytest.fixture
def tables(engine: Engine) -> Engine:
    """Make an engine whose database also has the two tables of these tests."""
    with writing(engine) as connection:
        catalogue.create_all(connection)
        connection.execute(insert(counter).values(id=1, n=0))
    return engine


def counted(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.scalar(select(counter.c.n)) or 0


# The children import only what they use, because pytest and this module would take most of their time.
ADD = """
import sys
from sqlalchemy import text
from digest.store.engine import make_engine, writing
engine = make_engine(sys.argv[1])
for _ in range(int(sys.argv[2])):
    with writing(engine) as connection:
        lock = "" if engine.dialect.name == "sqlite" else " FOR UPDATE"
        n = connection.scalar(text("SELECT n FROM test_counter WHERE id = 1" + lock))
        connection.execute(text("UPDATE test_counter SET n = :n WHERE id = 1"), {"n": n + 1})
"""
HOLD_RUN_LOCK = """
import signal, sys
from digest.store.engine import make_engine
from digest.store.lock import run_lock
with run_lock(make_engine(sys.argv[1])):
    print("held", flush=True)
    signal.pause()
"""


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.long
@pytest.mark.parametrize(("processes", "count"), [(2, 50), (4, 200)])
def test_processes_that_read_then_update_lose_no_update(
    tables: Engine, database_url: str, processes: int, count: int
) -> None:
    children = [child(ADD, database_url, str(count)) for _ in range(processes)]
    for process in children:
        process.communicate()
    assert [process.returncode for process in children] == [0] * processes
    assert counted(tables) == processes * count


def test_a_block_that_raises_leaves_nothing(tables: Engine) -> None:
    with pytest.raises(ValueError, match="half way"), writing(tables) as connection:
        connection.execute(update(counter).values(n=7))
        raise ValueError("half way")
    assert counted(tables) == 0


def test_table_changes_are_part_of_the_transaction(engine: Engine) -> None:
    with pytest.raises(ValueError, match="half way"), writing(engine) as connection:
        catalogue.create_all(connection)
        raise ValueError("half way")
    with writing(engine) as connection:
        catalogue.create_all(connection, checkfirst=False)


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 11, 21, 8, 30, 0, 123456, tzinfo=UTC),
        datetime(2027, 10, 31, 1, 30, tzinfo=timezone(timedelta(hours=1))),
        None,
    ],
)
def test_aware_instants_come_back_as_utc(tables: Engine, at: datetime | None) -> None:
    with writing(tables) as connection:
        connection.execute(insert(moment).values(id=1, at=at))
    with reading(tables) as connection:
        back = connection.scalar(select(moment.c.at))
    assert back == at
    assert back is None or back.utcoffset() == timedelta(0)


def test_naive_datetimes_are_refused(tables: Engine) -> None:
    with pytest.raises(StatementError, match="naive datetime"), writing(tables) as connection:
        connection.execute(insert(moment).values(id=1, at=datetime(2026, 11, 21)))


def test_reading_goes_on_while_a_writer_holds_the_lock(opened: Open, tables: Engine, database_url: str) -> None:
    other = opened(database_url, wait=0.0)
    with writing(tables) as connection:
        connection.execute(update(counter).values(n=5))
        assert counted(other) == 0
    assert counted(other) == 5


def test_reading_sees_one_unchanging_view(tables: Engine) -> None:
    with reading(tables) as before:
        assert before.scalar(select(counter.c.n)) == 0
        with writing(tables) as connection:
            connection.execute(update(counter).values(n=5))
        assert before.scalar(select(counter.c.n)) == 0
    assert counted(tables) == 5


def test_reading_refuses_to_write_and_the_connection_writes_again_after(tables: Engine) -> None:
    with pytest.raises(DigestError, match="read"), reading(tables) as connection:
        connection.execute(update(counter).values(n=9))
    with writing(tables) as connection:
        connection.execute(update(counter).values(n=3))
    assert counted(tables) == 3


def test_sqlite_has_the_settings_that_keep_a_promise(opened: Open, sqlite_url: str) -> None:
    engine = opened(sqlite_url, wait=1.5)
    with writing(engine) as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 1500}


def test_a_new_sqlite_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    failures: list[BaseException] = []
    start = threading.Barrier(8)

    def open_it() -> None:
        start.wait()
        try:
            engine = make_engine(url)
            with writing(engine) as connection:
                catalogue.create_all(connection)
            engine.dispose()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_many_that_turn_the_log_on_at_once_wait_for_each_other(tmp_path: Path) -> None:
    # Of four threads, SQLite refuses one in about 6 % of the rounds.
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def open_it(url: str) -> None:
        start.wait()
        try:
            engine = make_engine(url)
            with reading(engine) as connection:
                assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            engine.dispose()
        except BaseException as error:
            failures.append(error)

    for number in range(60):
        threads = [
            threading.Thread(target=open_it, args=(f"sqlite:///{tmp_path / f'{number}.db'}",)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


def test_an_erasure_while_another_process_writes_is_try_later_with_a_cure(opened: Open, sqlite_url: str) -> None:
    holder, other = opened(sqlite_url), opened(sqlite_url, wait=0.0)
    with (
        writing(holder),
        pytest.raises(TryLater, match="may still hold what was erased: give the same command again"),
    ):
        scrub(other)
    scrub(other)


@pytest.mark.parametrize(
    ("statement", "error"),
    [("CREATE TABLE t (x)", TryLater), ("VACUUM", TryLater), ("SELECT * FROM missing", DigestError)],
)
def test_an_error_of_the_bare_driver_is_told_too(
    opened: Open, sqlite_url: str, statement: str, error: type[Exception]
) -> None:
    holder, other = opened(sqlite_url), opened(sqlite_url, wait=0.0)
    with holder.begin(), pytest.raises(error), translate_errors(other), closing(other.raw_connection()) as bare:
        assert bare.driver_connection is not None
        bare.driver_connection.execute(statement)
    with pytest.raises(sqlite3.OperationalError), translate_errors(other), closing(other.raw_connection()) as bare:
        assert bare.driver_connection is not None
        bare.driver_connection.execute("SELEKT")  # a bug stays a bug


def test_a_locked_sqlite_database_is_try_later(opened: Open, sqlite_url: str) -> None:
    holder, other = opened(sqlite_url), opened(sqlite_url, wait=0.0)
    with writing(holder), pytest.raises(TryLater, match="locked"), writing(other):
        pass


def test_a_thread_that_waits_for_another_does_not_ask_sqlite(opened: Open, sqlite_url: str) -> None:
    engine = opened(sqlite_url, wait=0.0)

    def write() -> None:
        with writing(engine):
            pass

    with ThreadPoolExecutor(1) as pool, writing(engine), asked(engine) as statements:
        with pytest.raises(TryLater, match="locked"):
            pool.submit(write).result()
        assert statements == []
    write()


def test_broken_promises_between_rows_pass_through(tables: Engine) -> None:
    with pytest.raises(IntegrityError), writing(tables) as connection:
        connection.execute(insert(counter).values(id=1, n=1))


def test_a_mistake_in_sql_is_a_bug(engine: Engine) -> None:
    error = OperationalError if engine.dialect.name == "sqlite" else DigestError
    with pytest.raises(error, match="SELEC"), reading(engine) as connection:
        connection.execute(text("SELEC 1"))


@pytest.mark.parametrize("sql", ["SELECT 1 FROM no_such_table", "CREATE TABLE subscriber (id INTEGER)"])
def test_a_table_that_is_missing_or_in_the_way_is_another_programs_or_damaged(engine: Engine, sql: str) -> None:
    with pytest.raises(DigestError, match="not this program's, or damaged; run `digest doc"), writing(engine) as conn:
        conn.execute(text(sql))


def test_a_full_disk_is_try_later_and_leaves_nothing(opened: Open, sqlite_url: str) -> None:
    engine = opened(sqlite_url)
    with writing(engine) as connection:
        catalogue.create_all(connection)
        # SQLite takes the present number of pages instead, so that the database cannot grow.
        connection.exec_driver_sql("PRAGMA max_page_count=1")
    with pytest.raises(TryLater, match="full"), writing(engine) as connection:
        for number in range(1, 10_000):
            connection.execute(insert(counter).values(id=number, n=number))
    assert counted(engine) == 0


def test_a_damaged_database_is_named(opened: Open, sqlite_url: str, tmp_path: Path) -> None:
    engine = opened(sqlite_url)
    with writing(engine) as connection:
        catalogue.create_all(connection)
    engine.dispose()
    path = tmp_path / "digest.db"
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 3996 + path.read_bytes()[4096:])
    with pytest.raises(DigestError, match="malformed; run `digest doctor`"), reading(engine) as connection:
        connection.execute(select(counter))


def test_a_file_that_may_not_be_made_is_said_with_its_cure(opened: Open) -> None:
    engine = opened("sqlite:////proc/digest.db")
    with pytest.raises(DigestError, match="let this account write the file and its folder"), reading(engine):
        pass


def test_a_file_that_is_no_database_is_a_mistake_in_the_config(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "letters.db"
    path.write_text("Dear reader, " * 100)
    engine = opened(f"sqlite:///{path}")
    with pytest.raises(ConfigError, match=r"file is not a database; check storage\.url"), writing(engine):
        pass
    assert path.read_text().startswith("Dear reader")


@table(
    "url, message",
    [
        ("mysql://host/name", "'mysql' is not a database we know"),
        ("postgresql+psycopg2://host/name", "is not a database we know"),
        ("sqlite+aiosqlite:///digest.db", "is not a database we know"),
        ("digest.db", "not a database address"),
        ("", "not a database address"),
        ("postgresql://host:port/name", "not a database address"),
        ("sqlite:////no/such/folder/digest.db", "no folder /no/such/folder; make it"),
    ],
)
def test_a_wrong_address_is_refused_with_its_cure(url: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_engine(url)
    [problem] = caught.value.problems
    assert problem.startswith("storage.url: ")
    assert message in problem


@pytest.mark.long
def test_a_missing_driver_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from digest.store.engine import make_engine\n"
        "from digest.errors import ConfigError\n"
        "try: make_engine('postgresql://host/name')\n"
        "except ConfigError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "learning-digest[postgresql]"' in done.stdout, done.stderr


def test_a_server_that_is_not_there_is_try_later_and_the_password_stays_ours(opened: Open, tmp_path: Path) -> None:
    engine = opened(f"postgresql://reader:hunter2@/name?host={tmp_path}", wait=2)
    with pytest.raises(TryLater) as caught, writing(engine):
        pass
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_database_that_the_server_lacks_is_a_mistake_in_the_config(opened: Open, postgresql_url: str) -> None:
    engine = opened(postgresql_url.replace("digest_test_", "absent_"))
    with pytest.raises(ConfigError, match=r"does not exist; check storage\.url"), writing(engine):
        pass


def test_a_connection_that_the_server_ends_is_try_later_and_the_next_one_works(
    opened: Open, postgresql_url: str
) -> None:
    engine, other = opened(postgresql_url), opened(postgresql_url)
    with pytest.raises(TryLater), writing(engine) as connection:
        backend = connection.scalar(text("SELECT pg_backend_pid()"))
        with writing(other) as killer:
            killer.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": backend})
        connection.execute(text("SELECT 1"))
    with writing(engine) as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_the_run_lock_excludes_a_second_run_and_is_free_after_the_first(engine: Engine) -> None:
    with run_lock(engine):
        with pytest.raises(TryLater, match="another run holds the lock"), run_lock(engine):
            pass
        with pytest.raises(TryLater, match="another run holds the lock"), run_lock(engine):
            pass
    with run_lock(engine):
        pass


def test_the_run_lock_is_free_after_a_run_that_failed(engine: Engine) -> None:
    with pytest.raises(ValueError, match="failed"), run_lock(engine):
        raise ValueError("failed")
    with run_lock(engine):
        pass


def test_a_run_whose_lock_the_server_ended_leaves_its_pool_in_order(opened: Open, postgresql_url: str) -> None:
    engine, other = opened(postgresql_url), opened(postgresql_url)
    with run_lock(engine), writing(other) as killer:
        killer.execute(
            text(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    with run_lock(engine), writing(engine) as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_the_run_lock_leaves_the_database_free(tables: Engine) -> None:
    with run_lock(tables), writing(tables) as connection:
        connection.execute(update(counter).values(n=1))
    assert counted(tables) == 1


@POSTGRESQL_LONG
def test_the_run_lock_of_a_killed_process_is_free(engine: Engine, database_url: str) -> None:
    holder = child(HOLD_RUN_LOCK, database_url)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(TryLater) as caught, run_lock(engine):
        pass
    if engine.dialect.name == "sqlite":
        assert f"process {holder.pid}" in str(caught.value)
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    _until_free(engine)


def _until_free(engine: Engine) -> None:
    """A server notices a dead client a moment later; a lock that stays would make this loop forever."""
    for _ in range(6000):
        try:
            with run_lock(engine):
                return
        except TryLater:
            threading.Event().wait(0.01)
    raise AssertionError("the lock of a killed run was never freed")


def test_two_databases_have_two_run_locks(opened: Open, engine: Engine, tmp_path: Path) -> None:
    other = opened(f"sqlite:///{tmp_path / 'other.db'}")
    with run_lock(engine), run_lock(other):
        pass


def test_a_memory_database_needs_no_lock(opened: Open) -> None:
    engine = opened("sqlite://")
    with run_lock(engine), run_lock(engine), writing(engine) as connection:
        assert connection.scalar(text("SELECT 1")) == 1
