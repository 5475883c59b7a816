"""Errors that nobody foresaw, thrown in each step of one source: the others' letters go out all the same."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from digest import pipeline
from digest.errors import TryLater
from digest.facets.rules import Rules
from digest.installation import Installation
from digest.model import Backfill, Facets, Sighting, Source
from digest.sources.formats.jsonfeed import parse_json_feed
from digest.sources.formats.tidy import read_each
from digest.store.sources import Gathering
from tests.house import START, House

FEED = """<rss version="2.0"><channel><title>Bad</title>
<item><title>Bad news</title><link>https://bad.example/1</link><description>Words.</description></item>
</channel></rss>"""
ERRORS = (
    ValueError("v"), KeyError("k"), UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates"), RecursionError("deep"),
    MemoryError(), OSError(5, "Input/output error"), IndexError("i"), AttributeError("a"), ZeroDivisionError("z"),
)  # fmt: skip
STEPS = ("reading", "classifying", "checking facets", "storing")


class Faulty:
    """Stand in for the fetcher, the classifier and the database, and fail at one step for the source that is bad."""

    def __init__(self, works: Any, step: str, error: BaseException) -> None:
        self._works, self._step, self._error = works, step, error

    def fetch(self, url: str, **_: Any) -> Any:
        raise self._error

    def classify(self, sighting: Sighting, source: Source, rules: Rules) -> Facets:
        if self._step == "classifying" and source.name == "Bad":
            raise self._error
        return self._works.classify(sighting, source, rules)  # type: ignore[no-any-return]

    def unknown(self, sightings: Sequence[Sighting]) -> Any:
        if self._step == "checking facets" and any(sighting.title == "Bad news" for sighting in sightings):
            raise self._error
        return self._works.unknown(sightings)

    def execute(self, conn: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if self._step == "storing" and statement.startswith("INSERT INTO entry ") and "Bad news" in str(parameters):
            raise self._error


class FaultyInstallation(Installation):
    """An installation that fetches by a stand-in."""

    faulty: Any

    def fetcher(self) -> Any:
        """Return the stand-in."""
        return self.faulty


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    house = House(tmp_path / "house", pipeline_url)
    house.run()
    house.close()
    yield house
    house.close()


def run_with(house: House, step: str, error: BaseException) -> list[Gathering]:
    """Run a day later with a good and a bad source, of which the bad one meets `error` at `step`; return its rows."""
    path = house.folder / "bad.xml"
    path.write_text(FEED)
    bad = (
        Source("Bad", url="https://bad.example/feed")
        if step == "reading"
        else Source("Bad", path=str(path), backfill=Backfill(1))
    )
    reader = house.reader("reader@example.org", "daily")
    house.publish("Good news")
    house.settings = replace(house.settings, sources=(bad, *house.settings.sources))
    house.now = START.replace(day=3)
    plain = house.place
    installation = FaultyInstallation(house.settings, house.now)
    installation.faulty = Faulty(plain.classifier, step, error)
    installation.__dict__.update(engine=plain.engine, classifier=installation.faulty)
    event.listen(plain.engine, "before_cursor_execute", installation.faulty.execute)
    try:
        report = pipeline.run(installation)
    finally:
        event.remove(plain.engine, "before_cursor_execute", installation.faulty.execute)
    assert len(house.letters(reader)) == 1
    return report.sources


CASES = [(step, error) for n, error in enumerate(ERRORS) for step in (STEPS if n < 2 else (STEPS[n % 4],))]


# Each step once in `make test`; the other errors at the same steps under the mark `long`.
SOME = [pytest.param(*case, marks=() if n in range(len(STEPS)) else pytest.mark.long) for n, case in enumerate(CASES)]


@pytest.mark.parametrize(
    ("step", "error"), SOME, ids=lambda value: value if isinstance(value, str) else type(value).__name__
)
def test_an_error_in_one_source_stops_no_other(house: House, step: str, error: Exception) -> None:
    bad, good = run_with(house, step, error)
    assert (good.status, good.new) == ("ok", 1)
    assert type(error).__name__ in (bad.error or "")
    assert "please report it" in (bad.error or "")
    assert (bad.status, bad.new) == (("ok", 1) if step == "classifying" else ("failed", 0))


@pytest.mark.parametrize("error", [TryLater("the database is away"), KeyboardInterrupt()], ids=["TryLater", "Ctrl-C"])
def test_what_concerns_every_source_ends_the_run(house: House, error: BaseException) -> None:
    with pytest.raises(type(error)):
        run_with(house, "storing", error)


@pytest.mark.long
def test_what_lies_in_a_folder_is_named_and_the_rest_is_mailed(house: House) -> None:
    notes, reader = house.folder / "notes", house.reader("reader@example.org", "daily")
    house.publish("Good news")
    for name in ("caf\udce9.md", "d\udce9/x.md"):
        (notes / name).parent.mkdir(exist_ok=True)
        (notes / name).write_bytes(b"---\ntitle: Bad\n---\nWords.\n")
    os.mkfifo(notes / "pipe.md")
    (notes / "loop.md").symlink_to("loop.md")
    (notes / "away.md").symlink_to("nowhere.md")
    (notes / "itself").symlink_to(".")
    with (notes / "big.md").open("wb") as big:
        big.truncate(2 << 30)
    bad = {
        "number": "id: " + "9" * 5000,
        "deep": "x: " + "[" * 3000,
        "year": "date: 0000-00-00",
        "far": "date: 99999-01-01",
    }
    for name, matter in bad.items():
        (notes / f"{name}.md").write_text(f"---\ntitle: Bad {name}\n{matter}\n---\nWords.\n")
    (notes / "marks.md").write_text('---\ntitle: "Lone \\ud800 half \\0"\n---\nWords\0.\n')
    [report] = house.run(days=1).sources
    named = [
        "caf\\xe9.md",
        "d\\xe9/x.md",
        "pipe.md",
        "loop.md",
        "away.md",
        "big.md",
        *(f"{name}.md" for name in bad if name != "number"),
    ]
    assert [name for name in named if f"{name}:" not in (report.error or "")] == []
    assert (report.status, report.new) == (
        "ok",
        4,
    )  # the good one, those with a long id and a far date, and the lone half
    assert len(house.letters(reader)) == 1


def test_one_entry_that_cannot_be_read_costs_no_other_entry() -> None:
    problems: list[str] = []

    def read(entry: int) -> Sighting:
        if entry == 1:
            raise ValueError
        return Sighting(str(entry), None, "A list")

    assert [sighting.guid for sighting in read_each([0, 1, 2], read, problems)] == ["0", "2"]
    assert problems == ["entry 2 cannot be read (ValueError) and was left out; please report it"]


def test_marks_and_numbers_in_json_cost_no_entry() -> None:
    items = [
        {"id": "\ud800x", "title": "Lone \ud800 half", "content_text": "a\0b"},
        {"title": "Far", "date_published": "99999-01-01"},
    ]
    document = json.dumps({"items": items})[:-2] + ', {"id": ' + "9" * 5000 + ', "title": "Number"}]}'
    snapshot = parse_json_feed(document.encode(), base_url="", now=START)
    assert [sighting.title for sighting in snapshot.sightings] == ["Lone ? half", "Far", "Number"]
    assert "\0" not in snapshot.sightings[0].html
