"""The page "Your letters": what it shows, and each thing that a reader may do there, done once."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from digest.notices.new_link import LinkNotices
from digest.store import schema as tables
from digest.store.engine import reading, writing
from digest.web.app import make_app
from subscribers import store as people
from subscribers.tables import confirmation
from subscribers.tokens import make_token
from tests.counts import table
from tests.web.test_reader_pages import CAP, Post

NEW = "rhian@new.example"


class Mailing(Post):
    """The house of the tests of readers' pages, whose pages may mail."""

    def __init__(self, folder: Path, database_url: str = "", *, like: Path | None = None) -> None:
        super().__init__(folder, database_url, like=like)
        settings = replace(self.house.settings, silence_notices=True)
        live = self.house.live(settings)
        self.notices = LinkNotices(live, sleep=lambda _: None)
        self.client = TestClient(make_app(live, self.notices), raise_server_exceptions=False)

    def send(self, page: str, *, follow: bool = True, **fields: Any) -> httpx2.Response:
        """Post a form of Rhian's page."""
        return self.client.post(self.at(f"yours/{page}"), data=fields, follow_redirects=follow)

    def page(self, below: str = "") -> str:
        return self.client.get(self.link("yours") + below).text

    def owed(self) -> list[tuple[str, str]]:
        """Return the notices as (kind, state)."""
        with reading(self.engine) as conn:
            rows = conn.execute(select(tables.notice.c.kind, tables.notice.c.state).order_by(tables.notice.c.id))
            return [(row.kind, row.state) for row in rows]

    def wishes(self) -> list[Any]:
        with reading(self.engine) as conn:
            return list(conn.execute(select(confirmation).order_by(confirmation.c.id)).all())

    def mail(self, to: str) -> str:
        """Return the text of the only notice to an address."""
        paths = (self.house.folder / "letters" / "notices").glob("*.eml")
        [message] = [
            message
            for path in paths
            if (message := BytesParser(policy=policy.default).parsebytes(path.read_bytes()))["To"] == to
        ]
        body = message.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def settle(self, wish: Any = None) -> httpx2.Response:
        """Press the button of the page that confirms a wish to move, by default the newest."""
        wish = wish or self.wishes()[-1]
        token = make_token(self.house.place.link_keys, "confirm", wish.id, wish.key, now=wish.asked_at)
        return self.client.post(f"/confirm/{token}", data={"form": "move"})


@pytest.fixture(scope="module")
def like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the house, to copy."""
    made = Mailing(tmp_path_factory.mktemp("yours") / "house")
    made.house.close()
    return made.house.folder


@pytest.fixture
def post(tmp_path: Path, like: Path) -> Iterator[Mailing]:
    """The house."""
    made = Mailing(tmp_path / "house", like=like)
    yield made
    made.house.close()


# --- what it shows --------------------------------------------------------------------------------------------


@table(
    "now, cadence, paused, told",
    [
        ("2026-11-06T09:00", "weekly", "", "next weekly letter is due on Friday 13 November 2026"),
        ("2026-11-06T07:59", "weekly", "", "next weekly letter is due on Friday 6 November 2026"),
        ("2026-11-06T09:00", "daily", "", "next daily letter is due on Saturday 7 November 2026"),
        ("2026-11-06T09:00", "monthly", "", "next monthly letter is due on Tuesday 1 December 2026"),
        ("2026-11-06T09:00", "weekly", "2026-11-20", "next weekly letter is due on Friday 20 November 2026"),
        ("2026-11-06T09:00", "weekly", "2026-11-21", "next weekly letter is due on Friday 27 November 2026"),
        ("2026-11-06T09:00", "weekly", "2026-11-01", "next weekly letter is due on Friday 13 November 2026"),
        ("2026-11-06T09:00", "hourly", "", "Letters as often as you chose are no longer made."),
    ],
)
def test_the_next_letter_is_told(post: Mailing, now: str, cadence: str, paused: str, told: str) -> None:
    post.house.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
    with writing(post.engine) as conn:
        people.set_cadence(conn, post.rhian, cadence, how="test", now=post.house.now)
        if paused:
            until = datetime.fromisoformat(paused).replace(tzinfo=UTC)
            people.pause(conn, post.rhian, until, how="test", now=until - timedelta(days=1))
    page = post.page()
    assert told in page and ("Paused: we write again" in page) == (paused > now)


@pytest.mark.long
def test_what_a_reader_had_stands_with_its_reason_and_place(post: Mailing) -> None:
    page = post.page()
    assert "Weekly letter of 6 November 2026" in page and "12 entries" in page
    assert page.count('<span class="because">You follow Housing; this comes from Wales.</span>') == CAP
    assert page.count('<span class="facts">Case study, Notes, Wales</span>') == CAP
    assert "8 more entries matched what you follow" in page and "/had" not in page
    for week in range(1, 4):
        post.house.publish(f"In week {week}")
        post.house.run(days=7)
    page, every = post.page(), post.page("/had")
    assert page.count("<details") == 3 and "/had" in page and "6 November 2026" not in page.partition("<h2")[2]
    assert re.findall(r"<h2>(Weekly.*?)</h2>", every) == [
        f"Weekly letter of {day} November 2026" for day in (27, 20, 13, 6)
    ]
    assert "/had?before=" not in every and post.page("/had?before=x") == every


@pytest.mark.long
@table(
    "asked, told",
    [
        ("1", "because it is outside what you follow"),
        ("https://example.org/19", "You had it in the weekly letter of 6 November 2026."),
        ("not for rhian", "because it is outside what you follow"),
        ("note", "Which of these?"),
        ("100%", "We know no entry by that."),
        ("9" * 30, "We know no entry by that."),
        ("https://example.org/nowhere", "We know no entry by that."),
        ("", "Type a link, words of the title, or a number."),
    ],
)
def test_why_not_is_told_of_a_number_a_link_or_words(post: Mailing, asked: str, told: str) -> None:
    before = post.dump()
    answer = post.client.get(f"{post.link('yours')}/why", params={"entry": asked})
    assert (answer.status_code, told in answer.text) == (200, True)
    assert post.dump() == before


def test_what_editors_keep_back_is_not_told(post: Mailing) -> None:
    with writing(post.engine) as conn:
        conn.execute(tables.entry.update().where(tables.entry.c.id == 1).values(state="held"))
    for asked in ("1", "not for rhian"):
        page = post.client.get(f"{post.link('yours')}/why", params={"entry": asked}).text
        assert "We know no entry by that." in page and "Not for Rhian" not in page


# --- choices --------------------------------------------------------------------------------------------------


def test_a_page_opened_before_the_upgrade_is_told_kindly_and_keeps_what_was_ticked(post: Mailing) -> None:
    before = post.dump()
    old = {"form": "preferences-2", "cadence": "daily", "policy_areas": "transport", "elsewhere": "yes"}
    page = post.client.post(post.link("preferences"), data=old)
    assert page.status_code == 400 and "This page has changed since you opened it." in page.text
    ticked = re.findall(r'name="([a-z_]+)" value="([a-z-]+)" checked', page.text)
    assert ticked == [("cadence", "daily"), ("policy_areas", "transport"), ("elsewhere", "yes"), ("language", "en")]
    assert post.dump() == before


def test_the_old_links_show_the_page_and_that_to_pause_its_part(post: Mailing) -> None:
    answer = post.client.get(post.link("pause"), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{post.link('yours')}#pause")
    assert post.client.get(post.link("preferences")).text == post.page()
    assert "Your letters are paused" in post.client.post(post.link("pause"), data={"for": "2-weeks"}).text


def test_silence_notices_can_be_switched_off(post: Mailing) -> None:
    assert 'name="silence_notices" value="yes" checked' in post.page()
    post.send(
        "choices", shown=post.shown(), form="preferences-4", cadence="weekly", policy_areas="housing", elsewhere="yes"
    )
    assert not post.person().silence_notices
    assert 'name="silence_notices" value="yes" checked' not in post.page()


def test_monthly_instead_acts_once(post: Mailing) -> None:
    assert "Write to me monthly instead" in post.page()
    for _ in range(2):
        answer = post.send("monthly")
        assert "Monthly from now on" in answer.text and "monthly instead" not in answer.text
    assert (post.person().cadence, post.history()) == ("monthly", [("changed", "your letters page")])


@pytest.mark.long
def test_a_reader_chooses_the_time_zone_of_their_morning_where_it_is_offered(post: Mailing) -> None:
    assert 'action="' in post.page() and "/zone" not in post.page()
    assert post.send("zone", zone="America/New_York").status_code == 404
    site = replace(post.house.settings.site, reader_zones=("America/New_York",))
    live = post.house.live(replace(post.house.settings, site=site))
    post.client = TestClient(make_app(live, post.notices), raise_server_exceptions=False)
    assert (
        'value="Europe/London" checked' in post.page() and 'value="America/New_York"> <span>New York' in post.page()
    )
    for _ in range(2):
        answer = post.send("zone", zone="America/New_York")
        assert answer.status_code == 200 and "Your letters come at 08:00, by the clock of New York." in answer.text
    assert (post.person().zone, post.history()) == ("America/New_York", [("changed", "your letters page")])
    answer = post.send("zone", zone="Asia/Tokyo")
    assert answer.status_code == 400 and "“Asia/Tokyo” is not one of the time zones." in answer.text
    assert post.send("zone", zone="Europe/London").status_code == 200 and post.person().zone == ""
    with writing(post.engine) as conn:
        people.set_cadence(conn, post.person().id, "daily", how="test", now=post.house.now)
    weekly = tuple(cadence for cadence in live.settings.cadences if cadence.name == "weekly")
    post.client = TestClient(make_app(post.house.live(replace(live.settings, cadences=weekly)), post.notices))
    assert "/zone" not in post.page(), "no letter comes, at whatever hour"


def test_the_language_changes_at_once_and_once(post: Mailing) -> None:
    for _ in range(2):
        answer = post.send("language", language="cy")
        assert '<html lang="cy"' in answer.text and "Iaith y dudalen hon nawr" in answer.text
    assert (post.person().language, post.history()) == ("cy", [("changed", "your letters page")])
    answer = post.send("language", language="tlh")
    assert answer.status_code == 400 and "tlh" in answer.text and post.person().language == "cy"


def test_a_reader_of_a_regional_english_keeps_it(post: Mailing) -> None:
    with writing(post.engine) as conn:
        people.change(conn, replace(post.person(), language="en-GB"), how="test", now=post.house.now)
    assert post.send("language", language="en").status_code == 200 and post.person().language == "en-GB"


# --- a pause until a day --------------------------------------------------------------------------------------


@pytest.mark.long
@table(
    "fields, until",
    [
        ({"for": "until", "until": "2027-01-31"}, "2027-01-31"),
        ({"for": "until", "until": " 31/1/2027 "}, "2027-01-31"),
        ({"for": "until", "until": "31.1.2027"}, "2027-01-31"),
        ({"until": "2027-01-31"}, "2027-01-31"),
        ({"for": "2-weeks", "until": ""}, "2026-11-20"),
        ({"for": "until", "until": "2026-11-07"}, "2026-11-07"),
        ({"for": "until", "until": "2027-11-07"}, "2027-11-07"),
        ({"for": "until", "until": ""}, "Give the day on which letters go on."),
        ({"for": "until", "until": "31/31/2027"}, "“31/31/2027” is not a day."),
        ({"for": "until", "until": "soon"}, "“soon” is not a day."),
        ({"for": "until", "until": "2026-11-06"}, "Choose a day later than today."),
        ({"for": "until", "until": "2027-11-08"}, "Choose a day within the next year."),
        ({}, "Nothing was chosen; choose for how long."),
    ],
)
def test_a_pause_until_a_day(post: Mailing, fields: dict[str, str], until: str) -> None:
    post.send("pause", **{"for": "now"})
    answer = post.send("pause", **fields)
    paused = post.person().paused_until
    if until[:2] == "20":
        assert answer.status_code == 200 and paused == datetime.fromisoformat(until).replace(tzinfo=UTC)
        return
    assert answer.status_code == 400 and paused is None and until in answer.text
    assert f'value="{fields.get("until", "")}"' in answer.text, "what was typed is kept"


@pytest.mark.long
def test_the_first_letter_after_a_pause_is_one_that_counts_the_rest(post: Mailing) -> None:
    post.send("pause", **{"for": "until", "until": "2026-12-04"})
    for week in range(4):
        for number in range(5):
            post.house.publish(f"Paused {week} {number}")
        post.house.run(days=7)
    letters = post.house.letters(post.rhian)
    assert [len(letter.placed) for letter in letters] == [CAP, CAP]
    assert letters[1].more == 4 * 5 - CAP
    assert not {each.entry for each in letters[0].placed} & {each.entry for each in letters[1].placed}


# --- to another address ---------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_move_is_confirmed_at_the_new_address_and_undone_at_the_old(post: Mailing) -> None:
    before = post.person()
    assert "Look in the mailbox of your new address" in post.send("address", email=NEW).text
    assert post.owed() == [("confirm", "accepted")] and post.person().email == "rhian@example.org"
    mail = post.mail(NEW)
    [wish] = post.wishes()
    [confirm] = re.findall(r"https://digest\.example\.org(/confirm/[\w.-]+)", mail)
    assert "Have your letters at this address?" in post.client.get(confirm).text
    assert post.person().email == "rhian@example.org"
    for _ in range(2):
        assert "Your letters have moved" in post.settle(wish).text
    moved = post.person()
    assert (moved.email, moved.id, moved.key) == (NEW, before.id, before.key)
    assert post.history() == [("changed", "moved to another address")]
    post.house.publish("After the move")
    post.house.run(days=7)
    [path] = [
        path for path in (post.house.folder / "letters").rglob("*.eml") if b"After the move" in path.read_bytes()
    ]
    assert b"rhian@new.example" in path.read_bytes()
    [way] = re.findall(r"https://digest\.example\.org(/undo/[\w.-]+)", post.mail("rhian@example.org"))[:1]
    assert "Bring your letters back" in post.client.get(way).text
    for _ in range(2):
        assert "Your letters are back" in post.client.post(way).text
    assert post.person().email == "rhian@example.org"
    answer = post.send("address", email="other@new.example")
    assert answer.status_code == 400 and "no link can move your letters" in answer.text


@pytest.mark.parametrize(("days", "works"), [(6, True), (8, False)])
def test_a_move_can_be_undone_for_seven_days(post: Mailing, days: int, works: bool) -> None:
    post.send("address", email=NEW)
    assert post.settle().status_code == 200
    wish = post.wishes()[-1]
    token = make_token(post.house.place.link_keys, "undo", wish.id, wish.key, now=post.house.now)
    post.house.now += timedelta(days=days)
    answer = post.client.post(f"/undo/{token}")
    assert (answer.status_code, post.person().email) == ((200, "rhian@example.org") if works else (404, NEW))


@pytest.mark.parametrize("hours", [0, 5])
def test_who_asks_twice_for_the_same_address_confirms_by_the_one_mail(post: Mailing, hours: int) -> None:
    post.send("address", email=NEW)
    post.house.now += timedelta(hours=hours)
    post.send("address", email=NEW)
    (wish,) = post.wishes()
    assert post.settle(wish).status_code == 200 and post.history() == [("changed", "moved to another address")]


def test_nobody_learns_who_has_an_address(post: Mailing) -> None:
    secret = post.house.place.secret
    with writing(post.engine) as conn:
        people.suppress(conn, "gone@example.org", "left", secret=secret, now=post.house.now)
    answers = []
    for email in ("owain@example.org", "gone@example.org", NEW):
        answers.append(post.send("address", follow=False, email=email))
        assert (post.settle().status_code == 200) == (email == NEW)
    assert len({(answer.status_code, answer.headers["location"]) for answer in answers}) == 1
    assert post.owed() == [("confirm", "dropped")] * 2 + [("confirm", "accepted"), ("moved", "accepted")]


@table(
    "email, told",
    [
        ("nobody@", "That is not an email address."),
        ("", "That is not an email address."),
        ("RHIAN@example.org", "Your letters go to that address already."),
    ],
)
def test_an_address_that_cannot_be_taken_is_told(post: Mailing, email: str, told: str) -> None:
    answer = post.send("address", email=email)
    assert answer.status_code == 400 and told in answer.text and f'value="{email}"' in answer.text
    assert post.wishes() == []


def test_a_reader_asks_for_three_moves_a_day_and_an_address_gets_one_notice(post: Mailing) -> None:
    codes = [post.send("address", email=email).status_code for email in (NEW, NEW, "b@new.example", "c@new.example")]
    assert codes == [200, 200, 200, 400]
    assert [state for _, state in post.owed()] == ["accepted", "dropped", "accepted"]
    assert len(post.wishes()) == 1, "only the newest link works"


# --- download and erase ---------------------------------------------------------------------------------------


def test_all_that_is_kept_is_downloaded_by_a_post_alone(post: Mailing) -> None:
    post.send("monthly")
    assert post.client.get(post.at("yours/download")).headers["content-type"].startswith("text/html")
    answer = post.send("download", form="json")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-letters.json"'
    document = json.loads(answer.content)
    assert document["person"]["email"] == "rhian@example.org"
    assert [event["what"] for event in document["consents"]] == ["added", "changed"]
    [letter] = document["letters"]
    assert (len(letter["entries"]), letter["more"], letter["state"]) == (CAP, 8, "accepted")
    assert {"answers", "asked", "wishes", "notices", "left", "silence_told"} <= document.keys()


def test_a_cell_of_the_table_is_no_formula(post: Mailing) -> None:
    post.house.publish("=HYPERLINK(1)")
    post.house.run(days=7)
    answer = post.send("download", form="csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="my-letters.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert (len(rows), rows[0]["title"], rows[0]["letter"]) == (CAP + 1, "'=HYPERLINK(1)", "2026-11-13")


def test_erasing_takes_a_second_press_and_leaves_nothing_in_the_file(post: Mailing) -> None:
    post.send("address", email="canary@new.example")
    with writing(post.engine) as conn:
        conn.execute(tables.notice.update().values(state="pending", email="canary@new.example"))
    before = post.dump()
    assert "Erase all that we keep of you?" in post.page("/erase")
    assert "Erase all that we keep of you?" in post.send("erase").text
    assert post.dump() == before
    assert "<h1>Erased</h1>" in post.send("erase", form="erase").text
    assert "We do not write to you any more" in post.send("erase", form="erase").text
    after = post.page()
    assert "We do not write to you any more" in after and '<a href="/join">Get these letters</a>' in after
    assert post.owed() == [("confirm", "dropped")] and post.wishes() == []
    post.house.run(minutes=1)
    post.house.close()
    held = b"".join(path.read_bytes() for path in post.house.folder.glob("digest.db*"))
    assert b"rhian@example" not in held and b"canary@new" not in held
    with reading(post.house.place.engine) as conn:
        secret = post.house.place.secret
        assert people.is_suppressed(conn, "rhian@example.org", secret=secret) == "erased"
