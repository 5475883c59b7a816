"""Classify what a mail server, a bounce report or a provider's event says about one letter. Pure.

One classifier for SMTP replies, reports and events, so that the same words mean the same thing wherever they come from.
The enhanced code (RFC 3463) decides first, then well-known phrases, then the class of the SMTP code. Words of other
languages are not read: their codes decide. A reply that is not understood is "unsure", never a reason to suppress.
"""

from __future__ import annotations

import re
from typing import Final, Literal

# What a reply is about. "passing" is temporary and about nobody in particular; "sender", "mailbox" and "letter" may be
# temporary as well: the first digit of the SMTP code says whether a letter may be tried again.
#   address  the address does not exist or is closed for good: the only class that suppresses at once
#   mailbox  the mailbox is full, or does not take letters now: a strike
#   letter   this letter's size, form, language or content: it says nothing of the address
#   sender   us: our domain, address, account, relaying, HELO, rate, reputation, authentication, or a policy
#   passing  greylisting, a time-out, a busy or broken server: it may go another time
#   unsure   none of these
Class = Literal["address", "mailbox", "letter", "sender", "passing", "unsure"]

_CODE = r"(?<![\w.:/#-])[245]\d\d"
_STATUS = r"([245])\.0{0,2}([0-7])\.(\d{1,3})(?![\w]|\.\w)"
# An enhanced code stands at the start, after the SMTP code, after "#", or after "status".
_STATUS_IN = re.compile(rf"(?:^\s*(?:\w[\w-]*;\s*)?|{_CODE}[ -]\s*#?|#|\bstatus(?: code)?\s*[:=]?\s*){_STATUS}", re.I)
_CODE_IN = re.compile(r"(?:^|[:;'\"(>]|\bsaid|\breturned)\s*([245])\d\d(?=[\s:;,-]|$)", re.I)


def classify(text: str, code: int | None = None, status: str | None = None) -> Class:
    """Return what a reply, a report's diagnostic or an event's reason is about.

    `code` is the SMTP code and `status` the enhanced code where they are known apart; `text` may hold both.
    """
    status = _telling(status) or _telling(status_in(text)) or status_in(status or "") or status_in(text)
    first = str(code)[:1] if code else _first_digit(text)
    words = _words(text)
    phrase = _phrase(words)
    group, subject, detail = (int(part) for part in status.split(".")) if status else (0, 0, 0)
    if 4 in (group, int(first or 0)) or (group, first) == (0, "") and phrase == "passing":
        return _temporary(subject, detail, phrase or _weak(words))
    if phrase == "sender":
        return "sender"
    by_code = _BY_STATUS.get((subject, detail)) or _BY_SUBJECT.get(subject)
    if (subject, detail) == (4, 1) and _NOT_AT_OFFICE.search(words):
        return "address"
    if by_code == "address" or by_code == "sender":
        # Words outrank these two codes: nobody is suppressed by a code alone whose words tell otherwise, and many
        # servers give 5.7.1 for whatever they refuse.
        return phrase or by_code
    return by_code or phrase or _weak(words) or "unsure"


def status_in(text: str) -> str | None:
    """Return the first enhanced code that stands as a code in `text`, or None.

    It stands at the start, after the SMTP code ("550-5.1.1"), after "#" or after "Status:". A version, an IP address,
    a date or a number in prose is none.
    """
    match = _STATUS_IN.search(text)
    return ".".join(str(int(part)) for part in match.groups()) if match else None


def wait_asked(text: str) -> float | None:
    """Return the seconds that a reply asks to wait before another try, or None if it names no wait.

    Only where the words say so ("try again in 5 minutes", "wait 00:04:55"). Clock times, addresses, ports, dates and ids
    are no waits.
    """
    text = " ".join(text.split())
    if match := _WAIT.search(text):
        return float(int(match[1]) * _UNITS[match[2][0].lower()])
    if match := _WAIT_CLOCK.search(text):
        hours, minutes, seconds = (int(part) for part in match.groups())
        return float(hours * 3600 + minutes * 60 + seconds)
    return None


_UNITS = {"s": 1, "m": 60, "h": 3600}
_AGAIN = r"(?:try(?:ing)?|retry|again|come back|resend|return|wait|greylisted|delayed|deferred)"
_UNIT = r"(s|m|h|secs?|mins?|hrs?|seconds?|minutes?|hours?)\b(?!\.\w)"
_WAIT = re.compile(
    rf"\b{_AGAIN}\b(?:[^.;:\d]|\.(?=\S))*?[\s:=(](?:in|after|for|wait)?\s*(?:about |at least )?(?<![\d.:\[-])(\d{{1,5}})\s*{_UNIT}",
    re.I,
)
_WAIT_CLOCK = re.compile(rf"\b(?:wait|for|in|after)\s+(\d\d):(\d\d):(\d\d)\b", re.I)


def _telling(status: str | None) -> str | None:
    """Return a status that says more than "failed"."""
    status = status_in(status or "")
    return None if status is None or status.endswith(".0.0") else status


def _first_digit(text: str) -> str:
    match = _CODE_IN.search(text)
    return match[1] if match else ""


def _temporary(subject: int, detail: int, words: Class | None) -> Class:
    if words in ("sender", "mailbox", "letter", "passing"):
        return words
    if (subject, detail) == (2, 2):
        return "mailbox"
    return "sender" if subject == 7 and detail > 1 else "passing"


# --- enhanced codes (RFC 3463, and the meanings that large systems give them) -------------------------------

_BY_STATUS: Final[dict[tuple[int, int], Class]] = {
    (1, 1): "address", (1, 2): "address", (1, 3): "address", (1, 6): "address", (1, 10): "address",
    (1, 7): "sender", (1, 8): "sender",
    (2, 1): "address", (2, 2): "mailbox", (2, 3): "letter",
    (3, 1): "passing", (3, 4): "letter",
    (4, 7): "passing",
}  # fmt: skip
_BY_SUBJECT: Final[dict[int, Class]] = {6: "letter", 7: "sender"}
_NOT_AT_OFFICE = re.compile(r"recipient address rejected: access denied")

# --- phrases -------------------------------------------------------------------------------------------------

_PHRASES: Final[tuple[tuple[Class, re.Pattern[str]], ...]] = (
    (
        "sender",
        re.compile(
            r"sender (?:address|domain)?\s*(?:rejected|refused|denied|blocked|verif)|relay(?:ing)? (?:access )?(?:denied|"
            r"not (?:permitted|allowed))|(?:unable|not permitted|not allowed) to relay|helo|ehlo|authenticat|"
            r"submissionquota|send ?as|permissions? to send|\b(?:sending|daily|hourly) (?:user )?(?:quota|limit)|"
            r"cannot find your|reverse dns|\bptr\b"
        ),
    ),
    (
        "address",
        re.compile(
            r"(?:user|recipient|mailbox|account|address|addressee)s? (?:is |was )?(?:unknown|not found|not known|invalid|"
            r"does(?: not|n.t) exist)|(?:unknown|invalid|no such) (?:\w+ )?(?:user|recipient|mailbox|account|address)|"
            r"does(?: not|n.t) (?:exist|have an? .* account)|no mailbox here|bounced address"
        ),
    ),
    ("mailbox", re.compile(r"(?:mailbox|inbox|account|user|recipient|quota).*?(?:full|over ?quota|exceed)|over ?quota|insufficient storage")),
    ("letter", re.compile(r"(?:message|mail|letter|size).*?(?:too (?:large|big|long)|exceeds)|virus|attachment")),
    (
        "passing",
        re.compile(
            r"gr[ea]ylist|timed? ?out|timeout|try again|try later|temporar|retry|expired|connection (?:refused|reset|lost)|"
            r"could not be delivered for"
        ),
    ),
)  # fmt: skip
_WEAK: Final[tuple[tuple[Class, re.Pattern[str]], ...]] = (
    (
        "sender",
        re.compile(
            r"\b(?:spam\w*|blocklist\w*|blacklist\w*|block list|black list|dnsbl|rbl|reputation|dmarc|spf|dkim|policy)\b"
        ),
    ),
)
_NOISE = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+|\[[^\]]*\]|(?<![\w.])[245]\d\d[ -](?:[245]\.\d+\.\d+)?|(?<!\w)#?[245]\.\d+\.\d+",
    re.I,
)


def _words(text: str) -> str:
    """Return a reply's words in small letters, without codes, links and addresses, because those hold other words."""
    return " ".join(_NOISE.sub(" ", text[:4000]).lower().split())


def _phrase(words: str) -> Class | None:
    return next((kind for kind, phrases in _PHRASES if phrases.search(words)), None)


def _weak(words: str) -> Class | None:
    return next((kind for kind, phrases in _WEAK if phrases.search(words)), None)
