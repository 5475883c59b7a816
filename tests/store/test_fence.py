"""Test the fence: a kill at any moment causes no HOLD without reason, and no claim without its token in the file."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, func, select, update

from digest.errors import DigestError, PersonNeeded
from digest.store.engine import make_engine, reading, writing
from digest.store.fence import Fence
from digest.store.fence_file import FenceFile, Half
from digest.store.schema import installation
from subscribers.suppression import address_hash, suppress, suppress_keys, unsuppress
from subscribers.tables import consent_change
from tests.counts import POSTGRESQL_LONG


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def beside(engine: Engine, path: Path) -> Path:
    """Return the path under which this process prepares the file."""
    return FenceFile(path, shared=engine.dialect.name == "postgresql").beside


def tokens(engine: Engine) -> tuple[str, str]:
    with reading(engine) as conn:
        row = conn.execute(select(installation)).one()
    return row.token, row.previous


def test_killed_while_it_is_first_made_it_is_made_again(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    beside(engine, path).mkdir()
    with pytest.raises(DigestError):
        Fence(engine, path).check()
    assert not path.exists()
    beside(engine, path).rmdir()
    assert Fence(engine, path).why() == ""
    Fence(engine, path).check()
    assert path.read_text().split()[0] == tokens(engine)[0]
    assert set(tokens(engine)) == {tokens(engine)[0]}


def test_killed_again_while_it_is_first_made_it_is_no_copy(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    beside(engine, path).mkdir()
    with pytest.raises(DigestError):
        Fence(engine, path).check()
    path.write_text(f"{tokens(engine)[0]}\n")  # the file came to be, the row does not know yet
    beside(engine, path).rmdir()
    Fence(engine, path).check()
    with writing(engine) as conn:
        token = Fence(engine, path).turn(conn)
    Fence(engine, path).check()
    assert path.read_text().split()[0] == token


def test_a_database_of_before_the_first_hand_over_is_held(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    path.write_text("the half that stands\n")
    with pytest.raises(PersonNeeded, match="has had no reader and no run"):
        Fence(engine, path).check()
    Fence(engine, path).open()
    Fence(engine, path).check()


def test_it_begins_with_the_first_change_and_is_bound_to_its_place_by_the_first_run(
    engine: Engine, tmp_path: Path
) -> None:
    fence, moved, web = (Fence(engine, tmp_path / name / "digest.fence") for name in ("here", "moved", "web"))
    for name in ("here", "moved", "web"):
        (tmp_path / name).mkdir()
    changed(engine, "a@example.org")
    web.follow(begin=False)
    assert not any((tmp_path / "web").iterdir()), "a host that only answers on the web has no file"
    fence.follow()
    changed(engine, "b@example.org")
    fence.follow()
    assert list(fence.suppressed.read().values()) == ["left", "left"]
    file, copied = tmp_path / "here" / "digest.fence", tmp_path / "moved" / "digest.fence"
    copied.write_bytes(file.read_bytes())
    assert fence.why() == moved.why() == ""
    fence.check()
    copied.write_bytes(file.read_bytes())
    assert fence.why() == "" and "another machine or in another folder" in moved.why()
    # An older state of the database, which lacks the newest change.
    with writing(engine) as conn:
        conn.execute(delete(consent_change))
    with pytest.raises(PersonNeeded, match="older than the last change of a subscriber"):
        fence.check()
    # And one from before the first reader.
    with writing(engine) as conn:
        conn.execute(delete(installation))
    with pytest.raises(PersonNeeded, match="has had no reader and no run"):
        fence.check()


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
    beside(engine, path).mkdir()
    with pytest.raises(DigestError, match="cannot be written"), writing(engine) as conn:
        fence.turn(conn)
    assert tokens(engine) == before
    beside(engine, path).rmdir()
    with writing(engine) as conn:
        token = fence.turn(conn)
    fence.keep()
    assert path.read_text().split()[0] == token


def test_two_claims_apart_it_is_held(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    fence = Fence(engine, path)
    fence.check()
    older = path.read_text()
    for _ in range(2):
        with writing(engine) as conn:
            fence.turn(conn)
        fence.keep()
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
        fence.turn(conn)
    fence.keep()
    assert Fence(engine, path).why() == ""


# --- changes of consent -------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
SECRET = b"s" * 32


def changed(engine: Engine, email: str = "a@example.org", reason: str = "left") -> None:
    """Suppress an address, as any process does, with or without the fence's file."""
    with writing(engine) as conn:
        suppress(conn, email, reason, secret=SECRET, now=NOW)


def forgets(engine: Engine) -> None:
    """Let the database forget its changes of consent, as one does that was put back."""
    with writing(engine) as conn:
        conn.execute(delete(consent_change))


def test_a_database_older_than_a_change_of_consent_is_held(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fence = Fence(engine, tmp_path / "digest.fence")
    fence.check()
    changed(engine)
    fence.follow()
    fence.check()
    forgets(engine)
    changed(engine, "b@example.org")  # of another host, which has no file
    before = fence._path.read_bytes()
    fence.follow()
    assert fence._path.read_bytes() == before, "the proof of what the database lacks was overwritten"
    assert "the change is stored, but the database is in HOLD: " in caplog.text
    with pytest.raises(PersonNeeded, match="older than the last change of a subscriber or a suppression"):
        fence.check()
    assert len(fence.suppressed.read()) == 1
    fence.open()
    fence.check()
    assert len(fence.suppressed.read()) == 2


def test_a_file_that_is_behind_is_in_order_and_the_next_run_brings_it_up(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    Fence(engine, path).check()
    before = path.read_bytes()
    for number in range(3):  # killed before the file, or another host
        changed(engine, f"r{number}@example.org")
    Fence(engine, tmp_path / "elsewhere" / "digest.fence").follow()
    assert path.read_bytes() == before and not (tmp_path / "elsewhere").exists()
    Fence(engine, path).check()
    assert path.read_bytes() != before
    forgets(engine)
    assert Fence(engine, path).why()


def test_killed_between_file_and_commit_the_change_is_copied_again(engine: Engine, tmp_path: Path) -> None:
    fence = Fence(engine, tmp_path / "digest.fence")
    fence.check()
    changed(engine)
    fence.follow()
    with writing(engine) as conn:
        conn.execute(update(consent_change).values(kept=False))
    assert fence.why() == ""
    fence.check()
    assert list(fence.suppressed.read().values()) == ["left"]


def test_a_change_between_a_claim_and_its_file_disturbs_neither(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    run, web = Fence(engine, path), Fence(engine, path)
    run.check()
    with writing(engine) as conn:
        token = run.turn(conn)
    changed(engine)
    web.follow()
    run.keep()
    changed(engine, "b@example.org")
    web.follow()
    with writing(engine) as conn:
        token = run.turn(conn)
    run.keep()
    run.check()
    assert (path.read_text().split()[0], len(run.suppressed.read())) == (token, 2)


@pytest.mark.parametrize("kept", [1, 2])
def test_a_file_of_an_earlier_version_goes_on(engine: Engine, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "digest.fence"
    Fence(engine, path).check()
    changed(engine)
    path.write_text(" ".join(path.read_text().split()[:kept]) + "\n")  # the token; and the location
    fence = Fence(engine, path)
    fence.check()
    assert len(path.read_text().split()) == 4
    forgets(engine)
    assert "older than the last change" in fence.why()


def test_a_change_is_stored_where_the_file_cannot_be_written(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fence = Fence(engine, tmp_path / "digest.fence")
    fence.check()
    changed(engine)
    (tmp_path / ".digest.fence.follow").mkdir()
    fence.follow()
    assert "the change is stored, but the fence is behind until the next run" in caplog.text
    (tmp_path / ".digest.fence.follow").rmdir()
    fence.check()


def test_the_list_outlives_a_power_cut_and_knows_who_came_back(engine: Engine, tmp_path: Path) -> None:
    changed(engine, "before@example.org")  # before there was a list, as after an upgrade
    fence = Fence(engine, tmp_path / "digest.fence")
    fence.check()
    changed(engine)
    changed(engine, reason="complained")
    fence.follow()
    listed = fence.suppressed.path
    assert sorted(fence.suppressed.read().values()) == ["complained", "left"]
    listed.write_bytes(listed.read_bytes()[:-20])
    changed(engine, "c@example.org", "erased")
    fence.follow()
    assert sorted(fence.suppressed.read().values()) == ["erased", "left", "left"]
    with writing(engine) as conn:
        unsuppress(conn, "c@example.org", secret=SECRET)
    fence.follow()
    assert sorted(fence.suppressed.read().values()) == ["left", "left"]
    listed.unlink()
    changed(engine, "d@example.org")
    fence.follow()
    assert sorted(fence.suppressed.read().values()) == ["complained", "left", "left"]


@POSTGRESQL_LONG
class Overtaken(Fence):
    """A fence whose file is read only after others have acted: `acts`, one before each reading."""

    def __init__(self, engine: Engine, path: Path, acts: list[Callable[[], None]]) -> None:
        super().__init__(engine, path)
        self.acts, read = acts, self._file.read

        def read_late() -> Half | None:
            if self.acts:
                self.acts.pop(0)()
            return read()

        self._file.read = read_late  # type: ignore[method-assign]


def test_a_claim_and_a_change_between_row_and_file_are_no_hold(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "digest.fence"
    Fence(engine, path).check()

    def claim() -> None:
        with writing(engine) as conn:
            Fence(engine, path).turn(conn)
        Fence(engine, path).keep()

    def leave() -> None:
        with writing(engine) as conn:
            suppress(conn, f"reader{next(numbers)}@example.org", "left", secret=SECRET, now=NOW)
        Fence(engine, path).follow(begin=False)

    numbers = itertools.count()
    for acts in ([claim], [leave], [claim, leave], [leave, claim, claim]):
        fence = Overtaken(engine, path, [*acts])
        assert (fence.why(), fence.acts) == ("", [])
    path.write_text(f"{'0' * 32}\n")
    assert "does not fit the database" in Fence(engine, path).why()


def test_of_many_who_leave_at_once_each_is_kept_when_its_own_call_returns(engine: Engine, tmp_path: Path) -> None:
    fence = Fence(engine, tmp_path / "digest.fence")
    fence.check()
    together = threading.Barrier(8)

    def leave(number: int) -> bool:
        together.wait()
        with writing(engine) as conn:
            suppress(conn, f"reader{number}@example.org", "left", secret=SECRET, now=NOW)
        fence.follow(begin=False)
        return address_hash(SECRET, f"reader{number}@example.org") in fence.suppressed.path.read_text()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(leave, range(8)))
    fence.check()


def test_old_changes_are_removed(engine: Engine, tmp_path: Path) -> None:
    fence = Fence(engine, tmp_path / "digest.fence")
    fence.check()
    keys = {f"r{number}@example.org": "left" for number in range(1_500)}
    with writing(engine) as conn:
        suppress_keys(conn, keys, secret=SECRET, now=NOW)
        suppress_keys(conn, keys, secret=SECRET, now=NOW)  # changes nothing
    fence.follow()
    with reading(engine) as conn:
        assert conn.scalar(select(func.count()).select_from(consent_change)) == 1_001
    assert len(fence.suppressed.read()) == 1_500
    assert fence.why() == ""
