"""A page does not wait for a mail server without end: it says so, and the letter goes on its way."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.applications import Starlette

from digest.desk.pool import draft_again
from digest.installation import Installation
from digest.transports.base import Transport
from digest.web.desk.gate import route
from digest.web.desk.in_time import in_time
from digest.web.desk.local import OPEN, LocalDoor
from digest.web.desk.page import Desk
from digest.web.desk.routes import PAGES
from subscribers.model import Interests
from tests.counts import spread
from tests.desk.signed_in import mails
from tests.house import ANN, House
from tests.test_send import Recorder
from tests.web.desk.local import HOST, DeskClient
from tests.web.desk.served import Ticking


class _Slow(Ticking):
    """An installation whose mail server does not answer before `answers` is set."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.answers = threading.Event()

    def transport(self) -> Transport:
        assert self.answers.wait(10)
        return super().transport()


class _Later(Ticking):
    """An installation whose mail server gives one verdict on each letter."""

    verdict = "deferred"

    def transport(self) -> Transport:
        return Recorder(verdict=self.verdict)


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path)
    house.run()
    house.reader("reader@example.org", interests=Interests(frozenset(["housing"]), frozenset(["wales"])))
    house.publish("A")
    house.run(minutes=5)
    draft_again(house.place, ANN, "weekly")
    return house


def _test_letter(place: Installation, patience: float) -> Response:
    """Ask a desk for a test letter, and return the page that follows."""
    desk, door = Desk(place, local=True, patience=patience), LocalDoor("Ann")
    app = Starlette(routes=[route(desk, door, page) for page in (door.page(), *PAGES)])
    client = DeskClient(app, base_url=HOST)
    client.get(OPEN.replace("{key}", door.key))
    values = {"csrf": client.csrf("/desk/weekly"), "edition": "1", "reader": "1", "address": "ann@example.org"}
    return client.post("/desk/weekly/test", data=values)


@pytest.mark.parametrize(
    ("verdict", "status", "told"),
    spread(
        2,
        [
            ("deferred", 202, "The next run sends it."),
            ("uncertain", 202, "Look whether it came."),
            ("refused", 400, "was not handed over"),
            ("accepted", 200, "a test letter"),
        ],
    ),
)
def test_the_page_says_what_became_of_a_test_letter(house: House, verdict: str, status: int, told: str) -> None:
    place = _Later(house)
    place.verdict = verdict
    page = _test_letter(place, 10)
    assert page.status_code == status and told in page.text


@pytest.mark.long
def test_a_test_letter_does_not_wait_for_a_mail_server_that_hangs(house: House) -> None:
    place = _Slow(house)
    page = _test_letter(place, 0.05)
    assert page.status_code == 202, page.text[-900:]
    assert "has not answered" in page.text and "Send it again" not in page.text
    assert mails(house) == []
    place.answers.set()
    until = time.monotonic() + 5
    while not mails(house) and time.monotonic() < until:
        time.sleep(0.01)
    (mail,) = mails(house)
    assert mail["to"] == "ann@example.org"


def test_an_act_in_time_is_answered_as_if_nobody_had_waited() -> None:
    assert in_time(5, lambda: 7, str) == 7
    with pytest.raises(TimeoutError, match="its own"):
        in_time(5, _raise, str)


def _raise() -> None:
    raise TimeoutError("its own")


@pytest.mark.parametrize("error", [None, ValueError("refused")])
def test_what_comes_too_late_is_in_the_log(error: Exception | None, caplog: pytest.LogCaptureFixture) -> None:
    go = threading.Event()

    def late() -> int:
        go.wait(5)
        if error:
            raise error
        return 7

    with caplog.at_level(logging.WARNING):
        assert in_time(0.01, late, "it was {}".format) is None
        go.set()
        for thread in threading.enumerate():
            if thread.name == "in time":
                thread.join(5)
    assert f"after its page was answered: {error or 'it was 7'}" in caplog.text
