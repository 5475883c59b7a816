"""Turn what a reader had into the values that a page shows: letters, and their entries with reason and place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from digest.letter import cards
from digest.letter.bidi import isolated
from digest.letter.inert import link, visible
from digest.letter.words import direction
from digest.model import Entry
from digest.readers.answer import EntryToAnswer, entries_to_answer
from digest.readers.history import HadEntry, HadLetter
from digest.web.readers.history_words import HistoryWords
from digest.web.readers.page import ReaderPages

View = dict[str, object]


def letter_views(
    words: HistoryWords, letters: Sequence[HadLetter], may_answer: Mapping[int, EntryToAnswer]
) -> list[View]:
    """Return the views of letters, in their order.

    An entry that the reader `may_answer` has a form for it, once, where it stands first.
    """
    left = dict(may_answer)
    return [
        {
            "title": words.title(letter),
            "count": words.pages.count("had_entries", len(letter.entries)) if letter.entries else "",
            "state": words.state(letter),
            "entries": [_had_view(words, had, left.pop(had.entry.id, None)) for had in letter.entries],
        }
        for letter in letters
    ]


def may_answer(
    conn: Connection, pages: ReaderPages, reader: int, letters: Sequence[HadLetter]
) -> dict[int, EntryToAnswer]:
    """Return the entries of letters that a reader may answer; none where the installation does not ask."""
    numbers = {had.entry.id for letter in letters for had in letter.entries}
    return entries_to_answer(conn, reader, numbers) if pages.settings.answers else {}


def _had_view(words: HistoryWords, had: HadEntry, answer: EntryToAnswer | None) -> View:
    told = [words.correction(given) for given in had.corrections]
    return {**view_of_entry(words, had.entry), "reason": words.reason(had), "corrections": told, "answer": answer}


def view_of_entry(words: HistoryWords, entry: Entry) -> View:
    """Return the view of an entry: its number, title, link, language, and what it is and where it is from."""
    facts = [words.letters.kind(entry.kind), visible(cards.source_line(entry, words.letters))]
    place = words.letters.place(visible(entry.facets.place), entry.facets.regions)
    language, around = entry.language or "", direction(words.pages.language)
    foreign = bool(language) and language.partition("-")[0].lower() != words.pages.language
    return {
        "id": entry.id,
        "title": visible(cards.title(entry) or words.letters.kind(entry.kind), cards.TITLE),
        "url": link(entry.url),
        "language": language if foreign else "",
        "dir": direction(language) if foreign else "",
        "around": around,
        "facts": ", ".join(isolated(part, around) for part in (*facts, place) if part),
    }
