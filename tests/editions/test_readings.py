"""A reading that leaves out what the last one knew stores what a reading in full stores."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from digest import gather as story
from digest.model import Source
from digest.store.engine import reading, writing
from digest.store.schema import entry, entry_key, release, source_state
from digest.store.sources import Gathering
from tests.house import House, gathering_from
from tests.sources.webserver import Web, answer, fetcher

FEED = '<rss version="2.0"><channel><title>T</title><link>https://a.example/</link>{}</channel></rss>'
ITEM = (
    "<item><guid>{0}</guid><title>The title of number {0}</title><link>https://a.example/{0}</link>"
    "<pubDate>{1:02} Oct 2026 10:00 GMT</pubDate><description>Words about number {0}, and no others</description>"
    "</item>"
)


def item(number: int, extra: str = "") -> str:
    return ITEM.format(number, number).replace("</item>", f"{extra}</item>")


FIRST = [item(number) for number in (5, 4, 3, 2)]
LATER = {
    "one new": [item(6), *FIRST],
    "one new, one gone": [item(6), *FIRST[:-1]],
    "one missing": [FIRST[0], *FIRST[2:]],
    "turned round": FIRST[::-1],
    "an edit": [FIRST[0], item(4, "<category>Tips</category>").replace("no others", "some others"), *FIRST[2:]],
    "another title for an id": [item(5).replace("title of number 5", "other title"), *FIRST[1:]],
    "a copy beside it": [item(7).replace("<guid>7", "<guid>5b").replace("number 7", "number 5"), *FIRST],
    "a draft": [item(6, "<status>draft</status>"), *FIRST],
    "an embargo": [item(6).replace("06 Oct 2026", "06 Oct 2027"), *FIRST],
    "two with one link": [item(6), item(7).replace("example/7", "example/6"), *FIRST],
}


class Pair:
    """Two installations with the same feed; the second one forgets what it knew, so that it reads in full."""

    def __init__(self, folder: Path) -> None:
        self.web = Web()
        self.houses = [House(folder / name) for name in ("quick", "full")]

    def gather(self, items: list[str]) -> list[Gathering]:
        self.web.on("/feed", answer(FEED.format("".join(items)).encode()))
        rows = []
        for number, house in enumerate(self.houses):
            house.now += timedelta(hours=2)
            place = gathering_from(house, fetcher(self.web), [Source("Feed", url=self.web.url("/feed"))])
            if number:
                with writing(place.engine) as conn:
                    conn.execute(update(source_state).values(parts=None))
            rows += story.gather(place)
        return rows

    def tables(self) -> list[list[Any]]:
        """Return what the two databases hold of the entries, their keys, releases and source."""
        state = select(source_state.c.shown, source_state.c.cut, source_state.c.parts)
        queries = (
            select(entry).order_by(entry.c.id), select(entry_key).order_by(entry_key.c.key),
            select(release).order_by(release.c.number), state,
        )  # fmt: skip
        contents = []
        for house in self.houses:
            with reading(house.place.engine) as conn:
                contents.append([[tuple(row) for row in conn.execute(query)] for query in queries])
        return contents


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    yield pair
    pair.web.close()
    for house in pair.houses:
        house.close()


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(name, marks=[] if name in ("one new, one gone", "an edit") else [pytest.mark.long])
        for name in LATER
    ],
)
def test_a_reading_of_new_entries_alone_stores_what_one_in_full_stores(pair: Pair, later: str) -> None:
    for items in (FIRST, LATER[later], [item(8), *LATER[later]]):
        quick, full = pair.gather(items)
        assert quick == full
        first, second = pair.tables()
        assert first == second


def test_only_the_new_entry_is_parsed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    from digest.sources import read

    sizes: list[int] = []
    parse = read.parse_limited

    def watched(body: bytes, **options: Any) -> Any:
        sizes.append(body.count(b"<item>"))
        return parse(body, **options)

    monkeypatch.setattr(read, "parse_limited", watched)
    pair.gather(FIRST)
    pair.gather(LATER["one new"])
    assert sizes == [4, 4, 1, 5]
