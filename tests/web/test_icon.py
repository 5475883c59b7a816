"""The icon of readers' pages is in the brand's colour, and every page leads to it."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.testclient import TestClient

from digest.web.app import make_app
from tests.house import House


def test_a_page_leads_to_an_icon_in_the_colour_of_the_brand(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    with TestClient(make_app(house.live())) as client:
        link = re.search(r'<link rel="icon" href="([^"]+)"', client.get("/privacy").text)
        assert link is not None
        icon = client.get(link[1])
    assert icon.headers["content-type"] == "image/svg+xml"
    assert house.settings.brand.light.accent in icon.text
    house.close()
