"""Build a reader's parcel of an edition: their links, their letter, and the message on the wire.

`parcel` runs for every letter that is sent: what readers of a digest share is made once, and each reader's own words
and links are written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from digest.config.settings import Settings
from digest.letter import views
from digest.letter.blocks import Assembled, ReaderFacts
from digest.letter.compile import Letter
from digest.letter.form import values
from digest.letter.mime.compose import Head, message_pieces
from digest.letter.mime.headers import address as require_address
from digest.model import Digest, Edition, Site, TopLine
from digest.render import Letters
from digest.transports.base import Filling, Parcel
from digest.transports.tag import TagKeys, bounce_address, delivery_tag
from subscribers.keyed import keyed_hash
from subscribers.keyring import Keyring
from subscribers.model import Subscriber
from subscribers.tokens import LetterTokens, letter_tokens


class Links(NamedTuple):
    """Hold a reader's links in an edition's letter: absolute addresses, each with a token for this reader alone."""

    unsubscribe: str
    preferences: str
    pause: str
    browser: str
    more: str


_NO_TOKENS = LetterTokens("preview", "preview", "preview")


class Signed(NamedTuple):
    """Hold what the keys make for one letter: the reader's links, the Message-ID, and the tag of the delivery."""

    delivery: int
    links: Links
    message_id: str
    tag: str


def parcel(
    letters: Letters, person: Subscriber, digest: Digest, keys: Keyring, now: datetime, *, delivery: int
) -> Parcel:
    """Return a reader's letter in their language, composed, and signed where config has a key.

    A transport that fills forms gets the form and the reader's values as well. `delivery` is the delivery's number, 0
    for a preview. Raises ConfigError for a mistaken template, another DigestError or ValueError when no letter can be
    written to this reader.
    """
    return composed(letters, person, digest, sign_letter(letters, person, keys, delivery), now)


def sign_letter(letters: Letters, person: Subscriber, keys: Keyring, delivery: int) -> Signed:
    """Return what a person's letter needs of the keys. Raises ValueError for a person without a key."""
    site, edition = letters.settings.site, letters.edition
    bound_to = TagKeys(person.key, edition.key)
    return Signed(
        delivery,
        links_of(site, edition, person, keys.links),
        message_id(site, bound_to, keys.secret),
        delivery_tag(keys.secret, delivery or 1, bound_to),
    )


def composed(
    letters: Letters,
    person: Subscriber,
    digest: Digest,
    signed: Signed,
    now: datetime,
    top_lines: tuple[TopLine, ...] = (),
) -> Parcel:
    """Return the parcel that `parcel` returns, of what was signed before, with its lines on earlier entries."""
    settings, edition = letters.settings, letters.edition
    reader = reader_facts(letters.of(person.language), person, signed.links, top_lines)
    letter = letters.render(person.language, digest, reader)
    head = head_of(letters, reader, signed, now)
    pieces: list[bytes] = []
    filling = None
    if settings.transport.capabilities.fills_forms:
        form = letters.form(person.language, digest, reader)
        marks = values(letters.of(person.language), form, reader)
        require_address("To", person.email)  # as composing does
        filling = Filling(form, marks, head, edition.cadence)
    else:
        pieces = compose_message(settings, letter, head)
    folder = folder_of(edition)
    return Parcel(
        signed.delivery,
        folder,
        person.email,
        pieces,
        letter,
        filling,
        signed.tag,
        signed.message_id,
        composed=filling is None,
    )


def links_of(site: Site, edition: Edition, person: Subscriber, keys: Sequence[bytes]) -> Links:
    """Make the links of a person's letter; those of a person without an id (a preview by interests) do nothing."""
    tokens = _NO_TOKENS
    if person.id:
        tokens = letter_tokens(keys, person.id, person.key, (edition.id, edition.key) if edition.id else None)
    base, preferences, browser = site.base_url, tokens.preferences, f"{site.base_url}/letters/{tokens.browse}"
    return Links(
        f"{base}/unsubscribe/{tokens.unsubscribe}",
        f"{base}/yours/{preferences}",
        f"{base}/yours/{preferences}#pause",
        browser,
        f"{browser}#more",
    )


def reader_facts(
    letter: Letter, person: Subscriber, links: Links, top_lines: tuple[TopLine, ...] = ()
) -> ReaderFacts:
    """Return the facts about one person that a letter shows."""
    unsubscribe, preferences, pause, browser, more = links
    interests = views.interests(letter.book.words, letter.book.taxonomy, person.interests)
    return ReaderFacts(
        person.name, person.email, unsubscribe, preferences, pause, browser, interests, more, top_lines
    )


def head_of(letters: Letters, reader: ReaderFacts, signed: Signed, now: datetime) -> Head:
    """Return the values for the headers of a reader's letter."""
    settings = letters.settings
    site, by_mail = settings.site, settings.leaves_by_mail
    # By its tag `digest events` knows whose message it is, as it does of a bounce.
    mailto = f"mailto:{bounce_address(by_mail, signed.tag)}?subject=unsubscribe" if by_mail else None
    return Head(site, reader.email, signed.message_id, now, site.list_id, reader.unsubscribe_url, mailto, reader.name)


def message_id(site: Site, keys: TagKeys, secret: bytes) -> str:
    """Return the Message-ID of the letter to a reader of an edition, who have these keys.

    The same on every attempt, so that a receiver can drop a second copy; hashed, because a number would tell how many
    subscribers there are. Of the keys, because after a restore the numbers may be given again, and a receiver would
    drop another letter as a second copy.
    """
    return hashed_message_id(site, f"message {keys.edition} {keys.subscriber}", secret)


def hashed_message_id(site: Site, text: str, secret: bytes) -> str:
    """Return a Message-ID at the domain of the sender that is the same for the same text, and does not tell it."""
    return f"<{keyed_hash(secret, text.encode()).hex()[:32]}@{site.sender.domain}>"


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
