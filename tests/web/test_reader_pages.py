"""The pages behind the links in letters: opening changes nothing, a word is done once, and the rest is all there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from email import policy
from email.parser import BytesParser
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.engine import make_url
from starlette.testclient import TestClient

from digest.config.settings import Settings
from digest.delivery.parcel import parcel
from digest.editions import draft
from digest.letter.mime.dkim import BadKey
from digest.model import Dkim, Edition, Entry, EntryEdit
from digest.render import Letters
from digest.store import deliveries
from digest.store import editions as editions_
from digest.store import schema as tables
from digest.store.engine import reading, writing
from digest.system.resources import resource
from digest.web.app import make_app
from digest.web.letters import LetterPages
from subscribers import store as people
from subscribers.database import metadata
from subscribers.model import Interests, Subscriber
from subscribers.pauses import PAUSES as PAUSE_LENGTHS
from subscribers.pauses import read_pause
from subscribers.tables import subscriber
from tests import postgres
from tests.counts import spread, table
from tests.house import START, House, always_here

ENTRIES, CAP = 20, 12
WRITTEN = START + timedelta(days=4)
STRANGE = "<script>alert('1')</script> & </style></section>{{ 7 * 7 }}"
WALES = Interests(frozenset({"housing"}), frozenset({"wales"}), frozenset({"leadership"}))
PAGES = (("yours", "preferences"), ("preferences", "preferences"), ("pause", "preferences"), ("letters", "browse"))


class Post:
    """A house whose reader `rhian` has had a letter of 20 entries, and the pages as a browser asks for them."""

    def __init__(self, folder: Path, database_url: str = "", *, like: Path | None = None) -> None:
        self.house = House(folder, database_url)
        if like is None:
            self._write_letters()
        else:
            always_here(Path(shutil.copytree(like, folder, dirs_exist_ok=True)))
            self.house.now, self.house._notes = WRITTEN, ENTRIES + 1
        self.engine: Engine = self.house.place.engine
        with reading(self.engine) as conn:
            named = [people.find(conn, f"{name}@example.org") for name in ("rhian", "owain")]
            editions = conn.execute(select(tables.edition.c.id, tables.edition.c.cadence)).all()
        self.rhian, self.owain = (person.id for person in named if person)
        [self.edition] = [number for number, cadence in editions if cadence == "weekly" and number > 1][-1:]
        settings = self.house.settings
        app = make_app(self.house.live(settings))
        self.client = TestClient(app, raise_server_exceptions=False)

    def _write_letters(self) -> None:
        self.house.reader("rhian@example.org", interests=WALES)
        self.house.reader("owain@example.org", interests=Interests(frozenset({"transport"})))
        self.house.run()
        self.house.publish("Not for Rhian", region="scotland", kind="post")
        self.house.run(days=3)
        for number in range(ENTRIES):
            self.house.publish(f"Note {number}", link=f"https://example.org/{number}")
        self.house.run(days=1)
        assert self.house.now == WRITTEN

    def link(self, page: str, subscriber: int | None = None, edition: int | None = None) -> str:
        """Return the path of a page for a reader, by default for Rhian."""
        purpose = dict(PAGES).get(page, page)
        number = (edition or self.edition) if purpose == "browse" else None
        return f"/{page}/{self.house.token(purpose, subscriber or self.rhian, number)}"

    def at(self, page: str) -> str:
        """Return the path of a page, or of a form of it ("yours/pause"), for Rhian."""
        page, slash, form = page.partition("/")
        return self.link(page) + slash + form

    def person(self, number: int | None = None) -> Subscriber:
        with reading(self.engine) as conn:
            found = people.get(conn, number or self.rhian)
        assert found is not None
        return found

    def history(self) -> list[tuple[str, str]]:
        with reading(self.engine) as conn:
            return [(one.what, one.how) for one in people.history(conn, self.rhian)][1:]

    def dump(self) -> dict[str, list[Any]]:
        """Return every row of every table."""
        with reading(self.engine) as conn:
            return {
                one.name: sorted(map(repr, conn.execute(select(one)).all())) for one in metadata.sorted_tables
            }  # fmt: skip

    def shown(self, subscriber: int | None = None) -> str:
        """Return the stamp of the form of choices as the page shows it now."""
        stamps = re.findall(r'name="shown" value="([^"]*)"', self.client.get(self.link("yours", subscriber)).text)
        return unescape(stamps[0]) if stamps else "cadence=weekly"

    def save(self, *, whole: bool = True, **answers: str | list[str]) -> httpx2.Response:
        """Post the form of choices."""
        path = f"{self.link('yours')}/choices"
        return self.client.post(
            path, data={"shown": self.shown()} | answers | ({"form": "preferences-4"} if whole else {})
        )

    def mailed(self, name: str = "rhian") -> str:
        """Return the html of the letter as it went out."""
        [path] = [p for p in (self.house.folder / "letters").rglob("*.eml") if f"{name}@".encode() in p.read_bytes()]
        message = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
        html = message.get_body(("html",))
        assert html is not None
        return str(html.get_content()).replace("\r\n", "\n")


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the house, to copy."""
    made = Post(tmp_path_factory.mktemp("like") / "house")
    made.house.close()
    return made.house.folder


@pytest.fixture(scope="module")
def on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgresql: postgres.Databases, postgresql_template: str
) -> Iterator[tuple[Path, str]]:
    """The folder of the house and the name of its database, to copy."""
    url = postgresql.new(postgresql_template)
    made = Post(tmp_path_factory.mktemp("like") / "house", url)
    made.house.close()
    yield made.house.folder, make_url(url).database or ""
    postgresql.drop(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Post]:
    """The house; on PostgreSQL too under the mark `long`."""
    if request.param == "sqlite":
        made, url = Post(tmp_path / "house", like=request.getfixturevalue("on_sqlite")), ""
    else:
        folder, template = request.getfixturevalue("on_postgresql")
        url = request.getfixturevalue("postgresql").new(template)
        made = Post(tmp_path / "house", url, like=folder)
    yield made
    made.house.close()
    if url:
        request.getfixturevalue("postgresql").drop(url)


@pytest.fixture
def light(tmp_path: Path, on_sqlite: Path) -> Iterator[Post]:
    """The house on SQLite, for what no database decides."""
    made = Post(tmp_path / "house", like=on_sqlite)
    yield made
    made.house.close()


# --- opening --------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_opening_changes_nothing(post: Post) -> None:
    gone = post.house.reader("gone@example.org")
    with writing(post.engine) as conn:
        people.forget(conn, gone, now=post.house.now, secret=post.house.place.secret)
    before = post.dump()
    assert sum(map(len, before.values())) > ENTRIES
    for who in (post.rhian, post.owain, gone, 999):
        for page in ("preferences", "pause", "letters", "unsubscribe"):
            for method, codes in (("GET", {200, 404}), ("HEAD", {200, 404}), ("OPTIONS", {405})):
                answer = post.client.request(method, post.link(page, who), headers={"User-Agent": "scanner"})
                assert answer.status_code in codes, (method, page)
                assert "set-cookie" not in answer.headers
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["referrer-policy"] == "no-referrer"
    assert post.dump() == before


def test_the_pages_are_plain_and_strict(light: Post) -> None:
    for page in ("yours", "preferences", "pause", "unsubscribe"):
        answer = light.client.get(light.link(page))
        assert answer.status_code == 200
        text = answer.text.replace('<a href="https://example.org/', "")  # of entries
        assert "<script" not in text and " style=" not in text and "http" not in text
        assert '<html lang="en" dir="ltr">' in answer.text and "rhian" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert "style-src 'sha256-" in policy and "unsafe" not in policy
    assert "r•••@example.org" in light.client.get(light.link("yours")).text


def test_what_is_followed_is_ticked(light: Post) -> None:
    page = light.client.get(light.link("preferences")).text
    ticked = re.findall(r'name="([a-z_]+)" value="([a-z-]+)" checked', page)
    assert ticked == [
        ("cadence", "weekly"), ("policy_areas", "housing"), ("regions", "wales"), ("themes", "leadership"),
        ("elsewhere", "yes"), ("carry_over", "yes"), ("language", "en"),
    ]  # fmt: skip
    assert page.count("<fieldset") == page.count("<legend") == 5 + 2
    assert page.count('<label class="chip"><input') == 3 + 2 + 13 + 1 + 2 + 4 + 2
    assert "silence_notices" not in page, "the installation sends no such notices"
    assert page.count("Tick none to follow all of them.") == 2


@pytest.mark.long
@pytest.mark.parametrize("page", spread(1, [name for name, _ in PAGES]))
def test_a_changed_token_opens_nothing(light: Post, page: str) -> None:
    good = light.link(page).rpartition("/")[2]
    # Every change of one byte is tried in tests/subscribers/test_tokens.py; what is stuck to the end of a token in
    # tests/web/test_arrivals.py.
    places = range(0, len(good), 5)
    bad = [good[:n] + "A" + good[n + 1 :] for n in places if good[n] != "A"]
    bad += [good[:n] + good[n + 1 :] for n in places]
    bad += ["x", "%00", "a" * 5000, "%E2%82%AC", good.swapcase()]
    bad += [
        light.link(name).rpartition("/")[2] for name in ("unsubscribe", "browse")[: 1 if page == "letters" else 2]
    ]
    before = light.dump()
    for one in bad:
        for method in ("GET",) if page == "letters" else ("GET", "POST"):
            address = f"/yours/{one}/choices" if (page, method) == ("yours", "POST") else f"/{page}/{one}"
            answer = light.client.request(method, address, data={"form": "preferences", "for": "1-month"})
            assert answer.status_code == 404, one
            assert "This link is damaged; open it again from the letter." in answer.text
    assert light.dump() == before


# --- changing -------------------------------------------------------------------------------------------------


def test_saving_acts_once(post: Post) -> None:
    wish: dict[str, Any] = {
        "cadence": "daily",
        "policy_areas": ["housing", "transport"],
        "regions": "scotland",
    }
    first, again = post.save(**wish), post.save(**wish)
    assert (first.status_code, first.content) == (200, again.content)
    assert "<h2>Saved</h2>" in first.text
    assert re.findall(r"<dd>(.*)</dd>", first.text) == [
        "Daily: at most one letter a day", "Housing, Transport", "Scotland", "None in particular", "No", "No",
    ]  # fmt: skip
    person = post.person()
    assert (person.cadence, person.interests) == (
        "daily", Interests(frozenset({"housing", "transport"}), frozenset({"scotland"}), frozenset(), False, False),
    )  # fmt: skip
    assert post.history() == [("changed", "your letters page")]


def test_nothing_ticked_is_all(light: Post) -> None:
    answer = light.save(cadence="weekly", elsewhere="yes", carry_over="yes")
    assert re.findall(r"<dd>(.*)</dd>", answer.text)[1:3] == ["All", "All"]
    assert light.person().interests == Interests()


@pytest.mark.parametrize(
    ("answers", "named"),
    spread(
        4,
        [
            ({"policy_areas": ["housing", "hosing"]}, "“hosing” is not one of the policy areas"),
            ({"policy_areas": "wales"}, "“wales”"),
            ({"policy_areas": ""}, "“”"),
            ({"policy_areas": "housing;transport"}, "“housing;transport”"),
            ({"regions": "atlantis"}, "“atlantis” is not one of the regions"),
            ({"themes": "<b>x</b>"}, "“&lt;b&gt;x&lt;/b&gt;”"),
            ({"themes": "x" * 5000}, "“" + "x" * 60 + "…”"),
            ({"themes": "\x00\u202e"}, "“��”"),
            ({"cadence": "hourly"}, "“hourly” is not one of the choices for how often"),
            ({"cadence": ["daily", "monthly"]}, "two answers for how often"),
            ({"elsewhere": "maybe"}, "“maybe”"),
            ({"carry_over": "no"}, "“no”"),
            ({"state": "left"}, "“state” is not a question of this form"),
        ],
    ),
)
def test_what_is_not_offered_is_refused_by_name(light: Post, answers: dict[str, Any], named: str) -> None:
    before = light.dump()
    answer = light.save(**({"cadence": "daily"} | answers))
    assert answer.status_code == 400
    assert named in answer.text.replace("“Housing", "“housing") and "Nothing has changed." in answer.text
    assert light.dump() == before


@pytest.mark.parametrize(
    "sent",
    spread(
        3,
        [
            {"content": b""},
            {"data": {"List-Unsubscribe": "One-Click"}},
            {"data": {"cadence": "daily"}},
            {"data": {"form": "preferences", "cadence": "daily"}},  # of the page before carry-over
            {"data": {"form": "preferences-2", "cadence": "daily"}},  # of the page before "Your letters"
            {"content": b"\xff\xfe=1&form=preferences-4"},
            {"content": "&".join(f"a{n}=1" for n in range(600)).encode()},
            {"json": {"form": "preferences-4", "cadence": "daily"}},
            {"files": {"form": (None, "preferences-4")}},
        ],
    ),
)
@pytest.mark.parametrize("page", ["yours/choices", "yours/pause", "preferences", "pause"])
def test_half_a_form_changes_nothing(light: Post, page: str, sent: dict[str, Any]) -> None:
    before = light.dump()
    answer = light.client.post(light.at(page), **sent)
    assert answer.status_code == 400 and "Nothing has changed." in answer.text
    assert light.dump() == before


@pytest.mark.parametrize("page", ["yours/choices", "preferences", "pause", "unsubscribe"])
def test_a_huge_form_changes_nothing(light: Post, page: str) -> None:
    before = light.dump()
    body = b"form=preferences-4&for=1-month&cadence=daily&x=" + b"x" * 70_000
    assert light.client.post(light.at(page), content=body).status_code == 413
    assert light.client.post(light.at(page), content=iter([body[:30_000]] * 3)).status_code == 413
    assert light.dump() == before


def test_what_is_not_offered_any_more_is_kept_until_it_is_unticked(light: Post) -> None:
    with writing(light.engine) as conn:
        old = replace(WALES, policy_areas=frozenset({"canals"}))
        people.update_interests(conn, light.rhian, old, how="test", now=light.house.now)
        people.set_cadence(conn, light.rhian, "hourly", how="test", now=light.house.now)
    page = light.client.get(light.link("preferences")).text
    assert 'value="canals" checked> <span>canals (not used any more)<' in page
    assert "at the time you chose before (hourly)" in page
    assert light.save(policy_areas="canals", elsewhere="yes").status_code == 200
    assert (light.person().cadence, light.person().interests.policy_areas) == ("hourly", frozenset({"canals"}))
    assert light.save(policy_areas="housing", cadence="weekly").status_code == 200
    assert light.save(policy_areas="canals", cadence="weekly").status_code == 400


@pytest.mark.long
def test_a_change_neither_loses_nor_repeats(post: Post) -> None:
    """Promise 2 through the page: what comes after the change comes once, by the new wish; nothing old again."""
    house = post.house
    house.publish("Before the change", areas="transport", region="scotland")
    house.run()
    assert post.save(cadence="daily", policy_areas=["housing", "transport"]).status_code == 200
    house.publish("After the change", areas="transport", region="scotland")
    house.run(days=1)
    house.run(days=7)
    letters = [[p.entry for p in one.placed] for one in house.letters(post.rhian)]
    assert [len(one) for one in letters] == [CAP, 2]
    assert len({entry for one in letters for entry in one}) == CAP + 2


# --- pausing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", spread(1, PAUSE_LENGTHS))
def test_pausing_acts_once_and_ends(post: Post, wish: str) -> None:
    first = post.client.post(post.link("pause"), data={"for": wish})
    post.house.now += timedelta(hours=3)
    again = post.client.post(post.link("pause"), data={"for": wish})
    assert (first.status_code, first.content) == (200, again.content)
    until = {"2-weeks": (2026, 11, 20), "1-month": (2026, 12, 6), "3-months": (2027, 2, 6)}[wish]
    assert post.person().paused_until == datetime(*until, tzinfo=UTC)
    assert post.history() == [("paused", "your letters page")]
    said = f"Paused: we write again from {until[2]} {date(*until):%B} {until[0]}."
    assert said in first.text and said in post.client.get(post.link("preferences")).text
    page = post.client.get(post.link("pause")).text
    assert said in page and 'value="now"' in page and "Change the pause" in page
    answers = [post.client.post(post.link("pause"), data={"for": "now"}) for _ in range(2)]
    assert answers[0].content == answers[1].content and "Your letters go on" in answers[0].text
    assert post.person().paused_until is None
    assert post.history() == [("paused", "your letters page"), ("resumed", "your letters page")]
    assert 'value="now"' not in post.client.get(post.link("pause")).text


@pytest.mark.long
def test_a_pause_loses_nothing(light: Post) -> None:
    """The page says so."""
    light.client.post(light.link("pause"), data={"for": "2-weeks"})
    light.house.publish("Meanwhile")
    light.house.run(days=7)
    assert len(light.house.letters(light.rhian)) == 1
    light.house.run(days=7)
    assert [len(one.placed) for one in light.house.letters(light.rhian)] == [CAP, 1]


@pytest.mark.parametrize("sent", [{"for": "ever"}, {"for": ""}, {"for": ["now", "1-month"]}, {"of": "1-month"}])
def test_no_other_pause(light: Post, sent: dict[str, Any]) -> None:
    before = light.dump()
    answer = light.client.post(light.link("pause"), data=sent)
    assert (answer.status_code, "Nothing has changed." in answer.text, light.dump()) == (400, True, before)


@table(
    "now, zone, wish, until",
    [
        ("2027-01-31T12:00", "UTC", "1-month", "2027-02-28T00:00+00:00"),
        ("2026-11-30T12:00", "UTC", "3-months", "2027-02-28T00:00+00:00"),
        ("2026-12-31T23:59", "UTC", "2-weeks", "2027-01-14T00:00+00:00"),
        ("2026-10-20T23:30", "Europe/London", "2-weeks", "2026-11-04T00:00+00:00"),  # already the 21st there
        ("2026-03-20T12:00", "Europe/London", "2-weeks", "2026-04-03T00:00+01:00"),
        ("2026-12-15T12:00", "Pacific/Auckland", "1-month", "2027-01-16T00:00+13:00"),
    ],
)
def test_a_pause_is_of_whole_days(now: str, zone: str, wish: str, until: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert read_pause([("for", wish)], at, ZoneInfo(zone)) == datetime.fromisoformat(until)


# --- who is not reached ---------------------------------------------------------------------------------------


def left(post: Post) -> None:
    with writing(post.engine) as conn:
        people.leave(conn, post.rhian, how="test", now=post.house.now, secret=post.house.place.secret)


def erased(post: Post) -> None:
    with writing(post.engine) as conn:
        people.forget(conn, post.rhian, now=post.house.now, secret=post.house.place.secret)


def unconfirmed(post: Post) -> None:
    with writing(post.engine) as conn:
        conn.execute(update(subscriber).where(subscriber.c.id == post.rhian).values(state="pending"))


@pytest.mark.parametrize(
    ("fate", "said"),
    [
        (left, "We do not write to you any more"),
        (erased, "We do not write to you any more"),
        (unconfirmed, "Not confirmed yet"),
    ],
)
def test_who_is_not_a_reader_gets_a_polite_page(post: Post, fate: Callable[[Post], None], said: str) -> None:
    fate(post)
    before = post.dump()
    answers = [
        post.client.get(post.link("preferences")), post.save(cadence="daily"), post.client.get(post.link("pause")),
        post.client.post(post.link("pause"), data={"for": "1-month"}),
    ]  # fmt: skip
    if fate is not unconfirmed:
        answers.append(post.client.get(post.link("letters")))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert f"<h1>{said}</h1>" in answers[0].text and "rhian" not in answers[0].text
    main = answers[0].text.partition("<main")[2].partition("</main>")[0]
    assert (fate is unconfirmed) != (">digest@example.org</a>" in main)  # no join page here, so that they write
    assert post.dump() == before


def test_who_left_and_who_was_erased_look_the_same(light: Post) -> None:
    left(light)
    before = light.client.get(light.link("preferences"))
    erased(light)
    assert light.client.get(light.link("preferences")).content == before.content


def test_a_suppressed_reader_is_told_and_not_brought_back(light: Post) -> None:
    secret = light.house.place.secret
    with writing(light.engine) as conn:
        people.suppress(conn, "rhian@example.org", "bounced", secret=secret, now=light.house.now)
    for answer in (light.client.get(light.link("preferences")), light.save(cadence="daily")):
        assert answer.status_code == 200 and "At present we do not write to this address." in answer.text
    light.client.post(light.link("pause"), data={"for": "now"})
    with reading(light.engine) as conn:
        assert people.is_suppressed(conn, "rhian@example.org", secret=secret) == "bounced"
    assert light.person().cadence == "daily"


def test_leaving_from_the_page(light: Post) -> None:
    for page in ("preferences", "pause"):
        [way] = re.findall(r'href="/(unsubscribe/[^"]+)"', light.client.get(light.link(page)).text)
        assert light.client.get(f"/{way}").status_code == 200
    assert light.person().state == "active"
    assert light.client.post(f"/{way}").status_code == 200
    assert light.person().state == "left"


# --- the letter -----------------------------------------------------------------------------------------------


def parts(page: str) -> tuple[str, str]:
    """Return a page as the letter it shows and the section of what was over the cap; without that of the archive."""
    begin, end = page.index("<style>\n.web-more"), page.index("</section>") + len("</section>")
    return page[:begin] + page[page.rindex("</section>") + len("</section>") :], page[begin:end]


def copied(letter: str) -> str:
    """Return the copy of a letter that was mailed: the words and links that belong to its reader are left out."""
    letter = re.sub(r'<p class="soft manage".*?</p>\n', "", letter)
    note = "This is a copy of a letter to one reader. The links that belong to this reader are left out.</p>\n"
    foot = r'<h2 class="heading foothead".*?(<p class="soft foottext"[^>]*>).*?(?=<p class="soft foottext sender")'
    return re.sub(foot, lambda match: match[1] + note, letter, flags=re.DOTALL)


def listed(section: str) -> list[str]:
    return [unescape(one) for one in re.findall(r"<li><a href=\"[^\"]*\">(.*?)</a>", section)]


def newest(post: Post) -> int:
    with reading(post.engine) as conn:
        weekly = select(tables.edition.c.id).where(tables.edition.c.cadence == "weekly")
        return int(max(conn.scalars(weekly)))


def test_the_letter_is_the_one_that_was_mailed(post: Post) -> None:
    answer = post.client.get(post.link("letters"))
    assert answer.status_code == 200
    letter, section = parts(answer.text)
    assert letter == copied(post.mailed())
    policy = answer.headers["content-security-policy"]
    assert (
        policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src https:;") and "script" not in policy
    )
    assert answer.headers.get_list("content-security-policy") == [policy]
    assert answer.headers["x-content-type-options"] == "nosniff"
    # Whatever was over the cap, and nothing that the letter has.
    shown = set(re.findall(r'<h4 class="title.*?>(?:<a [^>]*>)?(.*?)<', post.mailed()))
    over = listed(section)
    every = {f"Note {n}" for n in range(ENTRIES)}
    assert len(over) == ENTRIES - CAP == len(set(over))
    assert {unescape(one) for one in shown} | set(over) == every and len(shown) == CAP
    assert "8 more entries matched what you follow." in section and 'id="more"' in section
    assert section.count("Case study, Notes, ") == ENTRIES - CAP


def test_the_unsubscribe_link_in_the_letter_works(light: Post) -> None:
    links = set(re.findall(r'href="https://digest.example.org(/[a-z]+)/([^"#]+)', light.mailed()))
    assert {path for path, _ in links} == {"/unsubscribe", "/yours", "/letters"}
    assert {light.client.get(f"{path}/{token}").status_code for path, token in links} == {200}
    [way] = [token for path, token in links if path == "/unsubscribe"]
    assert light.client.post(f"/unsubscribe/{way}").status_code == 200
    assert light.person().state == "left"


OWN = """<!DOCTYPE html><html lang="en"><head><title>{{ digest.subject }}</title></head><body>
<p>{{ reader.intro }} Sent to {{ reader.email }}. {{ reader.why_letter }}</p>
<form action="{{ reader.unsubscribe_url }}"></form><a href="{{ reader.preferences_url }}">Change</a>
<a href="{{ reader.pause_url }}">Pause</a> {{ reader.unsubscribe_url }} <a href="{{ reader.browser_url }}">Open</a>
{% for part in parts %}{{ part.open }}{% include part.template ~ ".html.j2" %}{{ part.close }}{% endfor %}

</body></html>
"""


@pytest.mark.parametrize("own", ["", OWN])
@pytest.mark.parametrize("name", spread(1, ['R"<b>', "Rhian Ellis", "rhian@example.org"]))
def test_the_copy_tells_nothing_of_its_reader(light: Post, tmp_path: Path, own: str, name: str) -> None:
    """With the shipped templates, and with an organisation's own, which know nothing of copies."""
    with writing(light.engine) as conn:
        conn.execute(update(subscriber).where(subscriber.c.id == light.rhian).values(name=name))
    settings = light.house.settings
    if own:
        (tmp_path / "letter.html.j2").write_text(own)
        settings = replace(settings, templates=tmp_path)
    app = make_app(light.house.live(settings))
    page = TestClient(app).get(light.link("letters"))
    assert page.status_code == 200 and "Note 1" in page.text
    assert (
        re.findall(r"(?i)rhian|R&quot;|R&#34;|/unsubscribe/|/yours/|/preferences/|/pause/|and follow", page.text)
        == []
    )
    keys = light.person().key, light.house.token("unsubscribe", light.rhian)
    assert [key for key in keys if key in page.text] == []
    if own:
        assert page.text.count("https://digest.example.org/letters/copy") == 4
        answer = TestClient(app).get("/letters/copy")
        assert (answer.status_code, "This is a copy of a letter" in answer.text) == (404, True)


@pytest.mark.long
def test_an_own_language_without_the_word_for_copies_shows_the_english_one(light: Post, tmp_path: Path) -> None:
    english = (resource("templates") / "email/words/en.toml").read_text(encoding="utf-8")
    (tmp_path / "words").mkdir()
    lines = [line for line in english.splitlines() if not line.startswith("copied")]
    (tmp_path / "words/fr.toml").write_text("\n".join(lines), encoding="utf-8")
    with writing(light.engine) as conn:
        conn.execute(update(subscriber).where(subscriber.c.id == light.rhian).values(language="fr"))
    settings = replace(light.house.settings, templates=tmp_path)
    app = make_app(light.house.live(settings))
    assert "This is a copy" in TestClient(app).get(light.link("letters")).text


def test_strangers_are_escaped(light: Post) -> None:
    """Were it to get past the cleaning at gathering: whatever is stored is shown as text."""
    with writing(light.engine) as conn:
        for row in conn.execute(select(tables.edition_entry)).all():
            strange = {"title": STRANGE, "source": STRANGE, "url": "javascript:alert(1)"}
            if row.position % 2:
                strange["url"] = "https://example.org/?a=1&b='2'\"><script>"
            where = (tables.edition_entry.c.entry_id == row.entry_id) & (
                tables.edition_entry.c.edition_id == row.edition_id
            )
            conn.execute(update(tables.edition_entry).where(where).values(content=row.content | strange))
    page = light.client.get(light.link("letters")).text
    assert "<script" not in page and "javascript:" not in page
    _, section = parts(page)
    shown = [unescape(one) for one in re.findall(r"<(?:b|a [^>]*)>(.*?)</[ab]>", section)]
    assert shown == [STRANGE] * (ENTRIES - CAP)
    assert section.count('<a href="https://example.org/?a=1&amp;b=%272%27%22%3E%3Cscript%3E">') == 4


def test_what_editors_wrote_is_signed_on_the_page_too(light: Post) -> None:
    edit = asdict(EntryEdit(title="Ours", worded_by="Bo <i>", note="Ask.", note_by="Bo <i>"))
    asked = {"subject": "For all", "question": "Who?", "step": "Ring."}
    with writing(light.engine) as conn:
        conn.execute(update(tables.edition).where(tables.edition.c.id == light.edition).values(**asked))
        for row in conn.execute(select(tables.edition_entry)).all():
            where = (tables.edition_entry.c.entry_id == row.entry_id) & (
                tables.edition_entry.c.edition_id == row.edition_id
            )
            content = row.content | {"title": "Ours", "edit": edit}
            conn.execute(update(tables.edition_entry).where(where).values(content=content))
    letter, section = parts(light.client.get(light.link("letters")).text)
    assert letter.count("Bo &lt;i&gt;, editor:") == letter.count("Worded by Bo &lt;i&gt;") == CAP
    assert section.count("· Worded by Bo &lt;i&gt;</p>") == section.count(">Ours</a>") == ENTRIES - CAP
    assert "Ask." not in section, "the list has titles only"
    assert "<title>For all</title>" in letter and "<i>" not in letter + section
    assert (
        letter.index("Ring.") < letter.index("Who?") < letter.index("Write to us:") < letter.index("This is a copy")
    )


@pytest.mark.long
def test_a_letter_without_more_has_no_section(light: Post) -> None:
    light.house.publish("One alone", areas="transport")
    light.house.run(days=7)
    answer = light.client.get(light.link("letters", light.owain, edition=newest(light)))
    assert (answer.status_code, "web-more" in answer.text) == (200, False)
    letter = copied(light.mailed("owain")).partition("</body>")[0]
    assert answer.text.startswith(letter) and "/archive/" in answer.text.removeprefix(letter)


@pytest.mark.parametrize(
    ("who", "edition", "said"),
    spread(
        1,
        [
            ("owain", 0, "There was no letter for you in this edition."),  # nothing matched
            ("rhian", 1, "This letter has not been sent yet"),  # drafted
            ("new", 0, "There was no letter for you in this edition."),  # joined later
        ],
    ),
)
def test_where_there_is_no_letter(light: Post, who: str, edition: int, said: str) -> None:
    number = light.house.reader("new@example.org") if who == "new" else getattr(light, who)
    light.house.publish("Later")
    light.house.run()
    with writing(light.engine) as conn:
        draft.draft(conn, light.house.settings, light.house.settings.cadence("weekly"), light.house.now)
    answer = light.client.get(light.link("letters", number, edition=light.edition + edition))
    assert (answer.status_code, said in answer.text) == (404, True)
    other = light.client.get(light.link("letters", light.rhian, edition=90))  # lost by a restore
    assert (other.status_code, "This link is from an old letter" in other.text) == (410, True)
    nowhere = light.house.token("browse", light.rhian)
    assert light.client.get(f"/letters/{nowhere}").status_code == 404


def test_an_edition_of_another_database_is_compiled_anew(light: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(settings: Settings, edition: Edition, entries: list[Entry], **more: bool) -> Letters:
        made.append(edition.content_hash)
        return Letters(settings, edition, entries, **more)

    monkeypatch.setattr("digest.web.letters.Letters", counted)
    app = make_app(light.house.live())
    client = TestClient(app)
    for content in ("one", "one", "another"):
        with writing(light.engine) as conn:
            mine = tables.edition.c.id == light.edition
            conn.execute(update(tables.edition).where(mine).values(content_hash=content))
        assert client.get(light.link("letters")).status_code == 200
    assert made == ["one", "another"]


def test_a_page_is_rendered_and_never_composed_or_signed(light: Post) -> None:
    """A key that cannot sign stops each parcel, and no page."""
    settings = replace(light.house.settings, dkim=Dkim("example.org", "s", b"no key"))
    keys, person = light.house.place.keyring, light.person()
    with reading(light.engine) as conn:
        edition, shown = editions_.get(conn, light.edition), editions_.shown(conn, light.edition)
        [delivery] = [one for one in deliveries.of_subscriber(conn, person.id) if one.edition == light.edition]
        [owed] = deliveries.digests(conn, [delivery.digest or 0]).values()
    assert edition is not None
    with pytest.raises(BadKey):
        parcel(Letters(settings, edition, [s.entry for s in shown]), person, owed, keys, WRITTEN, delivery=1)
    app = make_app(light.house.live(settings))
    assert TestClient(app).get(light.link("letters")).text == light.client.get(light.link("letters")).text


def test_a_mistaken_template_is_told_to_the_log_and_not_to_the_reader(light: Post, tmp_path: Path) -> None:
    (tmp_path / "card.html.j2").write_text("{{ part.titel }}")
    settings = replace(light.house.settings, templates=tmp_path)
    app = make_app(light.house.live(settings))
    answer = TestClient(app).get(light.link("letters"))
    assert answer.status_code == 503
    assert "The letter in your mailbox is the same" in answer.text
    assert "titel" not in answer.text


@pytest.mark.parametrize(
    ("state", "code"),
    spread(3, [
        ("pending", 200), ("claimed", 200), ("accepted", 200), ("uncertain", 200), ("refused", 200),
        ("suppressed", 404), ("cancelled", 200),  # what was written off may have left
    ]),
)  # fmt: skip
def test_whose_letter_was_never_handed_over(light: Post, state: str, code: int) -> None:
    with writing(light.engine) as conn:
        mine = tables.delivery.c.subscriber_id == light.rhian
        conn.execute(update(tables.delivery).where(mine).values(state=state))
    assert light.client.get(light.link("letters")).status_code == code


def test_the_letter_does_not_follow_what_changes_later(light: Post) -> None:
    """Neither new interests nor a retagged entry change which entries it has; nor does time."""
    _, before = parts(light.client.get(light.link("letters")).text)
    light.save(cadence="daily", policy_areas="transport")
    with writing(light.engine) as conn:
        conn.execute(update(tables.entry).values(title="Another title by now"))
    light.house.now += timedelta(days=400)
    app = make_app(light.house.live())
    letter, after = parts(TestClient(app).get(light.link("letters")).text)
    assert after == before and letter.count("You follow Housing") == 1


@pytest.mark.long
def test_many_letters_do_not_fill_the_memory(light: Post) -> None:
    place = light.house.place
    pages = LetterPages(place.engine, place.link_key_file, place.settings, most_editions=1, most_pages=3)
    light.house.publish("More")
    light.house.run(days=7)
    numbers = [light.edition, newest(light)]
    tokens = [light.link("letters", edition=number).rpartition("/")[2] for number in numbers]
    kept = []
    for token in (*tokens, tokens[1], tokens[1], tokens[1]):
        pages.page(token)
        [known] = pages._cache.items()
        kept.append((known[0], known[1].letters))
    assert [number for number, _ in kept] == [numbers[0]] + [numbers[1]] * 4
    assert kept[1][1] is kept[2][1] is kept[3][1] is not kept[4][1]
