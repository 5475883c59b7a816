"""`digest doctor` names files that others may read, and those that still hold people who were erased."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from digest.operations.file_findings import file_findings
from digest.operations.finding import Finding
from digest.system.private import open_to_others
from tests.console import digest
from tests.house import START, House


@pytest.mark.long
def test_doctor_names_what_others_may_read(tmp_path: Path) -> None:
    with closing(House(tmp_path / "house")) as house:
        house.run()
        house.reader("r@example.org")
        house.publish("One")
        house.run(days=4)
        assert digest(house.folder, "db", "backup", "backup.db").code == 0
        assert digest(house.folder, "db", "new-link-key").code == 0

        def told() -> dict[str, Finding]:
            # Not by `open_to_others`, because the folders of tests are closed to others.
            rows = file_findings(house.place, lambda path: path.exists() and bool(path.stat().st_mode & 0o066))
            return {finding.place: finding for finding in rows}

        assert "files" not in told()
        for name in (
            "digest.db",
            "digest.secret",
            "digest.secret.links",
            "digest.fence",
            "letters/weekly-2026-11-06/000001.eml",
            "backup.db",
        ):
            path = house.folder / name
            path.chmod(0o640)
            assert told()["files"].level == "wrong"
            assert f"`chmod -R go= {house.folder / name.partition('/')[0]}`" in told()["files"].cure
            assert not open_to_others(path)
            path.chmod(0o600)


@pytest.mark.long
def test_doctor_lists_what_still_holds_the_erased(tmp_path: Path) -> None:
    with closing(House(tmp_path / "house")) as house:
        house.run()
        house.reader("r@example.org")
        house.publish("One")
        house.run(days=4)
        assert list(file_findings(house.place)) == []
        (house.folder / "digest.db.before-20260101T000000").write_bytes(b"anything")
        (house.folder / "digest.db.before-20260101T000000-wal").write_bytes(b"anything")
        assert digest(house.folder, "db", "backup", "copy.sqlite").code == 0
        os.utime(house.folder / "copy.sqlite", (START.timestamp(),) * 2)
        house.now = START + timedelta(days=40)
        told = {finding.place: finding.problem for finding in file_findings(house.place)}
    assert told["digest.db.before-*"].startswith("2 replaced databases in ")
    assert "1 copy of the database beside it in " in told["backups"] and "40 days old" in told["backups"]
    assert told["letters"].startswith("1 letter in ") and "the oldest 36 days, " in told["letters"]
