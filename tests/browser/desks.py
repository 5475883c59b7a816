"""Serve the desk of a house on a real socket for a browser, and list every address of it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email import message_from_bytes, policy
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from starlette.types import ASGIApp

from digest.config.load import load
from digest.desk.answers import accept_answer
from digest.desk.stories import invitation_of, invite_place, send_story_back
from digest.readers.answer import give_answer, typed_answer
from digest.readers.story import send_story, told_parts
from digest.store import answers
from digest.store.engine import writing
from digest.web.desk.door import SessionDoor
from digest.web.desk.routes import PAGES
from tests.browser import scenes
from tests.house import ANN, House
from tests.serving import running
from tests.web.desk.served import Served
from tests.web.desk.test_through_smtp import Mailboxes


class Open(NamedTuple):
    """A served desk, its address, and the mailboxes of the server that it mails by."""

    served: Served
    address: str
    boxes: Mailboxes


@contextmanager
def serving(house: House, root: str = "", around: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> Iterator[Open]:
    """Serve the desk of a house that mails by a real SMTP server, on a socket that its links name.

    `root` is the path of base_url; `around` gives the application as it is served.
    """
    boxes = Mailboxes()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(boxes, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            address = f"http://127.0.0.1:{listening.getsockname()[1]}"
            text = house.config.read_text().replace("https://digest.example.org", address + root)
            text += f'\n[transport]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
            house.config.write_text(text)
            house.settings = load(house.config, {})
            served = Served(house)
            with running(around(served.app), listening):
                yield Open(served, address, boxes)
    finally:
        controller.stop()


def tell(house: House, texts: Sequence[str]) -> None:
    """Let a reader answer the entries that they had with these texts, and places tell stories in them."""
    place, words = house.place, [text[:60] for text in texts]
    with writing(place.engine) as conn:
        had = sorted(answers.entries_had(conn, 2, range(1, 60)))
        for entry, text in zip(had, words, strict=False):
            for kind in ("tried", "not-for-me"):
                give_answer(conn, place, 2, typed_answer(entry, kind, text, text, named=True))
    for number in range(len(had[: len(words)])):
        accept_answer(place, ANN, 2 * number + 1)
    for number, text in enumerate(words):
        invited = invite_place(place, ANN, text)
        with writing(place.engine) as conn:
            send_story(conn, place, invitation_of(conn, invited), told_parts(lambda _name, text=text: text))
        if number == 1:
            send_story_back(place, ANN, invited, text)


def link_to(boxes: Mailboxes, email: str) -> str:
    """Return the path of the newest link to sign in that came to an address."""
    content = [content for to, content in boxes.taken if to == email][-1]
    body = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert body is not None
    (path,) = re.findall(r"http://[^/\s]+?(?:/\S*?)?(/desk/sign-in/\S+)", body.get_content())
    return str(path)


def sign_in(page: Any, desk: Open, email: str) -> None:
    """Sign an editor in as a person does: by the form, and by the link that comes by mail."""
    count = len(desk.boxes.taken)
    page.goto(f"{desk.address}/desk/sign-in")
    page.fill("[name=email]", email)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Look in your mailbox')")
    for _ in range(200):  # because the mail leaves after the answer
        if len(desk.boxes.taken) > count:
            break
        page.wait_for_timeout(50)
    page.goto(desk.address + link_to(desk.boxes, email))
    page.click("main button")
    page.wait_for_url("**/desk")


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield a headless Chromium."""
    from playwright.sync_api import sync_playwright

    path = scenes.chromium()
    assert path, scenes.MISSING
    with sync_playwright() as play:
        # Root, as in CI, may not use Chromium's sandbox.
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


# Every address of the desk that answers a page, by its path in the route table. A new page is added here, or the
# tests that go through all pages fail. In braces: values of the house that is looked at.
ADDRESSES: dict[str, tuple[str, ...]] = {
    "/desk": ("/desk",),
    "/desk/sign-in": ("/desk/sign-in", "/desk/sign-in?to=/desk/log"),
    "/desk/sign-in/{token}": ("/desk/sign-in/wrong",),
    "/desk/sessions": ("/desk/sessions",),
    "/desk/editors": ("/desk/editors",),
    "/desk/log": ("/desk/log", "/desk/log?object=edition {edition}", "/desk/log?object=nothing"),
    "/desk/answers": ("/desk/answers",),
    "/desk/stories": ("/desk/stories", "/desk/stories?entry={entry}"),
    "/desk/stories/{invitation}": ("/desk/stories/1", "/desk/stories/2", "/desk/stories/999"),
    "/desk/sources": ("/desk/sources",),
    "/desk/sources/try": ("/desk/sources/try",),
    "/desk/edition/{edition}": (
        "/desk/edition/{sent}",
        "/desk/edition/{sent}?entry={old}",
        "/desk/edition/{edition}",
        "/desk/edition/999",
    ),
    "/desk/{cadence}": (
        "/desk/weekly",
        "/desk/weekly?entry={entry}#entry",
        "/desk/weekly?entry={entry}&lint=1&reader={reader}",
        "/desk/weekly?entry={held}#entry",
        "/desk/weekly?area=housing&width=375&dark=1&pictures=1#letter",
        "/desk/weekly?form=text",
        "/desk/weekly?form=raw&done={act}",
        "/desk/monthly",
    ),
    "/desk/{cadence}/letter": (
        "/desk/weekly/letter?edition={edition}",
        "/desk/weekly/letter?edition={edition}&pictures=1",
        "/desk/weekly/letter?edition={edition}&styles=off&reader={reader}",
        "/desk/weekly/letter?edition={edition}&dark=1",
        "/desk/weekly/letter?edition={edition}&form=text",
        "/desk/weekly/letter?edition={edition}&form=raw",
    ),
    "/desk/entries/{entry}/text": ("/desk/entries/{entry}/text", "/desk/entries/{held}/text"),
    "/desk/{cadence}/approve": ("/desk/weekly/approve",),
    "/desk/{cadence}/coverage": ("/desk/weekly/coverage",),
    "/desk/{cadence}/coverage/cell": ("/desk/weekly/coverage/cell?area=housing&region=wales",),
    "/desk/{cadence}/write": ("/desk/weekly/write",),
    "/desk/{cadence}/rule": ("/desk/weekly/rule?entry={retagged}", "/desk/weekly/rule?entry={entry}"),
}
# They answer a file or a document for a script, and no page.
FILES = {
    "/desk/desk.css", "/desk/desk.js", "/desk/icon.svg", "/desk/progress.js", "/desk/log.json", "/desk/log.csv",
    "/desk/edition/{edition}/progress", "/desk/{cadence}/news",
}  # fmt: skip
# Pages of a stranger's text alone: the desk frames them, and they have no words of their own.
FRAMES = ("/desk/{cadence}/letter", "/desk/entries/{entry}/text")


def addresses(values: dict[str, int]) -> list[str]:
    """Return every address of a page of the desk, frames left out."""
    return [each.format(**values) for path, all in ADDRESSES.items() if path not in FRAMES for each in all]


def frames(values: dict[str, int]) -> list[str]:
    """Return the addresses of what the desk shows in frames."""
    return [each.format(**values) for path in FRAMES for each in ADDRESSES[path]]


def forgotten(served: Served) -> set[str]:
    """Return the paths of the route table, and of the list of addresses, that the other does not have."""
    pages = (*SessionDoor(served.place, lambda: None).pages(), *PAGES)
    return {page.path for page in pages if page.get} ^ (ADDRESSES.keys() | FILES)
