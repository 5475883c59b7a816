"""What every test may ask for: an upgraded, empty database of its own, on each of the two engines."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from digest.store import migrate
from digest.store.engine import make_engine
from tests import postgres, remembered
from tests.house import House, empty_database
from tests.sources.webserver import Web

pytest_plugins = ["tests.figures"]
LONG = "long and not proof"  # the mark of .ci/run; a test of many cases on PostgreSQL has both

# No deadline, because a slow machine is no fault of the product.
settings.register_profile("patient", deadline=None, max_examples=50)
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL server for all of xdist's workers, because each would start its own; they inherit it.

    In `make test` and the long run the tests of a process also share what is slow to work out, and their folders are
    in memory, because waiting for the disk takes as long as the tests do. The runs by another mark do without both.
    """
    if "not long" in config.option.markexpr or config.option.markexpr == LONG:
        remembered.share()
        spare = 4 << 30 if config.option.markexpr == LONG else 1 << 30
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", postgres.roomy(spare))
    spread = getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput")
    if not spread or postgres.GIVEN in os.environ:
        return
    stack = ExitStack()
    config.add_cleanup(stack.close)
    if address := stack.enter_context(postgres.server()):
        os.environ[postgres.GIVEN] = address
        stack.callback(os.environ.pop, postgres.GIVEN)


def pytest_collection() -> None:
    """Collect no garbage while the tests are collected, because hardly any of it is garbage."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave the tests and all modules out of what is searched for garbage from now on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


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


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an empty, upgraded SQLite database of this test's own."""
    path = tmp_path / "digest.db"
    path.write_bytes(empty_database())
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


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def pipeline_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty, upgraded database for a test of many steps; on PostgreSQL under the mark `long`.

    In `make test` one engine is enough, because the tests of store/ and subscribers/ try each statement on both.
    """
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., House]:
    """Give a house in a folder, on an SQLite file of its own, whose first run is behind it: run once, then copied."""
    firsts: dict[tuple[tuple[str, str], ...], House] = {}

    def copied(folder: Path, **options: str) -> House:
        key = tuple(sorted(options.items()))
        if key not in firsts:
            firsts[key] = House(tmp_path_factory.mktemp("begun") / "house", **options)
            firsts[key].run()
        return firsts[key].copy(folder)

    return copied


@pytest.fixture
def house(shared_house: House, tmp_path: Path) -> Iterator[House]:
    """A copy of the house that the tests of a module share as their start: its own fixture `shared_house`."""
    house = shared_house.copy(tmp_path / "house")
    yield house
    house.close()


@pytest.fixture
def web() -> Iterator[Web]:
    """A scripted web server on loopback."""
    server = Web()
    yield server
    server.close()


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
