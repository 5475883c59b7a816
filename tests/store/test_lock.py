"""The run lock on a disk that is full: the lock itself needs no room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from digest.errors import DigestError
from digest.store import editions, events, lock, migrate
from digest.store.lock import run_lock


def test_a_full_disk_does_not_keep_a_run_from_its_lock(opened: Callable[..., Engine], sqlite_url: str) -> None:
    made = opened(sqlite_url)
    # Every write to this device fails for want of room.
    Path(f"{made.url.database}.lock").symlink_to("/dev/full")
    with run_lock(made):
        pass


def test_a_lock_that_cannot_be_made_names_the_cure(opened: Callable[..., Engine], sqlite_url: str) -> None:
    made = opened(sqlite_url)
    Path(f"{made.url.database}.lock").mkdir()
    said = r"digest\.db\.lock: Is a directory; make room or let this account"
    with pytest.raises(DigestError, match=said), run_lock(made):
        pass


def test_no_two_locks_of_postgresql_have_the_same_number() -> None:
    numbers = [lock._RUN, editions._EDITIONS, migrate._UPGRADE, events._STRIKES]
    assert len(set(numbers)) == len(numbers)
