"""Ground for trials, and databases of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.kills.trial import Ground

DatabaseOf = Callable[[str], AbstractContextManager[str]]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Ground for trials, cleared at the end."""
    made = Ground(tmp_path)
    yield made
    made.close()


@pytest.fixture
def database_of(request: pytest.FixtureRequest) -> DatabaseOf:
    """`database_of("sqlite" | "postgresql")`: the address of a database of one trial's own; "" for an SQLite file."""

    @contextmanager
    def of(engine: str) -> Iterator[str]:
        if engine == "sqlite":
            yield ""
            return
        databases = request.getfixturevalue("postgresql")
        url = databases.new(request.getfixturevalue("postgresql_template"))
        yield url
        databases.drop(url)

    return of
