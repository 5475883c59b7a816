"""Describe a readers' page as values, and the pages for links that do not work. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response

from subscribers.errors import BadToken
from subscribers.pages.forms import Choice, Fields

ASK = "new-link"  # the address of the page that sends a new link


@dataclass(frozen=True, slots=True)
class Button:
    """A button that posts the form."""

    words: str
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class ReaderPage:
    """The content of a page: a title, plain sentences, a summary, a form, and links, in this order.

    `status` is the HTTP status; `done` is true on a page that confirms a change. `summary` has (heading, choices)
    rows. `fields`, `address` (the words that ask for an email address) and `buttons` make the form, which posts to
    `action`, by default the page's own address. `links` are (address, words). `sends`: a mail may be owed now.
    """

    title: str
    lines: Sequence[str]
    status: int = 200
    done: bool = False
    summary: Sequence[tuple[str, Sequence[Choice]]] = ()
    fields: Sequence[Fields] = ()
    address: str = ""
    buttons: Sequence[Button] = ()
    action: str = ""
    links: Sequence[tuple[str, str]] = ()
    sends: bool = False


RenderPage = Callable[[ReaderPage], Response]


def unknown_link(error: BadToken, editors: str, *, form: bool) -> ReaderPage:
    """Return the page for a token that is damaged, forged, too old, or for another purpose.

    It offers a new link as well, because the links of a secret that was lost look like damaged ones.
    """
    lines = [sentence(error)]
    if form:
        lines.append("Or it is from an old letter; then we can send you a new one.")
    return _with_form("We do not know this link", lines, 404, editors, form)


def old_link(editors: str, *, form: bool) -> ReaderPage:
    """Return the page for a link whose subscriber cannot be known any more."""
    lines = [
        "It does not work any more, and nothing has changed.",
        "The links in the newest letter that you have from us work.",
    ]
    return _with_form("This link is from an old letter", lines, 410, editors, form)


def gone(editors: str) -> ReaderPage:
    """Return the page for a reader who has left or was erased; the two must not differ."""
    return ReaderPage(
        "We do not write to you any more",
        ["So there is nothing to change here.", f"If you would like letters again, write to {editors}."],
    )


def ask_for_link(*, mistake: bool = False) -> ReaderPage:
    """Return the page that asks for the address to which a new link is sent; `mistake`: what came was no address."""
    lines = ["That was no email address. Write it like name@example.org."] if mistake else []
    return ReaderPage(
        "Get a new link by mail",
        [*lines, "With the new link you change what you follow, pause the letters, or stop them."],
        status=400 if mistake else 200,
        address=_ADDRESS,
        buttons=[_SEND],
    )


def link_asked(editors: str) -> ReaderPage:
    """Return the page after an address was given; it is the same for every address, whoever has it."""
    return ReaderPage(
        "Look in your mailbox",
        [
            "If our letters go to this address, we send a letter with a new link to it: within a few minutes, or,"
            " while other letters of ours are leaving, after them.",
            "An address gets at most three such letters an hour.",
            f"If none has come by tomorrow, look among unwanted mail, or write to {editors}.",
        ],
        done=True,
        sends=True,
    )


def sentence(error: Exception) -> str:
    """Return an error's words as a sentence."""
    words = str(error)
    return words[:1].upper() + words[1:] + "."


_ADDRESS = "The address that gets the letters"
_SEND = Button("Send me a new link")


def _with_form(title: str, lines: Sequence[str], status: int, editors: str, form: bool) -> ReaderPage:
    """Return a page that offers a new link: by the form, where there is one, and by a mail to the editors."""
    by_mail = f"write to {editors} from the address that gets the letters, and we send you a new link."
    mail = (f"mailto:{quote(editors, safe='@')}?subject=New%20link", "Or write to the editors for a new link")
    if not form:
        return ReaderPage(title, [*lines, f"Or {by_mail}"], status=status, links=[mail])
    # The address is relative, because a proxy may serve the pages below a path of its own.
    return ReaderPage(
        title, lines, status=status, address=_ADDRESS, buttons=[_SEND], action=f"../{ASK}", links=[mail]
    )
