"""PostgreSQL as it is met: rights, encodings, locks of others, poolers, a server that goes away meanwhile."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError

from digest.commands.base import exit_code_of, message_of
from digest.config.load import load
from digest.errors import ConfigError, DigestError, TryLater
from digest.operations.check_settings import storage_problems
from digest.store import migrate
from digest.store.engine import make_engine, reading, writing
from digest.store.lock import run_lock
from digest.store.patience import write_patiently
from digest.store.sqlstate import told
from digest.system import stopping
from tests import console
from tests.counts import table
from tests.house import CONFIG
from tests.postgres import Databases

Open = Callable[..., Engine]
ENGINE = make_engine("postgresql://learning@server/letters")


class Refused(psycopg.OperationalError):
    """A refusal to connect, which has words and no SQLSTATE."""


@table(
    "error, code, words",
    [
        (errors.InsufficientPrivilege("permission denied for schema public"), 1, "`GRANT USAGE, CREATE ON"),
        (errors.InsufficientPrivilege("permission denied for table entry"), 1, "`GRANT SELECT, INSERT,"),
        (errors.InsufficientPrivilege("permission denied for sequence run_id_seq"), 1, "`GRANT USAGE, SELECT"),
        (errors.InsufficientPrivilege("must be owner of table entry"), 1, "`ALTER TABLE entry OWNER TO learning`"),
        (errors.InsufficientPrivilege("Zugriff auf Tabelle entry verweigert"), 1, "`ALTER DATABASE letters OWNER TO"),
        (errors.ReadOnlySqlTransaction("cannot execute INSERT"), 1, "ALTER ROLE learning SET default"),
        (errors.InvalidCatalogName("no"), 2, "`createdb -E UTF8 -T template0 -O learning letters`"),
        (errors.InvalidPassword("no"), 2, "check storage.url: the role"),
        (errors.TooManyConnections("no"), 75, "max_connections"),
        (errors.DiskFull("no"), 75, "make room"),
        (errors.OutOfMemory("no"), 75, "memory"),
        (errors.AdminShutdown("no"), 75, "try again later"),
        (errors.CannotConnectNow("no"), 75, "try again later"),
        (errors.LockNotAvailable("no"), 75, "another session holds a lock"),
        (errors.QueryCanceled("no"), 75, "statement_timeout"),
        (errors.DeadlockDetected("no"), 75, "another session was in the way"),
        (errors.SerializationFailure("no"), 75, "another session was in the way"),
        (errors.UndefinedColumn("no"), 1, "`digest doctor`"),
        (errors.InvalidSchemaName("no schema has been selected"), 1, "search_path of learning"),
        (errors.DataCorrupted("no"), 1, "`digest doctor`"),
        (errors.DuplicatePreparedStatement("no"), 1, "SQLSTATE 42P05"),
        (errors.RaiseException("no"), 1, "SQLSTATE P0001"),
        (Refused('FATAL: role "x" does not exist'), 2, "check storage.url: the role"),
        (Refused('FATAL: database "x" does not exist'), 2, "createdb"),
        (Refused('FATAL: no pg_hba.conf entry for host "::1", no encryption'), 2, "sslmode=require"),
        (Refused("server does not support SSL, but SSL was required"), 2, "sslmode"),
        (Refused("fe_sendauth: no password supplied"), 2, "password"),
        (Refused("FATAL: sorry, too many clients already"), 75, "max_connections"),
        (Refused("FATAL: the database system is starting up"), 75, "try again later"),
        (Refused("FATAL: no such database: x"), 2, "createdb"),
        (Refused("Connection refused"), 75, "try again later"),
    ],
)  # fmt: skip
def test_each_error_has_its_line_and_exit_code(error: psycopg.Error, code: int, words: str) -> None:
    translated = told(ENGINE, OperationalError("SELECT secret", {}, error), "database x")
    assert translated is not None
    assert translated.exit_code == code
    assert words in str(translated)
    assert "\n" not in str(translated)
    assert "SELECT secret" not in str(translated)


def test_every_class_of_error_of_the_driver_is_told() -> None:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and getattr(kind, "sqlstate", None)]
    assert len(classes) > 200
    for kind in classes:
        wrapped = IntegrityError if issubclass(kind, psycopg.IntegrityError) else ProgrammingError
        error = wrapped("SELECT secret", {}, kind("a\nb"))
        translated = told(ENGINE, error, "database x") or error
        assert exit_code_of(translated) in (1, 2, 75), kind
        assert "\n" not in message_of(translated)
        assert "secret" not in message_of(translated)


def test_a_value_that_does_not_fit_is_told_without_the_value() -> None:
    error = DataError("INSERT", {}, errors.UntranslatableCharacter("x@example.org"))
    assert told(ENGINE, error, "database x") is None
    assert exit_code_of(error) == 1
    assert message_of(error).startswith("database: DataError (SQLSTATE 22P05)")


@pytest.fixture
def role(postgresql_url: str) -> Iterator[tuple[str, Callable[[str], None]]]:
    """The address of the database for a role without rights, and a function that runs an order as the owner."""
    name = f"poor_{make_url(postgresql_url).database}"[:60]
    engine = make_engine(postgresql_url)

    def order(statement: str) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement.replace("NAME", name))

    order("CREATE ROLE NAME LOGIN")
    yield make_url(postgresql_url).set(username=name).render_as_string(hide_password=False), order
    order("DROP OWNED BY NAME")
    order("DROP ROLE NAME")
    engine.dispose()


def test_a_role_learns_which_right_it_lacks_one_after_the_other(
    opened: Open, role: tuple[str, Callable[[str], None]]
) -> None:
    url, order = role
    engine = opened(url)
    with pytest.raises(DigestError, match=r"for table alembic_version; give .*: `GRANT SELECT, INSERT"):
        migrate.current(engine)
    order("GRANT SELECT ON ALL TABLES IN SCHEMA public TO NAME")
    assert migrate.check_schema(engine)
    with (
        pytest.raises(DigestError, match=r"for table counter; give .*: `GRANT SELECT, INSERT"),
        writing(engine) as conn,
    ):
        conn.exec_driver_sql("DELETE FROM counter")
    with pytest.raises(DigestError, match=r"for schema public; give .*`GRANT USAGE, CREATE"), writing(engine) as conn:
        conn.exec_driver_sql("CREATE TABLE public.mine (id INTEGER)")
    order("ALTER ROLE NAME SET default_transaction_read_only = on")
    with pytest.raises(DigestError, match="default_transaction_read_only = off"), writing(opened(url)) as conn:
        conn.exec_driver_sql("CREATE TABLE public.mine (id INTEGER)")


def check_rights(folder: Path, url: str, order: Callable[[str], None], steps: Iterable[tuple[str, str]]) -> None:
    """Check that `digest check` tells the right of each step, or nothing for "", then give the step's order."""
    (folder / "notes").mkdir()
    (folder / "config.toml").write_text(CONFIG.format(source="", weekly=""))
    environ = {"DIGEST_STORAGE__URL": url}
    assert console.digest(folder, "check", environ=environ).code == 2
    settings = load(folder / "config.toml", environ)
    for right, statement in steps:
        problems = list(storage_problems(settings))
        assert [right in problem for problem in problems] == [True] * bool(right), (right, problems)
        order(statement)


def test_check_tells_that_a_role_may_make_no_table(role: tuple[str, Callable[[str], None]], tmp_path: Path) -> None:
    url, order = role
    order("CREATE SCHEMA empty")
    order("ALTER ROLE NAME SET search_path = empty")
    steps = (
        ("no schema has been selected", "GRANT USAGE ON SCHEMA empty TO NAME"),
        ("`GRANT USAGE, CREATE ON SCHEMA empty TO", "GRANT CREATE ON SCHEMA empty TO NAME"),
        ("", "DROP SCHEMA empty"),
    )
    check_rights(tmp_path, url, order, steps)


@pytest.mark.long
def test_check_tells_what_a_role_may_not_write(
    opened: Open, role: tuple[str, Callable[[str], None]], tmp_path: Path
) -> None:
    url, order = role
    order("GRANT SELECT ON ALL TABLES IN SCHEMA public TO NAME")
    steps = (
        ("`GRANT SELECT, INSERT, UPDATE, DELETE ON", "GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO NAME"),
        ("`GRANT SELECT, INSERT, UPDATE, DELETE ON", "GRANT DELETE ON ALL TABLES IN SCHEMA public TO NAME"),
        ("`GRANT USAGE, SELECT ON ALL SEQUENCES", "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO NAME"),
        ("", "ALTER ROLE NAME SET default_transaction_read_only = on"),
        ("default_transaction_read_only = off", "ALTER ROLE NAME RESET default_transaction_read_only"),
        ("", "SELECT 1"),
    )
    check_rights(tmp_path, url, order, steps)
    with opened(url).connect() as conn:
        assert not conn.scalar(text("SELECT count(*) FROM counter")), "nothing is written"


@pytest.mark.parametrize("encoding", ["LATIN1", pytest.param("SQL_ASCII", marks=pytest.mark.long)])
def test_another_encoding_is_refused_by_name(opened: Open, postgresql: Databases, encoding: str) -> None:
    name = f"digest_{encoding.lower()}_{os.getpid()}"
    postgresql._run(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    url = postgresql._admin.url.set(database=name).render_as_string(hide_password=False)
    try:
        with pytest.raises(ConfigError, match=f"its encoding is {encoding}.*createdb -E UTF8"):
            migrate.upgrade(opened(url))
    finally:
        postgresql.drop(url)


def locked(holder: Connection) -> None:
    holder.exec_driver_sql("LOCK TABLE subscriber IN ACCESS EXCLUSIVE MODE")


READ = text("SELECT count(*) FROM subscriber")


def test_a_lock_of_another_session_is_try_later(opened: Open, postgresql_url: str) -> None:
    with opened(postgresql_url).begin() as holder:
        locked(holder)
        with (
            pytest.raises(TryLater, match="another session holds a lock"),
            reading(opened(postgresql_url, wait=0)) as c,
        ):
            c.execute(READ)


def test_a_stop_ends_a_wait_for_a_lock(opened: Open, postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_asked", False)
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, stopping.request_stop)
    engine = opened(postgresql_url, wait=600)
    try:
        with opened(postgresql_url).begin() as holder:
            locked(holder)
            watcher = threading.Thread(target=_stop_when_waiting, args=(opened(postgresql_url),))
            watcher.start()
            with pytest.raises(TryLater, match="by a stop"), reading(engine) as conn:
                conn.execute(READ)
            watcher.join()
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop_when_waiting(engine: Engine) -> None:
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with engine.connect() as conn:
        while not conn.scalar(query):
            conn.rollback()
    os.kill(os.getpid(), signal.SIGTERM)


def test_no_state_is_kept_in_the_session_so_that_a_pooler_may_change_it(opened: Open, postgresql_url: str) -> None:
    engine = opened(postgresql_url)
    with run_lock(engine), reading(engine) as conn:
        for _ in range(9):
            conn.execute(READ)
        prepared = conn.scalar(text("SELECT count(*) FROM pg_prepared_statements"))
        query = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND backend_xmin IS NULL"
        idle = conn.scalar(text(f"{query} AND datname = current_database()"))
    with engine.connect() as conn:
        conn.exec_driver_sql("COMMIT")
        conn.exec_driver_sql("COMMIT")
        assert conn.scalar(text("SHOW lock_timeout")) == "0"
    assert (prepared, idle) == (0, 1)


class Outage:
    """Ends the sessions of an engine, and refuses its next connections."""

    def __init__(self, engine: Engine, refusals: int) -> None:
        self.refusals = refusals
        event.listen(engine, "do_connect", self._refuse)

    def _refuse(self, *_: Any) -> None:
        if self.refusals:
            self.refusals -= 1
            raise psycopg.OperationalError("FATAL: the database system is starting up")


@pytest.mark.parametrize("refusals", [1, 3])
def test_what_came_is_recorded_once_the_server_is_back(opened: Open, postgresql_url: str, refusals: int) -> None:
    engine = opened(postgresql_url)
    outage = Outage(engine, refusals)
    with pytest.raises(TryLater, match="every answer that came is recorded"):
        write_patiently(engine, "record", _add, clock=count().__next__, sleep=lambda _: None)
    assert outage.refusals == 0
    with reading(engine) as conn:
        assert conn.scalar(text("SELECT count(*) FROM counter WHERE name = 'answers'")) == 1


def _add(conn: Connection) -> None:
    conn.execute(text("INSERT INTO counter (name, value) VALUES ('answers', 1)"))
