"""Erase a reader at their own word: a page that says what goes and what stays, and a second press."""

from __future__ import annotations

from digest.readers.erase import erase_reader
from digest.web.readers.choosing import changing, seen_reader
from digest.web.readers.message import ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from digest.web.readers.yours_forms import changed_reader
from digest.web.readers.yours_page import shared_values
from subscribers.errors import NoSubscriber

_SURE = ("form", "erase")  # the button sends it, so that no empty POST erases anybody


def _show(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    try:
        person = seen_reader(pages, visit.token)
    except NoSubscriber:
        if visit.text("done") != "erased":
            raise
        words = pages.words_of(visit)
        return told(words, ReaderMessage(words.say("yours_erased_title"), [words.say("yours_erased")], done=True))
    words = pages.words(person.language)
    lists = {
        name: [part.strip() for part in words.say(f"yours_erase_{name}_list").split(";")]
        for name in ("goes", "stays")
    }
    return ReaderAnswer("readers/erase.html.j2", words, {**shared_values(pages, visit, person), **lists})


def _erase(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    if _SURE not in visit.fields:
        return ReaderAnswer(location=f"/yours/{visit.token}/erase")
    with changing(pages) as conn:
        person = changed_reader(pages, conn, visit)
        words = pages.words(person.language)
        erase_reader(conn, pages.installation, person.id)
    # The language in the address, because nobody is known by the link any more.
    return ReaderAnswer(location=f"/yours/{visit.token}/erase?done=erased&language={words.language}")


PAGES = (ReaderRoute("/yours/{token}/erase", _show, _erase),)
