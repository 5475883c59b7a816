"""Pages of new entries are read once, politely, for their facets; none of it holds up a letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from digest import gather as story
from digest import pipeline
from digest.desk import edit
from digest.editions import full_texts
from digest.editions.full_texts import tells_of
from digest.editions.ingredients import ingredients_of
from digest.editions.pages import Page
from digest.installation import Installation
from digest.model import Backfill, Entry, Sighting, Source, Taxonomy, Term
from digest.operations.doctor import examine
from digest.operations.failing_sources import failing_sources
from digest.sources.web.politeness import Turns
from digest.store import entries, entry_texts
from digest.store.engine import reading, writing
from digest.store.pace import StoredPaces
from digest.store.schema import entry_text, robots_file
from digest.store.shared_tables import pace
from digest.store.sources import Gathering
from tests.counts import others_long, table
from tests.house import ANN, House, gathering_from
from tests.sources.webserver import Script, Web, answer, fetcher, redirect

WORDS = Taxonomy(
    (
        Term("housing", "Housing", (("homelessness", 3), ("tenants", 3))),
        Term("transport", "Transport", (("buses", 3), ("timetable", 3))),
    )
)
SENTENCE = "The tenants and the housing team met each week at the entry to end homelessness in the town. "
HINDRANCE = "The two teams did not trust each other with what they knew of a family."
ARTICLE = f"<article><h1>A title</h1><p>{SENTENCE * 4}</p><h2>What was in the way</h2><p>{HINDRANCE}</p></article>"
PAGE = answer(f"<html><body>{ARTICLE}</body></html>".encode(), kind="text/html")
MISSING = answer(b"x", status="404 Not Found")
OPEN = answer(b"User-agent: *\nDisallow: /secret", kind="text/plain")


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    building = House(tmp_path / "house", pipeline_url)
    building.settings = replace(building.settings, taxonomy=WORDS, check_pages=False)
    yield building
    building.close()


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    server.on("/robots.txt", OPEN)
    server.on("/", PAGE)
    yield server
    server.close()


class Feed:
    """A feed on the web whose entries link to pages of its own server, and the steps of gathering it."""

    def __init__(self, house: House, web: Web, full_text: str = "case-studies", kind: str = "case-study") -> None:
        self.house, self.web = house, web
        self.source = Source("Feed", url=web.url(), kind=kind, allow_private=True, full_text=full_text)
        self.items: list[str] = []
        self.turns: Turns | None = None  # those of several processes
        self.pages_read: list[tuple[int, int]] = []  # asked so far, and all, as progress is told
        self.show("first")

    def show(self, *names: str, text: str = "About the timetable of buses") -> None:
        """Show these entries, newest first, before those that are shown."""
        fresh = [
            f"<item><guid>{name}</guid><title>The entry {name}</title><link>{self.web.url('/' + name)}</link>"
            f"<description>{text}</description></item>"
            for name in names
        ]
        self.items = fresh + [item for item in self.items if not any(f"<guid>{name}<" in item for name in names)]
        body = f'<rss version="2.0"><channel><title>F</title>{"".join(self.items)}</channel></rss>'
        self.web.on("/feed", answer(body.encode()))

    @property
    def place(self) -> Installation:
        asking = fetcher(self.web)
        asking.turns = self.turns or asking.turns
        return gathering_from(self.house, asking, [self.source])

    def gather(self, **ahead: int) -> list[Gathering]:
        self.house.now += timedelta(**ahead)
        return story.gather(self.place, page_read=lambda *counts: self.pages_read.append(counts))

    def entry(self, name: str) -> Entry:
        with reading(self.house.place.engine) as conn:
            return next(each for each in entries.listing(conn) if each.title == f"The entry {name}")

    def text(self, name: str) -> str:
        with reading(self.house.place.engine) as conn:
            return entry_texts.texts_of(conn, [self.entry(name).id]).get(self.entry(name).id, "")

    def asked(self, name: str) -> int:
        return sum(request.split(" ", 2)[1] == f"/{name}" for request in self.web.requests)


def test_the_page_of_a_new_case_study_is_read_once_and_gives_its_facets(house: House, web: Web) -> None:
    feed = Feed(house, web)
    feed.gather()
    assert feed.asked("first") == 0  # a baseline is not owed to readers
    feed.show("new")
    web.on("/new", PAGE)
    [row] = feed.gather(hours=1)
    assert (row.status, row.new, row.unread) == ("ok", 1, "")
    assert feed.pages_read == [(1, 1)]
    assert feed.text("new").count("homelessness") == 4
    facets = feed.entry("new").facets
    assert facets.policy_areas[0] == "housing"
    assert "homelessness" in next(each.detail for each in facets.evidence if each.slug == "housing")
    with reading(house.place.engine) as conn:
        [lines] = ingredients_of(conn, [feed.entry("new")]).values()
    assert ("in-the-way", HINDRANCE) in [(line.name, line.text) for line in lines]
    feed.show("another")
    web.on("/another", PAGE)
    feed.gather(hours=2)
    assert [feed.asked(name) for name in ("new", "another", "robots.txt")] == [1, 1, 1]

    # An edit in the feed leaves the facets of the whole text.
    feed.show("new", text="About the timetable of buses, again")
    [row] = feed.gather(hours=2)
    assert row.changed == 1 and feed.asked("new") == 1
    assert feed.entry("new").facets == facets

    # Each robots.txt is asked once a day.
    feed.show("later")
    web.on("/later", PAGE)
    feed.gather(days=1)
    assert feed.asked("robots.txt") == 2


def test_of_which_entries_the_page_is_read(house: House, web: Web) -> None:
    is_read = {
        ("none", "case-study"): False, ("case-studies", "case-study"): True, ("case-studies", "post"): False,
        ("all", "post"): True,
    }  # fmt: skip
    sources = []
    for number, (full_text, kind) in enumerate(is_read):
        web.on(f"/{number}", PAGE)
        item = f"<item><title>The entry {number}</title><link>{web.url(f'/{number}')}</link></item>"
        web.on(f"/feed{number}", answer(f'<rss version="2.0"><channel>{item}</channel></rss>'.encode()))
        source = Source(f"{full_text} {kind}", url=web.url(f"/feed{number}"), kind=kind, backfill=Backfill(count=9))
        sources.append(replace(source, allow_private=True, full_text=full_text))
    story.gather(gathering_from(house, fetcher(web), sources))
    asked = [request.split(" ", 2)[1] for request in web.requests]
    assert [asked.count(f"/{number}") == 1 for number in range(4)] == list(is_read.values())
    assert asked.count("/robots.txt") == 1


def test_only_released_entries_of_two_weeks_have_their_pages_read(house: House, web: Web) -> None:
    feed = Feed(house, web)
    feed.gather()
    names = [f"flood{number}" for number in range(25)]
    for name in names:
        web.on(f"/{name}", PAGE)
    feed.show(*names)
    [row] = feed.gather(hours=1)
    assert row.held == 25 and [feed.asked(name) for name in names] == [0] * 25
    edit.release(house.place, ANN, [feed.entry(names[0]).id])
    feed.gather(hours=1)
    assert [feed.asked(name) for name in names] == [1] + [0] * 24
    house.believe_clock(days=15)
    edit.release(house.place, ANN, [feed.entry(names[1]).id])
    feed.gather()
    assert feed.asked(names[1]) == 0


# The answer of a page, how often it is asked in a month, and a part of the problem that is told.
FAILURES: Mapping[str, tuple[Script | bytes, int, str]] = {
    "broken": (answer(b"x", status="500 Oh"), 3, "answers 500"),
    "missing": (MISSING, 3, "answers 404"),
    "forbidden": (answer(b"x", status="403 No"), 3, "answers 403"),
    "cut": (b"HTTP/1.1 ", 3, "broke off"),
    "gone": (answer(b"x", status="410 Gone"), 1, "answers 410"),
    "document": (answer(b"%PDF", kind="application/pdf"), 1, "is no web page"),
    "empty": (answer(b"<html><body><p>Hi</p></body></html>", kind="text/html"), 1, "no main text"),
    "secret": (PAGE, 0, "lets no program read it"),
    "expired": (redirect("/"), 1, "leads to the front page"),
    "inward": (redirect("http://10.0.0.1/"), 3, "not a public web server"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", others_long(list(FAILURES), "missing", "document", "secret"))
def test_a_page_that_cannot_be_read_is_given_up_and_told_once(house: House, web: Web, name: str) -> None:
    script, times, problem = FAILURES[name]
    feed = Feed(house, web)
    feed.gather()
    feed.show(name)
    web.on(f"/{name}", script)
    told = []
    for hours in (1, 1, 1, 23, 1, 24, 24):
        told += failing_sources(feed.place, feed.gather(hours=hours)).lines
    assert feed.asked(name) == times
    [line] = told
    assert line.startswith("source Feed: 1 page cannot be read") and problem in line
    assert feed.entry(name).state == "ready" and feed.entry(name).facets.policy_areas == ("transport",)
    [finding] = [finding for finding in examine(feed.place) if finding.place == "Feed"]
    assert finding.level == "note" and problem in finding.problem
    with reading(house.place.engine) as conn:
        assert problem in entry_texts.outcome(conn, feed.entry(name).id)
    # A second such page of the source is told by `digest doctor` alone.
    feed.show(name, f"{name}2")
    web.on(f"/{name}2", script)
    assert all(row.unread == "" for hours in (1, 1, 24, 24) for row in feed.gather(hours=hours))


def test_a_page_that_cannot_be_read_holds_up_no_letter(house: House, web: Web) -> None:
    reader = house.reader("a@example.org", "daily")
    feed = Feed(house, web)
    feed.gather()
    feed.show("missing")
    web.on("/missing", MISSING)
    house.now += timedelta(days=1)
    report = pipeline.run(feed.place)
    assert (report.failed, report.waiting, feed.asked("missing")) == ([], [], 1)
    assert len(house.letters(reader)) == 1


def test_a_host_that_asks_for_a_pause_or_is_away_is_left_alone(house: House, web: Web) -> None:
    feed = Feed(house, web)
    feed.gather()
    feed.show("a", "b", "c")
    for name in ("a", "b", "c"):
        web.on(f"/{name}", answer(b"x", "Retry-After: 7200", status="429 Often"))
    feed.gather(hours=1)
    assert sum(map(feed.asked, "abc")) == 1
    for name in ("a", "b", "c"):
        web.on(f"/{name}", PAGE)
    web.on("/robots.txt", answer(b"User-agent: *\nCrawl-delay: 10", kind="text/plain"))
    feed.gather(hours=1)  # robots.txt is remembered, as it was
    assert (feed.asked("a"), feed.asked("b"), feed.asked("c")) == (1, 1, 1)
    feed.gather(hours=1)
    assert (feed.asked("a"), feed.asked("b"), feed.asked("c")) == (2, 1, 1)
    feed.show("d", "e")
    for name in ("d", "e"):
        web.on(f"/{name}", PAGE)
    feed.gather(days=1)
    assert feed.asked("d") + feed.asked("e") == 1
    feed.gather(hours=1)
    assert feed.asked("d") + feed.asked("e") == 2


def test_a_pause_that_a_server_wants_is_kept_by_all_processes(house: House, web: Web) -> None:
    """By the database's clock, which goes on less than the pause while the house's goes on an hour."""
    web.on("/robots.txt", answer(b"User-agent: *\nCrawl-delay: 3000", kind="text/plain"))
    feed = Feed(house, web)
    feed.gather()
    feed.show("a", "b")
    for name in ("a", "b"):
        web.on(f"/{name}", PAGE)
    feed.turns = Turns(0.0, StoredPaces(house.place.engine))
    feed.gather(hours=1)
    feed.gather(hours=1)
    assert feed.asked("a") + feed.asked("b") == 1
    with writing(house.place.engine) as conn:
        pause = delete(pace).where(pace.c.name == "pages:feeds.example")
        assert conn.execute(pause).rowcount == 1
    feed.gather(hours=1)
    assert feed.asked("a") + feed.asked("b") == 2


def test_robots_txt_that_cannot_be_asked_forbids_for_that_run(house: House, web: Web) -> None:
    feed = Feed(house, web)
    feed.gather()
    feed.show("new")
    web.on("/new", PAGE)
    web.on("/robots.txt", answer(b"x", status="503 Busy"))
    feed.gather(hours=1)
    assert feed.asked("new") == 0
    with reading(house.place.engine) as conn:
        assert conn.scalar(select(func.count()).select_from(robots_file)) == 0
    web.on("/robots.txt", OPEN)
    feed.gather(hours=2)
    assert feed.asked("new") == 1 and feed.text("new")


def test_an_editors_facets_and_those_of_a_frozen_edition_stay(house: House, web: Web) -> None:
    house.reader("a@example.org", "daily")
    feed = Feed(house, web)
    feed.gather()
    feed.show("tagged", "frozen")
    for name in ("tagged", "frozen"):
        web.on(f"/{name}", answer(b"x", status="500 Oh"))
    feed.gather(hours=1)
    edit.retag(feed.place, ANN, feed.entry("tagged").id, {"policy_area": ("transport",)})
    house.now += timedelta(days=1)
    assert sum(receipt.accepted for receipt in pipeline.run(feed.place).receipts) == 1
    for name in ("tagged", "frozen"):
        web.on(f"/{name}", PAGE)
    feed.gather(days=2)
    for name in ("tagged", "frozen"):
        assert feed.text(name) and feed.entry(name).facets.policy_areas == ("transport",)


class Faulty:
    """A fetcher that reads feeds, and has a fault when it comes to pages."""

    def __init__(self, web: Web) -> None:
        self.fetch = fetcher(web).fetch

    def variant(self, *_: object) -> None:
        raise RuntimeError("words that may hold anything")


def test_a_fault_of_this_program_costs_the_texts_alone(house: House, web: Web) -> None:
    feed = Feed(house, web)
    feed.gather()
    feed.show("new")
    house.now += timedelta(hours=1)
    [row] = story.gather(gathering_from(house, Faulty(web), [feed.source]))
    assert (row.status, row.new) == ("ok", 1)
    assert row.unread == "reading pages failed by a fault of this program (RuntimeError): please report it"


def test_every_host_gets_its_turn() -> None:
    pages = [Page(number, f"https://{'big' if number > 9 else f'small{number}'}.gov.uk/{number}", False)
             for number in range(100)]  # fmt: skip
    chosen = full_texts._fair(pages)
    assert [page.entry for page in chosen[:11]] == [99, *range(9, -1, -1)]
    assert [page.entry for page in chosen[11:]] == list(range(98, 89, -1))


def test_a_link_that_is_no_page_is_looked_at_once(house: House, web: Web) -> None:
    feed = Feed(house, web)
    feed.source = replace(feed.source, backfill=Backfill(count=9))
    body = b'<rss version="2.0"><channel><item><title>A</title><link>https://www.example.org/a</link></item></channel></rss>'
    web.on("/feed", answer(body))
    [row] = feed.gather()
    assert row.unread == ""
    with reading(house.place.engine) as conn:
        assert conn.execute(select(entry_text.c.tries, entry_text.c.problem)).all() == [(0, "")]
        assert entry_texts.unread(conn, [], ["Feed"], house.now) == []


@table(
    "title, summary, text, told",
    [
        ("A shared front door in Fife", "", "Fife has one front door for everybody now.", True),
        ("A shared front door in Fife", "", "Case studies: Leeds joint team. Hull staff.", False),
        ("A shared front door in Fife", "", "Sign in to go on", False),
        # A title without a topic: the summary stands on the page.
        ("Altogether now", "<p>We looked at the stars one night, and then at our forms.</p>",
         "We looked at the stars one night, and then at our forms. There were ten.", True),
        ("", "", "Anything", True),
    ],
)  # fmt: skip
def test_a_page_of_something_else_is_not_its_text(title: str, summary: str, text: str, told: bool) -> None:
    assert tells_of(text, Sighting(None, None, title, summary=summary)) == told
