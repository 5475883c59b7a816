"""Every route of the desk × every role × every method, taken from the route table: no page can be forgotten.

Behind the gate stand counters in the place of the pages' own functions, so that the test sees which requests get in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.responses import Response

from digest.model import ROLES
from digest.web.desk.door import SessionDoor
from digest.web.desk.gate import route
from digest.web.desk.page import Asker, Desk, DeskAnswer, DeskPage, Parameters, Show
from digest.web.desk.routes import PAGES
from tests.house import House
from tests.web.desk.served import Browser, Served

# Pages for everybody, and those on which a viewer may send something. Whoever adds a page here says why it is safe.
PUBLIC = {
    "/desk/desk.css",
    "/desk/desk.js",
    "/desk/icon.svg",
    "/desk/progress.js",
    "/desk/sign-in",
    "/desk/sign-in/{token}",
}
# They change their own session or look alone, or find a reader: by a form, as no address may stand in a page's own.
VIEWERS_SEND = {
    "/desk/sign-out", "/desk/sessions/{session}/end", "/desk/{cadence}/reader", "/desk/{cadence}/looked"
}  # fmt: skip


class Office:
    """The desk with a counter behind each page, and a browser of each role."""

    def __init__(self, house: House) -> None:
        served = Served(house)
        self.calls: list[str] = []
        door = SessionDoor(served.place, lambda: None)
        self.pages = (*door.pages(), *PAGES)
        desk = Desk(served.place)
        browsers = {role: served.browser(role, role) for role in ROLES}
        self.csrf = {role: browser.csrf("/desk/sessions") for role, browser in browsers.items()}
        self.browsers: dict[str, Browser] = {"nobody": served.stranger(), **browsers}
        app = Starlette(routes=[route(desk, door, self._counted(page)) for page in self.pages])
        for browser in self.browsers.values():
            browser._transport.app = app  # type: ignore[attr-defined]

    def _counted(self, page: DeskPage) -> DeskPage:
        def count(_desk: Desk, _asker: Asker, _given: Parameters) -> DeskAnswer:
            self.calls.append(page.path)
            return DeskAnswer(body=b"in")

        return replace(page, get=page.get and count, post=page.post and count)

    def ask(self, role: str, method: str, page: DeskPage, csrf: str = "") -> tuple[Response, bool]:
        """Send a request; return the answer, and whether it came to the page's function, and to no other page's."""
        path = re.sub(r"\{cadence\}", "weekly", page.path)
        path = re.sub(r"\{[^}]+\}", "1", path)
        self.calls.clear()
        data = {"csrf": csrf} if method == "POST" else None
        answer = self.browsers[role].request(method, path, data=data, follow_redirects=False)
        assert self.calls in ([], [page.path]), f"{page.path} is hidden by {self.calls}"
        return answer, bool(self.calls)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    house = House(tmp_path_factory.mktemp("matrix") / "house")
    yield Office(house)
    house.close()


def of(page: DeskPage, method: str) -> Show | None:
    return page.post if method == "POST" else page.get


@pytest.mark.long
def test_a_request_gets_in_as_the_table_says(office: Office) -> None:
    wrong = []
    for page in office.pages:
        for method in ("GET", "HEAD", "POST"):
            roles = [*office.browsers] if method != "HEAD" else ["nobody", page.role]  # it is answered as a GET is
            for role in roles if of(page, method) else ():
                answer, is_in = office.ask(role, method, page, office.csrf.get(role, ""))
                if (answer.status_code, is_in) != expected(page, method, role):
                    wrong.append(f"{method} {page.path} by {role}: {answer.status_code}")
    assert wrong == [] and len(office.pages) > 10


def expected(page: DeskPage, method: str, role: str) -> tuple[int, bool]:
    """Return the status that the table promises, and whether the page's function is called."""
    if page.public:
        return 200, True
    if role == "nobody":
        return (403 if method == "POST" else 303), False
    return (200, True) if ROLES.index(role) >= ROLES.index(page.least(method)) else (403, False)


@pytest.mark.long
def test_no_form_gets_in_without_the_token_of_its_own_session(office: Office) -> None:
    for page in office.pages:
        if page.post is None or page.public:
            continue
        for role in {page.least("POST"), "admin"}:
            for csrf in ("", office.csrf["editor" if role != "editor" else "viewer"]):
                answer, is_in = office.ask(role, "POST", page, csrf)
                assert (answer.status_code, is_in) == (403, False), f"{page.path} by {role}"


@pytest.mark.long
def test_no_other_method_is_answered(office: Office) -> None:
    for page in office.pages:
        # A GET of a page that has none may be read as that of a cadence, of which there is none with such a name.
        lacking = ["POST"] if page.post is None else []
        for method in (*lacking, "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            answer, is_in = office.ask("admin", method, page)
            assert (answer.status_code, is_in) == (405, False), f"{method} {page.path}"


@pytest.mark.long
def test_a_stranger_is_led_to_sign_in_and_nowhere_else(office: Office) -> None:
    for page in office.pages:
        if page.get is not None and not page.public:
            answer, _ = office.ask("nobody", "GET", page)
            assert answer.headers["location"].startswith("/desk/sign-in"), page.path


def test_what_is_open_to_everybody_or_changed_by_viewers_is_named_on_purpose(office: Office) -> None:
    assert {page.path for page in office.pages if page.public} == PUBLIC
    sending = {page.path for page in office.pages if page.post and not page.public and page.least("POST") == "viewer"}
    assert sending == VIEWERS_SEND


def test_no_path_stands_in_the_way_of_another(office: Office) -> None:
    paths = [page.path for page in office.pages]
    assert len(paths) == len(set(paths))
    shapes = [re.sub(r"\{[^}]+\}", "{}", path) for path in paths]
    assert len(shapes) == len(set(shapes)), "two pages differ in the name of a part of their paths alone"
