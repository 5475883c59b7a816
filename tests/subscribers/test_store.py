from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select

from subscribers import store
from subscribers.errors import BadAddress, NoSubscriber, NotAllowed
from subscribers.model import Interests, Subscriber
from subscribers.tables import consent_event, subscriber
from tests.counts import few_and_many

NOW = datetime(2026, 11, 20, 8, 30, 15, 123456, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
SECRET = b"s" * 32
INTERESTS = Interests(frozenset({"housing", "public-health"}), frozenset({"london"}), frozenset(), elsewhere=False)


def join(conn: Connection, email: str = "jo@town.example", **said: Any) -> Subscriber:
    how, now = said.pop("how", "test"), said.pop("now", NOW)
    return store.add(
        conn, store.NewSubscriber(email, **{"cadence": "weekly"} | said), how=how, now=now, secret=SECRET
    )


def events(conn: Connection, id: int) -> list[str]:
    return [one.what for one in store.history(conn, id)]


def test_what_is_added_is_got_and_found(conn: Connection) -> None:
    added = join(conn, "Jo.Smith@Bücher.example", name="  Jo\r\n Smith\x00 ", interests=INTERESTS, language="cy")
    assert added == Subscriber(
        added.id,
        "Jo.Smith@xn--bcher-kva.example",
        "Jo Smith",
        "weekly",
        INTERESTS,
        "cy",
        "active",
        None,
        NOW,
    )
    assert store.get(conn, added.id) == added
    assert store.find(conn, "jo.smith@BÜCHER.example") == added
    assert store.find(conn, "nobody@town.example") is None
    assert store.find(conn, "no address") is None
    assert store.get(conn, added.id + 1) is None
    assert store.history(conn, added.id) == [store.ConsentEvent(added.id, NOW, "added", "test")]


def test_an_address_is_there_once(conn: Connection) -> None:
    join(conn)
    with pytest.raises(NotAllowed, match="already a subscriber"):
        join(conn, "JO@Town.Example")
    assert store.count(conn) == 1


def test_a_wrong_address_state_or_slug_is_refused(conn: Connection) -> None:
    with pytest.raises(BadAddress):
        join(conn, "jo")
    with pytest.raises(ValueError, match="active or pending"):
        join(conn, state="left")
    with pytest.raises(ValueError, match="slug"):
        join(conn, interests=Interests(themes=frozenset({"a;b"})))
    assert store.count(conn, state=None) == 0


def test_ids_are_never_given_again(conn: Connection) -> None:
    first = join(conn).id
    conn.execute(delete(subscriber).where(subscriber.c.id == first))
    assert join(conn).id > first


def test_pages_are_complete_in_order_and_disjoint(conn: Connection) -> None:
    ids = {}
    for number in range(25):
        cadence, state = ("daily", "weekly")[number % 2], ("active", "pending")[number % 5 == 0]
        ids[join(conn, f"p{number}@town.example", cadence=cadence, state=state).id] = (cadence, state)

    def walk(**asked: Any) -> list[int]:
        found: list[int] = []
        while page := store.stream(conn, **asked, after=found[-1] if found else 0, limit=4):
            assert len(page) <= 4
            found += [one.id for one in page]
        return found

    assert walk(state=None) == sorted(ids)
    assert walk() == [id for id in sorted(ids) if ids[id][1] == "active"]
    assert walk(cadence="daily") == [id for id in sorted(ids) if ids[id] == ("daily", "active")]
    assert walk(cadence="monthly") == []
    assert store.count(conn, state=None) == 25
    assert store.count(conn, cadence="daily") == len(walk(cadence="daily"))


def test_confirming_makes_active_from_then_on(conn: Connection) -> None:
    one = join(conn, state="pending")
    assert one.joined_at is None
    confirmed = store.confirm(conn, one.id, how="link", now=LATER, secret=SECRET)
    assert (confirmed.state, confirmed.joined_at) == ("active", LATER)
    again = store.confirm(conn, one.id, how="link", now=LATER + timedelta(days=1), secret=SECRET)
    assert again == confirmed == store.get(conn, one.id)
    assert events(conn, one.id) == ["added", "confirmed"]


def test_leaving_is_safe_to_repeat_and_suppresses(conn: Connection) -> None:
    one = join(conn)
    store.pause(conn, one.id, LATER, how="page", now=NOW)
    for _ in range(2):
        left = store.leave(conn, one.id, how="one-click", now=NOW, secret=SECRET)
    assert (left.state, left.paused_until) == ("left", None)
    assert left == store.get(conn, one.id)
    assert store.is_suppressed(conn, "JO@town.example", secret=SECRET) == "left"
    assert events(conn, one.id) == ["added", "paused", "left"]


def test_who_left_comes_back_only_by_two_deliberate_steps(conn: Connection) -> None:
    one = join(conn)
    store.leave(conn, one.id, how="page", now=NOW, secret=SECRET)
    with pytest.raises(NotAllowed, match=r"must not be mailed \(left\)"):
        join(conn)
    with pytest.raises(NotAllowed, match=r"must not be mailed \(left\)"):
        store.confirm(conn, one.id, how="link", now=LATER, secret=SECRET)
    for change in (
        lambda: store.pause(conn, one.id, LATER, how="page", now=NOW),
        lambda: store.end_pause(conn, one.id, how="page", now=NOW),
        lambda: store.set_cadence(conn, one.id, "daily", how="page", now=NOW),
        lambda: store.update_interests(conn, one.id, INTERESTS, how="page", now=NOW),
    ):
        with pytest.raises(NotAllowed, match="is left"):
            change()
    assert store.unsuppress(conn, one.email, secret=SECRET) == "left"
    back = store.confirm(conn, one.id, how="link", now=LATER, secret=SECRET)
    assert (back.state, back.joined_at) == ("active", LATER)


def test_changes_are_stored_and_only_real_ones_are_recorded(conn: Connection) -> None:
    one = join(conn)
    for _ in range(2):
        store.update_interests(conn, one.id, INTERESTS, how="page", now=NOW)
        store.set_cadence(conn, one.id, "monthly", how="page", now=NOW)
        store.pause(conn, one.id, LATER, how="page", now=NOW)
    found = store.get(conn, one.id)
    assert found is not None
    assert (found.interests, found.cadence, found.paused_until) == (INTERESTS, "monthly", LATER)
    for _ in range(2):
        assert store.end_pause(conn, one.id, how="page", now=NOW).paused_until is None
    assert events(conn, one.id) == ["added", "changed", "changed", "paused", "resumed"]
    with pytest.raises(ValueError, match="later than now"):
        store.pause(conn, one.id, NOW, how="page", now=NOW)


def test_nobody_is_said_as_nobody(conn: Connection) -> None:
    with pytest.raises(NoSubscriber, match="id 7"):
        store.leave(conn, 7, how="page", now=NOW, secret=SECRET)
    with pytest.raises(NoSubscriber):
        store.forget(conn, 7, now=NOW, secret=SECRET)


def test_forgetting_leaves_a_number_a_date_and_a_hash(conn: Connection) -> None:
    one, other = join(conn), join(conn, "al@town.example")
    store.forget(conn, one.id, now=LATER, secret=SECRET)
    assert store.get(conn, one.id) is None and store.find(conn, one.email) is None
    assert store.history(conn, one.id) == [store.ConsentEvent(one.id, LATER, "erased", "")]
    assert store.is_suppressed(conn, one.email, secret=SECRET) == "erased"
    assert store.get(conn, other.id) == other and events(conn, other.id) == ["added"]
    with pytest.raises(NotAllowed):
        join(conn)
    rows = conn.execute(select(consent_event)).all()
    assert len(rows) == 2


@few_and_many(60, 300)
def test_an_erased_address_is_in_no_byte_of_the_files(tmp_path: Path, count: int) -> None:
    from digest.store.engine import make_engine, writing
    from subscribers.database import metadata

    path = tmp_path / "people.db"
    engine = make_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    with writing(engine) as conn:
        names = [f"canary{n}" for n in range(count)]
        ids = [join(conn, f"{one}@town.example", name=f"{one.title()} Bird", how=one).id for one in names]
    with writing(engine) as conn:
        for id in ids:
            store.set_cadence(conn, id, "daily", how="canary", now=NOW)
    assert b"canary7@" in _bytes(tmp_path)
    with writing(engine) as conn:
        for id in ids:
            store.forget(conn, id, now=LATER, secret=SECRET)
    engine.dispose()
    with sqlite3.connect(path, isolation_level=None) as driver:
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        driver.execute("VACUUM")
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    driver.close()
    assert b"canary" not in _bytes(tmp_path).lower()


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())
