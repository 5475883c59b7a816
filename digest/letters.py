"""Letters: an edition's letter, and one reader's parcel of it. Preview and send both come through here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import date, datetime
from email.utils import parseaddr

from digest import render
from digest.config import Settings
from digest.letter.compile import Letter
from digest.letter.compose import compose
from digest.letter.values import EditionFacts, ReaderFacts
from digest.model import Digest, Edition, Entry
from digest.resources import resource
from digest.transports.base import Parcel
from subscribers.model import Subscriber
from subscribers.tokens import make_token


def letter_of(settings: Settings, edition: Edition, entries: Sequence[Entry]) -> Letter:
    """Return an edition's letter, compiled once. The organisation's own templates are searched first."""
    facts = EditionFacts(edition.id, edition.cadence, date.fromisoformat(edition.slot), edition.note)
    folders = [settings.templates] if settings.templates else []
    return render.render_letter(
        settings.site, settings.taxonomy, facts, entries, [*folders, resource("templates") / "email"]
    )


def parcel(
    settings: Settings,
    edition: Edition,
    letter: Letter,
    person: Subscriber,
    digest: Digest,
    secret: bytes,
    now: datetime,
    *,
    delivery: int,
) -> Parcel:
    """Return one reader's letter, composed. Raises DigestError or ValueError when none can be written to them."""
    reader = _reader(settings, edition, person, secret)
    assembled = render.render_digest(letter, digest, reader)
    domain = parseaddr(settings.site.sender)[1].rpartition("@")[2]
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
    return Parcel(
        delivery, folder_of(edition), person.email, assembled.subject, message,
        assembled.html_text(), assembled.plain_text(),
    )  # fmt: skip


def folder_of(edition: Edition | None) -> str:
    """Return the name of an edition's folder of letters ("weekly-2027-10-29")."""
    return f"{edition.cadence}-{edition.slot}" if edition else "unknown"


def _reader(settings: Settings, edition: Edition, person: Subscriber, secret: bytes) -> ReaderFacts:
    base = settings.site.base_url

    def link(path: str, purpose: str, number: int | None = None) -> str:
        # A reader who is only imagined (a preview by interests) has no links that could do anything.
        token = make_token([secret], purpose, person.id, edition=number or None) if person.id else "preview"
        return f"{base}/{path}/{token}"

    return render.reader_facts(
        settings.taxonomy,
        person,
        unsubscribe_url=link("unsubscribe", "unsubscribe"),
        preferences_url=link("preferences", "preferences"),
        pause_url=link("pause", "preferences"),
        browser_url=link("letters", "browse", edition.id),
    )
