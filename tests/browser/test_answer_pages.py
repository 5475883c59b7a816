"""The forms of answers and stories, and the desk's pages about them: accessible, and no wider than the window."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from digest.desk.answers import accept_answer
from digest.desk.stories import invitation_of, invite_place, send_story_back, story_link
from digest.store.engine import reading
from digest.web.app import make_app
from digest.web.desk.local import local_app
from tests.browser import scenes
from tests.browser.desks import running
from tests.browser.scenes import Scene
from tests.desk.test_answers import DID, ED, Answering
from tests.web.test_story_pages import WHOLE, Teller

pytestmark = pytest.mark.browser
SCENES = (
    Scene("light, 1280", 1280),
    Scene("light, 375", 375),
    Scene("dark, 1280", 1280, "dark"),
    Scene("dark, 320", 320, "dark"),
)
PICTURES = os.environ.get("DIGEST_PICTURES")  # a folder for pictures of each page


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    """A house in which readers have answered, and places are invited, have told, and were asked for more."""
    here = Answering(tmp_path_factory.mktemp("forms") / "house")
    here.begin()
    here.give("bea", place="Fife Council")
    here.give("bea", "useful")
    here.give("ann", "not-for-me", "We have no such list, and nobody who could keep one.")
    accept_answer(here.place, ED, 1)
    here.give("ann", text=DID, place="Powys")
    for place in ("Fife Council", "Cyngor Gwynedd", "Hull"):
        Teller(here, invite_place(here.place, ED, place)).whole(place=place)
    send_story_back(here.place, ED, 2, "Since when has it run, and in which towns?")
    invite_place(here.place, ED, "Belfast", 1)
    yield here
    here.close()


@pytest.fixture(scope="module")
def pages(house: Answering) -> Iterator[tuple[str, str, Callable[[str], str]]]:
    """The readers' pages and the local desk on sockets: their addresses, and the way into the desk."""
    readers = make_app(house.live(replace(house.settings, answers=True)))
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        desk, opened = local_app(house.place, "Ann")
        with running(readers, one), running(desk, two):
            addresses = [f"http://127.0.0.1:{each.getsockname()[1]}" for each in (one, two)]
            yield addresses[0], addresses[1], opened


def judged(page: Any, scene: Scene, name: str) -> list[str]:
    """Return the faults of a page as it is now; take its picture where pictures are wanted."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}-{scene.name.replace(', ', '-')}.png", full_page=True)
    # The tags of the desk are 13 px high.
    faults = [fault for fault in scenes.layout(page) if not fault.startswith("13 px")] + scenes.violations(page)
    return [f"{name}: {fault}" for fault in faults]


def sent(page: Any, button: str) -> None:
    """Press a button of a form, and wait for the page that follows."""
    with page.expect_navigation():
        page.locator(button).click()


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_the_forms_of_readers_and_places(
    house: Answering, pages: tuple[str, str, Callable[[str], str]], page_of: Callable[[Scene], Any], scene: Scene
) -> None:
    base, page, faults = pages[0], page_of(scene), []
    page.route(f"{base}/**", lambda route: route.continue_())
    for name in ("ann", "bea"):
        page.goto(f"{base}/yours/{house.token('preferences', house.who[name])}/answer?entry=1")
        faults += judged(page, scene, f"answer-{name}")
    sent(page, "details button[value=tried]")
    faults += judged(page, scene, "answer-saved")
    page.locator("summary").click()
    page.locator("details button[value=tried]").scroll_into_view_if_needed()
    page.get_by_label("We tried this: …").fill("")
    page.get_by_role("textbox", name="Name of our place").fill("")
    sent(page, "details button[value=tried]")
    faults += judged(page, scene, "answer-wrong")
    assert page.locator(".errors li").count() == 2
    for number, name in ((1, "sent"), (2, "back"), (4, "entry")):
        with reading(house.place.engine) as conn:
            link = story_link(house.place, invitation_of(conn, number))
        path = link.removeprefix(house.settings.site.base_url)
        page.goto(base + path)
        faults += judged(page, scene, f"story-{name}")
        page.goto(f"{base}{path}?language=cy")
        faults += judged(page, scene, f"story-{name}-cy")
    sent(page, "button[value=send]")
    faults += judged(page, scene, "story-wrong")
    page.goto(f"{base}/story/none")
    faults += judged(page, scene, "story-unknown")
    assert not faults, "\n".join(faults)
    assert set(house.of("bea")) == {"tried", "useful"} and WHOLE["place"] in house.names()


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_the_pages_of_the_desk(
    house: Answering, pages: tuple[str, str, Callable[[str], str]], page_of: Callable[[Scene], Any], scene: Scene
) -> None:
    base, opened, page, faults = pages[1], pages[2], page_of(scene), []
    page.route(f"{base}/**", lambda route: route.continue_())
    page.goto(opened(base))
    for path in ("answers", "answers?done=1", "stories", "stories/1", "stories/2", "stories/4", "stories?entry=1"):
        page.goto(f"{base}/desk/{path}")
        name = "desk-" + path.replace("/", "-").replace("?", "-")
        faults += judged(page, scene, name)
    assert not faults, "\n".join(faults)
