"""Let a reader answer an entry that they had: useful, not for me, or what they did with it.

The form stands at each entry of "What you had"; this page shows it for one entry, with what is wrong or saved.
"""

from __future__ import annotations

from collections.abc import Mapping

from digest.readers.answer import (
    LONGEST_ANSWER,
    LONGEST_PLACE,
    EntryToAnswer,
    NotTheirs,
    entries_to_answer,
    give_answer,
    mistakes_in,
    take_answer_back,
    typed_answer,
)
from digest.store.answers import EntryAnswer
from digest.store.engine import reading
from digest.web.readers.choosing import active_reader, changing, seen_reader
from digest.web.readers.message import ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from subscribers.forms import BadForm
from subscribers.model import Subscriber
from subscribers.tokens import read_token

_ADDRESS = "/yours/{token}/answer"
_NOTHING: Mapping[str, str] = {}


def answer_address(pages: ReaderPages, token: str) -> str:
    """Return where the form of an answer is sent, for the link of a reader."""
    return pages.root + _ADDRESS.format(token=token)


def _show(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    person = seen_reader(pages, visit.token)
    if (
        not pages.settings.answers and visit.text("done") != "back"
    ):  # which may be done where nothing is asked any more
        return _off(pages, person)
    with reading(pages.installation.engine) as conn:
        entry = entries_to_answer(conn, person.id, [_entry(visit)]).get(_entry(visit))
    return _page(pages, visit, person, entry)


def _answer(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    link = read_token(pages.installation.link_keys, "preferences", visit.token)
    number, kind = _entry(visit), visit.text("answer")
    try:
        typed = typed_answer(number, kind, visit.text("text"), visit.text("place"), named=bool(visit.text("named")))
    except ValueError:
        raise BadForm("incomplete", "") from None
    back = bool(visit.text("take_back"))
    wrong = _NOTHING if back else mistakes_in(typed)
    with changing(pages) as conn:
        person = active_reader(conn, link)
        if not pages.settings.answers and not back:
            return _off(pages, person)
        try:
            if back:
                take_answer_back(conn, person.id, number, kind)
            elif not wrong:
                give_answer(conn, pages.installation, person.id, typed)
        except NotTheirs:
            return _page(pages, visit, person, None)
        entry = entries_to_answer(conn, person.id, [number]).get(number)
    if entry is not None and not wrong:
        done = "back" if back else "saved"
        return ReaderAnswer(location=f"{_ADDRESS.format(token=visit.token)}?entry={number}&done={done}")
    return _page(pages, visit, person, entry, typed if wrong else None, wrong)


def _entry(visit: Visit) -> int:
    """Return the number of the entry that a form or an address names; 0, which no entry has, without one."""
    text = visit.text("entry")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else 0


def _page(
    pages: ReaderPages, visit: Visit, person: Subscriber, entry: EntryToAnswer | None,
    typed: EntryAnswer | None = None, wrong: Mapping[str, str] = _NOTHING,
) -> ReaderAnswer:  # fmt: skip
    """Return the page of an entry; `typed` is an answer that was not saved, `wrong` {field: why}."""
    words = pages.words(person.language)
    had = f"/yours/{visit.token}/had"
    if entry is None:
        links = [(pages.root + had, words.say("answer_back"))]
        message = ReaderMessage(words.say("answer_none_title"), [words.say("answer_none")], 404, links=links)
        return told(words, message)
    done = "" if wrong or visit.text("done") not in ("back", "saved") else visit.text("done")
    values = {
        "entry": entry,
        "address": answer_address(pages, visit.token),
        "had": pages.root + had,
        "typed": typed,
        "wrong": wrong,
        "done": done,
        "most": {"text": LONGEST_ANSWER, "place": LONGEST_PLACE},
    }
    return ReaderAnswer("readers/answer_page.html.j2", words, values, 400 if wrong else 200)


def _off(pages: ReaderPages, person: Subscriber) -> ReaderAnswer:
    words = pages.words(person.language)
    lines = [words.say("answer_off", editors=pages.editors)]
    return told(words, ReaderMessage(words.say("answer_off_title"), lines, 404))


PAGES = (ReaderRoute(_ADDRESS, _show, _answer),)
