"""Corrections in the database: owed to those who have had the entry, carried once, owed again if nothing left."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, delete, event, insert, update

from digest.store import corrections, entries
from digest.store.corrections import Told
from digest.store.engine import writing
from digest.store.schema import delivery, digest, digest_entry, edition, edition_entry, had
from subscribers.tables import subscriber
from tests.store.test_releases import START, an_entry, join

FATES = ("accepted", "uncertain", "claimed", "pending", "refused", "cancelled", "suppressed", "had", "none")
HAVE = {1, 2, 3, 4, 8}  # the readers of FATES who have had the entry, or will; the fourth will


@pytest.fixture
def engine(database_url: str, opened: Callable[..., Engine]) -> Engine:
    return opened(database_url)


def add_edition(conn: Connection, slot: str) -> int:
    values = {"cadence": "weekly", "slot": slot, "state": "frozen", "to_release": 1, "content_hash": "",
              "created_at": START, "frozen_at": START}  # fmt: skip
    return int(conn.execute(insert(edition).values(values).returning(edition.c.id)).scalar_one())


def add_deliveries(conn: Connection, number: int, digest_id: int | None, states: dict[int, str]) -> None:
    rows = [
        {"edition_id": number, "subscriber_id": reader, "digest_id": digest_id, "state": state, "updated_at": START}
        for reader, state in states.items()
    ]
    conn.execute(insert(delivery), rows)


def sent(conn: Connection) -> int:
    """Store an entry, and a letter with it in each state of FATES, to the readers 1 to 9; return the entry."""
    entry = an_entry(conn)
    join(conn, [START] * len(FATES))
    number = add_edition(conn, "2026-11-06")
    letter = conn.execute(insert(digest).values(edition_id=number, plan={}).returning(digest.c.id)).scalar_one()
    conn.execute(insert(digest_entry).values(digest_id=letter, entry_id=entry))
    states = {reader: state for reader, state in enumerate(FATES, 1) if state not in ("had", "none")}
    add_deliveries(conn, number, letter, states)
    conn.execute(insert(had).values(digest_id=letter, subscriber_id=8, day="2026-11-06"))
    return entry


def owe(conn: Connection, entry: int, text: str) -> int:
    stored = entries.get(conn, entry)
    assert stored is not None
    return corrections.owe_correction(conn, stored, text, "Ed", START, withdrawn=text == "gone")


def due(conn: Connection) -> dict[int, list[str]]:
    rows = {reader: corrections.corrections_due(conn, reader, ()) for reader in range(1, len(FATES) + 1)}
    return {reader: [row.text for row in theirs] for reader, theirs in rows.items() if theirs}


def test_a_correction_goes_to_those_who_have_had_the_entry_and_no_others(engine: Engine) -> None:
    with writing(engine) as conn:
        entry = sent(conn)
        assert owe(conn, entry, "a") == corrections.count_readers(conn, entry) == len(HAVE)
        assert owe(conn, entry, "a") == 0, "the same again is owed to nobody more"
        assert due(conn) == {reader: ["a"] for reader in HAVE - {4}}, "the fourth letter may yet be cancelled"
        conn.execute(update(delivery).where(delivery.c.subscriber_id == 4).values(state="accepted"))
        assert due(conn) == {reader: ["a"] for reader in HAVE}
        # The entry goes to more readers afterwards, as it then is.
        conn.execute(update(delivery).where(delivery.c.subscriber_id == 5).values(state="accepted"))
        assert due(conn).keys() == HAVE


def test_it_is_carried_once_and_again_only_where_no_letter_left(engine: Engine) -> None:
    with writing(engine) as conn:
        entry = sent(conn)
        owe(conn, entry, "gone")
        next_one = add_edition(conn, "2026-11-13")
        add_deliveries(conn, next_one, None, {1: "pending", 2: "pending", 3: "pending"})
        assert not corrections.carries_any(conn, next_one)
        corrections.carry_due(conn, next_one)
        assert corrections.carries_any(conn, next_one)
        assert due(conn) == {8: ["gone"]}
        carried = corrections.carried_to(conn, next_one, [1, 2, 9])
        assert {reader: [row.text for row in rows] for reader, rows in carried.items()} == {1: ["gone"], 2: ["gone"]}
        assert corrections.told_by(conn, next_one) == [Told(1, entry, True, 3)]
        of_two = (delivery.c.edition_id == next_one, delivery.c.subscriber_id == 2)
        conn.execute(update(delivery).where(*of_two).values(state="refused"))
        assert due(conn) == {2: ["gone"], 8: ["gone"]}
        assert corrections.told_by(conn, next_one) == [Told(1, entry, True, 2)]
        # Condensed: that the delivery is not kept does not make the correction due again.
        conn.execute(delete(delivery).where(delivery.c.edition_id == next_one, delivery.c.subscriber_id == 1))
        assert due(conn).keys() == {2, 8}
        conn.execute(delete(subscriber).where(subscriber.c.id.in_((3, 8))))
        assert due(conn) == {2: ["gone"]}
        assert corrections.told_by(conn, next_one) == [Told(1, entry, True, 1)]


def test_withdrawals_come_first_then_the_oldest_three(engine: Engine) -> None:
    with writing(engine) as conn:
        entry = sent(conn)
        for text in ("a", "b", "c", "d", "gone"):
            owe(conn, entry, text)
        for slot, texts in (("2026-11-13", ["gone", "a", "b"]), ("2026-11-20", ["c", "d"])):
            assert due(conn)[1] == texts
            number = add_edition(conn, slot)
            add_deliveries(conn, number, None, {1: "pending", 9: "pending"})
            corrections.carry_due(conn, number)
            assert [row.text for row in corrections.carried_to(conn, number, [1, 9])[1]] == texts
        assert 1 not in due(conn)
        assert [row.text for row in corrections.in_force(conn, [entry, 99])] == ["gone", "a", "b", "c", "d"]


def test_who_gets_the_entry_afterwards_is_told_in_that_letter(engine: Engine) -> None:
    with writing(engine) as conn:
        entry = sent(conn)
        owe(conn, entry, "a")
        number = add_edition(conn, "2026-11-13")
        letter = conn.execute(insert(digest).values(edition_id=number, plan={}).returning(digest.c.id)).scalar_one()
        conn.execute(insert(digest_entry).values(digest_id=letter, entry_id=entry))
        content = {"edition_id": number, "entry_id": entry, "position": 0, "release": 1, "content": {}}
        conn.execute(insert(edition_entry).values(content))
        add_deliveries(conn, number, letter, {5: "pending", 9: "pending"})
        add_deliveries(conn, number, None, {6: "empty"})
        assert [row.text for row in corrections.corrections_due(conn, 9, [entry])] == ["a"]
        corrections.carry_due(conn, number)
        assert corrections.carried_to(conn, number, range(1, 10)).keys() == {5, 9}


def test_what_is_taken_back_is_told_to_nobody_more(engine: Engine) -> None:
    with writing(engine) as conn:
        entry = sent(conn)
        owe(conn, entry, "a")
        number = add_edition(conn, "2026-11-13")
        add_deliveries(conn, number, None, {1: "pending", 2: "refused"})
        corrections.carry_due(conn, number)
        (cancelled,) = corrections.cancel_corrections(conn, entry, START, withdrawn=False)
        assert (cancelled.told, cancelled.untold) == (1, len(HAVE) - 1)
        assert due(conn) == {} and corrections.in_force(conn, [entry]) == []
        assert corrections.carried_to(conn, number, [1]).keys() == {1}, "as that letter is"
        (given,) = corrections.given_of(conn, entry)
        assert (given.told, given.untold, given.cancelled) == (1, 0, True)
        assert owe(conn, entry, "a") == len(HAVE) - 1, "given again, it is owed to those who were not told"


def test_a_freeze_finds_what_is_owed_by_indexes(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL chooses by the number of rows, and here are few")
    plans: list[str] = []

    def explain(conn: Connection, cursor: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
        if not statement.startswith("EXPLAIN"):
            rows = conn.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            plans.extend(f"{row[3]} " for row in rows)

    with writing(engine) as conn:
        owe(conn, sent(conn), "a")
        number = add_edition(conn, "2026-11-13")
        add_deliveries(conn, number, None, {1: "pending", 2: "refused"})
        corrections.carry_due(conn, number)
        event.listen(conn, "before_cursor_execute", explain)
        corrections.carry_due(conn, number)
    looks = [plan for plan in plans if "correction_reader " in plan or "delivery " in plan]
    assert len(looks) > 5 and not [plan for plan in looks if plan.startswith("SCAN")]
