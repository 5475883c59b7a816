"""Preview: for every kind of reader, what is shown is what the run then sends, or why it sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from digest import pipeline
from digest.desk import edit
from digest.desk.preview import preview
from digest.editions import approve, draft
from digest.editions.freeze import freeze_slot
from digest.model import Digest
from digest.schedule import due_slot
from digest.store import editions, entries
from digest.store.engine import reading, writing
from subscribers import store as people
from subscribers.model import Interests
from tests.counts import others_long, spread
from tests.house import ANN, House

WHO = "reader@example.org"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "house")
    yield made
    made.close()


def change(house: House, work: Callable[[Connection], object]) -> None:
    with writing(house.place.engine) as conn:
        work(conn)


def titles(house: House, one: Digest | None) -> list[str]:
    numbers = [placed.entry for placed in one.placed] if one else []
    with reading(house.place.engine) as conn:
        found = entries.many(conn, numbers)
    return [found[number].title for number in numbers]


def shown(house: House) -> list[str]:
    """The titles in the letter that the reader's preview shows; none where it shows no letter."""
    seen = preview(house.place, email=WHO)
    return titles(house, seen.digest) if seen.parcel else []


def friday(house: House) -> None:
    house.now = house.now.replace(day=6, hour=9)


def drafted(house: House) -> int:
    """Draft the weekly edition as it now is; return its number."""
    with writing(house.place.engine) as conn:
        return draft.draft(conn, house.settings, house.settings.cadence("weekly"), house.now).id


# What an editor has done to the draft since; whether the preview is of the draft as it stands, or made anew.
DRAFTS: list[tuple[str, str, Callable[[House, int], object], bool]] = [
    ("automatic", "", lambda house, number: None, False),
    ("automatic, held", "", lambda house, number: change(house, lambda conn: approve.hold(conn, number)), True),
    ("automatic, approved", "", lambda house, number: change(house, lambda conn: approve.approve(
        conn, house.settings, number, "ed", house.now)), True),
    ("to be approved", 'approval = "required"', lambda house, number: None, True),
]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(
    ("weekly", "word", "stands"),
    others_long({row[0]: row[1:] for row in DRAFTS}, "to be approved"),
)
def test_a_draft_is_shown_as_it_will_go_out(
    tmp_path: Path, weekly: str, word: Callable[[House, int], object], stands: bool
) -> None:
    house = House(tmp_path / "house", weekly=weekly)
    house.reader(WHO)
    house.run()
    house.publish("Before the draft")
    house.run(hours=1)
    number = drafted(house)
    word(house, number)
    house.publish("After the draft")
    house.run(hours=1)
    wanted = ["Before the draft"] if stands else ["After the draft", "Before the draft"]
    seen = preview(house.place, email=WHO)
    assert (seen.edition.id, seen.reason, sorted(shown(house))) == (number, "", sorted(wanted))
    with reading(house.place.engine) as conn:
        kept = editions.shown(conn, number)
    assert [one.entry.title for one in kept] == ["Before the draft"], "a preview stores nothing"
    if stands:
        change(house, lambda conn: approve.approve(conn, house.settings, number, "ed", house.now))
    friday(house)
    house.run()
    assert [sorted(titles(house, one)) for one in house.letters(1)] == [sorted(wanted)]
    house.close()


def test_an_entry_dropped_since_the_draft_is_not_shown(house: House) -> None:
    house.reader(WHO)
    house.run()
    house.publish("Kept")
    house.publish("Dropped")
    house.run(hours=1)
    drafted(house)
    with reading(house.place.engine) as conn:
        dropped = [one.id for one in entries.listing(conn) if one.title == "Dropped"]
    edit.drop(house.place, ANN, dropped)
    assert shown(house) == ["Kept"]


def joined(house: House, welcome: timedelta) -> None:
    """A reader who joined after an entry was released and before another, in a house with old readers."""
    house.settings = replace(house.settings, welcome=welcome)
    house.reader("old@example.org")
    house.run()
    house.publish("Before they joined")
    house.run(hours=1)
    house.now += timedelta(hours=1)
    house.reader(WHO)


@pytest.mark.parametrize(
    ("welcome", "wanted"),
    [
        pytest.param(timedelta(0), ["After"], marks=pytest.mark.long),
        (timedelta(days=3), ["After", "Before they joined"]),
        pytest.param(timedelta(minutes=5), ["After"], marks=pytest.mark.long),
    ],
)
def test_a_new_reader_is_shown_what_they_will_get(house: House, welcome: timedelta, wanted: list[str]) -> None:
    joined(house, welcome)
    first = [one for one in wanted if one != "After"]
    assert shown(house) == first, "before any run has given them a mark"
    drafted(house)
    assert shown(house) == first
    house.publish("After")
    house.run(hours=1)
    assert sorted(shown(house)) == wanted
    friday(house)
    assert sorted(shown(house)) == wanted
    house.run()
    assert [sorted(titles(house, one)) for one in house.letters(2)] == [wanted]


@pytest.mark.long
def test_a_new_reader_is_shown_also_what_all_others_have_had(house: House) -> None:
    house.settings = replace(house.settings, welcome=timedelta(days=3))
    house.reader("old@example.org")
    house.run()
    house.publish("Sent to the others")
    friday(house)
    house.run()
    house.now += timedelta(hours=1)
    who = house.reader(WHO)
    assert shown(house) == ["Sent to the others"]
    house.run(days=7)
    assert [titles(house, one) for one in house.letters(who)] == [["Sent to the others"]]


@pytest.mark.long
def test_who_comes_back_from_a_pause_is_shown_all_that_waited_for_them(house: House) -> None:
    house.reader("other@example.org")
    who = house.reader(WHO)
    house.run()
    until = house.now.replace(day=12)
    change(house, lambda conn: people.pause(conn, who, until, how="test", now=house.now))
    house.publish("While they were away")
    house.run(hours=1)
    seen = preview(house.place, email=WHO)
    assert (seen.parcel, seen.reason) == (None, "this reader is paused")
    friday(house)
    house.run()
    assert house.letters(who) == []
    house.now = until
    house.publish("Since they are back")
    house.run(hours=1)
    wanted = ["Since they are back", "While they were away"]
    assert sorted(shown(house)) == wanted
    house.now = house.now.replace(day=13)
    assert sorted(shown(house)) == wanted
    house.run()
    assert [sorted(titles(house, one)) for one in house.letters(who)] == [wanted]


def leave(conn: Connection, house: House, who: int) -> None:
    people.leave(conn, who, how="test", now=house.now, secret=house.place.secret)


def suppress(conn: Connection, house: House, _: int) -> None:
    people.suppress(conn, WHO, "bounced", secret=house.place.secret, now=house.now)


@pytest.mark.long
@pytest.mark.parametrize(("stop", "why"), spread(1, [(suppress, "suppressed"), (leave, "suppressed")]))
def test_who_must_not_be_mailed_is_shown_no_letter(
    house: House, stop: Callable[[Connection, House, int], None], why: str
) -> None:
    who = house.reader(WHO)
    house.run()
    house.publish("News")
    house.run(hours=1)
    assert shown(house) == ["News"]
    change(house, lambda conn: stop(conn, house, who))
    seen = preview(house.place, email=WHO)
    assert (seen.parcel, seen.reason) == (None, f"this reader is {why}")
    friday(house)
    house.run()
    assert house.letters(who) == []


@pytest.mark.long
def test_what_was_frozen_is_shown_as_it_was_whatever_became_of_its_reader(house: House) -> None:
    who = house.reader(WHO)
    house.run()
    house.publish("News")
    friday(house)
    house.run()
    with reading(house.place.engine) as conn:
        sent = editions.find(conn, "weekly", "2026-11-06")
    assert sent is not None and sent.state == "frozen"
    house.publish("Later news")
    house.run(hours=1)
    change(house, lambda conn: suppress(conn, house, who))
    seen = preview(house.place, email=WHO, number=sent.id)
    assert seen.parcel is not None and titles(house, seen.digest) == ["News"]
    assert seen.reason.startswith("accepted")
    house.reader("late@example.org")
    late = preview(house.place, email="late@example.org", number=sent.id)
    assert (late.parcel, late.reason) == (None, "not a reader of this edition when it was frozen")


@pytest.mark.long
def test_a_frozen_letter_that_is_still_to_be_handed_over_is_shown_before_the_next_edition(house: House) -> None:
    house.reader(WHO)
    house.run()
    house.publish("News")
    friday(house)
    pipeline.gather(house.place)
    weekly = house.settings.cadence("weekly")
    number = freeze_slot(house.place, weekly, due_slot(weekly, house.now, house.settings.site.zone), house.now)
    assert (preview(house.place, email=WHO).edition.id, shown(house)) == (number, ["News"])
    # A stopped edition hands nothing over until it is approved, and what was sent is owed no longer.
    change(house, lambda conn: editions.hold(conn, number))
    assert preview(house.place, email=WHO).edition.id != number
    change(house, lambda conn: editions.let_go(conn, number))
    house.run()
    assert preview(house.place, email=WHO).edition.id != number


@pytest.mark.long
def test_anyone_with_interests_is_shown_what_a_reader_with_them_is(house: House) -> None:
    housing = Interests(policy_areas=frozenset({"housing"}))
    house.reader(WHO, interests=housing)
    house.run()
    house.publish("Homes", "housing")
    house.publish("Buses", "transport")
    house.run(hours=1)
    anyone = preview(house.place, interests=housing, cadence="weekly")
    reader = preview(house.place, email=WHO)
    assert titles(house, anyone.digest) == titles(house, reader.digest)
    assert "Homes" in titles(house, anyone.digest)
    friday(house)
    house.run()
    house.publish("More homes", "housing")
    house.run(hours=1)
    anyone = preview(house.place, interests=housing, cadence="weekly")
    assert titles(house, anyone.digest) == ["More homes"], "what has been sent is past"
