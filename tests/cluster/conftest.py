"""What tests of the cluster ask for: a database with the queue's tables, and workers in threads of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from digest.cluster.schema import upgrade_queue
from digest.store import migrate
from digest.store.engine import make_engine
from tests import postgres
from tests.cluster.bench import Bench


@pytest.fixture(scope="session")
def queue_template(postgresql: postgres.Databases) -> Iterator[str]:
    """The name of a PostgreSQL database at the newest schema with the queue's tables, to copy."""
    url = postgresql.new()
    engine = make_engine(url)
    migrate.upgrade(engine)
    upgrade_queue(engine)
    engine.dispose()
    yield make_url(url).database or ""
    postgresql.drop(url)


@pytest.fixture
def queue_url(postgresql: postgres.Databases, queue_template: str) -> Iterator[str]:
    """The address of an empty, upgraded database with a queue, of this test's own."""
    url = postgresql.new(queue_template)
    yield url
    postgresql.drop(url)


@pytest.fixture
def queue_engine(opened: Callable[..., Engine], queue_url: str) -> Engine:
    """An engine on `queue_url`."""
    return opened(queue_url)


@pytest.fixture
def bench(queue_engine: Engine, tmp_path: Path) -> Bench:
    """A bench whose jobs do nothing."""
    return Bench(queue_engine, tmp_path)
