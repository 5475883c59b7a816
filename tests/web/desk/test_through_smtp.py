"""An operator adds an admin and starts `digest serve`; the admin signs in by way of a real mail server."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiosmtpd.controller import Controller

from digest.config.load import load
from tests.console import digest
from tests.house import House


class Mailboxes:
    """Keeps what a mail server takes, by the address that it is for."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Take a mail."""
        self.taken.append((envelope.rcpt_tos[0], envelope.original_content))
        return "250 2.0.0 Ok"


@pytest.fixture
def mail() -> Iterator[tuple[Mailboxes, int]]:
    boxes = Mailboxes()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(boxes, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield boxes, port
    finally:
        server.stop()


@pytest.mark.long
def test_an_admin_signs_in_by_mail_and_a_viewer_is_refused_what_the_role_does_not_allow(
    tmp_path: Path, mail: tuple[Mailboxes, int]
) -> None:
    boxes, port = mail
    house = House(tmp_path / "house")
    text = house.config.read_text().replace("https://digest.example.org", "http://127.0.0.1")
    text += f'[transport]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
    house.config.write_text(text)
    house.settings = load(house.config, {})
    added = digest(house.folder, "editors", "add", "ann@example.org", "--name", "Ann", "--role", "admin")
    assert added.code == 0 and "they sign in at http://127.0.0.1/desk" in added.stderr
    command = [sys.executable, "-m", "digest", "--config", str(house.config), "serve", "--port", "0"]
    open_clients = ExitStack()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert process.stderr is not None
        address = next(line for line in process.stderr if line.startswith("listening on")).split()[-1]
        ann = open_clients.enter_context(closing(sign_in(address, boxes, "ann@example.org")))
        assert "Editors</h1>" in ann.get("/desk/editors").text
        assert press(ann, "/desk/editors", email="vi@example.org", name="Vi", role="viewer").status_code == 200
        vi = open_clients.enter_context(closing(sign_in(address, boxes, "vi@example.org")))
        assert vi.get("/desk").status_code == 200 and "Ann added editor 2: name Vi" in vi.get("/desk/log").text
        assert vi.get("/desk/editors").status_code == vi.get("/desk/log.csv").status_code == 403
        assert "added editor 2" in ann.get("/desk/log.csv").text
        assert press(ann, "/desk/editors/2/remove", "/desk/editors").status_code == 200
        assert vi.get("/desk/log").url.path == "/desk/sign-in"
        assert {to for to, _ in boxes.taken} == {"ann@example.org", "vi@example.org"}
    finally:
        open_clients.close()
        process.kill()
        process.communicate()
        house.close()


def sign_in(address: str, boxes: Mailboxes, email: str) -> httpx2.Client:
    """Return a browser in which an editor has signed in by the link that came by mail."""
    browser = httpx2.Client(base_url=address, follow_redirects=True, timeout=30)
    assert browser.get("/desk").url.path == "/desk/sign-in"
    count = len(boxes.taken)
    assert browser.post("/desk/sign-in", data={"email": email}).status_code == 200
    for _ in range(600):  # because the mail leaves after the answer
        if len(boxes.taken) > count:
            break
        time.sleep(0.05)
    (to, content), *others = boxes.taken[count:]
    assert to == email and not others
    body = message_from_bytes(content, policy=policy.default).get_body(("plain",))
    assert body is not None
    (path,) = re.findall(r"http://127\.0\.0\.1(/desk/sign-in/\S+)", body.get_content())
    assert "press the button" in browser.get(path).text
    assert browser.post(path).url.path == "/desk"
    return browser


def press(browser: httpx2.Client, address: str, page: str = "", **fields: str) -> httpx2.Response:
    """Send a form whose token stands on a page."""
    (csrf, *_) = re.findall(r'name="csrf" value="([^"]+)"', browser.get(page or address).text)
    return browser.post(address, data={"csrf": csrf, **fields})
