"""An entry about a named programme links one earlier entry about it, of its source or its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, update

from digest import pipeline
from digest.desk import edit
from digest.editions import draft
from digest.editions.earlier import earlier_of
from digest.model import Facets, NamedLink, Sighting
from digest.sources.newness import New
from digest.store import editions, entries
from digest.store.engine import reading, writing
from digest.store.schema import entry as entry_table
from tests.counts import others_long
from tests.house import ANN, House

DAY = datetime(2026, 11, 22, 9, tzinfo=UTC)
TITLE = "Wigan Deal: what the evaluation found"


def add(
    conn: Connection, title: str, source: str = "Notes", place: str = "", days: int = 0, state: str = "ready",
    published: datetime | None = None,
) -> int:  # fmt: skip
    link = f"https://notes.example/{title.replace(' ', '-')}-{days}"
    new = New(Sighting(link, link, title, published), (f"g:{days}{source}{len(title)}",))
    [number] = entries.add(
        conn, [entries.NewEntry(source, new, "post", Facets(place=place), state)], DAY - timedelta(days=days)
    )
    return number


def earlier(conn: Connection, *numbers: int) -> dict[int, NamedLink]:
    return earlier_of(conn, list(entries.many(conn, numbers).values()))


def test_the_newest_of_its_own_source_comes_first(engine: Engine) -> None:
    with writing(engine) as conn:
        entry = add(conn, TITLE, place="Wigan")
        assert earlier(conn, entry) == {}
        add(conn, "Malmö looks at the Wigan Deal", "Elsewhere", "Malmö", days=1)
        assert earlier(conn, entry) == {}
        add(conn, "A Wigan Deal for carers", "Elsewhere", "Wigan", days=2)
        assert earlier(conn, entry)[entry].name == "A Wigan Deal for carers"
        for days in (40, 30, 731):
            add(conn, f"Year {days} of the Wigan Deal", days=days)
        title = "Year 30 of the Wigan Deal"
        assert earlier(conn, entry) == {entry: NamedLink(title, "https://notes.example/Year-30-of-the-Wigan-Deal-30")}


@pytest.mark.parametrize("state", ["held", "baseline", "duplicate", "dropped"])
def test_an_entry_that_readers_do_not_get_is_not_linked(engine: Engine, state: str) -> None:
    with writing(engine) as conn:
        add(conn, "A Wigan Deal for carers", days=2, state=state)
        assert earlier(conn, add(conn, TITLE)) == {}


def test_earlier_is_what_was_published_before_however_late_it_was_seen(engine: Engine) -> None:
    with writing(engine) as conn:
        new = add(conn, TITLE, published=DAY - timedelta(days=40))
        old = add(conn, "How the Wigan Deal began", days=-1, published=datetime(2014, 11, 22, tzinfo=UTC))
        assert earlier(conn, old) == {}
        assert earlier(conn, new)[new].name == "How the Wigan Deal began"


def test_there_may_be_more_names_than_a_statement_takes(engine: Engine) -> None:
    with writing(engine) as conn:
        before = add(conn, "A Wigan Deal for carers", days=1)
        entry = entries.many(conn, [add(conn, TITLE)]).popitem()[1]
        others = [replace(entry, id=before + n, title=f"How Name{n} Deal{n} began well") for n in range(2, 1500)]
        assert list(earlier_of(conn, [entry, *others])) == [entry.id]


def test_entries_of_one_edition_and_names_of_many_titles_are_not_linked(engine: Engine) -> None:
    with writing(engine) as conn:
        both = add(conn, TITLE), add(conn, "A Wigan Deal for carers", days=1)
        assert earlier(conn, *both) == {}
        assert list(earlier(conn, both[0])) == [both[0]]
        for days in range(2, 8):
            add(conn, f"Year {days} of the Wigan Deal", days=days)
        assert earlier(conn, both[0]) == {}


@pytest.mark.parametrize("act", others_long(["drop", "gone", "retitled"], "drop"))
def test_an_approved_edition_names_no_earlier_entry_that_is_withdrawn_meanwhile(tmp_path: Path, act: str) -> None:
    house = House(tmp_path / "house", source="backfill = 9")
    for cadence in ("weekly", "monthly"):  # the monthly reader is still owed the first entry
        house.reader(f"{cadence}@example.org", cadence)
    house.publish("A Wigan Deal for carers", url="https://wigan.example/1")
    house.run(days=5)
    house.publish(TITLE)
    house.now += timedelta(days=1)
    pipeline.gather(house.place, force=True)
    with writing(house.place.engine) as conn:
        edition = draft.draft(conn, house.settings, house.settings.cadence("weekly"), house.now)
        editions.approve(conn, edition.id, "Ann Lee", "", house.now)
        [row] = editions.shown(conn, edition.id)
        if act == "retitled":
            conn.execute(update(entry_table).where(entry_table.c.id == 1).values(title="Retitled"))
    assert row.entry.earlier == NamedLink("A Wigan Deal for carers", "https://wigan.example/1")
    if act == "gone":
        (house.folder / "notes" / "001.md").unlink()
        house.now += timedelta(hours=1)
        pipeline.gather(house.place, force=True)
    else:
        edit.drop(house.place, ANN, [1])
    with reading(house.place.engine) as conn:
        [row] = editions.shown(conn, edition.id)
        assert row.entry.earlier is None
        assert [each.state for each in editions.unfrozen(conn, "weekly")] == ["draft"]
    house.close()
