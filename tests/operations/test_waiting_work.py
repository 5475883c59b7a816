"""Test what the workers of a cluster are told of, and that nothing is told again and again while nothing changes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update

from digest.operations.waiting_work import waiting_work
from digest.store import notices, runs
from digest.store.engine import writing
from digest.store.schema import delivery, edition
from tests.house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "house")
    house.reader("weekly@example.org")
    house.publish("One")
    house.run()
    return house


def kinds(house: House, **ahead: float) -> set[str]:
    """Return the kinds of work that wait after some time."""
    house.now += timedelta(**ahead)
    return {work.kind for work in waiting_work(house.place)}


def begin_turn(house: House) -> None:
    with writing(house.place.engine) as conn:
        runs.start(conn, "turn", house.now)


def test_a_folder_is_read_as_often_as_a_turn_comes(house: House) -> None:
    assert [kinds(house, seconds=15), kinds(house, minutes=14), kinds(house, minutes=1)] == [
        set(), set(), {"gather", "turn"},
    ]  # fmt: skip


def test_an_edition_that_a_turn_has_left_as_it_is_brings_no_turn_at_each_look(house: House) -> None:
    assert "turn" in kinds(house, days=4)
    begin_turn(house)
    assert "turn" not in kinds(house, seconds=15)
    assert "turn" in kinds(house, minutes=2)


def test_a_notice_brings_a_turn_at_once_and_then_again_later(house: House) -> None:
    house.now += timedelta(minutes=5)
    with writing(house.place.engine) as conn:
        notices.add(conn, "test", "editor@example.org", "hash", house.now)
    assert "turn" in kinds(house, seconds=15)
    begin_turn(house)
    assert "turn" not in kinds(house, seconds=15)
    assert "turn" in kinds(house, minutes=2)


@pytest.mark.parametrize(("hour", "is_told"), [(25, True), (12, False), (-60, False)])
def test_a_request_in_doubt_brings_a_turn_while_it_can_be_taken_back(house: House, hour: int, is_told: bool) -> None:
    house.now += timedelta(minutes=1)
    begin_turn(house)
    with writing(house.place.engine) as conn:
        conn.execute(
            insert(edition).values(
                id=9, cadence="weekly", slot="2026-01-01", state="frozen", to_release=0, content_hash="",
                created_at=house.now, frozen_at=house.now, eligible=1,
            )
        )  # fmt: skip
        row = {"id": 9, "edition_id": 9, "subscriber_id": 1, "state": "uncertain", "request": "b1"}
        conn.execute(
            insert(delivery).values(updated_at=house.now, send_at=house.now + timedelta(minutes=hour), **row)
        )
    assert "turn" not in kinds(house, seconds=15)
    assert ("turn" in kinds(house, minutes=2)) is is_told
    with writing(house.place.engine) as conn:
        conn.execute(update(delivery).values(take_back="late"))
    assert "turn" not in kinds(house)
