"""Every page and every form of readers and of the desk: addresses by route, and what is typed where, by route.

A route that stands in no table fails `forgotten_lines`, so that a new page is not forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from digest.web.desk.routes import PAGES as DESK
from digest.web.desk.sign_in_pages import sign_in_pages
from digest.web.readers.routes import PAGES
from tests.browser.desks import ADDRESSES, FILES, FRAMES

Typed = Sequence[tuple[str, str]]  # (selector, text); PRESS: a box or button of choices that is pressed
PRESS = ""


class Form(NamedTuple):
    """A form: the page that has it, its button, and what one person types, and another.

    `after`: the route of the form that is sent before; the page to which it leads has this one, where `page` is "".
    """

    page: str
    button: str
    typed: Typed = ()
    other: Typed = ()
    stranger: bool = False  # of a browser in which nobody is signed in
    after: str = ""

    @property
    def is_written(self) -> bool:
        """Return whether words are typed into it, which must not be lost."""
        return any(text for _, text in self.typed)


_YOURS, _LEAVE, _LEFT = "/yours/{yours}", "/unsubscribe/{leave}", "/unsubscribe/{left}"
_DONE = ("choices", "monthly", "pause", "resumed", "language", "zone", "address")
# The addresses of each route of readers that answers a page.
READERS: dict[str, tuple[str, ...]] = {
    "/": ("/",),
    "/sample": ("/sample",),
    "/letters/{token}": ("/letters/{letter}", "/letters/{letter}?show=all", "/letters/x.y"),
    "/unsubscribe/{token}": (_LEAVE, _LEFT, f"{_LEFT}?done=left", f"{_LEFT}?done=reason", f"{_LEFT}?done=back"),
    "/unsubscribe/{token}/monthly": (f"{_LEAVE}/monthly",),
    "/unsubscribe/{token}/reason": (f"{_LEFT}/reason",),
    "/unsubscribe/{token}/back": (f"{_LEFT}/back",),
    "/confirm/{token}": ("/confirm/{confirm}", "/confirm/{move}", "/confirm/x"),
    "/yours/{token}/answer": (
        *(f"{_YOURS}/answer?entry={{had}}{more}" for more in ("", "&done=saved", "&done=back")),
        f"{_YOURS}/answer?entry=999",
    ),
    "/story/{token}": ("/story/{story}", "/story/{story}?done=saved", "/story/{story}?done=sent", "/story/x"),
    "/privacy": ("/privacy",),
    "/accessibility": ("/accessibility",),
    "/yours/{token}": (_YOURS, *(f"{_YOURS}?done={done}" for done in _DONE), "/yours/{left_yours}", "/yours/x"),
    "/yours/{token}/choices": (f"{_YOURS}/choices",),
    "/yours/{token}/monthly": (f"{_YOURS}/monthly",),
    "/yours/{token}/pause": (f"{_YOURS}/pause",),
    "/yours/{token}/language": (f"{_YOURS}/language",),
    "/yours/{token}/zone": (f"{_YOURS}/zone",),
    "/preferences/{token}": ("/preferences/{yours}",),
    "/pause/{token}": ("/pause/{yours}",),
    "/yours/{token}/had": (f"{_YOURS}/had", f"{_YOURS}/had?before=1"),
    "/yours/{token}/why": (f"{_YOURS}/why", f"{_YOURS}/why?entry=Damp", f"{_YOURS}/why?entry={{held}}",
                           f"{_YOURS}/why?entry=nothing+like+it"),
    "/yours/{token}/download": (f"{_YOURS}/download",),
    "/yours/{token}/erase": (f"{_YOURS}/erase",),
    "/yours/{token}/address": (f"{_YOURS}/address",),
    "/undo/{token}": ("/undo/{undo}", "/undo/x"),
    "/new-link": ("/new-link", "/new-link?done=asked"),
    "/join": ("/join", "/join?done=asked"),
    "/join/form": ("/join/form", "/join/form?done=asked"),
    "/archive": ("/archive",),
    "/archive/entries/{number}": ("/archive/entries/{old}", "/archive/entries/999"),
    "/archive/policy-areas/{slug}": ("/archive/policy-areas/housing", "/archive/policy-areas/none"),
    "/archive/regions/{slug}": ("/archive/regions/wales",),
    "/archive/themes/{slug}": ("/archive/themes/leadership",),
    "/archive/case-studies": ("/archive/case-studies",),
    "/search": ("/search", "/search?q=damp", "/search?q=nothing+like+it"),
    "/archive/{cadence}/{slot}": ("/archive/weekly/2026-11-06", "/archive/weekly/2020-01-03"),
}  # fmt: skip
# They answer a file, and no page.
READER_FILES = {page.path for page in PAGES if page.path.rpartition(".")[2] in ("svg", "atom", "json", "xml", "txt")}


def _below(form: str) -> str:
    """Return the selector of the button of a form, by the end of the address that it is sent to."""
    return f"form[action$='{form}'] button"


_JOIN: tuple[Typed, Typed] = (
    (("#email", "bea@town.example"), ("#name", "Bea"), ("#cadence", PRESS)),
    (("#email", "cai@town.example"), ("#cadence", PRESS)),
)
_TRIED = "form:has(button[value=tried]) "
_ENTRY, _EDITION = "/desk/weekly?entry={entry}", "/desk/edition/{sent}?entry={old}"
# Each form of a route, by the address that it is sent to.
FORMS: dict[str, Form] = {
    "/unsubscribe/{token}": Form(_LEAVE, "button[value=leave]"),
    "/unsubscribe/{token}/monthly": Form(_LEAVE, _below("/monthly")),
    "/unsubscribe/{token}/reason": Form(
        _LEFT,
        _below("/reason"),
        [("[name=reason]", PRESS), ("[name=text]", "Too many words for me.")],
        [("[name=reason] >> nth=1", PRESS), ("[name=text]", "Other words.")],
    ),
    "/unsubscribe/{token}/back": Form(_LEFT, _below("/back")),
    "/confirm/{token}": Form("/confirm/{confirm}", "main form button"),
    "/yours/{token}/answer": Form(
        f"{_YOURS}/answer?entry={{had}}",
        "button[value=tried]",
        [(f"{_TRIED}[name=text]", "We tried it for a winter.")],
        [(f"{_TRIED}[name=text]", "We tried it in two towns.")],
    ),
    "/story/{token}": Form(
        "/story/{story}",
        "button[value=save]",
        [("#story-title", "A title of a story")],
        [("#story-text", "It took a winter.")],
    ),
    "/yours/{token}/choices": Form(
        _YOURS, "#save", [("#policy_areas [value=housing]", PRESS)], [("#regions [value=wales]", PRESS)]
    ),
    "/yours/{token}/monthly": Form(_YOURS, _below("/monthly")),
    "/yours/{token}/pause": Form(
        _YOURS,
        "#pause form:not(.one) button",
        [("#for [value=until]", PRESS), ("#until", "2026-12-24")],
        [("#for [value='2-weeks']", PRESS)],
    ),
    "/yours/{token}/language": Form(_YOURS, "#language button", [("#language [value=cy]", PRESS)]),
    "/yours/{token}/zone": Form(_YOURS, "#zone button", [("#zone [value='America/New_York']", PRESS)]),
    "/yours/{token}/erase": Form(f"{_YOURS}/erase", "button[value=erase]"),
    "/yours/{token}/address": Form(
        _YOURS, "#address form button", [("#email", "another@town.example")], [("#email", "third@town.example")]
    ),
    "/undo/{token}": Form("/undo/{undo}", "main form button"),
    "/new-link": Form(
        "/new-link",
        "main form button",
        [("[name=email]", "reader8@town.example")],
        [("[name=email]", "reader9@town.example")],
    ),
    "/join": Form("/join", "#send", *_JOIN),
    "/join/form": Form("/join/form", "#send", *_JOIN),
    "/desk/sign-in": Form("/desk/sign-in", "main form button", [("[name=email]", "bob@example.org")], stranger=True),
    "/desk/sign-in/{token}": Form("/desk/sign-in/{sign_in}", "main form button", stranger=True),
    "/desk/sign-out": Form("/desk/weekly", "header form button"),
    "/desk/sessions/{session}/end": Form("/desk/sessions", _below("/sessions/{session}/end")),
    "/desk/editors": Form(
        "/desk/editors",
        "main form.narrow button",
        [("#name", "Cai"), ("#email", "cai@example.org")],
        [("#name", "Dee"), ("#email", "dee@example.org")],
    ),
    "/desk/editors/{editor}/role": Form(
        "/desk/editors",
        _below("/{bob}/role"),
        [("form[action$='/{bob}/role'] select", "editor")],
        [("form[action$='/{bob}/role'] select", "approver")],
    ),
    "/desk/editors/{editor}/remove": Form("/desk/editors", _below("/{bob}/remove")),
    "/desk/editors/{editor}/sessions": Form("/desk/editors", _below("/{bob}/sessions")),
    "/desk/editors/sessions/{session}/end": Form("/desk/editors", _below("/editors/sessions/{bob_session}/end")),
    "/desk/answers": Form("/desk/answers", "button[value=accept]"),
    "/desk/answers/undo": Form("", _below("/answers/undo"), after="/desk/answers"),
    "/desk/stories": Form("/desk/stories", "main form.narrow button", [("#place", "Gwynedd")], [("#place", "Leeds")]),
    "/desk/stories/{invitation}": Form(
        "/desk/stories/1", "button[value=back]", [("#note", "Since when has it run?")], [("#note", "In which towns?")]
    ),
    "/desk/stories/{invitation}/undo": Form("", _below("/undo"), after="/desk/stories"),
    "/desk/sources": Form("/desk/sources", "button[value=mute]"),
    "/desk/sources/try": Form(
        "/desk/sources/try", "main form.ask button", [("#url", "nowhere.example/feed")], [("#url", "else.example")]
    ),
    "/desk/edition/{edition}/stop": Form("/desk/edition/{frozen}", _below("/stop")),
    "/desk/edition/{edition}/go-on": Form(
        "/desk/edition/{frozen}", _below("/go-on"), after="/desk/edition/{edition}/stop"
    ),
    "/desk/edition/{edition}/correct": Form(
        _EDITION, _below("/correct"), [("#correct-text", "It was 3, not 30.")], [("#correct-text", "It was in May.")]
    ),
    "/desk/edition/{edition}/withdraw": Form(
        _EDITION, _below("/withdraw"), [("#withdraw-text", "It is not so.")], [("#withdraw-text", "It was never so.")]
    ),
    "/desk/edition/{edition}/undo": Form("", _below("/undo"), after="/desk/edition/{edition}/correct"),
    "/desk/{cadence}/approve": Form("/desk/weekly/approve", "button[value=approve]"),
    "/desk/{cadence}/test": Form(
        "/desk/weekly/approve",
        _below("/test"),
        [("#address", "test@example.org")],
        [("#address", "test2@example.org")],
    ),
    "/desk/{cadence}/looked": Form("/desk/weekly/approve", _below("/looked")),
    "/desk/{cadence}/write": Form(
        "/desk/weekly/write",
        _below("/write"),
        [("#title", "By hand"), ("#text", "A few words by hand.")],
        [("#title", "By hand, too"), ("#text", "Other words by hand.")],
    ),
    "/desk/{cadence}/rule": Form("/desk/weekly/rule?entry={retagged}", _below("/rule")),
    "/desk/{cadence}/draft": Form("/desk/monthly", _below("/draft")),
    "/desk/{cadence}/entry": Form(
        _ENTRY,
        "button:text-is('Save entry')",
        [("#entry [name=summary]", "A line of ours.")],
        [("#entry [name=open_question]", "Is it not?")],
    ),
    "/desk/{cadence}/place": Form("/desk/weekly", "#e{entry} button[value=down]"),
    "/desk/{cadence}/state": Form(_ENTRY, "button[value=drop]"),
    "/desk/{cadence}/ingredients": Form(
        _ENTRY,
        "button:text-is('Save ingredients')",
        [("[name=new_text]", "They met each week.")],
        [("[name=new_text]", "They shared a list.")],
    ),
    "/desk/{cadence}/words": Form(
        "/desk/weekly", _below("/words"), [("#subject", "A subject of ours")], [("#note", "A note of ours.")]
    ),
    "/desk/{cadence}/reader": Form(
        "/desk/weekly", _below("/weekly/reader"), [("#letter [name=who]", "3")], [("#letter [name=who]", "7")]
    ),
    "/desk/undo": Form("", _below("/desk/undo"), after="/desk/{cadence}/state"),
}
# Forms of pages that an earlier version has shown: no page has them any more.
OF_EARLIER = {"/preferences/{token}", "/pause/{token}"}
# It answers a file.
DOWNLOADS = {"/yours/{token}/download"}


def forgotten_lines() -> set[str]:
    """Return the routes that stand in no table, and the lines of tables whose route is gone."""
    desk = (*DESK, *sign_in_pages(lambda _token: "", lambda: None))
    shown = {page.path for page in (*PAGES, *desk) if page.get}
    sent = {page.path for page in (*PAGES, *desk) if page.post}
    return (shown ^ (READERS.keys() | READER_FILES | ADDRESSES.keys() | FILES)) | (
        sent ^ (FORMS.keys() | OF_EARLIER | DOWNLOADS)
    )


def pages_of_readers() -> list[str]:
    """Return every address of a page of readers."""
    return [each for some in READERS.values() for each in some]


def pages_of_the_desk() -> list[str]:
    """Return every address of a page of the desk, frames left out."""
    return [each for path, some in ADDRESSES.items() if path not in FRAMES for each in some]
