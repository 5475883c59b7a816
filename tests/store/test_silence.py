"""Find silent readers in the database, and tell nobody twice in a month."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, insert, select, update

from digest.store import silence
from digest.store.engine import reading, writing
from digest.store.schema import delivery, edition
from subscribers.tables import consent_event, subscriber
from tests.store.test_releases import START, join

NOW = START + timedelta(days=60)
DAY = timedelta(days=1)


@pytest.fixture
def engine(database_url: str, opened: Callable[..., Engine]) -> Engine:
    return opened(database_url)


def freeze(conn: Connection, cadence: str, days: int) -> int:
    """Store an edition that was frozen so many days ago."""
    at = NOW - days * DAY
    row = {"cadence": cadence, "slot": at.date().isoformat(), "state": "frozen", "to_release": 1, "content_hash": ""}
    new = insert(edition).values(**row, created_at=at, frozen_at=at).returning(edition.c.id)
    return int(conn.execute(new).scalar_one())


# Of each reader: the cadence, the state of a delivery so many days ago, other values, and whether they are silent.
READERS: dict[str, tuple[str, str, int, dict[str, object], bool]] = {
    "nothing matched": ("weekly", "empty", 6, {}, True),
    "a letter in time": ("weekly", "accepted", 27, {}, False),
    "a letter long ago": ("weekly", "accepted", 34, {}, True),
    "a letter is owed": ("weekly", "pending", 6, {}, False),
    "a letter is in doubt": ("weekly", "uncertain", 6, {}, False),
    "a letter was refused": ("weekly", "refused", 6, {}, False),
    "a month has 31 days": ("monthly", "accepted", 34, {}, False),
    "a monthly reader": ("monthly", "accepted", 41, {}, True),
    "a daily reader": ("daily", "empty", 6, {}, True),
    "nothing was frozen for them": ("fortnightly", "", 0, {}, True),
    "paused": ("weekly", "held", 6, {"paused_until": NOW + DAY}, False),
    "paused until lately": ("weekly", "held", 6, {"paused_until": NOW - 3 * DAY}, False),
    "paused long ago": ("weekly", "empty", 6, {"paused_until": NOW - 29 * DAY}, True),
    "has left": ("weekly", "", 0, {"state": "left"}, False),
    "not confirmed": ("weekly", "", 0, {"state": "pending"}, False),
    "has changed something": ("weekly", "empty", 6, {}, False),
}


def stored(conn: Connection) -> dict[str, int]:
    """Store the readers with their deliveries; return their ids."""
    join(conn, [START] * len(READERS))
    numbers = dict(zip(READERS, conn.scalars(select(subscriber.c.id).order_by(subscriber.c.id)), strict=True))
    days_of = {(cadence, days) for cadence, state, days, *_ in READERS.values() if state}
    editions = {(cadence, days): freeze(conn, cadence, days) for cadence, days in sorted(days_of)}
    for name, (cadence, state, days, values, _) in READERS.items():
        number = numbers[name]
        conn.execute(update(subscriber).where(subscriber.c.id == number).values({"cadence": cadence, **values}))
        if state:
            row = {"edition_id": editions[cadence, days], "subscriber_id": number, "state": state}
            conn.execute(insert(delivery).values(**row, updated_at=NOW))
    change = {"subscriber_id": numbers["has changed something"], "at": NOW - DAY, "what": "changed"}
    conn.execute(insert(consent_event).values(change))
    return numbers


def test_who_is_silent(engine: Engine) -> None:
    with writing(engine) as conn:
        numbers = stored(conn)
        silent = {reader.id for reader in silence.silent_readers(conn, NOW)}
        assert {name: number in silent for name, number in numbers.items()} == {
            name: expected for name, (*_, expected) in READERS.items()
        }
        assert {number for number in numbers.values() if silence.is_silent(conn, number, NOW)} == silent
        first = silence.silent_readers(conn, NOW, limit=2)
        assert [reader.id for reader in first] == sorted(silent)[:2]
        assert {reader.id for reader in silence.silent_readers(conn, NOW, after=first[-1].id)} == silent - {
            reader.id for reader in first
        }
        days = silence.last_letters(conn, numbers.values())
        assert days[numbers["a letter long ago"]] == (NOW - 34 * DAY).date().isoformat()
        assert numbers["nothing matched"] not in days and numbers["a letter was refused"] not in days


def told(conn: Connection, number: int, *instants: datetime) -> list[bool]:
    return [silence.note_told(conn, number, at) for at in instants]


def test_nobody_is_told_twice_in_a_month(engine: Engine) -> None:
    with writing(engine) as conn:
        number = stored(conn)["nothing matched"]
        assert told(conn, number, NOW, NOW, NOW + 30 * DAY, NOW + 31 * DAY, NOW + 32 * DAY) == [
            True, False, False, True, False,
        ]  # fmt: skip
        untold = silence.silent_readers(conn, NOW + 33 * DAY, untold=True)
        assert untold and number not in {reader.id for reader in untold}
        silence.note_all_told(conn, NOW + 40 * DAY)
        assert silence.silent_readers(conn, NOW + 70 * DAY, untold=True) == []
        assert silence.silent_readers(conn, NOW + 70 * DAY) != []


def test_a_look_is_due_until_one_has_found_all(engine: Engine) -> None:
    for due in (False, True, True, False):
        with writing(engine) as conn:
            silence.keep_look(conn, due=due)
        with reading(engine) as conn:
            assert silence.has_look_due(conn) == due
