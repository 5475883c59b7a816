"""Ask for a move of a reader's letters to another address, and undo it by the link that the one before got."""

from __future__ import annotations

from digest.letter.words import Words
from digest.readers.move import MoveRefused, ask_to_move, may_ask, undo_move, way_back
from digest.store.engine import reading
from digest.web.readers.choosing import changing, seen_reader
from digest.web.readers.message import Button, MessageForm, ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit, where_mailed
from digest.web.readers.yours_forms import changed_reader, onward
from digest.web.readers.yours_page import Refused, show_yours, yours
from subscribers import store
from subscribers.errors import BadAddress
from subscribers.forms import masked
from subscribers.model import Subscriber
from subscribers.tokens import make_token, read_token


def _ask(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    installation = pages.installation
    if not may_ask(installation):
        return onward(visit, "address")
    try:
        with changing(pages) as conn:
            person = changed_reader(pages, conn, visit)
            ask_to_move(conn, installation, person, visit.text("email"), visit.network)
    except BadAddress:
        return _refused(pages, visit, "address")
    except MoveRefused as refused:
        return _refused(pages, visit, refused.code)
    return onward(visit, "address", sends=True)


def _refused(pages: ReaderPages, visit: Visit, code: str) -> ReaderAnswer:
    words = pages.words(seen_reader(pages, visit.token).language)
    line = words.form("mistake", code, value=pages.editors)
    return yours(pages, visit, Refused("address", "email", line, visit.fields))


def ask_about_move(pages: ReaderPages, person: Subscriber) -> ReaderAnswer:
    """Return the page that asks at the new address of a person whether their letters are to move there."""
    words = pages.words(person.language)
    lines = [words.say("move_ask", email=masked(person.email)), words.say("not_yet")]
    form = MessageForm([Button(words.say("move_button"), "form", "move")])
    return told(words, ReaderMessage(words.say("move_title"), lines, form=form))


def tell_moved(pages: ReaderPages, person: Subscriber) -> ReaderAnswer:
    """Return the page that tells that a person's letters have moved."""
    words = pages.words(person.language)
    token = make_token(pages.installation.link_keys, "preferences", person.id, person.key)
    links = [(f"{pages.root}/yours/{token}", words.say("yours_title"))]
    line = words.say("moved", email=masked(person.email))
    return told(words, ReaderMessage(words.say("moved_title"), [line], done=True, links=links))


def _show_undo(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    link = read_token(pages.installation.link_keys, "undo", visit.token, now=pages.now)
    with reading(pages.installation.engine) as conn:
        waiting = way_back(conn, link.subscriber, link.key, pages.now)
        person = store.get(conn, waiting.wish.subscriber or 0) if waiting else None
    if waiting is None or person is None:
        return _too_late(pages, pages.words_of(visit))
    if visit.text("done") == "undone" and person.email == waiting.wish.email:
        return _told_undone(pages, person)
    words = pages.words(person.language)
    lines = [words.say("undo", email=masked(waiting.wish.email))]
    form = MessageForm([Button(words.say("undo_button"), "form", "undo")])
    return told(words, ReaderMessage(words.say("undo_title"), lines, form=form))


def _undo(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    link = read_token(pages.installation.link_keys, "undo", visit.token, now=pages.now)
    with changing(pages) as conn:
        waiting = way_back(conn, link.subscriber, link.key, pages.now)
        person = undo_move(conn, pages.installation, waiting) if waiting else None
    if person is None:
        return _too_late(pages, pages.words_of(visit))
    return ReaderAnswer(location=f"/undo/{visit.token}?done=undone")


def _told_undone(pages: ReaderPages, person: Subscriber) -> ReaderAnswer:
    words = pages.words(person.language)
    line = words.say("undone", email=masked(person.email), editors=pages.editors)
    return told(words, ReaderMessage(words.say("undone_title"), [line], done=True))


def _too_late(pages: ReaderPages, words: Words) -> ReaderAnswer:
    return told(words, ReaderMessage(words.say("moved_not_title"), [words.say("undo_late", editors=pages.editors)]))


PAGES = (
    ReaderRoute("/yours/{token}/address", show_yours, _ask, offered=where_mailed),
    ReaderRoute("/undo/{token}", _show_undo, _undo, offered=where_mailed),
)
