"""Send a reader a new link whose old one does not work any more."""

from __future__ import annotations

from digest.letter.words import Words
from digest.web.readers.message import ASK, Button, MessageForm, ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit, where_mailed
from subscribers.errors import BadAddress


def _show(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    words = pages.words_of(visit)
    if visit.text("done") != "asked":
        return _form(words)
    lines = [words.say("link_asked"), words.say("link_most"), words.say("link_none", editors=pages.editors)]
    return told(words, ReaderMessage(words.say("look_in_mailbox"), lines, done=True))


def _ask(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    words = pages.words_of(visit)
    try:
        assert pages.notices is not None
        pages.notices.ask(visit.text("email"), visit.network)
    except BadAddress:
        # Not redirected, because what was typed is personal, and stands in no address.
        return _form(words, mistake=True, typed=visit.text("email")[:254])
    # The same for every address, whoever has it.
    return ReaderAnswer(location=f"/{ASK}?done=asked", sends=True)


def _form(words: Words, *, mistake: bool = False, typed: str = "") -> ReaderAnswer:
    lines = [words.say("no_address")] if mistake else []
    form = MessageForm([Button(words.say("new_link_send"))], address=words.say("new_link_address"), typed=typed)
    title = words.say("new_link_title")
    return told(words, ReaderMessage(title, [*lines, words.say("new_link_why")], 400 if mistake else 200, form=form))


PAGES = (ReaderRoute(f"/{ASK}", _show, _ask, offered=where_mailed),)
