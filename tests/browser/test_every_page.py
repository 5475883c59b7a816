"""Every page below a path, in English and in Welsh: its addresses stay below the path, its words are of one language.

Also on a phone, with a database that is slow, and one that another program holds.
"""

from __future__ import annotations

import re
import sqlite3
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import event, update
from sqlalchemy.engine import Engine
from starlette.types import ASGIApp, Receive, Scope, Send

from digest.store.engine import writing
from digest.web import prompt
from subscribers.tables import subscriber
from tests.browser import scenes
from tests.browser.every import Every, every, signed_in, stranger
from tests.browser.every_form import opened, typed_in
from tests.browser.every_page import FORMS, pages_of_readers, pages_of_the_desk

pytestmark = pytest.mark.browser
ROOT = "/our/digest"
_WORDS = Path(__file__).parents[2] / "templates" / "web" / "words"
_LINKS = "[...document.querySelectorAll('[href], [src], form')].map(e => e.getAttribute('href') || e.src || e.action)"
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_SCHEMES = ("http:", "https:")


class Stripping:
    """A proxy that takes the path of base_url from a request before it hands it on, as some are set."""

    strips = False

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.strips and scope["type"] == "http" and scope["path"].startswith(ROOT):
            path = scope["path"].removeprefix(ROOT) or "/"
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, lacking: Callable[[str], None]) -> Iterator[Every]:
    if not scenes.chromium():
        lacking("no Chromium")
    with every(tmp_path_factory.mktemp("pages"), ROOT, Stripping) as house:
        house.keep()
        yield house


@pytest.fixture(autouse=True)
def fresh(house: Every) -> None:
    house.put_back()


@contextmanager
def complaints(page: Any) -> Iterator[list[str]]:
    """Collect what the browser complains of: errors of scripts, what the policy of content refuses, lost files."""
    lines: list[str] = []
    page.on("console", lambda line: lines.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: lines.append(str(error)))
    yield lines


def looked_at(house: Every, page: Any, addresses: list[str]) -> dict[str, list[str]]:
    """Open addresses; return what is wrong on each: status, an address outside the path, a complaint, the width."""
    wrong: dict[str, list[str]] = {}
    with complaints(page) as lines:
        for address in addresses:
            lines.clear()
            status = page.goto(house.address(address)).status
            # The browser complains of an answer that says by its status that a page is not there.
            faults = [line for line in lines if f"status of {status}" not in line]
            faults += [f"status {status}"] if status >= 500 else []
            own = urlsplit(house.base)
            for link in page.evaluate(_LINKS):
                parts = urlsplit(link)
                here = not parts.netloc or parts.netloc == own.netloc
                if here and (not parts.scheme or parts.scheme in _SCHEMES) and parts.path[:1] == "/":
                    faults += [] if f"{parts.path}/".startswith(f"{ROOT}/") else [f"{link} leaves {ROOT}"]
            faults += [f"{wide} px wider than the window"] if (wide := page.evaluate(_WIDER)) > 0 else []
            if faults:
                wrong[address] = faults
    return wrong


@pytest.mark.parametrize("strips", [False, True], ids=["kept", "stripped"])
@pytest.mark.parametrize("who", ["reader", "editor"])
def test_every_page_stays_below_its_path_and_in_its_window(house: Every, who: str, strips: bool) -> None:
    Stripping.strips = strips
    phone = {"viewport": {"width": 375, "height": 800}}
    page = stranger(house, **phone) if who == "reader" else signed_in(house, **phone)
    addresses = pages_of_readers() if who == "reader" else pages_of_the_desk()
    assert len(addresses) > 20 and looked_at(house, page, addresses) == {}
    page.context.close()
    Stripping.strips = False


def sentences(language: str) -> dict[str, str]:
    return {
        name: words for name, words in tomllib.loads((_WORDS / f"{language}.toml").read_text("utf-8")).items()
        if isinstance(words, str)
    }  # fmt: skip


# A letter that has left keeps its language, and a page that confirms has that of the mail with its link.
OTHERS = ("/letters/{letter}", "/confirm/{confirm}", "/confirm/{move}", "/undo/{undo}")


def test_a_page_in_welsh_has_no_english_words_of_ours(house: Every) -> None:
    english, welsh = sentences("en"), sentences("cy")
    # Of the parts between what is filled in, those of several words, which no title or name repeats by chance.
    parts = {
        " ".join(part.split())
        for name, words in english.items() if words != welsh[name]
        for part in re.split(r"\{\w+\}|<[^>]*>", words) if part.count(" ") >= 3
    }  # fmt: skip
    own = " ".join(" ".join(welsh.values()).split())
    parts = {part for part in parts if part not in own}
    assert len(parts) > 150
    with writing(house.house.place.engine) as conn:
        conn.execute(update(subscriber).values(language="cy"))
    page = stranger(house, locale="cy", viewport={"width": 375, "height": 800})
    left = {}
    for address in pages_of_readers():
        page.goto(house.address(address))
        shown = " ".join(page.locator("body").inner_text().split())
        found = sorted(part for part in parts if part in shown)
        tongue = page.locator("html").get_attribute("lang")
        if (found or tongue != "cy") and not address.startswith(OTHERS):
            left[address] = [str(tongue), *found]
    assert "\n".join(f"{address}: {lines}" for address, lines in left.items()) == ""
    page.context.close()


@contextmanager
def held(house: Every) -> Iterator[None]:
    """Hold the database as another program does, so that nothing can be changed, and everything can be read."""
    house.counted.idle()
    with closing(sqlite3.connect(house.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        house.counted.idle()
        other.execute("ROLLBACK")


# Two of them write nothing; a test letter waits for a mail server, and says so.
APART = {"/desk/sources/try", "/desk/{cadence}/test", "/desk/{cadence}/reader"}
WRITTEN = [route for route, form in FORMS.items() if form.is_written and not form.after and route not in APART]


@pytest.mark.parametrize("desk", [False, True], ids=["readers", "desk"])
def test_what_is_typed_outlives_a_database_that_another_program_holds(
    house: Every, desk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt, "WITHIN", 0.3)
    pages = {False: signed_in(house), True: stranger(house)}
    before = house.cells()
    lost: dict[str, list[str]] = {}
    for route in WRITTEN:
        form = FORMS[route]
        if route.startswith("/desk") is not desk:
            continue
        page = pages[form.stranger]
        opened(house, page, form)
        typed_in(house, page, form.typed)
        typed = values_of(page)
        with held(house):
            press(page, house.selector(form.button))
            told = page.locator("main").inner_text()
            kept = values_of(page)
        # The desk gives back what was sent, on the page that says why; the browser has it on the page before.
        page.go_back()
        kept += values_of(page)
        lost[route] = [words for words in typed if words not in kept]
        if not re.search("Nothing has changed|Not just now|Not saved|cannot", told):
            lost[route].append(told[:200])
        if str(house.house.folder) in told:
            lost[route].append("where the database is")
    assert [line for line in lost.items() if line[1]] == [] and house.cells() == before
    for page in pages.values():
        page.context.close()


def press(page: Any, button: str) -> None:
    """Press a button and wait until the page that follows is there, or until a script has told what became of it."""
    from playwright.sync_api import Error

    page.evaluate("() => { window.here = true; }")
    page.locator(button).first.click(no_wait_after=True)
    for _ in range(150):
        # Asked from here, because the policy of the page lets no script be made of a text.
        page.wait_for_timeout(100)
        with suppress(Error):  # while the next page comes
            if not page.evaluate("() => window.here") or "Not saved" in page.locator("body").inner_text():
                break
    page.wait_for_load_state("load")


def values_of(page: Any) -> list[str]:
    """Return what stands in the fields that a person types into."""
    fields = "textarea, " + ", ".join(f"input[type={kind}]" for kind in ("text", "email", "date", "url", "search"))
    script = f"[...document.querySelectorAll('{fields}')].map(each => each.value).filter(each => each)"
    return [str(each) for each in page.evaluate(script)]


def test_pages_of_a_slow_database_come_all_the_same(house: Every) -> None:
    def slowly(*_: Any) -> None:
        time.sleep(0.02)

    asked = ((stranger(house), pages_of_readers()), (signed_in(house), pages_of_the_desk()))
    event.listen(Engine, "before_cursor_execute", slowly)
    try:
        for page, addresses in asked:
            assert looked_at(house, page, addresses[::3]) == {}
            page.context.close()
    finally:
        event.remove(Engine, "before_cursor_execute", slowly)
