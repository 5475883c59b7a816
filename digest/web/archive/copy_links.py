"""Lead from the copy of a reader's letter on to the pages that show the same to everybody, to be passed on."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine

from digest.config.settings import Settings
from digest.letter import cards
from digest.letter.words import direction
from digest.model import Edition, Entry
from digest.readers.archive import archive_scope, public_pages
from digest.readers.words import page_words
from digest.store.engine import reading
from digest.system.pages import render_page
from digest.web.archive.addresses import edition_path, entry_path


def archive_section(
    engine: Engine, settings: Settings, language: str, edition: Edition, entries: Sequence[Entry]
) -> str:
    """Return the html section that leads to the public pages of an edition and of the entries of a letter.

    "" where the edition has no public page. `language` is that of the letter.
    """
    scope = archive_scope(settings)
    if scope is None:
        return ""
    with reading(engine) as conn:
        public = public_pages(conn, scope, edition, [entry.id for entry in entries])
    if public is None:
        return ""
    words, base = page_words(settings, (language,)), settings.site.base_url
    shown = [entry for entry in entries if entry.id in public and cards.title(entry)]
    values = {
        "words": words.sentences,
        "language": words.language,
        "direction": direction(words.language),
        "light": settings.brand.light,
        "dark": settings.brand.dark,
        "edition": base + edition_path(edition),
        "entries": [
            (base + entry_path(entry.id), cards.title(entry), entry.language or settings.site.language)
            for entry in shown
        ],
    }
    return render_page("archive/copy.html.j2", values)
