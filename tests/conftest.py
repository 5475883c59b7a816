"""What every test may ask for: an upgraded, empty database of its own, on each of the two engines."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from digest.store import migrate
from digest.store.engine import make_engine
from tests import postgres

pytest_plugins = ["tests.figures"]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The wider test data beside the checkout; absent: skip, or fail when DIGEST_REQUIRE_SHARED=1."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir() and os.environ.get("DIGEST_REQUIRE_SHARED") == "1":
        pytest.fail(f"no {folder}")
    if not folder.is_dir():
        pytest.skip(f"no {folder}: it is not part of this repository")
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Databases]:
    """A PostgreSQL server to make databases on, for the whole run; without one: skip, or fail in CI."""
    with postgres.server() as address:
        if address is None and postgres.REQUIRED:
            pytest.fail(postgres.MISSING)
        if address is None:
            pytest.skip(postgres.MISSING)
        databases = postgres.Databases(address)
        yield databases
        databases.close()


@pytest.fixture(scope="session")
def postgresql_template(postgresql: postgres.Databases) -> Iterator[str]:
    """The name of a PostgreSQL database at the newest schema, to copy."""
    url = postgresql.new()
    _upgraded(url)
    yield make_url(url).database or ""
    postgresql.drop(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of an SQLite database at the newest schema, to copy."""
    path = tmp_path_factory.mktemp("template") / "digest.db"
    _upgraded(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of an empty, upgraded SQLite database of this test's own."""
    path = tmp_path / "digest.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql: postgres.Databases, postgresql_template: str) -> Iterator[str]:
    """The address of an empty, upgraded PostgreSQL database of this test's own."""
    url = postgresql.new(postgresql_template)
    yield url
    postgresql.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty, upgraded database of this test's own: each test runs once on each engine."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def opened() -> Iterator[Callable[..., Engine]]:
    """`make_engine`, whose engines are disposed of when the test ends, however it ends."""
    engines: list[Engine] = []

    def open_one(url: str, **options: float) -> Engine:
        engines.append(make_engine(url, **options))
        return engines[-1]

    yield open_one
    for one in engines:
        one.dispose()


@pytest.fixture
def engine(opened: Callable[..., Engine], database_url: str) -> Engine:
    """An engine on `database_url`, disposed of at the end."""
    return opened(database_url)


def _upgraded(url: str) -> None:
    made = make_engine(url)
    migrate.upgrade(made)
    made.dispose()
