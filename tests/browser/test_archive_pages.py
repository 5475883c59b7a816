"""The public pages of what was sent, in a browser under their own policy: accessible, readable, and they work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from digest.web.app import make_app
from tests.browser import scenes
from tests.browser.scenes import Scene
from tests.serving import served
from tests.web.archive.library import Library

pytestmark = pytest.mark.browser
SCENES = (
    Scene("light, 1280", 1280),
    Scene("light, 320", 320),
    Scene("dark, 1280", 1280, "dark"),
    Scene("dark, 375", 375, "dark"),
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """The library of the tests of these pages, with an entry corrected and another one withdrawn."""
    library = Library(tmp_path_factory.mktemp("archive") / "house")
    library.correct("Homes again", "It was 46 homes.")
    library.withdraw("A wrong report")
    yield library
    library.house.close()


@pytest.fixture(scope="module")
def address(library: Library) -> Iterator[str]:
    """The application on a real socket: headers count in a browser."""
    with served(make_app(library.house.live())) as address:
        yield address


def opened(page: Any, address: str, path: str) -> list[str]:
    """Open a page of ours; return what the browser complains about, such as a block that its policy refuses."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.route(f"{address}/**", lambda route: route.continue_())
    page.goto(address + path)
    return complaints


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_the_pages_are_accessible_and_fit(
    library: Library, address: str, page_of: Callable[[Scene], Any], scene: Scene
) -> None:
    page = page_of(scene)
    homes, strange, wrong = (library.id_of(title) for title in ("Gwynedd", "7 * 7", "A wrong report"))
    paths = (
        "/archive", "/archive?language=cy", "/archive/weekly/2026-11-06", "/archive/policy-areas/housing",
        "/archive/case-studies?barrier=money", "/archive/regions/north-east", f"/archive/entries/{homes}",
        f"/archive/entries/{strange}", f"/archive/entries/{wrong}", "/archive/entries/0", "/search",
        "/search?q=homes", "/search?q=zebra",
    )  # fmt: skip
    faults = []
    for path in paths:
        complaints = [line for line in opened(page, address, path) if "404" not in line and "410" not in line]
        faults += [f"{path}: {fault}" for fault in complaints + scenes.layout(page) + scenes.violations(page)]
        # Whatever the policy refused would leave the page bare.
        assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "768px", path
    assert not faults, "\n".join(faults)


def test_a_search_by_keyboard_leads_to_an_entry_and_on(
    library: Library, address: str, page_of: Callable[[Scene], Any]
) -> None:
    page = page_of(SCENES[0])
    opened(page, address, "/archive")
    page.get_by_label("Search everything that was sent").focus()
    page.keyboard.type("gwynedd hom")
    page.keyboard.press("Enter")
    page.wait_for_selector("h2:has-text('1 entry found')")
    page.get_by_role("link", name="Tŷ Gwynedd: empty homes").click()
    page.wait_for_selector("h1:has-text('Tŷ Gwynedd')")
    page.get_by_role("link", name="Weekly digest, 6 November 2026").click()
    page.wait_for_selector("h1:has-text('Weekly digest, 6 November 2026')")
    assert page.get_by_text("Withdrawn. The figures were wrong.").count() == 1
