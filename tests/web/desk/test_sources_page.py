"""The pages of sources: how each does, muting by a form, and trying a stranger's feed, which is shown as text."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from digest.desk.acts import Hand
from digest.desk.sources import mute_source
from digest.editions.readings import store_failure, store_snapshot
from digest.errors import SourceError
from digest.installation import Installation
from digest.model import Sighting, Snapshot, Source
from digest.sources.read import Reading, Validators
from digest.sources.web.answers import without_query
from digest.store.engine import reading, writing
from digest.store.muted import by_source
from digest.store.sources import Gathering, add_gatherings, keep_state
from digest.web.desk.local import local_app
from digest.web.desk.page import Asker, Desk, DeskAnswer
from digest.web.desk.routes import desk_routes
from tests.asked import asked
from tests.house import House, gathering_from
from tests.sources.webserver import Web, answer, fetcher
from tests.web.desk.local import HOST, DeskClient, words

NEWS = Source("News & <b>Views</b>", url="https://news.example/rss?key=s3cret99")
QUIET = Source("Quiet", url="https://quiet.example/rss")
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7*7 }}"


class Role:
    """A door through which one person comes, with a role."""

    def __init__(self, role: str) -> None:
        self.asker = Asker("Vic", role, "token")

    def who(self, _request: Request) -> Asker:
        return self.asker

    def is_here(self, _request: Request) -> bool:
        return True

    def to_sign_in(self, _request: Request) -> DeskAnswer:
        raise AssertionError


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    building = House(tmp_path / "house")
    yield building
    building.close()


@pytest.fixture
def place(house: House, web: Web) -> Installation:
    """An installation with one source of each standing."""
    installation = gathering_from(house, fetcher(web), [*house.settings.sources, NEWS, QUIET])
    now = house.now
    with writing(installation.engine) as conn:
        keep_state(conn, QUIET, first_ok_at=now - timedelta(days=170), ok_at=now, checked_at=now)
        for ago in (60, 70, 80, 90):
            add_gatherings(conn, [Gathering("Quiet", "ok", 2)], now - timedelta(days=ago))
    for _ in range(2):
        error = SourceError(
            f"{without_query(str(NEWS.url))}: answers 404 (not found); check the address of the source"
        )
        store_failure(installation, NEWS, error, now)
    return installation


def local(installation: Installation) -> DeskClient:
    app, opened = local_app(installation, "Ann")
    client = DeskClient(app, base_url=HOST)
    client.get(opened(""))
    return client


def as_(role: str, installation: Installation) -> TestClient:
    return TestClient(Starlette(routes=desk_routes(Desk(installation), Role(role))), base_url=HOST)


def test_it_tells_in_words_how_each_source_does(place: Installation) -> None:
    html = local(place).get("/desk/sources").text
    shown = words(html)
    assert "3 sources: 1 failing , 1 silent , 1 not read yet ." in shown
    assert shown.index("News & <b>Views</b>") < shown.index("Quiet") < shown.index("Notes")
    assert "Answers 404 (not found), 2 times in a row. Check the address of the source." in shown
    assert "Nothing new since 2026-09-03, where one comes every 10 days as a rule. Look at its page" in shown
    assert "news.example/rss?…" in shown and "s3cret" not in html and "<b>Views" not in html
    label = 'aria-label="New entries a week for twelve weeks, the oldest first: 2, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0"'
    assert label in html and html.count("<rect") == 3
    assert " style=" not in html


def test_it_asks_the_database_as_often_for_many_sources(house: House, web: Web) -> None:
    def queries(count: int) -> int:
        made = [Source(f"S{n}", url=f"https://s{n}.example/") for n in range(count)]
        client = local(gathering_from(house, fetcher(web), made))
        with asked(house.place.engine) as statements:
            assert client.get("/desk/sources").status_code == 200
        return len(statements)

    assert queries(1) == queries(60) <= 8


def test_an_editor_mutes_and_unmutes_and_a_stale_form_is_refused(place: Installation) -> None:
    client = local(place)
    name = "Quiet"
    page = client.press("/desk/sources", "/desk/sources", source=name, do="mute", seen=0)
    assert "Ann muted source Quiet: new entries released → held." in page
    assert "Muted by Ann since 2 Nov 09:00: what is new in it is held." in words(page)
    stale = client.post(
        "/desk/sources", data={"csrf": client.csrf("/desk/sources"), "source": name, "do": "unmute", "seen": "0"}
    )
    assert stale.status_code == 409 and "Ann" in stale.text
    with reading(place.engine) as conn:
        assert [*by_source(conn)] == [name]
    seen = re.findall(r'name="seen" value="(\d+)"', page)
    page = client.press("/desk/sources", "/desk/sources", source=name, do="unmute", seen=max(map(int, seen)))
    assert "Ann unmuted source Quiet: new entries held → released." in page and "stays held" not in page
    with reading(place.engine) as conn:
        assert by_source(conn) == {}


def test_after_an_unmute_it_says_what_stays_held_and_what_lets_it_go(place: Installation) -> None:
    mute_source(place, "Quiet", Hand("Ann"))
    seen = Snapshot((Sighting("x", "https://quiet.example/x", "New"),))
    store_snapshot(place, QUIET, Reading("ok", seen, Validators()), place.clock())
    page = local(place).press("/desk/sources", "/desk/sources", source="Quiet", do="unmute")
    assert "1 entry of it stays held: `digest release --source Quiet` lets it go out." in page


@pytest.mark.parametrize("fields", [{"source": "Quiet", "do": "delete"}, {"source": "Nobody", "do": "mute"}, {}])
def test_a_form_that_the_page_cannot_have_sent_changes_nothing(place: Installation, fields: dict[str, str]) -> None:
    client = local(place)
    answered = client.post("/desk/sources", data={"csrf": client.csrf("/desk/sources"), **fields})
    assert answered.status_code == 400
    with reading(place.engine) as conn:
        assert by_source(conn) == {}


def test_a_viewer_sees_and_does_nothing(place: Installation) -> None:
    mute_source(place, "Quiet", Hand("Ann"))
    viewer, editor = as_("viewer", place), as_("editor", place)
    html = viewer.get("/desk/sources").text
    assert "Muted by Ann" in html and 'action="/desk/sources"' not in html and "/desk/sources/try" not in html
    form = {"csrf": "token", "source": "Quiet", "do": "unmute"}
    assert viewer.post("/desk/sources", data=form).status_code == 403
    assert viewer.get("/desk/sources/try").status_code == 403
    assert viewer.post("/desk/sources/try", data={"csrf": "token", "url": "x"}).status_code == 403
    assert editor.get("/desk/sources/try").status_code == 200
    assert editor.post("/desk/sources", data=form, follow_redirects=False).status_code == 303


def test_without_sources_it_says_what_to_do(house: House, web: Web) -> None:
    empty = gathering_from(house, fetcher(web), [])
    assert "Try the address of a feed" in words(local(empty).get("/desk/sources").text)
    assert "An editor can try the address of a feed here" in words(as_("viewer", empty).get("/desk/sources").text)


def test_a_feed_is_tried_and_shown_as_text_only(place: Installation, web: Web) -> None:
    evil = EVIL.replace("&", "&amp;").replace("<", "&amp;lt;")
    web.on("/feed", answer(
        f'<rss version="2.0"><channel><title>{evil} Net</title>'
        f"<item><guid>1</guid><title>Council homes in Cardiff {evil}</title><category>{evil}</category>"
        f"<link>javascript:alert(1)</link><description>{evil}</description></item>"
        "<item><title>[Draft] Later</title><link>https://news.example/later</link></item></channel></rss>".encode()
    ))  # fmt: skip
    client = local(place)
    html = client.press("/desk/sources/try", "/desk/sources/try", url=web.url("/feed"))
    body = html.partition("<main")[2]
    assert "<script" not in body and "<img" not in body and "javascript:" not in body and "7*7" in body
    shown = words(html)
    assert "2 entries, 2 without a date." in shown and f'url = "{web.url("/feed")}"' in shown
    assert "Policy areas Housing" in shown and "Region Wales Cardiff → Wales" in shown
    assert "Kept back: its source says title: [Draft] Later." in shown and "unclassified" in shown
    assert 'href="https://news.example/later" rel="noopener noreferrer external"' in html
    assert len(web.requests) == 1


def test_a_page_offers_the_feeds_that_it_names(place: Installation, web: Web) -> None:
    page = b'<!doctype html><link rel=alternate type="application/rss+xml" href="/feed?a=1&amp;b=%22">'
    web.on("/news", answer(page, kind="text/html"))
    web.on("/feed?a=1&b=%22", answer())
    client = local(place)
    html = client.press("/desk/sources/try", "/desk/sources/try", url=web.url("/news"))
    assert "This is a web page, not a feed; give the address of its feed." in words(html)
    (offered,) = re.findall(r'name="url" value="([^"]+/feed[?][^"]*)"', html)
    tried = client.press("/desk/sources/try", "/desk/sources/try", url=offered.replace("&amp;", "&"))
    assert "Sample" in words(tried) and "2 entries" in words(tried)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "Write the address of a feed"),
        ("http://10.0.0.1/feed", "10.0.0.1 port 80 leads to 10.0.0.1, which is not a public web server"),
        ("https://ann:s3cret@feeds.example/", "Its address holds a user name or password"),
        ("gopher://feeds.example/", "is no http or https address"),
    ],
)
def test_what_cannot_be_read_says_why_and_what_to_do(place: Installation, url: str, told: str) -> None:
    client = local(place)
    answered = client.press("/desk/sources/try", "/desk/sources/try", url=url)
    assert told in words(answered) and 'role="alert"' in answered
    assert "s3cret" not in words(answered)


def test_no_more_than_two_are_tried_at_once(place: Installation, web: Web) -> None:
    desk = Desk(place)
    client = TestClient(Starlette(routes=desk_routes(desk, Role("editor"))), base_url=HOST)
    web.on("/feed", answer())
    form = {"csrf": "token", "url": web.url("/feed")}
    desk.kept["tries"] = threading.BoundedSemaphore(1)
    with desk.kept["tries"]:
        busy = client.post("/desk/sources/try", data=form)
    assert (busy.status_code, "try this one again in a moment" in busy.text, web.requests) == (503, True, [])
    assert client.post("/desk/sources/try", data=form).status_code == 200


def test_a_get_reads_no_feed(place: Installation, web: Web) -> None:
    html = local(place).get("/desk/sources/try", params={"url": web.url("/feed")}).text
    assert f'value="{web.url("/feed")}"' in html and web.requests == []


@pytest.mark.parametrize("url", ["http://10.0.0.1/feed", "gopher://feeds.example/", "http://127.0.0.1/"])
def test_a_try_leads_to_its_result_which_may_be_looked_at_again(place: Installation, url: str) -> None:
    client = local(place)
    form = {"csrf": client.csrf("/desk/sources/try"), "url": url}
    answer = client.post("/desk/sources/try", data=form, follow_redirects=False)
    assert answer.status_code == 303
    first, again = (client.get(answer.headers["location"]).text for _ in range(2))
    assert 'role="alert"' in first and first == again
    assert "not kept any more" in client.get("/desk/sources/try?result=other").text
