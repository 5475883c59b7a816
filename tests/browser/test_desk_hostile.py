"""Hostile words of feeds, folders and editors on every page of the desk: nothing runs, fetches or leads away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from html import escape
from typing import Any

import pytest

from digest.desk import arrange, edit
from digest.desk.acts import Hand
from digest.desk.by_hand import Written, write_entry
from digest.desk.editors import add_editor
from digest.desk.ingredients import give_lines
from digest.desk.pool import draft_again
from digest.desk.receipts import account
from digest.desk.receipts import page as receipt_page
from digest.desk.reword import reword
from digest.editions.readings import store_snapshot
from digest.errors import WrongUse
from digest.model import Source
from digest.sources.read import Reading, Validators
from digest.sources.sandbox.child import parse_limited
from digest.store import acts, editions, entries
from digest.store.engine import reading
from subscribers.model import Interests
from tests.browser import scenes
from tests.browser.desks import Open, addresses, chromium, forgotten, frames, serving, sign_in, tell
from tests.house import House
from tests.sources.payloads import PAYLOADS
from tests.sources.webserver import Web, answer, fetcher

pytestmark = pytest.mark.browser
EVIL = "https://evil.example"
# Texts that try to lead a template, a stylesheet or the direction of writing astray.
TRICKS = (
    "{{ 7 * 7191 }}{% raw %} %%email%% ${7*7191} <%= 7*7191 %>",
    f"</title></style></script></textarea><script>spike(1)</script><base href={EVIL}/>",
    '"\'><svg onload=spike(1)> " onfocus=spike(1) autofocus x="',
    "\u202e\u2067drawkcab\u2066 javascript:spike(1)",
    f"</pre></iframe><iframe src={EVIL}/frame></iframe><meta http-equiv=refresh content='0;url={EVIL}/away'>",
    f"<style>@import url({EVIL}/x.css); * {{ position: fixed; display: none; background: url({EVIL}/x) }}</style>",
    f"]]>--><form action={EVIL}/form><button>Approve</button></form><object data={EVIL}/o></object>",
)
LINKS = ("javascript:spike(1)", "data:text/html,<script>spike(1)</script>", f'{EVIL}/"onmouseover=spike(1)//',
         "JaVaScRiPt&#58;spike(1)", f"{EVIL}/plain", "vbscript:spike(1)", "//evil.example/x")  # fmt: skip
PICTURES = (f"{EVIL}/picture.png", "javascript:spike(1)", "data:image/svg+xml,<svg onload=spike(1)>",
            "http://evil.example/open.png", f"{EVIL}/x.svg?\"onerror=spike(1)", "//evil.example/y.png",
            f"{EVIL}/z.gif")  # fmt: skip
SOURCE = Source("<b onclick=spike(1)>{{ 7 * 7191 }}</b>", url="https://evil.example/feed")
ANN = Hand("Ann <img src=x onerror=spike(1)>")


def feed(first: bool) -> bytes:
    """Return a feed each of whose entries has something hostile in every field; the first time a quiet one alone."""
    items = ["<item><guid>quiet</guid><title>Quiet</title><link>https://ok.example/1</link></item>"]
    for number, trick in enumerate(() if first else TRICKS):
        content = "".join(PAYLOADS).replace("spike(1)", f"spike({number})").replace("]]>", "")
        text = escape(trick)
        items.append(
            f"<item><guid>{text}</guid><title>{text} housing in Wales</title><link>{escape(LINKS[number])}</link>"
            f"<description>{escape(trick + ' ' + content[:2000])}</description><author>{text}</author>"
            f"<dc:creator>{text}</dc:creator><category>{text}</category><comments>{escape(LINKS[number])}</comments>"
            f'<media:content url="{escape(PICTURES[number])}" medium="image" width="480" height="270"/>'
            f'<enclosure url="{escape(PICTURES[number])}" type="image/png" length="9"/>'
            f"<content:encoded><![CDATA[{trick.replace(']]>', '')}<p>A home in Wales.</p>"
            f"{content}]]></content:encoded>"
            "</item>"
        )
    names = (
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    )
    head = f"<title>{escape(TRICKS[1])}</title><link>{escape(LINKS[0])}</link>"
    return f'<rss version="2.0" {names}><channel>{head}{"".join(items)}</channel></rss>'.encode()


def filled(house: House) -> dict[str, int]:
    """Fill a house by way of a feed, a folder and editors; send its first edition, draft its second."""
    for name, interests in (("r", Interests()), ("w", Interests(frozenset({"housing"}), frozenset({"wales"})))):
        house.reader(f"{name}@town.example", interests=interests)
    house.run()
    for first in (True, False):
        snapshot = parse_limited(feed(first), content_type="", base_url="https://evil.example/feed", now=house.now)
        store_snapshot(house.place, SOURCE, Reading("ok", snapshot, Validators()), house.now)
    for number, trick in enumerate(TRICKS, 100):
        markup = trick + "\n\n" + "\n\n".join(PAYLOADS).replace("spike(1)", f"spike({number})")
        quoted = trick.replace("\\", "").replace('"', "'")
        (house.folder / "notes" / f"{number}.md").write_text(
            f'---\ntitle: "{quoted}"\nid: "x{number}"\npolicy_areas: [housing]\nregions: [wales]\nplace: "{quoted}"\n'
            f'author: "{quoted}"\nurl: "{EVIL}/{number}"\nimage: "{EVIL}/n.png"\n---\n'
            f"We introduced {trick} a list. Calls fell by 30 per cent.\n\n{markup}\n"
        )
    house.run(hours=1)
    with reading(house.place.engine) as conn:
        held = [entry.id for entry in entries.listing(conn, state="held")]
    if held[:-1]:
        edit.release(house.place, ANN, held[:-1])
    typed(house, "weekly")
    house.run(days=4)  # Friday
    with reading(house.place.engine) as conn:
        sent = next(
            number
            for number in range(1, 9)
            if (found := editions.get(conn, number)) and (found.state, found.cadence) == ("frozen", "weekly")
        )
        old = editions.shown(conn, sent)[0].entry.id if editions.shown(conn, sent) else 1
    for number, trick in enumerate(TRICKS, 200):
        house.publish("Later: " + trick.replace('"', "'").replace("\\", ""))
        written = Written(
            trick, trick + "\n\n" + trick, f"{EVIL}/{number}", "post", trick[:100], {"regions": ("wales",)}
        )
        write_entry(house.place, ANN, written)
    house.run(hours=2)
    edition = typed(house, "weekly")
    with reading(house.place.engine) as conn:
        pool = [row.entry for row in editions.shown(conn, edition)]
        held = [entry.id for entry in entries.listing(conn, state="held")]
        act = acts.newest(conn)
    edit.retag(house.place, ANN, pool[1].id, {"policy_area": ("transport",)})
    tell(house, TRICKS)
    return {
        "sent": sent, "old": old, "edition": edition, "entry": pool[0].id, "retagged": pool[1].id, "reader": 2,
        "held": held[0] if held else pool[-1].id, "act": act,
    }  # fmt: skip


def typed(house: House, cadence: str) -> int:
    """Draft an edition, and type hostile words wherever an editor may; return its number."""
    place = house.place
    edition, _ = draft_again(place, ANN, cadence)
    with reading(place.engine) as conn:
        pool = [row.entry for row in editions.shown(conn, edition.id)]
    for number, entry in enumerate(pool):
        trick = TRICKS[number % len(TRICKS)]
        wanted = {"title": trick, "summary": trick, "note": trick, "open_question": trick}
        reword(place, ANN, entry.id, {key: wanted[key] for key in list(wanted)[: number % 5]})
        if entry.kind == "case-study":
            give_lines(place, ANN, entry.id, [("did", trick), ("in-the-way", trick)])
    words = {"subject": TRICKS[1], "note": "\n\n".join(TRICKS), "question": TRICKS[2], "step": TRICKS[5]}
    arrange.word_edition(place, ANN, edition.id, words)
    return edition.id


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Open, dict[str, int]]]:
    source = '\n[[source]]\nname = "<b onclick=spike(1)>{{ 7 * 7191 }}</b>"\nurl = "https://evil.example/feed"\n'
    house = House(tmp_path_factory.mktemp("hostile") / "house", source=source)
    with serving(house) as opened:
        values = filled(house)
        opened.served.editor("Ann", "admin")
        for number, trick in enumerate(TRICKS):
            with suppress(WrongUse):  # an invisible name
                add_editor(opened.served.place, ANN, f"e{number}@example.org", trick[:40], "viewer")
        yield opened, values
    house.close()


class Watch:
    """A browser of an editor that notes all that hostile words would like to do."""

    def __init__(self, browser: Any, desk: Open) -> None:
        self.desk, self.faults, self.pictures = desk, list[str](), False
        context = browser.new_context()
        context.expose_binding("spike", lambda _source, number: self.faults.append(f"script {number} ran"))
        context.route("**/*", self._asked)
        self.page = context.new_page()
        sign_in(self.page, desk, "ann@example.org")
        context.on("page", lambda _: self.faults.append("a window opened"))
        self.page.on("dialog", lambda dialog: (self.faults.append("a dialog"), dialog.dismiss()))
        self.page.on("console", lambda message: self.faults.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))

    def _asked(self, route: Any) -> None:
        request = route.request
        if request.url.startswith(self.desk.address + "/"):
            route.continue_()
            return
        if not (self.pictures and request.resource_type == "image" and request.url.startswith("https:")):
            self.faults.append(f"asked for {request.url} ({request.resource_type})")
        route.abort()

    def visit(self, path: str) -> list[str]:
        """Open a page, look at it and at its frames; return all faults."""
        self.faults, self.pictures = [], "pictures=1" in path
        is_frame = "/text" in path or "/letter" in path
        answered = self.page.goto(self.desk.address + path, wait_until="load")
        if answered.status >= 500:
            self.faults.append(f"status {answered.status}")
        self.page.wait_for_timeout(100)
        for frame in self.page.frames:
            self.faults += frame.evaluate(_JUDGE, frame == self.page.main_frame and not is_frame)
        if not self.page.url.startswith(self.desk.address + "/desk"):
            self.faults.append(f"led away to {self.page.url}")
        ignored = ["Failed to load resource"] if answered.status >= 400 or self.pictures else []
        ignored += ["Applying inline style"] if "styles=off" in path else []  # the styles are ours
        return [f"{path}: {fault}" for fault in self.faults if not any(each in fault for each in ignored)]


# Look for the traces that a stranger's markup would leave in a page: elements and addresses that act, words that a
# template has worked out, and, outside the text of a source in its frame, characters that turn the direction of
# writing.
_JUDGE = """isTop => {
    const faults = [], at = new URL(document.URL), all = [...document.querySelectorAll('*')];
    for (const each of all) {
        const tag = each.localName;
        for (const {name, value} of each.attributes) {
            if (/^on/.test(name)) faults.push(`${tag} has ${name}`);
            if (['href', 'src', 'action', 'formaction', 'data', 'xlink:href', 'poster', 'background'].includes(name)
                && /^\\s*(javascript|vbscript|data:text)/i.test(value)) faults.push(`${tag} ${name}=${value}`);
            if (name === 'style' && isTop) faults.push(`${tag} has a style`);
            if (name === 'style' && /url\\(|position\\s*:\\s*(fixed|absolute)/i.test(value))
                faults.push(`${tag}: ${value}`);
        }
        if (['base', 'object', 'embed', 'applet', 'marquee'].includes(tag)) faults.push(`a ${tag}`);
        if (!isTop && ['script', 'form', 'iframe', 'input', 'link'].includes(tag)) faults.push(`a ${tag} in a frame`);
        if (tag === 'meta' && each.httpEquiv.toLowerCase() === 'refresh') faults.push('a refresh');
        if (isTop && tag === 'iframe' && each.getAttribute('sandbox') !== '') faults.push('a frame with no sandbox');
        if (isTop && ['script', 'link', 'form', 'iframe'].includes(tag)) {
            const to = new URL(each.src || each.getAttribute('action') || each.href || document.URL, document.URL);
            if (to.host !== at.host) faults.push(`a ${tag} to ${to}`);
        }
    }
    const text = document.documentElement.textContent;
    if (text.includes('50337') || document.title.includes('50337')) faults.push('a template was worked out');
    if (!at.pathname.endsWith('/text') && /[\\u202a-\\u202e\\u2066-\\u2069]/.test(text)) {
        const where = all.find(e => !e.children.length && /[\\u202a-\\u202e\\u2066-\\u2069]/.test(e.textContent));
        faults.push('turns the direction of writing: ' + (where || document.body).outerHTML.slice(0, 200));
    }
    if (isTop) for (const each of document.querySelectorAll('main *')) {
        const style = getComputedStyle(each);
        if (style.position === 'fixed') faults.push(`${each.localName} is fixed`);
    }
    return faults;
}"""


@pytest.fixture(scope="module")
def watch(lacking: Callable[[str], None], desk: tuple[Open, dict[str, int]]) -> Iterator[Watch]:
    """A browser at the desk of the house."""
    if not scenes.chromium():
        lacking("no Chromium")
    with chromium() as browser:
        yield Watch(browser, desk[0])


def test_no_page_is_forgotten(desk: tuple[Open, dict[str, int]]) -> None:
    assert forgotten(desk[0].served) == set()


def test_nothing_hostile_acts_on_any_page_or_in_any_frame(watch: Watch, desk: tuple[Open, dict[str, int]]) -> None:
    values = desk[1]
    faults = [fault for path in addresses(values) + frames(values) for fault in watch.visit(path)]
    with reading(desk[0].served.house.place.engine) as conn:
        pool = [row.entry.id for row in editions.shown(conn, values["edition"])]
    for number in pool:
        faults += watch.visit(f"/desk/weekly?entry={number}#entry") + watch.visit(f"/desk/entries/{number}/text")
    assert not faults, f"{len(faults)} faults:\n" + "\n".join(dict.fromkeys(faults[:60]))


def test_no_link_in_a_frame_leads_the_desk_away(watch: Watch, desk: tuple[Open, dict[str, int]]) -> None:
    watch.visit(f"/desk/weekly?entry={desk[1]['entry']}")
    before = watch.page.url
    for selector in ("iframe.text", "#letter .frame iframe"):
        for place in range(3):
            watch.page.goto(before)
            link = watch.page.frame_locator(selector).locator("a[href]").nth(place)
            if watch.page.frame_locator(selector).locator("a[href]").count() > place:
                watch.faults.clear()
                link.click(timeout=5_000, force=True, no_wait_after=True)
                watch.page.wait_for_timeout(300)
                assert watch.page.url == before
                assert not [fault for fault in watch.faults if not fault.startswith("console")], watch.faults


def test_a_site_that_is_tried_does_nothing_either(watch: Watch, desk: tuple[Open, dict[str, int]]) -> None:
    web = Web()
    web.scripts["/feed"] = lambda connection, _: connection.sendall(answer(feed(False)))
    desk[0].served.place.__dict__["fetcher"] = lambda: fetcher(web)
    watch.visit("/desk/sources/try")
    watch.page.fill("main [type=url], main [name=address], main [name=url]", f"http://site.example:{web.port}/feed")
    with watch.page.expect_navigation():
        watch.page.click("main form button >> nth=0")
    text = watch.page.inner_text("main")
    faults = watch.faults + watch.page.main_frame.evaluate(_JUDGE, True)
    web.close()
    assert not faults and "spike" in text, (faults, text[:500])


def test_a_sent_edition_does_nothing_in_receipts_and_on_the_web(
    watch: Watch, desk: tuple[Open, dict[str, int]]
) -> None:
    house, values = desk[0].served.house, desk[1]
    faults = watch.visit("/desk/log")
    watch.page.goto("about:blank")  # because the page would be under the policy of the desk
    watch.page.set_content(receipt_page(house.place, account(house.place, values["sent"])))
    watch.page.wait_for_timeout(200)
    faults += watch.faults
    for reader in (1, 2):
        watch.faults = []
        answered = watch.page.goto(f"{desk[0].address}/letters/{house.token('browse', reader, values['sent'])}")
        watch.page.wait_for_timeout(200)
        assert answered.status == 200
        faults += watch.faults + watch.page.main_frame.evaluate(_JUDGE, False)
    assert not faults, faults
