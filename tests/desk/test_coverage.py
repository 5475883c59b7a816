"""The coverage of an edition: cells, entries that reach nobody, what changed, a cell's readers; and the command."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from digest import pipeline
from digest.desk.cell import readers_of_cell
from digest.desk.counts import EntryReach
from digest.desk.coverage import Coverage, cover, coverage_of
from digest.desk.coverage_words import (
    cell_in_words,
    changes_in_words,
    gets_in_words,
    histogram_in_words,
    interests_in_words,
    missed_in_words,
    name_of_cell,
    summary_in_words,
)
from digest.desk.edit import retag
from digest.desk.reword import reword
from digest.desk.words import masked_address
from digest.store.engine import reading, writing
from subscribers import store as people
from subscribers.model import Interests
from tests import console
from tests.counts import table
from tests.house import ANN, House


def follows(areas: str = "", regions: str = "", themes: str = "", *, elsewhere: bool = True) -> Interests:
    slugs = [frozenset(text.split()) for text in (areas, regions, themes)]
    return Interests(*slugs, elsewhere=elsewhere)


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A house whose first edition had an entry on housing in London; the second has four, and none on that."""
    house = House(tmp_path_factory.mktemp("coverage") / "house")
    house.reader("ann@example.org", interests=follows("housing", "wales"))
    house.reader("bob@example.org", interests=follows("housing", "wales scotland", elsewhere=False))
    house.reader("cat@example.org", interests=follows("transport", "london", elsewhere=False))
    house.reader("dan@example.org", interests=follows("housing", "london", elsewhere=False))
    house.reader("eve@example.org", interests=follows("housing", ""))
    house.reader("fay@example.org", interests=follows("housing", "wales"))
    with writing(house.place.engine) as conn:
        people.suppress(conn, "fay@example.org", "bounced", now=house.now, secret=house.place.secret)
    house.run()
    house.publish("London homes", region="london", kind="post")
    house.run(days=4)
    house.now += timedelta(days=1)
    house.publish("Welsh homes", region="wales", kind="post")
    house.publish("Homes for all", region="national", kind="post")
    house.publish("Buses in Leeds", areas="transport", region="north-east")  # a case study
    house.publish("Trams in Leeds", areas="transport", region="north-east", kind="post")
    pipeline.gather(house.place, force=True)
    return house


@pytest.fixture
def view(house: House) -> Coverage:
    return coverage_of(house.place, "weekly")


# (policy area, region) -> readers, may not be mailed, entries, how many of them are for every region, last time
CELLS = [
    ("housing", "wales", 2, 1, 2, 1, 0),
    ("housing", "scotland", 1, 0, 1, 1, 0),
    ("housing", "london", 1, 0, 1, 1, 1),
    ("housing", "", 1, 0, 2, 1, 1),
    ("housing", "national", 0, 0, 1, 1, 0),
    ("transport", "london", 1, 0, 0, 0, 0),
    ("transport", "north-east", 0, 0, 2, 0, 0),
    ("", "wales", 0, 0, 2, 1, 0),
    ("", "", 0, 0, 4, 1, 1),
]


@pytest.mark.long
def test_each_cell_has_its_readers_and_what_is_in_their_areas(view: Coverage) -> None:
    for area, region, *expected in CELLS:
        cell = view.cell(area, region)
        assert cell is not None
        got = [cell.readers, cell.unmailed, len(cell.entries), cell.shared, cell.before]
        assert got == expected, (area, region)
    assert view.cell("housing", "nowhere") is None
    assert [(cell.area, cell.region) for cell in view.uncovered] == [("transport", "london")]
    cell = view.cell("housing", "wales")
    assert cell is not None and view.through_all(cell) == 1, "who follows housing in every region"


def test_a_cell_is_said_in_words(view: Coverage) -> None:
    said = {(cell.area, cell.region): cell_in_words(view.taxonomy, cell) for cell in view.cells}
    assert said["housing", "wales"] == "Housing in Wales: 2 readers, 2 entries (1 of them for every region)"
    assert said["housing", "scotland"] == "Housing in Scotland: 1 reader, 1 entry (for every region)"
    assert said["transport", "london"] == "Transport in London: 1 reader, no entry"
    assert said["housing", "national"] == "Housing, National: 0 readers, 1 entry"
    assert name_of_cell(view.taxonomy, "", "wales") == "Every policy area in Wales"
    assert name_of_cell(view.taxonomy, "", "") == "Every policy area in every region"


def test_entries_that_reach_nobody_say_why(house: House, view: Coverage) -> None:
    assert [(each.title, each.why) for each in view.nobody] == [
        ("Buses in Leeds", "1 reader has switched off what comes from elsewhere"),
        ("Trams in Leeds", "1 reader follows Transport, none of them in North East"),
    ]
    with writing(house.place.engine) as conn:
        people.set_cadence(conn, 3, "monthly", how="test", now=house.now)
    view = coverage_of(house.place, "weekly")
    assert {each.why for each in view.nobody} == {"nobody follows Transport"}
    with writing(house.place.engine) as conn:
        people.suppress(conn, "cat@example.org", "bounced", now=house.now, secret=house.place.secret)
    assert {each.why for each in coverage_of(house.place, "monthly").nobody} == {
        "no reader of this cadence may be mailed"
    }


def test_an_entry_that_is_not_for_those_who_follow_it_says_so(house: House) -> None:
    numbers = {row.entry.title: row.entry.id for row in coverage_of(house.place, "weekly").counts.shown}
    reword(house.place, ANN, numbers["Trams in Leeds"], {"not_for": ["transport"]})
    retag(house.place, ANN, numbers["Trams in Leeds"], {"region": ("london",)})
    view = coverage_of(house.place, "weekly")
    assert {each.title: each.why for each in view.nobody}["Trams in Leeds"] == (
        "it is not for readers who chose Transport, and nobody else follows it"
    )
    cell = view.cell("transport", "london")
    assert cell is not None and cell.is_uncovered


def test_an_entry_for_which_no_letter_has_room_says_so(house: House) -> None:
    house.settings = replace(house.settings, letter_cap=1)
    said = {each.title: each.why for each in coverage_of(house.place, "weekly").nobody}
    assert said.keys() == {"Welsh homes", "Buses in Leeds", "Trams in Leeds"}
    assert said["Welsh homes"] == "3 readers follow it, but their letters have no room for it (at most 1 entry)"


def test_an_entry_that_its_readers_have_had_says_so(house: House, view: Coverage) -> None:
    number = next(each.entry for each in view.nobody if each.title == "Trams in Leeds")
    counts = replace(view.counts, reach={**view.counts.reach, number: EntryReach(had=2)})
    told = {each.entry: each.why for each in cover(house.settings, counts).nobody}
    assert told[number] == "2 readers have had it already"


def test_the_page_begins_with_what_matters(view: Coverage) -> None:
    assert summary_in_words(view) == [
        "6 readers of this cadence; 4 get a letter, 2 get none.",
        "1 combination has readers and no entry; most readers: Transport in London.",
        "2 entries reach nobody.",
    ]
    assert histogram_in_words(view.counts.letters) == "Letters by their number of entries: 1 entry: 1; 2 entries: 3."
    assert changes_in_words(view) == [
        "Readers: 6 then, 6 now (the same).",
        "Letters: 2 then, 4 now (+2).",
        "Entries: 1 then, 4 now (+3).",
    ]


@pytest.mark.long
def test_a_combination_that_became_empty_is_told(house: House) -> None:
    house.run(days=6)
    view = coverage_of(house.place, "weekly")
    assert changes_in_words(view)[3].startswith(
        "Had entries last time, and have none now: Housing in Wales (2 readers)"
    )


def test_a_first_edition_has_nothing_to_be_compared_with(house: House) -> None:
    assert changes_in_words(coverage_of(house.place, "monthly")) == []


def test_a_cell_opens_its_readers(house: House, view: Coverage) -> None:
    with reading(house.place.engine) as conn:
        page = readers_of_cell(conn, house.place, view.counts, ("housing", "wales"))
        (cat,) = readers_of_cell(conn, house.place, view.counts, ("transport", "london")).readers
        (eve,) = readers_of_cell(conn, house.place, view.counts, ("housing", "")).readers
    assert [(row.subscriber, row.address) for row in page.readers] == [
        (1, "a…@example.org"), (2, "b…@example.org"), (6, "f…@example.org"),
    ]  # fmt: skip
    ann, bob, fay = page.readers
    assert (gets_in_words(ann), gets_in_words(fay)) == ("2 entries", "nothing: suppressed, so never mailed")
    assert interests_in_words(view.taxonomy, bob.interests) == "Housing in Scotland, Wales; from elsewhere is off"
    assert (cat.last_letter, eve.last_letter, ann.last_letter) == ("", "2026-11-06", "")
    assert [(missed.entry.title, missed_in_words(view.taxonomy, missed)) for missed in cat.missed] == [
        ("Buses in Leeds", "North East; from elsewhere, switched on, would bring it"),
        ("Trams in Leeds", "North East; following North East would bring it"),
        ("Homes for all", "National; following Housing would bring it"),
    ]
    assert fay.missed == ()


def test_a_choice_that_is_told_would_bring_the_entry(house: House, view: Coverage) -> None:
    with reading(house.place.engine) as conn:
        (cat,) = readers_of_cell(conn, house.place, view.counts, ("transport", "london")).readers
    told = {(missed.facet, missed.slug): missed.entry.id for missed in cat.missed}
    changed = {
        ("elsewhere", ""): follows("transport", "london"),
        ("region", "north-east"): follows("transport", "london north-east", elsewhere=False),
        ("policy_area", "housing"): follows("transport housing", "london", elsewhere=False),
    }
    assert told.keys() == changed.keys()
    for choice, entry in told.items():
        with writing(house.place.engine) as conn:
            people.update_interests(conn, 3, changed[choice], how="test", now=house.now)
        reach = coverage_of(house.place, "weekly").counts.reach[entry]
        with writing(house.place.engine) as conn:
            people.update_interests(
                conn, 3, follows("transport", "london", elsewhere=False), how="test", now=house.now
            )
        assert reach.readers == view.counts.reach[entry].readers + 1, choice


def test_the_readers_of_a_cell_come_page_by_page(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.desk.cell.PAGE_OF_READERS", 2)
    counts = coverage_of(house.place, "weekly").counts
    with reading(house.place.engine) as conn:
        first = readers_of_cell(conn, house.place, counts, ("housing", "wales"))
        second = readers_of_cell(conn, house.place, counts, ("housing", "wales"), first.after)
    assert [row.subscriber for row in (*first.readers, *second.readers)] == [1, 2, 6]
    assert (first.after, second.after) == (2, 0)


@table(
    "email, masked",
    [
        ("ann@example.org", "a…@example.org"),
        ("é@example.org", "é…@example.org"),
        ('"a@b"@example.org', '"…@example.org'),
    ],
)
def test_an_address_is_masked(email: str, masked: str) -> None:
    assert masked_address(email) == masked


@pytest.mark.long
def test_the_command_prints_a_plain_table_and_opens_a_cell(house: House) -> None:
    house.close()
    given = ("--now", house.now.isoformat(), "coverage", "weekly")
    lines = console.digest(house.folder, *given).stdout.splitlines()
    assert lines[0].startswith("weekly 2026-11-13: 6 readers of this cadence")
    assert ["Transport", "London", "1", "0", "no", "entry"] in [line.split() for line in lines]
    reason = "reaches nobody: 1 reader follows Transport, none of them in North East (Trams in Leeds)"
    assert any(line.endswith(reason) for line in lines)
    document = console.digest(house.folder, *given, "--json").document
    assert {(cell["policy_area"], cell["region"]): cell["readers"] for cell in document["cells"]}[
        "housing", "wales"
    ] == 2
    opened = console.digest(house.folder, *given, "--cell", "Housing, Wales")
    assert opened.stdout.splitlines()[0].startswith("Housing in Wales: 2 readers")
    assert "example.org" in opened.stdout and "ann@" not in opened.stdout
    everyone = console.digest(house.folder, *given, "--cell", "housing,all", "--json").document
    assert [row["subscriber"] for row in everyone["followers"]] == [5]


@table("cell, says", [("housing", "housing,wales"), ("housing,nowhere", "nowhere"), ("a,b,c", "housing,wales")])
def test_a_cell_that_does_not_exist_is_refused(house: House, cell: str, says: str) -> None:
    refused = console.digest(house.folder, "coverage", "weekly", "--cell", cell)
    assert refused.code == 2 and says in refused.stderr
