"""Turn delivery status notifications (RFC 3464) and feedback reports (ARF, RFC 5965) into events. Pure.

A stranger can write any message. So a report counts only with the tag of one of our deliveries, which only the
systems that handled the letter can know, and an address in a report is never believed. `read_report` raises
NoReport for any other message.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime

from digest.ledger.events import Event
from digest.ledger.redact import redacted
from digest.transports.mailbox.message import all_parts, header_of, headers_of, text_of, words_of
from digest.transports.mailbox.notifications import NoReport, Statement, read_notification
from digest.transports.mailbox.plain import read_words

__all__ = ["LARGEST", "PROVIDER", "NoReport", "read_report"]

PROVIDER = "mail"
LARGEST = 1_000_000  # bytes of a message that are read; enough, because the report comes before the returned letter

# A bounce brings the tag back in the address that it was sent to (VERP), a complaint in the headers that it quotes.
_ADDRESSED = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "Cc")
_QUOTED = ("Original-Mail-From", "Return-Path", "X-Original-Mail-From", "Errors-To")
_FEEDBACK = {"abuse": "complained", "fraud": "complained", "opt-out": "unsubscribed", "": "complained"}
# A reader's wish to leave, as the whole subject or the whole first line, in the languages of the letters.
_LEAVE = re.compile(
    r"(?:please )?(?:unsubscribe|remove|take|opt(?: me)?[ -]?out|stop|cancel my subscription|no more)(?: me)?"
    r"(?: off| out of| from| sending)?"
    r"(?: (?:this|the|your|these|any|all|mailing|news|e?mails?|list|letters?|newsletters?|digests?))*"
    r"|(?:dad-?danysgrifi(?:o|wch)|tynnwch|stopiwch)(?: fi| fy enw)?(?: oddi ar (?:y|eich|ych) rhestr(?: hon)?)?"
    r"|dim mwy",
)
_POLITE = re.compile(r"\b(?:please|thanks?(?: you)?|os gwelwch yn dda|diolch)\b|^(?:re|fwd?|aw|ynghylch)\s*:|[.,!?]")

Tag = Callable[[str], int | None]


def read_report(raw: bytes, read_tag: Tag, now: datetime) -> Event:
    """Return the event that a message reports of one of our deliveries. Raises NoReport for any other message.

    `raw` is the message or its first LARGEST bytes; `read_tag` returns the delivery whose tag is in a text.
    """
    try:
        message = message_from_bytes(raw[:LARGEST], policy=compat32)
        return _read(message, read_tag, now)
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


def _read(message: Message, read_tag: Tag, now: datetime) -> Event:
    statement = _statement(message)
    addressed = headers_of(message, _ADDRESSED)
    delivery = read_tag(" ".join([addressed, statement.quoted if statement else ""]))
    if statement is None:
        if delivery is None:
            raise NoReport("not a report", reader=True)
        if not _wants_to_leave(message):
            raise NoReport("an answer to a letter, for a person", reader=True)
        statement = Statement("unsubscribed", None, "asked by a message to the bounce address")
    elif delivery is None:
        # A complaint stays unread, because a provider may have taken out all but words that a person can judge.
        complaint = statement.kind in ("complained", "unsubscribed")
        why = "a complaint" if complaint else "a report"
        machine = not statement.plain and not complaint
        raise NoReport(f"{why} without the tag of one of our deliveries", machine=machine, reader=complaint)
    return Event(
        id=_id(message, delivery, statement.kind),
        kind=statement.kind,
        delivery=delivery,
        address=None,
        at=_date(message, now),
        status=statement.status,
        reason=redacted(statement.reason),
        provider=PROVIDER,
    )


def _statement(message: Message) -> Statement | None:
    """Return what a report states, in whichever form it has; None for a person's message.

    Raises NoReport for what a program wrote that is no report. That is judged last, because many servers mark their
    reports as automatic answers.
    """
    form = header_of(message, "Content-Type").lower()
    if "feedback-report" in form:
        return _feedback(message)
    statement = read_notification(message)
    if statement is None and "disposition-notification" not in form:
        statement = read_words(message)
    if statement is None and ("disposition-notification" in form or _is_automatic(message)):
        raise NoReport("an automatic answer", machine=True)
    return statement


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


def _feedback(message: Message) -> Statement:
    """Read a feedback report (RFC 5965): its fields, and the letter complained of, whole or its headers alone."""
    parts = all_parts(message)
    fields = ""
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            inner = part.get_payload()
            fields += str(inner[0]) if isinstance(inner, list) and inner else text_of(part)
    if not fields:
        raise NoReport("feedback without its report")
    match = re.search(r"(?im)^feedback-type:[ \t]*([a-z-]*)", fields)
    feedback_type = match[1].lower() if match else ""
    kind = _FEEDBACK.get(feedback_type)
    if kind is None:
        raise NoReport(f"feedback that is no complaint ({feedback_type})", machine=True)
    quoted = [line for line in fields.splitlines() if line.lower().startswith("original-mail-from:")]
    for part in parts:
        if part.get_content_type() == "text/rfc822-headers":
            quoted.append(headers_of(message_from_bytes(text_of(part).encode("utf-8", "replace")), _QUOTED))
        else:
            quoted.append(headers_of(part, _QUOTED[1:]))
    verb = "left" if kind == "unsubscribed" else "complained"
    return Statement(kind, None, f"{verb} through the mailbox provider", " ".join(quoted))


def _is_automatic(message: Message) -> bool:
    """Return whether a message is an absence note or another automatic answer, which says nothing of a delivery."""
    submitted = header_of(message, "Auto-Submitted").partition(";")[0].strip().lower()
    return (
        submitted == "auto-replied"
        or any(message.get(name) is not None for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply"))
        or header_of(message, "Precedence").strip().lower() == "auto_reply"
    )


def _id(message: Message, delivery: int, kind: str) -> str:
    """Return the event's id, the same for every copy: read again from an mbox or delivered twice, it is one event."""
    name = header_of(message, "Message-ID").strip() or repr(message.items()[:40])
    content = f"{name} {delivery} {kind}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(content).hexdigest()


def _date(message: Message, now: datetime) -> datetime:
    try:
        at = parsedate_to_datetime(header_of(message, "Date"))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return now
    return at if at.year > 2000 and at < now else now
