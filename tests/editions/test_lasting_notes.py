"""The faults of a source stay told until a reading shows otherwise; "not modified" is not believed for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from digest import gather as story
from digest.gather import is_asked_in_full
from digest.model import Source
from digest.store.engine import reading
from digest.store.sources import Gathering, State, state_of
from tests.counts import table
from tests.house import House, gathering_from
from tests.sources.webserver import FEED, Web, answer, fetcher

MANY = b"".join(b"<item><guid>%d</guid><title>T%d</title></item>" % (n, n) for n in range(1100))
FAULTS = {
    "malformed": (FEED.replace(b"</channel>", b"<item><title>A & B \x01</title></item></channel>"), "malformed"),
    "cut off": (FEED.partition(b"<item><guid>a2")[0] + b"<item><guid>a2</guid><title>Tw", "malformed"),
    "too many": (FEED.replace(b"</channel>", MANY + b"</channel>"), "only the newest 1000"),
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with closing(House(tmp_path / "house")) as house:
        yield house


def conditional(body: bytes) -> Any:
    """Return a script that answers 304 to each conditional request."""

    def script(conn: Any, head: str) -> None:
        is_known = "If-None-Match" in head
        conn.sendall(answer(b"", 'ETag: "1"', status="304 Not Modified") if is_known else answer(body, 'ETag: "1"'))

    return script


def gather(house: House, web: Web, **ahead: int) -> tuple[Gathering, str | None]:
    """Gather the feed after some time; return the row, and what is told of the source then."""
    house.now += timedelta(**ahead)
    source = Source("Feed", url=web.url("/feed"))
    [row] = story.gather(gathering_from(house, fetcher(web), [source]))
    with reading(house.place.engine) as conn:
        return row, state_of(conn, source).error


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_stays_told_while_the_source_is_unchanged(house: House, web: Web, fault: str) -> None:
    body, words = FAULTS[fault]
    web.on("/feed", conditional(body))
    first, told = gather(house, web)
    assert words in (first.error or "") and told == first.error
    for _ in range(2):  # by a 304, and at another day by the same body
        row, again = gather(house, web, hours=2)
        assert (row.status, row.error, again) == ("not-modified" if fault != "cut off" else "ok", told, told)
    row, again = gather(house, web, days=1)
    assert (row.error, again) == (told, told)
    web.on("/feed", answer(status="503 Service Unavailable"))
    _, failed = gather(house, web, hours=2)
    assert "503" in (failed or "")
    web.on("/feed", conditional(body))
    assert gather(house, web, hours=2)[1] == told  # though the server would have answered 304
    web.on("/feed", conditional(FEED))
    assert gather(house, web, days=1)[1] is None


def test_a_server_that_says_not_modified_for_ever_is_asked_in_full_once_a_day(house: House, web: Web) -> None:
    web.on("/feed", conditional(FEED))
    gather(house, web)
    web.on(
        "/feed",
        conditional(FEED.replace(b"</channel>", b"<item><guid>a3</guid><title>Three</title></item></channel>")),
    )
    new = [gather(house, web, hours=3)[0].new for _ in range(9)]
    assert sum(new) == 1
    full = [request for request in web.requests if "If-None-Match" not in request]
    assert 2 <= len(full) <= 4 and len(web.requests) == 10


NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@table("name", ["Feed", "Leeds notes", "Cyngor Gwynedd", ""])
def test_each_source_has_one_full_reading_a_day(name: str) -> None:
    hours = [NOON + timedelta(hours=n) for n in range(24 * 5)]
    last, full = None, []
    for now in hours:
        if is_asked_in_full(name, State(ok_at=last), now):
            full.append(now)
        last = now
    days = [b - a for a, b in pairwise(full[1:])]
    assert full[0] == NOON and len(full) == 6 and set(days) == {timedelta(days=1)}
    assert is_asked_in_full(name, State(ok_at=NOON), NOON + timedelta(days=1))
    assert is_asked_in_full(name, State(ok_at=NOON), NOON - timedelta(days=2))  # by a clock that was ahead
    assert not is_asked_in_full(name, State(ok_at=NOON), NOON)
