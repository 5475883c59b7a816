"""Admins manage the editors on the web as by commands; the log can be read by all and taken away by admins."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.desk.acts import Hand, record
from digest.desk.editors import change_role, every_editor
from digest.store.engine import writing
from tests.counts import table
from tests.house import House
from tests.web.desk.local import desk_of
from tests.web.desk.served import OPERATOR, Browser, Served


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    house = House(tmp_path / "house")
    yield Served(house)
    house.close()


@pytest.fixture
def ann(served: Served) -> Browser:
    return served.browser("Ann", "admin")


def test_an_admin_adds_changes_and_removes_and_the_log_tells_it(served: Served, ann: Browser) -> None:
    status, text = ann.press("/desk/editors", "/desk/editors", email="bob@example.org", name="<b>Bob", role="editor")
    assert status == 200 and "They may sign in now" in text and "&lt;b&gt;Bob" in text and "<b>Bob" not in text
    assert 'value="editor" selected' in text and "bob@example.org" in text
    assert ann.press("/desk/editors/2/role", "/desk/editors", role="viewer")[0] == 200
    assert [(person.name, person.role) for person in every_editor(served.place)] == [
        ("Ann", "admin"),
        ("<b>Bob", "viewer"),
    ]
    assert "were removed" in ann.press("/desk/editors/2/remove", "/desk/editors")[1]
    log = ann.get("/desk/log").text
    told = [
        "Ann removed editor 2",
        "Ann changed editor 2: role editor → viewer",
        "Ann added editor 2",
        "Ann began session 1",
    ]
    assert [log.index(line) for line in told] == sorted(log.index(line) for line in told)
    assert "bob@example.org" not in log


@table(
    "path, fields, status, words",
    [
        ("/desk/editors", {"email": "nobody", "name": "Bob", "role": "viewer"}, 400, "Not a valid address"),
        ("/desk/editors", {"email": "b@example.org", "name": "", "role": "viewer"}, 400, "Write a name"),
        ("/desk/editors", {"email": "b@example.org", "name": "B", "role": "owner"}, 400, "There is no role"),
        ("/desk/editors/1/role", {"role": "viewer"}, 400, "Ann is the last admin"),
        ("/desk/editors/1/remove", {}, 400, "Ann is the last admin"),
        ("/desk/editors/9/remove", {}, 400, "There is no editor 9"),
        ("/desk/editors/x/remove", {}, 404, "There is no editor x"),
        ("/desk/editors/99999999999999999999/remove", {}, 404, "no editor 9999"),
        ("/desk/editors/sessions/9/end", {}, 400, "There is no open session 9"),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(
    served: Served, ann: Browser, path: str, fields: dict[str, str], status: int, words: str
) -> None:
    answered, text = ann.press(path, "/desk/editors", **fields)
    assert answered == status and words in text and (status == 404 or "Editors</h1>" in text)
    assert [(person.name, person.role) for person in every_editor(served.place)] == [("Ann", "admin")]


def test_a_stale_form_shows_both_and_overwrites_nothing(served: Served, ann: Browser) -> None:
    served.editor("Bob", "viewer")
    csrf = ann.csrf("/desk/editors")
    (seen, *_) = re.findall(r'name="seen" value="(\d+)"', ann.get("/desk/editors").text)
    change_role(served.place, OPERATOR, 2, "approver")
    answer = ann.post("/desk/editors/2/role", data={"csrf": csrf, "seen": seen, "role": "editor"})
    assert answer.status_code == 409 and "operator" in answer.text and "approver" in answer.text
    assert every_editor(served.place)[1].role == "approver"


@pytest.mark.long
def test_all_sessions_of_an_editor_end(served: Served, ann: Browser) -> None:
    bobs = [served.browser("Bob", "viewer"), served.browser("Bob")]
    assert ann.press("/desk/editors/2/sessions", "/desk/editors")[0] == 200
    assert [bob.get("/desk").url.path for bob in bobs] == ["/desk/sign-in"] * 2


@pytest.mark.long
def test_the_log_has_pages_a_filter_and_whole_values_and_the_export_is_for_admins(
    served: Served, ann: Browser
) -> None:
    hand = Hand("Bob")
    with writing(served.place.engine) as conn:
        for number in range(120):
            record(conn, served.place, hand, "reword", f"entry {number}", ({"title": "old"}, {"title": f"={number}"}))
        record(conn, served.place, hand, "reword", "entry 7", ({"title": "y"}, {"title": "<i>" + "x" * 200}))
    first = ann.get("/desk/log").text
    assert "x" * 200 in first and "<i>" not in first and "Bob reworded entry 119" in first
    assert "entry 20:" not in first and "Older acts" in first
    before = first.partition("/desk/log?before=")[2].partition("&")[0]
    second = ann.get(f"/desk/log?before={before}").text
    assert "Bob reworded entry 20:" in second and "Older acts" not in second
    some = ann.get("/desk/log?object=Entry+7").text
    assert some.count("Bob reworded entry 7:") == 2 and "entry 8" not in some
    assert "No act on “edition 9” is in the log" in ann.get("/desk/log?object=edition+9").text
    rows = list(csv.DictReader(io.StringIO(ann.get("/desk/log.csv").text, newline="")))
    assert len(rows) == 123 and rows[0]["sentence"] == "operator added editor 1: name Ann; role admin"
    assert [row["act"] for row in ann.get("/desk/log.json?object=entry+7").json()] == [10, 123]
    viewer = served.browser("Vi", "viewer")
    assert "reworded" in viewer.get("/desk/log").text and "log.csv" not in viewer.get("/desk/log").text
    assert ann.get("/desk/log?before=x").status_code == 400


def test_on_ones_own_machine_the_first_admin_can_be_added_too(tmp_path: Path) -> None:
    house = House(tmp_path / "house")
    desk = desk_of(house)
    assert "Add the first admin" in desk.get("/desk/editors").text
    assert "Nobody has decided anything yet" in desk.get("/desk/log").text
    assert "Ann" in desk.press("/desk/editors", "/desk/editors", email="ann@example.org", name="Ann", role="admin")
    house.close()
