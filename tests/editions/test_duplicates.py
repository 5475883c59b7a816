"""A press note that a second source publishes is no second entry for readers: the first says where else it stands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from digest.desk import correct, edit
from digest.desk.acts import Hand
from digest.desk.explain import explain
from digest.editions import draft
from digest.gather import store_source
from digest.model import Entry, NamedLink, Source
from digest.sources.formats.feed import parse_feed
from digest.sources.read import Reading, Validators
from digest.store import duplicates, entries
from digest.store.engine import reading, writing
from tests import console
from tests.counts import others_long
from tests.house import ANN, House

NOTE = "Families in Southend can now get help with feeding, sleep and money under one roof, from 40 midwives."
FIRST, LATER = "Southend Council", "Essex Partnership NHS Trust"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    building = House(tmp_path / "house")
    for source in (FIRST, LATER, "Midwives Weekly"):
        publish(building, source)  # its baseline
    yield building
    building.close()


def publish(house: House, source: str, *titles: str, text: str = NOTE, kind: str = "post", without: int = 0) -> None:
    """Let a source show entries with these titles, the first with this text, and gather it.

    It shows the first of them, `without` so many, no more.
    """
    shown = "".join(
        f"<item><guid>{source}{n}</guid><link>https://{source.split()[0].lower()}.example/{n}-hub</link>"
        f"<title>{escape(title)}</title><description>{escape(title if n else text)}</description>"
        f"<pubDate>{house.now:%a, %d %b %Y %H:%M:%S} +0000</pubDate></item>"
        for n, title in enumerate(titles)
        if n >= without
    )
    body = f"<rss version='2.0'><channel><title>x</title>{shown}</channel></rss>".encode()
    snapshot = parse_feed(body, content_type="", base_url="", now=house.now)
    place = Source(source, url="https://feeds.example/", kind=kind, policy_areas=("housing",), regions=("wales",))
    row = store_source(house.place, place, Reading("ok", snapshot, Validators()), house.now)
    assert row.status == "ok", row
    house.now += timedelta(minutes=31)


def listed(house: House) -> dict[str, Entry]:
    with reading(house.place.engine) as conn:
        return {entry.source: entry for entry in entries.listing(conn)}


@pytest.mark.long
def test_the_later_near_duplicate_is_not_mailed_and_the_first_names_it(house: House) -> None:
    reader = house.reader("a@example.org", "daily")
    publish(house, FIRST, "New family hub opens in Southend")
    publish(house, LATER, "New family hub opens in Southend | Essex Partnership NHS Trust")
    publish(house, "Midwives Weekly", "Family hub for Southend opens")
    first, later, third = (listed(house)[source] for source in (FIRST, LATER, "Midwives Weekly"))
    assert [(entry.state, entry.duplicate_of) for entry in (first, later, third)] == [
        ("ready", None), ("duplicate", first.id), ("duplicate", first.id),
    ]  # fmt: skip
    house.run(days=1)
    assert [placed.entry for letter in house.letters(reader) for placed in letter.placed] == [first.id]
    with reading(house.place.engine) as conn:
        named = duplicates.other_sources(conn, [first.id])[first.id]
    assert named == (
        NamedLink(LATER, "https://essex.example/0-hub"),
        NamedLink("Midwives Weekly", "https://midwives.example/0-hub"),
    )
    house.run(days=1)
    assert len(house.letters(reader)) == 1
    _, _, why = explain(house.place, "a@example.org", str(later.id))
    assert why.outcome == "duplicate"
    assert f"it tells what entry {first.id} tells" == why.reasons[1]
    assert why.reasons[2].startswith(f"entry {first.id}: included in edition")


def test_an_editor_lets_a_near_duplicate_go_out_all_the_same(house: House) -> None:
    publish(house, FIRST, "New family hub opens in Southend")
    publish(house, LATER, "A new hub for families opens in Southend")
    first, later = listed(house)[FIRST], listed(house)[LATER]
    shown = console.digest(house.folder, "entries", "--state", "duplicate", "--json").document
    assert [(entry["id"], entry["duplicate_of"]) for entry in shown] == [(later.id, first.id)]
    assert (
        f"also at {LATER}: https://essex.example/0-hub" in console.digest(house.folder, "entry", str(first.id)).stdout
    )
    edit.release(house.place, ANN, [later.id])
    assert (listed(house)[LATER].state, listed(house)[LATER].duplicate_of) == ("ready", None)
    assert "also at" not in console.digest(house.folder, "entry", str(first.id)).stdout


@pytest.mark.parametrize("act", others_long(["withdraw", "drop", "release"], "withdraw", "release"))
def test_a_near_duplicate_that_is_set_apart_is_named_no_more_also_in_an_approved_edition(
    house: House, act: str
) -> None:
    house.reader("a@example.org")
    publish(house, FIRST, "New family hub opens in Southend")
    publish(house, LATER, "A new hub for families opens in Southend")
    later = listed(house)[LATER].id
    with writing(house.place.engine) as conn:
        edition = draft.draft(conn, house.settings, house.settings.cadence("weekly"), house.now)
        [before] = draft.editions.shown(conn, edition.id)
        draft.editions.approve(conn, edition.id, "Ann Lee", "", house.now)
    acts = {
        "withdraw": lambda: correct.withdraw(house.place, Hand("Ann Lee"), later, "It was a draft."),
        "drop": lambda: edit.drop(house.place, ANN, [later]),
        "release": lambda: edit.release(house.place, ANN, [later]),
    }
    lines = acts[act]()
    assert any("it must be approved again" in line for line in lines)
    assert ("nobody is told" in lines[-1]) is (act == "withdraw")
    assert (listed(house)[LATER].state, listed(house)[LATER].duplicate_of) == (
        "ready" if act == "release" else "dropped",
        None,
    )
    with reading(house.place.engine) as conn:
        [after] = draft.editions.shown(conn, edition.id)
        assert draft.editions.unfrozen(conn)[0].state == "draft"
    assert [link.name for link in before.entry.also_at] == [LATER]
    assert after.entry.also_at == ()


def test_an_edition_keeps_where_else_its_entries_stand(house: House) -> None:
    house.reader("a@example.org", "weekly")
    publish(house, FIRST, "New family hub opens in Southend")
    with writing(house.place.engine) as conn:
        weekly = house.settings.cadence("weekly")
        before = draft.draft(conn, house.settings, weekly, house.now)
    publish(house, LATER, "A new hub for families opens in Southend")
    with writing(house.place.engine) as conn:
        after = draft.draft(conn, house.settings, weekly, house.now)
        [row] = draft.editions.shown(conn, after.id)
    assert row.entry.also_at == (NamedLink(LATER, "https://essex.example/0-hub"),)
    assert before.content_hash != after.content_hash


@pytest.mark.parametrize(
    ("first", "later", "state"), [("post", "case-study", "ready"), ("case-study", "post", "duplicate")]
)
def test_a_case_study_is_never_lost_to_a_post(house: House, first: str, later: str, state: str) -> None:
    publish(house, FIRST, "New family hub opens in Southend", kind=first)
    publish(house, LATER, "A new hub for families opens in Southend", kind=later)
    assert listed(house)[LATER].state == state


@pytest.mark.long
def test_a_near_duplicate_that_its_source_withdraws_is_named_no_more_until_it_is_back(house: House) -> None:
    house.reader("a@example.org", "weekly")
    publish(house, FIRST, "New family hub opens in Southend")
    titles = ("A new hub for families opens in Southend", "Parking in Basildon")
    publish(house, LATER, *titles)
    weekly = house.settings.cadence("weekly")
    states = []
    for without in (0, 1, 1, 1, 0):
        publish(house, LATER, *titles, without=without)
        with writing(house.place.engine) as conn:
            edition = draft.draft(conn, house.settings, weekly, house.now)
            also_at = next(
                row.entry.also_at for row in draft.editions.shown(conn, edition.id) if row.entry.source == FIRST
            )
            later = next(each for each in entries.listing(conn) if each.title == titles[0])
        states.append((later.state, len(also_at), later.held_why))
    told = f"it tells what entry {listed(house)[FIRST].id} tells"
    assert [state[:2] for state in states[:3]] == [("duplicate", 1), ("duplicate", 1), ("duplicate", 1)]
    assert states[3][:2] == ("withheld", 0)
    assert "has not shown it since" in states[3][2]
    assert states[4] == ("duplicate", 1, told)


def test_a_released_near_duplicate_of_a_dropped_entry_stands_for_its_siblings(house: House) -> None:
    publish(house, FIRST, "New family hub opens in Southend")
    edit.drop(house.place, ANN, [listed(house)[FIRST].id])
    publish(house, LATER, "A new hub for families opens in Southend")
    publish(house, "Midwives Weekly", "Family hub for Southend opens")
    later = listed(house)[LATER]
    assert "tells the same" in correct.withdraw(house.place, Hand("Ann Lee"), later.id, "Wrong.")[-1]
    publish(house, "Echo", text="")
    publish(house, "Echo", "A hub for families opens in Southend")
    echo = listed(house)["Echo"]
    edit.release(house.place, ANN, [echo.id])
    third = listed(house)["Midwives Weekly"]
    assert (third.state, third.duplicate_of) == ("duplicate", echo.id)
    with reading(house.place.engine) as conn:
        named = duplicates.other_sources(conn, [echo.id, listed(house)[FIRST].id])
    assert {number: [link.name for link in links] for number, links in named.items()} == {
        echo.id: ["Midwives Weekly"]
    }


CASES = [
    ("held", 0, "duplicate"), ("baseline", 0, "ready"), ("ready", 31, "ready"), ("ready", 0, "duplicate"),
    ("dropped", 0, "duplicate"), ("withheld", 0, "ready"), ("duplicate", 0, "ready"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "days", "state"), others_long(CASES, *CASES[:3]))
def test_only_an_entry_that_readers_get_or_an_editor_judges_has_near_duplicates(
    house: House, first: str, days: int, state: str
) -> None:
    publish(house, FIRST, "New family hub opens in Southend")
    with writing(house.place.engine) as conn:
        entries.set_state(conn, next(entries.listing(conn)).id, first)
    house.now += timedelta(days=days)
    publish(house, LATER, "A new hub for families opens in Southend", text=f"{NOTE} Read more")
    assert listed(house)[LATER].state == state


def test_a_copy_that_is_no_entry_is_named_once_by_its_address(house: House) -> None:
    publish(house, FIRST, "New family hub opens in Southend this week")
    for _ in range(2):
        publish(house, LATER, "New family hub opens in Southend this week")
    assert LATER not in listed(house)
    first = listed(house)[FIRST]
    with reading(house.place.engine) as conn:
        assert duplicates.other_sources(conn, [first.id]) == {
            first.id: (NamedLink(LATER, "https://essex.example/0-hub"),)
        }
