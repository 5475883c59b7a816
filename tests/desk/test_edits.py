"""Pin, move, reword, word, write by hand: the edition follows, the log keeps it, and undo takes it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from digest.desk import arrange, edit, ingredients, undo
from digest.desk.acts import Hand, StaleForm
from digest.desk.by_hand import Written, write_entry
from digest.desk.entry_acts import entry_values
from digest.desk.log import act_in_words
from digest.desk.reword import change_entry, reword
from digest.editions import draft
from digest.editions.approve import approve
from digest.errors import PersonNeeded, WrongUse
from digest.model import Edition, Facets, NamedLink
from digest.sources.withdrawal import MUTED, UNFINISHED
from digest.store import acts, duplicates, editions, entries, releases, standings
from digest.store.acts import Act
from digest.store.engine import reading, writing
from digest.store.schema import also_at
from digest.store.schema import entry as entry_table
from tests.counts import others_long
from tests.house import ANN, START, House

BOB = Hand("Bob")
TITLES = ("Alpha", "Beta", "Gamma", "Delta")


@pytest.fixture(scope="module")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return a house with four entries, a reader and a weekly draft (edition 1)."""
    made = House(tmp_path_factory.mktemp("edits") / "house")
    made.run()
    made.reader("a@example.org")
    for title in TITLES:
        made.publish(title)
    made.run(minutes=5)
    with writing(made.place.engine) as conn:
        draft.draft(conn, made.settings, made.settings.cadence("weekly"), made.now)
    return made


def edition(house: House) -> Edition:
    with reading(house.place.engine) as conn:
        stored = editions.get(conn, 1)
    assert stored is not None
    return stored


def order(house: House) -> list[str]:
    with reading(house.place.engine) as conn:
        return [row.entry.title for row in editions.shown(conn, 1)]


def log(house: House) -> list[Act]:
    with reading(house.place.engine) as conn:
        return acts.listing(conn)


def ids(house: House) -> dict[str, int]:
    with reading(house.place.engine) as conn:
        return {row.entry.title: row.entry.id for row in editions.shown(conn, 1)}


def test_pinned_entries_stand_first_and_a_pin_is_taken_out(house: House) -> None:
    number = ids(house)
    own = order(house)
    arrange.pin(house.place, ANN, 1, number[own[2]])
    assert order(house) == [own[2], own[0], own[1], own[3]]
    arrange.pin(house.place, ANN, 1, number[own[3]])
    assert order(house)[:2] == [own[2], own[3]] and edition(house).pinned == 2
    with pytest.raises(WrongUse, match="pinned already"):
        arrange.pin(house.place, ANN, 1, number[own[3]])
    arrange.pin(house.place, ANN, 1, number[own[2]], on=False)
    assert order(house)[0] == own[3] and edition(house).pinned == 1
    arrange.as_it_came(house.place, ANN, 1)
    assert order(house) == own and edition(house).arranged == ()


@pytest.mark.parametrize(("place", "expected"), [(1, 0), (2, 1), (4, 3), (99, 3), (0, 0), (-5, 0)])
def test_an_entry_is_moved_to_its_place(house: House, place: int, expected: int) -> None:
    number, own = ids(house), order(house)
    arrange.move_entry(house.place, ANN, 1, number[own[1]], place)
    rest = [title for title in own if title != own[1]]
    assert order(house) == [*rest[:expected], own[1], *rest[expected:]]


def test_entries_that_come_later_stand_behind_what_is_arranged(house: House) -> None:
    number, own = ids(house), order(house)
    arrange.move_entry(house.place, ANN, 1, number[own[3]], 1)
    assert edition(house).arranged == (number[own[3]],)  # no more than is needed
    house.publish("Epsilon")
    house.run(minutes=5)
    with writing(house.place.engine) as conn:
        draft.with_latest(conn, house.settings, edition(house), house.now)
    assert order(house)[0] == own[3] and set(order(house)) == {*own, "Epsilon"}


def test_the_log_names_the_entry_that_was_moved(house: House) -> None:
    first = ids(house)[order(house)[0]]
    arrange.move_entry(house.place, ANN, 1, first, 2)
    assert act_in_words(log(house)[0]) == f"Ann moved entry {first} in edition 1: place 2"


def test_a_move_among_pinned_entries_pins_and_beyond_them_unpins(house: House) -> None:
    number, own = ids(house), order(house)
    for title in own[:2]:
        arrange.pin(house.place, ANN, 1, number[title])
    arrange.move_entry(house.place, ANN, 1, number[own[3]], 1)
    assert edition(house).pinned == 3
    arrange.move_entry(house.place, ANN, 1, number[own[3]], 4)
    assert edition(house).pinned == 2 and order(house) == own


def test_what_an_editor_words_is_in_the_edition_and_signed(house: House) -> None:
    alpha = ids(house)["Alpha"]
    reword(house.place, ANN, alpha, {"title": " Better  alpha", "note": "One.\r\nTwo.", "not_for": ["Wales"]})
    with reading(house.place.engine) as conn:
        (shown,) = [row.entry for row in editions.shown(conn, 1) if row.entry.id == alpha]
    assert shown.title == "Better alpha" and shown.edit is not None
    assert (shown.edit.worded_by, shown.edit.note, shown.edit.note_by) == ("Ann", "One.\nTwo.", "Ann")
    assert shown.edit.not_for == ("wales",)
    reword(house.place, BOB, alpha, {"title": "Alpha"})  # as the source says: no wording
    with reading(house.place.engine) as conn:
        (shown,) = [row.entry for row in editions.shown(conn, 1) if row.entry.id == alpha]
    assert shown.edit is not None and (shown.edit.title, shown.edit.worded_by, shown.edit.note_by) == ("", "", "Ann")


def test_an_open_question_voids_no_approval_and_a_new_title_does(house: House) -> None:
    alpha = ids(house)["Alpha"]
    with writing(house.place.engine) as conn:
        approve(conn, house.settings, 1, "Ann", house.now)
    reword(house.place, ANN, alpha, {"open_question": "Is it 3 % or 30 %?"})
    assert edition(house).state == "approved"
    assert "must be approved again" in reword(house.place, ANN, alpha, {"title": "New"})[0]
    assert edition(house).state == "draft"


def test_an_entry_past_its_last_day_is_offered_no_more(house: House) -> None:
    alpha = ids(house)["Alpha"]
    reword(house.place, ANN, alpha, {"last_day": "2026-11-05"})  # the edition's slot is the 6th
    assert "Alpha" not in order(house)
    reword(house.place, ANN, alpha, {"last_day": "2026-11-06"})
    assert "Alpha" in order(house)


def test_the_words_of_an_edition_are_part_of_what_is_approved(house: House) -> None:
    before = edition(house).content_hash
    arrange.word_edition(house.place, ANN, 1, {"subject": "Homes first", "question": "What would you try?"})
    after = edition(house)
    assert (after.subject, after.question) == ("Homes first", "What would you try?") and after.content_hash != before
    arrange.word_edition(house.place, ANN, 1, {"subject": "", "question": ""})
    assert edition(house).content_hash == before


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"title": "x" * 201}, "the title has 201 characters; write at most 200"),
        ({"last_day": "tomorrow"}, "'tomorrow' is no date"),
        ({"not_for": ["Mars"]}, "'Mars' is no region or policy area"),
        ({"open_question": "y" * 201}, "the open question has 201 characters"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(house: House, wanted: dict[str, Any], words: str) -> None:
    with pytest.raises(WrongUse, match=words):
        reword(house.place, ANN, ids(house)["Alpha"], wanted)
    assert log(house) == []


Act_ = Callable[[House, int], object]
ACTS: dict[str, Act_] = {
    "drop": lambda house, n: edit.drop(house.place, ANN, [n]),
    "retag": lambda house, n: edit.retag(house.place, ANN, n, {"policy_area": ("transport",)}, "post"),
    "reword": lambda house, n: reword(house.place, ANN, n, {"title": "New", "note": "Look."}),
    "pin": lambda house, n: arrange.pin(house.place, ANN, 1, n),
    "move": lambda house, n: arrange.move_entry(house.place, ANN, 1, n, 1),
    "word": lambda house, n: arrange.word_edition(house.place, ANN, 1, {"subject": "S", "note": "N"}),
    "ingredients": lambda house, n: ingredients.give_lines(house.place, ANN, n, [("did", "They met.")]),
}


@pytest.mark.parametrize("name", ACTS)
def test_every_act_is_in_the_log_and_undone_leaves_all_as_it_was(house: House, name: str) -> None:
    alpha = ids(house)["Alpha"]

    def everything() -> tuple[object, ...]:
        with reading(house.place.engine) as conn:
            return entry_values(conn, alpha), editions.get(conn, 1).content_hash, order(house)  # type: ignore[union-attr]

    before = everything()
    ACTS[name](house, alpha)
    assert everything() != before
    (act,) = log(house)
    assert act.by == "Ann" and act.before != act.after
    house.now = house.now.replace(day=house.now.day + 1)  # also tomorrow
    undo.undo(house.place, BOB, undo.newest_by(house.place, "Ann"))
    assert everything() == before
    back = log(house)[0]
    assert (back.by, back.undoes) == ("Bob", act.number)
    with pytest.raises(WrongUse, match=f"taken back already, by act {back.number}"):
        undo.undo(house.place, ANN, act.number)
    with pytest.raises(WrongUse, match="Ann has done nothing lately"):
        undo.newest_by(house.place, "Ann")


def test_an_undo_is_refused_where_somebody_has_changed_the_same_since(house: House) -> None:
    alpha = ids(house)["Alpha"]
    reword(house.place, ANN, alpha, {"title": "Ann's"})
    first = log(house)[0].number
    reword(house.place, BOB, alpha, {"title": "Bob's"})
    with pytest.raises(PersonNeeded, match=r"entry \d+: Bob changed its title since \(act \d+: reword\)"):
        undo.undo(house.place, ANN, first)
    undo.undo(house.place, BOB, undo.newest_by(house.place, "Bob"))
    undo.undo(house.place, ANN, first)
    assert "Alpha" in order(house)


def test_an_undo_can_be_undone(house: House) -> None:
    alpha = ids(house)["Alpha"]
    reword(house.place, ANN, alpha, {"title": "Ann's"})
    undo.undo(house.place, ANN, log(house)[0].number)
    undo.undo(house.place, ANN, log(house)[0].number)
    assert "Ann's" in order(house)


@pytest.mark.long
def test_a_pinned_entry_that_is_dropped_and_given_back_is_pinned_still(house: House) -> None:
    number, own = ids(house), order(house)
    for title in own[1:3]:
        arrange.pin(house.place, ANN, 1, number[title])
    edit.drop(house.place, ANN, [number[own[1]]])
    drop = log(house)[0].number
    assert arrange.move_entry(house.place, BOB, 1, number[own[3]], 3) == [
        f"entry {number[own[3]]} is number 3 in edition 1"
    ]
    arrange.pin(house.place, BOB, 1, number[own[3]])
    assert order(house) == [own[2], own[3], own[0]]
    undo.undo(house.place, ANN, drop)
    assert order(house) == [own[2], own[3], own[1], own[0]] and edition(house).pinned == 3
    edit.drop(house.place, ANN, [number[own[1]]])
    arrange.as_it_came(house.place, BOB, 1)
    assert edition(house).arranged == () and edition(house).pinned == 0


def kept_back(house: House, alpha: int, state: str) -> None:
    """Bring Alpha into a state with all that belongs to it; a duplicate tells what Beta tells, and Gamma does too."""
    beta, gamma = ids(house)["Beta"], ids(house)["Gamma"]
    with writing(house.place.engine) as conn:
        if state == "unclassified":
            entries.set_facets(conn, alpha, Facets(regions=()), "post", retagged=False)
            entries.set_state(conn, alpha, "baseline")
            return
        entries.set_state(conn, alpha, state)
        if state == "duplicate":
            entries.set_state(conn, gamma, state)
            entries.set_state(conn, beta, "dropped")
            for number, source in ((alpha, "Notes"), (gamma, "Wire")):
                conn.execute(entry_table.update().where(entry_table.c.id == number).values(source=source))
                duplicates.store_duplicate(conn, number, beta)
                duplicates.store_also_at(conn, beta, NamedLink(source, f"https://{source}.example/"), START)
        else:
            code = {"withheld": UNFINISHED, "held": MUTED}[state]
            standings.set_reasons(conn, alpha, {"held_by": code, "held_why": "Its source says so.", "overruled": ""})


@pytest.mark.parametrize("act", others_long(["release", "drop"], "release"))
@pytest.mark.parametrize("state", others_long(["withheld", "held", "duplicate", "unclassified"], "duplicate"))
def test_an_undo_keeps_an_entry_back_as_it_was(house: House, state: str, act: str) -> None:
    alpha, beta, gamma = (ids(house)[title] for title in ("Alpha", "Beta", "Gamma"))
    kept_back(house, alpha, state)

    def everything() -> tuple[Any, ...]:
        with reading(house.place.engine) as conn:
            named = {(row.entry_id, row.source) for row in conn.execute(also_at.select())}
            stored = conn.execute(entry_table.select().where(entry_table.c.id == alpha)).one()._asdict()
            return stored, entry_values(conn, alpha), named, entries.many(conn, [gamma])[gamma].duplicate_of

    before = everything()
    {"release": edit.release, "drop": edit.drop}[act](house.place, ANN, [alpha])
    assert everything() != before
    house.now = house.now.replace(day=house.now.day + 1)
    undo.undo(house.place, BOB, undo.newest_by(house.place, "Ann"))
    assert everything() == before
    undo.undo(house.place, ANN, log(house)[0].number)
    stored, _, named, _ = everything()
    assert stored["state"] == {"release": "ready", "drop": "dropped"}[act] and (beta, "Notes") not in named


@pytest.mark.long
def test_an_undo_is_refused_when_its_source_has_released_the_entry_since(house: House) -> None:
    alpha = ids(house)["Alpha"]
    kept_back(house, alpha, "withheld")
    edit.release(house.place, ANN, [alpha])
    house.run(minutes=5)  # its source shows it as released
    with pytest.raises(PersonNeeded, match=f"entry {alpha}: its source has released it since.*`digest drop {alpha}`"):
        undo.undo(house.place, ANN, undo.newest_by(house.place, "Ann"))


def test_a_form_that_is_older_than_the_newest_act_changes_nothing(house: House) -> None:
    alpha = ids(house)["Alpha"]
    reword(house.place, ANN, alpha, {"title": "Ann's"})
    with pytest.raises(StaleForm, match=f"entry {alpha} was changed meanwhile by Ann") as stale:
        reword(house.place, Hand("Bob", seen=0), alpha, {"title": "Bob's"})
    assert stale.value.since[0].after["title"] == "Ann's" and "Ann's" in order(house)
    reword(house.place, Hand("Bob", seen=log(house)[0].number), alpha, {"title": "Bob's"})
    assert "Bob's" in order(house)


def test_an_entry_by_hand_is_in_the_open_edition(house: House) -> None:
    written = Written(
        "A visit", "Come and see.\n\nMore.", "https://example.org/visit", facets={"policy_areas": ["Housing"]}
    )
    number, lines = write_entry(house.place, ANN, written)
    assert "A visit" in order(house) and lines[1].startswith("edition 1 (weekly")
    with pytest.raises(WrongUse, match=f"entry {number} has this address already"):
        write_entry(house.place, ANN, written)
    assert log(house)[0].verb == "write"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (Written("", "Text."), "the title has 0 characters"),
        (Written("T", " "), "the text has 0 characters"),
        (Written("T", "Text.", "javascript:alert(1)"), "is no address that a letter can link to"),
        (Written("T", "Text.", facets={"policy_areas": ["Mars"]}), "Mars"),
    ],
)
def test_an_entry_by_hand_that_cannot_be_is_refused(house: House, written: Written, words: str) -> None:
    with pytest.raises(WrongUse, match=words):
        write_entry(house.place, ANN, written)


def test_a_pin_voids_an_approval_though_it_moves_nothing(house: House) -> None:
    first = ids(house)[order(house)[0]]
    with writing(house.place.engine) as conn:
        approve(conn, house.settings, 1, "Bob", house.now)
    before = edition(house).content_hash
    arrange.pin(house.place, ANN, 1, first)
    assert edition(house).state == "draft" and edition(house).content_hash != before
    arrange.pin(house.place, ANN, 1, first, on=False)
    assert edition(house).content_hash == before


def test_a_release_settles_the_open_question(house: House) -> None:
    alpha = ids(house)["Alpha"]
    reword(house.place, ANN, alpha, {"open_question": "Is it so?"})
    edit.drop(house.place, ANN, [alpha])
    edit.release(house.place, ANN, [alpha])
    with reading(house.place.engine) as conn:
        assert entry_values(conn, alpha)["open_question"] == ""


def test_an_entry_kept_back_by_mistake_is_released_again_and_a_reworded_one_is_not(house: House) -> None:
    alpha = ids(house)["Alpha"]

    def released() -> int:
        with reading(house.place.engine) as conn:
            return len(releases.numbers_of(conn, [alpha]))

    reword(house.place, ANN, alpha, {"last_day": "2026-11-03", "not_for": ["Wales"]})
    before = released()
    reword(house.place, ANN, alpha, {"last_day": "2026-12-03"})
    reword(house.place, ANN, alpha, {"not_for": []})
    assert released() == before + 2
    reword(house.place, ANN, alpha, {"title": "New"})
    undo.undo(house.place, ANN, undo.newest_by(house.place, "Ann"))
    assert released() == before + 2


@pytest.mark.long
def test_a_save_keeps_what_config_toml_does_not_have_any_more_because_its_form_cannot_show_it(house: House) -> None:
    alpha = ids(house)["Alpha"]
    edit.retag(house.place, ANN, alpha, {"policy_area": ("housing", "transport"), "theme": ("leadership",)})
    reword(house.place, ANN, alpha, {"not_for": ["housing", "scotland"]})
    taxonomy = house.settings.taxonomy
    house.settings = replace(
        house.settings,
        taxonomy=replace(taxonomy, policy_areas=taxonomy.policy_areas[1:], themes=()),
    )
    acts_before = len(log(house))

    def save(areas: list[str], not_for: list[str]) -> dict[str, Any]:
        wanted = {"title": "Alpha", "not_for": not_for}
        facets = {"policy_area": areas, "region": ["wales"], "theme": []}
        change_entry(house.place, ANN, alpha, wanted, facets, "")
        with reading(house.place.engine) as conn:
            return entry_values(conn, alpha)

    same = save(["transport"], ["scotland"])
    assert (same["policy_areas"], same["themes"]) == (["housing", "transport"], ["leadership"])
    assert len(log(house)) == acts_before, "nothing was changed"
    other = save([], [])
    assert (other["policy_areas"], other["themes"], other["not_for"]) == (["housing"], ["leadership"], ["housing"])
    with pytest.raises(WrongUse, match="theme 'leadership' is not in config"):
        edit.retag(house.place, ANN, ids(house)["Beta"], {"theme": ("leadership",)})


def test_a_second_press_adds_no_second_entry_and_no_source_is_borrowed(house: House) -> None:
    twice = Written("Twice", "The same text, long enough to be told apart from others.")
    number, _ = write_entry(house.place, ANN, twice)
    with pytest.raises(WrongUse, match=f"entry {number} has this"):
        write_entry(house.place, ANN, twice)
    with pytest.raises(WrongUse, match=r"'Notes' is a source of config\.toml"):
        write_entry(house.place, ANN, Written("Other", "Text.", source="Notes"))
    reword(house.place, BOB, number, {"last_day": "2027-01-01"})
    with reading(house.place.engine) as conn:
        assert entry_values(conn, number)["worded_by"] == "Ann"
