"""Test the run lock on a full disk: the lock itself needs no room."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

import digest
from digest.errors import DigestError
from digest.store import editions, events, lock, migrate
from digest.store.lock import run_lock


def test_a_full_disk_does_not_keep_a_run_from_its_lock(opened: Callable[..., Engine], sqlite_url: str) -> None:
    engine = opened(sqlite_url)
    # Every write to this device fails for want of room.
    Path(f"{engine.url.database}.lock").symlink_to("/dev/full")
    with run_lock(engine):
        pass


def test_a_lock_that_cannot_be_made_names_the_cure(opened: Callable[..., Engine], sqlite_url: str) -> None:
    engine = opened(sqlite_url)
    Path(f"{engine.url.database}.lock").mkdir()
    message = r"digest\.db\.lock: Is a directory; it is a folder: move it away, or name another file as `url`"
    with pytest.raises(DigestError, match=message), run_lock(engine):
        pass


def test_no_two_locks_of_postgresql_have_the_same_number() -> None:
    numbers = [lock._TURN, lock._SENDERS, lock._STORING, editions._EDITIONS, migrate._UPGRADE, events._STRIKES]
    assert len(set(numbers)) == len(numbers)


def test_each_lock_of_postgresql_has_a_number_of_its_own() -> None:
    code = "\n".join(path.read_text("utf-8") for path in Path(digest.__file__).parent.rglob("*.py"))
    numbers = re.findall(r"\b0x6469[0-9a-f]+", code)
    assert len(numbers) > 7 and len(numbers) == len(set(numbers))
