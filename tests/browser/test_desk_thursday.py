"""A whole Thursday at the desk in Chromium, with and without JavaScript, and what 250 readers then have by mail.

The mail of every reader is compared byte for byte with the letter that the desk showed as *raw*.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from digest.desk import correct
from digest.desk.approval import approve_edition
from digest.desk.edit import entry_of
from digest.model import Edition
from digest.store import editions, entry_edits
from digest.store.engine import reading, writing
from subscribers import store as people
from subscribers.model import Interests, NewSubscriber
from subscribers.suppression import suppress
from tests.browser import scenes
from tests.browser.desks import Open, chromium, serving, sign_in
from tests.house import ANN, House

pytestmark = pytest.mark.browser
READERS = 250
EARLIER = (("A bus to the clinic", "transport", "wales"), ("A shared list of empty homes", "housing", "wales"))
TITLES = (
    ("Damp homes found by those who visit anyway", "housing", "wales"),
    ("Keys on the day of discharge", "housing", "scotland"),
    ("A bus that waits for the train", "transport", "london"),
    ("Taxi vouchers for night shifts", "transport", "wales"),
    ("A lift share between two councils", "transport", "scotland"),
    ("Repairs by the police station's own team", "housing", "london"),
    ("Front doors that open for those with prams", "housing", "wales"),
    ("Winter beds: what we would not do again", "housing", "scotland"),
    ("Step-free stops in three towns", "transport", "wales"),
)
STORY = """We introduced a shared list of those who wait. Calls fell by 30 per cent in a year.

It cost £4,000 in the first year. Staff had no time to learn it, so that each team chose one person who did."""


@pytest.fixture(scope="module")
def browser(lacking: Callable[[str], None]) -> Iterator[Any]:
    """Chromium."""
    if not scenes.chromium():
        lacking("no Chromium")
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house a week after its first edition, one of whose entries was corrected since; nine more have come."""
    house = House(tmp_path_factory.mktemp("week") / "house", weekly='approval = "required"')
    who = readers(house)
    house.run()
    for title, areas, region in EARLIER:
        publish(house, title, areas, region)
    house.run(hours=1)
    house.run(days=4)  # Friday 10:00: drafted, and waits for approval
    with reading(house.place.engine) as conn:
        first = next(edition.id for edition in editions.unfrozen(conn) if edition.cadence == "weekly")
    approve_edition(house.place, ANN, first)
    house.run(minutes=10)
    assert len(house.letters(who[0])) == 1
    correct.correct(house.place, ANN, 1, "It ran for six months, not for sixty.")
    with writing(house.place.engine) as conn:
        end = house.now + timedelta(days=30)
        for number in who[::25]:
            people.pause(conn, number, end, how="test", now=house.now)
        for person in people.many(conn, who[7::30]).values():
            suppress(conn, person.email, "complained", secret=house.place.secret, now=house.now)
    for title, areas, region in TITLES:
        publish(house, title, areas, region)
    house.run(days=5, hours=4)  # Wednesday
    yield house
    house.close()


@pytest.fixture
def desk(week: House, tmp_path: Path) -> Iterator[Open]:
    """The desk of the house on the Thursday afternoon, with two editors."""
    house = week.copy(tmp_path / "house")
    house.now += timedelta(days=1, hours=1)
    with serving(house) as opened:
        opened.served.editor("Ann", "approver")
        opened.served.editor("Bob", "editor")
        yield opened
    house.close()


def readers(house: House) -> list[int]:
    """Add readers who follow all sorts of things; return their ids."""
    areas = [frozenset(), frozenset({"housing"}), frozenset({"transport"}), frozenset({"housing", "transport"})]
    regions = [frozenset(), frozenset({"wales"}), frozenset({"scotland"}), frozenset({"london", "wales"}),
               frozenset({"north-west"})]  # fmt: skip
    themes = [frozenset(), frozenset({"leadership"})]
    kinds = list(product(areas, regions, themes, (True, False), (True, False)))
    names = ("", "Rhian", "Siân Évans-O'Hara", "Ann “Nan” Lee", "李 雷")
    with writing(house.place.engine) as conn:
        added = [
            people.add(
                conn,
                NewSubscriber(
                    f"reader{number}@town{number % 7}.example",
                    name=names[number % len(names)],
                    cadence="weekly",
                    interests=Interests(*kinds[number * 7 % len(kinds)]),
                    language="cy" if number % 9 == 0 else "en",
                ),
                how="test",
                now=house.now,
                secret=house.place.secret,
            ).id
            for number in range(READERS)
        ]
    return added


def publish(house: House, title: str, areas: str, region: str) -> None:
    """Put a case study with a story into the source."""
    house.publish(title, areas=areas, region=region)
    path = house.folder / "notes" / f"{house._notes:03d}.md"
    path.write_text(path.read_text() + f"\n{STORY}\n")


class Thursday:
    """An editor at the desk in a browser: each method is one thing that they do, and looks that it was told."""

    def __init__(self, desk: Open, page: Any) -> None:
        self.desk, self.page, self.house = desk, page, desk.served.house
        page.set_default_timeout(15_000)

    def go(self, path: str) -> None:
        """Open a page."""
        answer = self.page.goto(self.desk.address + path)
        assert answer.ok, (path, answer.status)

    def entry(self, title: str) -> int:
        """Open an entry by its title in the list; return its number."""
        self.go("/desk/weekly")
        self.page.click(f'#entries .entries h3 a:text-is("{title}")')
        self.page.wait_for_selector("#entry [name=title]")
        return int(self.page.input_value("#entry form [name=number] >> nth=0"))

    def told(self) -> str:
        """Return what the page says was done."""
        return str(self.page.inner_text(".told[role=status] >> nth=0"))

    def titles(self) -> list[str]:
        """Return the titles of the list, in order."""
        return [str(title) for title in self.page.locator("#entries .entries h3 a").all_inner_texts()]

    def press(self, title: str, button: str) -> None:
        """Press a button of the row of an entry."""
        row = self.page.locator("#entries .entries > li", has=self.page.get_by_role("link", name=title, exact=True))
        with self.page.expect_navigation():
            row.locator(f"button[value={button}]").click()

    def stored(self) -> Edition:
        """Return the edition that is worked on."""
        with reading(self.house.place.engine) as conn:
            return next(edition for edition in editions.unfrozen(conn) if edition.cadence == "weekly")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_thursday(desk: Open, browser: Any, script: bool) -> None:
    context = browser.new_context(java_script_enabled=script, viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    sign_in(page, desk, "ann@example.org")
    at = Thursday(desk, page)
    draft(at)
    arrange(at, drag=script)
    reword(at)
    number = retag(at)
    mend(at, number)
    word(at, script)
    look(at)
    cover(at)
    send_a_test(at)
    approve(at)
    void(at, browser)
    assert not errors, errors
    approve(at)
    shown = {number: raw(at, number) for number in range(1, READERS + 1)}
    assert 150 < sum(letter != "" for letter in shown.values()) < READERS
    desk.boxes.taken.clear()
    house = desk.served.house
    house.run(hours=17)  # Friday 8:00
    arrived(desk, shown)
    receipt(at, len([letter for letter in shown.values() if letter]))
    context.close()


def draft(at: Thursday) -> None:
    """Draft the edition, and read each entry of it."""
    at.go("/desk/weekly")
    at.page.click("text=Draft it now")
    at.page.wait_for_selector("#entries .entries")
    titles = at.titles()
    assert {*titles} == {title for title, *_ in TITLES}
    for title in titles[:4]:
        number = at.entry(title)
        frame = at.page.frame_locator("iframe.text")
        assert "shared list of those who wait" in frame.locator("body").inner_text()
        assert f"/desk/entries/{number}/text" in at.page.content()


def arrange(at: Thursday, *, drag: bool) -> None:
    """Pin an entry, move others by button, by number and by drag, and drop one."""
    at.go("/desk/weekly")
    last = at.titles()[-1]
    at.press(last, "pin")
    assert at.titles()[0] == last and last in at.page.inner_text("#entries .entries li:first-child")
    assert "pinned" in at.told().lower()
    before = at.titles()
    at.press(before[3], "up")
    assert at.titles()[2] == before[3]
    before = at.titles()
    row = at.page.locator("#entries .entries > li").nth(5)
    row.locator("[name=place]").fill("2")
    with at.page.expect_navigation():
        row.locator("button[value=move]").click()
    assert at.titles()[1] == before[5]
    if drag:
        before = at.titles()
        rows = at.page.locator("#entries .entries > li")
        with at.page.expect_navigation():
            rows.nth(4).locator("h3").drag_to(rows.nth(2))
        assert at.titles()[2] == before[4]
    dropped = "Step-free stops in three towns"
    at.entry(dropped)
    with at.page.expect_navigation():
        at.page.click("#entry button[value=drop]")
    assert dropped not in at.titles()


def reword(at: Thursday) -> None:
    """Give an entry another title, line and note, typed and saved as a person does it."""
    title = "Keys on the day of discharge"
    number = at.entry(title)
    at.page.fill("#entry [name=title]", "Keys in hand on the day of discharge")
    at.page.fill("#entry [name=summary]", "Nobody waits in hospital for a locksmith.")
    at.page.fill("#entry-note", "Ask Fife.\nThey answer.")
    with at.page.expect_navigation():
        at.page.click("text=Save entry")
    assert "Saved" in at.told()
    with reading(at.house.place.engine) as conn:
        edit = entry_edits.edits_of(conn, [number])[number]
    assert (edit.title, edit.summary) == (
        "Keys in hand on the day of discharge", "Nobody waits in hospital for a locksmith.")  # fmt: skip
    assert (edit.note, edit.note_by, edit.worded_by) == ("Ask Fife.\nThey answer.", "Ann", "Ann")


def retag(at: Thursday) -> int:
    """Give an entry another area, and make a rule of it; return the entry."""
    number = at.entry("Front doors that open for those with prams")
    at.page.fill("#entry [name=policy_areas_add]", "Transport")
    with at.page.expect_navigation():
        at.page.click("text=Save entry")
    at.page.click("text=Make a rule of a correction?")
    at.page.wait_for_selector("h1:has-text('A rule from entry')")
    with at.page.expect_navigation():
        at.page.click("text=Make this rule >> nth=0")
    assert "rule" in at.told()
    with reading(at.house.place.engine) as conn:
        assert {*entry_of(conn, number).facets.policy_areas} == {"housing", "transport"}
    return number


def mend(at: Thursday, number: int) -> None:
    """Mend a line of its ingredients, leave another out, and add one."""
    at.go(f"/desk/weekly?entry={number}#entry")
    lines = at.page.locator("#entry textarea[name^=text-]")
    assert lines.count() >= 2
    lines.nth(0).fill("Each team chose one person who learnt it for all.")
    at.page.check("[name=use-2]")
    at.page.select_option("[name=new_name]", "must-stay")
    at.page.fill("[name=new_text]", "Four thousand pounds in its first year.")
    with at.page.expect_navigation():
        at.page.click("text=Save ingredients")
    texts = [lines.nth(place).input_value() for place in range(lines.count())]
    assert "Each team chose one person who learnt it for all." in texts
    assert "Four thousand pounds in its first year." in texts


def word(at: Thursday, script: bool) -> None:
    """Write the note of the edition and its closing question, one at once after the other."""
    at.go("/desk/weekly")
    at.page.click("#words summary")
    at.page.fill("#note", "Good afternoon.\n\nThis week is about doors.")
    at.page.fill("#question", "Which door is closed where you are?")
    at.page.fill("#subject", "Doors, and who opens them")
    if script:
        at.page.press("#subject", "Tab")
        at.page.wait_for_selector("#words [data-saved]:has-text('Saved')")
    with at.page.expect_navigation():
        at.page.click("text=Save words")
    edition = at.stored()
    assert edition.note == "Good afternoon.\n\nThis week is about doors."
    assert (edition.question, edition.subject) == ("Which door is closed where you are?", "Doors, and who opens them")


def look(at: Thursday) -> None:
    """Look at five readers' letters: four of the digests in turn, and that of a reader by the address."""
    at.go("/desk/weekly")
    seen = set()
    for _ in range(4):
        seen.add(at.page.inner_text("#letter .row .small >> nth=0"))
        assert "doors" in at.page.frame_locator("#letter .frame iframe").locator("body").inner_text().lower()
        at.page.click("[aria-label='The next digest']")
        at.page.wait_for_load_state()
    assert len(seen) == 4
    at.page.click("text=Another reader")
    at.page.fill("[name=who]", "reader3@town3.example")
    with at.page.expect_navigation():
        at.page.click("text=Show theirs")
    assert "reader3@" not in at.page.url and "reader 4" in at.page.inner_text("#letter")
    for form in ("text", "raw", "html"):
        at.page.click(f"#letter .views a:text-is('{form}')")
        at.page.wait_for_load_state()
        assert "doors" in at.page.frame_locator("#letter .frame iframe").locator("body").inner_text().lower()


def cover(at: Thursday) -> None:
    """Look who gets what, and open a cell."""
    at.page.click("text=Who gets what")
    at.page.wait_for_selector(".cells td a")
    at.page.click(".cells td a >> nth=0")
    at.page.wait_for_load_state()
    assert re.search(r"(?i)reader \d+", at.page.inner_text("main")), "the cell names no reader"
    assert not re.search(r"reader\d+@", at.page.content()), "an address stands on the page"


def send_a_test(at: Thursday) -> None:
    """Mail a test to a colleague."""
    count = len(at.desk.boxes.taken)
    at.go("/desk/weekly/approve")
    at.page.fill("#address", "boss@council.example")
    with at.page.expect_navigation():
        at.page.click("text=Send the test")
    (to, content), *more = at.desk.boxes.taken[count:]
    assert to == "boss@council.example" and b"Subject: TEST: Doors" in content and not more


def approve(at: Thursday) -> None:
    """Approve what the page shows."""
    at.go("/desk/weekly/approve")
    with at.page.expect_navigation():
        at.page.click("text=Approve this edition")
    assert at.stored().state == "approved" and at.stored().approved_by == "Ann"
    assert "by Ann" in at.page.inner_text("main")


def void(at: Thursday, browser: Any) -> None:
    """Let Bob change a title; Ann is told that her approval is void, by whom, and by what."""
    context = browser.new_context(java_script_enabled=False)
    bob = Thursday(at.desk, context.new_page())
    sign_in(bob.page, at.desk, "bob@example.org")
    bob.entry("A bus that waits for the train")
    bob.page.fill("#entry [name=title]", "A bus that waits for the late train")
    with bob.page.expect_navigation():
        # By key, because Chromium may miss a click in a pane that scrolls by itself while the page scrolls too.
        bob.page.press("text=Save entry", "Enter")
    assert at.stored().state == "draft"
    at.go("/desk/weekly/approve")
    text = at.page.inner_text("main")
    assert re.search(r"void.*Bob.*(title|reword)", text), text
    context.close()


def raw(at: Thursday, reader: int) -> str:
    """Return a reader's letter as the desk shows it in its raw form, "" where it says that there is none."""
    path = f"{at.desk.address}/desk/weekly/letter?form=raw&reader={reader}"
    answer = at.page.context.request.get(path)
    assert answer.status in (200, 404), answer.status
    body = re.search("<pre>(.*)</pre>", answer.body().decode(), re.DOTALL)
    assert bool(body) == (answer.status == 200)
    return html.unescape(body[1]) if body else ""


# Ends of lines in the middle of words, as quoted-printable has them.
_SOFT = r"(?:=\r\n)?"
_PAGES = "|".join(_SOFT.join(word) for word in ("unsubscribe", "yours", "letters"))
_TOKENS = re.compile(f"/{_SOFT}(?:{_PAGES}){_SOFT}/(?:[A-Za-z0-9_.~-]|=\r\n)+")


def same(letter: str) -> str:
    """Return a letter without the hour at which it was handed over, and with each token crossed out.

    The desk shows links that act on nobody, so that their tokens differ; their length, and where lines end, may not.
    """
    letter = re.sub(r"(?m)^Date: .*\r\n", "", letter)
    letter = re.sub(r"(?m)^Message-ID: <[0-9a-f]{32}@", "Message-ID: <@", letter)
    letter = re.sub(r"=_[0-9a-f]{30}", "=_", letter)
    return _TOKENS.sub(lambda link: re.sub(r"[A-Za-z0-9_.~-]", "x", link[0]), letter)


def arrived(desk: Open, shown: dict[int, str]) -> None:
    """Check that each reader has what the desk showed, and nobody else has anything."""
    taken = dict(desk.boxes.taken)
    assert len(taken) == len(desk.boxes.taken), "somebody got two letters"
    with reading(desk.served.house.place.engine) as conn:
        addresses = {number: person.email for number, person in people.many(conn, [*shown]).items()}
    differ = [
        number
        for number, letter in shown.items()
        if same(letter) != same(taken.get(addresses[number], b"").decode("ascii"))
    ]
    assert not differ, f"{len(differ)} letters differ from what the desk showed: readers {differ[:20]}"
    assert {*taken} == {addresses[number] for number, letter in shown.items() if letter}


def receipt(at: Thursday, letters: int) -> None:
    """See the account of the edition: as many letters as came."""
    with reading(at.house.place.engine) as conn:
        sent = next(number for number in range(9, 0, -1) if (each := editions.get(conn, number)) and _is_sent(each))
    sign_in(at.page, at.desk, "ann@example.org")  # because the session of yesterday has ended
    at.go(f"/desk/edition/{sent}")
    text = at.page.inner_text("main")
    assert re.search(rf"\b{letters}\b", text), text[:800]


def _is_sent(edition: Edition) -> bool:
    return (edition.state, edition.cadence) == ("frozen", "weekly")
