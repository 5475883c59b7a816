"""Read complaints: feedback reports (ARF, RFC 5965), and letters that come back as spam without one. Pure.

Providers take out what names the reader. So `traces_in` gives what may be left of it, and the caller proves it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from typing import NamedTuple

from digest.transports.mailbox.message import (
    PARTS,
    all_parts,
    header_of,
    headers_of,
    is_returned,
    own_parts,
    text_of,
    words_of,
)
from digest.transports.mailbox.notifications import NoReport, Statement

_QUOTED = ("Original-Mail-From", "Return-Path", "X-Original-Mail-From", "Errors-To")
_KINDS = {"abuse": "complained", "fraud": "complained", "opt-out": "unsubscribed", "": "complained"}
_TYPE = re.compile(r"(?im)^feedback-type:[ \t]*([a-z-]*)")
_FIELD = re.compile(r"(?im)^(?:user-agent|version):")  # a report has these beside its type

_COMPLAINS = re.compile(
    r"(?i)\bcomplain(?:t|ts|ed) (?:about|regarding|of|for) (?:(?:an?|the|your|this) )?(?:e-?mail|message|letter)"
    r"|\b(?:abuse|spam|junk)[ -](?:mail )?(?:report|complaint|feedback)|\bfeedback[ -](?:loop|report)\b|\bspamcop\b"
    r"|\b(?:report|mark|flag|classifi)\w* (?:\w+ ){0,6}?as (?:\w+ )?(?:spam|junk|abus|unsolicited|unwanted|phishing)"
)
_REPORTER = re.compile(
    r"(?i)(?<![\w.+-])(?:staff|fbl|feedback|abuse|complaints?|scomp|anti-?spam|spam|junk|arf|jmrp|postmaster)"
    r"[\w.+-]*@|@[\w.-]*(?:spamcop|fbl|feedback|abuse)"
)
_INLINE = re.compile(r"(?im)^list-unsubscribe(?:-post)?:")  # the head of a letter that stands among the words
_MAILTO = re.compile(r"(?i)mailto:([^\s<>\"'?]{3,120})")
_BROKEN = re.compile(r"=\r?\n|\r?\n[ \t]+")  # where quoted-printable or a header goes on in the next line
_LONGEST = 300_000  # characters of a part in which links are looked for; a letter has less


class Traces(NamedTuple):
    """Hold where a report may name its reader: mail addresses that may carry a tag, and text that may hold a link."""

    mailtos: str
    text: str


def read_feedback(message: Message) -> Statement | None:
    """Return what a feedback report states; None for another message. Raises NoReport for one that is no complaint.

    Its fields may stand in a part of another type. Without them it is a complaint if it returns a letter.
    """
    fields = _fields(message)
    if not fields and "feedback-report" not in header_of(message, "Content-Type").lower():
        return None
    if not fields and not any(map(is_returned, all_parts(message))):
        raise NoReport("feedback without its report")
    match = _TYPE.search(fields)
    feedback_type = match[1].lower() if match else ""
    kind = _KINDS.get(feedback_type)
    if kind is None:
        raise NoReport(f"feedback that is no complaint ({feedback_type})", machine=True)
    quoted = [line for line in fields.splitlines() if line.lower().startswith("original-mail-from:")]
    quoted += [headers_of(part, _QUOTED[1:]) for part in _whole_parts(message)]
    verb = "left" if kind == "unsubscribed" else "complained"
    return Statement(kind, None, f"{verb} through the mailbox provider", " ".join(quoted))


def read_returned_as_spam(message: Message) -> Statement | None:
    """Return the complaint that a provider's program makes by sending a letter back in words alone, or None.

    It must be written by such a program, because a person who forwards a letter to ask about it does not complain.
    """
    words = words_of(message)
    letters = [part for part in _whole_parts(message) if part is not message]
    if not _INLINE.search(words) and not any(part.get("List-Unsubscribe") for part in letters):
        return None
    subject = header_of(message, "Subject")
    for part in letters:  # because the letter's own subject may speak of complaints
        subject = subject.replace(header_of(part, "Subject") or "\n", "")
    if not _COMPLAINS.search(f"{subject}\n{words[:2000]}"):
        return None
    written_by = headers_of(message, ("From", "Sender"))
    generated = header_of(message, "Auto-Submitted").strip().lower().startswith("auto-generated")
    if not generated and not _REPORTER.search(written_by) and message.get("X-HmXmrOriginalRecipient") is None:
        return None
    return Statement("complained", None, "complained through the mailbox provider")


def traces_in(message: Message) -> Traces:
    """Return what a report still tells of its reader: all headers and texts, those of the returned letter too."""
    texts = []
    for part in _whole_parts(message):
        for name, value in part.items():
            texts.append(_decoded(str(value)))
            if "unsubscribe" in name.lower():
                texts.append("".join(texts[-1].split()))  # because spaces inside its brackets do not count (RFC 2369)
        if not part.is_multipart():
            texts.append(text_of(part, _LONGEST))
    text = "\n".join(texts)
    text = f"{text}\n{_BROKEN.sub('', text)}"
    mailtos = dict.fromkeys(match[1] for match in _MAILTO.finditer(text))
    return Traces(" ".join(list(mailtos)[:20]), text)


def _fields(message: Message) -> str:
    """Return the fields of a feedback report, or ""."""
    fields = ""
    for part in own_parts(message):
        kind = part.get_content_type()
        if kind == "message/feedback-report":
            inner = part.get_payload()
            fields += str(inner[0]) if isinstance(inner, list) and inner else text_of(part)
        elif kind in ("text/plain", "application/octet-stream"):
            text = text_of(part)
            fields += text if _TYPE.search(text) and _FIELD.search(text) else ""
    return fields


def _whole_parts(message: Message) -> list[Message]:
    """Return all parts of a message, and those of a letter that it holds encoded, attached or as its head alone."""
    parts = []
    for part in all_parts(message):
        parts.append(part)
        if is_returned(part) and _is_closed(part):
            parts += all_parts(message_from_bytes(text_of(part, _LONGEST).lstrip().encode("utf-8", "replace")))
    return parts[: 2 * PARTS]


def _is_closed(part: Message) -> bool:
    """Return whether the parser has not read the letter in a part."""
    encoded = header_of(part, "Content-Transfer-Encoding").strip().lower() in ("base64", "quoted-printable")
    return encoded or part.get_content_type() not in ("message/rfc822", "message/global")


def _decoded(value: str) -> str:
    """Return a header's value without encoded words (RFC 2047)."""
    if "=?" in value:
        with suppress(LookupError, ValueError, MessageError):
            return str(make_header(decode_header(value)))
    return value
