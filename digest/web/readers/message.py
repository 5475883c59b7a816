"""Build the pages that tell something and ask little: a title, sentences, a form of a line, and links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from digest.letter.words import Words
from digest.web.readers.page import ReaderAnswer, ReaderPages
from subscribers.errors import BadToken
from subscribers.forms import Choice, Fields

ASK = "new-link"  # the address of the page that sends a new link


@dataclass(frozen=True, slots=True)
class Button:
    """A button that posts the form."""

    words: str
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class MessageForm:
    """The form of a page: groups of fields, the label of an email address, the buttons, and where it is sent.

    `action` "" sends it to the page's own address; `typed` is the address that was typed into it before.
    """

    buttons: Sequence[Button]
    fields: Sequence[Fields] = ()
    address: str = ""
    action: str = ""
    typed: str = ""


@dataclass(frozen=True, slots=True)
class ReaderMessage:
    """The content of a page that tells something: a title, sentences, a summary, a form, and links, in this order.

    `status` is the HTTP status; `done`: it confirms a change. `summary` has (heading, choices) rows, `links` have
    (address, words).
    """

    title: str
    lines: Sequence[str]
    status: int = 200
    done: bool = False
    summary: Sequence[tuple[str, Sequence[Choice]]] = ()
    form: MessageForm | None = None
    links: Sequence[tuple[str, str]] = ()


def told(words: Words, message: ReaderMessage, *, sends: bool = False) -> ReaderAnswer:
    """Return the answer that shows a message; `sends`: a mail may be owed now."""
    return ReaderAnswer("readers/message.html.j2", words, {"message": message}, message.status, sends=sends)


def not_taken(words: Words, why: str) -> ReaderAnswer:
    """Return the page for a form that is too large or did not arrive."""
    status = {"too_large": 413, "not_arrived": 408}[why]
    return told(words, ReaderMessage(words.form("form_refused", why), [words.say("open_again")], status))


def unknown_link(pages: ReaderPages, words: Words, error: BadToken) -> ReaderAnswer:
    """Return the page for a token that is damaged, forged, too old, or for another purpose.

    It offers a new link as well, because the links of a secret that was lost look like damaged ones.
    """
    lines = [words.form("bad_link", "old" if "too old" in str(error) else "damaged")]
    if pages.can_mail:
        lines.append(words.say("bad_link_or_old"))
    return _with_form(pages, words, words.say("bad_link_title"), lines, 404)


def old_link(pages: ReaderPages, words: Words) -> ReaderAnswer:
    """Return the page for a link whose subscriber cannot be known any more."""
    lines = [words.say("old_link"), words.say("newest_works")]
    return _with_form(pages, words, words.say("old_link_title"), lines, 410)


def gone(pages: ReaderPages, words: Words, name: str = "gone", *, done: bool = False) -> ReaderAnswer:
    """Return the page for a reader who has left or was erased; the two must not differ.

    It begins with the sentence `name`, and ends with the way to get letters again; `done`: it confirms a change.
    """
    lines, links = [words.say(name)], []
    if pages.offers_join:
        links.append((f"{pages.root}/join", words.say("join_title")))
    else:
        lines.append(words.say("gone_again", editors=pages.editors))
    return told(words, ReaderMessage(words.say("gone_title"), lines, done=done, links=links))


def _with_form(pages: ReaderPages, words: Words, title: str, lines: Sequence[str], status: int) -> ReaderAnswer:
    """Return a page that offers a new link: by the form, where there is one, and by a mail to the editors."""
    editors = pages.editors
    subject = quote(words.say("new_link_subject"))
    mail = (f"mailto:{quote(editors, safe='@')}?subject={subject}", words.say("new_link_by_mail"))
    if not pages.can_mail:
        by_mail = words.say("write_for_link", editors=editors)
        return told(words, ReaderMessage(title, [*lines, by_mail], status, links=[mail]))
    form = MessageForm(
        [Button(words.say("new_link_send"))], address=words.say("new_link_address"), action=f"{pages.root}/{ASK}"
    )
    return told(words, ReaderMessage(title, lines, status, form=form, links=[mail]))
