"""`digest doctor` on its host: full disks, an old schema, a server's clock, addresses for examples."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from digest.config.load import load
from digest.config.operate import OperateSettings
from digest.operations.doctor import examine
from digest.operations.host_findings import (
    DiskRoom,
    clock_findings,
    disk_finding,
    disk_findings,
    placeholder_findings,
)
from digest.store import migrate
from digest.store.engine import reading
from tests.console import digest
from tests.counts import table
from tests.house import CONFIG, START, House
from tests.upgrades.filling import make_older

MB, GB = 1_000_000, 1_000_000_000
MAIL = '\n[transport]\nkind = "smtp"\nhost = "mail.council.gov.uk"\n'


@pytest.fixture
def house(tmp_path: Path, begun: Callable[..., House]) -> Iterator[House]:
    house = begun(tmp_path / "house")
    yield house
    house.close()


@table(
    "room, needed, level",
    [
        (DiskRoom(50 * GB, 100 * GB), 0, ""),
        (DiskRoom(6 * GB, 500 * GB), 0, ""),
        (DiskRoom(4 * GB, 500 * GB), 0, "note"),
        (DiskRoom(4 * GB, 10 * GB), 0, ""),  # small, and far from full
        (DiskRoom(4 * GB, 10 * GB), 5 * GB, "note"),
        (DiskRoom(99 * MB, 10 * GB), 0, "wrong"),
        (DiskRoom(50 * GB, 100 * GB, 999, 1_000_000), 0, "wrong"),
        (DiskRoom(50 * GB, 100 * GB, 0, 0), 0, ""),  # a file system that does not count files
    ],
)
def test_a_disk(room: DiskRoom, needed: int, level: str) -> None:
    finding = disk_finding("disk of database", room, needed)
    assert (finding.level if finding else "") == level
    assert finding is None or "make room" in finding.cure


def test_each_disk_is_told_once(house: House) -> None:
    full = os.statvfs_result((4096, 4096, 1_000_000, 10, 10, 0, 0, 0, 0, 255))
    [finding] = disk_findings(house.place, lambda _: full)
    assert (finding.level, finding.place) == ("wrong", "disk of database")
    assert list(disk_findings(house.place)) == []


def test_pending_migrations_are_a_finding_and_no_error(house: House) -> None:
    make_older(house.place.engine, migrate.revisions()[-3])
    house.close()
    answer = digest(house.folder, "--config", str(house.config), "doctor")
    assert answer.code == 1 and answer.stderr == ""
    assert answer.stdout.splitlines()[0] == (
        "wrong: database: its schema is older than this program: 2 migrations pending;"
        " back it up, then run `digest db upgrade`"
    )


@table(
    "there, told",
    [(0, ""), (50, ""), (-50, ""), (125, "2 minutes ahead"), (-7200, "120 minutes behind")],
)
def test_the_clock_of_a_server(there: int, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.operations.host_findings.server_time", lambda _: START + timedelta(seconds=there))
    problems = [finding.problem for finding in clock_findings(None, START)]  # type: ignore[arg-type]
    assert [told in problem for problem in problems] == ([True] if told else [])


def test_a_server_tells_its_time(opened: Callable[..., Engine], database_url: str) -> None:
    engine = opened(database_url)
    with reading(engine) as conn:
        findings = list(clock_findings(conn, START))
    assert bool(findings) is database_url.startswith("postgresql")


def settings_with(house: House, more: str = "", **operate: Any) -> Any:
    house.config.write_text(CONFIG.format(source="", weekly="") + more, encoding="utf-8")
    return replace(load(house.config, {}), operate=OperateSettings(**operate))


def test_addresses_for_examples(house: House) -> None:
    def places(settings: Any) -> list[str]:
        return [finding.place for finding in placeholder_findings(settings)]

    assert places(settings_with(house)) == []
    assert places(settings_with(house, MAIL)) == ["site.from", "site.base_url"]
    assert places(settings_with(house, ping_url="https://ping.example.org/x")) == ["operate.ping_url"]
    assert places(settings_with(house, ping_url="http://localhost:8000/x")) == []
    assert places(settings_with(house, alarm_to=("ops@example.org",))) == []
    assert "operate.alarm_to" in places(settings_with(house, MAIL, alarm_to=("ops@example.org", "a@example.org")))


def test_a_well_installation_has_no_finding(house: House) -> None:
    house.reader("anna@example.org")
    house.publish("One")
    house.run()
    assert examine(house.place) == []


def test_runs_that_come_no_more(house: House) -> None:
    house.reader("anna@example.org")
    house.publish("One")
    house.run()
    house.now += timedelta(hours=3)
    [finding] = examine(house.place)
    assert (finding.level, finding.place) == ("wrong", "runs")
    assert finding.problem == "none has come for more than 2 hours" and "cron" in finding.cure
