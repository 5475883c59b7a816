"""The queue's tables: made once, upgraded by numbered scripts, and refused when they are of another version."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from digest.cluster.schema import check_queue, newest_version, shipped_scripts, upgrade_queue
from digest.errors import DigestError, SchemaTooNew
from digest.store import queue
from digest.store.engine import reading, writing


def test_the_tables_are_made_once_though_the_librarys_script_cannot_be_repeated(queue_engine: Engine) -> None:
    assert upgrade_queue(queue_engine) is False
    check_queue(queue_engine)


def test_two_processes_make_the_tables_at_once(opened: Callable[..., Engine], postgresql_url: str) -> None:
    engines = [opened(postgresql_url), opened(postgresql_url)]
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(upgrade_queue, engines)) == [False, True]


def test_missing_and_older_tables_are_refused_with_the_cure(
    opened: Callable[..., Engine], postgresql_url: str
) -> None:
    engine = opened(postgresql_url)
    with pytest.raises(queue.QueueMissing, match="no tables of the queue; run `digest db upgrade`"):
        check_queue(engine)
    upgrade_queue(engine)
    _set_version(engine, "03.01.00_01")
    with pytest.raises(queue.QueueMissing, match="earlier version; run `digest db upgrade`"):
        check_queue(engine)


def test_newer_tables_are_left_alone(queue_engine: Engine) -> None:
    _set_version(queue_engine, "99.00.00_01")
    for act in (check_queue, upgrade_queue):
        with pytest.raises(SchemaTooNew, match="install the newer version"):
            act(queue_engine)


def test_an_upgrade_runs_the_numbered_scripts_that_are_new(queue_engine: Engine, tmp_path: Path) -> None:
    newest = newest_version(shipped_scripts())
    scripts = {newest: "SELECT 1/0", "98.01.00_01": "CREATE TABLE step (number integer)", "98.01.00_50": _PERCENT}
    for number, script in scripts.items():
        (tmp_path / f"{number}_some_words.sql").write_text(script)
    assert upgrade_queue(queue_engine, tmp_path) is True
    with reading(queue_engine) as conn:
        assert conn.scalar(text("SELECT number FROM step")) == 2
        assert queue.queue_version(conn) == "98.01.00_50"


_PERCENT = "INSERT INTO step VALUES (5 % 3); -- '100%'"


def test_a_script_that_fails_changes_nothing(queue_engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "98.01.00_01_a.sql").write_text("CREATE TABLE step (number integer)")
    (tmp_path / "98.01.00_50_b.sql").write_text("SELECT 1/0")
    with pytest.raises(Exception, match="division"):
        upgrade_queue(queue_engine, tmp_path)
    with reading(queue_engine) as conn:
        assert conn.scalar(text("SELECT to_regclass('step')")) is None
        assert queue.queue_version(conn) == newest_version(shipped_scripts())


def test_the_queue_of_another_program_is_left_alone(queue_engine: Engine) -> None:
    with writing(queue_engine) as conn:
        conn.execute(text("DROP TABLE cluster_queue"))
    with pytest.raises(DigestError, match="a queue of another program"):
        upgrade_queue(queue_engine)


def _set_version(engine: Engine, version: str) -> None:
    with writing(engine) as conn:
        conn.execute(text("UPDATE cluster_queue SET version = :version"), {"version": version})
