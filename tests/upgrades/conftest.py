"""Databases without any table, and programs of earlier schemas."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.store import migrate
from tests.postgres import Databases

Open = Callable[..., Engine]
_SHIPPED = migrate._MIGRATIONS


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, opened: Open) -> Iterator[Engine]:
    """Make a database without any table."""
    if request.param == "sqlite":
        yield opened(f"sqlite:///{tmp_path / 'digest.db'}")
        return
    databases: Databases = request.getfixturevalue("postgresql")
    url = databases.new()
    yield opened(url)
    databases.drop(url)


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
