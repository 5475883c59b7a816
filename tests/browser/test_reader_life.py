"""A reader's whole life in Chromium, with a real mail server: join, confirm, read, change, pause, leave, come back.

Once in English with a mouse, and once in Welsh by the keyboard alone on a phone without scripts. Each page and
state is judged by axe, and no page may be wider than the window.
"""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from digest.config.load import load
from digest.store.engine import reading
from digest.store.reader_tables import answer
from subscribers import store as people
from subscribers.tables import subscriber
from tests.browser import scenes
from tests.browser.desks import Open, chromium, serving
from tests.house import House

pytestmark = pytest.mark.browser
OLD, NEW = "rhian@example.org", "rhian@example.net"
NEXT_WEEK = 7


class Life:
    """One reader, who opens pages and presses what stands there."""

    def __init__(self, page: Any, judge: Any, desk: Open, *, keys: bool) -> None:
        self.page, self.judge, self.desk, self.keys = page, judge, desk, keys
        self.faults: list[str] = []

    def open(self, path: str) -> None:
        """Open an address of ours."""
        self.page.goto(path if path.startswith("http") else self.desk.address + path)
        self.look()

    def press(self, selector: str) -> None:
        """Press a button or a link, and look at the page that comes."""
        with self.page.expect_navigation():
            self.touch(selector)
        self.look()

    def touch(self, selector: str) -> None:
        """Press something, with the keyboard where there is nothing else."""
        target = self.page.locator(selector).first
        if self.keys:
            target.focus()
            self.page.keyboard.press("Enter")
        else:
            target.click()

    def tick(self, selector: str) -> None:
        """Tick a box or a radio button."""
        target = self.page.locator(selector).first
        if self.keys:
            target.focus()
            self.page.keyboard.press("Space")
        else:
            target.check()

    def look(self) -> None:
        """Judge the page, by a copy of it, because axe is a script, and scripts may be off here."""
        where = f"{self.page.url.removeprefix(self.desk.address)[:24]} {self.page.title()}"
        self.judge.set_content(self.page.content())
        self.faults += [f"{where}: {fault}" for fault in scenes.layout(self.judge) + scenes.violations(self.judge)]

    def mail(self, to: str, count: int, path: str) -> str:
        """Return the address in the mail that comes to `to` as the next after `count`, whose path begins so."""
        for _ in range(400):  # because the mail leaves after the answer
            mails = [content for address, content in self.desk.boxes.taken if address == to]
            if len(mails) > count:
                break
            time.sleep(0.05)
        message = message_from_bytes(mails[-1], policy=policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        links = re.findall(rf"http://[^/\s]+(/{path}/[\w.=-]+)", body.get_content())
        assert links, body.get_content()
        return str(links[0])

    def count(self, to: str) -> int:
        """Return how many mails have come to an address."""
        return sum(address == to for address, _ in self.desk.boxes.taken)


def state(house: House, email: str) -> Any:
    with reading(house.place.engine) as conn:
        return people.find(conn, email)


@contextmanager
def life(house: House, language: str, *, keys: bool) -> Iterator[Life]:
    with serving(house) as desk, chromium() as browser:
        width = 375 if keys else 1280
        context = browser.new_context(
            viewport={"width": width, "height": 800}, locale=language, java_script_enabled=not keys,
            extra_http_headers={"Accept-Language": language}, accept_downloads=True,
        )  # fmt: skip
        context.set_default_timeout(10_000)
        judge = browser.new_context(viewport={"width": width, "height": 800}).new_page()
        yield Life(context.new_page(), judge, desk, keys=keys)
        context.close()


@pytest.mark.parametrize(("language", "keys"), [("en-GB", False), ("cy", True)], ids=["mouse", "keyboard"])
def test_a_readers_whole_life(tmp_path: Path, language: str, keys: bool) -> None:
    house = House(tmp_path / "house")
    house.config.write_text(f"{house.config.read_text()}\n[answers]\nenabled = true\n", encoding="utf-8")
    house.settings = load(house.config, {})
    house.reader("other@example.org")
    house.run()
    for number in range(3):
        house.publish(f"Before {number}", link=f"https://example.org/before/{number}")
    house.run(days=4)
    with life(house, language, keys=keys) as reader:
        token = joins(reader, house)
        changes(reader, house, token)
        answers_and_asks(reader, house, token)
        pauses(reader, house, token)
        leaves_and_comes_back(reader, house)
        moves(reader, house, token)
        takes_and_goes(reader, house, token)
        assert not reader.faults, "\n".join(reader.faults)
    house.close()


def joins(reader: Life, house: House) -> str:
    """Join, confirm, and get the first letter; return the token of its personal link."""
    reader.open("/")
    reader.press("main a[href$='/join']")
    reader.press("main form button")
    assert reader.page.locator(".errors a[href='#email']").count() == 1
    reader.page.fill("#email", OLD)
    reader.tick("input[name=policy_areas][value=housing]")
    reader.tick("input[name=cadence][value=weekly]")
    reader.press("main form button")
    assert OLD not in reader.page.url and state(house, OLD) is None
    confirm = reader.mail(OLD, 0, "confirm")
    reader.open(confirm)
    assert state(house, OLD) is None, "opening the page has changed something"
    reader.press("main form button")
    assert state(house, OLD).state == "active"
    house.publish("A first letter", link="https://example.org/first")
    house.run(days=NEXT_WEEK)
    return reader.mail(OLD, 1, "yours")


def changes(reader: Life, house: House, yours: str) -> None:
    """Change interests, and go to monthly and back."""
    reader.open(yours)
    assert "A first letter" in reader.page.content()
    reader.tick("#policy_areas input[value=transport]")
    reader.press("#save")
    assert state(house, OLD).interests.policy_areas == {"housing", "transport"}
    reader.press("form[action$='/monthly'] button")
    assert state(house, OLD).cadence == "monthly"
    reader.tick("#cadence input[value=weekly]")
    reader.press("#save")
    assert state(house, OLD).cadence == "weekly"
    other = "en" if state(house, OLD).language == "cy" else "cy"
    for tag in (other, "cy" if other == "en" else "en"):
        reader.tick(f"#language input[value={tag}]")
        reader.press("#language form button")
        assert reader.page.locator("html").get_attribute("lang") == tag


def answers_and_asks(reader: Life, house: House, yours: str) -> None:
    """Answer an entry, and ask why another did not come."""
    reader.open(f"{yours}/had")
    reader.touch(".answers summary")
    reader.press("form[action$='/answer'] button[value=useful]")
    with reading(house.place.engine) as conn:
        assert len(conn.execute(answer.select()).all()) == 1
    reader.open(f"{yours}/why?entry=Before%201")
    assert "Before 1" in reader.page.content()


def pauses(reader: Life, house: House, yours: str) -> None:
    """Pause; the first letter afterwards brings what came meanwhile."""
    reader.open(yours)
    reader.tick("#pause input[value='2-weeks']")
    reader.press("#pause form:not(.one) button:not(.second)")
    assert state(house, OLD).paused_until is not None
    count = reader.count(OLD)
    house.publish("In the first week", link="https://example.org/meanwhile/1")
    house.run(days=NEXT_WEEK)
    assert reader.count(OLD) == count
    house.publish("In the second week", link="https://example.org/meanwhile/2")
    house.run(days=NEXT_WEEK)
    caught_up = [content for to, content in reader.desk.boxes.taken if to == OLD][count:]
    assert len(caught_up) == 1
    body = message_from_bytes(caught_up[0], policy=policy.default).get_body(("plain",))
    assert body is not None
    assert all(title in body.get_content() for title in ("In the first week", "In the second week"))


def leaves_and_comes_back(reader: Life, house: House) -> None:
    """Leave by the link of the letter, tell why, and come back by the same link."""
    count = reader.count(OLD)
    letter = reader.mail(OLD, count - 1, "unsubscribe")
    reader.open(letter)
    assert state(house, OLD).state == "active"
    reader.press("form:has(button[value=leave]) button")
    assert state(house, OLD).state == "left"
    reader.tick("input[name=reason]")
    reader.press("form[action$='/reason'] button")
    reader.open(letter)
    reader.press("form[action$='/back'] button")
    assert state(house, OLD).state == "left", "the link may have been forwarded"
    reader.open(reader.mail(OLD, count, "confirm"))
    reader.press("main form button")
    assert state(house, OLD).state == "active"


def moves(reader: Life, house: House, yours: str) -> None:
    """Move to another address, which has to confirm it."""
    before = state(house, OLD).id
    reader.open(yours)
    reader.page.fill("#address input[type=email]", NEW)
    reader.press("#address form button")
    assert state(house, NEW) is None
    reader.open(reader.mail(NEW, 0, "confirm"))
    reader.press("main form button")
    assert (state(house, OLD), state(house, NEW).id) == (None, before)


def takes_and_goes(reader: Life, house: House, yours: str) -> None:
    """Take one's data along, and have oneself erased."""
    for kind in ("json", "csv"):
        reader.open(yours)
        with reader.page.expect_download() as waiting:
            button = reader.page.locator(f"form[action$='/download'] button[value={kind}]")
            button.focus()
            reader.page.keyboard.press("Enter")
        content = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
        assert NEW in content if kind == "json" else "A first letter" in content
        assert json.loads(content) if kind == "json" else list(csv.reader(io.StringIO(content)))
    reader.open(yours)
    reader.press("a[href$='/erase']")
    reader.press("button[value=erase]")
    with reading(house.place.engine) as conn:
        assert [row.email for row in conn.execute(subscriber.select())] == ["other@example.org"]
    reader.open(yours)
    assert reader.page.locator("h1").count() == 1
