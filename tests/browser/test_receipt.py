"""The receipt as a person sees it: accessible in the light, the dark and on a phone, whatever its verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete

from digest.desk import receipts
from digest.store.engine import writing
from digest.store.schema import delivery
from tests.browser import scenes
from tests.browser.scenes import Scene
from tests.house import House
from tests.outcomes import Stage

pytestmark = pytest.mark.browser
SCENES = (
    Scene("light, 800", 800),
    Scene("light, 320", 320),
    Scene("dark, 800", 800, "dark"),
    Scene("dark, 320", 320, "dark"),
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Pages by verdict: of a run in which everything happened, the same with rows lost, and one of no reader."""
    house = Stage(tmp_path_factory.mktemp("seen") / "house").play()
    quiet = House(tmp_path_factory.mktemp("quiet") / "house")
    quiet.run()
    quiet.run(days=4)

    def page(house: House, number: int) -> str:
        return receipts.page(house.place, receipts.account(house.place, number))

    made = {"person": page(house, house.number), "balanced": page(quiet, 1)}
    quiet.close()
    with writing(house.place.engine) as conn:
        gone = [house.who["all"], house.who["near"]]
        conn.execute(
            delete(delivery).where(delivery.c.edition_id == house.number, delivery.c.subscriber_id.in_(gone))
        )
    made["wrong"] = page(house, house.number)
    house.close()
    return made


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name for scene in SCENES])
def test_a_receipt_is_accessible_and_fits(
    pages: dict[str, str], page_of: Callable[[Scene], Any], scene: Scene
) -> None:
    page = page_of(scene)
    faults = []
    for verdict, text in pages.items():
        assert f'class="verdict {verdict}"' in text
        scenes.show(page, text, scene)
        faults += [f"{verdict}: {fault}" for fault in scenes.layout(page) + scenes.violations(page)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("scene", [SCENES[0], SCENES[2]], ids=["light", "dark"])
def test_every_part_of_the_picture_stands_out(
    pages: dict[str, str], page_of: Callable[[Scene], Any], scene: Scene
) -> None:
    """Non-text contrast (WCAG 1.4.11): each part against the page that lies between the parts."""
    page = page_of(scene)
    scenes.show(page, pages["wrong"], scene)
    weak = page.evaluate(
        """() => {
        const light = colour => {
            const part = colour.match(/[\\d.]+/g).slice(0, 3).map(c => (c /= 255) <= 0.04045 ? c / 12.92
                : ((c + 0.055) / 1.055) ** 2.4);
            return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
        };
        const back = light(getComputedStyle(document.body).backgroundColor);
        return [...document.querySelectorAll('.bar span')].map(one => {
            const front = light(getComputedStyle(one).backgroundColor);
            const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
            return [one.className, ratio, one.getBoundingClientRect().width];
        }).filter(([, ratio, width]) => ratio < 3 || width < 5);
        }"""
    )
    assert weak == []
    assert page.evaluate("document.querySelectorAll('.bar span').length") == 9
