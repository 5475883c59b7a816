"""Take a message apart: its parts, its headers and its text, each within limits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from html import unescape

PARTS = 50
TEXT = 8_000  # characters of a part or a header that are read
_RETURNED = {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"}
_STATUS_PARTS = {"message/delivery-status", "message/global-delivery-status"}
_ATTACHED = re.compile(r"(?i)name\*?\d*\*?=[^;]*\.eml\b")  # a letter that is attached as a file


def all_parts(message: Message) -> list[Message]:
    """Return the parts of a message, at most PARTS, however deep they are nested."""
    return [part for part, _ in zip(_walk(message, set()), range(PARTS), strict=False)]


def own_parts(message: Message) -> list[Message]:
    """Return the parts that the writer of a report wrote: all but those of the returned letter."""
    parts = [part for part, _ in zip(_walk(message, _RETURNED), range(PARTS), strict=False)]
    return [part for part in parts if part is message or not is_returned(part)]


def _walk(message: Message, closed: set[str]) -> Iterator[Message]:
    waiting = [message]
    while waiting:
        part = waiting.pop(0)
        yield part
        kind = part.get_content_type()
        if part.is_multipart() and kind not in _STATUS_PARTS and kind not in closed:
            waiting.extend(inner for inner in part.get_payload() if isinstance(inner, Message))


def is_status_part(part: Message) -> bool:
    """Return whether a part is the machine-readable part of a report (RFC 3464, RFC 6533)."""
    return part.get_content_type() in _STATUS_PARTS


def is_returned(part: Message) -> bool:
    """Return whether a part is the returned letter, or its head alone."""
    kind = part.get_content_type()
    if kind in _RETURNED or kind in _STATUS_PARTS or kind == "message/feedback-report":
        return kind in _RETURNED
    return _ATTACHED.search(headers_of(part, ("Content-Disposition", "Content-Type"))) is not None


def header_of(message: Message, name: str) -> str:
    """Return a header's value, "" when there is none."""
    return str(message.get(name, ""))[:TEXT]


def headers_of(message: Message, names: tuple[str, ...]) -> str:
    """Return the values of several headers, joined by spaces."""
    return " ".join(str(value)[:500] for name in names for value in message.get_all(name, [])[:10])


def text_of(part: Message, most: int = 4 * TEXT) -> str:
    """Return the text of a part, decoded, its first `most` bytes; of a part that the parser took apart as well."""
    if part.is_multipart():
        # The parser takes message/* apart even when it is encoded, so write it out again and decode that.
        raw = part.as_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")[2]
        shell = Message()
        shell["Content-Transfer-Encoding"] = header_of(part, "Content-Transfer-Encoding").strip() or "8bit"
        shell.set_payload(raw.strip().decode("ascii", "surrogateescape"))
        part = shell
    payload = part.get_payload(decode=True)
    return payload[:most].decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def words_of(message: Message) -> str:
    """Return the words of a message: its first text part, or its first HTML part without the tags."""
    parts = own_parts(message)
    for part in parts:
        if part.get_content_type() == "text/plain" and (text := text_of(part)[:TEXT]).strip():
            return text.replace("\r\n", "\n")
    for part in parts:
        if part.get_content_type() == "text/html":
            lines = re.sub(r"(?i)<(?:br|/p|/div|/tr|/td|/h\d)[^>]*>", "\n", text_of(part))
            return unescape(re.sub(r"<[^<>]{1,500}>", "", lines))[:TEXT]
    return ""
