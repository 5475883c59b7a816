"""Compose a notice: its words by its kind, as plain text and as simple html. No subject names a person."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from html import escape

from digest.config.settings import Settings
from digest.delivery.parcel import compose_message
from digest.letter.blocks import Assembled
from digest.letter.mime.compose import Head
from digest.letter.mime.quoted_printable import encode
from digest.transports.base import Parcel

FOLDER = "notices"  # of the file transport

# The subject and the paragraphs of each kind; "{name}" and "{sender}" are those of the site.
_WORDS = {
    "test": (
        "Test letter from {name}",
        (
            "This is a test of the mail account of {name}. It was asked for by `digest test`, and no reader gets it.",
            "It came from {sender}. In its headers, look for spf=pass, dkim=pass and dmarc=pass: where one of them is"
            " missing, the DNS of the sender's domain does not name this mail account yet.",
            "If it lay among unwanted mail, so will the letters of your readers.",
        ),
    ),
}


def notice_parcel(settings: Settings, kind: str, number: int, to: str, secret: bytes, now: datetime) -> Parcel:
    """Return notice `number` as a parcel for any transport; raises BadHeader for an address unfit for a header."""
    site = settings.site
    subject, paragraphs = _WORDS[kind]
    values = {"name": site.name, "sender": site.sender.address}
    shown = [paragraph.format(**values) for paragraph in paragraphs]
    html = "".join(f"<p>{escape(paragraph)}</p>\n" for paragraph in shown)
    subject = subject.format(**values)
    title = f"<title>{escape(subject)}</title>"
    page = f'<!DOCTYPE html>\n<html lang="en"><head>{title}</head>\n<body>\n{html}</body></html>\n'
    letter = Assembled(subject, encode(page), encode("\n\n".join(shown) + "\n"))
    domain = site.sender.domain
    token = hmac.new(secret, f"notice {number} {now.isoformat()}".encode(), hashlib.sha256).hexdigest()[:32]
    head = Head(site, to=to, message_id=f"<{token}@{domain}>", date=now, list_id="", unsubscribe_url="")
    # The tag names no delivery, because a report about a notice is about no letter.
    return Parcel(
        number, FOLDER, to, compose_message(settings, letter, head), letter, None, "notice", head.message_id
    )
