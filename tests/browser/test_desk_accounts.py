"""Editors sign in by keyboard alone in a browser; the pages of accounts and of the log are accessible, and fit."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from digest.config.load import load
from digest.desk.acts import Hand
from digest.desk.editors import add_editor, end_sessions_of
from digest.desk.sign_in import redeem
from tests.browser import scenes
from tests.browser.scenes import Scene
from tests.browser.test_reader_pages import opened
from tests.desk.signed_in import link_for, link_in, mails
from tests.house import House
from tests.serving import running
from tests.web.desk.served import Served

pytestmark = pytest.mark.browser
SCENES = (
    Scene("light, 1280", 1280),
    Scene("light, 375", 375),
    Scene("dark, 1280", 1280, "dark"),
    Scene("dark, 375", 375, "dark"),
)
EACH_SCENE = pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The desk on a real socket, which its links name, with editors of long names and addresses."""
    house = House(tmp_path_factory.mktemp("desk") / "house")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        house.config.write_text(house.config.read_text().replace("https://digest.example.org", address))
        house.settings = load(house.config, {})
        served = Served(house)
        served.editor("Ann", "admin")
        email = f"{'x' * 60}@{'council' * 7}.example.org"
        add_editor(served.place, Hand("operator"), email, "Bob Featherstonehaugh-Cholmondeley", "viewer")
        with running(served.app, listening):
            yield served
    house.close()


@EACH_SCENE
def test_an_editor_signs_in_by_keyboard_alone(served: Served, page_of: Callable[[Scene], Any], scene: Scene) -> None:
    end_sessions_of(served.place, Hand("operator"), 1)
    served.house.now += timedelta(minutes=70)  # because of the limit of an hour
    page, address, before = page_of(scene), served.house.settings.site.base_url, len(mails(served.house))
    faults = opened(page, address, "/desk/log") + judged(page)
    page.keyboard.type("ann@example.org")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Look in your mailbox')")
    faults += judged(page)
    for _ in range(200):
        if len(mails(served.house)) > before:
            break
        page.wait_for_timeout(50)
    page.goto(address + link_in(mails(served.house)[-1]))
    faults += judged(page)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Log')")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Sign in')")
    assert not faults, "\n".join(faults)


@EACH_SCENE
def test_the_pages_are_accessible_and_fit_the_width(
    served: Served, page_of: Callable[[Scene], Any], scene: Scene
) -> None:
    served.house.now += timedelta(minutes=70)
    page, address = page_of(scene), served.house.settings.site.base_url
    token = redeem(served.place, link_for(served.house, "ann@example.org"), "Firefox on Linux")
    page.context.add_cookies([{"name": "desk", "value": token, "url": address}])
    faults = []
    for path in ("/desk/editors", "/desk/editors?told=added", "/desk/log", "/desk/log?object=x", "/desk/sessions"):
        faults += [f"{path}: {fault}" for fault in opened(page, address, path) + judged(page)]
    opened(page, address, "/desk/editors")
    page.locator("summary").first.click()
    faults += judged(page)
    page.context.clear_cookies()
    assert not faults, "\n".join(faults)


def judged(page: Any) -> list[str]:
    """Return the faults of the page that is shown; nothing in it comes from elsewhere."""
    text = page.content()
    foreign = [url for url in re.findall(r'(?:src|href)="([^"]+)"', text) if not url.startswith(("/", "#"))]
    return [*scenes.violations(page), *(f"leads elsewhere: {url}" for url in foreign), *_wide(page)]


def _wide(page: Any) -> list[str]:
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{over} pixels too wide"] if over > 0 else []
