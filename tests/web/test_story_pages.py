"""A place tells its own story: invited from the desk, saved, sent, sent back, taken; its lines carry its name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from digest.desk.acts import Hand
from digest.desk.preview import preview
from digest.desk.stories import (
    end_invitation,
    invitation_of,
    invite_place,
    list_invitations,
    send_story_back,
    story_link,
    take_story,
)
from digest.desk.undo import undo
from digest.editions.ingredients import ingredients_of
from digest.errors import WrongUse
from digest.operations.retention import retain
from digest.readers.story import MOST, StoryParts, story_mistakes
from digest.store import acts, entries
from digest.store.engine import reading
from digest.store.invitations import Invitation
from digest.web.app import make_app
from subscribers.model import Interests
from subscribers.tokens import make_token
from tests import postgres
from tests.console import digest as command
from tests.house import House
from tests.web.desk.local import desk_of
from tests.web.desk.local import words as text_of

ED = Hand("Ed")
EVIL = '"></textarea><script>alert(1)</script>{{ 7*7 }}%%email%%\u202e'
SOURCE = "We introduced a shared list of those who wait. Calls fell by 30 per cent in a year."
WHOLE = {
    "place": "Fife Council", "name": "Morag Reid", "role": "Housing lead", "title": "One list of empty homes",
    "url": "https://fife.example/list", "text": "Two teams share one list.\nIt took a winter.",
    "did": "We merged two housing lists.\nWe trained the front desk.", "in-the-way": "There was no money for it.",
    "changed": "People wait half as long.", "how-far-level": "a year", "how-far": "Since 2024, in all our towns.",
    "how-they-know-level": "counted", "agree": "yes",
}  # fmt: skip


class Tellers(House):
    """A house with a case study of a source, entry 1, and a reader; places are invited, and tell."""

    def begin(self) -> None:
        """Gather the case study."""
        (self.folder / "notes" / "a.md").write_text(f"---\ntitle: A list\nregions: [wales]\n---\n{SOURCE}\n")
        self.reader("ann@example.org", "weekly", Interests())
        self.run()

    def invite(self, place: str = "Fife Council", entry: int | None = None) -> Teller:
        """Invite a place; return its browser."""
        return Teller(self, invite_place(self.place, ED, place, entry))


class Teller:
    """The browser of a place, at the form of its invitation."""

    def __init__(self, house: House, number: int) -> None:
        self.house, self.number = house, number
        settings = house.settings
        self.client = TestClient(make_app(house.live()), base_url=settings.site.base_url)
        self.address = story_link(house.place, self.now).removeprefix(settings.site.base_url)

    @property
    def now(self) -> Invitation:
        with reading(self.house.place.engine) as conn:
            return invitation_of(conn, self.number)

    def open(self, query: str = "") -> str:
        return self.client.get(self.address + query).text

    def send(self, do: str = "send", page: str = "", **fields: str) -> httpx2.Response:
        """Send the form as it is on a page, with other fields."""
        look = re.findall(r'name="look" value="(\w+)"', page or self.open())
        return self.client.post(self.address, data={"look": look[0] if look else "", "do": do, **fields})

    def whole(self, **other: str) -> httpx2.Response:
        return self.send(**{**WHOLE, **other})


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Tellers:
    house = Tellers(tmp_path_factory.mktemp("stories") / "house")
    house.begin()
    return house


@pytest.fixture
def house(tmp_path: Path, begun: Tellers) -> Iterator[Tellers]:
    here = begun.copy(tmp_path / "house")
    yield here
    here.close()


def lines_of(house: House, entry: int) -> list[tuple[str, str, str]]:
    with reading(house.place.engine) as conn:
        stored = entries.get(conn, entry)
        assert stored is not None
        return [(line.name, line.text, line.by) for line in ingredients_of(conn, [stored])[entry]]


def test_a_place_saves_comes_back_sends_and_its_story_is_a_case_study(house: Tellers) -> None:
    teller = house.invite()
    page = teller.open()
    assert "invite Fife Council to tell" in text_of(page) and 'value="Fife Council"' in page
    saved = teller.send("save", place="Fife Council", title="One list", agree="yes")
    assert saved.status_code == 200 and "Saved. Nobody else has it yet" in saved.text and teller.now.state == "open"
    page = teller.open()
    assert 'value="One list"' in page and not re.search(r'name="agree"[^>]* checked', page)
    sent = teller.whole()
    assert sent.status_code == 200 and "Your story has arrived" in sent.text
    assert "Housing lead" in sent.text and "A year: Since 2024" in text_of(sent.text)
    assert teller.now.told_by == "Morag Reid, Housing lead, Fife Council"
    assert "Your story has arrived" in teller.whole(place="Another").text, "twice is once"
    assert "Your story has arrived" in teller.open() and teller.now.story == (teller.now.story or {}) | {
        "place": "Fife Council"
    }
    assert take_story(house.place, ED, teller.number)[0] == "the story of Fife Council is in entry 2"
    assert lines_of(house, 2) == [
        ("in-the-way", "There was no money for it.", "Fife Council"),
        ("did", "We merged two housing lists.", "Fife Council"),
        ("did", "We trained the front desk.", "Fife Council"),
        ("changed", "People wait half as long.", "Fife Council"),
        ("how-they-know", "Counted.", "Fife Council"),
        ("how-far", "A year: Since 2024, in all our towns.", "Fife Council"),
    ]
    kept = str(teller.now)
    assert "Morag" not in kept and "Housing lead" not in kept and teller.now.told_by == "Fife Council"
    assert (teller.now.state, teller.now.entry) == ("taken", 2)
    assert "Your story is with our readers" in teller.open()
    with reading(house.place.engine) as conn:
        entry = entries.get(conn, 2)
        log = str(acts.listing(conn))
    assert entry is not None and (entry.kind, entry.url) == ("case-study", "https://fife.example/list")
    assert entry.facets.regions == ("scotland",), "the place tells the region"
    assert "Morag" not in log
    house.now += timedelta(days=3)
    shown = preview(house.place, interests=Interests(), cadence="weekly").parcel
    assert shown is not None
    letter = " ".join(shown.letter.plain_text().split())
    assert "We merged two housing lists." in letter and "Told by Fife Council" in letter and "Morag" not in letter


def test_a_story_of_an_entry_begins_with_its_source_and_becomes_its_lines(house: Tellers) -> None:
    teller = house.invite(entry=1)
    page = teller.open()
    assert "We introduced a shared list of those who wait.</textarea>" in page and 'name="title"' not in page
    assert "“A list”" in text_of(page)
    fields = {"place": "Fife Council", "name": "Morag", "did": "We share one list.", "title": EVIL, "agree": "yes"}
    assert "has arrived" in teller.send(**fields).text
    take_story(house.place, ED, teller.number)
    assert ("did", "We share one list.", "Fife Council") in lines_of(house, 1)
    with reading(house.place.engine) as conn:
        entry = entries.get(conn, 1)
    assert entry is not None and entry.title == "A list"


def test_what_is_missing_is_told_at_each_field_and_nothing_typed_is_lost(house: Tellers) -> None:
    teller = house.invite()
    typed = {
        "did": "x" * 401,
        "changed": "1\n2\n3\n4",
        "url": "javascript:alert(1)",
        "text": EVIL,
        "how-far": "Long.",
    }
    answer = teller.send(**typed)
    page = answer.text
    assert answer.status_code == 400 and teller.now.story is None
    links = re.findall(r'<li><a href="#([^"]+)">', page)
    assert links == [f"story-{name}" for name in
                     ("place", "name", "title", "url", "did", "changed", "how-far-level", "agree")]  # fmt: skip
    assert all(f'id="{link}"' in page for link in links), "each leads to its field"
    assert "Write lines of at most 400 characters each." in page and "x" * 401 in page
    assert "<script>alert" not in page and unescape(page).count("{{ 7*7 }}%%email%%") == 1
    assert "How far along you are: Choose one of these" in text_of(page)
    for name in re.findall(r'aria-describedby="([^"]+)"', page):
        assert all(f'id="{each}"' in page for each in name.split()), name


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, {}),
        ({"role": "", "url": ""}, {}),
        ({"place": "x" * 81, "title": "x" * 999}, {"place": "long", "title": "long"}),
        ({"lines": {"did": "x" * 801}}, {"did": "long_line"}),
        ({"lines": {"did": "\n"}}, {"did": "no_did"}),
        ({"lines": {"did": "x", "how-far": "It has been running since 2024."}}, {}),
        ({"lines": {"did": "x", "how-far": "trying: a\nb"}}, {"how-far": "one_line"}),
        ({"url": "http://"}, {"url": "bad_url"}),
    ],
)
def test_what_is_wrong_with_a_story(change: dict[str, Any], wrong: dict[str, str]) -> None:
    right = {"place": "Fife", "name": "Morag", "title": "A list", "text": "In short.", "lines": {"did": "We did."}}
    assert story_mistakes(StoryParts(**{**right, **change}), is_new=True, agreed=True) == wrong
    assert story_mistakes(StoryParts(**{**right, **change}), is_new=True, agreed=False).get("agree") == "no_agree"


def test_two_who_write_by_one_link_do_not_overwrite_each_other_unseen(house: Tellers) -> None:
    teller = house.invite()
    first = teller.open()
    teller.send("save", title="Mine")
    late = teller.send("save", page=first, title="Theirs")
    assert late.status_code == 409 and 'value="Theirs"' in late.text and "Somebody else has saved" in late.text
    assert (teller.now.story or {})["title"] == "Mine"
    assert teller.send("save", page=late.text, title="Theirs").status_code == 200
    assert (teller.now.story or {})["title"] == "Theirs"


def test_it_is_sent_back_with_a_note_ended_and_opened_again(house: Tellers) -> None:
    teller = house.invite()
    teller.whole()
    send_story_back(house.place, ED, teller.number, f"Which year? {EVIL}")
    page = teller.open()
    assert "The editors ask Which year?" in text_of(page) and "<script>alert" not in page
    assert "One list of empty homes" in page
    with pytest.raises(WrongUse, match="no story of invitation 1 waits: it is open"):
        take_story(house.place, ED, teller.number)
    assert "arrived" in teller.whole().text
    end_invitation(house.place, ED, teller.number)
    ended = teller.client.get(teller.address)
    assert ended.status_code == 410 and "Fife" not in ended.text and teller.whole().status_code == 410
    assert "Morag" not in str(teller.now)
    with reading(house.place.engine) as conn:
        newest = acts.newest(conn)
    undo(house.place, ED, newest)
    assert teller.now.state == "told" and teller.client.get(teller.address).status_code == 200


def test_a_link_that_is_damaged_old_or_of_another_invitation_leads_to_no_form(house: Tellers) -> None:
    teller, other = house.invite(), house.invite("Powys")
    place = house.place
    token = teller.address.rpartition("/")[2]
    foreign = make_token(place.link_keys, "story", other.number, teller.now.key, now=house.now)
    nobody = make_token(place.link_keys, "story", 99, "0" * 16, now=house.now)
    subscriber = house.token("preferences", 1)
    for bad in (token[:-1], "x", foreign, nobody, subscriber, "A" + token):
        for answer in (teller.client.get(f"/story/{bad}"), teller.client.post(f"/story/{bad}", data=WHOLE)):
            assert answer.status_code == 404 and "We do not know this invitation" in answer.text
    house.now += timedelta(days=60)
    assert teller.client.get(teller.address).status_code == 200
    house.now += timedelta(seconds=1)
    assert teller.client.get(teller.address).status_code == 404
    assert [each.state for each in list_invitations(house.place)] == ["open", "open"]


def test_the_form_is_in_the_language_that_its_place_chooses(house: Tellers) -> None:
    teller = house.invite()
    page = teller.open("?language=cy")
    assert '<html lang="cy"' in page and "Adroddwch eich stori" in page
    answer = teller.send(page=page, language="cy")
    assert '<html lang="cy"' in answer.text and "Mae problem" in answer.text and "Write " not in answer.text


def test_editors_invite_and_decide_on_the_desk(house: Tellers) -> None:
    client = desk_of(house)
    assert "No place has been invited yet." in client.get("/desk/stories").text
    refused = client.post("/desk/stories", data={"csrf": client.csrf("/desk/stories"), "place": " "})
    assert refused.status_code == 400
    page = client.press("/desk/stories", "/desk/stories", place="Fife <i>Council", entry=1)
    (link,) = re.findall(r"<code>(https://digest.example.org/story/[^<]+)</code>", page)
    teller = Teller(house, 1)
    teller.address = link.removeprefix(house.settings.site.base_url)
    teller.send("save", name="Not yet for editors")
    assert "Not yet" not in client.get("/desk/stories/1").text, "no draft before it is sent"
    teller.whole(place="Fife <i>Council", did=EVIL)
    page = client.get("/desk/stories/1").text
    assert "Told by Morag Reid, Housing lead, Fife <i>Council." in text_of(page) and link not in page
    assert "<script>alert" not in page and "<i>" not in page
    assert "sent back the story of invitation 1" in text_of(
        client.press("/desk/stories/1", "/desk/stories/1", do="back", note="More, please.")
    )
    teller.whole()
    page = client.press("/desk/stories/1", "/desk/stories/1", do="take")
    assert "took the story of invitation 1" in text_of(page) and "Morag" not in page
    assert client.get("/desk/stories/7").status_code == 404
    page = client.press("/desk/stories", "/desk/stories", place="Powys")
    (act,) = re.findall(r'name="act" value="(\d+)"', page)
    assert "has ended" in text_of(client.press("/desk/stories/2/undo", "/desk/stories/2", act=act))
    log = text_of(client.get("/desk/log").text)
    assert "made invitation 1: state open; place “Fife <i>Council”" in log and "Morag" not in log


@pytest.mark.long
def test_the_commands_do_the_same(house: Tellers) -> None:
    assert command(house.folder, "stories", "list").stdout == "no place has been invited yet\n"
    invited = command(house.folder, "stories", "invite", "Fife Council", "--entry", "1", "--by", "Ed")
    assert invited.code == 0 and invited.stdout.startswith("https://digest.example.org/story/")
    assert command(house.folder, "stories", "invite", "Fife Council", "--entry", "9").code == 2
    assert command(house.folder, "stories", "take", "1").code == 2
    Teller(house, 1).whole()
    (row,) = command(house.folder, "stories", "list", "--json").document
    assert (row["state"], row["told_by"]) == ("told", "Morag Reid, Housing lead, Fife Council") and "key" not in row
    assert command(house.folder, "stories", "back", "1", "--note", "More").code == 0
    Teller(house, 1).whole()
    assert command(house.folder, "stories", "take", "1", "--by", "Ed").code == 0
    assert command(house.folder, "stories", "end", "1").code == 2
    assert "taken" in command(house.folder, "stories", "list").stdout


def test_an_invitation_that_stays_open_ends_by_itself_with_its_draft(house: Tellers) -> None:
    draft, told = house.invite(), house.invite("Powys")
    draft.send("save", name="Morag")
    told.whole()
    for days, state in ((120, "open"), (1, "ended")):
        house.now += timedelta(days=days)
        removed, _ = retain(house.place)
        assert (draft.now.state, told.now.state) == (state, "told")
    assert draft.now.story is None and removed["invitations"] == 1


def test_opening_a_link_changes_nothing(house: Tellers) -> None:
    teller = house.invite()
    for method in ("GET", "HEAD", "OPTIONS"):
        teller.client.request(method, f"{teller.address}?do=send&place=x&look=1")
    assert (teller.now.state, teller.now.story) == ("open", None)
    assert MOST["text"] == 600


@pytest.mark.long
def test_it_is_the_same_on_postgresql(
    tmp_path: Path, postgresql: postgres.Databases, postgresql_template: str
) -> None:
    url = postgresql.new(postgresql_template)
    house = Tellers(tmp_path / "house", url)
    try:
        house.begin()
        teller = house.invite(entry=1)
        teller.send("save", name="Morag")
        assert "has arrived" in teller.whole().text
        take_story(house.place, ED, teller.number)
        assert ("did", "We trained the front desk.", "Fife Council") in lines_of(house, 1)
        assert "Morag" not in str(teller.now)
    finally:
        house.close()
        postgresql.drop(url)
