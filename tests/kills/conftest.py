"""Ground for trials, and databases of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.kills.trial import READERS, Ground, Trial
from tests.postgres import Databases

DatabaseOf = Callable[[str], AbstractContextManager[str]]
TrialOf = Callable[..., AbstractContextManager[Trial]]


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


@pytest.fixture
def trial_of(request: pytest.FixtureRequest, ground: Ground) -> TrialOf:
    """`trial_of(kind, engine, readers=…)`: a trial on a copy of one prepared database, gone once it went well."""

    def empty() -> tuple[Databases, str]:
        return request.getfixturevalue("postgresql"), request.getfixturevalue("postgresql_template")

    return copying(ground, empty)


def copying(ground: Ground, empty: Callable[[], tuple[Databases, str]]) -> TrialOf:
    """Return a `trial_of`; `empty` gives a server and the name of an empty database there, if one is needed."""
    patterns: dict[int, tuple[Path, str]] = {}

    @contextmanager
    def of(kind: str, engine: str, *, readers: int = READERS) -> Iterator[Trial]:
        if engine == "sqlite":
            one = ground.trial(kind, readers=readers)
            yield one
            ground.done(one)
            return
        databases, template = empty()
        if readers not in patterns:
            first = databases.new(template)
            patterns[readers] = ground.pattern(readers, first), make_url(first).database or ""
        pattern, name = patterns[readers]
        url = databases.new(name)
        one = ground.trial(kind, url, readers=readers, pattern=pattern)
        yield one
        ground.done(one)
        databases.drop(url)

    return of
