"""Compare what the migrations make with what the schema declares, in all that Alembic's own comparison leaves out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, inspect, text

from digest.store import migrate
from digest.store.engine import reading, writing
from tests.postgres import Databases

Open = Callable[..., Engine]
Facts = dict[str, dict[str, Any]]


@pytest.fixture
def declared(opened: Open, engine: Engine, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Make the tables as the schema declares them, without a migration."""
    databases: Databases | None = None
    if engine.dialect.name == "sqlite":
        url = f"sqlite:///{tmp_path / 'declared.db'}"
    else:
        databases = request.getfixturevalue("postgresql")
        url = databases.new()
    twin = opened(url)
    with writing(twin) as connection:
        migrate.tables().create_all(connection)
    yield twin
    twin.dispose()
    if databases:
        databases.drop(url)


def test_checks_keys_defaults_and_numbering_are_the_declared(engine: Engine, declared: Engine) -> None:
    with reading(engine) as migrated, reading(declared) as meant:
        ours, theirs = facts(migrated), facts(meant)
    assert ours.keys() == theirs.keys()
    for table, about in theirs.items():
        assert ours[table] == about, table


def facts(connection: Connection) -> Facts:
    """Return of each table what Alembic does not compare: checks, defaults, what a deletion does, numbering."""
    looked = inspect(connection)
    names = [name for name in looked.get_table_names() if not name.startswith(("alembic_", "archive_search"))]
    return {
        name: {
            "checks": sorted((str(check["name"]), check["sqltext"]) for check in looked.get_check_constraints(name)),
            "keys": sorted(
                (str(key["name"]), key["constrained_columns"], key["referred_table"], key["options"])
                for key in looked.get_foreign_keys(name)
            ),
            "primary": looked.get_pk_constraint(name),
            "unique": sorted(
                (str(each["name"]), each["column_names"]) for each in looked.get_unique_constraints(name)
            ),
            "indexes": sorted(
                (str(each["name"]), each["column_names"], each["unique"], _where(each.get("dialect_options", {})))
                for each in looked.get_indexes(name)
                if "indexed_words" not in each["column_names"]
            ),
            "defaults": {
                column["name"]: (column["default"], column["nullable"], str(column["type"]))
                for column in looked.get_columns(name)
                if column["name"] != "indexed_words"
            },
            "numbered": _numbered(connection, name),
        }
        for name in names
    }


def _where(options: dict[str, Any]) -> str:
    return " ".join(str(options[name]) for name in sorted(options) if name.endswith("_where"))


def _numbered(connection: Connection, table: str) -> bool:
    """Return whether a table of SQLite never gives the number of a row that has gone to another."""
    if connection.dialect.name != "sqlite":
        return False
    sql = connection.scalar(
        text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"), {"name": table}
    )
    return "AUTOINCREMENT" in str(sql)
