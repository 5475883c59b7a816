"""Compose a notice: its words by its kind, as plain text and as simple html. No subject names a person."""

from __future__ import annotations

from datetime import datetime
from html import escape

from digest.config.settings import Settings
from digest.delivery.parcel import compose_message, hashed_message_id
from digest.letter import catalogue
from digest.letter.blocks import Assembled
from digest.letter.mime.compose import Head
from digest.letter.mime.quoted_printable import encode
from digest.letter.words import direction
from digest.store.notices import Owed
from digest.system.resources import resource
from digest.transports.base import Parcel
from subscribers.model import Subscriber
from subscribers.tokens import make_token

FOLDER = "notices"  # of the file transport

# The subject and the paragraphs of a test; "{name}" and "{sender}" are those of the site. Only operators read it.
_TEST = (
    "Test letter from {name}",
    "This is a test of the mail account of {name}. It was asked for by `digest test`, and no reader gets it.",
    "It came from {sender}. In its headers, look for spf=pass, dkim=pass and dmarc=pass: where one of them is"
    " missing, the DNS of the sender's domain does not name this mail account yet.",
    "If it lay among unwanted mail, so will the letters of your readers.",
)


def notice_parcel(settings: Settings, owed: Owed, person: Subscriber | None, secret: bytes, now: datetime) -> Parcel:
    """Return a notice as a parcel for any transport; `person` is the subscriber with its address.

    Raises BadHeader for an address unfit for a header, ConfigError for a mistake in the words.
    """
    site = settings.site
    language, (subject, *paragraphs) = _words(settings, owed, person, secret)
    html = "".join(f"<p>{_linked(paragraph)}</p>\n" for paragraph in paragraphs)
    tags = f'<html lang="{escape(language)}" dir="{direction(language)}">'
    page = f"<!DOCTYPE html>\n{tags}<head><title>{escape(subject)}</title></head>\n<body>\n{html}</body></html>\n"
    letter = Assembled(subject, [encode(page)], [encode("\n\n".join(paragraphs) + "\n")])
    message_id = hashed_message_id(site, f"notice {owed.number} {now.isoformat()}", secret)
    head = Head(site, to=owed.email, message_id=message_id, date=now, list_id="", unsubscribe_url="")
    # The tag names no delivery, because a report about a notice is about no letter.
    pieces = compose_message(settings, letter, head)
    return Parcel(owed.number, FOLDER, owed.email, pieces, letter, None, "notice", head.message_id, composed=True)


def _words(settings: Settings, owed: Owed, person: Subscriber | None, secret: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the language of a notice, and its subject with its paragraphs."""
    site = settings.site
    values = {"name": site.name, "sender": site.sender.address}
    if owed.kind == "test" or person is None:
        return "en", tuple(text.format(**values) for text in _TEST)
    own = (settings.templates,) if settings.templates else ()
    words = catalogue.words_for((*own, resource("templates") / "email"), person.language, site, settings.brand)
    texts = words.forms["new_link"]
    subject, asked, link, other = (
        texts.get(name, texts["other"]).replace("{name}", site.name) for name in ("subject", "asked", "link", "other")
    )
    token = make_token([secret], "preferences", person.id, person.key)
    return words.language, (subject, asked, link, f"{site.base_url}/preferences/{token}", other)


def _linked(paragraph: str) -> str:
    """Return a paragraph as html; one that is an address becomes a link."""
    shown = escape(paragraph)
    return f'<a href="{shown}">{shown}</a>' if paragraph.startswith(("https://", "http://")) else shown
