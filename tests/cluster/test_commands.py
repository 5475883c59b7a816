"""What the command line tells of a cluster: refusals with their cure, the upgrade, status and doctor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from digest.cluster.extra import has_extra, require_extra
from digest.config.cluster import ClusterPart, check_cluster, cluster_of
from digest.errors import ConfigError
from digest.installation import Work
from digest.store.engine import writing
from tests.cluster.bench import Bench
from tests.console import Answer
from tests.console import digest as call
from tests.counts import table
from tests.house import CONFIG

Digest = Callable[..., Answer]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an installation with a config.toml."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "config.toml").write_text(CONFIG.format(source="", weekly=""), encoding="utf-8")
    return tmp_path


def digest_on(folder: Path, url: str, **more: str) -> Digest:
    """Return a function that runs commands on a database as a cluster."""
    environ = {"DIGEST_STORAGE__URL": url, "DIGEST_CLUSTER__ENABLED": "true", **more}
    return lambda *words: call(folder, *words, environ=environ)


def test_a_worker_needs_the_table_of_config(folder: Path) -> None:
    answer = call(folder, "worker")
    assert answer.code == 2 and "`enabled = true` in [cluster]" in answer.stderr


def test_a_worker_needs_postgresql(folder: Path) -> None:
    answer = digest_on(folder, f"sqlite:///{folder}/digest.db")("worker")
    assert answer.code == 2 and "cluster.enabled: workers need PostgreSQL" in answer.stderr
    assert "`digest db move`" in answer.stderr


def test_a_worker_needs_the_queues_tables(folder: Path, postgresql_url: str) -> None:
    answer = digest_on(folder, postgresql_url)("worker")
    assert answer.code == 2 and answer.stderr.endswith("has no tables of the queue; run `digest db upgrade`\n")


def test_a_worker_takes_no_job_where_the_database_is_in_hold(folder: Path, queue_url: str) -> None:
    digest = digest_on(folder, queue_url)
    assert digest("run").code == 0
    (folder / "digest.fence").unlink()  # as on a host that was never added
    answer = digest("worker")
    assert answer.code == 4 and "in HOLD" in answer.stderr


def test_a_worker_knows_its_queues(folder: Path, queue_url: str) -> None:
    answer = digest_on(folder, queue_url)("worker", "--queues", "send,letters")
    assert answer.code == 2
    assert "there is no queue 'letters'; there are recover, turn, events, gather, send" in answer.stderr


@table("missing", ["procrastinate", "psycopg"])
def test_a_worker_needs_the_extra(missing: str) -> None:
    assert has_extra()
    with pytest.raises(ConfigError, match=r'pip install "learning-digest\[cluster\]"'):
        require_extra(lambda name: None if name == missing else name)


@table(
    "part, url, mistake",
    [
        ({}, "sqlite:///digest.db", ""),
        ({"enabled": True}, "postgresql+psycopg://learning@db/learning", ""),
        ({"enabled": True}, "sqlite:///digest.db", "cluster.enabled: workers need PostgreSQL"),
        ({"keep_failed": "30 minutes"}, "sqlite:///digest.db", "cluster.keep_failed: is too short"),
    ],
)
def test_the_table_of_config(part: dict[str, Any], url: str, mistake: str) -> None:
    checked = ClusterPart.model_validate(part)
    problems = check_cluster(checked, url)
    assert [problem.startswith(mistake) for problem in problems] == [True] * bool(mistake)
    assert cluster_of(checked).concurrency == 4


def test_an_upgrade_makes_the_queue_once(folder: Path, postgresql_url: str) -> None:
    digest = digest_on(folder, postgresql_url)
    assert digest("db", "upgrade").stdout.splitlines()[-1] == "tables of the queue"
    assert digest("db", "upgrade").stdout.splitlines()[-1] == "tables of the queue already"
    assert call(folder, "db", "upgrade", environ={"DIGEST_STORAGE__URL": postgresql_url}).stdout.count("\n") == 1


def test_status_shows_workers_and_queues(folder: Path, queue_url: str, queue_engine: Engine) -> None:
    digest = digest_on(folder, queue_url)
    assert "\nWorkers\nnone: start `digest worker`\n\nQueues\nempty\n" in digest("status").stdout
    bench = Bench(queue_engine, folder)
    bench.announce(Work("send", "7", 3), Work("turn"))
    _register(queue_engine, "anglesey", 1, "send,turn", "0 seconds")
    _register(queue_engine, "anglesey", 1, "watch", "0 seconds")
    _register(queue_engine, "bangor", 2, "send", "5 minutes")
    bench.change("UPDATE procrastinate_events SET at = at - interval '3 hours'")
    told = digest("status").stdout
    assert "bangor          2             4  5 min ago  send\n" in told
    assert "send         3          0       0\n" in told
    assert "the oldest job that waits was announced 3 h ago" in told
    document = digest("status", "--json").document["cluster"]
    assert [(worker["host"], worker["silent"], worker["queues"]) for worker in document["workers"]] == [
        ("anglesey", False, ["send", "turn"]), ("bangor", True, ["send"]),
    ]  # fmt: skip
    assert [(depth["name"], depth["waiting"]) for depth in document["queues"]] == [("send", 3), ("turn", 1)]
    assert document["oldest"] == document["queues"][0]["oldest"]
    assert call(folder, "status", "--json", environ={"DIGEST_STORAGE__URL": queue_url}).document["cluster"] is None


def test_doctor_tells_of_missing_workers_and_failed_jobs(
    folder: Path, queue_url: str, queue_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    digest = digest_on(folder, queue_url)
    bench = Bench(queue_engine, folder)
    bench.announce(Work("turn"))
    problem = "wrong: cluster: no worker has been heard of for two minutes; 1 job waits; start `digest worker`"
    assert problem in digest("doctor").stdout
    _register(queue_engine, "bangor", 2, "send", "5 minutes")
    assert problem in digest("doctor").stdout
    _register(queue_engine, "anglesey", 1, "gather", "20 seconds")
    told = digest("doctor").stdout
    assert "wrong: queue turn: 1 job waits, and no worker does this queue; start" in told and "cluster" not in told
    _register(queue_engine, "conwy", 1, "turn", "20 seconds")
    assert "queue turn" not in digest("doctor").stdout

    def break_down(_: Work) -> None:
        raise ZeroDivisionError

    bench.does = break_down
    bench.drain()
    assert "wrong: queue turn: 1 job failed within a day; the log of the worker says why" in digest("doctor").stdout


def test_doctor_tells_that_the_queue_was_not_made(folder: Path, postgresql_url: str) -> None:
    told = digest_on(folder, postgresql_url)("doctor").stdout
    assert "wrong: cluster: workers are enabled, and the database has no queue" in told
    assert "Workers" not in digest_on(folder, postgresql_url)("status").stdout


def _register(engine: Engine, host: str, process: int, queues: str, silent: str) -> None:
    with writing(engine) as conn:
        number = conn.scalar(
            text(
                "INSERT INTO procrastinate_workers (last_heartbeat)"
                " VALUES (now() - CAST(:silent AS interval)) RETURNING id"
            ),
            {"silent": silent},
        )
        conn.execute(
            text(
                "INSERT INTO cluster_worker (worker, host, process, queues, concurrency)"
                " VALUES (:worker, :host, :process, :queues, 4)"
            ),
            {"worker": number, "host": host, "process": process, "queues": queues},
        )
