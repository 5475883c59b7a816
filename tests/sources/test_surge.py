"""Of a surge, what is dated since the last good reading is news and goes; the rest waits for an editor."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from digest.sources.newness import New
from digest.sources.surge import is_news
from tests.counts import spread, table
from tests.house import House
from tests.sources.reflood import TODAY, Feed, history, post, rss
from tests.sources.test_newness import NOW, POST

READ = NOW - timedelta(hours=20)  # 19 November, 12:00


@table(
    "published, look_alike, news",
    [
        (NOW, False, True),
        (READ.replace(hour=0), False, True),  # many sources give no hour
        (READ - timedelta(days=1), False, False),
        (None, False, False),
        (NOW, True, False),
    ],
)
def test_what_is_news(published: datetime | None, look_alike: bool, news: bool) -> None:
    assert is_news(New(replace(POST, published=published), (), look_alike), READ) is news


def _undated(count: int) -> Feed:
    return tuple(replace(post(n, TODAY, "undated"), date=None) for n in range(count))


OLD = tuple(post(n, TODAY - timedelta(days=90 + n), "archive") for n in range(22))
RECENT = tuple(post(n, TODAY - timedelta(days=2, hours=n), "late") for n in range(25))
FRESH = tuple(post(n, TODAY - timedelta(hours=n % 20), "summit") for n in range(30))


@pytest.mark.parametrize(
    ("flood", "held"),
    spread(1, [
        ((*FRESH[:3], *OLD), 22), (FRESH, 0),
        *(pytest.param(*case, marks=pytest.mark.long) for case in ((OLD, 22), (RECENT, 25), (_undated(21), 21))),
    ]),
)  # fmt: skip
def test_of_a_surge_the_news_goes_and_the_rest_waits(tmp_path: Path, flood: Feed, held: int) -> None:
    house = House(tmp_path / "house", source='\n[[source]]\nname = "Here"\npath = "here.xml"')
    for days, feed in ((0, history(4)), (1, history(4)), (1, (*flood, *history(4)))):
        (house.folder / "here.xml").write_bytes(rss(feed))
        report = house.run(days=days)
    house.close()
    [here] = [row for row in report.sources if row.name == "Here"]
    assert (here.new, here.held, here.status) == (len(flood), held, "held" if held else "ok")
