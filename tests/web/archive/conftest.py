"""The library of the tests of the archive, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.web.archive.library import Library


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A library on SQLite that no test changes."""
    library = Library(tmp_path_factory.mktemp("shelf") / "house")
    yield library
    library.house.close()


@pytest.fixture
def library(shelf: Library, tmp_path: Path) -> Iterator[Library]:
    """A library on SQLite of this test's own."""
    library = shelf.copy(tmp_path / "house")
    yield library
    library.house.close()


@pytest.fixture(scope="session")
def shelf_on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgresql: postgres.Databases, postgresql_template: str
) -> Iterator[Library]:
    """A library on PostgreSQL that no test changes."""
    url = postgresql.new(postgresql_template)
    library = Library(tmp_path_factory.mktemp("shelf") / "house", url)
    yield library
    library.house.close()
    postgresql.drop(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def either(request: pytest.FixtureRequest) -> Library:
    """The library that no test changes, on each database; on PostgreSQL under the mark `long`.

    In `make test` one is enough, because tests/store tries each statement of the archive on both.
    """
    library: Library = request.getfixturevalue("shelf" if request.param == "sqlite" else "shelf_on_postgresql")
    return library
