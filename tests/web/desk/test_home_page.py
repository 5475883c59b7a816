"""The first page of the desk: editions due and past, who gets nothing, what waits, and an empty installation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from digest.desk.approval import approve_edition
from digest.desk.counts import count_as_it_stands
from digest.editions import draft
from digest.store.engine import reading, writing
from subscribers import store as people
from tests.asked import asked
from tests.house import ANN, House
from tests.outcomes import interests
from tests.web.desk.local import desk_of, words

QUERIES = 23


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("home") / "house", weekly='approval = "required"')
    for number in range(3):
        house.reader(f"reader{number}@example.org", interests=interests())
    house.reader("bus@example.org", interests=interests("transport", "wales", elsewhere=False))
    house.run()
    house.publish("Damp homes")
    house.run(hours=1)
    with writing(house.place.engine) as conn:
        draft.draft(conn, house.settings, house.settings.cadence("weekly"), house.now)
    yield house
    house.close()


def test_it_tells_what_is_due_and_who_gets_nothing(house: House) -> None:
    with reading(house.place.engine) as conn:
        edition = draft.next_edition(conn, house.settings, "weekly", house.now)
        counts = count_as_it_stands(conn, house.place, edition)
    html = desk_of(house).get("/desk").text
    page = words(html)
    assert "Friday 6 November 2026, 08:00" in page and "waits for approval" in page
    assert (counts.readers["pending"], counts.readers["empty"]) == (3, 1)
    assert re.search(r"letters 3 new entry 1 gets nothing 1", page)
    assert f"1: {counts.no_letter[0].why}" in page
    assert "approver The weekly edition of 2026-11-06 waits for approval" in page
    assert 'href="/desk/weekly/approve"' in html


@pytest.mark.long
def test_past_editions_stand_with_their_receipts(house: House) -> None:
    approve_edition(house.place, ANN, 1)
    house.run(days=4)
    html = desk_of(house).get("/desk").text
    assert 'href="/desk/edition/1"' in html
    assert "Weekly 2026-11-06 3 0 1 0 0 every reader accounted for" in words(html)


@pytest.mark.parametrize("number", ["0", "2", "99999999", "999999999999999999"])
def test_a_page_that_is_not_there_is_empty(house: House, number: str) -> None:
    assert desk_of(house).get(f"/desk?page={number}").status_code == 200


def test_an_empty_installation_says_what_to_do(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    house.settings = replace(house.settings, sources=())
    page = words(desk_of(house).get("/desk").text)
    for sentence in (
        "No source is configured yet. Try one with digest sources try URL",
        "Nobody follows a cadence yet. digest subscribers import FILE",
        "No edition has been sent yet.",
    ):
        assert sentence in page
    house.close()


def test_readers_that_cannot_be_counted_leave_the_page_standing(house: House) -> None:
    with writing(house.place.engine) as conn:
        people.suppress(conn, "bus@example.org", "bounced", secret=house.place.secret, now=house.now)
    house.settings.secret_file.write_text("0" * 64)
    client = desk_of(house)
    page = client.get("/desk")
    assert page.status_code == 200 and "could not be counted" in words(page.text)


def test_it_asks_few_queries(house: House) -> None:
    client = desk_of(house)
    client.get("/desk")
    with asked(house.place.engine) as statements:
        assert client.get("/desk").status_code == 200
    assert 0 < len(statements) <= QUERIES
