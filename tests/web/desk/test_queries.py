"""Each page of the desk asks its database the same few things, for many entries, readers and acts as for few.

The pages are taken from the route table, so that no page can be forgotten.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline
from digest.desk.pool import draft_again
from digest.desk.reword import reword
from digest.desk.stories import invite_place
from digest.store import editions, entries
from digest.store.answers import EntryAnswer, store_answer
from digest.store.engine import reading, writing
from digest.web.desk.door import SessionDoor
from digest.web.desk.routes import PAGES
from subscribers.model import Interests
from tests.asked import asked
from tests.house import ANN, House
from tests.web.desk.addresses import Visited, addresses
from tests.web.desk.served import Browser, Served

MOST = 25
OK = {"/desk/sign-in": 303, "/desk/sign-in/{token}": 410}  # because the browser is signed in


@pytest.mark.long
def test_a_page_asks_the_same_few_things_for_few_and_for_many(tmp_path: Path) -> None:
    few, many = (statements_by_address(House(tmp_path / str(count)), count) for count in (3, 30))
    assert {path for path, _, _ in few} >= {page.path for page in PAGES if page.get is not None}
    told = []
    for (path, address, some), (_, _, others) in zip(few, many, strict=True):
        if len(others) != len(some) or len(some) > MOST:
            more = {statement for statement in others if others.count(statement) > some.count(statement)}
            told.append((path, address, len(some), len(others), sorted(more)))
    assert told == [], "pages that ask more of many, or too much: path, address, few, many, what is asked more often"


def statements_by_address(house: House, count: int) -> list[tuple[str, str, list[str]]]:
    """Return (path, address, what is asked for it), in a house that has `count` of everything."""
    visited = furnish(house, count)
    served = Served(house)
    browser: Browser = served.browser("Ann", "admin")
    for number in range(count):
        served.editor(f"Editor{number}", "viewer")
    pages = (*SessionDoor(served.place, lambda: None).pages(), *PAGES)
    statements = []
    for path, address in addresses(pages, visited):
        browser.get(address)  # so that what is kept is kept
        with asked(house.place.engine) as some:
            answer = browser.get(address, follow_redirects=False)
        assert answer.status_code == OK.get(path, 200), (
            f"{address}: {answer.status_code} {answer.headers.get('location')}"
        )
        statements.append((path, address, some))
    house.close()
    return statements


def furnish(house: House, count: int) -> Visited:
    """Give a house `count` readers, entries of a frozen edition and of a draft, held and later entries, and acts."""
    follows = Interests(frozenset({"housing"}), frozenset({"wales"}))
    readers = [house.reader(f"reader{number}@example.org", interests=follows) for number in range(count)]
    house.run()
    gathered(house, "before", count)
    house.run(days=4)
    gathered(house, "next", count)
    draft, _ = draft_again(house.place, ANN, "weekly")
    came = gathered(house, "later", 2 * count)
    with writing(house.place.engine) as conn:
        for entry in came[:count]:
            entries.set_state(conn, entry, "held")
        shown = [row.entry.id for row in editions.shown(conn, draft.id) if row.release]
        frozen = next(each for each in editions.listing(conn) if each.cadence == "weekly" and each.state == "frozen")
    assert len(shown) == count
    for entry in shown:
        reword(house.place, ANN, entry, {"note": "Read this.", "open_question": "Is it so?"})
        invite_place(house.place, ANN, "Fife Council")
    with writing(house.place.engine) as conn:
        for reader in readers:
            store_answer(conn, reader, EntryAnswer(shown[0], "tried", "We did.", "Fife", named=True), house.now)
    return Visited(shown[0], readers[0], draft.id, frozen.id, "housing", "wales")


def gathered(house: House, title: str, count: int) -> list[int]:
    """Publish entries a day later and gather them; return their ids."""
    house.now += timedelta(days=1)
    for number in range(count):
        house.publish(f"Homes of {title}, part {number}")
    pipeline.gather(house.place, force=True)
    with reading(house.place.engine) as conn:
        return [entry.id for entry in entries.listing(conn, since=house.now)]
