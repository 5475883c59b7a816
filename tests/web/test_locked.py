"""A database that another program holds: each POST is answered in words, nothing changes, and /readyz tells it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from digest.errors import TryLater
from digest.notices.new_link import LinkNotices
from digest.store.deadline import answering_within, shortest_wait
from digest.store.engine import reading, takes_changes, writing
from digest.web import prompt
from digest.web.app import make_app
from subscribers import store as people
from tests.counts import table
from tests.house import House


@contextmanager
def held(house: House) -> Iterator[None]:
    """Hold the database as another program does."""
    other = sqlite3.connect(house.folder / "digest.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(prompt, "WITHIN", 0.05)
    house = House(tmp_path / "house")
    house.reader("ann@example.org")
    yield house
    house.close()


ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@table(
    "page, fields",
    [
        ("unsubscribe/{unsubscribe}", ONE_CLICK),
        ("unsubscribe/{unsubscribe}", {"form": "leave"}),
        ("unsubscribe/{unsubscribe}/monthly", {}),
        ("yours/{preferences}/pause", {"for": "2-weeks"}),
        ("yours/{preferences}/language", {"language": "cy"}),
        ("yours/{preferences}/erase", {"form": "erase"}),
        ("join", {"form": "join-1", "email": "new@example.org", "cadence": "weekly", "language": "en"}),
    ],
)
def test_a_page_is_answered_in_words_and_in_time(house: House, page: str, fields: dict[str, str]) -> None:
    live = house.live()
    client = TestClient(make_app(live, LinkNotices(live)), raise_server_exceptions=False)
    tokens = {purpose: house.token(purpose, 1) for purpose in ("unsubscribe", "preferences")}
    with reading(house.place.engine) as conn:
        before = people.get(conn, 1)
    with held(house):
        answer = client.post("/" + page.format(**tokens), data=fields, follow_redirects=False)
        assert client.get(f"/yours/{tokens['preferences']}").status_code == 200
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60") and "Nothing" in answer.text
    with reading(house.place.engine) as conn:
        assert people.get(conn, 1) == before


def test_ready_tells_that_nothing_can_be_saved(house: House) -> None:
    house.run()
    with held(house):
        answer = TestClient(make_app(house.live())).get("/readyz")
        assert not takes_changes(house.place.engine)
    assert answer.status_code == 503
    assert answer.json()["problems"]["database"] == "another program holds the database: nothing can be saved now"
    assert takes_changes(house.place.engine)
    assert "database" not in TestClient(make_app(house.live())).get("/readyz").json()["problems"]


def test_the_time_is_for_all_that_a_block_does_and_ends_with_it(house: House) -> None:
    assert shortest_wait(30.0) == 30.0
    with answering_within(0.0):
        assert shortest_wait(30.0) == 0.0
        with held(house), pytest.raises(TryLater, match="locked"), writing(house.place.engine):
            raise AssertionError
        with writing(house.place.engine) as conn:
            assert conn.exec_driver_sql("PRAGMA busy_timeout").scalar() == 0
    with writing(house.place.engine) as conn:
        assert conn.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000
