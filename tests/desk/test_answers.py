"""Answers of readers on the desk: an accepted "we tried" is told once to those who have had its entry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from digest import pipeline
from digest.desk import receipts
from digest.desk.acts import Hand
from digest.desk.answers import accept_answer, leave_answer_aside, list_answers
from digest.desk.correct import correct
from digest.desk.log import act_in_words
from digest.desk.preview import preview
from digest.desk.undo import undo
from digest.errors import WrongUse
from digest.readers.answer import (
    NotTheirs,
    entries_to_answer,
    give_answer,
    mistakes_in,
    take_answer_back,
    typed_answer,
)
from digest.store import acts, answers
from digest.store.answers import EntryAnswer
from digest.store.engine import reading, writing
from digest.web.letters import LetterPages
from subscribers import store as people
from tests import postgres
from tests.desk.test_correct import Desk
from tests.house import ANN

ED = Hand("Ed")
DID = "We kept one list with the health board."
LINE = f"Fife Council tried “A list”: {DID}"


class Answering(Desk):
    """The desk of the corrections: ann and bea have had entry 1, "A list"; cai follows transport."""

    def give(self, name: str, kind: str = "tried", text: str = DID, place: str = "", entry: int = 1) -> None:
        """Let a reader answer; with a `place` they want it to be named."""
        answer = typed_answer(entry, kind, text, place, named=bool(place))
        assert mistakes_in(answer) == {}
        place_ = self.place
        with writing(place_.engine) as conn:
            give_answer(conn, place_, self.who[name], answer)

    def of(self, name: str, entry: int = 1) -> dict[str, EntryAnswer]:
        """Return a reader's answers to an entry by kind."""
        with reading(self.place.engine) as conn:
            return dict(entries_to_answer(conn, self.who[name], [entry])[entry].given)

    def names(self) -> list[str]:
        """Return the places that are named under entry 1 in the archive."""
        with reading(self.place.engine) as conn:
            return [tried.place for tried in answers.tried_of(conn, [1, 2]).get(1, ())]

    def told_in(self) -> dict[str, int]:
        """Publish for all, let a week pass, and return how often each letter tells the line."""
        self.next_entries()
        return {name: text.count(LINE) for name, text in self.week().items()}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Answering:
    here = Answering(tmp_path_factory.mktemp("answers") / "house")
    here.begin()
    return here


@pytest.fixture
def desk(tmp_path: Path, begun: Answering) -> Iterator[Answering]:
    here = begun.copy(tmp_path / "house")
    here.who = dict(begun.who)
    yield here
    here.close()


def test_an_accepted_line_of_a_named_place_is_told_once_to_the_others_who_had_it(desk: Answering) -> None:
    desk.give("bea", place=" Fife\nCouncil ")
    assert desk.names() == []
    (waiting,) = list_answers(desk.place).waiting
    lines = accept_answer(desk.place, ED, waiting.number)
    assert lines[1].startswith("it stands under entry 1 with the name Fife Council; 1 reader of it is told once")
    assert desk.names() == ["Fife Council"]
    desk.next_entries()
    desk.now += timedelta(days=6)
    pipeline.gather(desk.place)
    shown = preview(desk.place, email="ann@example.org").parcel
    assert {name: text.count(LINE) for name, text in desk.week().items()} == {"ann": 1, "bea": 0, "cai": 0}
    assert shown is not None and " ".join(shown.letter.plain_text().split()).count(LINE) == 1
    assert receipts.account(desk.place, desk.newest()).to_json()["tried"] == [{"entry": 1, "readers": 1}]
    again = preview(desk.place, email="ann@example.org", number=desk.newest()).parcel
    assert again is not None and " ".join(again.letter.plain_text().split()).count(LINE) == 1
    assert desk.told_in() == {"ann": 0, "bea": 0, "cai": 0}


@pytest.mark.long
def test_a_letter_tells_three_lines_at_most_corrections_first(desk: Answering) -> None:
    desk.give("bea", place="Fife Council")
    accept_answer(desk.place, ED, 1)
    for number in range(3):
        correct(desk.place, ED, 1, f"Correction {number}.")
    desk.now += timedelta(hours=1)
    shown = preview(desk.place, email="ann@example.org").parcel
    assert shown is None or LINE not in " ".join(shown.letter.plain_text().split())
    desk.next_entries()
    first = desk.week()["ann"]
    assert all(f"Correction {number}." in first for number in range(3)) and LINE not in first
    assert desk.told_in()["ann"] == 1, "it waits for the next letter"


@pytest.mark.long
def test_it_never_stands_on_the_copy_that_is_passed_on(desk: Answering) -> None:
    desk.give("bea", place="Fife Council")
    accept_answer(desk.place, ED, 1)
    correct(desk.place, ED, 1, "Not all of it.")
    assert desk.told_in()["ann"] == 1
    place = desk.place
    token = desk.token("browse", desk.who["ann"], desk.newest())
    page = LetterPages(place.engine, place.link_key_file, place.settings).page(token)
    assert "Not all of it." in page and "Fife Council" not in page


@pytest.mark.long
def test_without_a_tick_or_left_aside_it_stands_nowhere(desk: Answering) -> None:
    desk.give("ann")
    desk.give("bea", place="Fife Council")
    assert accept_answer(desk.place, ED, 1)[1].startswith("it stands nowhere")
    leave_answer_aside(desk.place, ED, 2)
    assert desk.names() == [] and sum(desk.told_in().values()) == 0


@pytest.mark.long
def test_nothing_is_mailed_for_it_alone_and_it_waits(desk: Answering) -> None:
    desk.give("bea", place="Fife Council")
    accept_answer(desk.place, ED, 1)
    assert desk.week() == {}
    assert desk.told_in() == {"ann": 1, "bea": 0, "cai": 0}


@pytest.mark.long
def test_those_who_get_the_entry_later_are_told_in_the_letter_after_it(desk: Answering) -> None:
    desk.give("bea", place="Fife Council")
    accept_answer(desk.place, ED, 1)
    desk.who["mo"] = desk.reader("mo@example.org", "monthly")
    with writing(desk.place.engine) as conn:
        people.set_cadence(conn, desk.who["cai"], "weekly", how="test", now=desk.now)
    from digest.desk import edit

    edit.retag(desk.place, ANN, 1, {"policy_area": ("housing", "transport")})
    assert desk.told_in() == {"ann": 1, "bea": 0, "cai": 0}, "cai gets entry 1 in this letter"
    assert desk.told_in() == {"ann": 0, "bea": 0, "cai": 1}


@pytest.mark.parametrize(
    "how",
    [
        "erased",
        *(pytest.param(how, marks=pytest.mark.long) for how in ("taken back", "undone", "aside", "worded anew")),
    ],
)
def test_it_goes_from_the_archive_and_from_letters_that_have_not_left(desk: Answering, how: str) -> None:
    desk.give("bea", place="Fife Council")
    accept_answer(desk.place, ED, 1)
    place = desk.place
    with reading(place.engine) as conn:
        (act,) = acts.listing(conn, object_name="answer 1")
    assert act_in_words(act) == "Ed accepted answer 1: waiting → accepted"[: len("Ed accepted answer 1")]
    with writing(place.engine) as conn:
        if how == "taken back":
            take_answer_back(conn, desk.who["bea"], 1, "tried")
        if how == "erased":
            people.forget(conn, desk.who["bea"], now=desk.now, secret=place.secret)
    if how == "undone":
        undo(place, ANN, act.number)
        assert desk.of("bea")["tried"].state == "waiting"
    if how == "aside":
        leave_answer_aside(place, ED, 1)
    if how == "worded anew":
        desk.give("bea", text="Another text.", place="Fife Council")
        with pytest.raises(WrongUse, match="there is no answer 1: perhaps it was taken back or worded anew"):
            accept_answer(place, ED, 1)
        assert [(each.number, each.state) for each in list_answers(desk.place).waiting] == [(2, "waiting")]
    assert desk.names() == []
    assert desk.told_in()["ann"] == 0


@pytest.mark.long
def test_nobody_is_told_twice_when_it_is_worded_anew_and_accepted_again(desk: Answering) -> None:
    desk.give("bea", place="Fife Council")
    accept_answer(desk.place, ED, 1)
    assert desk.told_in()["ann"] == 1
    desk.give("bea", text=f"{DID} ", place="Fife Council")
    assert desk.of("bea")["tried"].number == 1, "the same answer again is the same"
    desk.give("bea", text="We stopped it.", place="Fife Council")
    accept_answer(desk.place, ED, 2)
    desk.next_entries()
    assert [text.count("We stopped it.") for text in desk.week().values()] == [0, 0, 0]
    assert desk.names() == ["Fife Council"]


def test_useful_and_not_for_me_take_each_others_place_and_are_counted(desk: Answering) -> None:
    desk.give("ann", "useful", "ignored")
    desk.give("bea", "useful")
    desk.give("bea", "not-for-me", "We have no list.")
    assert set(desk.of("bea")) == {"not-for-me"}
    listed = list_answers(desk.place)
    (count,) = listed.counts
    assert (count.entry, count.title, count.useful, count.not_for_me, count.tried) == (1, "A list", 1, 1, 0)
    assert [(each.text, each.kind) for each in listed.waiting] == [("We have no list.", "not-for-me")]


def test_only_entries_that_came_can_be_answered(desk: Answering) -> None:
    for act in (lambda: desk.give("cai"), lambda: desk.give("ann", entry=99)):
        with pytest.raises(NotTheirs):
            act()
    place = desk.place
    with writing(place.engine) as conn, pytest.raises(NotTheirs):
        take_answer_back(conn, desk.who["cai"], 1, "tried")
    assert list_answers(place).counts == ()


@pytest.mark.parametrize(
    ("kind", "text", "place", "named", "wrong"),
    [
        ("useful", "", "", False, {}),
        ("useful", "x" * 999, "", True, {}),
        ("not-for-me", "", "", False, {}),
        ("not-for-me", "x" * 200, "", True, {}),
        ("not-for-me", "x" * 201, "", False, {"text": "long"}),
        ("tried", " \u200b\n", "", False, {"text": "empty"}),
        ("tried", "x", "x" * 99, False, {}),
        ("tried", "x", " ", True, {"place": "no_place"}),
        ("tried", "", "x" * 61, True, {"text": "empty", "place": "long_place"}),
    ],
)
def test_what_is_wrong_with_an_answer(kind: str, text: str, place: str, named: bool, wrong: dict[str, str]) -> None:
    assert mistakes_in(typed_answer(1, kind, text, place, named=named)) == wrong


@pytest.mark.long
def test_it_is_the_same_on_postgresql(
    tmp_path: Path, postgresql: postgres.Databases, postgresql_template: str
) -> None:
    url = postgresql.new(postgresql_template)
    desk = Answering(tmp_path / "house", url)
    try:
        desk.begin()
        desk.give("bea", place="Fife Council")
        desk.give("bea", text="Another text.", place="Fife Council")
        desk.give("bea", place="Fife Council")
        desk.give("ann", "not-for-me", "No money.")
        desk.give("ann", "useful")
        assert [(each.number, each.kind) for each in list_answers(desk.place).waiting] == [(3, "tried")]
        assert accept_answer(desk.place, ED, 3)[1].endswith(
            "1 reader of it is told once, at the top of the next letter"
        )
        desk.next_entries()
        assert {name: text.count(LINE) for name, text in desk.week().items()} == {"ann": 1, "bea": 0, "cai": 0}
        assert receipts.account(desk.place, desk.newest()).tried == {1: 1}
        with writing(desk.place.engine) as conn:
            people.forget(conn, desk.who["bea"], now=desk.now, secret=desk.place.secret)
        assert desk.names() == [] and desk.told_in()["ann"] == 0
    finally:
        desk.close()
        postgresql.drop(url)
