"""Turn delivery status notifications (RFC 3464) and feedback reports (ARF, RFC 5965) into events. Pure.

A stranger can write any message. So a report counts only with the tag of one of our deliveries, which only the
systems that handled the letter can know, and an address in a report is never believed. `read_report` raises
NoReport for any other message.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.policy import compat32
from email.utils import parsedate_to_datetime

from digest.ledger.events import Event
from digest.ledger.redact import redacted
from digest.ledger.replies import status_in

PROVIDER = "mail"
LARGEST = 1_000_000  # bytes of a message that are read; enough, because the report comes before the returned letter
_PARTS = 50
_TEXT = 8_000

# A bounce brings the tag back in the address that it was sent to (VERP), a complaint in the headers that it quotes.
_ADDRESSED = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "Cc")
_QUOTED = ("Original-Mail-From", "Return-Path", "X-Original-Mail-From", "Errors-To")
_MACHINE = re.compile(r"(?i)\b(mailer-daemon|postmaster|mail delivery (sub)?system)\b")
_FEEDBACK = {"abuse": "complained", "fraud": "complained", "opt-out": "unsubscribed", "": "complained"}
_ACTIONS = {"delayed": "deferred", "delivered": "delivered", "relayed": "processed", "expanded": "processed"}
# Of several recipients behind one address the mildest result counts: if one was reached, the address is alive.
_MILDEST = ("delivered", "processed", "deferred", "blocked", "bounced")

Tag = Callable[[str], int | None]


class NoReport(ValueError):
    """Report a message that is no report of ours, and why.

    `machine`: a program wrote it (an absence note, a report of a stranger's letter), so that no person need read it.
    """

    def __init__(self, why: str, *, machine: bool = False) -> None:
        super().__init__(why)
        self.machine = machine


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
    parts = _flat(message)
    form = _header(message, "Content-Type").lower()
    if "feedback-report" in form:
        kind, status, reason, quoted = _feedback(parts)
    elif any(part.get_content_type() == "message/delivery-status" for part in parts):
        kind, status, reason, quoted = _notification(parts)
    elif _is_automatic(message):
        raise NoReport("an automatic answer", machine=True)
    else:
        kind, status, reason, quoted = _plain(message, parts)
    delivery = read_tag(" ".join([_all(message, _ADDRESSED), quoted]))
    if delivery is None:
        raise NoReport("a report without the tag of one of our deliveries", machine=True)
    return Event(
        id=_id(message, delivery, kind),
        kind=kind,
        delivery=delivery,
        address=None,
        at=_date(message, now),
        status=status,
        reason=redacted(reason),
        provider=PROVIDER,
    )


def _notification(parts: list[Message]) -> tuple[str, str | None, str, str]:
    """Read a notification (RFC 3464): a block about the message, then one for each recipient.

    Returns (kind, status, reason, the texts that may hold the tag).
    """
    blocks = [
        block
        for part in parts
        if part.get_content_type() == "message/delivery-status"
        for block in (part.get_payload() if part.is_multipart() else [])
        if isinstance(block, Message)
    ][:_PARTS]
    about = [block for block in blocks if block.get("Action") or block.get("Status") or block.get("Final-Recipient")]
    if not about:
        raise NoReport("a notification without a recipient")
    kind, status, reason = min(map(_of_recipient, about), key=lambda result: _MILDEST.index(result[0]))
    return kind, status, reason, " ".join(_all(block, ("Original-Envelope-Id",)) for block in blocks)


def _of_recipient(block: Message) -> tuple[str, str | None, str]:
    """Return (kind, status, reason) of one recipient's block."""
    diagnostic = _header(block, "Diagnostic-Code")
    reason = diagnostic.partition(";")[2].strip() or diagnostic
    status = status_in(_header(block, "Status"))
    if status is None or status.endswith(".0.0"):
        # Many servers give a status of "failed" alone, and the real status in the diagnostic words.
        status = status_in(reason) or status
    action = _header(block, "Action").strip().lower()
    if action in _ACTIONS:
        return _ACTIONS[action], status, reason
    if action and action != "failed":
        raise NoReport("a notification of an unknown action")
    if status is not None and status.startswith("2"):
        return "delivered", status, reason
    return ("blocked" if status is not None and status.startswith("4") else "bounced"), status, reason


def _feedback(parts: list[Message]) -> tuple[str, str | None, str, str]:
    """Read a feedback report (RFC 5965): its fields, and the letter complained of, whole or its headers alone.

    Returns (kind, status, reason, the texts that may hold the tag).
    """
    fields = ""
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            inner = part.get_payload()
            fields += str(inner[0]) if isinstance(inner, list) and inner else _body(part)
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
            quoted.append(_all(message_from_bytes(_body(part).encode("utf-8", "replace")), _QUOTED))
        else:
            quoted.append(_all(part, _QUOTED[1:]))
    return kind, None, "complained through the mailbox provider", " ".join(quoted)


def _plain(message: Message, parts: list[Message]) -> tuple[str, str | None, str, str]:
    """Read a mail server's message without the standard's form, which counts only with a status code in its text.

    Returns (kind, status, reason, "").
    """
    if not _MACHINE.search(_all(message, ("From", "Sender"))):
        raise NoReport("not a report")
    text = next((_body(part)[:_TEXT] for part in parts if part.get_content_type() == "text/plain"), "")
    line = next((line for line in text.splitlines() if status_in(line)), "")
    status = status_in(line)
    if status is None or status.startswith("2"):
        raise NoReport("a mail server's message without a status code")
    return ("bounced" if status.startswith("5") else "blocked"), status, line, ""


def _is_automatic(message: Message) -> bool:
    """Return whether a message is an absence note or another automatic answer, which says nothing of a delivery."""
    submitted = _header(message, "Auto-Submitted").partition(";")[0].strip().lower()
    return (
        submitted == "auto-replied"
        or any(message.get(name) is not None for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply"))
        or _header(message, "Precedence").strip().lower() == "auto_reply"
    )


def _flat(message: Message) -> list[Message]:
    """Return the parts of a message, at most _PARTS, however deep they are nested."""
    return [part for part, _ in zip(_walk(message), range(_PARTS), strict=False)]


def _walk(message: Message) -> Iterator[Message]:
    waiting = [message]
    while waiting:
        part = waiting.pop(0)
        yield part
        if part.is_multipart() and part.get_content_type() != "message/delivery-status":
            waiting.extend(inner for inner in part.get_payload() if isinstance(inner, Message))


def _header(message: Message, name: str) -> str:
    return str(message.get(name, ""))[:_TEXT]


def _all(message: Message, names: tuple[str, ...]) -> str:
    return " ".join(str(value)[:500] for name in names for value in message.get_all(name, [])[:10])


def _body(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload[: 4 * _TEXT].decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _id(message: Message, delivery: int, kind: str) -> str:
    """Return the event's id, the same for every copy: read again from an mbox or delivered twice, it is one event."""
    name = _header(message, "Message-ID").strip() or repr(message.items()[:40])
    content = f"{name} {delivery} {kind}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(content).hexdigest()


def _date(message: Message, now: datetime) -> datetime:
    try:
        at = parsedate_to_datetime(_header(message, "Date"))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return now
    return at if at.year > 2000 and at < now else now
