"""Letters as people see them: accessible, readable and in place in every scene, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from tests.browser import scenes
from tests.browser.letters import Sample
from tests.browser.scenes import SCENES, Scene

pytestmark = pytest.mark.browser
Look = Callable[[Scene], Any]


@pytest.fixture(scope="module")
def page_of(lacking: Callable[[str], None]) -> Iterator[Look]:
    """A function that gives a browser page for a scene."""
    if not find_spec("playwright"):
        lacking("no playwright")
    if not scenes.chromium():
        lacking("no Chromium")
    if not scenes.npm("axe-core/axe.min.js"):
        lacking("no axe-core")
    with scenes.looking() as look:
        yield look


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_every_letter_in_every_scene_is_accessible_and_fits(shown: list[Sample], page_of: Look, scene: Scene) -> None:
    assert len(shown) >= 30
    page = page_of(scene)
    faults = []
    for letter in shown:
        scenes.show(page, letter.html, scene)
        found = scenes.layout(page) + scenes.violations(page)
        if scene.forced:
            found += scenes.sampled_contrast(page)
        faults += [f"{letter.name}: {fault}" for fault in found]
    assert not faults, "\n".join(faults)


BAD = """<!DOCTYPE html><html><head><title>t</title></head><body style="margin:0"><h1>Heading</h1><h3>Skipped</h3>
<img src="x.png"><p style="font-size:11px;color:#999;background:#fff">small and pale</p>
<div style="width:900px">wide</div></body></html>"""


def test_the_checks_find_what_is_bad(page_of: Look) -> None:
    page = page_of(SCENES[2])
    scenes.show(page, BAD, SCENES[2])
    found = "\n".join(scenes.violations(page))
    for rule in ("html-has-lang", "image-alt", "color-contrast", "heading-order"):
        assert rule in found
    sizes = scenes.layout(page)
    assert any("sideways" in fault for fault in sizes)
    assert any(fault.startswith("11 px") for fault in sizes)


def test_contrast_is_sampled_from_the_picture(page_of: Look) -> None:
    page = page_of(SCENES[0])
    for ink, faults in (("#000", 0), ("#767676", 0), ("#999", 1), ("#fff", 1)):
        words = f"<body style='background:#fff'><p style='font:24px Arial;color:{ink}'>Some words to read</p>"
        scenes.show(page, words, SCENES[0])
        assert len(scenes.sampled_contrast(page)) == faults, ink


def test_forced_inversion_does_invert(page_of: Look, shown: list[Sample]) -> None:
    forced = next(scene for scene in SCENES if scene.forced)
    for scene, dark in ((SCENES[0], False), (forced, True)):
        scenes.show(page_of(scene), shown[0].html, scene)
        assert (max(scenes.corner(page_of(scene))) < 60) is dark, scene.name


def test_dark_rules_win_where_they_are_read(page_of: Look, shown: list[Sample]) -> None:
    by_name = {scene.name: scene for scene in SCENES}
    for name in ("dark, 640", "Outlook.com dark"):
        scenes.show(page_of(by_name[name]), shown[0].html, by_name[name])
        back = page_of(by_name[name]).evaluate("getComputedStyle(document.querySelector('.sheet')).backgroundColor")
        assert max(int(part) for part in back[4:-1].split(",")[:3]) < 80, name
