"""A move that cannot be done changes nothing: the old database sends on and takes changes, and the cure is told."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.engine import make_url

from digest.config.load import load
from digest.errors import DigestError, PersonNeeded, TryLater, WrongUse
from digest.installation import Installation
from digest.operations.doctor import examine
from digest.operations.move import move_up
from digest.store.copying import count_rows
from digest.store.engine import make_engine, reading, writing
from digest.store.lock import run_lock
from digest.store.schema import delivery, robots_file
from digest.system import stopping
from subscribers import store as people
from subscribers.tables import subscriber
from tests import console
from tests.counts import table
from tests.house import House, having_sent
from tests.postgres import Databases


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with a reader, which has sent an edition."""
    with closing(having_sent(tmp_path_factory.mktemp("staying") / "house")) as house:
        yield house


@pytest.fixture
def stays(house: House, postgresql_url: str) -> Iterator[House]:
    """A house of which a test finds at its end that it was not moved, and that nothing was copied."""
    yield house
    house.place.fence.check()
    house.reader("late@example.org")
    engine = make_engine(postgresql_url)
    with reading(engine) as conn:
        copied = sum(count_rows(conn).values())
    engine.dispose()
    assert copied == 0


def order(url: str, *statements: str) -> None:
    engine = make_engine(url)
    with engine.begin() as conn:
        for statement in statements:
            conn.exec_driver_sql(statement)
    engine.dispose()


def test_values_that_postgresql_refuses_are_named_before_anything_is_copied(
    stays: House, postgresql_url: str
) -> None:
    with writing(stays.place.engine) as conn:
        conn.execute(update(subscriber).values(name="Ann\0"))
        conn.execute(insert(robots_file).values(origin="x" * 301, rules="", asked_at=stays.now))
        conn.execute(text("INSERT INTO counter (name, value) VALUES ('large', 9999999999), ('word', 'seven')"))
        conn.execute(text("UPDATE edition SET held = 7, created_at = 'yesterday', arranged = '[NaN]'"))
    with pytest.raises(DigestError) as refused:
        move_up(stays.place, postgresql_url)
    lines = str(refused.value).splitlines()
    assert "subscriber 1, name: has a NUL character, which PostgreSQL cannot hold: remove it" in lines
    assert any(re.match(r"robots_file x+, origin: is longer than 300 characters", line) for line in lines)
    assert {"counter large, value: is no number that fits", "counter word, value: is no number that fits"} <= {*lines}
    for column, wrong in (("held", "is neither 0 nor 1"), ("created_at", "is no time"), ("arranged", "is no JSON")):
        assert any(re.fullmatch(rf"edition \d+, {column}: {wrong}", line) for line in lines), lines
    assert "correct them, nothing was changed" in lines[-1] and len(lines) <= 11


def test_a_row_whose_other_row_is_gone_is_named(stays: House, postgresql_url: str) -> None:
    stays.close()
    with closing(sqlite3.connect(stays.folder / "digest.db", isolation_level=None)) as conn:
        conn.execute("DELETE FROM digest")
    with pytest.raises(DigestError, match=r"delivery \d+: refers to a row of digest that is not there"):
        move_up(stays.place, postgresql_url)


def test_a_database_with_rows_is_left_as_it_is(house: House, postgresql_url: str) -> None:
    order(postgresql_url, "INSERT INTO counter (name, value) VALUES ('release', 3)")
    with pytest.raises(WrongUse, match=r"holds rows already \(table counter\).*make an empty one"):
        move_up(house.place, postgresql_url)
    house.place.fence.check()
    engine = make_engine(postgresql_url)
    with reading(engine) as conn:
        assert count_rows(conn)["counter"] == 1
    engine.dispose()


@table(
    "url, words",
    [
        ("sqlite:///other.db", "must be PostgreSQL"),
        ("mysql://u:s3cret@h/d", "the new database's address: 'mysql' is not a database we know"),
        ("s3cret", "the new database's address: not a database address"),
        ("postgresql://u:s3@cret@h/d", "the new database's address: its password holds an @"),
        ("postgresql+psycopg://u:s3cret@/none?host=/nowhere", "try again later"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_without_its_password(house: House, url: str, words: str) -> None:
    for given in (["--url-file", "to"], []):
        (house.folder / "to").write_text(f"{url}\n")
        answer = console.digest(house.folder, "db", "move", *given, environ={} if given else {"DIGEST_MOVE_URL": url})
        assert answer.code in (2, 75) and words in answer.stderr, answer
        assert "cret" not in answer.stderr + answer.stdout and "storage.url" not in answer.stderr
    assert not house.place.fence.why()


def test_a_database_that_is_not_there_or_in_another_encoding(
    stays: House, postgresql: Databases, postgresql_url: str
) -> None:
    missing = make_url(postgresql_url).set(database="none").render_as_string(hide_password=False)
    with pytest.raises(WrongUse, match=r"check the new database's address.*createdb -E UTF8"):
        move_up(stays.place, missing)
    name = f"{make_url(postgresql_url).database}_latin"
    engine = make_engine(postgresql_url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.exec_driver_sql(
            f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        )
    latin = make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
    with pytest.raises(WrongUse, match=r"its encoding is LATIN1.*createdb -E UTF8"):
        move_up(stays.place, latin)
    postgresql.drop(latin)
    engine.dispose()


def test_a_role_without_the_rights(stays: House, postgresql: Databases, postgresql_url: str) -> None:
    name = f"poor_{make_url(postgresql_url).database}"[:60]
    order(postgresql_url, f"CREATE ROLE {name} LOGIN")
    empty = postgresql.new()
    for url in (empty, postgresql_url):
        poor = make_url(url).set(username=name).render_as_string(hide_password=False)
        with pytest.raises(DigestError, match=r"permission denied.*`GRANT"):
            move_up(stays.place, poor)
    postgresql.drop(empty)
    order(postgresql_url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


FULL = (
    "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
    " $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END$$",
    "CREATE TRIGGER full_disk BEFORE INSERT ON delivery EXECUTE FUNCTION full_disk()",
)


def test_a_server_whose_disk_is_full_midway(stays: House, postgresql_url: str) -> None:
    order(postgresql_url, *FULL)
    with pytest.raises(TryLater, match="could not extend file; make room and run again"):
        move_up(stays.place, postgresql_url)


def test_a_server_that_goes_away_midway(stays: House, postgresql_url: str) -> None:
    name = make_url(postgresql_url).database

    def strike(_done: int, _total: int) -> None:
        ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        order(f"{make_url(postgresql_url).set(database='postgres').render_as_string(hide_password=False)}", ended)

    with pytest.raises(TryLater, match="try again later"):
        move_up(stays.place, postgresql_url, strike)


def test_rows_that_arrived_otherwise_are_seen(stays: House, postgresql_url: str) -> None:
    order(
        postgresql_url,
        "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN NEW.attempts = NEW.attempts + 1; RETURN NEW; END$$",
        "CREATE TRIGGER other BEFORE INSERT ON delivery FOR EACH ROW EXECUTE FUNCTION other()",
    )
    with pytest.raises(DigestError, match=r"table delivery: 1 rows were copied.*not the same; nothing was changed"):
        move_up(stays.place, postgresql_url)


@pytest.mark.long
@table(
    "statement, words",
    [
        (
            "UPDATE subscriber SET name = CAST(x'ff41' AS TEXT)",
            "table subscriber: a row has a text that is not UTF-8",
        ),
        ("UPDATE run SET finished_at = '2026-02-30 00:00:00'", "table run: a row has a time that is none"),
    ],
)
def test_a_value_that_cannot_be_read_is_told_by_its_table(
    stays: House, postgresql_url: str, statement: str, words: str
) -> None:
    stays.close()
    with closing(sqlite3.connect(stays.folder / "digest.db", isolation_level=None)) as conn:
        conn.execute("UPDATE subscriber SET name = ''")
        conn.execute(statement)
    with pytest.raises(DigestError, match=words):
        move_up(stays.place, postgresql_url)


@pytest.mark.long
def test_a_copy_that_could_not_be_handed_over_is_replaced(house: House, postgresql_url: str) -> None:
    (house.folder / ".digest.fence.new").unlink(missing_ok=True)
    (house.folder / ".digest.fence.new").mkdir()
    with pytest.raises(DigestError, match=r"digest\.fence cannot be written: Is a directory; it is a folder"):
        move_up(house.place, postgresql_url)
    assert [finding.problem for finding in examine(house.place) if "a move to" in finding.problem]
    (house.folder / ".digest.fence.new").rmdir()
    house.reader("late@example.org")
    assert move_up(house.place, postgresql_url).rows
    new = Installation(load(house.config, {"DIGEST_STORAGE__URL": postgresql_url}), house.now)
    with reading(new.engine) as conn:
        assert people.count(conn) == 2
    new.close()


def test_a_database_into_which_a_move_has_not_ended_takes_no_changes(house: House, postgresql_url: str) -> None:
    (house.folder / ".digest.fence.new").mkdir()
    with pytest.raises(DigestError, match="cannot be written"):
        move_up(house.place, postgresql_url)
    new = Installation(load(house.config, {"DIGEST_STORAGE__URL": postgresql_url}), house.now)
    with pytest.raises(TryLater, match="the move into this database has not ended"):
        new.require_schema()
    with pytest.raises(PersonNeeded, match=r"the move into it has not ended.*give `digest db move` again"):
        new.fence.check()
    house.place.fence.check()
    new.close()


def test_what_is_in_hold_claimed_or_under_way_stays(stays: House, postgresql_url: str) -> None:
    with writing(stays.place.engine) as conn:
        conn.execute(update(delivery).values(state="claimed"))
    with pytest.raises(PersonNeeded, match=r"1 delivery is claimed .*`digest run`"):
        move_up(stays.place, postgresql_url)
    with run_lock(stays.place.engine), pytest.raises(TryLater, match="another run holds the lock"):
        move_up(stays.place, postgresql_url)
    fence = stays.folder / "digest.fence"
    kept = fence.read_text()
    fence.unlink()
    with pytest.raises(PersonNeeded, match="in HOLD"):
        move_up(stays.place, postgresql_url)
    fence.write_text(kept)


def test_a_stop_is_heeded(stays: House, postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_asked", False)
    with pytest.raises(TryLater, match="stopped; nothing was changed"):
        move_up(stays.place, postgresql_url, lambda _done, _total: stopping.request_stop())
    monkeypatch.setattr(stopping, "_asked", False)


def test_only_sqlite_is_moved(postgresql_url: str, tmp_path: Path) -> None:
    house = House(tmp_path / "house", postgresql_url)
    with pytest.raises(WrongUse, match="is a PostgreSQL database already"):
        move_up(house.place, postgresql_url)
    house.close()
