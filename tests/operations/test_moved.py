"""After a move: the line to write, the pages of the old database, and the way back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from digest.config.load import load
from digest.errors import PersonNeeded, TryLater
from digest.installation import Installation
from digest.operations.move import address_shown, move_up
from digest.store.engine import writing, writing_at_once
from digest.web.app import make_app
from subscribers.tables import subscriber
from tests import console
from tests.counts import table
from tests.house import House, having_sent


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with a reader, which has sent an edition."""
    with closing(having_sent(tmp_path_factory.mktemp("moved") / "house")) as house:
        yield house


@table(
    "url, shown, has_password",
    [
        ("postgresql://ann:s3cret@h:5432/d", "postgresql+psycopg://ann@h:5432/d", True),
        ("postgresql+psycopg://ann@h/d?password=s3cret&sslmode=require",
         "postgresql+psycopg://ann@h/d?sslmode=require", True),
        ("postgresql+psycopg://ann@/d?host=/run/pg", "postgresql+psycopg://ann@/d?host=%2Frun%2Fpg", False),
    ],
)  # fmt: skip
def test_the_address_is_shown_without_its_password(url: str, shown: str, has_password: bool) -> None:
    assert address_shown(url) == (shown, has_password)


@pytest.mark.long
def test_the_command_tells_the_line_to_write(house: House, postgresql_url: str) -> None:
    with_password = postgresql_url.replace("postgres@", "postgres:s3cret@")
    told = console.digest(house.folder, "db", "move", environ={"DIGEST_MOVE_URL": with_password})
    assert told.code == 0 and told.stdout.startswith('url = "postgresql+psycopg://postgres@/digest_test_')
    assert "rows copied, counted and compared" in told.stderr and "config.toml below [storage]" in told.stderr
    assert "without its password" in told.stderr and "s3cret" not in told.stdout + told.stderr
    again = console.digest(house.folder, "db", "move", postgresql_url)
    assert (again.code, again.stdout) == (0, told.stdout) and "moved already" in again.stderr
    # Everything but the url is as it was.
    config = house.config.read_text()
    house.config.write_text(f"{config}\n[storage]\n{told.stdout}")
    now = (house.now.replace(day=13)).isoformat()
    assert console.digest(house.folder, "--now", now, "run").code in (0, 4)
    assert "HOLD" not in console.digest(house.folder, "--now", now, "status").stdout
    house.config.write_text(config)
    for words in (["run"], ["db", "upgrade"], ["db", "resume", "--sent"], ["serve"]):
        refused = console.digest(house.folder, "--now", now, *words)
        assert refused.code == 4 and f"moved to {told.stdout[7:-2]}" in refused.stderr, (words, refused)
        assert "docs/move.md" in refused.stderr
    status = console.digest(house.folder, "--now", now, "status")
    assert status.code == 0 and "HOLD: nothing is mailed: it was moved to" in status.stdout
    assert "resume" not in status.stdout.splitlines()[0]
    (finding,) = [
        each for each in console.digest(house.folder, "doctor", "--json").document if each["place"] == "database"
    ]
    assert "write that address as url" in finding["cure"]


@pytest.mark.long
def test_a_reader_who_leaves_meanwhile_or_after_it_is_not_lost(
    house: House, postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    token = house.token("unsubscribe", 1)
    live = house.live()
    client = TestClient(make_app(live), raise_server_exceptions=False, base_url="https://digest.example.org")
    refused = []

    def leave(_done: int, _total: int) -> None:
        if not refused:
            with pytest.raises(TryLater) as locked, writing_at_once(live.engine, "leave"):
                pass
            refused.append(locked)

    move_up(house.place, postgresql_url, leave)
    assert refused
    assert client.get("/healthz").status_code == 503
    with caplog.at_level(logging.ERROR):
        answer = client.post(f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 503 and "moved to postgresql+psycopg" in caplog.text
    new = Installation(load(house.config, {"DIGEST_STORAGE__URL": postgresql_url}), house.now)
    client = TestClient(make_app(new), base_url="https://digest.example.org")
    assert client.post(f"/unsubscribe/{token}", data={"List-Unsubscribe": "One-Click"}).status_code == 200
    with writing(new.engine) as conn:
        assert conn.scalar(select(subscriber.c.state)) == "left"
    assert client.get("/healthz").status_code == 200
    new.close()


def test_the_way_back_is_a_restore_after_which_the_new_one_is_in_hold(house: House, postgresql_url: str) -> None:
    move_up(house.place, postgresql_url)
    for words in (["db", "backup", "back.db"], ["db", "restore", "back.db"]):
        assert console.digest(house.folder, *words).code == 0
    now = house.now.isoformat()
    resumed = console.digest(house.folder, "--now", now, "db", "resume", "--sent")
    assert resumed.code == 0, resumed
    house.place.fence.check()
    house.reader("late@example.org")
    house.place.require_schema()
    new = Installation(load(house.config, {"DIGEST_STORAGE__URL": postgresql_url}), house.now)
    with pytest.raises(PersonNeeded, match="does not fit the database"):
        new.fence.check()
    new.close()
