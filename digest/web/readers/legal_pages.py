"""Show the privacy notice and the accessibility statement."""

from __future__ import annotations

from collections.abc import Sequence

from digest.letter.words import Words
from digest.readers.legal import StatementPart, accessibility_statement, privacy_notice
from digest.web.readers.message import ASK
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit


def _show_privacy(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    words = pages.words_of(visit)
    sections = privacy_notice(pages.settings, words, pages.letter_words(words.language))
    lead = words.say("privacy_lead", name=pages.settings.site.name)
    return _statement(pages, words, (words.say("privacy_title"), lead), sections)


def _show_accessibility(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
    words = pages.words_of(visit)
    heading = words.say("access_title"), words.say("access_lead")
    return _statement(pages, words, heading, accessibility_statement(pages.settings, words))


def _statement(
    pages: ReaderPages, words: Words, heading: tuple[str, str], sections: Sequence[StatementPart]
) -> ReaderAnswer:
    """Return the page of a statement; `heading` is its title and its first paragraph."""
    title, lead = heading
    values = {"title": title, "lead": lead, "sections": sections, "ask": f"/{ASK}" if pages.can_mail else ""}
    return ReaderAnswer("readers/statement.html.j2", words, values, indexed=True)


PAGES = (
    ReaderRoute("/privacy", get=_show_privacy),
    ReaderRoute("/accessibility", get=_show_accessibility),
)
