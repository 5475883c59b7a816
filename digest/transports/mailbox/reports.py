"""Turn delivery status notifications (RFC 3464) and feedback reports (ARF, RFC 5965) into events. Pure.

A stranger can write any message. So a report counts only with the tag of one of our deliveries, or with a signed link
of one of our letters, which only the systems that handled the letter can know; an address in a report is never
believed. `read_report` raises NoReport for any other message.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from digest.ledger.events import Event
from digest.ledger.redact import redacted
from digest.transports.mailbox.complaints import read_feedback, read_returned_as_spam, traces_in
from digest.transports.mailbox.message import header_of, headers_of, words_of
from digest.transports.mailbox.notifications import NoReport, Statement, read_notification
from digest.transports.mailbox.plain import read_words

__all__ = ["LARGEST", "PROVIDER", "LinkedReader", "NoReport", "arrived", "read_report"]

PROVIDER = "mail"
LARGEST = 1_000_000  # bytes of a message that are read; enough, because the report comes before the returned letter
_HEAD = 64_000  # bytes in which the headers of a message are

# A bounce brings the tag back in the address that it was sent to (VERP), a complaint in the headers that it quotes.
_ADDRESSED = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "Cc")
# A reader's wish to leave, as the whole subject or the whole first line, in the languages of the letters.
_LEAVE = re.compile(
    r"(?:please )?(?:unsubscribe|remove|take|opt(?: me)?[ -]?out|stop|cancel my subscription|no more)(?: me)?"
    r"(?: off| out of| from| sending)?"
    r"(?: (?:this|the|your|these|any|all|mailing|news|e?mails?|list|letters?|newsletters?|digests?))*"
    r"|(?:dad-?danysgrifi(?:o|wch)|tynnwch|stopiwch)(?: fi| fy enw)?(?: oddi ar (?:y|eich|ych) rhestr(?: hon)?)?"
    r"|dim mwy",
)
_POLITE = re.compile(r"\b(?:please|thanks?(?: you)?|os gwelwch yn dda|diolch)\b|^(?:re|fwd?|aw|ynghylch)\s*:|[.,!?]")

_LEAVING = ("complained", "unsubscribed")


class LinkedReader(NamedTuple):
    """Name the reader whose signed links stand in a text: a subscriber's id, and the delivery if a link tells it.

    `retired`: only a retired key has signed them, so that they prove no more than a wish to leave.
    """

    subscriber: int
    delivery: int | None = None
    retired: bool = False


Tag = Callable[[str], int | None]
Link = Callable[[str], LinkedReader | None]


def read_report(raw: bytes, read_tag: Tag, read_link: Link, now: datetime) -> Event:
    """Return the event that a message reports of one of our letters. Raises NoReport for any other message.

    `raw` is the message or its first LARGEST bytes; `read_tag` returns the delivery whose tag is in a text, and
    `read_link` the reader whose signed links are in it. Links are read where there is no tag.
    """
    try:
        message = message_from_bytes(raw[:LARGEST], policy=compat32)
        return _read(message, read_tag, read_link, now)
    except NoReport:
        raise
    except (
        MessageError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        RecursionError,
    ) as error:
        # Catch them all, because the standard library's parser and writer raise any of these on a damaged message.
        raise NoReport(f"damaged ({type(error).__name__})") from None


def _read(message: Message, read_tag: Tag, read_link: Link, now: datetime) -> Event:
    statement = _statement(message)
    addressed = headers_of(message, _ADDRESSED)
    delivery, reader = read_tag(" ".join([addressed, statement.quoted if statement else ""])), None
    if statement is None:
        if delivery is None:
            raise NoReport("not a report", reader=True)
        if not _wants_to_leave(message):
            raise NoReport("an answer to a letter, for a person", reader=True)
        statement = Statement("unsubscribed", None, "asked by a message to the bounce address")
    elif delivery is None:
        statement, delivery, reader = _by_traces(message, statement, read_tag, read_link)
    return Event(
        id=_id(message, f"{delivery}" if delivery is not None else f"reader {reader}", statement.kind),
        kind=statement.kind,
        delivery=delivery,
        address=None,
        at=_date(message, now),
        status=statement.status,
        reason=redacted(statement.reason),
        provider=PROVIDER,
        reader=reader,
    )


def _by_traces(
    message: Message, statement: Statement, read_tag: Tag, read_link: Link
) -> tuple[Statement, int | None, int | None]:
    """Return what a report without a tag in its usual headers states, and the delivery or reader that it is about.

    Raises NoReport when nothing in it names either.
    """
    traces, leaving = traces_in(message), statement.kind in _LEAVING
    if traces.mailtos and (delivery := read_tag(traces.mailtos)) is not None:
        return statement, delivery, None
    linked = read_link(traces.text)
    if linked is not None and linked.retired:
        statement = replace(statement, kind="unsubscribed")
    if linked is not None and (leaving or not linked.retired):
        return statement, linked.delivery, linked.subscriber
    # A complaint stays unread, because a provider may have taken out all but words that a person can judge.
    why = "a complaint" if leaving else "a report"
    machine = not statement.plain and not leaving
    raise NoReport(f"{why} without the tag or a link of one of our letters", machine=machine, reader=leaving)


def _statement(message: Message) -> Statement | None:
    """Return what a report states, in whichever form it has; None for a person's message.

    Raises NoReport for what a program wrote that is no report. That is judged last, because many servers mark their
    reports as automatic answers.
    """
    form = header_of(message, "Content-Type").lower()
    statement = read_feedback(message) or read_notification(message)
    if statement is None and "disposition-notification" not in form:
        statement = read_words(message)
    if statement is None and ("disposition-notification" in form or _is_automatic(message)):
        raise NoReport("an automatic answer", machine=True)
    return statement or read_returned_as_spam(message)


def _wants_to_leave(message: Message) -> bool:
    """Return whether the whole subject or the whole first line of a reader's message asks to leave.

    Only the tag makes it theirs, as with the link in the letter: a sender's address can be forged.
    """
    lines = [line for line in words_of(message).splitlines() if line.strip() and not line.lstrip().startswith(">")]
    for line in (header_of(message, "Subject"), *lines[:1]):
        words = " ".join(_POLITE.sub(" ", line.lower().strip()).split())
        if len(words) <= 80 and _LEAVE.fullmatch(words):
            return True
    return False


def _is_automatic(message: Message) -> bool:
    """Return whether a message is an absence note or another automatic answer, which says nothing of a delivery."""
    submitted = header_of(message, "Auto-Submitted").partition(";")[0].strip().lower()
    return (
        submitted == "auto-replied"
        or any(message.get(name) is not None for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply"))
        or header_of(message, "Precedence").strip().lower() == "auto_reply"
    )


def _id(message: Message, about: str, kind: str) -> str:
    """Return the event's id, the same for every copy: read again from an mbox or delivered twice, it is one event."""
    name = header_of(message, "Message-ID").strip() or repr(message.items()[:40])
    content = f"{name} {about} {kind}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(content).hexdigest()


def _date(message: Message, now: datetime) -> datetime:
    return _instant(header_of(message, "Date"), now) or now


def arrived(raw: bytes, now: datetime) -> datetime | None:
    """Return when a message came, as the server that took it notes, or else its writer; None where neither does."""
    message = BytesHeaderParser(policy=compat32).parsebytes(raw[:_HEAD])
    noted = header_of(message, "Received").rpartition(";")[2]
    return _instant(noted, now) or _instant(header_of(message, "Date"), now)


def _instant(text: str, now: datetime) -> datetime | None:
    """Return the instant of a date in a header; None for one that cannot be, such as in the future."""
    try:
        at = parsedate_to_datetime(text.strip())
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return at if at.year > 2000 and at < now else None
