"""Kill `digest db upgrade` with SIGKILL: the schema is the old or the new, no row is lost, the next one ends it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.store import migrate
from tests.figures import Figures
from tests.house import CONFIG
from tests.kills.trial import Running
from tests.upgrades.dying import DIE_AT, die
from tests.upgrades.filling import SECRET, contents, fill, kept, renamed, upgrade_to
from tests.upgrades.test_killed import ROWS, state

Open = Callable[..., Engine]


@pytest.mark.kills
@pytest.mark.parametrize(("old", "every"), [("0001", 6), ("0010", 7), ("0021", 4)])
def test_the_command_is_killed_again_and_again(
    tmp_path: Path, address: str, opened: Open, figure: Figures, old: str, every: int
) -> None:
    engine = opened(address)
    upgrade_to(engine, old)
    fill(engine, ROWS)
    before, rows = state(engine), renamed(contents(engine))
    engine.dispose()
    (tmp_path / "notes").mkdir()
    (tmp_path / "config.toml").write_text(CONFIG.format(source="", weekly=""))
    (tmp_path / "digest.secret").write_text(SECRET.hex())
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    environ["DIGEST_STORAGE__URL"] = address
    kills = 0
    while True:
        at = 1 + kills * every
        ended = Running(tmp_path, environ | {DIE_AT: str(at)}, ["db", "upgrade"], first=die).wait()
        if ended.code != -signal.SIGKILL:
            break
        kills += 1
        if migrate.current(engine) != old:
            assert migrate.check_schema(engine)
            break
        assert state(engine) == before, f"statement {at}"
    ended = Running(tmp_path, environ, ["db", "upgrade"]).wait()
    assert ended.code == 0 and ended.said.startswith(f"schema {migrate.revisions()[-1]}"), ended
    assert migrate.check_schema(engine)
    assert kept(rows, contents(engine)) == rows
    figure(
        f"52 `db upgrade` from {old} killed, {engine.dialect.name}",
        goal="the old schema or the new, all rows",
        result=f"all in {kills} kills",
        met=kills > 8,
    )
