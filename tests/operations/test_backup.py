"""Test where `digest db backup` writes, and what it says when it cannot."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.console import digest
from tests.house import House


def test_the_folder_of_a_backup_is_made_and_is_for_the_account_alone(tmp_path: Path) -> None:
    with closing(House(tmp_path / "house")) as house:
        assert digest(house.folder, "db", "backup", "backups/digest-2026-11-27.db").code == 0
        assert (house.folder / "backups" / "digest-2026-11-27.db").is_file()
        assert (house.folder / "backups").stat().st_mode & 0o777 == 0o700


def test_two_missing_folders_are_not_made_because_a_disk_may_be_missing(tmp_path: Path) -> None:
    with closing(House(tmp_path / "house")) as house:
        answer = digest(house.folder, "db", "backup", str(tmp_path / "disk" / "backups" / "a.db"))
    assert answer.code == 2 and f"there is no folder {tmp_path / 'disk'}; make it" in answer.stderr
    assert not (tmp_path / "disk").exists()


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("", encoding="utf-8")
    with closing(House(tmp_path / "house")) as house:
        answer = digest(house.folder, "db", "backup", str(tmp_path / "backups" / "a.db"))
    assert (
        answer.code == 1
        and "backups/a.db failed" in answer.stderr
        and "something else has this name" in answer.stderr
    )
