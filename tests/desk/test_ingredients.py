"""Ingredients of stored case studies: the text's, its author's and an editor's, through gathers and drafts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.desk import ingredients as desk
from digest.desk.acts import Hand
from digest.errors import WrongUse
from digest.store import entries, entry_texts
from digest.store.engine import reading, writing
from tests.console import digest
from tests.house import House

STORY = "We introduced a shared list of those who wait. Calls fell by 30 per cent in a year."
ED = Hand("Ed")
READ = [
    ("did", "We introduced a shared list of those who wait.", ""),
    ("changed", "Calls fell by 30 per cent in a year.", ""),
]
GIVEN = """
ingredients_by: Ann Lee
ingredients:
  did: Four teams sat down.
  in_the_way: {text: No draft was trusted., barriers: [trust]}"""
OWN = [("in-the-way", "No draft was trusted.", "Ann Lee"), ("did", "Four teams sat down.", "Ann Lee")]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    here = House(tmp_path / "house")
    yield here
    here.close()


def write(here: House, matter: str = "", text: str = STORY) -> None:
    (here.folder / "notes" / "a.md").write_text(f"---\ntitle: A story\nregions: [wales]{matter}\n---\n{text}\n")


def lines(here: House) -> list[tuple[str, str, str]]:
    return [(line.name, line.text, line.by) for line in desk.ingredients_shown(here.place, 1)[1]]


def test_an_author_and_an_editor_mend_what_is_read(house: House) -> None:
    write(house)
    house.run()
    assert lines(house) == READ
    write(house, GIVEN)
    house.run(minutes=5)
    assert lines(house) == [*OWN, READ[1]]
    desk.give_lines(house.place, ED, 1, [("did", "Four  teams\nmet.")], ())
    desk.drop_lines(house.place, ED, 1, [3])
    assert lines(house) == [OWN[0], ("did", "Four teams met.", "Ed")]
    write(house, GIVEN, STORY + " More was told.")
    house.run(minutes=5)
    assert lines(house) == [OWN[0], ("did", "Four teams met.", "Ed")]
    desk.give_lines(house.place, ED, 1, [("changed", READ[1][1])], ())
    assert lines(house)[2] == ("changed", READ[1][1], "Ed")
    desk.as_read(house.place, ED, 1)
    assert lines(house) == [*OWN, READ[1]]
    write(house)
    house.run(minutes=5)
    assert lines(house) == READ


def test_front_matter_that_is_not_known_is_named_and_the_entry_goes(house: House) -> None:
    write(house, GIVEN.replace("did:", "done:"))
    house.run()
    assert lines(house) == READ
    gathered = digest(house.folder, "gather", "--json", environ={}).document
    assert "a.md: the ingredient 'done' is not known; write one of" in str(gathered)


def test_what_does_not_fit_changes_nothing(house: House) -> None:
    write(house)
    house.run()
    wrong: list[tuple[list[tuple[str, str]], tuple[str, ...], str]] = [
        ([("did", "Fine."), ("how-far", "Soon.")], (), "says none of"),
        ([("in-the-way", "No."), ("in-the-way", "Nor this.")], ("law",), "one at a time"),
        ([], ("law",), "belongs to one --in-the-way"),
        ([("in-the-way", "No.")], ("fear",), "'fear' is not known"),
    ]
    for given, barriers, words in wrong:
        with pytest.raises(WrongUse, match=words):
            desk.give_lines(house.place, ED, 1, given, barriers)
    with pytest.raises(WrongUse, match="2 lines of ingredients, and no line 3; nothing was changed"):
        desk.drop_lines(house.place, ED, 1, [1, 3])
    with pytest.raises(WrongUse, match="does not exist"):
        desk.as_read(house.place, ED, 9)
    assert lines(house) == READ


def test_the_command_shows_gives_and_drops(house: House) -> None:
    write(house)
    house.run()
    given = digest(
        house.folder, "ingredients", "1", "--in-the-way", "No trust.", "--barrier", "trust", "--by", "Ed", "--json"
    )
    assert [(row["number"], row["name"], row["by"], row["barriers"]) for row in given.document["ingredients"]] == [
        (1, "in-the-way", "Ed", ["trust"]), (2, "did", "", []), (3, "changed", "", []),
    ]  # fmt: skip
    shown = digest(house.folder, "ingredients", "1", "--drop", "2")
    assert "dropped: did: We introduced" in shown.stderr
    assert "In the way\n   1. No trust. (trust) – Ed\nChanged\n   2. Calls fell" in shown.stdout
    assert digest(house.folder, "ingredients", "1", "--did", "It.").code == 2
    assert digest(house.folder, "ingredients", "1", "--drop", "1", "--as-read").code == 2


def test_the_whole_text_of_a_page_is_read_where_it_says_more(house: House) -> None:
    write(house)
    house.run()
    whole = (
        "## Impact\n\nLetters fell from nine to two.\n\n## Contact\n\nContact Jane Doe, the lead officer, by e-mail."
    )
    for text, last in (
        (whole, ("who-to-ask", "Contact Jane Doe, the lead officer, by e-mail.", "")),
        ("Short.", READ[-1]),
    ):
        with writing(house.place.engine) as conn:
            entry_texts.keep(conn, [entry_texts.PageText(1, 1, text)], house.now)
        assert lines(house)[-1] == last


def test_a_post_has_no_ingredients(house: House) -> None:
    write(house, "\nkind: post")
    house.run()
    with pytest.raises(WrongUse, match="entry 1 is a post"):
        desk.ingredients_shown(house.place, 1)
    with reading(house.place.engine) as conn:
        assert entries.bodies(conn, [1]) == {1: f"<p>{STORY}</p>"}
