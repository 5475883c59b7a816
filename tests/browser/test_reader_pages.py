"""The pages behind the links in letters, in a browser under their own policy: accessible, readable, and they work."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn

from digest.notices.new_link import LinkNotices
from digest.store.engine import writing
from digest.web.app import make_app
from subscribers import store as people
from tests.browser import scenes
from tests.browser.scenes import Scene
from tests.web.test_reader_pages import Post

pytestmark = pytest.mark.browser
SCENES = (
    Scene("light, 1280", 1280),
    Scene("light, 320", 320),
    Scene("dark, 1280", 1280, "dark"),
    Scene("dark, 320", 320, "dark"),
)


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    """The house of the tests of these pages."""
    made = Post(tmp_path_factory.mktemp("pages") / "house")
    yield made
    made.house.close()


@pytest.fixture(scope="module")
def address(post: Post) -> Iterator[str]:
    """The application on a real socket: headers count in a browser."""
    place = post.house.place
    app = make_app(post.house.live(), LinkNotices(place))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def opened(page: Any, address: str, path: str) -> list[str]:
    """Open a page of ours; return what the browser complains about."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.route(f"{address}/**", lambda route: route.continue_())
    page.goto(address + path)
    return said


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_the_pages_are_accessible_and_fit(
    post: Post, address: str, page_of: Callable[[Scene], Any], scene: Scene
) -> None:
    page = page_of(scene)
    paths = [post.link(name) for name in ("preferences", "pause", "unsubscribe", "letters")]
    faults = []
    for path in (*paths, "/preferences/x", "/new-link", post.link("letters", edition=999)):
        said = [one for one in opened(page, address, path) if "404" not in one and "410" not in one]
        faults += [f"{path}: {fault}" for fault in said + scenes.layout(page) + scenes.violations(page)]
        # Whatever the policy refused would leave the page bare.
        dressed = "getComputedStyle(document.querySelector('.sheet') || document.querySelector('main')).maxWidth"
        assert page.evaluate(dressed) in ("600px", "672px"), path
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_saving_and_pausing_by_keyboard(
    post: Post, address: str, page_of: Callable[[Scene], Any], scene: Scene
) -> None:
    page = page_of(scene)
    with writing(post.engine) as conn:
        people.end_pause(conn, post.rhian, how="test", now=post.house.now)
    opened(page, address, post.link("preferences"))
    page.get_by_label("Transport").focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Saved')")
    faults = scenes.layout(page) + scenes.violations(page)
    page.get_by_role("link", name="Pause these letters").click()
    page.get_by_label("1 month").check()
    page.get_by_role("button").click()
    page.wait_for_selector("h1:has-text('Your letters are paused')")
    faults += scenes.layout(page) + scenes.violations(page)
    page.get_by_role("link", name="Change it again").click()
    page.get_by_label("End the pause now").check()
    page.get_by_role("button").click()
    page.wait_for_selector("h1:has-text('Your letters go on')")
    assert not faults, "\n".join(faults)
    assert post.person().paused_until is None


def test_the_letter_ends_with_what_was_over_the_cap(
    post: Post, address: str, page_of: Callable[[Scene], Any]
) -> None:
    page = page_of(SCENES[0])
    opened(page, address, post.link("letters") + "#more")
    place = page.evaluate(
        "(({top, bottom}) => [top, bottom, innerHeight])(document.getElementById('more').getBoundingClientRect())"
    )
    assert place[0] >= -1 and place[1] <= place[2]  # the whole of it is in sight
    assert page.evaluate("getComputedStyle(document.querySelector('.web-more')).maxWidth") == "600px"
    assert page.get_by_role("region").get_by_role("link").count() == 8
