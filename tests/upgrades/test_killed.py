"""Kill the upgrade at each of its statements: the schema is the old or the new, no row is lost, the next one ends it.

Here the connection is cut, or the files of SQLite are copied as a kill leaves them, since that takes milliseconds;
`test_killed_for_real.py` kills the program itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from digest.store import migrate
from digest.store.engine import reading
from tests.upgrades.dying import cut_off, images
from tests.upgrades.filling import contents, fill, kept, renamed, upgrade_to
from tests.upgrades.shapes import whole

Open = Callable[..., Engine]
STEPS = list(zip(migrate.revisions(), migrate.revisions()[1:], strict=False))
HEAD = migrate.revisions()[-1]
ROWS = 3


@pytest.mark.long
@pytest.mark.parametrize(("old", "new"), STEPS)
def test_a_step_that_is_cut_off_at_any_statement_changed_nothing(
    empty: Engine, newest: Callable[[str], None], old: str, new: str
) -> None:
    newest(new)
    assert cut_often(empty, old) > 3
    assert migrate.current(empty) == new


@pytest.mark.long
@pytest.mark.parametrize("old", ["0001", "0011"])
def test_many_steps_that_are_cut_off_changed_nothing(empty: Engine, old: str) -> None:
    assert cut_often(empty, old, every=5) > 15
    assert migrate.current(empty) == HEAD


@pytest.mark.long
def test_a_database_whose_first_schema_is_cut_off_is_empty(empty: Engine) -> None:
    at, before = 1, state(empty)
    assert before[1] == {}
    while cut_off(empty, partial(migrate.upgrade, empty), at):
        assert state(empty) == before
        at += 9
    assert at > 150
    assert migrate.check_schema(empty)


def cut_often(engine: Engine, old: str, every: int = 1) -> int:
    """Cut an upgrade off before statement 1, 1 + `every`, … until none is left; return how often it was cut."""
    upgrade_to(engine, old)
    fill(engine, ROWS)
    before, rows, cuts = state(engine), renamed(contents(engine)), 0
    while cut_off(engine, partial(migrate.upgrade, engine), 1 + cuts * every):
        cuts += 1
        assert state(engine) == before, f"cut {cuts}"
    assert kept(rows, contents(engine)) == rows
    return cuts


@pytest.mark.long
@pytest.mark.parametrize(("old", "new"), STEPS)
def test_files_as_a_kill_leaves_them_hold_the_old_schema_and_can_be_upgraded(
    opened: Open, newest: Callable[[str], None], tmp_path: Path, old: str, new: str
) -> None:
    engine = opened(f"sqlite:///{tmp_path / 'digest.db'}")
    upgrade_to(engine, old)
    fill(engine, ROWS)
    before, rows = state(engine), renamed(contents(engine))
    newest(new)
    copies = images(engine, partial(migrate.upgrade, engine), tmp_path / "images")
    after = state(engine)
    assert len(copies) > 3
    for number, copy in enumerate(copies, 1):
        image = opened(f"sqlite:///{copy}")
        assert state(image) == before, f"statement {number}"
        # Not each is upgraded to the end, because all hold the same.
        if copy is copies[-1] or number % 10 == 0:
            assert migrate.upgrade(image) is True
            assert (migrate.current(image), state(image)[0]) == (new, after[0])
            assert kept(rows, contents(image)) == rows
        image.dispose()


def state(engine: Engine) -> tuple[list[Any], dict[str, list[str]]]:
    """Return all that an upgrade must leave as it was, or change whole: schema with its revision, and rows."""
    with reading(engine) as connection:
        return whole(connection)
