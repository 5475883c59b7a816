"""Editors are added, changed and removed, by commands as on the desk; their sessions end; the log names each act."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from digest.desk import editors as desk
from digest.desk.acts import Hand, StaleForm
from digest.desk.log import act_in_words, read_log
from digest.desk.sign_in import editor_behind, who
from digest.errors import WrongUse
from digest.store import acts
from digest.store.desk_tables import editor
from digest.store.engine import reading
from subscribers.errors import BadAddress
from tests.console import Answer, digest
from tests.desk.signed_in import link_for, signed_in
from tests.house import House

ANN = Hand("Ann")


@pytest.fixture
def house(tmp_path: Path, pipeline_url: str) -> Iterator[House]:
    house = House(tmp_path / "house", pipeline_url)
    desk.add_editor(house.place, Hand("operator"), "Ann@Example.org", "Ann", "admin")
    yield house
    house.close()


def sentences(house: House) -> list[str]:
    return [act_in_words(act) for act in read_log(house.place)][::-1]


def test_an_editor_comes_changes_and_goes(house: House) -> None:
    bob = desk.add_editor(house.place, ANN, "bob@example.org", " Bob \n Jones", "viewer")
    assert (bob.number, bob.name, bob.role, bob.email) == (2, "Bob Jones", "viewer", "bob@example.org")
    assert desk.change_role(house.place, ANN, bob.number, "approver").role == "approver"
    assert desk.change_role(house.place, ANN, bob.number, "approver").role == "approver"  # no act
    assert [person.name for person in desk.every_editor(house.place)] == ["Ann", "Bob Jones"]
    assert desk.remove_editor(house.place, ANN, bob.number) == 0
    assert [person.name for person in desk.every_editor(house.place)] == ["Ann"]
    assert sentences(house) == [
        "operator added editor 1: name Ann; role admin",
        "Ann added editor 2: name “Bob Jones”; role viewer",
        "Ann changed editor 2: role viewer → approver",
        "Ann removed editor 2: name “Bob Jones”; role approver",
    ]


def test_the_address_of_a_removed_editor_is_forgotten_and_may_come_back(house: House) -> None:
    desk.add_editor(house.place, ANN, "bob@example.org", "Bob", "viewer")
    desk.remove_editor(house.place, ANN, 2)
    with reading(house.place.engine) as conn:
        rows = [tuple(row) for row in conn.execute(editor.select().order_by(editor.c.id))]
        assert "bob@" not in str(rows) and "example" not in str([act.after for act in acts.listing(conn)])
    assert desk.add_editor(house.place, ANN, "bob@example.org", "Bob", "viewer").number == 3
    assert "example" not in repr(desk.every_editor(house.place))


def test_with_the_first_editor_the_fence_is_there_without_which_no_link_leaves(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    assert not house.settings.fence_file.exists()
    desk.add_editor(house.place, ANN, "ann@example.org", "Ann", "admin")
    assert house.settings.fence_file.exists() and not house.place.fence.why()
    house.close()


def test_what_cannot_be_is_refused_and_changes_nothing(house: House) -> None:
    before = sentences(house)
    for email, name, role, words in (
        ("ANN@example.org", "Other", "viewer", "that of editor 1, Ann"),
        ("bob@example.org", "aNN", "viewer", "give a longer name"),
        ("bob@example.org", "  ", "viewer", "write a name"),
        ("bob@example.org", "B" * 81, "viewer", "1 to 80"),
        ("bob@example.org", "Bob", "owner", "there is no role 'owner'"),
    ):
        with pytest.raises(WrongUse, match=words):
            desk.add_editor(house.place, ANN, email, name, role)
    with pytest.raises(BadAddress):
        desk.add_editor(house.place, ANN, "nobody", "Bob", "viewer")
    for act in (desk.remove_editor, desk.end_sessions_of):
        with pytest.raises(WrongUse, match="no editor 9"):
            act(house.place, ANN, 9)
    with pytest.raises(WrongUse, match="no role 'owner'"):
        desk.change_role(house.place, ANN, 1, "owner")
    assert sentences(house) == before


def test_the_last_admin_stays_one(house: House) -> None:
    for role in ("viewer", "editor", "approver"):
        with pytest.raises(WrongUse, match="Ann is the last admin"):
            desk.change_role(house.place, ANN, 1, role)
    with pytest.raises(WrongUse, match="Ann is the last admin"):
        desk.remove_editor(house.place, ANN, 1)
    desk.add_editor(house.place, ANN, "bob@example.org", "Bob", "admin")
    desk.change_role(house.place, ANN, 1, "viewer")
    with pytest.raises(WrongUse, match="Bob is the last admin"):
        desk.remove_editor(house.place, ANN, 2)


def test_two_admins_who_lower_each_other_at_once_leave_one(house: House) -> None:
    desk.add_editor(house.place, ANN, "bob@example.org", "Bob", "admin")
    place = house.place

    def lower(number: int) -> bool:
        try:
            return desk.change_role(place, ANN, number, "viewer").role == "viewer"
        except WrongUse:
            return False

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lower, (1, 2))) == [False, True]
    assert sorted(person.role for person in desk.every_editor(place)) == ["admin", "viewer"]


def test_a_form_that_is_out_of_date_changes_no_role(house: House) -> None:
    desk.add_editor(house.place, ANN, "bob@example.org", "Bob", "viewer")
    with reading(house.place.engine) as conn:
        seen = acts.newest(conn)
    desk.change_role(house.place, Hand("Ann", seen), 2, "editor")
    for act in (
        lambda: desk.change_role(house.place, Hand("Cy", seen), 2, "admin"),
        lambda: desk.remove_editor(house.place, Hand("Cy", seen), 2),
    ):
        with pytest.raises(StaleForm, match="Ann"):
            act()
    assert desk.every_editor(house.place)[1].role == "editor"


def test_sessions_are_listed_and_ended_one_by_one_or_all_of_an_editor(house: House) -> None:
    desk.add_editor(house.place, ANN, "bob@example.org", "Bob", "viewer")
    first = signed_in(house, "ann@example.org", "Firefox on Linux")
    house.now += timedelta(minutes=5)
    second, third = (signed_in(house, "bob@example.org", device) for device in ("Safari on iPhone", "Chrome"))
    listed = desk.open_sessions(house.place)
    assert [(s.number, person.name, s.device) for s, person in listed] == [
        (3, "Bob", "Chrome"), (2, "Bob", "Safari on iPhone"), (1, "Ann", "Firefox on Linux"),
    ]  # fmt: skip
    desk.end_session(house.place, ANN, 2)
    with pytest.raises(WrongUse, match="no open session 2"):
        desk.end_session(house.place, ANN, 2)
    assert [who(house.place, token) is not None for token in (first, second, third)] == [True, False, True]
    assert desk.end_sessions_of(house.place, ANN, 2) == 1
    assert [who(house.place, token) is not None for token in (first, second, third)] == [True, False, False]
    assert sentences(house)[-2:] == [
        "Ann ended session 2: editor Bob; device “Safari on iPhone”",
        "Ann ended sessions of editor 2: sessions ended 1",
    ]


def test_removal_ends_the_sessions(house: House) -> None:
    desk.add_editor(house.place, ANN, "bob@example.org", "Bob", "viewer")
    token = signed_in(house, "bob@example.org")
    assert desk.remove_editor(house.place, ANN, 2) == 1
    assert who(house.place, token) is None and desk.open_sessions(house.place) == []


def test_a_restore_ends_every_session_and_closes_every_link(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    desk.add_editor(house.place, ANN, "ann@example.org", "Ann", "admin")
    token, link = signed_in(house, "ann@example.org"), link_for(house, "ann@example.org")
    now = ("--now", house.now.isoformat())
    for words in (("backup", "copy.db"), ("restore", "copy.db")):
        assert digest(house.folder, *now, "db", *words).code == 0
    house.close()
    assert who(house.place, token) is None and editor_behind(house.place, link) is None
    assert "nobody is signed in" in digest(house.folder, *now, "editors", "sessions").stderr


def test_the_commands_do_the_same(tmp_path: Path) -> None:
    house = House(tmp_path / "house")

    def run(*words: str) -> Answer:
        return digest(house.folder, "--now", house.now.isoformat(), *words)

    assert "adds the first admin" in run("editors").stderr
    added = run("editors", "add", "bob@example.org", "--name", "Bob", "--role", "viewer", "--by", "Cy", "--json")
    assert added.document["role"] == "viewer" and "no editor is an admin" in added.stderr
    assert run("editors", "role", "1", "admin", "--by", "Cy").stdout == "editor 1: Bob, admin\n"
    assert run("editors", "--json").document[0]["email"] == "bob@example.org"
    assert run("editors", "remove", "1").code == 2
    assert "nobody is signed in" in run("editors", "sessions").stderr
    signed_in(house, "bob@example.org", "Firefox")
    assert "Firefox" in run("editors", "sessions").stdout
    ended = run("editors", "sessions", "--end", "1", "--json")
    assert ended.document == [] and "session 1 has ended" in ended.stderr
    assert run("editors", "sessions", "--end", "1", "--end-all", "1").code == 2
    assert "0 sessions ended" in run("editors", "sessions", "--end-all", "1").stderr
    assert run("editors", "role", "1", "owner").code == 2
    lines = run("log").stdout.splitlines()
    assert "Cy added editor 1: name Bob; role viewer" in lines[0] and "Cy changed editor 1" in lines[1]
    assert [act["act"] for act in run("log", "--json", "--since", "1", "--object", "Editor 1").document] == [2, 5]
    assert "no act is in the log for 'edition 9'" in run("log", "--object", "edition 9").stderr
