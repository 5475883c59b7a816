"""Let a reader leave by the link of a letter (RFC 8058: a POST without session, cookie or redirect)."""

from __future__ import annotations

from contextlib import suppress

from digest.store.engine import reading
from digest.web.readers.choosing import changing
from digest.web.readers.message import Button, MessageForm, ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from subscribers import store
from subscribers.errors import NoSubscriber
from subscribers.links import person_of
from subscribers.tokens import read_token


def _show(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    link = read_token(pages.installation.link_keys, "unsubscribe", visit.token)
    with reading(pages.installation.engine) as conn:
        person = person_of(conn, link)
    words = pages.words(person.language) if person else pages.words_of(visit)
    form = MessageForm([Button(words.say("leave_button"), "List-Unsubscribe", "One-Click")])
    return told(words, ReaderMessage(words.say("leave_title"), [words.say("leave"), words.say("not_yet")], form=form))


def _leave(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    secret = pages.installation.secret
    link = read_token(pages.installation.link_keys, "unsubscribe", visit.token)
    words = pages.words_of(visit)
    # A reader who was erased gets the same answer, because they are not written to either.
    with changing(pages) as conn, suppress(NoSubscriber):
        if person := person_of(conn, link):
            words = pages.words(person.language)
            store.leave(conn, person.id, how="unsubscribe link", now=pages.now, secret=secret)
    return told(words, ReaderMessage(words.say("left_title"), [words.say("left")], done=True))


PAGES = (ReaderRoute("/unsubscribe/{token}", _show, _leave),)
