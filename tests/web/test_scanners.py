"""A scanner that opens all links of a letter, and what they lead to, changes nothing; a button acts once.

Mail servers and mail programs open every link before the reader does, and some follow the links of the answered pages
(figures 28 and 29 of the reliability facts). The pages are not listed here: whatever a page leads to is opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from digest.desk.acts import Hand
from digest.desk.stories import invitation_of, invite_place, story_link
from digest.notices.new_link import LinkNotices
from digest.store.engine import reading
from digest.web.app import make_app
from subscribers.model import Interests
from tests.house import House
from tests.web.scanner import BASE, addresses_of, forms_of, scanned

READER = "rhian@example.org"
# What config.toml needs so that the pages of a feature are there.
EVERYTHING = "[answers]\nenabled = true\n"


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house whose reader has had a letter with more entries than it shows, and which has invited a place."""
    house = House(tmp_path_factory.mktemp("sent") / "house", weekly=EVERYTHING)
    house.reader(READER, interests=Interests(frozenset({"housing"})))
    house.reader("owain@example.org")
    house.run()
    for number in range(14):
        house.publish(f"Note {number}", link=f"https://example.org/{number}")
    house.run(days=4)
    invite_place(house.place, Hand("Ed"), "Fife Council")
    return house


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with TestClient(make_app(house.live(), LinkNotices(house.place)), base_url=BASE) as client:
        yield client


def letter_of(house: House) -> Path:
    [letter] = [path for path in house.folder.glob("letters/weekly-*/*.eml") if READER.encode() in path.read_bytes()]
    return letter


def mailed_addresses(house: House) -> set[str]:
    """Return the links of the reader's letter, and that of the invitation."""
    with reading(house.place.engine) as conn:
        story = story_link(house.place, invitation_of(conn, 1))
    return {*addresses_of(letter_of(house)), story}


def unsubscribe_address(house: House) -> str:
    [address] = [address for address in addresses_of(letter_of(house)) if "/unsubscribe/" in address]
    return address


def kept(house: House) -> dict[str, object]:
    """Return every row of every table, and what every other file holds."""
    with reading(house.place.engine) as conn:
        names = inspect(conn).get_table_names()
        rows = {name: sorted(map(repr, conn.execute(text(f'SELECT * FROM "{name}"')).all())) for name in names}
    assert rows["subscriber"] and rows["delivery"], "nothing is there to be changed"
    files = [path for path in house.folder.rglob("*") if path.is_file() and not path.name.startswith("digest.db")]
    return rows | {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def changed(before: dict[str, object], after: dict[str, object]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


@pytest.mark.long
def test_opening_the_links_of_a_letter_changes_nothing(house: House, client: TestClient) -> None:
    before, addresses = kept(house), mailed_addresses(house)
    assert len({address.split("/")[3] for address in addresses}) >= 3, addresses
    answers = scanned(client, addresses, deep=1, thorough=False)
    assert {answers[address.partition("#")[0]].status_code for address in addresses} <= {200, 302, 303, 307, 308}
    assert len(answers) >= len({address.partition("#")[0] for address in addresses})
    assert changed(before, kept(house)) == []


def test_the_scanner_finds_a_planted_hole() -> None:
    opened: list[str] = []

    async def page(request: Request) -> Response:
        opened.append(f"{request.method} {request.url.path}")
        ways = {"/a": f'<a href="{BASE}/b?x=1&amp;y">b</a>', "/b": '<form action="c"><img src="/d">'}
        return HTMLResponse(ways.get(request.url.path, "<a href='https://example.org/e'>e</a>"))

    app = Starlette(routes=[Route("/{name}", page, methods=["GET", "OPTIONS"])])
    answers = scanned(TestClient(app, base_url=BASE), [f"{BASE}/a#top"], deep=2, thorough=False)
    assert list(answers) == [f"{BASE}/a", f"{BASE}/b?x=1&y", f"{BASE}/c", f"{BASE}/d"]
    counts = {path: len([line for line in opened if line.endswith(path)]) for path in ("/a", "/b", "/c", "/d")}
    assert counts == {"/a": 18, "/b": 3, "/c": 3, "/d": 3}
    assert {line.split()[0] for line in opened} == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.long
def test_following_the_links_of_pages_two_levels_deep_changes_nothing(house: House, client: TestClient) -> None:
    before = kept(house)
    scanned(client, mailed_addresses(house), deep=2, thorough=True)
    assert changed(before, kept(house)) == []


BODIES = {
    "form": {"data": {"List-Unsubscribe": "One-Click"}},
    "multipart": {"files": {"List-Unsubscribe": (None, "One-Click")}},
}


@pytest.mark.long
@pytest.mark.parametrize("body", BODIES)
def test_one_click_acts_once_without_cookie_referer_or_redirect(house: House, client: TestClient, body: str) -> None:
    address, before = unsubscribe_address(house), kept(house)
    answers, states = [], []
    for _ in range(2):
        client.cookies.clear()
        answers.append(client.post(address, follow_redirects=False, **BODIES[body]))  # type: ignore[arg-type]
        states.append(kept(house))
    assert [name for name in ("cookie", "referer", "origin") if name in answers[0].request.headers] == []
    assert [answer.status_code for answer in answers] == [200, 200] and answers[0].content == answers[1].content
    assert {"subscriber", "suppression", "consent_event"} <= set(changed(before, states[0]))
    assert changed(states[0], states[1]) == []


@pytest.mark.long
def test_each_button_acts_once(house: House, client: TestClient, tmp_path: Path) -> None:
    """Every form within two levels of a letter is sent twice as it stands, each in a house of its own."""
    answers = scanned(client, mailed_addresses(house), deep=2, thorough=False)
    pages = {
        address: answer for address, answer in answers.items() if "html" in answer.headers.get("content-type", "")
    }
    forms = {form for address, answer in pages.items() for form in forms_of(address, answer)}
    acted = 0
    # Those that ask for an address are limited by how often they are sent, so that each time counts.
    for number, form in enumerate(sorted(form for form in forms if not form.asks_address)):
        twin = house.copy(tmp_path / f"twin-{number}")
        with TestClient(make_app(twin.live(), LinkNotices(twin.place)), base_url=BASE) as sender:
            states, told = [kept(twin)], []
            for _ in range(2):
                data = {name: [value for key, value in form.fields if key == name] for name, _ in form.fields}
                told.append(sender.post(form.action, data=data, follow_redirects=False).status_code)
                states.append(kept(twin))
        assert max(told) < 500, (form, told)
        person = ("subscriber", "suppression", "consent_event")
        assert [name for name in person if states[1][name] != states[2][name]] == [], form
        acted += states[0] != states[1]
        twin.close()
    assert acted >= 2, forms
