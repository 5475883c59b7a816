"""Gathering: what is not read says so to whoever should know, and what authors mistype is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from digest import gather as story
from digest.errors import TryLater
from digest.model import Source
from digest.sources.web.politeness import Turns
from digest.store import entries
from digest.store.engine import reading
from digest.store.sources import Gathering
from tests.counts import others_long
from tests.house import House, gathering_from
from tests.sources.webserver import Web, answer, fetcher


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    made = House(tmp_path / "house", pipeline_url)
    yield made
    made.close()


def gather(house: House, web: Web, path: str, *, force: bool = False) -> list[Gathering]:
    seen: list[Gathering] = []
    place = gathering_from(house, fetcher(web), [Source("Feed", url=web.url(path))])
    done = story.gather(place, force=force, progress=seen.append)
    assert seen == done
    return done


def test_a_source_that_is_gone_says_so_at_every_run_until_it_is_corrected(house: House, web: Web) -> None:
    web.on("/old", answer(b"", status="410 Gone"))
    web.on("/new", answer())
    [first] = gather(house, web, "/old")
    assert first.status == "failed"
    for force in (False, True):
        house.now += timedelta(hours=1)
        [again] = gather(house, web, "/old", force=force)
        assert (again.status, again.error) == ("failed", "gone (410): correct or remove it in config.toml")
    assert len(web.requests) == 1
    house.now += timedelta(hours=1)
    assert [(one.status, one.new) for one in gather(house, web, "/new")] == [("ok", 2)]
    house.now += timedelta(hours=1)
    assert [one.status for one in gather(house, web, "/new")] == ["not-modified"]
    assert len(web.requests) == 3


def test_who_asked_us_to_wait_is_named_to_a_person_and_left_alone(house: House, web: Web) -> None:
    web.on("/feed", answer(b"", "Retry-After: 7200", status="503 Service Unavailable"))
    gather(house, web, "/feed")
    house.now += timedelta(hours=1)
    assert gather(house, web, "/feed") == []
    [told] = gather(house, web, "/feed", force=True)
    assert (told.status, told.error) == (
        "failed",
        "asked us to wait until 2026-11-02 11:00 UTC; it is not read before",
    )
    assert len(web.requests) == 1
    house.now += timedelta(hours=2)
    web.on("/feed", answer())
    assert [one.status for one in gather(house, web, "/feed")] == ["ok"]


def test_what_failed_last_time_is_read_after_the_others(house: House, web: Web) -> None:
    names = ("bad", "good", "worse", "better")
    place = gathering_from(house, fetcher(web), [Source(name, url=web.url(f"/{name}")) for name in names])
    for name in names:
        web.on(f"/{name}", answer(b"", status="500 Oh"))
    orders = []
    for mended in ((), ("good", "better"), names):
        for name in mended:
            web.on(f"/{name}", answer())
        seen: list[str] = []
        done = story.gather(
            place,
            force=True,
            progress=lambda one, seen=seen: seen.append(one.name),  # type: ignore[misc]
        )
        assert [one.name for one in done] == list(names)
        asked = [request.split(" ", 2)[1][1:] for request in web.requests[-4:]]
        orders.append((seen, set(asked[:2])))
    assert [seen for seen, _ in orders] == [list(names), list(names), ["good", "better", "bad", "worse"]]
    assert orders[-1][1] == {"good", "better"}


class AwayTurns:
    """Turns at hosts in a database that is away."""

    def take_turn(self, name: str, seconds: float) -> tuple[datetime | None, float]:
        raise TryLater(f"no turn {name} of {seconds} s: connection refused")

    def end_turn(self, name: str, until: datetime, gap: float) -> None:
        raise AssertionError(f"none was taken: {name}, {until}, {gap}")


def test_turns_that_cannot_be_taken_are_no_fault_of_a_source(house: House, web: Web) -> None:
    web.on("/feed", answer())
    away = fetcher(web)
    away.turns = Turns(0.0, AwayTurns())
    place = gathering_from(house, away, [Source("Feed", url=web.url("/feed"))])
    with pytest.raises(TryLater, match=r"no turn source:feeds\.example of 20\.0 s"):
        story.gather(place)
    assert web.requests == []
    assert [row.status for row in gather(house, web, "/feed")] == ["ok"]


FACETS = [
    ("policy_areas: [housng]", "001.md: policy area 'housng' is not in config.toml; did you mean 'housing'?"),
    ("policy_areas: [quidditch]", "001.md: policy area 'quidditch' is not in config.toml; known: housing, transport"),
    ("themes: [ledership]", "001.md: theme 'ledership' is not in config.toml; did you mean 'leadership'?"),
    ("themes: [Leadership]\npolicy_areas: [Housing, transport]", None),
]


@pytest.mark.parametrize(("matter", "line"), others_long(FACETS, FACETS[0], FACETS[3]))
def test_an_unknown_facet_in_front_matter_is_told(tmp_path: Path, matter: str, line: str | None) -> None:
    house = House(tmp_path / "house")
    (house.folder / "notes" / "001.md").write_text(f"---\ntitle: One\n{matter}\n---\nWords.\n")
    [report] = house.run().sources
    house.close()
    assert (report.status, report.error) == ("ok", line)


def test_one_line_tells_of_a_slip_in_many_files(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    for number in range(3):
        text = f'---\ntitle: Note {number}\nid: "n{number}"\npolicy_areas: [housng]\n---\nWords.\n'
        (house.folder / "notes" / f"{number}.md").write_text(text)
    [report] = house.run().sources
    house.close()
    assert report.error == "“Note 0” and 2 more: policy area 'housng' is not in config.toml; did you mean 'housing'?"


def test_the_blog_that_a_planet_names_is_stored_and_follows_an_edit(house: House, web: Web) -> None:
    item = b'<item><guid>p1</guid><title>One</title><source url="https://b.example/">%s</source>%s</item>'
    stored = []
    for inner in ((b"Blog B", b""), (b"Blog Bee", b"<description>Edited</description>")):
        body = b"<rss><channel><title>Planet</title>" + item % inner + b"</channel></rss>"
        web.on("/planet", answer(body))
        house.now += timedelta(hours=1)
        gather(house, web, "/planet")
        with reading(house.place.engine) as conn:
            stored += [each.publisher for each in entries.listing(conn)]
    assert stored == ["Blog B", "Blog Bee"]
