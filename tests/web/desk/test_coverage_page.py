"""The page of the coverage and that of a cell: a real table, the same in words, few queries, and no address."""

from __future__ import annotations

import re
import threading
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from digest import pipeline
from digest.desk.counts import EditionCounts, count_as_it_stands
from digest.desk.counts_cache import CountsCache
from digest.installation import Installation
from digest.model import Edition
from digest.system.pages import render_page
from digest.web.desk.coverage_page import PAGES, _shade, address_of_cell
from digest.web.desk.drawing import bars
from digest.web.desk.page import VIEWER, Asker, Desk, Parameters
from subscribers.model import Interests
from tests.asked import asked
from tests.counts import table
from tests.house import House
from tests.web.desk.local import desk_of

PAGE = "/desk/weekly/coverage"
ANN = Asker("Ann", VIEWER, "")


def follows(area: str, region: str) -> Interests:
    return Interests(frozenset({area}), frozenset({region}), elsewhere=False)


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(tmp_path_factory.mktemp("coverage") / "house")
    house.reader("ann@example.org", interests=follows("housing", "wales"))
    house.reader("bob@example.org", interests=follows("housing", "wales"))
    house.reader("cat@example.org", interests=follows("transport", "london"))
    house.run()
    house.now += timedelta(hours=1)
    house.publish("Homes & <b>hearths</b>")
    house.publish("Trams in Leeds", areas="transport", region="north-east", kind="post")
    pipeline.gather(house.place, force=True)
    return house


def test_the_table_has_headers_and_the_same_in_words(house: House) -> None:
    page = desk_of(house).get(PAGE).text
    assert page.count('<th scope="col">') >= 15 and '<th scope="row">Housing</th>' in page
    cells = re.findall(r'<a href="/desk/weekly/coverage/cell[^"]*">(.*?)</a>', page)
    assert [re.sub("<[^>]*>", "", cell) for cell in cells] == [
        "Housing in Wales: 2 readers, entries: 1", "Transport in London: 1 reader, entries: none",
    ]  # fmt: skip
    assert page.count(" uncovered") == 1 and "<span>none</span>" in page, "not by colour alone"
    assert "<li>Transport in London: 1 reader, no entry</li>" in page
    assert "Trams in Leeds</a><br>" in page and "none of them in North East" in page
    assert 'tabindex="0" role="region" aria-labelledby="cells"' in page
    assert "3 readers of this cadence; 2 get a letter, 1 get none" in page
    assert "example.org" not in page and "& hearths" not in page
    assert not re.search(r"style=|onclick|<script>", page), "the content policy would refuse it"


def test_the_page_shows_new_counts_as_soon_as_they_are_made(house: House) -> None:
    desk = desk_of(house)
    assert "Housing in Wales: 2 readers, 1 entry" in desk.get(PAGE).text
    house.reader("dan@example.org", interests=follows("housing", "wales"))
    assert "Housing in Wales: 3 readers, 1 entry" in desk.get(PAGE).text


def test_a_cell_shows_its_readers_and_what_they_miss(house: House) -> None:
    desk = desk_of(house)
    page = desk.get(address_of_cell("weekly", "transport", "london")).text
    assert "Reader 3</a>" in page and "c…@example.org" in page and "cat@example.org" not in page
    assert "following North East would bring it" in page
    assert "nothing in this edition matches what they follow" in page
    assert "Nobody chose this combination." in desk.get(address_of_cell("weekly", "", "")).text
    assert "Homes &amp; hearths" in desk.get(address_of_cell("weekly", "housing", "wales")).text


@pytest.mark.long
@table(
    "address, status",
    [
        ("/desk/hourly/coverage", 404),
        ("/desk/weekly/coverage/cell?area=nowhere&region=wales", 404),
        ("/desk/weekly/coverage/cell", 200),
        ("/desk/weekly/coverage/cell?area=housing&region=wales&after=x", 400),
        ("/desk/monthly/coverage", 200),
    ],
)
def test_only_what_is_configured_has_a_page(house: House, address: str, status: int) -> None:
    assert desk_of(house).get(address).status_code == status


def test_readers_come_page_by_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.desk.cell.PAGE_OF_READERS", 1)
    desk = desk_of(house)
    first = desk.get(address_of_cell("weekly", "housing", "wales")).text
    (following,) = re.findall(r'href="([^"]*after=[^"]*)">Next readers', first)
    second = desk.get(following.replace("&amp;", "&")).text
    assert ("Reader 1<" in first, "Reader 2<" in first) == (True, False)
    assert ("Reader 1<" in second, "Reader 2<" in second, "Next readers" in second) == (False, True, False)


def test_a_desk_without_readers_says_what_to_do(tmp_path: Path) -> None:
    house = House(tmp_path / "empty")
    page = desk_of(house).get(PAGE).text
    assert "This cadence has no readers yet." in page and "digest subscribers import" in page
    house.close()


def test_a_large_edition_says_that_it_is_being_counted(house: House) -> None:
    let = threading.Event()

    def count(conn: Connection, installation: Installation, edition: Edition) -> EditionCounts:
        assert let.wait(20)
        return count_as_it_stands(conn, installation, edition)

    desk = Desk(house.place, kept={"counts": CountsCache(house.place, inline=0, patience=0.01, count=count)})
    shared = {
        "root": "",
        "asker": None,
        "site": "S",
        "local": True,
        "path": PAGE,
        "cadences": ["weekly"],
        "hour": desk.hour,
    }
    show, open_cell = (page.get for page in PAGES)
    assert show and open_cell

    def page() -> str:
        answer = show(desk, ANN, Parameters([], {"cadence": "weekly"}))
        return render_page(f"desk/{answer.template}", {**shared, **answer.values})

    assert "Readers are being counted" in page()
    cell = open_cell(desk, ANN, Parameters([("area", "housing"), ("region", "wales")], {"cadence": "weekly"}))
    assert cell.location == PAGE, "where the same is told"
    let.set()
    for thread in threading.enumerate():
        if thread.name == "counts":
            thread.join(20)
    assert "Housing in Wales: 2 readers, 1 entry" in page()
    let.clear()
    house.reader("dan@example.org", interests=follows("housing", "wales"))
    assert "Something has changed since" in page() and "2 readers, 1 entry" in page()
    let.set()


@pytest.mark.parametrize("address", [PAGE, address_of_cell("weekly", "housing", "wales")])
def test_a_page_costs_few_queries_whatever_the_size(house: House, address: str) -> None:
    desk = desk_of(house)
    desk.get(address)
    with asked(house.place.engine) as statements:
        assert desk.get(address).status_code == 200
    assert 0 < len(statements) <= 25


def test_bars_are_well_formed_and_say_their_numbers() -> None:
    svg = ET.fromstring(bars("A <title>", "in & words", [("1 entry", 1), ("2 entries", 12_000), ("none", 0)]))
    assert [child.text for child in svg[:2]] == ["A <title>", "in & words"]
    assert [text.text for text in svg.iter("text")] == ["1 entry", "1", "2 entries", "12,000", "none", "0"]
    widths = [int(rect.attrib["width"]) for rect in svg.iter("rect")]
    assert widths[0] == 2 and widths[2] == 0 and max(widths) == widths[1]


@table("most, readers, shade", [(0, 0, 0), (1, 1, 3), (51, 0, 0), (51, 1, 1), (51, 51, 5), (51, 7, 3), (10**6, 1, 1)])
def test_more_readers_have_a_stronger_shade(most: int, readers: int, shade: int) -> None:
    shades = [_shade(most)(number) for number in range(min(most, 300) + 1)]
    assert shades == sorted(shades) and _shade(most)(readers) == shade


def test_every_viewer_may_look() -> None:
    assert {page.role for page in PAGES} == {VIEWER} and all(page.post is None for page in PAGES)
