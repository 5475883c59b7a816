"""A page that refuses a form shows the cure and what the editor typed; every address of the desk has a page."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from digest.desk.pool import draft_again
from digest.store.engine import writing
from digest.web.desk.gate import route
from digest.web.desk.local import OPEN, LocalDoor
from digest.web.desk.page import EDITOR, Desk, DeskAnswer, DeskPage
from tests.house import ANN, House
from tests.web.desk.local import HOST, DeskClient, desk_of
from tests.web.desk.served import Served

NOTE = "Two lines,\nand <b>a sign</b> & more."


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.publish("A")
    draft_again(house.place, ANN, "weekly")
    return house


def test_what_was_typed_comes_back_and_can_be_sent_again(house: House) -> None:
    client = desk_of(house)
    words = {"edition": "1", "seen": "99", "subject": "Homes in Wales", "note": NOTE, "question": "", "step": ""}
    values = words | {"csrf": client.csrf("/desk/weekly"), "at": "entry=1"}
    for fails, mends, cure in _troubles(house):
        fails()
        refused = client.post("/desk/weekly/words", data=values)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "600"), cure
        page = unescape(refused.text)
        assert cure in page and NOTE in page and "Homes in Wales" in page
        assert client.get("/desk/weekly").status_code in (200, 503)
        mends()
        again = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', refused.text))
        assert again.items() >= {"subject": "Homes in Wales", "at": "entry=1"}.items()
    saved = client.post("/desk/weekly/words", data={name: unescape(value) for name, value in again.items()})
    assert saved.status_code == 200 and "Two lines, and <b>a sign</b>" in unescape(saved.text)


def _troubles(house: House) -> list[tuple[Callable[[], object], Callable[[], object], str]]:
    """Return what may befall the database under a running desk: how it begins and ends, and its cure."""
    file = Path(str(house.place.engine.url.database))
    away = file.with_suffix(".away")

    def schema(number: str) -> Callable[[], None]:
        def change() -> None:
            with writing(house.place.engine) as conn:
                conn.execute(text("UPDATE alembic_version SET version_num = :number"), {"number": number})

        return change

    with writing(house.place.engine) as conn:
        present = str(conn.scalar(text("SELECT version_num FROM alembic_version")))
    return [
        (lambda: file.rename(away), lambda: away.rename(file), "put it back"),
        (schema("0020"), schema(present), "`digest db upgrade`"),
        (schema("9999"), schema(present), "install the newer version"),
    ]


def test_a_database_of_another_schema_is_told_on_the_pages_that_it_breaks(house: House) -> None:
    client = desk_of(house)
    with writing(house.place.engine) as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '0020'"))
        conn.execute(text("ALTER TABLE edition DROP COLUMN subject"))
        conn.execute(text("DROP TABLE act"))
    for address in ("/desk", "/desk/weekly", "/desk/log"):
        page = client.get(address)
        assert page.status_code == 503 and "digest db upgrade" in page.text, address


def test_a_fault_of_the_program_loses_nothing_that_was_typed(house: House, caplog: pytest.LogCaptureFixture) -> None:
    client = _at_a_page_that_fails(house)
    token = client.post("/desk/fails", data={"csrf": client.csrf("/desk"), "note": NOTE})
    assert token.status_code == 500 and NOTE in unescape(token.text) and "Send it again" in token.text
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None and "ZeroDivisionError" in str(record.exc_info[0])
    assert NOTE not in caplog.text
    # From another site, or without the session, nothing is offered to be sent.
    foreign = client.post("/desk/fails", data={"csrf": "x", "note": NOTE})
    assert foreign.status_code == 403 and "Send it again" not in foreign.text and NOTE in unescape(foreign.text)
    other = client.post("/desk/fails", data={"csrf": "x", "note": NOTE}, headers={"sec-fetch-site": "cross-site"})
    assert other.status_code == 403 and NOTE not in unescape(other.text)


def _at_a_page_that_fails(house: House) -> DeskClient:
    door, desk = LocalDoor("Ann"), Desk(house.place, local=True)
    shown = DeskPage("/desk", EDITOR, get=lambda _desk, asker, _given: _form(asker.csrf))
    failing = DeskPage("/desk/fails", EDITOR, post=lambda _desk, _asker, _given: 1 / 0)  # type: ignore[return-value]
    app = Starlette(routes=[route(desk, door, page) for page in (door.page(), shown, failing)])
    client = DeskClient(app, base_url=HOST)
    client.get(OPEN.replace("{key}", door.key))
    return client


def _form(csrf: str) -> DeskAnswer:
    return DeskAnswer(body=f'<input name="csrf" value="{csrf}">'.encode())


def test_a_mistake_is_shown_with_what_was_typed_and_not_offered_again(house: House) -> None:
    client = desk_of(house)
    page = client.post(
        "/desk/weekly/words",
        data={"csrf": client.csrf("/desk/weekly"), "edition": "1", "seen": "99", "note": "word " * 500},
    )
    assert page.status_code == 400 and "word word" in page.text and "Send it again" not in page.text


def test_who_is_signed_out_finds_what_was_typed(house: House) -> None:
    stranger = Served(house).stranger()
    page = stranger.post("/desk/weekly/words", data={"note": NOTE, "csrf": "x"})
    assert page.status_code == 403 and NOTE in unescape(page.text) and "Send it again" not in page.text


def test_a_stranger_is_not_told_where_the_database_is(house: House) -> None:
    stranger = Served(house).stranger()
    file = Path(str(house.place.engine.url.database))
    file.rename(file.with_suffix(".away"))
    page = stranger.post("/desk/sign-in", data={"email": "ann@example.org"})
    assert page.status_code == 503 and str(file.parent) not in page.text and "ann@example.org" not in page.text


@pytest.mark.parametrize("address", ["/desk/nowhere", "/desk/weekly/place", "/desk/a/b/c"])
def test_an_address_without_a_page_is_answered_by_the_desk(house: House, address: str) -> None:
    for client in (desk_of(house), Served(house).browser("Ann", "viewer")):
        page = client.get(address)
        assert page.status_code == 404 and "There is no page here" in page.text and "To the editions" in page.text
        assert "Open the link in your letter" not in page.text


def test_the_address_without_its_key_says_how_to_open_the_desk(house: House) -> None:
    client = desk_of(house)
    assert client.get("/").url.path == "/desk"
    closed = TestClient(client.app, base_url=HOST).get("/")
    assert closed.status_code == 403 and "the whole address" in closed.text


def test_the_way_back_leads_to_the_page_of_the_form(house: House) -> None:
    desk = desk_of(house)
    answer = desk.post("/desk/weekly/write", data={"csrf": desk.csrf("/desk/weekly/write"), "title": "A visit"})
    assert answer.status_code == 400 and 'href="/desk/weekly/write">Back to where you were' in answer.text
    answer = desk.post("/desk/weekly/state", data={"csrf": desk.csrf("/desk/weekly"), "number": 1, "at": "entry=1"})
    assert answer.status_code == 400 and 'href="/desk/weekly?entry=1">Back to where you were' in answer.text
