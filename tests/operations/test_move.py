"""Move an installation from SQLite to PostgreSQL: every row is there, one of the two sends, and no change is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from digest import pipeline
from digest.config.load import load
from digest.errors import DatabaseMoved, PersonNeeded
from digest.installation import Installation
from digest.operations.move import move_up
from digest.store import migrate
from digest.store.copying import account_of
from digest.store.engine import make_engine, reading, writing
from digest.store.schema import installation
from subscribers import store as people
from subscribers.tables import subscriber
from tests.house import House
from tests.store.filled import fill

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that has sent an edition, and owes another."""
    house = House(tmp_path_factory.mktemp("moving") / "house")
    house.run()
    house.reader("ann@example.org")
    house.publish("One")
    house.run(days=4)
    house.publish("Two")
    yield house
    house.close()


def moved_to(house: House, url: str) -> Installation:
    """Return the installation after nothing but its url was changed."""
    return Installation(load(house.config, {"DIGEST_STORAGE__URL": url}), house.now)


def senders(house: House, url: str) -> list[str]:
    """Return which of the two databases may be mailed from."""
    new = moved_to(house, url)
    try:
        return [name for name, at in (("old", house.place), ("new", new)) if not at.fence.why()]
    finally:
        new.close()


def test_every_row_of_every_table_is_the_same_and_numbers_go_on(house: House, postgresql_url: str) -> None:
    with writing(house.place.engine) as conn:
        fill(conn)
    steps: list[tuple[int, int]] = []
    moved = move_up(house.place, postgresql_url, lambda done, total: steps.append((done, total)))
    new = moved_to(house, postgresql_url)
    names = [table.name for table in migrate.tables().sorted_tables]
    with reading(house.place.engine) as before, reading(new.engine) as after:
        old_account, new_account = account_of(before), account_of(after)
        assert old_account == new_account
        assert [name for name in names if not old_account.rows.get(name)] == ["installation"]
        assert moved.rows == old_account.total and steps[-1] == (2 * moved.rows, 2 * moved.rows)
        for table in migrate.tables().sorted_tables:
            if table is not installation:
                rows = [sorted(repr(tuple(row)) for row in conn.execute(select(table))) for conn in (before, after)]
                assert rows[0] == rows[1], table.name
        kept = dict(before.execute(text("SELECT name, seq FROM sqlite_sequence")).all())
        newest = before.scalar(select(func.max(subscriber.c.id)))
        for name in ("subscriber", "act", "consent_change"):
            (last,) = after.execute(text(f"SELECT last_value FROM {name}_id_seq")).one()
            assert last == kept[name], name
        assert kept["act"] > (before.scalar(text("SELECT max(id) FROM act")) or 0)  # so that the test can fail
    with writing(new.engine) as conn:
        added = people.add(
            conn,
            people.NewSubscriber("new@example.org", cadence="weekly"),
            how="test",
            now=house.now,
            secret=new.secret,
        )
    assert added.id == (newest or 0) + 1
    new.close()


def test_after_it_the_new_one_sends_and_the_old_one_says_where_it_is(house: House, postgresql_url: str) -> None:
    assert senders(house, postgresql_url) == ["old"]
    move_up(house.place, postgresql_url)
    assert senders(house, postgresql_url) == ["new"]
    house.now += timedelta(days=7)
    new = moved_to(house, postgresql_url)
    assert sum(receipt.accepted for receipt in pipeline.run(new).receipts) == 1
    assert senders(house, postgresql_url) == ["new"]
    with pytest.raises(DatabaseMoved, match=r"moved to postgresql\+psycopg://.*write that address as url"):
        pipeline.run(house.place)
    with pytest.raises(DatabaseMoved):
        house.reader("late@example.org")
    with pytest.raises(DatabaseMoved):
        house.place.require_schema()
    with pytest.raises(PersonNeeded, match=r"it was moved to .*config.toml"):
        house.place.fence.check()
    new.require_schema()
    new.close()
    again = move_up(house.place, postgresql_url)
    assert again.rows is None


SHAPE = (
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT conrelid::regclass || conname || convalidated || pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
)


def shape(url: str) -> list[list[str]]:
    """Return the indexes and constraints of a PostgreSQL database."""
    engine = make_engine(url)
    with reading(engine) as conn:
        lists = [sorted(conn.scalars(text(query))) for query in SHAPE]
    engine.dispose()
    return lists


def test_the_new_one_has_every_index_and_key(house: House, postgresql_url: str) -> None:
    before = shape(postgresql_url)
    move_up(house.place, postgresql_url)
    assert shape(postgresql_url) == before
    assert min(map(len, before)) > 50


def test_an_earlier_version_that_still_runs_cannot_change_the_old_one(house: House, postgresql_url: str) -> None:
    move_up(house.place, postgresql_url)
    with closing(sqlite3.connect(house.folder / "digest.db", isolation_level=None)) as conn:
        for table in migrate.tables().sorted_tables:
            columns = ", ".join(column.name for column in table.columns)
            values = ", ".join("1" for _ in table.columns)
            with pytest.raises(sqlite3.IntegrityError, match="moved to PostgreSQL"):
                conn.execute(f"INSERT INTO {table.name} ({columns}) VALUES ({values})")
        with pytest.raises(sqlite3.IntegrityError, match="moved to PostgreSQL"):
            conn.execute("UPDATE subscriber SET state = 'left'")
