"""Show readers all the letters that they had, and why they did not get an entry."""

from __future__ import annotations

from digest.letter.words import Words
from digest.readers.asked_entry import asked_entries
from digest.readers.history import history_of
from digest.readers.why_not import why
from digest.store.engine import reading
from digest.web.readers.choosing import seen_reader
from digest.web.readers.history_words import HistoryWords
from digest.web.readers.letter_views import letter_views, may_answer, view_of_entry
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from digest.web.readers.yours_page import shared_values

_LETTERS = 10  # on a page
_DIGITS = 18


def _show_had(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    person = seen_reader(pages, visit.token)
    words = pages.words(person.language)
    asked = visit.text("before")
    before = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= _DIGITS else None
    with reading(pages.installation.engine) as conn:
        had = history_of(conn, pages.installation, person, before=before, limit=_LETTERS)
        answers = may_answer(conn, pages, person.id, had.letters)
    values = {
        **shared_values(pages, visit, person),
        "letters": letter_views(_history_words(pages, words), had.letters, answers),
        "older": had.older,
        "first": before is None,
    }
    return ReaderAnswer("readers/had.html.j2", words, values)


def _show_why(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    person = seen_reader(pages, visit.token)
    words, asked = pages.words(person.language), visit.text("entry")[:500]
    history = _history_words(pages, words)
    lines: list[str] = []
    with reading(pages.installation.engine) as conn:
        meant = asked_entries(conn, asked) if asked else []
        if len(meant) == 1:
            lines = history.why(why(conn, pages.installation, person, meant[0]))
    values = {
        **shared_values(pages, visit, person),
        "asked": asked,
        "meant": [view_of_entry(history, entry) for entry in meant],
        "lines": lines,
    }
    return ReaderAnswer("readers/why.html.j2", words, values)


def _history_words(pages: ReaderPages, words: Words) -> HistoryWords:
    return HistoryWords(words, pages.letter_words(words.language), pages.settings.taxonomy)


PAGES = (ReaderRoute("/yours/{token}/had", _show_had), ReaderRoute("/yours/{token}/why", _show_why))
