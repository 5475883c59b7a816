"""Approve tells the truth: who approved, by whom and by what it was voided, and nothing is approved unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.desk import edit, rules
from digest.desk.acts import Hand, StaleForm, record
from digest.desk.approval import approve_edition, hold_edition, stop_edition
from digest.desk.arrange import word_edition
from digest.editions import draft
from digest.editions.approval_story import approval_story
from digest.editions.approve import appearance_hash
from digest.errors import PersonNeeded, WrongUse
from digest.facets.rules import EditorRule
from digest.model import Edition
from digest.store import acts, editions, entries
from digest.store.engine import reading, writing
from tests import console
from tests.house import House

ANN, BOB = Hand("Ann"), Hand("Bob")
APPROVED = "approved by Ann at 2026-11-02 10:02"
VOIDED = "voided at 2026-11-02 10:10: "


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose weekly edition of two entries is drafted, and must be approved."""
    house = House(tmp_path_factory.mktemp("drafted") / "house", weekly='approval = "required"')
    house.reader("rhian@town.example")
    house.run()
    house.publish("Homes that were damp")
    house.publish("Buses that came", areas="transport", region="scotland")
    house.run(hours=1)
    with writing(house.place.engine) as conn:
        draft.draft(conn, house.settings, house.settings.cadence("weekly"), house.now)
    yield house
    house.close()


@pytest.fixture
def house(drafted: House, tmp_path: Path) -> Iterator[House]:
    house = drafted.copy(tmp_path / "house")
    house.now += timedelta(minutes=2)
    yield house
    house.close()


def stored(house: House) -> Edition:
    with reading(house.place.engine) as conn:
        edition = editions.get(conn, 1)
    assert edition is not None
    return edition


def story(house: House, look: str = "") -> list[str]:
    with reading(house.place.engine) as conn:
        return approval_story(conn, stored(house), "Europe/London", look)


def titled(house: House, title: str) -> int:
    with reading(house.place.engine) as conn:
        return next(entry.id for entry in entries.listing(conn) if entry.title == title)


def note(house: House, verb: str, object_name: str) -> None:
    """Record an act of Bob's, as the desk does for each change."""
    with writing(house.place.engine) as conn:
        record(conn, house.place, BOB, verb, object_name, ({}, {"why": "it reads better"}))


def retag(house: House) -> None:
    number = titled(house, "Homes that were damp")
    edit.retag(house.place, BOB, number, {"policy_area": ("transport",)})


def drop(house: House) -> None:
    number = titled(house, "Homes that were damp")
    edit.drop(house.place, BOB, [number])


def word(house: House) -> None:
    word_edition(house.place, BOB, 1, {"subject": "Dry homes"})


def rule(house: House) -> None:
    effect = rules.effect_of(house.place, EditorRule(0, "Bob", "damp", added=(("theme", "leadership"),)))
    rules.add(house.place, BOB, effect, also_waiting=True)


def withdrawn(house: House) -> None:
    (house.folder / "notes" / "001.md").unlink()
    house.run()


def new_text(house: House) -> None:
    """The source has changed the text of an entry, and a draft is made again because another one is dropped."""
    path = house.folder / "notes" / "001.md"
    path.write_text(path.read_text().replace("Homes that were damp", "Homes that are dry"))
    house.run()
    assert story(house) == [APPROVED], "what was approved is what is sent"
    number = titled(house, "Buses that came")
    edit.drop(house.place, BOB, [number])


CHANGES: dict[str, tuple[Callable[[House], None], str]] = {
    "an editor retags": (retag, "Bob retagged entry 2: policy areas housing → transport"),
    "an editor drops": (drop, "Bob dropped entry 2"),
    "a rule": (rule, "Bob applied a rule to entry 2: themes leadership"),
    "the words of the edition": (word, "Bob worded edition 1: subject “Dry homes”"),
    "a source withdraws": (
        withdrawn,
        "entry 2: its source or its page does not show it any more (its source does not show it)",
    ),
    "both": (new_text, "Bob dropped entry 1; entry 2: new text from its source"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_void_approval_says_whose_and_by_what(house: House, change: str) -> None:
    work, told = CHANGES[change]
    approve_edition(house.place, ANN, 1, stored(house).content_hash)
    assert (stored(house).state, story(house)) == ("approved", [APPROVED])
    house.now += timedelta(minutes=8)
    work(house)
    assert (stored(house).state, story(house)) == ("draft", [APPROVED, VOIDED + told])
    house.now += timedelta(minutes=30)
    note(house, "retag", "entry 1")
    assert story(house) == [APPROVED, VOIDED + told], "a later act has not voided it"
    approve_edition(house.place, BOB, 1)
    assert story(house) == ["approved by Bob at 2026-11-02 10:40"]


def test_the_waiting_line_of_a_run_says_it(house: House) -> None:
    approve_edition(house.place, ANN, 1)
    house.now += timedelta(minutes=8)
    retag(house)
    house.now = house.now.replace(day=6, hour=9)
    (line,) = house.run().waiting
    late = "nobody had approved it by 2026-11-06 08:00: it waits"
    told = f"is not approved ({APPROVED}; {VOIDED}Bob retagged entry 2: policy areas housing → transport; {late}"
    assert told in line


def test_other_templates_are_told_where_the_appearance_is_known(house: House) -> None:
    approve_edition(house.place, ANN, 1)
    assert story(house, appearance_hash(house.settings)) == [APPROVED]
    other = replace(house.settings, letter_cap=3)
    assert story(house, appearance_hash(other)) == [
        APPROVED, "voided: templates, words or limits have changed since",
    ]  # fmt: skip


def test_each_decision_is_an_act(house: House) -> None:
    content = stored(house).content_hash[:12]
    approve_edition(house.place, ANN, 1)
    hold_edition(house.place, BOB, 1)
    assert story(house) == [APPROVED, "stopped by Bob at 2026-11-02 10:02"]
    approve_edition(house.place, ANN, 1)
    house.now = house.now.replace(day=6, hour=9)
    house.run()
    with pytest.raises(WrongUse, match="nothing left to stop"):
        stop_edition(house.place, BOB, 1)
    with reading(house.place.engine) as conn:
        log = [(act.by, act.verb, act.before, act.after) for act in acts.listing(conn, object_name="edition 1")]
    assert log[::-1] == [
        ("Ann", "approve", {"state": "draft"}, {"state": "approved", "content": content}),
        ("Bob", "hold", {"stopped": False}, {"stopped": True}),
        ("Ann", "approve", {"stopped": True}, {"stopped": False, "content": content}),
    ]


def test_nothing_is_approved_that_was_not_seen(house: House) -> None:
    seen = stored(house).content_hash
    note(house, "arrange", "edition 1")
    with reading(house.place.engine) as conn:
        newest = acts.newest(conn)
    for hand in (Hand("Ann", 0), Hand("Ann", newest - 1)):
        for act in (lambda hand=hand: approve_edition(house.place, hand, 1, seen),
                    lambda hand=hand: hold_edition(house.place, hand, 1)):  # fmt: skip
            with pytest.raises(StaleForm, match="by Bob"):
                act()
    with pytest.raises(PersonNeeded, match="has changed since you looked"):
        approve_edition(house.place, ANN, 1, "0000")
    assert stored(house).state == "draft" and story(house) == []
    approve_edition(house.place, Hand("Ann", newest), 1, seen)
    assert stored(house).approved_by == "Ann"


def test_a_form_is_not_stale_because_a_change_elsewhere_has_voided_the_approval(house: House) -> None:
    approve_edition(house.place, ANN, 1)
    with reading(house.place.engine) as conn:
        seen = acts.version_of(conn, "edition 1")
    retag(house)
    with reading(house.place.engine) as conn:
        assert acts.version_of(conn, "edition 1") > seen
    word_edition(house.place, Hand("Ann", seen), 1, {"subject": "Dry homes"})
    assert stored(house).subject == "Dry homes"


def test_the_commands_record_who(house: House) -> None:
    house.close()
    words = ("--config", str(house.config), "--now", house.now.isoformat())
    assert console.digest(house.folder, *words, "approve", "1", "--by", "Ann").code == 0
    assert console.digest(house.folder, *words, "hold", "1", "--by", "Bob").code == 0
    assert story(house) == [APPROVED, "stopped by Bob at 2026-11-02 10:02"]
