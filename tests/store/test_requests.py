"""Test requests that wait for their hour: stored, taken back and given up, while events and answers come in."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select, update

from digest.ledger.events import Event
from digest.store import deliveries, requests
from digest.store import schema as tables
from digest.store.engine import reading, writing
from digest.store.events import take
from digest.store.requests import Request
from tests.counts import POSTGRESQL_LONG

NOW = datetime(2026, 11, 6, 9, tzinfo=UTC)
HOUR = NOW + timedelta(hours=5)
SECRET = b"s" * 32
Row = tuple[str, str | None, str | None]


@pytest.fixture
def ledger(engine: Engine) -> Engine:
    """Make deliveries 1 to 4, claimed by run 7 for an hour; 1 to 3 went in request b1, 4 is in no request yet."""
    with writing(engine) as conn:
        conn.execute(
            insert(tables.edition).values(
                id=1, cadence="weekly", slot="2026-11-06", state="frozen", to_release=0, content_hash="",
                created_at=NOW, frozen_at=NOW, eligible=4,
            )
        )  # fmt: skip
        rows = [
            {"id": n, "edition_id": 1, "subscriber_id": n, "state": "pending", "updated_at": NOW} for n in range(1, 5)
        ]
        conn.execute(insert(tables.delivery), rows)
        deliveries.claim(conn, [1, 2, 3, 4], 7, NOW, HOUR)
        assert requests.note(conn, [1, 2, 3], "b1", 7)
    return engine


def rows(engine: Engine) -> list[Row]:
    d = tables.delivery.c
    with reading(engine) as conn:
        return [tuple(row) for row in conn.execute(select(d.state, d.request, d.take_back).order_by(d.id))]


def settle(engine: Engine, states: dict[int, str]) -> None:
    with writing(engine) as conn:
        deliveries.settle(conn, [(number, state, "") for number, state in states.items()], NOW, 7)


@POSTGRESQL_LONG
def test_each_letter_of_a_batch_keeps_its_own_answer(ledger: Engine) -> None:
    later = NOW + timedelta(minutes=20)
    with writing(ledger) as conn:
        deliveries.settle(conn, [(1, "accepted", "250 queued as 4X1"), (2, "accepted", "250 queued as 4X2")], NOW, 7)
        deliveries.put_off(conn, [(3, later, '450 try later " \\ ü'), (4, HOUR, "451 busy")], NOW, 7)
        deliveries.put_off(conn, [(1, HOUR, "accepted already"), (2, later, "also")], NOW, 7)
    d = tables.delivery.c
    with reading(ledger) as conn:
        assert [*map(tuple, conn.execute(select(d.state, d.reason, d.retry_at, d.attempts).order_by(d.id)))] == [
            ("accepted", "250 queued as 4X1", None, 1),
            ("accepted", "250 queued as 4X2", None, 1),
            ("pending", '450 try later " \\ ü', later, 1),
            ("pending", "451 busy", HOUR, 1),
        ]
    with writing(ledger) as conn:
        deliveries.postpone(conn, [(3, HOUR, "paused"), (4, HOUR, "paused too"), (1, HOUR, "no")], later)
    with reading(ledger) as conn:
        assert [*map(tuple, conn.execute(select(d.reason, d.retry_at).where(d.id > 2).order_by(d.id)))] == [
            ("paused", HOUR),
            ("paused too", HOUR),
        ]


def test_a_reason_that_is_no_text_is_refused_and_changes_nothing(ledger: Engine) -> None:
    """SQLite would keep half a surrogate pair as bytes that nobody can read again."""
    before = rows(ledger)
    with pytest.raises(UnicodeEncodeError), writing(ledger) as conn:
        deliveries.settle(conn, [(1, "accepted", "settled by Zo\udceb")], NOW, 7)
    assert rows(ledger) == before


def test_a_claim_without_a_request_is_known_as_not_begun(ledger: Engine) -> None:
    with reading(ledger) as conn:
        assert [delivery.unbegun for delivery in deliveries.in_state(conn, "claimed")] == [False, False, False, True]


@pytest.mark.parametrize("change", [{"run_id": 8}, {"state": "uncertain"}])
def test_nothing_is_noted_for_claims_that_another_run_has_taken_over(
    ledger: Engine, change: dict[str, object]
) -> None:
    with writing(ledger) as conn:
        conn.execute(update(tables.delivery).where(tables.delivery.c.id == 4).values(change))
        assert not requests.note(conn, [4], "b2", 7)


@pytest.mark.parametrize("doubted", [False, True], ids=["claimed", "taken for dead"])
def test_letters_that_were_taken_back_once_are_put_off_like_others(ledger: Engine, doubted: bool) -> None:
    settle(ledger, dict.fromkeys((1, 2, 3), "uncertain"))
    with writing(ledger) as conn:
        requests.open_take_back(conn, "b1", "doubt", NOW)
        requests.confirm_take_back(conn, "b1", NOW)
        deliveries.claim(conn, [1, 2, 3], 8, NOW)
        if doubted:
            deliveries.settle(conn, [(n, "uncertain", "") for n in (1, 2, 3)], NOW, 8)
        deliveries.put_off(conn, [(1, HOUR, "451 busy")], NOW, 8)
        deliveries.give_back(conn, [2], NOW, 8)
    assert [state for state, *_ in rows(ledger)[:3]] == ["pending", "pending", "uncertain" if doubted else "claimed"]


def test_what_was_in_doubt_is_owed_again(ledger: Engine) -> None:
    settle(ledger, dict.fromkeys((1, 2, 3), "uncertain"))
    with writing(ledger) as conn:
        assert requests.in_doubt(conn) == [Request("b1", HOUR, None)]
        assert requests.open_take_back(conn, "b1", "doubt", NOW)
        assert requests.in_doubt(conn) == [Request("b1", HOUR, "doubt")]
        assert requests.confirm_take_back(conn, "b1", NOW) == 3
        assert requests.in_doubt(conn) == []
    assert rows(ledger)[:3] == [("pending", None, "back")] * 3
    # The next request of the same deliveries can be taken back as well.
    with writing(ledger) as conn:
        deliveries.claim(conn, [1, 2, 3], 8, NOW, HOUR)
        assert requests.note(conn, [1, 2, 3], "b2", 8)
        deliveries.settle(conn, [(n, "uncertain", "") for n in (1, 2, 3)], NOW, 8)
        assert requests.open_take_back(conn, "b2", "doubt", NOW)
        assert requests.confirm_take_back(conn, "b2", NOW) == 3


def test_a_late_answer_and_an_event_move_nothing_while_it_is_taken_back(ledger: Engine) -> None:
    settle(ledger, dict.fromkeys((1, 2, 3), "uncertain"))
    with writing(ledger) as conn:
        assert requests.open_take_back(conn, "b1", "doubt", NOW)
    settle(ledger, dict.fromkeys((1, 2, 3), "accepted"))
    heard(ledger, "processed", 1)
    assert rows(ledger)[:3] == [("uncertain", "b1", "doubt")] * 3
    with writing(ledger) as conn:
        requests.confirm_take_back(conn, "b1", NOW)
    settle(ledger, dict.fromkeys((1, 2, 3), "accepted"))
    heard(ledger, "processed", 2)
    assert rows(ledger)[:3] == [("pending", None, "back")] * 3


def test_a_request_that_was_surely_taken_is_left_to_go_out(ledger: Engine) -> None:
    settle(ledger, dict.fromkeys((1, 2, 3), "uncertain"))
    heard(ledger, "processed", 2)
    with writing(ledger) as conn:
        assert not requests.open_take_back(conn, "b1", "doubt", NOW)
    assert rows(ledger)[:3] == [("uncertain", "b1", None), ("accepted", "b1", None), ("uncertain", "b1", None)]


def test_too_late_it_waits_for_what_proves_that_it_left(ledger: Engine) -> None:
    settle(ledger, dict.fromkeys((1, 2, 3), "uncertain"))
    with writing(ledger) as conn:
        requests.open_take_back(conn, "b1", "doubt", NOW)
    heard(ledger, "delivered", 1)
    with writing(ledger) as conn:
        requests.give_up(conn, "b1", NOW)
        assert requests.in_doubt(conn) == []
    heard(ledger, "processed", 2)
    heard(ledger, "bounced", 3)
    assert rows(ledger)[:3] == [("accepted", "b1", "late"), ("uncertain", "b1", "late"), ("accepted", "b1", "late")]


def test_a_stopped_edition_gets_its_readers_nothing(ledger: Engine) -> None:
    settle(ledger, {1: "accepted", 2: "accepted", 3: "accepted"})
    with writing(ledger) as conn:
        assert requests.of_edition(conn, 1, NOW) == [Request("b1", HOUR, None)]
        assert requests.open_take_back(conn, "b1", "stop", NOW)
    heard(ledger, "processed", 1)
    with writing(ledger) as conn:
        assert requests.confirm_take_back(conn, "b1", NOW) == 3
        assert requests.of_edition(conn, 1, NOW) == []
    heard(ledger, "processed", 2)
    assert rows(ledger)[:3] == [("cancelled", "b1", "back")] * 3


def test_a_stop_outranks_a_doubt(ledger: Engine) -> None:
    settle(ledger, dict.fromkeys((1, 2, 3), "uncertain"))
    with writing(ledger) as conn:
        assert requests.open_take_back(conn, "b1", "doubt", NOW)
        assert requests.open_take_back(conn, "b1", "stop", NOW)
        requests.confirm_take_back(conn, "b1", NOW)
    assert {row[0] for row in rows(ledger)[:3]} == {"cancelled"}


@POSTGRESQL_LONG
def test_an_event_and_a_taking_back_at_once_never_both_win(ledger: Engine) -> None:
    for turn in range(30):
        with writing(ledger) as conn:
            conn.execute(
                update(tables.delivery).where(tables.delivery.c.id < 4)
                .values(state="uncertain", take_back=None, request="b1", send_at=HOUR, run_id=7)
            )  # fmt: skip
        opened: list[bool] = []

        def open_it(opened: list[bool] = opened) -> None:
            with writing(ledger) as conn:
                opened.append(requests.open_take_back(conn, "b1", "doubt", NOW))

        threads = [
            threading.Thread(target=open_it),
            threading.Thread(target=heard, args=(ledger, "processed", 1 + turn % 3, str(turn))),
        ]
        for thread in threads if turn % 2 else reversed(threads):
            thread.start()
        for thread in threads:
            thread.join()
        states = [row[0] for row in rows(ledger)[:3]]
        assert ("accepted" in states) is not opened[0], (turn, states)


def heard(engine: Engine, kind: str, number: int, name: str = "") -> None:
    event = Event(f"{kind}{number}{name}", kind, number, None, NOW, provider="sendgrid")
    with writing(engine) as conn:
        take(conn, [event], SECRET, NOW)
