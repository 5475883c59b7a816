"""Of too many entries the newest by date are kept, wherever they stand; the source is told as cut."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.operations.doctor import examine
from digest.sources.formats import folder, tidy
from digest.sources.formats.jsonfeed import parse_json_feed
from digest.sources.formats.tidy import newest
from tests.counts import table
from tests.house import START, House

DAY = timedelta(days=1)


@table(
    "days, kept",
    [
        ([1, 2, 3, 4, 5], [2, 3, 4]),
        ([5, 4, 3, 2, 1], [0, 1, 2]),
        ([3, 1, 5, 2, 4], [0, 2, 4]),
        ([1, 2, None, 4, 5], [2, 3, 4]),  # the oldest first: the third is not older than the second
        ([5, 4, None, 2, 1], [0, 1, 2]),
        ([5, None, 3, 2, 4], [0, 1, 4]),
        ([None, None, None, None, None], [0, 1, 2]),
        ([2, 2, 2, 2, 2], [0, 1, 2]),
        ([1, 1, 2, 2, 2], [2, 3, 4]),
        ([None, 4, 3, 2, 1], [0, 1, 2]),
    ],
)
def test_the_newest_are_kept(days: Sequence[int | None], kept: list[int]) -> None:
    dates = [START + day * DAY if day else None for day in days]
    assert newest(range(5), dates, 3) == kept


def _json_feed(numbers: Sequence[int]) -> str:
    items = [
        {"id": f"m{n}", "title": f"Minutes {n} of the board", "date_published": (START - (9 - n) * DAY).isoformat()}
        for n in numbers
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})


def test_json_is_cut_by_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidy, "MAX_ENTRIES", 3)
    snapshot = parse_json_feed(_json_feed([1, 2, 3, 4, 5]).encode(), base_url="", now=START)
    assert [sighting.guid for sighting in snapshot.sightings] == ["m3", "m4", "m5"]


def test_a_folder_is_cut_by_date_or_by_the_time_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_FILES", 2)
    for name, date in (("a", "2026-10-01"), ("b", "2026-10-03"), ("c", ""), ("d", "2026-09-01")):
        (tmp_path / f"{name}.md").write_text(f"---\ntitle: T {name}\n{date and 'date: ' + date}\n---\nWords.\n")
    changed = datetime(2026, 10, 2, tzinfo=UTC).timestamp()
    os.utime(tmp_path / "c.md", (changed, changed))
    snapshot = folder.read_folder(tmp_path, now=START)
    assert [sighting.guid for sighting in snapshot.sightings] == ["b.md", "c.md"]
    assert snapshot.problems == ("only the newest 2 of 4 files were read; move the older ones away",)


@pytest.mark.long
def test_a_cut_source_is_told_and_its_old_entries_are_not_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "MAX_FILES", 3)
    house = House(tmp_path / "house")
    notes = house.folder / "notes"

    def write(numbers: Sequence[int]) -> None:
        for n in numbers:
            date = (START - (9 - n) * DAY).date()
            (notes / f"{n}.md").write_text(f"---\ntitle: Minutes {n}\ndate: {date}\n---\nWords {n}.\n")

    reader = house.reader("reader@example.org", "daily")
    write([1, 2, 3, 4])
    house.run()
    assert [(f.level, f.problem) for f in examine(house.place) if f.place == "Notes"] == [
        ("note", "shows too much: only the newest 3 of 4 files were read")
    ]
    write([9])
    [row] = house.run(days=1).sources
    assert (row.new, len(house.letters(reader))) == (1, 1)
    (notes / "9.md").unlink()
    (notes / "4.md").unlink()
    [row] = house.run(days=1).sources
    assert (row.new, len(house.letters(reader))) == (1, 1)  # number 1 came back into the window
    house.close()
