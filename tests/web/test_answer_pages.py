"""The form of an answer: a reader answers, mends and takes back; an editor sees the words, and never whose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from digest.readers.answer import LONGEST_ANSWER
from digest.store.engine import reading, writing
from digest.web.app import make_app
from subscribers import store as people
from subscribers.tables import subscriber
from tests.console import digest as command
from tests.desk.test_answers import DID, Answering
from tests.web.desk.local import desk_of
from tests.web.desk.local import words as text_of

EVIL = '"><script>alert(1)</script>{{ 7*7 }}\u202e'


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Answering:
    here = Answering(tmp_path_factory.mktemp("answers") / "house")
    here.begin()
    config = here.config.read_text(encoding="utf-8")
    here.config.write_text(config.replace("[gather]", "[answers]\nenabled = true\n[gather]"), encoding="utf-8")
    return here


@pytest.fixture
def desk(tmp_path: Path, begun: Answering) -> Iterator[Answering]:
    here = begun.copy(tmp_path / "house")
    here.who = dict(begun.who)
    yield here
    here.close()


class Browser:
    """The browser of a reader of the house, at the page of an entry."""

    def __init__(self, house: Answering, name: str = "ann", *, on: bool = True) -> None:
        settings = replace(house.settings, answers=on)
        self.client = TestClient(make_app(house.live(settings)), base_url=house.settings.site.base_url)
        self.address = f"/yours/{house.token('preferences', house.who[name])}/answer"

    def get(self, entry: object = 1) -> tuple[int, str]:
        answer = self.client.get(f"{self.address}?entry={entry}")
        return answer.status_code, answer.text

    def send(self, kind: str = "tried", **fields: str) -> tuple[int, str]:
        answer = self.client.post(self.address, data={"entry": "1", "answer": kind, **fields})
        return answer.status_code, answer.text


def test_a_reader_answers_changes_it_and_takes_it_back(desk: Answering) -> None:
    browser = Browser(desk)
    status, page = browser.get()
    assert status == 200 and "Tell us about this entry" in page and "A list" in page and desk.of("ann") == {}
    for _ in range(2):  # twice the same is once
        status, page = browser.send(text=f" {DID}\n", named="yes", place="Fife Council")
        assert status == 200 and "Thank you. Your answer is saved." in page
        assert desk.of("ann")["tried"].number == 1
    assert "When it is accepted, it is shown with the name Fife Council." in page
    browser.send("useful")
    assert set(desk.of("ann")) == {"tried", "useful"}
    browser.send("not-for-me", text="")
    assert set(desk.of("ann")) == {"tried", "not-for-me"}
    status, page = browser.send(take_back="yes")
    assert (status, set(desk.of("ann"))) == (200, {"not-for-me"}) and "taken back" in page
    assert browser.send(take_back="yes")[0] == 200, "twice is once here too"


def test_a_mistake_is_told_at_its_field_and_nothing_typed_is_lost(desk: Answering) -> None:
    browser = Browser(desk)
    status, page = browser.send(text="", named="yes", place=EVIL)
    assert status == 400 and desk.of("ann") == {}
    for anchor in re.findall(r'class="errors".*?</div>', page, re.DOTALL)[0].split('href="#')[1:]:
        assert f'id="{anchor.partition(chr(34))[0]}"' in page
    assert "There is a problem" in page and "Write what you did, in one line." in page
    assert "<script>" not in page and 'value="&#34;&gt;&lt;script&gt;' in page
    assert re.search(r'name="named" value="yes" checked', page)
    status, page = browser.send(text="x" * (LONGEST_ANSWER + 1), named="yes")
    assert status == 400 and "Write at most 200 characters." in page and "remove the tick" in page
    assert "x" * (LONGEST_ANSWER + 1) in page


def test_only_what_they_had_and_only_where_it_is_asked(desk: Answering) -> None:
    stranger = Browser(desk, "cai")
    assert stranger.send("useful")[0] == 404 == stranger.get()[0]
    for entry in ("99", "", "-1", "9" * 30, "²"):
        assert stranger.get(entry)[0] == 404
    assert Browser(desk).send("liked")[0] == 400
    off = Browser(desk, on=False)
    desk.give("ann", "useful")
    assert off.get()[0] == 404 == off.send("not-for-me")[0]
    assert set(desk.of("ann")) == {"useful"}
    assert off.send("useful", take_back="yes")[0] == 200 and desk.of("ann") == {}
    with writing(desk.place.engine) as conn:
        people.leave(conn, desk.who["ann"], how="test", now=desk.now, secret=desk.place.secret)
    assert "We do not write to you any more" in Browser(desk).send("useful")[1]


def test_the_page_is_in_the_language_of_its_reader(desk: Answering) -> None:
    with writing(desk.place.engine) as conn:
        conn.execute(update(subscriber).where(subscriber.c.id == desk.who["ann"]).values(language="cy"))
    status, page = Browser(desk).send(text="")
    assert status == 400 and '<html lang="cy"' in page and "Mae problem" in page
    assert "There is" not in page


def test_an_editor_decides_on_the_desk_and_sees_no_reader(desk: Answering) -> None:
    Browser(desk, "ann").send("tried", text=EVIL, named="yes", place="Fife <b>Council")
    Browser(desk, "bea").send("not-for-me", text="No money.")
    client = desk_of(desk)
    page = client.get("/desk/answers").text
    shown = text_of(page)
    assert "Nothing waits" not in shown and "No money." in shown and "Fife <b>Council" in shown
    assert "<script>alert" not in page and "{{ 7*7 }}" in shown
    assert "example.org" not in page and "ann@" not in page and "bea" not in shown.lower()
    page = client.press("/desk/answers", "/desk/answers", answer=1, do="accept")
    assert "accepted answer 1" in text_of(page) and desk.names() == ["Fife <b>Council"]
    (act,) = re.findall(r'name="act" value="(\d+)"', page)
    assert "took act" in text_of(client.press("/desk/answers/undo", "/desk/answers", act=act))
    assert desk.names() == []
    assert "Left aside by" in text_of(client.press("/desk/answers", "/desk/answers", answer=1, do="aside"))
    refused = client.post("/desk/answers", data={"csrf": client.csrf("/desk/answers"), "answer": 9, "do": "accept"})
    assert refused.status_code == 400 and "no answer 9" in unescape(refused.text)
    log = text_of(client.get("/desk/log").text)
    assert "No money" not in log and "Fife" not in log, "the log outlives the reader"


def test_a_form_of_an_answer_that_another_editor_has_decided_is_stale(desk: Answering) -> None:
    desk.give("ann", place="Fife Council")
    client = desk_of(desk)
    client.press("/desk/answers", "/desk/answers", answer=1, do="accept", seen=0)
    late = {"csrf": client.csrf("/desk/answers"), "answer": 1, "do": "aside", "seen": 0}
    assert client.post("/desk/answers", data=late).status_code == 409
    assert desk.names() == ["Fife Council"]


@pytest.mark.long
def test_the_commands_do_the_same(desk: Answering) -> None:
    assert command(desk.folder, "answers", "list").stdout == "no reader has answered yet\n"
    desk.give("ann", place="Fife Council")
    desk.give("bea", "useful")
    listed = command(desk.folder, "answers", "list")
    assert f"answer 1 to entry 1, waiting: we tried this: {DID} – Fife Council" in listed.stdout
    assert command(desk.folder, "answers", "accept", "1", "--by", "Ed").code == 0
    document = command(desk.folder, "answers", "list", "--json").document
    assert [(each["number"], each["state"], each["decided_by"]) for each in document["answers"]] == [
        (1, "accepted", "Ed")
    ]
    assert document["entries"][0]["useful"] == 1
    assert command(desk.folder, "answers", "aside", "1").code == 0 and desk.names() == []
    assert command(desk.folder, "answers", "accept", "7").code == 2


def test_a_get_and_a_head_change_nothing(desk: Answering) -> None:
    browser = Browser(desk)
    for query in ("entry=1&answer=useful", "entry=1&answer=tried&take_back=yes&text=x"):
        for method in ("GET", "HEAD", "OPTIONS"):
            browser.client.request(method, f"{browser.address}?{query}")
    with reading(desk.place.engine) as conn:
        assert people.get(conn, desk.who["ann"]) is not None
    assert desk.of("ann") == {}
