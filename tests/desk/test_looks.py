"""What has changed since a person's last look: a diff in words, with who did it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from digest.desk import edit
from digest.desk.acts import Hand
from digest.desk.arrange import move_entry, word_edition
from digest.desk.looks import changes_since_look, content_of, mark_looked
from digest.desk.reword import reword
from digest.editions import draft
from digest.errors import WrongUse
from digest.store import editions
from digest.store.engine import reading, writing
from tests import console
from tests.counts import spread
from tests.house import House

ANN, BOB = Hand("Ann"), Hand("Bob")


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose draft of three entries Ann has looked through: 3 "Homes", 2 "Buses", 1 "Parks"."""
    house = House(tmp_path_factory.mktemp("looked") / "house")
    house.reader("rhian@town.example")
    house.run()
    for title in ("Homes", "Buses", "Parks"):
        house.publish(title)
    house.run(hours=1)
    drafted(house)
    mark_looked(house.place, ANN, 1)
    yield house
    house.close()


@pytest.fixture
def house(looked: House, tmp_path: Path) -> Iterator[House]:
    with closing(looked.copy(tmp_path / "house")) as house:
        house.now += timedelta(minutes=5)
        yield house


def drafted(house: House) -> None:
    with writing(house.place.engine) as conn:
        draft.draft(conn, house.settings, house.settings.cadence("weekly"), house.now)


def since(house: House, by: str = "Ann") -> list[str] | None:
    """Return the lines of what has changed, or None without a look."""
    with reading(house.place.engine) as conn:
        edition = editions.get(conn, 1)
        assert edition is not None
        look, changes = changes_since_look(conn, house.place, by, edition)
    return None if look is None else [f"{change.kind}: {change.line}" for change in changes]


def source_mends(house: House) -> None:
    path = house.folder / "notes" / "001.md"
    path.write_text(path.read_text().replace("Homes", "Dry homes"))
    house.run()
    drafted(house)


def another_comes(house: House) -> None:
    house.publish("Schools")
    house.run()
    drafted(house)


CHANGES: dict[str, tuple[Callable[[House], object], list[str]]] = {
    "nothing": (drafted, []),
    "dropped": (lambda house: edit.drop(house.place, BOB, [3]), ["removed: entry 3 left: “Homes” (by Bob)"]),
    "added": (another_comes, ["added: entry 4 came: “Schools”"]),
    "reworded": (
        lambda house: reword(house.place, BOB, 3, {"title": "Dry homes", "note": "See too."}),
        [
            "reworded: entry 3 was reworded: “Homes” → “Dry homes” (by Bob)",
            "changed: entry 3 “Dry homes”: something else of it has changed (by Bob)",
        ],
    ),
    "reworded lines": (
        lambda house: reword(house.place, BOB, 3, {"summary": "They are dry."}),
        ["reworded: entry 3 “Homes”: its lines were reworded (by Bob)"],
    ),
    "reworded by its source": (
        source_mends,
        [
            "reworded: entry 3 was reworded: “Homes” → “Dry homes”",
            "reworded: entry 3 “Dry homes”: its lines were reworded",
        ],
    ),
    "retagged": (
        lambda house: edit.retag(house.place, BOB, 3, {"policy_area": ("transport",)}, "post"),
        [
            "retagged: entry 3 “Homes” is a post now (by Bob)",
            "retagged: entry 3 “Homes”: policy areas Housing → Transport (by Bob)",
        ],
    ),
    "moved": (
        lambda house: move_entry(house.place, BOB, 1, 1, 3),
        ["moved: entry 1 “Parks” moved from place 1 to place 3 (by Bob)"],
    ),
    "words": (
        lambda house: word_edition(house.place, BOB, 1, {"subject": "News", "question": "Well?"}),
        ["words: the subject line: none → “News” (by Bob)", "words: the closing question: none → “Well?” (by Bob)"],
    ),
    "an open question": (lambda house: reword(house.place, BOB, 3, {"open_question": "Is it true?"}), []),
}


@pytest.mark.parametrize("name", spread(4, CHANGES))
def test_what_has_changed_since_a_look(house: House, name: str) -> None:
    change, told = CHANGES[name]
    change(house)
    lines = since(house)
    assert lines is not None and sorted(lines) == sorted(told)
    assert since(house, "Bob") is None, "Bob has never looked"
    mark_looked(house.place, ANN, 1)
    assert since(house) == []


def test_a_look_keeps_no_text_but_titles(house: House) -> None:
    with reading(house.place.engine) as conn:
        row = editions.shown(conn, 1)[0]
    assert set(content_of(row)) == {
        "id", "title", "kind", "policy_areas", "regions", "themes", "summary", "rest",
    }  # fmt: skip
    assert "learnt" not in str(content_of(row))
    with pytest.raises(WrongUse, match="edition 9 does not exist"):
        mark_looked(house.place, ANN, 9)


def test_the_command(house: House) -> None:
    edit.drop(house.place, BOB, [3])
    house.close()
    words = ("--config", str(house.config), "--now", house.now.isoformat(), "changes")
    told = console.digest(house.folder, *words, "1", "--by", "Ann", "--looked")
    assert (told.code, told.stdout) == (0, "entry 3 left: “Homes” (by Bob)\n")
    again = console.digest(house.folder, *words, "1", "--by", "Ann", "--json")
    assert again.document["changes"] == [] and again.document["looked_at"] == house.now.isoformat()
    assert "Bob has not looked" in console.digest(house.folder, *words, "1", "--by", "Bob").stderr
    assert console.digest(house.folder, *words, "9").code == 2
