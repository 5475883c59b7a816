"""Define what the pages of the archive share: a visit with what everybody may see, addresses, and pages of a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from sqlalchemy import Engine

from digest.letter.book import Book
from digest.letter.words import Words
from digest.model import Edition
from digest.store.archive import Scope
from digest.web.archive.addresses import ARCHIVE
from digest.web.readers.message import ReaderMessage, told
from digest.web.readers.page import ReaderAnswer, ReaderPages, ReaderRoute, Visit
from subscribers.invisible import one_line

_MOST_PAGES = 6  # digits


class NoArchivePage(Exception):
    """There is no such page of the archive."""


@dataclass(frozen=True)
class ArchiveVisit:
    """A visit to the archive: the pages, what everybody may see, and the words of the page and of letters."""

    pages: ReaderPages
    visit: Visit
    scope: Scope
    words: Words

    @property
    def engine(self) -> Engine:
        """Return the database."""
        return self.pages.installation.engine

    @cached_property
    def letter(self) -> Words:
        """Return the words of letters in the language of the page."""
        return self.pages.letter_words(self.words.language)

    @cached_property
    def book(self) -> Book:
        """Return what the views of entries are made with."""
        settings = self.pages.settings
        return Book(settings.site, settings.taxonomy, {}, self.letter, settings.brand)

    @property
    def number(self) -> int:
        """Return which page of a list is asked for. Raises NoArchivePage for what is no number."""
        text = self.visit.text("page") or "1"
        if not text.isascii() or not text.isdecimal() or not 0 < len(text) <= _MOST_PAGES or not int(text):
            raise NoArchivePage
        return int(text)

    def link(self, path: str, **fields: object) -> str:
        """Return the address of a page of ours for a link on the page, in the language that the visitor chose."""
        chosen = {"language": self.words.language} if self.visit.text("language") else {}
        return with_query(self.pages.root + path, {**fields, **chosen})

    def public_address(self, path: str, **fields: object) -> str:
        """Return the whole address of a page, as others may pass it on: by config, never by what a client names."""
        return with_query(self.pages.settings.site.base_url + path, fields)

    def day_of(self, edition: Edition) -> str:
        """Return the day of an edition in words."""
        year, month, day = map(int, edition.slot.split("-"))
        return self.words.say("day", day=day, month=self.words.months[month - 1], year=year)

    def name_of(self, edition: Edition) -> str:
        """Return the name of an edition: "Weekly digest, 6 November 2026"."""
        cadence = self.letter.form("cadence", edition.cadence)
        return self.words.say("archive_edition", cadence=cadence, day=self.day_of(edition))

    def facet_name(self, facet: str, slug: str) -> str:
        """Return the name of a policy area, region or theme in the language of the page."""
        if facet == "region":
            return self.letter.region(slug)
        return self.letter.name(self.pages.settings.taxonomy, slug)

    def slugs(self, facet: str) -> list[str]:
        """Return the policy areas, regions or themes that there are, in the order of config.toml."""
        taxonomy = self.pages.settings.taxonomy
        if facet == "region":
            return list(taxonomy.region_names)
        return [term.slug for term in (taxonomy.policy_areas if facet == "policy-area" else taxonomy.themes)]


Showing = Callable[[ArchiveVisit], ReaderAnswer]


@dataclass(frozen=True, slots=True)
class Pager:
    """Which page of a list is shown, of how many, and the addresses of those beside it, "" without one."""

    page: int
    pages: int
    before: str = ""
    after: str = ""


def archive_route(path: str, show: Showing) -> ReaderRoute:
    """Return the route of a page of the archive, which is there where the archive is public."""

    def get(pages: ReaderPages, visit: Visit) -> ReaderAnswer:
        assert pages.archived is not None  # because the page is offered
        asked = ArchiveVisit(pages, visit, pages.archived, pages.words_of(visit))
        try:
            return show(asked)
        except NoArchivePage:
            return _no_page(asked)

    return ReaderRoute(path, get, offered=_offered)


def _offered(pages: ReaderPages) -> bool:
    return pages.archived is not None


def archive_page(asked: ArchiveVisit, template: str, values: Mapping[str, object]) -> ReaderAnswer:
    """Return the answer that shows a template of the archive, which search engines and caches may keep."""
    # Because the same address is in another language for another browser.
    headers = {"Vary": "Accept-Language"}
    kept = urlencode([(name, value) for name, value in asked.visit.fields if name != "language"], errors="replace")
    shared = {"asked": asked, "letter": asked.letter, "kept": f"{kept}&" if kept else ""}
    return ReaderAnswer(
        f"archive/{template}.html.j2", asked.words, shared | dict(values), headers=headers, indexed=True
    )


def pager_of(asked: ArchiveVisit, path: str, total: int, size: int, **fields: object) -> Pager:
    """Return the pager of a list with `total` rows. Raises NoArchivePage for a page that it does not have."""
    number, pages = asked.number, max(1, -(-total // size))
    if number > pages:
        raise NoArchivePage

    def address(page: int) -> str:
        return asked.link(path, **fields, **({"page": page} if page > 1 else {}))

    before = address(number - 1) if number > 1 else ""
    return Pager(number, pages, before, address(number + 1) if number < pages else "")


def with_query(address: str, fields: Mapping[str, object]) -> str:
    """Return an address with the fields that have a value."""
    query = urlencode({name: one_line(str(value)) for name, value in fields.items() if value not in ("", None)})
    return f"{address}?{query}" if query else address


def _no_page(asked: ArchiveVisit) -> ReaderAnswer:
    words, links = asked.words, [(asked.link(ARCHIVE), asked.words.say("archive_nav"))]
    message = ReaderMessage(words.say("no_page_title"), [words.say("archive_no_page")], 404, links=links)
    return told(words, message)
