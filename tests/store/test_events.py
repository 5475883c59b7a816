"""Test the stored events on both engines: each acts once, in any order, and only as the policy says."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, insert, text, update
from sqlalchemy.pool import StaticPool

from digest.ledger.events import KINDS, Event
from digest.operations.alarms import alarms
from digest.store import deliveries, event_history
from digest.store import schema as tables
from digest.store.engine import reading, writing
from digest.store.events import TakenEvents, replay, take
from subscribers import store as people
from subscribers.database import metadata
from tests.counts import POSTGRESQL_LONG, few_and_many
from tests.figures import Figures
from tests.transports.webhook import NOW, SECRET

READERS = 6
SQL = "SELECT state, fate FROM delivery ORDER BY id"


@pytest.fixture
def ledger(engine: Engine) -> Engine:
    """Make deliveries 1 to 12: two editions with six readers each, those of the first edition claimed."""
    fill(engine)
    return engine


def fill(engine: Engine, state: str = "claimed") -> None:
    with writing(engine) as conn:
        for n in range(READERS):
            people.add(
                conn,
                people.NewSubscriber(f"r{n}@example.org", cadence="weekly"),
                how="test",
                now=NOW - timedelta(days=400),
                secret=SECRET,
            )
        for number in (1, 2):
            conn.execute(
                insert(tables.edition).values(
                    id=number, cadence="weekly", slot=f"2026-11-0{number}", state="frozen", to_release=0,
                    content_hash="", created_at=NOW, eligible=READERS,
                )
            )  # fmt: skip
            conn.execute(
                insert(tables.delivery),
                [
                    {"edition_id": number, "subscriber_id": n + 1, "state": state, "updated_at": NOW}
                    for n in range(READERS)
                ],
            )


def ev(
    id: str, kind: str, delivery: int | None = 1, *, day: float = 0, address: str | None = None, **more: Any
) -> Event:
    return Event(
        id, kind, delivery, address, NOW + timedelta(days=day), provider=more.pop("provider", "sendgrid"), **more
    )


def into(engine: Engine, *events: Event, **more: Any) -> TakenEvents:
    with writing(engine) as conn:
        return take(conn, events, SECRET, NOW, **more)


def rows(engine: Engine, sql: str) -> list[tuple[Any, ...]]:
    with reading(engine) as conn:
        return [tuple(row) for row in conn.execute(text(sql))]


def state(engine: Engine, delivery: int = 1) -> tuple[Any, ...]:
    return rows(engine, f"SELECT state, fate, provider_id FROM delivery WHERE id = {delivery}")[0]


def suppressed(engine: Engine, reader: int = 0) -> str | None:
    with reading(engine) as conn:
        return people.is_suppressed(conn, f"r{reader}@example.org", secret=SECRET)


def test_an_event_settles_a_delivery_and_its_repeats_do_nothing(ledger: Engine) -> None:
    event = ev("a", "processed", message="m1")
    assert into(ledger, event) == TakenEvents(new=1, settled=1)
    assert state(ledger) == ("accepted", None, "m1")
    assert into(ledger, event, event) == TakenEvents(duplicate=2)
    assert into(ledger, ev("b", "delivered"), ev("b", "delivered")) == TakenEvents(new=1, duplicate=1)
    assert state(ledger) == ("accepted", "delivered", "m1")
    # An event of another provider with the same id is another event.
    assert into(ledger, ev("a", "complained", provider="mail")).new == 1
    assert rows(ledger, "SELECT count(*) FROM event") == [(3,)]


def test_the_result_that_is_recorded_later_finds_it_moved(ledger: Engine) -> None:
    into(ledger, ev("a", "delivered"))
    with writing(ledger) as conn:
        deliveries.settle(conn, [(1, "uncertain", "the answer was lost"), (2, "uncertain", "")], NOW)
    assert state(ledger)[:2] == ("accepted", "delivered")
    assert state(ledger, 2)[:2] == ("uncertain", None)


def test_what_names_no_delivery_of_ours_is_kept_and_counted(ledger: Engine) -> None:
    taken = into(ledger, ev("a", "delivered", None), ev("b", "bounced", 999, status="5.1.1"), ev("c", "delivered", 2))
    assert (taken.new, taken.strangers, taken.suppressed, taken.settled) == (3, 2, 0, 1)


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [("bounced", "5.1.1", "bounced"), ("bounced", "5.2.1", "bounced"), ("complained", None, "complained")],
)
def test_a_dead_address_and_a_complaint_suppress_at_once(
    ledger: Engine, kind: str, status: str | None, reason: str
) -> None:
    assert into(ledger, ev("a", kind, status=status)).suppressed == 1
    assert suppressed(ledger) == reason
    assert suppressed(ledger, 1) is None
    assert into(ledger, ev("a", kind, status=status)).suppressed == 0


def test_a_complaint_outranks_a_bounce_in_any_order(ledger: Engine) -> None:
    into(ledger, ev("a", "complained"), ev("b", "bounced", status="5.1.1"))
    into(ledger, ev("c", "bounced", 2, status="5.1.1"))
    into(ledger, ev("d", "complained", 2))
    assert (suppressed(ledger), suppressed(ledger, 1)) == ("complained", "complained")


def test_who_unsubscribes_at_the_provider_has_left(ledger: Engine) -> None:
    assert into(ledger, ev("a", "unsubscribed")).left == 1
    with reading(ledger) as conn:
        person = people.get(conn, 1)
    assert person is not None and person.state == "left"
    assert suppressed(ledger) == "left"


def test_an_address_is_believed_where_it_is_given(ledger: Engine) -> None:
    into(
        ledger,
        ev("a", "unsubscribed", None, address="R1@Example.org"),
        ev("b", "bounced", None, address="nobody@example.org", status="5.1.1"),
        ev("c", "unsubscribed", None, address="stranger@example.org"),
        ev("d", "complained", None, address="not an address"),
    )
    with reading(ledger) as conn:
        person = people.get(conn, 2)
        suppressed = [
            people.is_suppressed(conn, f"{name}@example.org", secret=SECRET) for name in ("nobody", "stranger")
        ]
    assert person is not None and person.state == "left"
    assert suppressed == ["bounced", "left"]


def test_it_is_the_address_it_was_sent_to(ledger: Engine) -> None:
    """The reader may have another address by now."""
    into(ledger, ev("a", "bounced", 1, address="old@example.org", status="5.1.1"))
    assert suppressed(ledger) is None
    with reading(ledger) as conn:
        assert people.is_suppressed(conn, "old@example.org", secret=SECRET) == "bounced"


def test_their_own_later_word_outranks_an_event_that_comes_late(ledger: Engine) -> None:
    with writing(ledger) as conn:
        conn.execute(text("UPDATE subscriber SET joined_at = :at WHERE id = 1"), {"at": str(NOW)[:19]})
    into(ledger, ev("a", "unsubscribed", day=-1), ev("b", "complained", day=-1), ev("c", "unsubscribed", 2, day=-1))
    assert (suppressed(ledger), suppressed(ledger, 1)) == (None, "left")


def test_an_erased_reader_is_no_error(ledger: Engine) -> None:
    with writing(ledger) as conn:
        people.forget(conn, 1, now=NOW, secret=SECRET)
    taken = into(ledger, ev("a", "unsubscribed"), ev("b", "bounced", status="5.1.1"), ev("c", "complained"))
    assert (taken.new, taken.suppressed, taken.left) == (3, 0, 0)


def test_a_spam_block_suppresses_nobody_and_tells_the_domain(ledger: Engine) -> None:
    events = [ev(f"e{n}", "bounced", n, day=n, status="5.7.1") for n in range(1, 7)]
    taken = into(ledger, *events)
    assert (taken.suppressed, taken.strikes, dict(taken.alerts)) == (0, 0, {"example.org": 6})
    with reading(ledger) as conn:
        assert event_history.refusing_domains(conn, NOW - timedelta(days=1)) == {"example.org": 6}
        assert event_history.refusing_domains(conn, NOW + timedelta(days=1)) == {}


def test_three_strikes_over_a_week(ledger: Engine) -> None:
    more_editions(ledger, 3)
    first, second = ev("a", "blocked", 1, day=0, status="4.2.2"), ev("b", "bounced", 7, day=7, status="5.2.2")
    assert into(ledger, first, second).suppressed == 0
    assert into(ledger, ev("again", "blocked", 7, day=8, status="4.2.2")).suppressed == 0  # the same letter
    assert suppressed(ledger) is None
    taken = into(ledger, ev("c", "blocked", 13, day=3, status="4.2.2"))
    assert (taken.strikes, taken.suppressed) == (1, 1)
    assert suppressed(ledger) == "bounced"
    assert suppressed(ledger, 1) is None


def test_the_count_begins_anew_when_a_suppression_is_lifted(ledger: Engine) -> None:
    more_editions(ledger, 3)
    more_editions(ledger, 4)
    full = [ev(f"e{n}", "bounced", n, day=n // 2, status="5.2.2") for n in (1, 7, 13)]
    assert into(ledger, *full).suppressed == 0
    assert into(ledger, ev("late", "bounced", 19, day=8, status="5.2.2")).suppressed == 1
    with writing(ledger) as conn:
        now = NOW + timedelta(days=9)
        people.lift(conn, "r0@example.org", how="rang", force=False, now=now, secret=SECRET)
    # One more strike, and events of before that come late, also a hard bounce and a complaint.
    old = [
        ev("f1", "bounced", 1, day=7, status="5.1.1"),
        ev("f2", "complained", 1, day=8),
        ev("f3", "unsubscribed", 1),
    ]
    taken = into(ledger, ev("new", "bounced", 1, day=20, status="5.2.2"), *old)
    assert (taken.suppressed, taken.left, suppressed(ledger)) == (0, 0, None)
    more = [ev(f"g{n}", "bounced", n, day=20 + n // 2, status="5.2.2") for n in (7, 19)]
    assert into(ledger, *more).suppressed == 1


def test_what_is_not_sure_suppresses_nobody_and_is_shown(ledger: Engine) -> None:
    more_editions(ledger, 3)
    reasons = ["", "550 unknown", "554 Der Empfänger nimmt keine Post an"]
    unsure = [ev(f"u{n}", "bounced", 1 + 6 * n, day=n * 7, reason=reason) for n, reason in enumerate(reasons)]
    mixed = [ev(f"m{n}", "bounced", 2 + 6 * n, day=n * 7, status="5.2.2" if n else None) for n in range(3)]
    sure = [ev(f"s{n}", "bounced", 3 + 6 * n, day=n * 7, status="5.2.2") for n in range(3)]
    assert into(ledger, *unsure, *mixed, *sure).suppressed == 1
    assert [suppressed(ledger, n) for n in range(3)] == [None, None, "bounced"]
    with reading(ledger) as conn:
        assert event_history.unsure_readers(conn, NOW - timedelta(days=1)) == [1, 2]
        assert "came back from subscribers 1, 2, and" in str(alarms(conn, NOW))
    # A strike of an older version, whose words tell nothing sure.
    with writing(ledger) as conn:
        conn.execute(update(tables.event).where(tables.event.c.action == "unsure").values(action="strike"))
    assert into(ledger, ev("w", "bounced", 1, day=30, status="5.2.2")).suppressed == 0


def more_editions(engine: Engine, number: int) -> None:
    with writing(engine) as conn:
        conn.execute(
            insert(tables.edition).values(
                id=number, cadence="weekly", slot=f"2026-12-0{number}", state="frozen", to_release=0,
                content_hash="", created_at=NOW, eligible=READERS,
            )
        )  # fmt: skip
        rows = [
            {"edition_id": number, "subscriber_id": n + 1, "state": "accepted", "updated_at": NOW}
            for n in range(READERS)
        ]
        conn.execute(insert(tables.delivery), rows)


def test_the_suppressions_of_an_edition_are_seen(ledger: Engine) -> None:
    more_editions(ledger, 3)
    into(ledger, *(ev(f"b{n}", "bounced", n, status="5.1.1") for n in (1, 2)), ev("twice", "complained", 1))
    # Three strikes count for the edition of the last strike.
    into(ledger, ev("s1", "blocked", 3, status="5.2.2"), ev("s2", "blocked", 9, day=4, status="5.2.2"))
    into(ledger, ev("s3", "blocked", 15, day=8, status="5.2.2"))
    with reading(ledger) as conn:
        troubles = {
            trouble.edition: (trouble.accepted, len(trouble.suppressed))
            for trouble in event_history.troubles(conn, NOW)
        }
    assert troubles == {1: (3, 2), 3: (6, 1)}


def test_no_address_is_in_the_table_of_events(ledger: Engine) -> None:
    into(
        ledger,
        ev("a", "blocked", 1, address="r0@example.org"),
        ev("b", "bounced", 2, address="r1@example.org", status="5.7.1"),
        ev("c", "complained", 3, address="r2@example.org"),
    )
    everything = repr(rows(ledger, "SELECT * FROM event"))
    assert "@" not in everything
    assert "r0" not in everything


def test_events_of_a_delivery_that_is_taken_back_wait(ledger: Engine) -> None:
    def stands(take_back: str | None) -> None:
        with writing(ledger) as conn:
            conn.execute(update(tables.delivery).where(tables.delivery.c.id == 1).values(take_back=take_back))

    stands("doubt")
    taken = into(ledger, ev("p", "processed"), ev("b", "delivered", 2))
    assert (taken.new, taken.settled, taken.strangers) == (2, 1, 0)
    assert state(ledger)[0] == "claimed"
    with writing(ledger) as conn:
        assert replay(conn, [1, 2, 3], NOW) == 0
    # The provider says "processed" also of a letter that it gave back, but "delivered" only of one that arrived.
    stands("late")
    with writing(ledger) as conn:
        assert replay(conn, [1, 2, 3], NOW) == 0
    assert into(ledger, ev("a", "delivered")).settled == 1
    assert state(ledger)[:2] == ("accepted", "delivered")


def test_what_is_known_of_a_delivery(ledger: Engine) -> None:
    into(ledger, ev("b", "bounced", status="5.2.2", reason="full", day=1), ev("a", "processed", reason="250 ok"))
    with reading(ledger) as conn:
        events = event_history.events_by_delivery(conn, [1, 2])
    assert [(event.kind, event.status, event.reason) for event in events[1]] == [
        ("processed", None, ""),
        ("bounced", "5.2.2", "full"),
    ]
    assert list(events) == [1]


def test_reconcile_settles_all_that_have_an_event_and_nothing_else(ledger: Engine) -> None:
    with writing(ledger) as conn:
        conn.execute(update(tables.delivery).values(state="uncertain"))
    assert into(ledger, *(ev(f"e{n}", "processed", n) for n in range(1, 10))).settled == 9
    assert rows(ledger, SQL) == [("accepted", None)] * 9 + [("uncertain", None)] * 3


def test_a_transaction_that_fails_leaves_nothing(ledger: Engine) -> None:
    def fail() -> None:
        with writing(ledger) as conn:
            take(conn, [ev("a", "bounced", status="5.1.1"), ev("b", "unsubscribed", 2)], SECRET, NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert rows(ledger, "SELECT count(*) FROM event") == [(0,)]
    assert (state(ledger)[0], suppressed(ledger), suppressed(ledger, 1)) == ("claimed", None, None)
    assert into(ledger, ev("a", "bounced", status="5.1.1")).suppressed == 1


@POSTGRESQL_LONG
def test_takers_at_once_lose_nothing_and_repeat_nothing(ledger: Engine) -> None:
    events = [
        ev(f"e{n}", KINDS[n % len(KINDS)], n % 12 + 1, day=n % 9, status=("5.2.2", None)[n % 2]) for n in range(120)
    ]
    results: list[TakenEvents] = []
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        mine = events.copy()
        random.Random(seed).shuffle(mine)
        try:
            for start in range(0, len(mine), 10):
                results.append(into(ledger, *mine[start : start + 10]))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sum(taken.new for taken in results) == len(events)
    assert sum(taken.new + taken.duplicate for taken in results) == 4 * len(events)
    assert rows(ledger, "SELECT count(*) FROM event") == [(len(events),)]
    assert {row[0] for row in rows(ledger, SQL)} == {"accepted"}


# --- figure 12: any history ends as the same events in order ------------------------------------------------

EVENTS = st.lists(
    st.builds(
        lambda *fields: fields,
        st.sampled_from(KINDS),
        st.integers(1, 12),
        st.integers(0, 30),
        st.sampled_from([None, "5.1.1", "5.2.2", "5.7.1", "4.2.2"]),
    ),
    min_size=1,
    max_size=14,
)


def end(engine: Engine, calls: Sequence[tuple[Sequence[Event], bool]]) -> dict[str, Any]:
    """Store each part of a history in a fresh ledger; true: the transport's results are stored before the part."""
    with engine.begin() as conn:
        for table in reversed(metadata.sorted_tables):
            conn.execute(table.delete())
        for name in ("subscriber", "delivery"):
            conn.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": name})
    fill(engine)
    for events, results in calls:
        if results:
            with writing(engine) as conn:
                answers = ("accepted", "uncertain", "refused", "pending")
                deliveries.settle(conn, [(n, answers[n % 4], "") for n in range(1, 2 * READERS + 1)], NOW)
        into(engine, *events)
    return {
        "deliveries": rows(engine, SQL),
        "events": rows(engine, "SELECT provider, event_id, kind FROM event ORDER BY event_id"),
        "suppressions": rows(engine, "SELECT address_hash, reason FROM suppression ORDER BY address_hash"),
        "readers": rows(engine, "SELECT id, state FROM subscriber ORDER BY id"),
    }


def histories(examples: int) -> None:
    engine = in_memory()

    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(EVENTS, st.data())
    def check(histories: list[tuple[Any, ...]], data: st.DataObject) -> None:
        events = [
            ev(f"e{n:02d}", kind, delivery, day=day, status=status)
            for n, (kind, delivery, day, status) in enumerate(histories)
        ]
        ordered = sorted(events, key=lambda event: event.at)
        wanted = end(engine, [((), True), *(([event], False) for event in ordered)])
        times = data.draw(st.lists(st.sampled_from([1, 1, 2, 3, 46]), min_size=len(events), max_size=len(events)))
        many = [event for event, count in zip(events, times, strict=True) for _ in range(count)]
        data.draw(st.randoms(use_true_random=False)).shuffle(many)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(many)), max_size=5)))
        parts = [many[a:b] for a, b in zip([0, *cuts], [*cuts, len(many)], strict=True)]
        recorded = data.draw(st.integers(0, len(parts)))
        calls = [(part, n == recorded) for n, part in enumerate([*parts, []])]
        assert end(engine, calls) == wanted

    try:
        check()
    finally:
        engine.dispose()


def in_memory() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    metadata.create_all(engine)
    return engine


@few_and_many(8, 100)
def test_any_history_ends_as_the_ordered_one(count: int) -> None:
    histories(count)


@pytest.mark.proof
def test_ten_thousand_histories_end_as_the_ordered_one(figure: Figures) -> None:
    histories(10_000)
    figure("12 histories of events", goal="10,000 end as the ordered one", result="10,000", met=True)
