"""Restore a backup of every earlier schema: it is upgraded, it is in HOLD, and every report works on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.store import migrate
from tests import console
from tests.house import CONFIG
from tests.upgrades.filling import SECRET, contents, fill, upgrade_to

Open = Callable[..., Engine]
WHEN = "2026-12-18T12:00:00+00:00"


@pytest.mark.long
@pytest.mark.parametrize("revision", migrate.revisions()[:-1])
def test_a_backup_of_an_earlier_schema_is_restored_upgraded_and_reported_on(
    tmp_path: Path, opened: Open, revision: str
) -> None:
    engine = opened(f"sqlite:///{tmp_path / 'backup.db'}")
    upgrade_to(engine, revision)
    fill(engine)
    deliveries = len(contents(engine)["delivery"])
    engine.dispose()
    (tmp_path / "notes").mkdir()
    (tmp_path / "config.toml").write_text(CONFIG.format(source="", weekly=""))
    (tmp_path / "digest.secret").write_text(SECRET.hex())

    def done(*words: str, codes: tuple[int, ...] = (0,)) -> console.Answer:
        answer = console.digest(tmp_path, "--now", WHEN, *words)
        assert answer.code in codes, (words, answer)
        return answer

    done("db", "upgrade")
    restored = done("db", "restore", "backup.db")
    assert "it is in HOLD, and its schema is older than this program: `digest db upgrade`" in restored.stderr
    assert done("db", "upgrade").stdout == f"schema {migrate.revisions()[-1]}\n"
    assert "letter" in done("db", "held").stdout
    assert "HOLD" in done("run", codes=(4,)).stderr
    for words in ("status", "doctor", "check", "log", "receipt", "entries", "subscribers list", "sources health"):
        done(*words.split(), codes=(0, 1, 4))
    after = opened(f"sqlite:///{tmp_path / 'digest.db'}")
    assert migrate.check_schema(after)
    assert len(contents(after)["delivery"]) == deliveries
