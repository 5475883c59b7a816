"""Compare what the migrations make with what the schema declares, in all that Alembic's own comparison leaves out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.store import migrate
from digest.store.engine import reading, writing
from tests.postgres import Databases
from tests.upgrades.shapes import facts

Open = Callable[..., Engine]


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
