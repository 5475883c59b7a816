"""Each page of readers, taken from the route table, is guarded and never names the host that a client sends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from digest.notices.new_link import LinkNotices
from digest.web.app import make_app
from digest.web.readers.page import ReaderPages, ReaderRoute
from digest.web.readers.routes import PAGES
from tests.house import House

FOREIGN = "evil.example"
GUARDS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that offers every page, whose reader has had a letter."""
    house = House(tmp_path_factory.mktemp("routes") / "house", weekly="[answers]\nenabled = true\n")
    site = replace(house.settings.site, reader_zones=("America/New_York",))
    house.settings = replace(house.settings, site=site)
    house.reader("ann@example.org")
    house.run()
    house.publish("A list")
    house.run(days=4)
    yield house
    house.close()


@pytest.fixture(scope="module")
def client(house: House) -> TestClient:
    app = make_app(house.live(), LinkNotices(house.place))
    return TestClient(app, base_url=f"https://{FOREIGN}", raise_server_exceptions=False)


def paths_of(house: House, page: ReaderRoute) -> list[str]:
    """Return addresses of a page: with a token that opens it where one of a reader does, and with damaged parts."""
    purpose = "unsubscribe" if page.path.startswith("/unsubscribe") else "preferences"
    parts = {"cadence": "weekly", "slot": "2026-11-06", "number": "1", "slug": "housing"}
    path = page.path.replace(":int}", "}")
    good, bad = {**parts, "token": house.token(purpose, 1)}, {**dict.fromkeys(parts, "9"), "token": "x"}
    return [path.format(**good), path.format(**bad)]


def test_the_house_offers_every_page(house: House) -> None:
    pages = ReaderPages(house.live(), LinkNotices(house.place))
    assert [page.path for page in PAGES if not page.offered(pages)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_page_is_guarded_and_never_names_the_host_of_a_client(
    house: House, client: TestClient, page: ReaderRoute
) -> None:
    for path in paths_of(house, page):
        for method in ("GET", "HEAD", "POST"):
            answer = client.request(method, path, headers={"X-Forwarded-Host": FOREIGN}, follow_redirects=False)
            where = f"{method} {path}: {answer.status_code}"
            assert answer.status_code < 500, where
            assert {name: answer.headers.get(name) for name in GUARDS} == GUARDS, where
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy.replace("style-src 'unsafe-inline'", "")
            assert "frame-ancestors 'none'" in policy or page.foreign or page.path == "/sample", where
            private = "{token}" in page.path or method == "POST" or answer.status_code != 200
            cached = answer.headers["cache-control"]
            assert cached == "no-store" or not private, where
            assert "set-cookie" not in answer.headers, where
            assert FOREIGN not in answer.text and FOREIGN not in str(answer.headers), where


def test_no_letter_and_no_notice_names_the_host_of_a_client(house: House, client: TestClient) -> None:
    client.post("/join", data={"email": "bea@example.org", "cadence": "weekly"})
    client.post("/new-link", data={"email": "ann@example.org"})
    mails = [path.read_bytes() for path in sorted(house.folder.rglob("*.eml"))]
    assert len(mails) >= 2 and not [mail for mail in mails if FOREIGN.encode() in mail]
