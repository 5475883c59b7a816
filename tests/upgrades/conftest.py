"""Databases without any table, and programs of earlier schemas."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.store import migrate
from tests.postgres import Databases

Open = Callable[..., Engine]
_SHIPPED = migrate._MIGRATIONS


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table."""
    with _database(request, request.param, tmp_path / "digest.db") as url:
        yield url


@pytest.fixture
def twin(request: pytest.FixtureRequest, address: str, tmp_path: Path) -> Iterator[str]:
    """The address of a second database without any table, on the same engine."""
    with _database(request, address.partition(":")[0], tmp_path / "twin.db") as url:
        yield url


@contextmanager
def _database(request: pytest.FixtureRequest, engine: str, path: Path) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite:///{path}"
        return
    databases: Databases = request.getfixturevalue("postgresql")
    url = databases.new()
    yield url
    databases.drop(url)


@pytest.fixture
def empty(address: str, opened: Open) -> Engine:
    """A database without any table."""
    return opened(address)


@pytest.fixture
def newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`newest("0007")`: from now on this program is the one whose newest schema is 0007."""

    def until(revision: str) -> None:
        folder = tmp_path / f"migrations-{revision}"
        shutil.copytree(_SHIPPED, folder, ignore=shutil.ignore_patterns("__pycache__"))
        for path in (folder / "versions").glob("[0-9]*.py"):
            if path.name[:4] > revision:
                path.unlink()
        monkeypatch.setattr(migrate, "_MIGRATIONS", folder)

    return until
