"""A text that its source withdraws or has not released yet is not mailed; one that it gives back is mailed once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline
from digest.desk import edit
from digest.editions import approve, draft
from digest.errors import SourceError
from digest.gather import store_source
from digest.model import Entry, Source
from digest.sources.formats.feed import parse_feed
from digest.sources.read import Reading, Validators
from digest.store import entries
from digest.store.engine import reading, writing
from tests import console
from tests.house import ANN, House


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    building = House(tmp_path / "house", pipeline_url, source="backfill = 9", weekly='approval = "required"')
    yield building
    building.close()


def note(house: House, name: str, *marks: str) -> Path:
    path = house.folder / "notes" / f"{name}.md"
    date = [] if any(mark.startswith("date:") for mark in marks) else ["date: 2026-11-01"]
    path.write_text("\n".join(["---", f"title: {name}", *date, *marks, "---", "What we learnt."]))
    return path


def listed(house: House) -> dict[str, Entry]:
    with reading(house.place.engine) as conn:
        return {entry.title: entry for entry in entries.listing(conn)}


def states(house: House) -> dict[str, str]:
    return {title: entry.state for title, entry in listed(house).items()}


def mailed(house: House, reader: int) -> list[str]:
    titles = {entry.id: title for title, entry in listed(house).items()}
    return [titles[placed.entry] for letter in house.letters(reader) for placed in letter.placed]


def gather(house: House, **ahead: int) -> list[str]:
    house.now += timedelta(**ahead)
    return [f"{row.status} {row.held} {row.withheld}" for row in pipeline.gather(house.place, force=True)]


@pytest.mark.long
def test_a_file_that_is_taken_away_waits_and_then_is_held(house: House) -> None:
    reader = house.reader("a@example.org", "daily")
    kept, gone, moved = note(house, "Kept"), note(house, "Gone"), note(house, "Moved")
    gather(house)
    gone.unlink()
    moved.rename(moved.with_name("elsewhere.md"))
    assert gather(house, minutes=30) == ["ok 0 0"]
    assert states(house) == {"Kept": "ready", "Gone": "withheld", "Moved": "ready"}
    assert gather(house, hours=1) == ["held 1 0"]
    house.run(days=1)
    assert sorted(mailed(house, reader)) == ["Kept", "Moved"]
    assert "has not shown it since 2026-11-02 09:30" in listed(house)["Gone"].held_why
    # Shown again, it is released by itself, and mailed once; `kept` is withdrawn too late to matter.
    note(house, "Gone")
    kept.unlink()
    house.run(days=1)
    house.run(days=1)
    assert sorted(mailed(house, reader)) == ["Gone", "Kept", "Moved"]
    assert states(house)["Kept"] == "ready"


@pytest.mark.long
def test_a_text_that_becomes_a_draft_is_not_mailed_until_it_is_finished(house: House) -> None:
    reader = house.reader("a@example.org", "daily")
    note(house, "Kept")
    for name, mark in (("Unready", ""), ("Private", ""), ("Later", "")):
        note(house, name, mark)
    gather(house)
    note(house, "Unready", "draft: yes")
    note(house, "Private", "status: in review")
    note(house, "Later", "publishDate: 2026-11-05 08:30")
    house.run(days=1)
    assert mailed(house, reader) == ["Kept"]
    assert states(house) == {"Kept": "ready", "Unready": "withheld", "Private": "withheld", "Later": "withheld"}
    note(house, "Unready")
    for _ in range(3):
        house.run(days=1)
    assert sorted(mailed(house, reader)) == ["Kept", "Later", "Unready"]


@pytest.mark.long
def test_an_embargo_and_an_expiry_are_kept_to_the_minute(house: House) -> None:
    reader = house.reader("a@example.org", "daily")
    note(house, "Later", "embargo: 2026-11-03 09:10")
    note(house, "Over", "expires: 2026-11-03 08:59")
    note(house, "Still", "expires: 2026-11-04")
    gather(house)
    assert states(house) == {"Later": "withheld", "Over": "ready", "Still": "ready"}
    house.run(days=1)
    assert mailed(house, reader) == ["Still"]
    house.run(minutes=10)
    assert states(house)["Later"] == "ready"
    house.run(days=1)
    assert mailed(house, reader) == ["Still", "Later"]


@pytest.mark.long
def test_an_editor_overrules_a_date(house: House) -> None:
    reader = house.reader("a@example.org", "daily")
    note(house, "Later", "date: 2062-11-03")
    gather(house)
    edit.release(house.place, ANN, [listed(house)["Later"].id])
    house.run(days=1)
    house.run(days=1)
    assert mailed(house, reader) == ["Later"]


def test_a_folder_that_is_emptied_is_a_failed_reading(house: House) -> None:
    house.reader("a@example.org", "daily")
    path = note(house, "Kept")
    gather(house)
    path.unlink()
    [row] = pipeline.gather(house.place, force=True)
    assert row.status == "failed" and "is empty, though it held texts" in (row.error or "")
    assert states(house) == {"Kept": "ready"}
    note(house, "Kept", "date: [")
    (house.folder / "notes" / "other.txt").write_text("No Markdown.")
    [row] = pipeline.gather(house.place, force=True)
    assert row.status == "failed" and "no text in its folder can be read: other.txt: is not read" in (row.error or "")
    assert states(house) == {"Kept": "withheld"}


@pytest.mark.long
def test_an_approved_edition_that_loses_an_entry_must_be_approved_again(house: House) -> None:
    reader = house.reader("a@example.org", "weekly")
    note(house, "Kept")
    named = note(house, "Named")
    gather(house)
    with writing(house.place.engine) as conn:
        edition = draft.draft(conn, house.settings, house.settings.cadence("weekly"), house.now, first=True)
        approve.approve(conn, house.settings, edition.id, "editor", house.now)
    named.unlink()
    [row] = pipeline.gather(house.place, force=True)
    assert f"edition {edition.id} (weekly {edition.slot}) lost an entry or a link that was withdrawn" in (
        row.error or ""
    )
    [waiting] = [line for line in house.run(minutes=30).waiting if "weekly" in line]
    assert "is not approved" in waiting and mailed(house, reader) == []
    with writing(house.place.engine) as conn:
        approve.approve(conn, house.settings, edition.id, "editor", house.now)
    house.run(minutes=30)
    assert mailed(house, reader) == ["Kept"]


@pytest.mark.long
def test_each_text_that_is_not_released_is_listed_with_its_reason_until_it_goes(house: House) -> None:
    reader = house.reader("a@example.org", "daily")
    for name, mark in (("Waits", "draft: true"), ("Let go", "ready: no"), ("Dropped", "status: in review")):
        note(house, name, mark)
    note(house, "Taken away", "drafft: true"), note(house, "Over", "expires: 2026-01-01")
    note(house, "Later", "embargo: 2027-01-01"), note(house, "draft-x", "date: 2026-10-30"), note(house, "Kept")
    assert gather(house) == ["ok 0 7"]
    assert {title: (entry.state, entry.held_why) for title, entry in listed(house).items()} == {
        "Waits": ("withheld", "its source says draft: true"),
        "Let go": ("withheld", "its source says ready: no"),
        "Dropped": ("withheld", "its source says status: in review"),
        "Taken away": ("withheld", "its source says drafft: true"),
        "Over": ("withheld", "expired on 2026-01-01 00:00 UTC"),
        "Later": ("withheld", "not before 2027-01-01 00:00 UTC"),
        "draft-x": ("withheld", "its source says file name: draft-x.md"),
        "Kept": ("ready", ""),
    }
    numbers = {title: entry.id for title, entry in listed(house).items()}
    edit.release(house.place, ANN, [numbers["Let go"]])
    edit.drop(house.place, ANN, [numbers["Dropped"]])
    # A text that is finished, whatever was rewritten meanwhile, is new; its draft may lie beside it under a name.
    (house.folder / "notes" / "drafts").mkdir()
    (house.folder / "notes" / "drafts" / "Copy.md").write_text(note(house, "Kept").read_text())
    note(house, "Waits").write_text("# Finished\n\nAll other words.")
    note(house, "Dropped"), (house.folder / "notes" / "Taken away.md").unlink()
    (house.folder / "notes" / "draft-x.md").rename(house.folder / "notes" / "x.md")
    for _ in range(2):
        house.run(days=1)
    assert sorted(mailed(house, reader)) == ["Finished", "Kept", "Let go", "draft-x"]
    with reading(house.place.engine) as conn:
        reasons = {entry.held_why for entry in entries.listing(conn, state="withheld")}
    assert reasons == {
        "its source says folder: drafts", "not before 2027-01-01 00:00 UTC", "expired on 2026-01-01 00:00 UTC",
    }  # fmt: skip


def test_the_command_names_source_and_reason(tmp_path: Path) -> None:
    house = House(tmp_path)
    note(house, "Waits", "draft: true")
    gather(house)
    house.close()
    rows = console.digest(tmp_path, "entries", "--state", "withheld").stdout.splitlines()
    assert [row.partition(" Notes ")[2].strip() for row in rows[2:]] == ["its source says draft: true"]
    assert "Entries: 1 withheld" in console.digest(tmp_path, "status").stdout


ITEM = "<entry><id>tag:f,{0}</id><title>Post {0}</title><updated>2026-11-0{0}T08:00:00Z</updated></entry>"
AHEAD = ITEM.format(2).replace("2026-11-02", "2027-11-02")


def atom(*posts: int, more: str = "") -> str:
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(ITEM.format(post) for post in posts)}{more}</feed>'


# The readings of a feed, an hour apart, after the one that showed posts 2 (new) and 1, and the state of post 2 then;
# "" is a reading that failed, "=" one that says "not modified".
FEEDS = {
    "taken away": ([atom(1), atom(1)], "held"),
    "taken away, then unchanged": ([atom(1), "="], "held"),
    "taken away, and a new one": ([atom(3, 1), atom(3, 1)], "held"),
    "taken away and put back": ([atom(1), atom(2, 1)], "ready"),
    "held and put back": ([atom(1), atom(1), atom(2, 1)], "ready"),
    "missing once": ([atom(1)], "ready"),
    "scrolled off": ([atom(4, 3), atom(4, 3)], "ready"),
    "empty": ([atom(), atom()], "ready"),
    "away": (["", ""], "ready"),
    "oldest first": ([atom(1, 3), atom(1, 3)], "held"),
    "tombstone": ([atom(1, more='<deleted-entry ref="tag:f,2"/>')], "withheld"),
    "moved far ahead": ([atom(1, more=AHEAD)], "withheld"),
    "corrected": ([atom(1, more=AHEAD), atom(2, 1)], "ready"),
}


@pytest.mark.long
def test_what_becomes_of_a_post_that_its_feed_no_longer_shows(house: House) -> None:
    house.reader("a@example.org", "daily")
    for number, (name, (readings, _)) in enumerate(FEEDS.items()):
        for hours, text in enumerate((atom(1), atom(2, 1), *readings)):
            now = house.now + timedelta(hours=hours)
            # Each feed has ids and titles of its own, because one id or one text in two feeds is one entry.
            body = text.replace("tag:f", f"tag:{number}").replace("Post ", f"{name} ").encode()
            result: Reading | SourceError = SourceError("away")
            if text == "=":
                result = Reading("not-modified", None, Validators())
            elif text:
                snapshot = parse_feed(body, content_type="", base_url="", now=now)
                result = Reading("ok", snapshot, Validators())
            store_source(house.place, Source(name, url="https://feeds.example/"), result, now)
    with reading(house.place.engine) as conn:
        became = {entry.source: entry.state for entry in entries.listing(conn) if entry.title == f"{entry.source} 2"}
    assert became == {name: state for name, (_, state) in FEEDS.items()}
