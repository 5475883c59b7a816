"""Read the catalogues of the words on readers' pages: templates/web/words/*.toml, and an organisation's own.

An organisation's own language is a file below its templates: web/words/fr.toml. Words that it lacks are shown in
English, because a page with an English line helps a reader more than no page.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from digest.config.settings import Settings
from digest.letter import catalogue
from digest.letter.words import Words
from digest.system.resources import resource


def page_folders(settings: Settings) -> tuple[Path, ...]:
    """Return the folders with catalogues of the pages' words, the shipped one last."""
    own = (settings.templates / "web",) if settings.templates else ()
    return (*own, resource("templates") / "web")


def page_languages(settings: Settings) -> dict[str, str]:
    """Return the languages of the pages, {tag: its own name}, those of the shipped catalogues first."""
    return dict(_languages(page_folders(settings)))


def page_words(settings: Settings, wanted: tuple[str, ...]) -> Words:
    """Return the words of the pages in the best of the wanted languages. ConfigError names each mistake in them."""
    folders = page_folders(settings)
    available = catalogue.languages(folders)
    tags = tuple(tag for tag in (*wanted, settings.site.language) if tag)
    return _words(folders, catalogue.best(tags, available))


def letter_words(settings: Settings, language: str) -> Words:
    """Return the words of letters in a language."""
    own = (settings.templates,) if settings.templates else ()
    folders = (*own, resource("templates") / "email")
    return catalogue.words_for(folders, language, settings.site, settings.brand, settings.taxonomy.regions)


@lru_cache(maxsize=16)
def _languages(folders: tuple[Path, ...]) -> tuple[tuple[str, str], ...]:
    tags = catalogue.languages(folders[-1:]) | catalogue.languages(folders)
    shipped = catalogue.languages(folders[-1:])
    ordered = sorted(tags, key=lambda tag: (tag not in shipped, tag != catalogue.PATTERN, tag))
    return tuple((tag, _words(folders, tag).sentences["language_name"]) for tag in ordered)


@lru_cache(maxsize=32)
def _words(folders: tuple[Path, ...], language: str) -> Words:
    # Read once a process, because each page needs them; `digest serve` is started again after a change.
    return catalogue.load_catalogue(folders, language, all_later=True)
