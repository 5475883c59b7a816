"""Draws the desk: `python -m tests.browser.desk_pictures [OUT]`, of the edition that the examples would make.

OUT (default docs/) gets desk.png, the page on which an edition is made, and coverage.png, the table of who gets what.
"""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from digest.config.load import load
from digest.installation import Installation
from digest.system.resources import resource
from digest.web.desk.local import local_app
from tests.browser import scenes
from tests.console import digest as command

NOW = "2026-11-26T15:00:00Z"  # a Thursday
_PICTURES = (
    ("desk.png", "/desk/weekly?entry=28", 1440, 900),
    ("coverage.png", "/desk/weekly/coverage", 1280, 900),
)


def main(arguments: list[str]) -> int:
    """Draw both pages; return the exit code."""
    from playwright.sync_api import sync_playwright

    out = Path(arguments[0] if arguments else Path(__file__).parents[2] / "docs")
    with tempfile.TemporaryDirectory() as folder, example_desk(Path(folder)) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=scenes.chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(address)
        for name, path, width, height in _PICTURES:
            page.set_viewport_size({"width": width, "height": height})
            page.goto(address.partition("/desk/")[0] + path)
            page.wait_for_timeout(500)  # for the frames
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=out / name)
        browser.close()
    return 0


@contextmanager
def example_desk(folder: Path) -> Iterator[str]:
    """Serve the local desk of an installation with the examples' sources and readers; yield the address to open."""
    shutil.copytree(resource("examples"), folder / "examples")
    shutil.copyfile(resource("config.toml"), folder / "config.toml")
    for words in (("subscribers", "import", "examples/subscribers.csv"), ("gather",), ("prepare", "weekly")):
        answer = command(folder, "--now", NOW, *words)
        assert answer.code == 0, answer.stderr
    at = datetime.fromisoformat(NOW).astimezone(UTC)
    app, opened = local_app(Installation(load(folder / "config.toml", {}), at), "Ann")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield opened(f"http://127.0.0.1:{listening.getsockname()[1]}")
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
