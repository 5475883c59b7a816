"""Test that files with personal data are for their owner alone, whatever the umask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from digest.store.engine import make_engine, writing
from digest.store.migrate import upgrade
from digest.system.private import create_private, make_private_folder, write_private
from tests.console import digest
from tests.house import House

OPEN = {"config.toml", "notes"}  # an operator's own, without personal data


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Return the mode of everything below `folder` that is not as private as it should be."""
    return {
        str(path.relative_to(folder)): oct(path.stat().st_mode & 0o777)
        for path in folder.rglob("*")
        if path.relative_to(folder).parts[0] not in OPEN
        and path.stat().st_mode & 0o777 != (0o700 if path.is_dir() else 0o600)
    }


@pytest.mark.parametrize("mask", [0o000, *(pytest.param(mask, marks=pytest.mark.long) for mask in (0o022, 0o077))])
def test_what_a_story_leaves_is_for_its_owner_alone(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        house = House(tmp_path / "house")
        (house.folder / "digest.db").unlink()  # because the house wrote it, and the program is to make it
        upgrade(house.place.engine)
        house.run()
        house.reader("r@example.org")
        house.publish("One")
        house.run(days=4)
        assert (house.folder / "digest.db-wal").exists()
        now = ("--now", house.now.isoformat())
        for words in (
            ("subscribers", "suppress", "x@example.org"),
            ("preview", "--subscriber", "r@example.org"),
            ("receipt", "1"),
            ("send", "--dry-run"),
            ("db", "backup", "backup.db"),
        ):
            assert digest(house.folder, *now, *words).code == 0, words
        assert modes(house.folder) == {}
        house.close()
        (house.folder / "backup.db").chmod(0o644)  # as an older version made it, or a copy by hand
        (house.folder / "digest.db").chmod(0o644)
        assert digest(house.folder, *now, "db", "restore", "backup.db").code == 0
        assert set(modes(house.folder)) == {"backup.db"}


def test_what_was_open_is_tightened_when_it_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "letter.html"
    path.write_text("old and longer")
    path.chmod(0o666)
    write_private(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
    with umask(0):
        make_private_folder(tmp_path / "a" / "b")
        make_private_folder(tmp_path / "a" / "b")
        create_private(tmp_path / "a" / "new.db")
    assert modes(tmp_path) == {}
    with pytest.raises(FileExistsError):
        make_private_folder(path)


def test_a_database_behind_a_dangling_link_is_private_too(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "digest.db").symlink_to(tmp_path / "data" / "real.db")
    with umask(0):
        engine = make_engine(f"sqlite:///{tmp_path}/digest.db")
        with writing(engine, "test") as conn:
            conn.exec_driver_sql("CREATE TABLE t (x)")
        engine.dispose()
    assert (tmp_path / "data" / "real.db").stat().st_mode & 0o777 == 0o600
