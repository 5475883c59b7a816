"""Erase a reader at their own word: a page that says what goes and what stays, and a second press."""

from __future__ import annotations

from digest.readers.erase import erase_reader
from digest.web.readers.choosing import changing, seen_reader
from digest.web.readers.message import ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from digest.web.readers.yours_forms import changed_reader
from digest.web.readers.yours_page import shared_values

_SURE = ("form", "erase")  # the button sends it, so that no empty POST erases anybody


def _show(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    person = seen_reader(pages, visit.token)
    words = pages.words(person.language)
    lists = {
        name: [part.strip() for part in words.say(f"yours_erase_{name}_list").split(";")]
        for name in ("goes", "stays")
    }
    return ReaderAnswer("readers/erase.html.j2", words, {**shared_values(pages, visit, person), **lists})


def _erase(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    if _SURE not in visit.fields:
        return _show(pages, visit)
    with changing(pages) as conn:
        person = changed_reader(pages, conn, visit)
        words = pages.words(person.language)
        erase_reader(conn, pages.installation, person.id)
    return told(words, ReaderMessage(words.say("yours_erased_title"), [words.say("yours_erased")], done=True))


PAGES = (ReaderRoute("/yours/{token}/erase", _show, _erase),)
