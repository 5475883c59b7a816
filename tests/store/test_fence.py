"""Test the fence: a kill at any moment causes no HOLD without reason, and no claim without its token in the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from digest.errors import DigestError, PersonNeeded
from digest.store.engine import make_engine, reading, writing
from digest.store.fence import Fence
from digest.store.schema import installation


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def tokens(engine: Engine) -> tuple[str, str]:
    with reading(engine) as conn:
        row = conn.execute(select(installation)).one()
    return row.token, row.previous


def test_killed_while_it_is_first_made_it_is_made_again(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    (tmp_path / ".digest.fence.new").mkdir()
    with pytest.raises(DigestError):
        Fence(engine, path).check()
    assert not path.exists()
    (tmp_path / ".digest.fence.new").rmdir()
    assert Fence(engine, path).why() == ""
    Fence(engine, path).check()
    assert path.read_text().split()[0] == tokens(engine)[0]
    assert set(tokens(engine)) == {tokens(engine)[0]}


def test_killed_again_while_it_is_first_made_it_is_no_copy(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    (tmp_path / ".digest.fence.new").mkdir()
    with pytest.raises(DigestError):
        Fence(engine, path).check()
    path.write_text(f"{tokens(engine)[0]}\n")  # the file came to be, the row does not know yet
    (tmp_path / ".digest.fence.new").rmdir()
    Fence(engine, path).check()
    with writing(engine) as conn:
        token = Fence(engine, path).turn(conn)
    Fence(engine, path).check()
    assert path.read_text().split()[0] == token


def test_a_database_of_before_the_first_hand_over_is_held(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    path.write_text("the half that stands\n")
    with pytest.raises(PersonNeeded, match="older than the first hand-over"):
        Fence(engine, path).check()
    Fence(engine, path).open()
    Fence(engine, path).check()


def test_killed_after_the_claim_the_file_follows(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    Fence(engine, path).check()
    with writing(engine) as conn:
        token = Fence(engine, path).turn(conn)
    assert path.read_text().split()[0] != token
    Fence(engine, path).check()
    assert path.read_text().split()[0] == token


def test_where_its_half_cannot_be_written_nothing_is_claimed(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    fence = Fence(engine, path)
    fence.check()
    before = tokens(engine)
    (tmp_path / ".digest.fence.new").mkdir()
    with pytest.raises(DigestError, match="cannot be written"), writing(engine) as conn:
        fence.turn(conn)
    assert tokens(engine) == before
    (tmp_path / ".digest.fence.new").rmdir()
    with writing(engine) as conn:
        token = fence.turn(conn)
    fence.keep(token)
    assert path.read_text().split()[0] == token


def test_two_claims_apart_it_is_held(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    fence = Fence(engine, path)
    fence.check()
    older = path.read_text()
    for _ in range(2):
        with writing(engine) as conn:
            token = fence.turn(conn)
        fence.keep(token)
    path.write_text(older)
    with pytest.raises(PersonNeeded, match="does not fit"):
        fence.check()


def test_a_file_behind_a_link_is_at_home_there(engine: Engine, tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "digest.fence", tmp_path / "elsewhere"
    Fence(engine, path).check()
    elsewhere.mkdir()
    path.rename(elsewhere / "digest.fence")
    path.symlink_to(elsewhere / "digest.fence")
    fence = Fence(engine, path)
    assert fence.why() == ""
    with writing(engine) as conn:
        token = fence.turn(conn)
    fence.keep(token)
    assert Fence(engine, path).why() == ""
