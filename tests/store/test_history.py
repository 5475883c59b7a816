"""What is read back years later: the runs of an edition, and editions that are old and not settled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, event, insert

from digest.store import calendar, deliveries, editions, history, runs
from digest.store import schema as tables
from digest.store.engine import reading, writing
from subscribers import store as people
from tests.counts import POSTGRESQL_LONG, spread

NOW = datetime(2026, 11, 6, 9, tzinfo=UTC)


@pytest.fixture
def engine(database_url: str, opened: Callable[..., Engine]) -> Engine:
    return opened(database_url)


def add_edition(engine: Engine, days: int, cadence: str = "daily") -> int:
    slot = f"{NOW + timedelta(days=days):%Y-%m-%d}"
    values = {"cadence": cadence, "slot": slot, "state": "frozen", "to_release": 0, "content_hash": "",
              "created_at": NOW, "frozen_at": NOW}  # fmt: skip
    with writing(engine) as conn:
        return int(conn.execute(insert(tables.edition).values(values).returning(tables.edition.c.id)).scalar_one())


def add_delivery(engine: Engine, edition: int, state: str, run: int | None = None, **more: object) -> None:
    with writing(engine) as conn:
        row = {"edition_id": edition, "subscriber_id": 1, "state": state, "run_id": run, "updated_at": NOW, **more}
        conn.execute(insert(tables.delivery).values(row))


def test_a_receipt_names_its_runs_however_many_came_after(engine: Engine) -> None:
    """Runs that claimed a delivery, and runs that only told of the edition; never those of edition 10 for 1."""
    numbers = [add_edition(engine, day) for day in range(12)]
    with writing(engine) as conn:
        claimer, teller, of_ten = (runs.start(conn, "run", NOW) for _ in range(3))
        runs.finish(conn, teller, "done", {"receipts": [{"edition": numbers[0], "cadence": "daily"}]}, NOW)
        runs.finish(conn, of_ten, "done", {"receipts": [{"edition": numbers[9], "cadence": "daily"}]}, NOW)
        later = {"command": "run", "started_at": NOW, "account": {"receipts": [], "failed": ['"edition": 1,']}}
        conn.execute(insert(tables.run), [later] * 300)
    add_delivery(engine, numbers[0], "accepted", claimer)
    with reading(engine) as conn:
        assert [run.id for run in history.runs_of(conn, numbers[0])] == [claimer, teller]
        assert [run.id for run in history.runs_of(conn, numbers[9])] == [of_ten]
        assert history.runs_of(conn, numbers[5]) == []


@POSTGRESQL_LONG
@pytest.mark.parametrize("state", spread(3, ["pending", "claimed", "uncertain"]))
def test_an_old_edition_is_listed_as_long_as_a_letter_of_it_is_not_settled(engine: Engine, state: str) -> None:
    old, settled, *newer = [add_edition(engine, day) for day in range(60)]
    add_delivery(engine, old, state)
    add_delivery(engine, settled, "accepted")
    with reading(engine) as conn:
        assert [edition.id for edition in editions.listing(conn)] == [*newer[:-51:-1], old]


@POSTGRESQL_LONG
def test_the_answers_to_accepted_letters_are_one_reason_however_many_they_are(engine: Engine) -> None:
    """A server's answer has a number for each letter, and a receipt of 100,000 of them holds none of these."""
    edition = add_edition(engine, 0)
    answers = [("accepted", f"250 2.0.0 Ok: queued as 4X{number}") for number in range(3)]
    answers += [("refused", f"550 no mailbox {number % 2}") for number in range(3)]
    answers += [("accepted", "an event tells that it arrived"), ("accepted", "Sandbox has queued it")]
    for reader, (state, reason) in enumerate(answers, 1):
        add_delivery(engine, edition, state, subscriber_id=reader, reason=reason)
    with reading(engine) as conn:
        assert history.reasons(conn, edition) == {
            ("accepted", ""): 4,
            ("accepted", "an event tells that it arrived"): 1,
            ("refused", "550 no mailbox 0"): 2,
            ("refused", "550 no mailbox 1"): 1,
        }


@POSTGRESQL_LONG
def test_of_those_that_wait_only_the_ones_with_a_reason_are_read(engine: Engine) -> None:
    edition = add_edition(engine, 0)
    other = add_edition(engine, 1)
    rows = [
        ("pending", ""),
        ("pending", "paused"),
        ("refused", "550 no mailbox"),
        ("uncertain", ""),
        ("accepted", "x"),
    ]
    for reader, (state, reason) in enumerate(rows, 1):
        add_delivery(engine, edition, state, subscriber_id=reader, reason=reason)
        add_delivery(engine, other, state, subscriber_id=reader, reason=reason)
    plans: list[str] = []

    def explain(conn: Connection, cursor: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
        if engine.dialect.name == "sqlite" and "'pending'" in statement and not statement.startswith("EXPLAIN"):
            rows = conn.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans.extend(row[3] for row in rows)

    with reading(engine) as conn:
        event.listen(conn, "before_cursor_execute", explain)
        seen = deliveries.worded(conn, edition, ("refused", "pending"))
        doubts = deliveries.worded(conn, edition, ("uncertain",))
    assert [(row.state, row.reason) for row in seen] == [("pending", "paused"), ("refused", "550 no mailbox")]
    assert [(row.state, row.reason) for row in doubts] == [("uncertain", "")]
    assert engine.dialect.name != "sqlite" or any("ix_delivery_waiting" in plan for plan in plans), plans


@pytest.mark.parametrize(
    ("came", "first"),
    [
        ([], None),
        ([3], 3),
        ([2000, 5, 6], 5),  # the clock was ahead when the first was added
        ([7, *range(8, 160)], 7),
    ],
)
def test_an_installation_has_existed_since_its_first_row(engine: Engine, came: list[int], first: int | None) -> None:
    with writing(engine) as conn:
        assert calendar.first_write(conn) is None
        for number, days in enumerate(came):
            at = NOW + timedelta(days=days)
            people.add(
                conn,
                people.NewSubscriber(f"r{number}@example.org", cadence="weekly"),
                how="test",
                now=at,
                secret=b"s" * 32,
            )
        assert calendar.first_write(conn) == (None if first is None else NOW + timedelta(days=first))
