"""Define what all pages of readers share: a visit, an answer, and the parts of the installation that they work with.

A page is a `ReaderRoute` whose functions take the `ReaderPages` and a `Visit` and return a `ReaderAnswer`. A GET
changes nothing, because mail scanners open every link. The token in an address is the credential of a POST, so that
it needs no session and no cookie.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from digest.config.settings import Settings
from digest.installation import Installation
from digest.letter.words import Words
from digest.readers.archive import archive_scope
from digest.readers.lately import KeptLately
from digest.readers.sample import SampleLetters
from digest.readers.words import letter_words, page_words
from digest.store.archive import Scope
from digest.web.letters import LetterPages

LARGEST = 65_536  # bytes of a form; a mail program sends 26, the form of choices some hundred


class NotConfirmed(Exception):
    """The reader has not confirmed their address."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Hold one request to a page as values.

    `path` are the parts of the address, `fields` the (name, value) pairs of a GET's query or a POST's form. `accepts`
    are the languages of the browser, best first; `network` is where the request comes from, as coarsely as it may be
    kept. `wants_json`: a program asks, not a browser. `origin`: the site whose page sent it, "" without one.
    """

    path: Mapping[str, str] = field(default_factory=dict)
    fields: Sequence[tuple[str, str]] = ()
    accepts: Sequence[str] = ()
    network: str = ""
    wants_json: bool = False
    origin: str = ""

    @property
    def token(self) -> str:
        """Return the token in the address, or ""."""
        return self.path.get("token", "")

    def text(self, name: str) -> str:
        """Return the last value of a field, without the space around it; "" without the field."""
        return next((value.strip() for key, value in reversed(self.fields) if key == name), "")

    def all(self, name: str) -> list[str]:
        """Return all values of a field."""
        return [value for key, value in self.fields if key == name]


@dataclass(frozen=True, slots=True)
class ReaderAnswer:
    """Hold the answer to a visit: a template with its values and words, or a way on (`location`), or a `body`.

    `template` is a file of templates/web; `location` is a path below the root of the pages. `sends`: a mail may be
    owed now, which is handed over after the answer, because its time would tell whether there is somebody to write
    to. `indexed`: search engines and caches may keep the page, because it is public.
    """

    template: str = ""
    words: Words | None = None
    values: Mapping[str, object] = field(default_factory=dict)
    status: int = 200
    location: str = ""
    body: bytes = b""
    media_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)
    sends: bool = False
    indexed: bool = False


class ReaderNotices(Protocol):
    """Send readers the mails that they ask for on a page."""

    def ask(self, email: str, network: str) -> None:
        """Owe a new link to the active subscriber with this address, if there is one; a network asks. BadAddress."""

    def hand_over(self) -> None:
        """Hand over the notices that are owed; slow."""


@dataclass
class ReaderPages:
    """The installation as its readers' pages use it.

    `notices` mails what readers ask for; None: no page offers what needs a mail.
    """

    installation: Installation
    notices: ReaderNotices | None = None
    _letter_words: dict[str, Words] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def letters(self) -> LetterPages:
        """Return the copies of letters."""
        return LetterPages(self.installation.engine, self.installation.link_key_file, self.settings)

    @cached_property
    def lately(self) -> KeptLately:
        """Return the numbers beside choices."""
        return KeptLately(self.installation)

    @property
    def settings(self) -> Settings:
        """Return the settings of the installation."""
        return self.installation.settings

    @property
    def now(self) -> datetime:
        """Return the present instant."""
        return self.installation.clock()

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return the zone in which days are told."""
        return ZoneInfo(self.settings.site.zone)

    @cached_property
    def root(self) -> str:
        """Return the path below which a proxy serves the pages, "" or "/digest": that of [site] base_url."""
        return urlsplit(self.settings.site.base_url).path.rstrip("/")

    @property
    def editors(self) -> str:
        """Return the address that readers may write to."""
        site = self.settings.site
        return (site.reply_to or site.sender).address

    @property
    def can_mail(self) -> bool:
        """Return whether readers may be mailed what they ask for on a page."""
        return self.notices is not None

    @property
    def offers_join(self) -> bool:
        """Return whether people may ask for letters on a page, which needs a mail to them."""
        return self.settings.join.enabled and self.can_mail

    @cached_property
    def archived(self) -> Scope | None:
        """Return what of the archive everybody may see; None where there is no public archive."""
        return archive_scope(self.settings)

    @cached_property
    def samples(self) -> SampleLetters:
        """Return the sample letters of the home page."""
        return SampleLetters(self.installation)

    def words(self, *wanted: str) -> Words:
        """Return the words of the pages in the first of these languages that has a catalogue, else the site's."""
        return page_words(self.settings, tuple(wanted))

    def words_of(self, visit: Visit) -> Words:
        """Return the words for a visitor whom no link names: as they chose, as their browser asks, or the site's."""
        return self.words(visit.text("language"), *visit.accepts)

    def letter_words(self, language: str) -> Words:
        """Return the words of letters, for reasons, regions and kinds of entries, in a language of the pages."""
        # Kept, because to read and check a catalogue takes longer than most pages.
        if language not in self._letter_words:
            self._letter_words[language] = letter_words(self.settings, language)
        return self._letter_words[language]


Answering = Callable[[ReaderPages, Visit], ReaderAnswer]
Offering = Callable[[ReaderPages], bool]


def always(_pages: ReaderPages) -> bool:
    """Return that a page is there whatever config.toml says."""
    return True


def where_mailed(pages: ReaderPages) -> bool:
    """Return whether the pages that need a mail are there."""
    return pages.can_mail


@dataclass(frozen=True, slots=True)
class ReaderRoute:
    """Hold an address with the functions that answer it.

    `foreign`: the sites of [join] may show it in a frame and send to it, and programs may send it JSON. `offered`
    tells whether an installation has the page at all; without it the address leads nowhere.
    """

    path: str
    get: Answering | None = None
    post: Answering | None = None
    foreign: bool = False
    offered: Offering = always
