"""Announcing work: on the caller's connection, once, and without harm to the caller."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection, Engine, inspect, text

from digest.cluster.announcer import MOST_JOBS, Announcer, shares_of
from digest.installation import Work
from digest.store import queue
from digest.store.engine import reading, writing
from tests.counts import table


def _waiting(conn: Connection) -> list[tuple[str, str, int]]:
    rows = conn.execute(
        text("SELECT task_name, args ->> 'key', args ->> 'batches' FROM procrastinate_jobs ORDER BY id")
    )
    return [(name, key, int(batches)) for name, key, batches in rows]


def _announce(engine: Engine, *works: Work) -> list[tuple[str, str, int]]:
    announcer = Announcer()
    with writing(engine) as conn:
        for work in works:
            announcer(conn, work)
    with reading(engine) as conn:
        return _waiting(conn)


@table("batches, jobs, shares", [(3, 3, [1, 1, 1]), (5, 2, [3, 2]), (1, 4, [1]), (0, 4, []), (7, 0, [])])
def test_batches_are_shared_evenly(batches: int, jobs: int, shares: list[int]) -> None:
    assert shares_of(batches, jobs) == shares


def test_the_same_work_waits_once(queue_engine: Engine) -> None:
    works = [Work("turn"), Work("gather", "Notes"), Work("gather", "Posts"), Work("recover"), Work("events")]
    expected = [(work.kind, work.key, 1) for work in works]
    assert _announce(queue_engine, *works, *works) == expected
    assert _announce(queue_engine, *works) == expected


def test_an_edition_waits_as_one_job_a_batch_and_as_many_shares_at_most(queue_engine: Engine) -> None:
    assert _announce(queue_engine, Work("send", "7", 3)) == [("send", "7", 1)] * 3
    # A batch more than wait already needs one job more.
    assert _announce(queue_engine, Work("send", "7", 4)) == [("send", "7", 1)] * 4
    assert _announce(queue_engine, Work("send", "7", 2)) == [("send", "7", 1)] * 4
    shares = [batches for _, key, batches in _announce(queue_engine, Work("send", "8", 1000)) if key == "8"]
    assert len(shares) == MOST_JOBS and sum(shares) == 1000 and max(shares) - min(shares) <= 1
    assert _announce(queue_engine, Work("send", "8", 1000))[4:] == [("send", "8", batches) for batches in shares]


def test_jobs_are_announced_in_the_transaction_that_writes_the_work(queue_engine: Engine) -> None:
    """Trap 5 of the library: without `connection=` a job would be deferred elsewhere, or not at all."""
    with suppress(ZeroDivisionError), writing(queue_engine) as conn:
        Announcer()(conn, Work("turn"))
        assert _waiting(conn) == [("turn", "", 1)]
        with reading(queue_engine) as other:
            assert _waiting(other) == []
        raise ZeroDivisionError
    with reading(queue_engine) as conn:
        assert _waiting(conn) == []


def test_an_announcement_waits_for_no_other_transaction(queue_engine: Engine) -> None:
    """The unique index would let the second wait until the first has ended."""
    with writing(queue_engine) as first:
        Announcer()(first, Work("turn"))
        assert _announce(queue_engine, Work("turn"), Work("recover")) == [("recover", "", 1)]
    with reading(queue_engine) as conn:
        assert sorted(_waiting(conn)) == [("recover", "", 1), ("turn", "", 1)]


def test_without_the_queues_tables_the_callers_transaction_goes_on(
    opened: Callable[..., Engine], postgresql_url: str
) -> None:
    engine = opened(postgresql_url)
    with writing(engine) as conn:
        conn.execute(text("CREATE TABLE mine (number integer)"))
        Announcer()(conn, Work("send", "7", 3))
    with reading(engine) as conn:
        assert conn.scalar(text("SELECT to_regclass('mine')")) == "mine"


def test_on_sqlite_nothing_is_announced(opened: Callable[..., Engine], sqlite_url: str) -> None:
    with writing(opened(sqlite_url)) as conn:
        before = inspect(conn).get_table_names()
        Announcer()(conn, Work("turn"))
        assert inspect(conn).get_table_names() == before


def test_letters_of_an_edition_keep_back_no_turn_and_no_recovery(queue_engine: Engine) -> None:
    _announce(queue_engine, Work("send", "7", 3), Work("gather", "Notes"), Work("turn"), Work("recover"))
    with writing(queue_engine) as conn:
        worker = conn.scalar(text("SELECT worker_id FROM procrastinate_register_worker_v1()"))
        fetch = text("SELECT task_name FROM procrastinate_fetch_job_v2(NULL, :worker)")
        assert [conn.scalar(fetch, {"worker": worker}) for _ in range(4)] == ["recover", "turn", "gather", "send"]
        assert queue.promised_batches(conn, "send", "7") == 2
