"""Letters: an edition's letter in each language, and one reader's parcel of it. Preview and send both come here."""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime

from digest import render
from digest.config.settings import Settings
from digest.letter import catalogue, headers
from digest.letter.compile import Inline, Letter, inline_styles
from digest.letter.compose import compose
from digest.letter.fit import fit
from digest.letter.share import Form, form, values
from digest.letter.values import Assembled, EditionFacts, ReaderFacts
from digest.model import Digest, Edition, Entry
from digest.resources import resource
from digest.transports.base import Parcel
from digest.transports.sendgrid.grouping import own_headers, shared_of
from digest.transports.sendgrid.payload import Personal, Shared
from digest.transports.tag import delivery_tag
from subscribers.model import Subscriber
from subscribers.tokens import make_token

_SMALL = 25  # entries that never fill 80 KB
CHECKED = 3  # digests of each language that are also rendered whole, and compared

_log = logging.getLogger(__name__)


class Letters:
    """An edition's letter by language, each compiled when its first reader comes. ConfigError for a bad template.

    The first digests of each language are compared with the letter rendered whole. Where a template of the
    organisation's own makes them differ, that language's digests are compiled one by one from there on.
    """

    def __init__(
        self, settings: Settings, edition: Edition, entries: Sequence[Entry], inline: Inline = inline_styles
    ) -> None:
        own = [settings.templates] if settings.templates else []
        self._folders = [*own, resource("templates") / "email"]
        self._settings, self._entries, self._inline = settings, entries, inline
        self.languages = catalogue.languages(self._folders)
        self._facts = EditionFacts(edition.id, edition.cadence, date.fromisoformat(edition.slot), edition.note)
        self._edition = edition
        self._made: dict[str, Letter] = {}
        self._shared: dict[tuple[str, Digest], tuple[Form, Shared]] = {}
        self._checked: dict[str, list[Digest]] = {}
        self._lock = threading.RLock()

    def of(self, language: str) -> Letter:
        """Return the letter in a reader's language; without words for it, in the site's, else in English."""
        site = self._settings.site
        chosen = catalogue.best((language, site.language), self.languages)
        with self._lock:
            if chosen not in self._made:
                self._made[chosen] = render.render_letter(
                    site, self._settings.taxonomy, self._facts, self._entries, self._folders,
                    brand=self._settings.brand, language=chosen, inline=self._inline,
                )  # fmt: skip
            return self._made[chosen]

    def render(self, language: str, digest: Digest, reader: ReaderFacts) -> Assembled:
        """Return one reader's letter, right whatever the templates do; see `render.safe_letter`."""
        letter = self.of(language)
        checked = self._checked.setdefault(letter.book.words.language, [])
        if len(checked) < CHECKED and digest not in checked:
            letter = self._check(letter, digest, reader, checked)
        return render.render_digest(letter, digest, reader)

    def shared(self, language: str, digest: Digest, reader: ReaderFacts, list_id: str) -> tuple[Form, Shared]:
        """Return a digest's letter as a form that a provider fills for each reader, the same for all of them."""
        letter = self.of(language)
        key = (letter.book.words.language, digest)
        with self._lock:
            if key not in self._shared:
                blank = form(letter, digest, reader)
                self._shared[key] = blank, shared_of(blank, self._settings.site, list_id, (self._edition.cadence,))
            return self._shared[key]

    def _check(self, letter: Letter, digest: Digest, reader: ReaderFacts, checked: list[Digest]) -> Letter:
        with self._lock:
            # The shipped templates are proven by the tests; an own one is tried at the extremes too.
            trials = bool(self._settings.templates) and not checked
            safe, why = render.safe_letter(letter, digest, reader, trials=trials)
            if why:
                self._made[letter.book.words.language] = safe
                _log.warning("edition %s: %s; each digest is compiled by itself, which is slow", self._facts.id, why)
            checked.append(digest)
        return safe


def fitting(settings: Settings, edition: Edition, entries: Sequence[Entry]) -> Callable[[Digest], Digest]:
    """Return what keeps a digest's letter below the size at which mail programs clip it, by counting more as "more".

    With a cap of 25 no letter comes near it, and nothing is compiled.
    """
    if settings.letter_cap <= _SMALL:
        return lambda digest: digest
    letters = letters_of(settings, edition, entries)
    return lambda digest: fit(letters.of(settings.site.language), digest) if digest.placed else digest


def letters_of(
    settings: Settings, edition: Edition, entries: Sequence[Entry], *, inline: Inline = inline_styles
) -> Letters:
    """Return an edition's letters, compiled once a language. The organisation's own templates are searched first."""
    return Letters(settings, edition, entries, inline)


def parcel(
    settings: Settings,
    edition: Edition,
    letters: Letters,
    person: Subscriber,
    digest: Digest,
    secret: bytes,
    now: datetime,
    *,
    delivery: int,
) -> Parcel:
    """Return one reader's letter in their language, composed, and signed where config has a key for it.

    Raises ConfigError for a mistaken template, another DigestError or ValueError when none can be written to them.
    """
    reader = _reader(settings, edition, letters.of(person.language), person, secret)
    assembled = letters.render(person.language, digest, reader)
    domain = headers.domain_of("site.from", settings.site.sender)
    # The same on every attempt, so that a receiver can drop a twin; and it tells nobody how many there are.
    token = hmac.new(secret, f"message {edition.id} {person.id}".encode(), hashlib.sha256).hexdigest()[:32]
    message = compose(
        settings.site,
        assembled,
        to=person.email,
        to_name=person.name,
        message_id=f"<{token}@{domain}>",
        date=now,
        list_id=f"{edition.cadence}.{domain}",
        unsubscribe_url=reader.unsubscribe_url,
    )
    if settings.dkim is not None:
        from digest.letter.dkim import sign  # cryptography is slow to import

        message = sign(message, settings.dkim, now)
    made = Parcel(
        delivery, folder_of(edition), person.email, assembled.subject, message,
        assembled.html_text(), assembled.plain_text(),
    )  # fmt: skip
    if not settings.transport.capabilities.fills_forms:
        return made
    blank, shared = letters.shared(person.language, digest, reader, f"{edition.cadence}.{domain}")
    own = own_headers(reader.unsubscribe_url, f"<{token}@{domain}>")
    marks = values(letters.of(person.language), blank, reader)
    personal = Personal(delivery, person.email, person.name, marks, own, delivery_tag(secret, delivery or 1))
    return replace(made, shared=shared, personal=personal)


def folder_of(edition: Edition | None) -> str:
    """Return the name of an edition's folder of letters ("weekly-2027-10-29")."""
    return f"{edition.cadence}-{edition.slot}" if edition else "unknown"


def _reader(settings: Settings, edition: Edition, letter: Letter, person: Subscriber, secret: bytes) -> ReaderFacts:
    base = settings.site.base_url

    def link(path: str, purpose: str, number: int | None = None) -> str:
        # A reader who is only imagined (a preview by interests) has no links that could do anything.
        token = make_token([secret], purpose, person.id, edition=number or None) if person.id else "preview"
        return f"{base}/{path}/{token}"

    return render.reader_facts(
        letter,
        person,
        unsubscribe_url=link("unsubscribe", "unsubscribe"),
        preferences_url=link("preferences", "preferences"),
        pause_url=link("pause", "preferences"),
        browser_url=link("letters", "browse", edition.id),
        more_url=link("letters", "browse", edition.id) + "#more",
    )
