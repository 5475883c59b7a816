"""Every page of the desk in Chromium: accessible, no wider than the window, and whole by keyboard alone."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from digest.desk import arrange, edit
from digest.desk.pool import draft_again
from digest.desk.reword import reword
from digest.store import acts, editions, entries
from digest.store.engine import reading
from subscribers.model import Interests
from tests.browser import scenes
from tests.browser.desks import Open, addresses, chromium, forgotten, serving, sign_in, tell
from tests.house import ANN, House

pytestmark = pytest.mark.browser
TITLES = ("Damp homes found by those who visit", "Keys on the day of discharge", "A bus that waits for the train",
          "Taxi vouchers for night shifts and for those who come home from hospital after the last bus has gone",
          "Repairs", "Winter beds: what we would not do again")  # fmt: skip
Look = tuple[Open, dict[str, int]]


def filled(house: House) -> dict[str, int]:
    """Fill a house as it is on a Thursday: an edition is sent, the next is being made; return what pages show."""
    for number in range(24):
        area, region = ("housing", "transport", "")[number % 3], ("wales", "scotland", "", "london")[number % 4]
        interests = Interests(frozenset(area.split()), frozenset(region.split()))
        house.reader(f"reader{number}@town.example", interests=interests)
    house.run()
    for number, title in enumerate(TITLES[:3]):
        house.publish(title, areas=("housing", "transport")[number % 2])
    house.run(hours=1)
    house.run(days=4)  # Friday
    for number, title in enumerate(TITLES):
        house.publish(
            f"{title} again", areas=("housing", "transport")[number % 2], region=("wales", "scotland")[number % 2]
        )
    house.publish("Held for an editor", release="held")
    house.run(days=5)
    edition, _ = draft_again(house.place, ANN, "weekly")
    with reading(house.place.engine) as conn:
        numbers = range(1, 20)
        sent = next(
            n
            for n in numbers
            if (each := editions.get(conn, n)) and (each.state, each.cadence) == ("frozen", "weekly")
        )
        pool = [row.entry.id for row in editions.shown(conn, edition.id)]
        held = [entry.id for entry in entries.listing(conn, state="held")] or pool[-1:]
        old = editions.shown(conn, sent)[0].entry.id
    reword(house.place, ANN, pool[0], {"title": "In our words", "note": "Ask them.", "open_question": "Is it so?",
                                       "not_for": ["housing"]})  # fmt: skip
    edit.retag(house.place, ANN, pool[1], {"policy_area": ("transport",)})
    edit.drop(house.place, ANN, pool[-1:])
    arrange.pin(house.place, ANN, edition.id, pool[2])
    arrange.word_edition(
        house.place, ANN, edition.id, {"note": "Good afternoon.", "subject": "Doors", "question": "So?"}
    )
    with reading(house.place.engine) as conn:
        act = acts.newest(conn)
    tell(house, ["We kept one list.", "Fife Council", "Powys"])
    return {"sent": sent, "old": old, "edition": edition.id, "entry": pool[0], "retagged": pool[1], "reader": 2,
            "held": held[0], "act": act}  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Look]:
    house = House(tmp_path_factory.mktemp("seen") / "house")
    with serving(house) as opened:
        values = filled(house)
        opened.served.editor("Ann", "admin")
        opened.served.editor("Bob", "viewer")
        yield opened, values
    house.close()


@pytest.fixture(scope="module")
def context(lacking: Callable[[str], None], desk: Look) -> Iterator[Any]:
    """A browser in which an admin is signed in."""
    if not scenes.chromium() or not scenes.npm("axe-core/axe.min.js"):
        lacking("no Chromium or axe-core")
    with chromium() as browser:
        # Past the policy of the page, so that axe-core can be loaded; the policy has tests of its own.
        context = browser.new_context(bypass_csp=True)
        sign_in(context.new_page(), desk[0], "ann@example.org")
        yield context


def test_no_page_is_forgotten(desk: Look) -> None:
    assert forgotten(desk[0].served) == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
def test_every_page_is_accessible_and_fits(context: Any, desk: Look, width: int, scheme: str) -> None:
    page, faults = context.pages[0], []
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for path in addresses(desk[1]):
        status = page.goto(desk[0].address + path).status
        found = scenes.violations(page) + ([f"status {status}"] if status >= 500 else [])
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found += [f"{over} pixels too wide"] if over > 0 else []
        faults += [f"{path}: {fault}" for fault in found]
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults)


# Each control that a keyboard should reach, in the order of the page.
_CONTROLS = """() => {
    const which = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
    const all = [...document.querySelectorAll(which)];
    const open = each => each.checkVisibility() && !each.disabled && each.type !== 'hidden' && each.tabIndex >= 0;
    return all.filter(open).map((each, at) => { each.dataset.at = at; return each.outerHTML.slice(0, 120); });
}"""
_FOCUSED = """() => {
    const each = document.activeElement, style = getComputedStyle(each), box = each.getBoundingClientRect();
    const line = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    const inside = box.bottom > 0 && box.top < innerHeight;
    return [each.dataset.at === undefined ? -1 : Number(each.dataset.at), each.localName, line, inside];
}"""


@pytest.mark.parametrize("width", [1280, 375])
def test_every_control_is_reached_by_tab_in_order_and_shows_it(context: Any, desk: Look, width: int) -> None:
    page, faults = context.pages[0], []
    page.set_viewport_size({"width": width, "height": 900})
    for path in addresses(desk[1]):
        page.goto(desk[0].address + path.partition("#")[0])
        controls, reached = page.evaluate(_CONTROLS), list[int]()
        for _ in range(2 * len(controls) + 20):
            page.keyboard.press("Tab")
            at, name, line, inside = page.evaluate(_FOCUSED)
            if reached and at == reached[0]:
                break  # round once
            if at >= 0 and at not in reached:
                reached.append(at)
                faults += [] if line or name == "iframe" else [f"{path}: no mark of focus: {controls[at]}"]
                faults += [] if inside or name == "iframe" else [f"{path}: focus out of sight: {controls[at]}"]
        faults += [f"{path}: out of order"] if reached != sorted(reached) else []
        faults += [f"{path}: not reached: {controls[at]}" for at in range(len(controls)) if at not in reached]
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(faults[:80])


def test_the_first_tab_skips_to_the_page(context: Any, desk: Look) -> None:
    page = context.pages[0]
    page.goto(desk[0].address + "/desk/weekly")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_the_list_is_one_stop_and_the_arrows_go_from_entry_to_entry(context: Any, desk: Look) -> None:
    page = context.pages[0]
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(desk[0].address + "/desk/weekly")
    titles = page.locator("#entries .entries h3 a")
    assert titles.count() > 3
    titles.nth(0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == titles.nth(2).inner_text()
    stops = page.locator('#entries .entries :is(a, button, input):not([tabindex="-1"]):not([type="hidden"])').count()
    inside = page.locator("#entries .entries > li >> nth=2").locator("a, button, input:not([type=hidden])").count()
    assert stops == inside  # those of the other entries are passed over
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_selector("#entry [name=title]")
    assert page.input_value("#entry [name=title]") == titles.nth(1).inner_text()


_COLOURS = """async (picture) => {
    const image = new Image();
    image.src = picture;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const light = [];
    // Without the border, and the bar by which it scrolls.
    const dots = canvas.getImageData(4, 4, image.width - 40, image.height - 8).data;
    for (let at = 0; at < dots.length; at += 4) light.push((dots[at] + dots[at + 1] + dots[at + 2]) / 3);
    return Math.max(...new Set(light)) - Math.min(...new Set(light));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_stands_in_a_frame_can_be_read(context: Any, desk: Look, scheme: str) -> None:
    page = context.pages[0]
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme=scheme)
    blank = context.new_page()
    for form in ("html", "text", "raw"):
        page.goto(f"{desk[0].address}/desk/weekly?entry={desk[1]['entry']}&form={form}")
        page.wait_for_timeout(300)
        for frame in page.locator("iframe").all():
            picture = "data:image/png;base64," + base64.b64encode(frame.screenshot()).decode()
            # From 0 to 255: writing of the colour of its ground would leave nothing.
            assert blank.evaluate(_COLOURS, picture) > 120, (form, frame.get_attribute("title"))
    blank.close()


def test_a_link_asks_before_it_loses_what_was_typed_into_ingredients(context: Any, desk: Look) -> None:
    page = context.pages[0]
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    address = f"{desk[0].address}/desk/weekly?entry={desk[1]['entry']}"
    page.goto(address)
    page.fill("#entry [name=new_text]", "They met.")
    page.click("text=To the review", no_wait_after=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"] and page.input_value("#entry [name=new_text]") == "They met."
    page.click("text=Save ingredients")
    page.wait_for_selector("text=They met.")
    page.goto(address)
    assert asked == ["beforeunload"]


def test_the_text_of_a_source_is_scrolled_by_keys(context: Any, desk: Look) -> None:
    page = context.pages[0]
    page.goto(f"{desk[0].address}/desk/weekly?entry={desk[1]['entry']}")
    page.focus("#entry details summary")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "IFRAME"
