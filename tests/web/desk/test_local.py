"""The local desk: open with its key alone, for this machine alone, and every answer guarded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from digest.web.desk.door import SessionDoor
from digest.web.desk.local import local_app
from tests.house import House
from tests.web.desk.local import HOST, desk_of


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_key_opens_it(house: House) -> None:
    client = desk_of(house)
    assert client.get("/desk").status_code == 200


@pytest.mark.parametrize("path", ["/desk", "/desk/weekly", "/desk/open/wrong"])
def test_without_the_key_nothing_is_shown(house: House, path: str) -> None:
    app, _ = local_app(house.place, "Ann")
    client = TestClient(app, base_url=HOST)
    assert client.get(path).status_code in (403, 404)


def test_another_name_for_this_machine_is_refused(house: House) -> None:
    client = desk_of(house)
    assert client.get("/desk", headers={"host": "evil.example.org"}).status_code == 421


def test_answers_are_guarded(house: House) -> None:
    headers = desk_of(house).get("/desk").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "'unsafe" not in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "no-referrer"


def test_the_cookie_is_for_this_site_and_no_script(house: House) -> None:
    app, opened = local_app(house.place, "Ann")
    answer = TestClient(app, base_url=HOST).get(opened(""), follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == "/desk"
    assert {"HttpOnly", "SameSite=Strict"} <= set(answer.headers["set-cookie"].split("; "))


def test_it_does_not_sign_anybody_out_of_the_desk_of_serve_on_the_same_host(house: House) -> None:
    house.settings = replace(house.settings, site=replace(house.settings.site, base_url=HOST))
    app, opened = local_app(house.place, "Ann")
    client = TestClient(app, base_url=HOST)
    client.cookies.set(SessionDoor(house.place, lambda: None).cookie, "a session", domain="127.0.0.1")
    assert client.get(opened("")).status_code == 200
    assert "a session" in client.cookies.values()
