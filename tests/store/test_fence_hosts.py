"""Test the fence of several hosts and processes that send from one database: each agrees with it, or all are held."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, select

from digest.errors import PersonNeeded, WrongUse
from digest.store.engine import make_engine, reading, writing
from digest.store.fence import Fence
from digest.store.hold import REPLACED
from digest.store.schema import installation
from digest.store.shared_tables import host


@pytest.fixture
def engine(postgresql_url: str) -> Iterator[Engine]:
    engine = make_engine(postgresql_url)
    yield engine
    engine.dispose()


def place(folder: Path, name: str) -> Path:
    """Return the path of a host's file; another folder is another host, because the location holds both."""
    (folder / name).mkdir(exist_ok=True)
    return folder / name / "digest.fence"


def claimed(engine: Engine, path: Path, *, kept: bool = True) -> Fence:
    """Claim as a process of its own does; `kept` false: it is killed before its file is in place."""
    fence = Fence(engine, path)
    with writing(engine) as conn:
        fence.turn(conn)
    if kept:
        fence.keep()
    return fence


def stored(engine: Engine) -> list[tuple[Any, list[dict[str, Any]]]]:
    with reading(engine) as conn:
        return [
            (table, [dict(row) for row in conn.execute(select(table)).mappings()]) for table in (installation, host)
        ]


def put_back(engine: Engine, rows: list[tuple[Any, list[dict[str, Any]]]]) -> None:
    with writing(engine) as conn:
        for table, old in rows:
            conn.execute(delete(table))
            if old:
                conn.execute(insert(table), old)


@pytest.fixture
def hosts(engine: Engine, tmp_path: Path) -> list[Path]:
    """The files of a first and a further host that send from one database."""
    first, further = place(tmp_path, "first"), place(tmp_path, "further")
    Fence(engine, first).check()
    claimed(engine, first)
    Fence(engine, further).add_host("worker-2")
    return [first, further]


@pytest.mark.parametrize("kept", list(itertools.product((True, False), repeat=4)), ids=str)
def test_processes_of_a_host_are_killed_between_claim_and_file(
    engine: Engine, tmp_path: Path, kept: tuple[bool]
) -> None:
    path = place(tmp_path, "first")
    Fence(engine, path).check()
    for each in kept:
        claimed(engine, path, kept=each)
        assert Fence(engine, path).why() == ""
    older = path.read_text()
    Fence(engine, path).check()
    assert Fence(engine, path).why() == ""
    if kept[-1]:
        assert path.read_text() == older, "the file was ahead of what was checked"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_claims_that_overlap_are_kept_in_any_order(engine: Engine, tmp_path: Path, order: tuple[int, ...]) -> None:
    path = place(tmp_path, "first")
    Fence(engine, path).check()
    fences = [claimed(engine, path, kept=False) for _ in order]
    for number in order:
        fences[number].keep()
        assert Fence(engine, path).why() == ""
    with reading(engine) as conn:
        assert path.read_text().split()[0] == conn.scalar(select(installation.c.token))


def test_two_hosts_claim_in_turn(engine: Engine, hosts: list[Path]) -> None:
    for number in (0, 1, 1, 0, 0, 1):
        claimed(engine, hosts[number])
        for path in hosts:
            assert Fence(engine, path).why() == ""
            Fence(engine, path).check()
    assert {path.read_text().split()[3] for path in hosts} == {"7"}, "each knows of the claims of both"


@pytest.mark.parametrize("noticed_by", [0, 1])
def test_an_older_database_is_held_for_all_hosts(engine: Engine, hosts: list[Path], noticed_by: int) -> None:
    backup = stored(engine)
    claimed(engine, hosts[noticed_by])
    put_back(engine, backup)
    with pytest.raises(PersonNeeded, match="older than the last hand-over"):
        Fence(engine, hosts[noticed_by]).check()
    with pytest.raises(PersonNeeded, match="in HOLD"):
        Fence(engine, hosts[1 - noticed_by]).check()


def test_a_host_that_claimed_nothing_knows_of_the_claims_of_the_other(engine: Engine, hosts: list[Path]) -> None:
    backup = stored(engine)
    claimed(engine, hosts[0])
    Fence(engine, hosts[1]).check()
    put_back(engine, backup)
    hosts[0].unlink()  # this host is gone
    with pytest.raises(PersonNeeded, match="older than the last hand-over"):
        Fence(engine, hosts[1]).check()


@pytest.mark.parametrize("resumed", [0, 1])
def test_after_a_resume_the_other_hosts_are_added_again(engine: Engine, hosts: list[Path], resumed: int) -> None:
    backup = stored(engine)
    claimed(engine, hosts[0])
    claimed(engine, hosts[1])
    put_back(engine, backup)
    Fence(engine, hosts[resumed]).hold()
    Fence(engine, hosts[resumed]).open()
    other = Fence(engine, hosts[1 - resumed])
    with pytest.raises(PersonNeeded, match="add-host"):
        other.check()
    assert other.why() == REPLACED
    Fence(engine, hosts[resumed]).check()  # and is not stopped by the other's look
    other.add_host("again")
    for path in hosts:
        claimed(engine, path)
        Fence(engine, path).check()


def test_who_may_be_added(engine: Engine, tmp_path: Path) -> None:
    path = place(tmp_path, "further")
    with pytest.raises(WrongUse, match="on the first host"):
        Fence(engine, path).add_host("h")
    first = place(tmp_path, "first")
    Fence(engine, first).check()
    claimed(engine, first)
    with pytest.raises(WrongUse, match="sends from the database already"):
        Fence(engine, first).add_host("h")
    with pytest.raises(PersonNeeded, match="is missing"):
        Fence(engine, path).check()
    Fence(engine, path).add_host("h")
    Fence(engine, path).check()
    Fence(engine, first).hold()
    with pytest.raises(PersonNeeded, match="HOLD"):
        Fence(engine, place(tmp_path, "third")).add_host("h")


def test_killed_before_its_file_a_host_is_added_again(engine: Engine, hosts: list[Path]) -> None:
    hosts[1].unlink()
    with pytest.raises(PersonNeeded, match="is missing"):
        Fence(engine, hosts[1]).check()
    Fence(engine, hosts[1]).add_host("worker-2")
    Fence(engine, hosts[1]).check()


def test_files_that_killed_processes_prepared_go_after_a_day(engine: Engine, tmp_path: Path) -> None:
    path = place(tmp_path, "first")
    fence = Fence(engine, path)
    fence.check()
    old, new = (path.with_name(f".digest.fence.{n}-1.new") for n in (1, 2))
    old.write_text("")
    new.write_text("")
    os.utime(old, (0, 0))
    fence.check()
    assert (old.exists(), new.exists()) == (False, True)
