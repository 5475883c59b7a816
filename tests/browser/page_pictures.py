"""Draws pages: `python -m tests.browser.page_pictures [OUT]`, of the edition that the examples would make.

OUT (default docs/) gets desk.png, the page on which an edition is made, coverage.png, the table of who gets what, and
yours.png, the page "Your letters" of a reader once the edition is sent.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from digest.config.load import load
from digest.installation import Installation
from digest.notices.new_link import LinkNotices
from digest.store.engine import reading
from digest.system.resources import resource
from digest.web.app import make_app
from digest.web.desk.local import local_app
from subscribers.store import stream
from subscribers.tokens import make_token
from tests.browser import scenes
from tests.console import digest as command
from tests.serving import served

NOW = "2026-11-26T15:00:00Z"  # a Thursday
SENT = "2026-11-27T08:05:00Z"
_DESK = (
    ("desk.png", "/desk/weekly?entry=28", 1440, 900),
    ("coverage.png", "/desk/weekly/coverage", 1280, 900),
)
_YOURS = (("yours.png", "", 1280, 900),)


def main(arguments: list[str]) -> int:
    """Draw all pages; return the exit code."""
    from playwright.sync_api import sync_playwright

    out = Path(arguments[0] if arguments else Path(__file__).parents[2] / "docs")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        house = Path(folder)
        _fill(house)
        browser = play.chromium.launch(executable_path=scenes.chromium(), args=["--no-sandbox"])
        with example_desk(house) as address:
            _draw(browser.new_page(), address, _DESK, out)
        with example_reader(house) as address:
            _draw(browser.new_page(), address, _YOURS, out)
        browser.close()
    return 0


def _draw(page: Any, address: str, pictures: tuple[tuple[str, str, int, int], ...], out: Path) -> None:
    page.goto(address)
    for name, path, width, height in pictures:
        page.set_viewport_size({"width": width, "height": height})
        page.goto(urljoin(address, path))
        page.wait_for_timeout(500)  # for the frames
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=out / name)


def _fill(folder: Path) -> None:
    """Make an installation with the examples' sources and readers, whose weekly edition waits for its day."""
    shutil.copytree(resource("examples"), folder / "examples")
    shutil.copyfile(resource("config.toml"), folder / "config.toml")
    for words in (("subscribers", "import", "examples/subscribers.csv"), ("gather",), ("prepare", "weekly")):
        _run(folder, NOW, *words)


def _run(folder: Path, now: str, *words: str) -> None:
    answer = command(folder, "--now", now, *words)
    assert answer.code == 0, answer.stderr


def _opened(folder: Path, now: str) -> Installation:
    return Installation(load(folder / "config.toml", {}), datetime.fromisoformat(now).astimezone(UTC))


@contextmanager
def example_desk(folder: Path) -> Iterator[str]:
    """Serve the local desk of an installation; yield the address to open."""
    app, opened = local_app(_opened(folder, NOW), "Ann")
    with served(app) as address:
        yield opened(address)


@contextmanager
def example_reader(folder: Path) -> Iterator[str]:
    """Send the edition, and serve the readers' pages; yield the personal link of the reader who follows most."""
    _run(folder, SENT, "run")
    place = _opened(folder, SENT)
    with reading(place.engine) as conn:
        people = stream(conn, limit=1000)
    person = max(people, key=lambda each: len(each.interests.policy_areas) if each.cadence == "weekly" else 0)
    token = make_token(place.link_keys, "preferences", person.id, person.key)
    with served(make_app(place, LinkNotices(place))) as address:
        yield f"{address}/yours/{token}"
    place.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
