"""Pages are asked once, just before an entry is frozen; only 404 and 410 keep an entry back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline
from digest.editions import pages
from digest.installation import Installation
from digest.model import Backfill, Entry, Source
from digest.store import entries
from digest.store.engine import reading
from tests.counts import table
from tests.house import House, gathering_from
from tests.sources.webserver import Script, Web, answer, fetcher

GONE, MISSING, THERE = (answer(b"x", status=status) for status in ("410 Gone", "404 Not Found", "200 OK"))


def by_method(head: bytes, get: bytes) -> Script:
    """Answer HEAD and GET each in its own way."""
    return lambda conn, request: conn.sendall(head if request.startswith("HEAD") else get)


# Rows of: the answer of a page, how often it is asked, and the state of its entry then.
PAGES: dict[str, tuple[Script | bytes, int, str]] = {
    "there": (THERE, 1, "ready"),
    "gone": (GONE, 2, "held"),
    "missing": (MISSING, 2, "held"),
    "head-unknown": (by_method(answer(b"", status="405 No"), MISSING), 2, "held"),
    "head-wrong": (by_method(MISSING, THERE), 2, "ready"),
    "broken": (answer(b"", status="500 Oh"), 1, "ready"),
    "forbidden": (answer(b"", status="403 No"), 1, "ready"),
    "cut": (b"HTTP/1.1 ", 1, "ready"),
    "moved": (answer(b"", "Location: /away", status="301 Moved"), 1, "held"),
    "round": (answer(b"", "Location: /round", status="302 Found"), 7, "ready"),
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    building = House(tmp_path / "house")
    yield building
    building.close()


def feed_of(web: Web, *names: str) -> Source:
    """Script a feed whose posts link to these pages of its own server, and return its source."""
    items = "".join(f"<item><title>{name}</title><link>{web.url('/' + name)}</link></item>" for name in names)
    web.on("/feed", answer(f'<rss version="2.0"><channel>{items}</channel></rss>'.encode()))
    return Source("Feed", url=web.url(), backfill=Backfill(count=99), allow_private=True)


def listed(place: Installation) -> dict[str, Entry]:
    with reading(place.engine) as conn:
        return {entry.title: entry for entry in entries.listing(conn)}


def asked(web: Web, name: str) -> int:
    return sum(request.split(" ", 2)[1] == f"/{name}" for request in web.requests)


def test_only_a_page_that_is_gone_keeps_its_entry_back(house: House, web: Web) -> None:
    house.now -= timedelta(days=1)  # before the slot that is due
    house.reader("a@example.org", "daily")
    house.now += timedelta(days=1)
    web.on("/away", GONE)
    for name, (script, _, _) in PAGES.items():
        web.on(f"/{name}", script)
    place = gathering_from(house, fetcher(web), [feed_of(web, *PAGES)])
    report = pipeline.run(place)
    assert {title: entry.state for title, entry in listed(place).items()} == {
        name: state for name, (_, _, state) in PAGES.items()
    }
    assert {name: asked(web, name) for name in PAGES} == {name: count for name, (_, count, _) in PAGES.items()}
    gone = listed(place)["gone"]
    assert gone.held_why == "its page answers 410"
    assert f"entry {gone.id} is held, because its page answers 410" in "\n".join(report.waiting)
    assert sum(receipt.accepted for receipt in report.receipts) == 1
    # No page is asked a second time.
    before = len(web.requests)
    assert pages.ask_pages(place) == [] and len(web.requests) == before


@pytest.mark.long
def test_a_page_is_asked_too_before_an_edition_goes_out_unapproved(house: House, web: Web) -> None:
    daily = replace(
        house.settings.cadence("daily"), approval_required=True, unapproved="send", draft_ahead=timedelta(hours=12)
    )
    house.settings = replace(house.settings, cadences=(daily,))
    house.reader("a@example.org", "daily")
    house.now += timedelta(hours=12)  # to 21:00, before the slot of the next day
    web.on("/there", THERE)
    web.on("/gone", GONE)
    source = feed_of(web, "there", "gone")
    pipeline.run(gathering_from(house, fetcher(web), [source]))
    assert asked(web, "gone") == 0
    house.now += timedelta(hours=11)
    place = gathering_from(house, fetcher(web), [source])
    report = pipeline.run(place)
    assert {title: entry.state for title, entry in listed(place).items()} == {"there": "ready", "gone": "held"}
    assert "it was sent all the same" in report.unapproved[0]
    (digest,) = house.letters(1)
    assert [placed.entry for placed in digest.placed] == [listed(place)["there"].id]


# The address of a page, where its source is and whether it may be private; whether the page is asked, and is exempt.
ADDRESSES = [
    ("https://news.council.gov.uk/a", Source("Feed", url="https://news.council.gov.uk/feed"), True, False),
    ("https://news.council.gov.uk/a", Source("Feed", path="/notes"), True, False),
    ("https://news.council.gov.uk/a", None, True, False),
    ("https://news.example/a", Source("Feed", path="/notes"), False, False),
    ("https://www.example.org/a", Source("Feed", path="/notes"), False, False),
    ("http://localhost/a", Source("Feed", path="/notes"), False, False),
    ("http://localhost:81/a", Source("Feed", url="http://localhost:81/feed", allow_private=True), True, True),
    ("http://localhost:82/a", Source("Feed", url="http://localhost:81/feed", allow_private=True), False, False),
    ("http://10.0.0.9/a", Source("Feed", url="http://10.0.0.8/feed", allow_private=True), True, False),
    ("http://10.0.0.9/a", Source("Feed", path="/notes", allow_private=True), True, True),
]


@table("url, source, is_asked, is_exempt", ADDRESSES)
def test_which_pages_are_asked(url: str, source: Source | None, is_asked: bool, is_exempt: bool) -> None:
    page = pages.page_of(1, url, source)
    assert (page is not None) == is_asked
    assert page is None or page.allow_private == is_exempt


def test_a_private_address_is_not_asked_for_a_page(house: House, web: Web) -> None:
    web.on("/a", GONE)
    assert fetcher(web).page_status(f"http://127.0.0.1:{web.port}/a", 5) == 410  # the test's fetcher allows it
    assert house.place.fetcher().page_status(f"http://127.0.0.1:{web.port}/a", 5) is None


def test_the_check_is_switched_off_by_a_key(house: House, web: Web) -> None:
    web.on("/gone", GONE)
    house.reader("a@example.org", "daily")
    house.settings = replace(house.settings, check_pages=False)
    place = gathering_from(house, fetcher(web), [feed_of(web, "gone")])
    pipeline.run(place)
    assert asked(web, "gone") == 0 and listed(place)["gone"].state == "ready"


def test_hosts_that_are_silent_or_slow_do_not_hold_up_a_run() -> None:
    calls: list[str] = []
    lock = threading.Lock()

    class Silent:
        def page_status(self, url: str, seconds: float, *, allow_private: bool = False) -> int | None:
            with lock:
                calls.append(url)
            return None

    many = [pages.Page(number, f"https://host{number % 3}.gov.uk/{number}", False) for number in range(30)]
    assert pages._ask(Silent(), many, 4, lambda _done, _total: None) == dict.fromkeys(range(6))
    assert len(calls) == 6  # two for each host
    assert pages._ask(Silent(), many, 4, lambda _done, _total: None, seconds=0.0) == {}
