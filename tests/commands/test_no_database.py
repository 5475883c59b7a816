"""No command makes an empty database in the place of one that was lost; only `digest db upgrade` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import console
from tests.house import House

COMMANDS = ["status", "doctor", "gather", "run", "entries", "subscribers list", "db backup copy.db", "db held"]


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an installation that has run, and whose database is lost."""
    house = House(tmp_path_factory.mktemp("used"))
    assert console.digest(house.folder, "--now", "2026-11-02T09:00:00Z", "run").code == 0
    house.close()
    for file in house.folder.glob("digest.db*"):
        file.unlink()
    return house.folder


@pytest.mark.parametrize("command", COMMANDS)
def test_a_lost_database_is_told_with_its_cure(used: Path, command: str) -> None:
    told = console.digest(used, *command.split())
    assert (told.code, "there is no such file" in told.stderr, "digest db restore" in told.stderr) == (2, True, True)
    assert list(used.glob("*.db*")) == []


def test_a_new_installation_gets_its_database_at_the_first_command(tmp_path: Path) -> None:
    house = House(tmp_path)
    (tmp_path / "digest.db").unlink()
    assert console.digest(house.folder, "status").code == 0
    assert (tmp_path / "digest.db").exists()


def test_an_upgrade_makes_a_new_one_when_asked(used: Path, tmp_path: Path) -> None:
    House(tmp_path)
    (tmp_path / "digest.db").unlink()
    (tmp_path / "digest.fence").write_bytes((used / "digest.fence").read_bytes())
    assert console.digest(tmp_path, "db", "upgrade").code == 0
    assert console.digest(tmp_path, "status").code == 0
