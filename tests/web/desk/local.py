"""Open the local desk of a house in a test client that is let in: `desk_of(house)`."""

from __future__ import annotations

import html
import re

from starlette.testclient import TestClient

from digest.web.desk.local import local_app
from tests.house import House

HOST = "http://127.0.0.1"


class DeskClient(TestClient):
    """A browser at the local desk: follows redirects, and posts with the token of its last page."""

    def press(self, address: str, page: str, **fields: object) -> str:
        """Post a form whose token stands on `page`; return the text of the page that follows."""
        values = {"csrf": self.csrf(page)} | {name: str(value) for name, value in fields.items()}
        response = self.post(address, data=values)
        assert response.status_code == 200, (response.status_code, response.text)
        return response.text

    _token = ""

    def csrf(self, page: str) -> str:
        """Return the token of the forms on a page; the local desk has one for all its pages."""
        if not self._token:
            self._token, *_ = re.findall(r'name="csrf" value="([^"]+)"', self.get(page).text)
        return self._token


def words(page: str) -> str:
    """Return what a person reads of a page, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def desk_of(house: House) -> DeskClient:
    """Return a browser that has opened the local desk of a house."""
    app, opened = local_app(house.place, "Ann")
    client = DeskClient(app, base_url=HOST)
    assert client.get(opened(""), follow_redirects=False).status_code == 303
    return client
