"""A reader with an old link gets a new one by mail, and nobody learns from the page who is a reader."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from digest.errors import TryLater
from digest.notices.new_link import LinkNotices
from digest.readers import limits
from digest.store.engine import reading, writing
from digest.store.lock import run_lock
from digest.store.schema import notice
from digest.web.app import make_app
from subscribers import store as people
from subscribers.tables import consent_event, subscriber
from subscribers.tokens import make_token
from tests.house import House

TO = "ann@example.org"


class Office:
    """An installation with its pages, whose waits are counted instead of slept."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder)
        self.house.run()  # so that the fence is there
        self.waits: list[float] = []
        place = self.house.place
        self.links = LinkNotices(place, sleep=self.waits.append)
        app = make_app(self.house.live(), self.links)
        self.client = TestClient(app)

    def ask(self, email: str) -> tuple[int, str]:
        self.links.installation = self.house.place
        answer = self.client.post("/new-link", data={"email": email})
        return answer.status_code, answer.text

    def letters(self) -> list[EmailMessage]:
        paths = sorted((self.house.folder / "letters" / "notices").glob("*.eml"))
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths]

    def states(self) -> list[tuple[str, str | None]]:
        with reading(self.house.place.engine) as conn:
            return [(row.state, row.email) for row in conn.execute(select(notice).order_by(notice.c.id))]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "house")
    yield office
    office.house.close()


def test_every_page_of_an_old_or_unknown_link_has_the_form_and_a_get_changes_nothing(office: Office) -> None:
    reader, secret = office.house.reader(TO), office.house.place.secret
    old = make_token([secret], "preferences", reader, "another person's")
    for path in (f"/preferences/{old}", f"/pause/{old}", "/unsubscribe/unknown", "/letters/unknown"):
        page = office.client.get(path)
        assert page.status_code == (410 if old in path else 404)
        assert '<form method="post" action="/new-link">' in page.text
        assert '<input type="email" name="email" required' in page.text and "<script" not in page.text
    assert office.client.get("/new-link").status_code == 200
    assert office.states() == []


@pytest.mark.long
def test_a_reader_gets_a_link_that_works_in_their_language(office: Office) -> None:
    for email, language in ((TO, "en"), ("ceri@example.org", "cy-GB"), ("uma@example.org", "xx")):
        reader = office.house.reader(email)
        with writing(office.house.place.engine) as conn:
            conn.execute(update(subscriber).where(subscriber.c.id == reader).values(language=language))
        assert office.ask(email.upper())[0] == 200
    english, welsh, other = office.letters()
    assert english["To"] == TO and (english["Subject"], welsh["Subject"], other["Subject"]) == (
        "Your new link to Digest", "Eich dolen newydd i Digest", "Your new link to Digest",
    )  # fmt: skip
    assert english["List-Unsubscribe"] is None
    text, html = (part.get_content() for part in welsh.iter_parts())
    (link,) = [line for line in text.splitlines() if line.startswith("http")]
    assert f'<a href="{link}">' in html and '<html lang="cy" dir="ltr">' in html
    page = office.client.get(link.removeprefix(office.house.settings.site.base_url))
    assert page.status_code == 200 and "Y llythyrau sy&#39;n mynd i c•••@example.org." in page.text
    assert office.states() == [("accepted", None)] * 3


@pytest.mark.long
def test_the_answer_is_the_same_whoever_has_the_address(office: Office) -> None:
    office.house.reader(TO)
    left = office.house.reader("left@example.org")
    office.house.reader("hard@example.org")
    with writing(office.house.place.engine) as conn:
        people.leave(conn, left, how="test", now=office.house.now, secret=office.house.place.secret)
        people.suppress(conn, "hard@example.org", "bounced", now=office.house.now, secret=office.house.place.secret)
        before = len(conn.execute(select(consent_event)).all())
    answers = {office.ask(email) for email in (TO, "left@example.org", "hard@example.org", "nobody@example.org")}
    answers |= {office.ask(TO)}  # a button that is pressed twice sends one letter
    assert len(office.letters()) == 1
    for _ in range(5):  # also of those beyond its three an hour
        office.house.now += timedelta(minutes=1)
        answers |= {office.ask(TO)}
    ((status, text),) = answers
    assert status == 200 and "three such letters an hour" in text and "ann" not in text
    assert len(office.letters()) == 2, "the second press was one of the three"
    with reading(office.house.place.engine) as conn:
        assert len(conn.execute(select(consent_event)).all()) == before
    for mistake in ("", "no address", "a@b@c", "x" * 5000 + "@example.org"):
        status, text = office.ask(mistake)
        assert status == 400 and "That was no email address" in text and 'name="email"' in text
    office.house.now += timedelta(minutes=61)
    office.ask(TO)
    assert len(office.letters()) == 3


def test_too_many_in_an_hour_are_told_to_come_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAILS_AN_HOUR", 2)
    for n in range(3):
        office.house.reader(f"r{n}@example.org")
    for n in range(2):
        office.links.ask(f"r{n}@example.org", "")
    with pytest.raises(TryLater):
        office.links.ask("r2@example.org", "")
    assert {office.ask(email)[0] for email in ("r2@example.org", "nobody@example.org")} == {503}


def test_a_link_waits_for_a_run_under_way_and_leaves_with_the_next(office: Office) -> None:
    office.house.reader(TO)
    with run_lock(office.house.place.engine):
        assert office.ask(TO)[0] == 200
    assert len(office.waits) > 2 and office.states() == [("pending", TO)]
    office.house.run(days=0)
    assert office.states() == [("accepted", None)] and len(office.letters()) == 1


def test_why_a_link_waits_is_in_the_log(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.house.reader(TO)
    shutil.rmtree(office.house.folder / "letters", ignore_errors=True)
    (office.house.folder / "letters").write_text("in the way of the folder")
    assert office.ask(TO)[0] == 200
    assert office.states() == [("pending", TO)]
    assert "a link by mail waits for the next run" in caplog.text and TO not in caplog.text


def test_a_host_without_the_fence_leaves_it_to_the_run_and_in_hold_nothing_is_promised(office: Office) -> None:
    house = office.house
    house.reader(TO)
    fence = house.settings.fence_file.read_bytes()
    house.settings.fence_file.unlink()
    assert office.ask(TO)[0] == 200 and not house.settings.fence_file.exists()
    house.settings.fence_file.write_bytes(fence)
    house.place.fence.hold()
    for email in (TO, "nobody@example.org"):
        status, text = office.ask(email)
        assert (status, "We cannot answer just now" in text) == (503, True)
    assert [state for state, _ in office.states()] == ["pending"] and not office.waits
    with writing(house.place.engine) as conn:
        people.leave(conn, 1, how="test", now=house.now, secret=house.place.secret)
    house.place.fence.open()
    house.settings = replace(house.settings)
    office.links.installation = house.place
    office.links.hand_over()
    assert office.states() == [("dropped", None)], "they have left since"
