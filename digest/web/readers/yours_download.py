"""Let readers download what is kept of them: by a POST, so that no scanner and no history of a browser has it."""

from __future__ import annotations

from digest.readers.download import all_kept, letters_table
from digest.store.engine import reading
from digest.web.readers.choosing import seen_reader
from digest.web.readers.history_words import HistoryWords
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from digest.web.readers.yours_page import show_yours

_FORMS = {
    "json": (all_kept, "application/json", "my-letters.json"),
    "csv": (letters_table, "text/csv", "my-letters.csv"),
}


def _download(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    person = seen_reader(pages, visit.token)
    if visit.text("form") not in _FORMS:
        return ReaderAnswer(location=f"/yours/{visit.token}")
    write, media_type, name = _FORMS[visit.text("form")]
    words = pages.words(person.language)
    history = HistoryWords(words, pages.letter_words(words.language), pages.settings.taxonomy)
    with reading(pages.installation.engine) as conn:
        body = write(conn, pages.installation, person, history.reason)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return ReaderAnswer(body=body, media_type=media_type, headers=headers)


PAGES = (ReaderRoute("/yours/{token}/download", show_yours, _download),)
