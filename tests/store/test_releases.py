"""Test releases and marks: the mark of readers who join, for any number of them and from any transaction."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, event, insert, select, text

from digest.store import releases
from digest.store.engine import reading, writing
from digest.store.schema import entry, mark, release
from subscribers import store as people
from subscribers.tables import subscriber
from tests.counts import POSTGRESQL_LONG

START = datetime(2026, 11, 2, tzinfo=UTC)
WELCOME = timedelta(days=3)
IMPORTED = START + timedelta(days=7)


def an_entry(conn: Connection) -> int:
    values = {"source": "S", "title": "T", "kind": "post", "first_seen": START, "state": "ready", "print": "p"}
    lists = {key: [] for key in ("categories", "policy_areas", "regions", "themes", "evidence")}
    return int(conn.execute(insert(entry).values(**values, **lists).returning(entry.c.id)).scalar_one())


def join(conn: Connection, joined: list[datetime | None]) -> None:
    rows = [
        {
            "email": f"r{n}@example.org", "email_key": f"r{n}@example.org", "cadence": "weekly", "elsewhere": True,
            "language": "en", "state": "active", "joined_at": at, "created_at": IMPORTED,
        }
        for n, at in enumerate(joined)
    ]  # fmt: skip
    conn.execute(insert(subscriber), rows)


def release_at(conn: Connection, instants: list[datetime]) -> None:
    entry = an_entry(conn)
    for at in instants:
        releases.number(conn, [entry], "new", at, timedelta(0))


@POSTGRESQL_LONG
def test_many_who_join_stand_where_each_alone_would_by_one_query(engine: Engine) -> None:
    dice = random.Random(7)
    # Not in order, as a clock that was set back leaves them.
    instants = [START + timedelta(hours=dice.randrange(240)) for _ in range(40)]
    # Those before IMPORTED gave their consent elsewhere.
    joined = [None, *(START + timedelta(hours=dice.randrange(-48, 400)) for _ in range(60))]
    with writing(engine) as conn:
        release_at(conn, instants)
        join(conn, joined)
        since = {person.id: person.here_since for person in people.many(conn, range(1, 62)).values()}
        alone = {id: releases.mark_of(conn, id, at, WELCOME, default=0) for id, at in since.items()}
        assert releases.marks(conn, since, WELCOME) == alone, "before they settle"
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    with writing(engine) as conn:
        releases.settle_marks(conn, WELCOME)
    assert len(alone) == 61
    assert len(set(alone.values())) > 4
    assert {since[id] for id, at in enumerate(joined, 1) if at and at < IMPORTED} == {IMPORTED}
    with reading(engine) as conn:
        assert {row.subscriber_id: row.release for row in conn.execute(select(mark))} == alone
    assert sum("FROM release" in sql for sql in asked) == 1


@pytest.mark.parametrize("welcome", [timedelta(0), WELCOME])
def test_two_who_settle_at_once_do_not_collide(
    opened: Callable[..., Engine], postgresql_url: str, welcome: timedelta
) -> None:
    """Let two transactions settle marks at once: on PostgreSQL both see the same readers without a mark."""
    first, second = opened(postgresql_url), opened(postgresql_url)
    with writing(first) as conn:
        release_at(conn, [START])
        join(conn, [START] * 3)
    failed: list[BaseException] = []

    def settle() -> None:
        try:
            with writing(second) as conn:
                releases.settle_marks(conn, welcome)
        except BaseException as error:
            failed.append(error)

    other = threading.Thread(target=settle)
    with writing(first) as conn:
        releases.settle_marks(conn, welcome)
        other.start()
        while other.is_alive() and not blocked(first):
            time.sleep(0.01)
    other.join(30)
    assert failed == []
    with reading(first) as conn:
        assert len(conn.execute(select(mark)).all()) == 3


def test_two_first_releases_at_once_count_on(opened: Callable[..., Engine], postgresql_url: str) -> None:
    first, second = opened(postgresql_url), opened(postgresql_url)
    with writing(first) as conn:
        entry = an_entry(conn)

    def number() -> None:
        with writing(second) as conn:
            releases.number(conn, [entry], "new", START, timedelta(0))

    other = threading.Thread(target=number)
    with writing(first) as conn:
        releases.number(conn, [entry, entry], "new", START, timedelta(0))
        other.start()
        while other.is_alive() and not blocked(first):
            time.sleep(0.01)
    other.join(30)
    with reading(first) as conn:
        assert list(conn.scalars(select(release.c.number).order_by(release.c.number))) == [1, 2, 3]


def blocked(engine: Engine) -> bool:
    """Return whether another transaction of this database waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with reading(engine) as conn:
        return bool(conn.scalar(text(waiting)))
