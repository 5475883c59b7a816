"""Turn what a reader had into the values that a page shows: letters, and their entries with reason and place."""

from __future__ import annotations

from collections.abc import Sequence

from digest.letter import cards
from digest.letter.inert import link, visible
from digest.letter.words import direction
from digest.model import Entry
from digest.readers.history import HadEntry, HadLetter
from digest.web.readers.history_words import HistoryWords

View = dict[str, object]


def letter_views(words: HistoryWords, letters: Sequence[HadLetter]) -> list[View]:
    """Return the views of letters, in their order."""
    return [
        {
            "title": words.title(letter),
            "count": words.pages.count("had_entries", len(letter.entries)) if letter.entries else "",
            "state": words.state(letter),
            "entries": [_had_view(words, had) for had in letter.entries],
        }
        for letter in letters
    ]


def _had_view(words: HistoryWords, had: HadEntry) -> View:
    told = [words.correction(given) for given in had.corrections]
    return {**entry_view(words, had.entry), "reason": words.reason(had), "corrections": told}


def entry_view(words: HistoryWords, entry: Entry) -> View:
    """Return the view of an entry: its number, title, link, language, and what it is and where it is from."""
    facts = [words.letters.kind(entry.kind), visible(entry.source, 80)]
    place = words.letters.place(visible(entry.facets.place), entry.facets.regions)
    language = entry.language or ""
    foreign = bool(language) and language.partition("-")[0].lower() != words.pages.language
    return {
        "id": entry.id,
        "title": visible(cards.title(entry) or words.letters.kind(entry.kind), cards.TITLE),
        "url": link(entry.url),
        "language": language if foreign else "",
        "direction": direction(language) if foreign else "",
        "facts": ", ".join(part for part in (*facts, place) if part),
    }
