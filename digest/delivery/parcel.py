"""Build a reader's parcel of an edition: their links, their letter, and the message on the wire.

`parcel` calls three functions in turn: `links_of`, `render_letter`, `compose_message`. A page that only shows the
letter calls the first two.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime

from digest.config.settings import Settings
from digest.letter import views
from digest.letter.blocks import Assembled, ReaderFacts
from digest.letter.compile import Letter
from digest.letter.form import values
from digest.letter.mime.compose import Head, message_pieces
from digest.letter.mime.headers import address as require_address
from digest.model import Digest, Edition, Site
from digest.render import Letters
from digest.transports.base import Filling, Parcel
from digest.transports.tag import TagKeys, delivery_tag
from subscribers.model import Subscriber
from subscribers.tokens import joint_key, make_token


@dataclass(frozen=True, slots=True)
class Links:
    """Hold a reader's links in an edition's letter: absolute addresses, each with a token for this reader alone."""

    unsubscribe: str
    preferences: str
    pause: str
    browser: str
    more: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """Hold a reader's letter, and the facts about the reader that it shows."""

    letter: Assembled
    reader: ReaderFacts


def parcel(
    letters: Letters, person: Subscriber, digest: Digest, secret: bytes, now: datetime, *, delivery: int
) -> Parcel:
    """Return a reader's letter in their language, composed, and signed where config has a key.

    A transport that fills forms gets the form and the reader's values as well. `delivery` is the delivery's number, 0
    for a preview. Raises ConfigError for a mistaken template, another DigestError or ValueError when no letter can be
    written to this reader.
    """
    settings, edition = letters.settings, letters.edition
    rendered = render_letter(letters, person, digest, links_of(settings.site, edition, person, secret))
    head = head_of(letters, person, rendered.reader, secret, now)
    pieces: list[bytes] = []
    filling = None
    if settings.transport.capabilities.fills_forms:
        form = letters.form(person.language, digest, rendered.reader)
        marks = values(letters.of(person.language), form, rendered.reader)
        require_address("To", person.email)  # as composing does
        filling = Filling(form, marks, head, edition.cadence)
    else:
        pieces = compose_message(settings, rendered.letter, head)
    tag = delivery_tag(secret, delivery or 1, TagKeys(person.key, edition.key))
    folder = folder_of(edition)
    return Parcel(
        delivery, folder, person.email, pieces, rendered.letter, filling, tag, head.message_id, composed=True
    )


def links_of(site: Site, edition: Edition, person: Subscriber, secret: bytes) -> Links:
    """Make the links of a person's letter; those of a person without an id (a preview by interests) do nothing."""

    def token(purpose: str, key: str = person.key, number: int | None = None) -> str:
        return make_token([secret], purpose, person.id, key, edition=number) if person.id else "preview"

    stored = (joint_key(person.key, edition.key), edition.id) if edition.id else ()
    preferences = token("preferences")
    browser = f"{site.base_url}/letters/{token('browse', *stored)}"
    return Links(
        unsubscribe=f"{site.base_url}/unsubscribe/{token('unsubscribe')}",
        preferences=f"{site.base_url}/preferences/{preferences}",
        pause=f"{site.base_url}/pause/{preferences}",
        browser=browser,
        more=f"{browser}#more",
    )


def render_letter(letters: Letters, person: Subscriber, digest: Digest, links: Links) -> Rendered:
    """Render a person's letter of an edition in their language; nothing is composed or signed.

    Raises ConfigError for a mistaken template, DigestError for a digest that is not of this edition.
    """
    reader = reader_facts(letters.of(person.language), person, links)
    return Rendered(letters.render(person.language, digest, reader), reader)


def reader_facts(letter: Letter, person: Subscriber, links: Links) -> ReaderFacts:
    """Return the facts about one person that a letter shows."""
    return ReaderFacts(
        name=person.name,
        email=person.email,
        unsubscribe_url=links.unsubscribe,
        preferences_url=links.preferences,
        pause_url=links.pause,
        browser_url=links.browser,
        interests=views.interests(letter.book, person.interests),
        more_url=links.more,
    )


def head_of(letters: Letters, person: Subscriber, reader: ReaderFacts, secret: bytes, now: datetime) -> Head:
    """Return the values for the headers of a person's letter."""
    site, edition = letters.settings.site, letters.edition
    return Head(
        site,
        to=person.email,
        to_name=person.name,
        message_id=message_id(site, TagKeys(person.key, edition.key), secret),
        date=now,
        list_id=f"{edition.cadence}.{site.sender.domain}",
        unsubscribe_url=reader.unsubscribe_url,
    )


def message_id(site: Site, keys: TagKeys, secret: bytes) -> str:
    """Return the Message-ID of the letter to a reader of an edition, who have these keys.

    The same on every attempt, so that a receiver can drop a second copy; hashed, because a number would tell how many
    subscribers there are. Of the keys, because after a restore the numbers may be given again, and a receiver would
    drop another letter as a second copy.
    """
    return hashed_message_id(site, f"message {keys.edition} {keys.subscriber}", secret)


def hashed_message_id(site: Site, text: str, secret: bytes) -> str:
    """Return a Message-ID at the domain of the sender that is the same for the same text, and does not tell it."""
    return f"<{hmac.digest(secret, text.encode(), 'sha256').hex()[:32]}@{site.sender.domain}>"


def compose_message(settings: Settings, letter: Assembled, head: Head) -> list[bytes]:
    """Compose a letter into the pieces of a message, signed where config has a key; BadHeader for a bad value."""
    pieces = message_pieces(letter, head)
    if settings.dkim is None:
        return pieces
    from digest.letter.mime.dkim import sign  # here, because cryptography is slow to import

    return [sign(b"".join(pieces), settings.dkim, head.date)]


def folder_of(edition: Edition | None) -> str:
    """Return the name of an edition's folder of letters ("weekly-2027-10-29")."""
    return f"{edition.cadence}-{edition.slot}" if edition else "unknown"
