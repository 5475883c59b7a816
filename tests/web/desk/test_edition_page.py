"""The page on which an edition is made: every form does its act, tells it, and leads back to where it was sent."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from digest.desk import arrange, edit, ingredients
from digest.desk.acts import Hand
from digest.desk.entry_acts import entry_values
from digest.desk.pool import draft_again
from digest.desk.reword import reword
from digest.store import acts, editions, entries, entry_edits
from digest.store.engine import reading, writing
from digest.store.schema import entry
from digest.web.app import make_app
from digest.web.desk.letter_view import _seen_by
from digest.web.desk.page import Asker
from subscribers import store as people
from subscribers.model import Interests
from tests.counts import spread, table
from tests.house import ANN, House
from tests.web.desk.local import DeskClient, desk_of

WEEKLY = "/desk/weekly"
ENTRY_FORM = f' action="{WEEKLY}/entry" data-autosave'


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return a house with three entries and two readers, and no draft."""
    made = House(tmp_path_factory.mktemp("page") / "house")
    made.run()
    made.reader("wales@example.org", interests=Interests(frozenset(["housing"]), frozenset(["wales"])))
    made.reader("london@example.org", interests=Interests(frozenset(["transport"]), frozenset(["london"])))
    for title in ("Alpha", "Beta", "Gamma"):
        made.publish(title)
    made.run(minutes=5)
    return made


@pytest.fixture(scope="module")
def shared_house(gathered: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return the same house with a draft."""
    house = gathered.copy(tmp_path_factory.mktemp("draft") / "house")
    draft_again(house.place, ANN, "weekly")
    return house


@pytest.fixture
def desk(house: House) -> DeskClient:
    return desk_of(house)


def titles(house: House) -> list[str]:
    with reading(house.place.engine) as conn:
        return [row.entry.title for row in editions.shown(conn, 1)]


def number(house: House, title: str) -> int:
    with reading(house.place.engine) as conn:
        return next(entry.id for entry in entries.listing(conn) if entry.title == title)


def seen(page: str, action: str) -> str:
    """Return the version that stands in the form with this action."""
    return re.findall(rf'action="{action}".*?name="seen" value="(\d+)"', page, re.S)[0]


def test_without_a_draft_the_page_says_when_it_is_due_and_drafts_it(gathered: House, tmp_path: Path) -> None:
    house = gathered.copy(tmp_path / "house")
    client = desk_of(house)
    page = client.get(WEEKLY).text
    assert "There is no draft yet" in page and "Fri 6 Nov 08:00" in page
    page = client.press(f"{WEEKLY}/draft", WEEKLY)
    assert "Done" in page and all(title in page for title in ("Alpha", "Beta", "Gamma"))
    house.close()


@pytest.mark.long
def test_an_entry_is_reworded_and_retagged_by_one_save(house: House, desk: DeskClient) -> None:
    alpha = number(house, "Alpha")
    page = desk.press(
        f"{WEEKLY}/entry", f"{WEEKLY}?entry={alpha}", number=alpha, at=f"entry={alpha}", seen=0, kind="case-study",
        title="A better title", policy_areas="housing", policy_areas_add="Transport", regions="wales", note="Look.",
    )  # fmt: skip
    assert "A better title" in titles(house)
    with reading(house.place.engine) as conn:
        stored = entries.get(conn, alpha)
    assert stored is not None and set(stored.facets.policy_areas) == {"housing", "transport"}
    assert "Ann retagged entry" in page and "Source: Alpha" in page  # the entry is still open
    page = desk.press("/desk/undo", WEEKLY, act=3, cadence="weekly", at=f"entry={alpha}")
    assert "Ann took act 3" in page
    page = desk.press("/desk/undo", WEEKLY, act=2, cadence="weekly", at=f"entry={alpha}")
    assert "Alpha" in titles(house) and "Source: Alpha" not in page


def test_a_save_with_a_mistake_saves_nothing_of_it(house: House, desk: DeskClient) -> None:
    alpha = number(house, "Alpha")
    fields = {"number": alpha, "seen": 0, "kind": "case-study", "title": "Other", "regions": "wales"}
    answer = desk.post(f"{WEEKLY}/entry", data=fields | {"csrf": desk.csrf(WEEKLY), "policy_areas_add": "Gardens"})
    assert answer.status_code == 400 and "known: housing, transport" in answer.text
    assert "Alpha" in titles(house) and "Other" not in titles(house)


@pytest.mark.long
def test_saving_what_a_source_wrote_at_length_is_no_wording(house: House, desk: DeskClient) -> None:
    long, line = "A  long\u202e title " * 20, "A line with  more to say. " * 20
    house.publish(long.strip(), summary=f'"{line}"')
    house.run(minutes=5)
    desk.press(f"{WEEKLY}/draft", WEEKLY)
    entry = max(number(house, title) for title in titles(house))
    page = desk.get(f"{WEEKLY}?entry={entry}").text
    title = unescape(re.findall(r'<textarea id="title"[^>]*>([^<]*)', page)[0])
    summary = unescape(re.findall(r'<textarea id="summary"[^>]*>([^<]*)', page)[0])
    desk.press(
        f"{WEEKLY}/entry", WEEKLY, number=entry, seen=0, kind="case-study", title=title, summary=summary,
        policy_areas="housing", regions="wales", note="Look.",
    )  # fmt: skip
    with reading(house.place.engine) as conn:
        edit = entry_edits.edits_of(conn, [entry])[entry]
    assert (edit.title, edit.summary, edit.note) == ("", "", "Look.")


@pytest.mark.long
def test_saving_an_entry_of_an_unknown_place_gives_it_no_region(house: House, desk: DeskClient) -> None:
    note = "---\ntitle: Somewhere\nid: s1\ndate: 2026-11-02\npolicy_areas: [housing]\n---\nHousing was found.\n"
    (house.folder / "notes" / "somewhere.md").write_text(note)
    house.run(minutes=5)
    somewhere = number(house, "Somewhere")
    before = desk.get(f"{WEEKLY}?entry={somewhere}").text
    assert "names no place that is known" in before
    fields = {"title": "Somewhere", "policy_areas": "housing", "kind": "case-study", "note": "N"}
    desk.press(f"{WEEKLY}/entry", WEEKLY, number=somewhere, seen=0, **fields)
    with reading(house.place.engine) as conn:
        stored = entries.get(conn, somewhere)
    assert stored is not None and stored.facets.regions == ("unknown",)


@pytest.mark.parametrize(
    ("act", "more", "expected"),
    spread(2, [("pin", {}, 0), ("up", {"place": 2}, 0), ("down", {"place": 2}, 2), ("move", {"place": 3}, 2)]),
)
def test_an_entry_gets_its_place(
    house: House, desk: DeskClient, act: str, more: dict[str, int], expected: int
) -> None:
    middle = titles(house)[1]
    page = desk.press(f"{WEEKLY}/place", WEEKLY, act=act, number=number(house, middle), edition=1, seen=99, **more)
    assert titles(house)[expected] == middle and "Saved" in page


@pytest.mark.long
def test_ingredients_are_mended_left_out_added_and_read_again(house: House, desk: DeskClient) -> None:
    alpha = number(house, "Alpha")
    address = f"{WEEKLY}?entry={alpha}"
    form = {"number": alpha, "at": f"entry={alpha}"}
    page = desk.press(f"{WEEKLY}/ingredients", address, **form, seen=0, new_name="did", new_text="They met.")
    assert "They met." in page and "by Ann" in page
    lines = len(re.findall(r'name="text-\d+"', page))
    version = seen(page, f"{WEEKLY}/ingredients")
    page = desk.press(f"{WEEKLY}/ingredients", address, **form, seen=version, **{f"text-{lines}": "They met often."})
    assert "They met often." in page and ">They met.<" not in page
    version = seen(page, f"{WEEKLY}/ingredients")
    page = desk.press(
        f"{WEEKLY}/ingredients", address, **form, seen=version,
        **{f"text-{lines}": "They met often.", f"use-{lines}": "no"},
    )  # fmt: skip
    assert ">They met often.<" not in page
    version = seen(page, f"{WEEKLY}/ingredients")
    desk.press(f"{WEEKLY}/ingredients", address, **form, seen=version, as_read=1)


@pytest.mark.long
def test_a_form_of_lines_that_others_stand_in_for_mends_none(house: House, desk: DeskClient) -> None:
    alpha = number(house, "Alpha")
    ingredients.mend_lines(house.place, ANN, alpha, [], [("did", "They met."), ("did", "They talked.")])
    lines = dict(re.findall(r'name="(was-\d+)" value="([^"]*)"', desk.get(f"{WEEKLY}?entry={alpha}").text))
    mine = {"csrf": desk.csrf(WEEKLY), "number": alpha, **lines, f"text-{len(lines)}": "They talked often."}
    ingredients.mend_lines(house.place, Hand("Bob"), alpha, [len(lines) - 1], [])
    with reading(house.place.engine) as conn:
        newest = acts.newest(conn)
    answer = desk.post(f"{WEEKLY}/ingredients", data=mine | {"seen": newest})
    assert answer.status_code == 400 and "lines have changed since you opened the entry" in answer.text
    assert "They talked often." not in desk.get(f"{WEEKLY}?entry={alpha}").text


def test_a_form_that_leaves_a_sources_words_keeps_none_of_them(house: House, desk: DeskClient) -> None:
    alpha = number(house, "Alpha")
    page = desk.get(f"{WEEKLY}?entry={alpha}").text
    mine = sent_by(page, ENTRY_FORM)
    assert mine["own_title"] == ["Alpha"]
    with writing(house.place.engine) as conn:
        conn.execute(update(entry).where(entry.c.id == alpha).values(title="Alpha, as its source has it since"))
    assert desk.post(f"{WEEKLY}/entry", data=mine | {"note": ["Look."]}).status_code == 200
    with reading(house.place.engine) as conn:
        stored = entry_edits.edits_of(conn, [alpha])[alpha]
    assert (stored.title, stored.summary, stored.note) == ("", "", "Look.")


def test_a_stale_form_shows_both_versions_and_either_can_be_kept(house: House, desk: DeskClient) -> None:
    alpha = number(house, "Alpha")
    token = desk.csrf(WEEKLY)
    reword(house.place, Hand("Bob"), alpha, {"title": "Bob's title"})
    mine = {"csrf": token, "number": alpha, "seen": 0, "at": f"entry={alpha}", "title": "Ann's title"}
    stale = desk.post(f"{WEEKLY}/entry", data=mine)
    assert stale.status_code == 409 and "Bob&#39;s title" in stale.text and "Ann&#39;s title" in stale.text
    assert f'href="{WEEKLY}?entry={alpha}"' in stale.text
    assert titles(house).count("Bob's title") == 1
    again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', stale.text))
    kept = desk.post(f"{WEEKLY}/entry", data={name: value.replace("&#39;", "'") for name, value in again.items()})
    assert kept.status_code == 200 and "Ann's title" in titles(house)


def sent_by(page: str, attributes: str = "") -> dict[str, list[str]]:
    """Return the fields of a form as a browser sends them when nobody has touched it."""
    (form,) = re.findall(rf'<form method="post"{attributes}>(.*?)</form>', page, re.S)
    inputs = [dict(re.findall(r'(\w+)(?:="([^"]*)")?', tag)) for tag in re.findall(r"<input ([^>]*)>", form)]
    pairs = [
        (each["name"], each.get("value", "")) for each in inputs if each["type"] != "checkbox" or "checked" in each
    ]
    pairs += re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', form, re.S)
    pairs += [("kind", value) for value in re.findall(r'<option value="([^"]*)" selected', form)]
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(unescape(value))
    return fields


def test_a_stale_form_writes_only_what_its_editor_changed(house: House, desk: DeskClient) -> None:
    alpha = number(house, "Alpha")
    mine = sent_by(desk.get(f"{WEEKLY}?entry={alpha}").text, ENTRY_FORM)
    assert mine["title"] == ["Alpha"] and mine["policy_areas"] == ["housing"]
    reword(house.place, Hand("Bob"), alpha, {"title": "Bob's title", "note": "Bob's note", "not_for": ["scotland"]})
    edit.retag(house.place, Hand("Bob"), alpha, {"policy_area": ("transport",), "theme": ("leadership",)}, "post")
    del mine["regions"]
    stale = desk.post(f"{WEEKLY}/entry", data=mine | {"note": ["Ann's note"], "themes_add": ["Leadership"]})
    assert stale.status_code == 409
    rows = re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td>', unescape(stale.text))
    left = '<span class="soft">not changed</span>'
    assert {name: cells for name, *cells in rows} == {
        "title": [left, "Bob's title"], "note": ["Ann's note", "Bob's note"], "not for": [left, "scotland"],
        "policy areas": [left, "transport"], "themes": ["leadership, Leadership", "leadership"],
        "kind": [left, "post"],
    }  # fmt: skip
    again = sent_by(stale.text)
    assert desk.post(f"{WEEKLY}/entry", data=again).status_code == 200
    with reading(house.place.engine) as conn:
        values = entry_values(conn, alpha)
    names = ("title", "note", "kind", "policy_areas", "themes", "regions", "not_for", "worded_by", "note_by")
    assert [values[name] for name in names] == [
        "Bob's title", "Ann's note", "post", ["transport"], ["leadership"], ["national"], ["scotland"], "Bob", "Ann",
    ]  # fmt: skip


@pytest.mark.long
def test_boxes_that_a_stale_form_unticks_are_shown_as_none_and_unticked(house: House, desk: DeskClient) -> None:
    alpha = number(house, "Alpha")
    mine = sent_by(desk.get(f"{WEEKLY}?entry={alpha}").text, ENTRY_FORM)
    edit.retag(house.place, Hand("Bob"), alpha, {"policy_area": ("transport",)})
    del mine["policy_areas"]
    stale = desk.post(f"{WEEKLY}/entry", data=mine)
    assert (
        '<th scope="row">policy areas</th><td><span class="soft">nothing</span></td><td>transport</td>' in stale.text
    )
    assert desk.post(f"{WEEKLY}/entry", data=sent_by(stale.text)).status_code == 200
    with reading(house.place.engine) as conn:
        assert entry_values(conn, alpha)["policy_areas"] == []


@pytest.mark.long
def test_what_came_since_is_counted_and_shown_when_asked_for(house: House, desk: DeskClient) -> None:
    house.publish("Delta")
    house.run(minutes=5)
    assert "1 more came since this draft" in desk.get(WEEKLY).text and "Delta" not in titles(house)
    news = desk.get(f"{WEEKLY}/news?after=0").json()
    assert news["came"] == 1 and news["acts"][0]["by"] == "Ann"
    desk.press(f"{WEEKLY}/draft", WEEKLY)
    assert "Delta" in titles(house)


@pytest.mark.long
def test_held_entries_are_a_group_of_their_own_and_are_released(house: House, desk: DeskClient) -> None:
    alpha = number(house, "Alpha")
    desk.press(f"{WEEKLY}/state", WEEKLY, act="drop", number=alpha, seen=0)
    assert "Alpha" not in titles(house)
    page = desk.get(f"{WEEKLY}?entry={alpha}").text
    assert "Dropped" in page
    desk.press(f"{WEEKLY}/state", f"{WEEKLY}?entry={alpha}", act="release", number=alpha, seen=99)
    assert "Alpha" in titles(house)


def test_any_readers_letter_is_shown_as_it_would_be_sent(house: House, desk: DeskClient) -> None:
    page = desk.press(f"{WEEKLY}/reader", WEEKLY, who="wales@example.org", at="entry=1")
    assert "reader 1, w…@example.org" in page and "wales@example.org" not in page
    assert "is in this letter: they follow Housing; Wales" in page
    page = desk.get(f"{WEEKLY}?reader=2&entry=1").text
    assert "No letter" in page or "nothing in this edition matches" in page.lower()
    frame = desk.get(f"{WEEKLY}/letter?edition=1&reader=1")
    assert "sandbox" in frame.headers["content-security-policy"] and "Alpha" in frame.text
    assert "img-src data:;" in frame.headers["content-security-policy"]
    raw = desk.get(f"{WEEKLY}/letter?edition=1&reader=1&form=raw").text
    assert "To: " in raw and "List-Unsubscribe" in raw
    arrange.word_edition(house.place, ANN, 1, {"subject": "One subject"})
    assert "One subject" in desk.get(f"{WEEKLY}/letter?edition=1&reader=1&form=raw").text


@pytest.mark.long
def test_a_made_up_reader_and_the_check_of_a_letter(desk: DeskClient) -> None:
    page = desk.get(f"{WEEKLY}?area=housing&region=scotland&lint=1").text
    assert "a made-up reader" in page
    assert re.search(r"The check finds no fault|<strong class=\"(bad|warn)\">", page)


def test_an_entry_is_written_by_hand(house: House, desk: DeskClient) -> None:
    page = desk.press(f"{WEEKLY}/write", f"{WEEKLY}/write", title="A visit", text="Come.", kind="post", url="")
    assert "A visit" in titles(house) and "Ann wrote entry" in page


@pytest.mark.long
def test_a_correction_is_made_a_rule(house: House, desk: DeskClient) -> None:
    house.publish("Family hub opens in Cardiff")
    house.run(minutes=5)
    hub = number(house, "Family hub opens in Cardiff")
    fields = {"title": "Family hub opens in Cardiff", "kind": "case-study", "themes_add": "Leadership"}
    desk.press(f"{WEEKLY}/entry", WEEKLY, number=hub, seen=0, policy_areas="housing", regions="wales", **fields)
    page = desk.get(f"{WEEKLY}/rule?entry={hub}").text
    condition = unescape(re.findall(r'name="condition" value="([^"]+)"', page)[0])
    told = desk.press(f"{WEEKLY}/rule", f"{WEEKLY}/rule?entry={hub}", number=hub, condition=condition)
    assert "Ann added rule" in told or ("add" in told and "rule 1" in told)
    gone = desk.post(f"{WEEKLY}/rule", data={"csrf": desk.csrf(WEEKLY), "number": hub, "condition": condition})
    assert gone.status_code == 400


@table(
    "address, status",
    [
        ("/desk/hourly", 404), (f"{WEEKLY}?entry=999", 200), (f"{WEEKLY}?entry=x", 400),
        (f"{WEEKLY}?reader=999", 200), (f"{WEEKLY}?digest=999", 200), ("/desk/entries/999/text", 404),
        (f"{WEEKLY}/letter?edition=1&reader=2", 404),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(desk: DeskClient, address: str, status: int) -> None:
    assert desk.get(address).status_code == status


@pytest.mark.long
def test_a_review_approves_what_was_seen_and_nothing_later(house: House, desk: DeskClient) -> None:
    address = f"{WEEKLY}/approve"

    def decision() -> dict[str, str]:
        page = desk.get(address).text
        return dict(re.findall(r'name="(csrf|edition|hash|look)" value="(\w+)"', page)) | {"act": "approve"}

    seen = decision()
    reword(house.place, Hand("Bob"), number(house, "Alpha"), {"title": "Other"})
    answer = desk.post(address, data=seen)
    assert answer.status_code == 409 and "has changed since you looked" in answer.text
    answer = desk.post(address, data=decision() | {"look": "0"})
    assert answer.status_code == 409 and "emplates or words have changed since you looked" in answer.text
    told = desk.post(address, data=decision())
    assert told.status_code == 200 and "Ann approved edition 1" in told.text
    reword(house.place, Hand("Bob"), number(house, "Alpha"), {"note": "Late."})
    assert "The approval is void." in desk.get(WEEKLY).text and "Bob reworded entry" in desk.get(WEEKLY).text


def test_the_letter_on_the_desk_acts_on_nobody_and_names_nobody_to_a_viewer(house: House, desk: DeskClient) -> None:
    raw = desk.get(f"{WEEKLY}/letter?edition=1&reader=1&form=raw").text
    assert "To: wales@example.org" in raw
    token = re.findall(r"/unsubscribe/([\w.=-]+)", raw.replace("=\r\n", "").replace("=\n", ""))[0]
    app = make_app(house.live())
    TestClient(app).post(f"/unsubscribe/{token}")
    with reading(house.place.engine) as conn:
        person = people.get(conn, 1)
    assert person is not None and person.state == "active"
    seen = _seen_by(Asker("Vera", "viewer", ""), person)
    assert (seen.email, seen.name) == ("reader-1@example.org", "")


def test_a_dropped_entry_stays_in_sight(house: House, desk: DeskClient) -> None:
    alpha = number(house, "Alpha")
    page = desk.press(f"{WEEKLY}/state", WEEKLY, act="drop", number=alpha, seen=0)
    assert "<strong>1</strong> dropped" in page and "Alpha" in page


def test_a_mistake_leads_back_to_where_it_was_made(house: House, desk: DeskClient) -> None:
    form = {
        "csrf": desk.csrf(WEEKLY),
        "number": number(house, "Alpha"),
        "seen": 0,
        "at": "entry=3",
        "last_day": "soon",
    }
    refused = desk.post(f"{WEEKLY}/entry", data=form)
    assert refused.status_code == 400 and 'href="/desk/weekly?entry=3"' in refused.text
