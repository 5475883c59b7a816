"""One job: how it ends, what its thread keeps, and when that is opened anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from digest.cluster.installations import Installations
from digest.cluster.jobs import JobFailed, Jobs
from digest.errors import BadEdition, ConfigError, PersonNeeded, SchemaTooNew, SchemaTooOld, TryLater
from digest.installation import Installation, Work
from digest.store.sqlstate import DatabaseAway
from digest.system import stopping
from subscribers.errors import BadSecret
from tests.cluster.bench import Bench, FakeInstallation, Heard
from tests.counts import table


class Opened:
    """An opener of installations that keeps what it has opened."""

    def __init__(self) -> None:
        self.all: list[FakeInstallation] = []

    def __call__(self) -> Installation:
        self.all.append(FakeInstallation(None))  # type: ignore[arg-type]
        return cast(Installation, self.all[-1])


def _jobs(folder: Path, heard: Heard, error: Exception | None = None, opened: Opened | None = None) -> Jobs:
    def story(_: Installation, __: Work) -> str:
        if error is not None:
            raise error
        return "a report"

    make = opened or Opened()
    return Jobs(Installations(make, folder / "config.toml"), lambda *_: None, heard, {"turn": story})


@table(
    "error, end",
    [
        (None, "done"),
        (TryLater("another turn is under way"), "later"),
        (DatabaseAway("it is away"), "later"),
        (PersonNeeded("edition 7: an answer was lost"), "problem"),
        (BadEdition("edition 7 was changed"), "problem"),
        (ConfigError(["site.name: is missing; add it"]), "problem"),
        (BadSecret("the secret is another one"), "problem"),
    ],
)
def test_a_job_ends_well_after_what_was_raised_on_purpose(error: Exception | None, end: str, tmp_path: Path) -> None:
    heard = Heard()
    _jobs(tmp_path, heard, error).do(Work("turn"))
    assert heard.lines == [("turn", end, str(error) if error else "a report")]


def test_a_mistake_of_the_program_fails_the_job_and_is_logged_without_its_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()
    with pytest.raises(JobFailed, match=r"^turn : ZeroDivisionError$") as raised:
        _jobs(tmp_path, heard, ZeroDivisionError("ada@town.example")).do(Work("turn"))
    assert heard.lines == [] and raised.value.__cause__ is None and raised.value.__suppress_context__
    assert "please report it" in caplog.text


@contextmanager
def _stopping_again() -> Iterator[list[str]]:
    """Undo that a stop was asked for; yield how often it was."""
    asked: list[str] = []
    with stopping.telling(lambda: asked.append("stop")):
        try:
            yield asked
        finally:
            stopping._asked = False


@table("error", [SchemaTooNew("newer"), SchemaTooOld()])
def test_a_worker_ends_when_another_version_takes_the_database_over(error: Exception, tmp_path: Path) -> None:
    heard = Heard()
    jobs = _jobs(tmp_path, heard, error)
    with _stopping_again() as asked:
        jobs.do(Work("turn"))
    assert asked == ["stop"] and jobs.fatal == [error] and heard.lines == []


def test_a_thread_keeps_its_installation_until_config_changes(tmp_path: Path) -> None:
    config, opened = tmp_path / "config.toml", Opened()
    config.write_text('include = ["sources.toml"]\n')
    jobs = _jobs(tmp_path, Heard(), opened=opened)

    def count_after_job() -> int:
        jobs.do(Work("turn"))
        return len(opened.all)

    assert [count_after_job(), count_after_job()] == [1, 1]
    assert opened.all[0].fresh == 2, "rules may have changed in the database"
    config.write_text('include = ["sources.toml"]\n# changed\n')
    assert [count_after_job(), count_after_job()] == [2, 2]
    assert opened.all[0].closed == 1
    (tmp_path / "sources.toml").write_text("[[source]]\n")
    assert count_after_job() == 3
    config.write_text("include = [\n")
    assert count_after_job() == 4
    jobs.installations.close()
    assert [installation.closed for installation in opened.all] == [1, 1, 1, 1]
    assert count_after_job() == 5


def test_an_installation_whose_connections_broke_is_opened_anew(tmp_path: Path) -> None:
    opened = Opened()
    jobs = _jobs(tmp_path, Heard(), DatabaseAway("it is away"), opened)
    jobs.do(Work("turn"))
    jobs.do(Work("turn"))
    assert [installation.closed for installation in opened.all] == [1, 1]


def test_a_look_announces_what_waits_and_a_mailbox_every_few_minutes(tmp_path: Path, bench: Bench) -> None:
    bench.waits = [Work("turn"), Work("events"), Work("send", "7", 2)]
    jobs = bench.jobs()
    jobs.look_and_announce(315)
    assert bench.ask("SELECT task_name FROM procrastinate_jobs ORDER BY id") == ["turn", "send", "send"]
    jobs.look_and_announce(300)
    assert bench.ask("SELECT task_name FROM procrastinate_jobs ORDER BY id") == ["turn", "send", "send", "events"]
    jobs.installations.close()
