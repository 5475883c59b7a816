"""The pages behind the links in letters, in a browser under their own policy: accessible, readable, and they work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from digest.notices.new_link import LinkNotices
from digest.web.app import make_app
from tests.browser import scenes
from tests.browser.scenes import Scene
from tests.serving import served
from tests.web.test_reader_pages import WALES, Post

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
    app = make_app(post.house.live(replace(post.house.settings, silence_notices=True)), LinkNotices(place))
    with served(app) as address:
        yield address


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
    paths = [post.link(name) for name in ("yours", "pause", "unsubscribe", "letters")]
    faults = []
    for path in (
        *paths,
        *(post.at(f"yours/{page}") for page in ("had", "why", "erase")),
        "/preferences/x",
        "/new-link",
        post.link("letters", edition=999),
    ):
        said = [one for one in opened(page, address, path) if "404" not in one and "410" not in one]
        faults += [f"{path}: {fault}" for fault in said + scenes.layout(page) + scenes.violations(page)]
        # Whatever the policy refused would leave the page bare.
        dressed = "getComputedStyle(document.querySelector('.sheet') || document.querySelector('main')).maxWidth"
        assert page.evaluate(dressed) in ("600px", "768px"), path
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_changing_all_that_a_reader_may(
    post: Post, address: str, page_of: Callable[[Scene], Any], scene: Scene
) -> None:
    page = page_of(scene)
    faults: list[str] = []

    def press(part: str, name: str, title: str) -> None:
        page.locator(part).get_by_role("button", name=name).click()
        page.wait_for_selector(f"h2:has-text('{title}')")
        faults.extend(f"{title}: {fault}" for fault in scenes.layout(page) + scenes.violations(page))

    opened(page, address, post.link("yours"))
    page.get_by_label("Transport").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector("h2:has-text('Saved')")
    press("#pause", "Pause my letters", "There is a problem")
    page.get_by_label("Until a date").check()
    page.get_by_label("The day on which letters go on").fill("2026-12-24")
    press("#pause", "Pause my letters", "Your letters are paused")
    press("#state", "End the pause now", "Your letters go on")
    page.get_by_label("Cymraeg").check()
    press("#language", "Change the language", "Mae eich iaith wedi newid")
    page.get_by_label("English").check()
    press("#language", "Newid yr iaith", "Your language is changed")
    page.get_by_label("Your new email address").fill("nobody")
    press("#address", "Ask for the move", "There is a problem")
    assert page.get_by_label("Your new email address").input_value() == "nobody"
    page.get_by_label("Transport").uncheck()
    press("#choices", "Save what I follow", "Saved")
    assert not faults, "\n".join(faults)
    assert (post.person().paused_until, post.person().interests) == (None, WALES)


# What has the focus: its group of choices, and whether the bar with Save covers a part of it.
_FOCUS = """(() => {
    const at = document.activeElement, bar = document.querySelector('.reach'), one = at.getBoundingClientRect();
    const over = bar.getBoundingClientRect();
    const covered = !bar.contains(at) && one.bottom > over.top + 1 && one.top < over.bottom - 1;
    return {id: at.id, href: at.getAttribute('href') || '', group: at.closest('fieldset')?.id || '', covered};
})()"""


def test_the_keyboard_reaches_each_group_and_save_with_few_tabs(
    post: Post, address: str, page_of: Callable[[Scene], Any]
) -> None:
    """At most 12 Tabs from the top to a group of choices, and 2 from there, or from its end, to Save."""
    for scene in (SCENES[0], SCENES[1]):
        page = page_of(scene)
        opened(page, address, post.link("yours"))
        names = page.locator("#choices fieldset").evaluate_all("all => all.map(one => one.id)")
        assert names == ["cadence", "policy_areas", "regions", "themes", "more"]
        for name in names:
            page.goto("about:blank")
            page.goto(address + post.link("yours"))
            tabs = _tabs_to(page, name)
            assert tabs <= 12, (scene.name, name, tabs)
            assert _tabs_to_save(page) <= 2, (scene.name, name, "from its beginning")
            last = page.locator(f"#{name} input").last
            last.focus()
            assert _tabs_to_save(page) <= 2, (scene.name, name, "from its end")


def _tabs_to(page: Any, group: str) -> int:
    """Press Tab, and Enter on the ways to a group, until a control of the group has the focus; return the Tabs."""
    for tabs in range(1, 40):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        if focus["group"] == group:
            return tabs
        if focus["href"] in ("#main", "#choices", f"#{group}"):
            page.keyboard.press("Enter")
    return 40


def _tabs_to_save(page: Any) -> int:
    """Press Tab, and Enter on the way to Save, until Save has the focus; return the Tabs."""
    if page.evaluate(_FOCUS)["href"] == "#save":
        page.keyboard.press("Enter")
    for tabs in range(4):
        focus = page.evaluate(_FOCUS)
        if focus["id"] == "save":
            return tabs
        page.keyboard.press("Tab")
        if page.evaluate(_FOCUS)["href"] == "#save":
            page.keyboard.press("Enter")
    return 4


def test_save_stays_in_reach_and_covers_no_focus(post: Post, address: str, page_of: Callable[[Scene], Any]) -> None:
    page = page_of(SCENES[1])
    opened(page, address, post.link("yours"))
    page.locator("#choices input:not([type=hidden])").first.focus()
    seen = 0
    for _ in range(60):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS)
        assert not focus["covered"], focus
        top = page.evaluate("document.querySelector('.reach').getBoundingClientRect()")
        assert top["bottom"] <= page.evaluate("innerHeight") + 1, "in sight all the while"
        seen += 1
        if focus["id"] == "save":
            break
    assert 10 < seen < 40
    page.keyboard.press("Shift+Tab")
    assert not page.evaluate(_FOCUS)["covered"]


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
    assert page.locator("#more").get_by_role("link").count() == 8
