"""Compose the message on the wire: headers, then both parts of an assembled letter as they are.

Only headers are encoded here. A new header is added here, in a transport that writes headers itself, and in
`dkim.SIGNED` if it is to be signed. The standard library's generator is not used, because it writes a long
List-Unsubscribe as an encoded word, which no mail program can follow.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from digest.letter.blocks import Assembled
from digest.letter.mime import headers
from digest.letter.mime.headers import BadHeader
from digest.model import Site

_MESSAGE_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+>")
_FEEDBACK = re.compile(r"[A-Za-z0-9:._-]{1,100}")
_PART = '\r\nContent-Type: {}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
_TEXT = _PART.format("text/plain").encode("ascii")
_HTML = _PART.format("text/html").encode("ascii")


# Not frozen, because each letter needs one, and freezing makes it take five times as long to make.
@dataclass(slots=True)
class Head:
    """Hold what the headers of one reader's letter say, apart from what the letter itself gives.

    `to` is a bare address and `to_name` any text; `message_id` is "<delivery@domain>", stable per delivery;
    `date` is aware; `list_id` is the list's name alone ("weekly.news.example.org"); `unsubscribe_url` acts on
    a one-click POST (RFC 8058). A notice belongs to no list: it has neither ("").
    """

    site: Site
    to: str
    message_id: str
    date: datetime
    list_id: str
    unsubscribe_url: str
    unsubscribe_mailto: str | None = None
    to_name: str = ""


def compose(assembled: Assembled, head: Head) -> bytes:
    """Return the whole message of `message_pieces`."""
    return b"".join(message_pieces(assembled, head))


def message_pieces(assembled: Assembled, head: Head) -> list[bytes]:
    """Return the whole message in pieces to be joined: CRLF, 7 bit, text part first, one recipient.

    BadHeader (a DigestError and ValueError) when a value is unfit for its header: it has a control character, a
    local part that is not ASCII, or an address that is not a URI.
    """
    if not _MESSAGE_ID.fullmatch(head.message_id):
        raise BadHeader(f"Message-ID: {head.message_id[:60]!r} is not <name@domain>; give one per delivery")
    boundary = "=_" + hashlib.blake2b(head.message_id.encode("ascii"), digest_size=15).hexdigest()
    sender, subject, list_id, rest = _shared(
        head.site, assembled.subject, head.date, head.list_id, assembled.feedback_id
    )
    to = headers.addressed("To", head.to, head.to_name)
    unsubscribe = _unsubscribe(head.unsubscribe_url, head.unsubscribe_mailto) if head.list_id else ""
    lines = (
        f"{sender}{to}{subject}Message-ID: {head.message_id}\r\n{list_id}{unsubscribe}{rest}"
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'
    )
    mark = f"--{boundary}".encode("ascii")
    return [
        lines.encode("ascii"),
        *(mark, _TEXT, *assembled.text_pieces, b"\r\n"),
        *(mark, _HTML, *assembled.html_pieces, b"\r\n"),
        *(mark, b"--\r\n"),
    ]


# Remembered, because all letters of a digest and batch share these lines.
@lru_cache(maxsize=64)
def _shared(site: Site, subject: str, date: datetime, list_id: str, feedback_id: str) -> tuple[str, str, str, str]:
    """Return the header lines before To, from Subject to Date, of the list, and after the unsubscribe address."""
    return (
        _sender(site),
        f"{_subject(subject)}Date: {_date(date)}\r\n",
        _list(site, list_id) if list_id else "",
        f"{_feedback(feedback_id)}Auto-Submitted: auto-generated\r\nPrecedence: bulk\r\nMIME-Version: 1.0\r\n",
    )


@lru_cache(maxsize=64)
def _sender(site: Site) -> str:
    reply_to = site.reply_to
    lines = headers.addressed("From", site.sender.address, site.sender.name)
    return lines + (headers.addressed("Reply-To", reply_to.address, reply_to.name) if reply_to else "")


@lru_cache(maxsize=1024)
def _subject(subject: str) -> str:
    return headers.text("Subject", subject)


def _date(date: datetime) -> str:
    if date.tzinfo is None:
        raise BadHeader("Date: a time without a zone; give an aware one")
    return format_datetime(date.astimezone(UTC))


@lru_cache(maxsize=64)
def _list(site: Site, list_id: str) -> str:
    shown = headers.phrase("List-ID", site.name)
    return headers.folded("List-ID", f"{shown} <{headers.domain('List-ID', list_id)}>")


def _unsubscribe(url: str, mailto: str | None) -> str:
    """Return both unsubscribe headers, with each address unbroken on a line of its own."""
    name = "List-Unsubscribe"
    if not url.startswith(("https://", "http://")):
        raise BadHeader(f"{name}: {url[:60]!r} is not a web address; one-click needs one")
    if mailto is not None and not mailto.startswith("mailto:"):
        raise BadHeader(f"{name}: {mailto[:60]!r} does not begin with mailto:; give a mail address so")
    second = f",\r\n {headers.uri(name, mailto)}" if mailto else ""
    # One-click is offered for https only, because RFC 8058 demands it.
    post = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" if url.startswith("https://") else ""
    return f"{name}: {headers.uri(name, url)}{second}\r\n{post}"


def _feedback(value: str) -> str:
    if value and not _FEEDBACK.fullmatch(value):
        raise BadHeader(f"Feedback-ID: {value[:60]!r} has more than letters, digits and : . _ -; shorten it")
    return f"Feedback-ID: {value}\r\n" if value else ""
