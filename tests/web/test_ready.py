"""/readyz: 200 while letters can leave and do, else 503 with the checks that fail; a GET changes nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from digest.store.engine import writing
from digest.web.app import make_app
from tests.house import House

Begun = Callable[..., House]


@pytest.fixture
def house(tmp_path: Path, begun: Begun) -> House:
    house = begun(tmp_path / "house")
    house.reader("anna@example.org")
    house.place.require_secret()
    return house


def asked(house: House) -> tuple[int, dict[str, Any]]:
    """Ask a server that has just started, because one that runs shares its answers for some seconds."""
    answer = TestClient(make_app(house.live()), raise_server_exceptions=False).get("/readyz")
    return answer.status_code, answer.json()


def failing(house: House) -> list[str]:
    status, told = asked(house)
    assert (status == 200) is told["ready"] is (not told["problems"])
    return list(told["problems"])


def test_ready_and_what_takes_it_away(house: House) -> None:
    assert asked(house) == (200, {"ready": True, "problems": {}})
    house.now += timedelta(hours=3)
    status, told = asked(house)
    assert (status, told["problems"]) == (503, {"last run": "no run has come for more than 2 hours"})
    house.run()
    assert failing(house) == []
    house.place.fence.hold()
    assert failing(house) == ["hold"]


def test_a_server_that_runs_tells_what_becomes_of_its_database(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    client = TestClient(make_app(house.live()), raise_server_exceptions=False)

    def problems() -> dict[str, str]:
        house.now += timedelta(seconds=61)  # longer than any answer is shared
        return dict(client.get("/readyz").json()["problems"])

    assert problems() == {}
    with writing(house.place.engine) as conn:
        conn.execute(text("UPDATE suppression_secret SET fingerprint = 'another'"))
        conn.execute(text("INSERT INTO suppression_secret (id, fingerprint) SELECT 1, 'another' WHERE NOT EXISTS"
                          " (SELECT 1 FROM suppression_secret WHERE id = 1)"))  # fmt: skip
    assert list(problems()) == ["keys"]
    with writing(house.place.engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert list(problems()) == ["schema"]
    house.close()
    (house.folder / "digest.db").rename(house.folder / "gone.db")
    caplog.set_level(logging.ERROR)
    caplog.clear()
    told = problems()
    assert list(told) == ["database"]
    # The path stands in the log alone.
    assert str(house.folder) in caplog.text and str(house.folder) not in json.dumps(told)


def test_what_is_told_names_nobody_and_no_path(house: House) -> None:
    house.publish("One")
    house.run(days=3, hours=22)
    house.now += timedelta(days=1)
    status, told = asked(house)
    assert (status, list(told["problems"])) == (503, ["last run", "letters"])
    assert "anna" not in json.dumps(told) and "/" not in json.dumps(told)


def test_a_get_changes_nothing_and_others_are_refused(house: House) -> None:
    app = TestClient(make_app(house.live()), raise_server_exceptions=False)
    assert app.head("/readyz").status_code == 200
    assert app.post("/readyz").status_code == 405
    files = ("digest.db", "digest.db-wal", "digest.fence")
    before = [(house.folder / name).read_bytes() for name in files]
    assert app.get("/readyz").status_code == 200
    assert [(house.folder / name).read_bytes() for name in files] == before
