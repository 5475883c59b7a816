"""A gather follows a feed to its older pages, loses no entry there, and releases none that is no news."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from digest import gather as story
from digest.model import Source
from digest.sources.older import PATIENCE
from digest.store.engine import reading
from digest.store.schema import entry
from digest.store.sources import Gathering
from tests.house import House, gathering_from
from tests.sources.webserver import Web, answer, fetcher

FEED = (
    '<rss version="2.0" xmlns:a="http://www.w3.org/2005/Atom"><channel><title>T</title><link>https://a.example/</link>'
    "{more}{items}</channel></rss>"
)
MORE = '<a:link rel="next" href="{}"/>'
ITEM = (
    "<item><guid>{0}</guid><title>Notice {0}</title><link>https://a.example/{0}</link>"
    "<description>Words about number {0}, and no others</description>{1}</item>"
)
FIRST = range(10, 0, -1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(House(tmp_path / "house")) as house:
        yield house


def show(web: Web, pages: list[range], date: str, *, ahead: int = 0) -> None:
    """Let a feed have these pages of entries, all of one date; `ahead` more are named that are not there."""
    for place, numbers in enumerate(pages):
        dated = f"<pubDate>{date}</pubDate>" if date else ""
        items = "".join(ITEM.format(number, dated) for number in numbers)
        more = MORE.format(f"/feed?page={place + 2}") if place + 1 < len(pages) + ahead else ""
        path = f"/feed?page={place + 1}" if place else "/feed"
        web.on(path, answer(FEED.format(more=more, items=items).encode()))


def gather(house: House, web: Web) -> Gathering:
    """Gather the feed two hours after the last time."""
    house.now += timedelta(hours=2)
    [row] = story.gather(gathering_from(house, fetcher(web), [Source("Feed", url=web.url("/feed"))]))
    return row


def states(house: House) -> dict[int, str]:
    """Return the state of each stored entry, by its number in the feed."""
    with reading(house.place.engine) as conn:
        return {int(row[0]): row[1] for row in conn.execute(select(entry.c.guid, entry.c.state))}


def asked(web: Web) -> list[str]:
    """Return the paths asked since the last call."""
    paths = [request.split(" ")[1] for request in web.requests]
    web.requests.clear()
    return paths


def dated(house: House, days: int) -> str:
    return f"{house.now + timedelta(days=days, hours=2):%a, %d %b %Y} 00:30:00 GMT"


@pytest.mark.parametrize(
    ("pages", "paths"),
    [
        ([range(25, 15, -1), range(15, 5, -1), range(5, 0, -1)], ["/feed", "/feed?page=2"]),
        ([range(40, 30, -1), range(31, 20, -1), range(22, 8, -1)], ["/feed", "/feed?page=2", "/feed?page=3"]),
        ([range(18, 8, -1), range(8, 0, -1)], ["/feed"]),
    ],
    ids=["two pages", "pages that overlap", "an entry of the first page is known"],
)
def test_entries_of_older_pages_are_stored_once_and_released_if_news(
    house: House, web: Web, pages: list[range], paths: list[str]
) -> None:
    show(web, [FIRST], dated(house, -1))
    assert gather(house, web).status == "ok"
    asked(web)
    show(web, pages, dated(house, 0))
    row = gather(house, web)
    fresh = {number: state for number, state in states(house).items() if number > 10}
    assert fresh == dict.fromkeys(range(11, pages[0][0] + 1), "ready")
    assert (row.status, row.new, row.held, row.error, asked(web)) == ("ok", len(fresh), 0, None, paths)
    row = gather(house, web)
    assert (row.new, asked(web)) == (0, ["/feed"])


@pytest.mark.parametrize("days", [-60, -3, None], ids=["old", "before the last reading", "undated"])
def test_old_entries_of_older_pages_wait_for_an_editor(house: House, web: Web, days: int | None) -> None:
    show(web, [range(2, 0, -1)], dated(house, -1))
    gather(house, web)
    show(
        web, [range(n + 2, n, -1) for n in range(20, 8, -2)], dated(house, days) if days else ""
    )  # fewer than a surge
    row = gather(house, web)
    assert (row.status, row.held) == ("held", 12) and "on older pages of the feed" in (row.error or "")
    assert {state for number, state in states(house).items() if number > 2} == {"held"}


def test_a_first_reading_and_a_restored_database_follow_no_pages_to_readers(house: House, web: Web) -> None:
    show(web, [range(40, 30, -1), range(30, 20, -1)], dated(house, 0))
    row = gather(house, web)
    assert (row.new, asked(web), set(states(house).values())) == (10, ["/feed"], {"baseline"})


def test_a_page_that_is_away_for_a_while_costs_no_entry(house: House, web: Web) -> None:
    show(web, [FIRST], dated(house, -1))
    gather(house, web)
    show(web, [range(30, 20, -1), range(20, 10, -1)], dated(house, 0))
    web.on("/feed?page=2", answer(b"", status="503 Service Unavailable"))
    row = gather(house, web)
    assert row.status == "failed" and len(states(house)) == 10 and "nothing is taken in yet" in (row.error or "")
    show(web, [range(30, 20, -1), range(20, 10, -1)], dated(house, 0))
    row = gather(house, web)
    assert (row.status, row.new, row.error) == ("ok", 20, None)
    # One that stays away costs only its own entries.
    show(web, [range(50, 40, -1), range(40, 30, -1)], dated(house, 0))
    web.on("/feed?page=2", answer(b"", status="503 Service Unavailable"))
    statuses = [gather(house, web).status for _ in range(PATIENCE + 1)]
    assert statuses == ["failed"] * PATIENCE + ["ok"] and set(states(house)) == {*range(1, 31), *range(41, 51)}


def test_a_page_that_fails_keeps_what_was_read_and_is_told_until_the_feed_changes(house: House, web: Web) -> None:
    show(web, [FIRST], dated(house, -1))
    gather(house, web)
    show(web, [range(30, 20, -1)], dated(house, 0), ahead=1)
    web.on("/feed?page=2", answer(b"", status="404 Not Found"))
    row = gather(house, web)
    assert (row.new, states(house)[21]) == (10, "ready")
    assert row.error and row.error.startswith("entries may be missing: an older page cannot be read")
    again = gather(house, web)
    assert (again.status, again.error) == ("not-modified", row.error)
    show(web, [range(31, 21, -1)], dated(house, 0))
    assert gather(house, web).error is None
