"""Serve the desk of a house to editors in test clients: `Served(house)`, `served.browser("Ann")`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from starlette.testclient import TestClient

from digest.desk.acts import Hand
from digest.desk.editors import add_editor
from digest.installation import Installation
from digest.notices.new_link import LinkNotices
from digest.web.app import make_app
from digest.web.desk.door import served_desk
from tests.desk.signed_in import link_in, mails
from tests.house import House

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
OPERATOR = Hand("operator")


class Ticking(Installation):
    """The installation of a house, whose clock is always the house's."""

    def __init__(self, house: House) -> None:
        super().__init__(house.settings)
        self.house = house
        self.__dict__["engine"] = house.place.engine

    @property
    def clock(self) -> Callable[[], datetime]:
        """Return a function that gives the house's present hour."""
        return lambda: self.house.now


class Browser(TestClient):
    """A browser at the served desk, which follows redirects and keeps cookies."""

    def csrf(self, page: str) -> str:
        """Return the token of the forms on a page."""
        (token, *_) = re.findall(r'name="csrf" value="([^"]+)"', self.get(page).text)
        return str(token)

    def press(self, address: str, page: str = "/desk/sessions", **fields: object) -> tuple[int, str]:
        """Post a form with the token that stands on `page`; return the status and text of what follows."""
        values = {"csrf": self.csrf(page)} | {name: str(value) for name, value in fields.items()}
        answer = self.post(address, data=values)
        return answer.status_code, answer.text


class Served:
    """The web application of a house with its desk."""

    def __init__(self, house: House) -> None:
        self.house, self.place = house, Ticking(house)
        self.place.fence.check()
        links = LinkNotices(self.place, sleep=lambda _: None)
        desk = served_desk(self.place, links.hand_over)
        self.app = make_app(house.live(), links, desk)

    def stranger(self) -> Browser:
        """Return a browser that is not signed in."""
        return Browser(self.app, base_url=self.house.settings.site.base_url, headers={"user-agent": FIREFOX})

    def editor(self, name: str, role: str) -> str:
        """Add an editor; return the address."""
        return add_editor(self.place, OPERATOR, f"{name.lower()}@example.org", name, role).email

    def link(self, email: str, browser: Browser | None = None, to: str = "") -> str:
        """Ask for a link on the page, and return the address in the mail that came."""
        before = len(mails(self.house))
        answer = (browser or self.stranger()).post("/desk/sign-in", data={"email": email, "to": to})
        assert answer.status_code == 200, answer.text
        (mail,) = mails(self.house)[before:]
        return link_in(mail)

    def browser(self, name: str, role: str = "") -> Browser:
        """Return a browser in which an editor has signed in; `role`: the editor is added before."""
        email = self.editor(name, role) if role else f"{name.lower()}@example.org"
        browser = self.stranger()
        assert browser.post(self.link(email)).status_code == 200
        return browser
