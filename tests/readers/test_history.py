"""What a reader had: their letters page by page, each with its entries as it showed them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from digest import pipeline
from digest.desk import correct, reword
from digest.editions.freeze import freeze_slot
from digest.model import Reason
from digest.readers.decisions import LetterState, OneChoice
from digest.readers.history import HadLetter, HadPage, history_of, reader_state
from digest.readers.why_not import why
from digest.schedule import slot_of
from digest.store import entries
from digest.store.condense import condense
from digest.store.engine import reading, writing
from digest.store.schema import delivery
from subscribers import store as people
from subscribers.model import Interests
from tests.asked import asked
from tests.counts import table
from tests.house import ANN, House


@pytest.fixture(scope="module")
def shared_house(begun: Callable[..., House], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with a daily reader of housing, who has had the letters of three days; on the second there was none."""
    house = begun(tmp_path_factory.mktemp("had") / "house")
    house.reader("a@example.org", "daily", Interests(frozenset({"housing"})))
    for titles in (("One", "Two"), (), ("Three",)):
        for days, title in enumerate(titles):
            house.publish(title, region="london", date=f"{house.now - timedelta(days=days):%Y-%m-%d}")
        next_day(house)
    yield house
    house.close()


def next_day(house: House) -> None:
    """Gather, and freeze the daily edition of the next day."""
    house.now += timedelta(days=1)
    place, daily = house.place, house.settings.cadence("daily")
    pipeline.gather(place, force=True)
    freeze_slot(place, daily, slot_of(daily, house.now.date().isoformat(), house.settings.site.zone), house.now)


def page_of(house: House, before: int | None = None, limit: int = 10) -> HadPage:
    place = house.place
    with reading(place.engine) as conn:
        return history_of(conn, place, people.named(conn, "a@example.org"), before=before, limit=limit)


def titles(letter: HadLetter) -> list[str]:
    return [had.entry.title for had in letter.entries]


def test_letters_come_newest_first_with_their_entries_and_the_reasons(house: House) -> None:
    third, second, first = page_of(house).letters
    assert [each.edition.cadence for each in (third, second, first)] == ["daily"] * 3
    assert first.edition.slot < second.edition.slot < third.edition.slot
    assert [titles(each) for each in (third, second, first)] == [["Three"], [], ["One", "Two"]]
    assert [each.state for each in (third, second, first)] == ["waiting", "nothing", "waiting"]
    had = third.entries[0]
    assert (had.section, had.heading, had.reason) == ("areas", "housing", Reason("area", "housing", "london"))
    assert (had.entry.source, had.entry.kind, had.entry.facets.regions) == ("Notes", "case-study", ("london",))


def test_pages_follow_each_other_without_a_gap(house: House) -> None:
    whole = page_of(house)
    assert whole.older is None
    pages, before = [], None
    while True:
        page = page_of(house, before, limit=1)
        pages += page.letters
        if page.older is None:
            break
        before = page.older
    assert tuple(pages) == whole.letters and len(pages) == 3
    assert page_of(house, before=999).letters == whole.letters


def test_many_letters_ask_no_more_than_one(house: House) -> None:
    counts = []
    for limit in (1, 3):
        with asked(house.place.engine) as statements:
            page_of(house, limit=limit)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 16


def test_an_entry_is_told_as_the_letter_showed_it_with_what_was_corrected_since(house: House) -> None:
    newest = page_of(house).letters[0].entries[0]
    assert newest.corrections == ()
    reword.reword(house.place, ANN, newest.entry.id, {"title": "Another title"})
    correct.correct(house.place, ANN, newest.entry.id, "It was four.")
    again = page_of(house).letters[0].entries[0]
    assert again.entry == newest.entry
    assert [(each.text, each.withdrawn) for each in again.corrections] == [("It was four.", False)]
    correct.withdraw(house.place, ANN, newest.entry.id, "It was not so.")
    assert [each.text for each in page_of(house).letters[0].entries[0].corrections] == [
        "It was not so.", "It was four.",
    ]  # fmt: skip


@pytest.mark.long
def test_both_databases_tell_the_same(tmp_path: Path, pipeline_url: str) -> None:
    house = House(tmp_path / "house", pipeline_url)
    house.run()
    house.reader("a@example.org", "daily", Interests(frozenset({"housing"}), frozenset({"wales"})))
    house.publish("One")
    house.publish("Two", "transport")
    next_day(house)
    place = house.place
    with reading(place.engine) as conn:
        person = people.named(conn, "a@example.org")
        (letter,) = history_of(conn, place, person).letters
        stored = {entry.title: why(conn, place, person, entry) for entry in entries.listing(conn)}
    assert titles(letter) == ["One"]
    assert (stored["One"].outcome, stored["Two"].outcome) == ("pending", "outside")
    assert stored["Two"].choice == OneChoice("policy_area", "transport")
    house.close()


def test_of_a_condensed_letter_the_entries_are_known(house: House) -> None:
    with writing(house.place.engine) as conn:
        conn.execute(update(delivery).values(state="accepted"))
        condense(conn, page_of(house).letters[-1].edition.id)
    first = page_of(house).letters[-1]
    assert (first.state, first.condensed, first.more) == ("sent", True, 0)
    assert {*titles(first)} == {"One", "Two"}, "in which order they stood is not kept"
    assert {(had.section, had.reason.code) for had in first.entries} == {("had", "had")}


@table(
    "letter, state",
    [
        (LetterState("accepted"), "sent"),
        (LetterState("accepted", fate="delivered"), "sent"),
        (LetterState("accepted", fate="complained"), "sent"),
        (LetterState("accepted", fate="bounced"), "bounced"),
        (LetterState("accepted", blocked="left"), "sent"),
        (LetterState("had"), "sent"),
        (LetterState("uncertain"), "unsure"),
        (LetterState("claimed"), "waiting"),
        (LetterState("pending"), "waiting"),
        (LetterState("pending", blocked="paused"), "paused"),
        (LetterState("pending", blocked="left"), "not-sent"),
        (LetterState("refused", "550"), "not-taken"),
        (LetterState("empty"), "nothing"),
        (LetterState("cancelled", "the edition was stopped"), "taken-back"),
        (LetterState("suppressed", "suppressed"), "not-sent"),
        (LetterState("held", "paused"), "paused"),
        (LetterState("held", "not on the allow-list"), "not-sent"),
        (LetterState("held", "joined after the edition was drafted; the next one makes it good"), "later"),
    ],
)
def test_a_letter_has_the_state_that_its_reader_understands(letter: LetterState, state: str) -> None:
    assert reader_state(letter) == state
