"""A reader leaves, says why, and comes back; the link of an old letter tells how things stand when it is opened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from digest.store.engine import reading, writing
from subscribers import store as people
from subscribers.keyring import LinkKeys
from subscribers.leaving import count_reasons, own_words
from subscribers.model import Interests
from tests import console
from tests.readers.joiners import Doors

ANN = "ann@example.org"
HOUSING = Interests(frozenset({"housing"}), frozenset({"wales"}), carry_over=False)
ONE_CLICK: tuple[dict[str, Any], ...] = (
    {"data": {"List-Unsubscribe": "One-Click"}},
    {"files": {"List-Unsubscribe": (None, "One-Click")}},
)


class Ann:
    """A reader with the link of a letter."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.id = doors.house.reader(ANN, "weekly", HOUSING)
        self.link = f"/unsubscribe/{doors.house.token('unsubscribe', self.id)}"

    def get(self) -> str:
        answer = self.doors.client.get(self.link)
        assert answer.status_code == 200 and "ann@" not in answer.text
        return str(answer.text)

    def post(self, step: str = "", **answers: Any) -> str:
        answer = self.doors.client.post(self.link + step, data=answers, headers={"X-Forwarded-For": "198.51.100.7"})
        assert answer.status_code == 200 and "location" not in answer.headers, answer.text
        return str(answer.text)


@pytest.fixture
def ann(tmp_path: Path) -> Iterator[Ann]:
    doors = Doors(tmp_path / "house")
    yield Ann(doors)
    doors.close()


def test_the_page_says_whose_letters_and_offers_less_beside_one_button(ann: Ann) -> None:
    page = ann.get()
    assert "The letters of Digest to a•••@example.org. Nothing has changed yet." in page
    assert page.count("<button") == 2 and "/pause/" in page
    assert "one letter a month from now on" in ann.post("/monthly")
    person = ann.doors.person(ANN)
    assert person and (person.state, person.cadence) == ("active", "monthly")
    assert ann.doors.history(ANN)[-1] == ("changed", "leave page")
    assert ann.get().count("<button") == 1


@pytest.mark.long
def test_who_has_left_comes_back_by_a_mail_with_all_that_they_had(ann: Ann) -> None:
    house = ann.doors.house
    house.publish("Before")
    house.run(days=4)
    assert len(house.letters(ann.id)) == 1
    for sent in ONE_CLICK:
        answer = ann.doors.client.post(ann.link, **sent)
        assert answer.status_code == 200 and "You have left" in answer.text
    assert [what for what, _ in ann.doors.history(ANN)] == ["added", "left"]
    house.run(days=1)
    house.publish("While away")
    house.run(days=20)
    assert "a•••@example.org left on 6 November 2026." in ann.get()
    assert ann.doors.mails() == []
    answer = ann.post("/back")
    assert "We send a mail to a•••@example.org" in answer
    assert answer == ann.post("/back") and len(ann.doors.mails()) == 1, "one mail a day"
    person = ann.doors.person(ANN)
    assert person and person.state == "left", "the link may have been passed on"
    (mail,) = ann.doors.mails(ANN)
    assert mail["Subject"] == "Confirm that you want letters from Digest again"
    link = ann.doors.link(ANN)
    page = ann.doors.client.get(link).text
    assert "Do you want these letters again?" in page and "Housing" in page and "Wales" in page
    done = ann.doors.client.post(link)
    assert "Your letters will come" in done.text and done.content == ann.doors.client.post(link).content
    person = ann.doors.person(ANN)
    assert person and (person.id, person.state, person.interests) == (ann.id, "active", HOUSING)
    assert ann.doors.reason(ANN) is None and ann.doors.history(ANN)[-1] == ("confirmed", "come back page")
    house.run(days=7)
    assert len(house.letters(ann.id)) == 1, "nothing of the time away"
    house.publish("After")
    house.run(days=7)
    after = house.letters(ann.id)[1:]
    assert [len(digest.placed) for digest in after] == [1]
    assert ann.get().count("Nothing has changed yet") == 1, "and the link leaves again"


def test_a_reason_is_kept_without_the_name_and_only_of_who_has_left(ann: Ann) -> None:
    ann.post("/reason", reason="too-many")
    with reading(ann.doors.live.engine) as conn:
        assert count_reasons(conn) == {}
    assert "Why did you leave?" in ann.post()
    assert "Thank you" in ann.post("/reason", reason="not-for-me", text="Too  much\nabout trains <b>")
    assert "Thank you" in ann.post("/reason", text="Only words")
    for bad in ({}, {"reason": "no-such"}, {"reason": "no-such", "text": "x"}):
        answer = ann.doors.client.post(ann.link + "/reason", data=bad)
        assert answer.status_code == 400 and "Nothing has changed" in answer.text
    with reading(ann.doors.live.engine) as conn:
        assert count_reasons(conn) == {"other": 1}
        assert [(each.reason, each.text) for each in own_words(conn)] == [("other", "Only words")]
    shown = console.digest(ann.doors.house.folder, "subscribers", "why-left").stdout
    assert "      1  another reason" in shown and "2026-11-02 another reason: Only words" in shown
    assert "ann" not in shown
    document = console.digest(ann.doors.house.folder, "subscribers", "why-left", "--json").document
    assert document["reasons"]["other"] == 1 and document["words"][0]["text"] == "Only words"
    with writing(ann.doors.live.engine) as conn:
        people.forget(conn, ann.id, now=ann.doors.house.now, secret=ann.doors.live.secret)
        assert count_reasons(conn) == {}


@pytest.mark.parametrize("step", ["", "/monthly", "/reason", "/back"])
def test_every_state_has_a_true_page_and_no_dead_end(ann: Ann, step: str) -> None:
    house, live = ann.doors.house, ann.doors.live
    with writing(live.engine) as conn:
        people.leave(conn, ann.id, how="test", now=house.now, secret=live.secret)
    ann.doors.suppress(ANN, "editor")
    page = ann.post(step, reason="other") if step else ann.get()
    assert "we do not write to this address" in page and "digest@example.org" in page and "/back" not in page
    with writing(live.engine) as conn:
        people.forget(conn, ann.id, now=house.now, secret=live.secret)
    page = ann.post(step, reason="other") if step else ann.get()
    assert "nothing is kept of the person who did" in page and 'href="/join"' in page
    for bad in ("x", ann.link.rpartition("/")[2][:-1]):
        answer = ann.doors.client.post(f"/unsubscribe/{bad}{step}")
        assert answer.status_code == 404 and "new-link" in answer.text
    assert ann.doors.mails() == [] and ann.doors.owed() == []


@pytest.mark.long
def test_coming_back_is_asked_for_once_a_day_and_ends_with_an_erasure(ann: Ann) -> None:
    ann.post()
    ann.post("/back")
    link = ann.doors.link(ANN)
    ann.doors.house.now += timedelta(hours=25)
    ann.post("/back")
    assert len(ann.doors.mails()) == 2
    with writing(ann.doors.live.engine) as conn:
        people.forget(conn, ann.id, now=ann.doors.house.now, secret=ann.doors.live.secret)
    assert ann.doors.client.post(ann.doors.link(ANN)).status_code == 410
    assert ann.doors.client.post(link).status_code == 410
    assert ann.doors.person(ANN) is None


def test_the_pages_speak_the_readers_language(ann: Ann) -> None:
    with writing(ann.doors.live.engine) as conn:
        conn.exec_driver_sql("UPDATE subscriber SET language = 'cy'")
    for page in (ann.get(), ann.post(), ann.post("/back"), ann.post("/reason", reason="other")):
        assert '<html lang="cy" dir="ltr">' in page
        assert not re.search(r"\b(the|you|letter)\b", page.partition("</style>")[2])
    assert str(ann.doors.mails()[0]["Subject"]).startswith("Cadarnhewch")
    assert '<html lang="cy"' in ann.doors.client.get(ann.doors.link(ANN)).text


def test_a_link_of_a_retired_key_lets_them_leave_and_does_no_more(ann: Ann) -> None:
    old = ann.link.rpartition("/")[2]
    keys = LinkKeys([b"n" * 32], retired=ann.doors.live.link_keys)
    vars(ann.doors.live)["link_key_file"] = SimpleNamespace(keys=keys)
    page = ann.get()
    assert page.count("<button") == 1 and "/pause/" not in page and old in page
    for step in ("/monthly", "/back"):
        ann.post(step)
    person = ann.doors.person(ANN)
    assert person and (person.state, person.cadence) == ("active", "weekly")
    page = ann.post()
    assert "You have left" in page and "<button" not in page and 'href="/join"' in page
    ann.post("/reason", reason="other")
    ann.post("/back")
    with reading(ann.doors.live.engine) as conn:
        assert count_reasons(conn) == {}
    assert ann.doors.owed() == []
