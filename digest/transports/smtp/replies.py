"""Judge a mail server's reply: decide the outcome of a letter, and the words of the reply to keep. Pure.

Codes are those of RFC 5321 §4.2, enhanced codes those of RFC 3463.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from digest.ledger.cures import cure_for
from digest.ledger.replies import Class, classify, wait_asked
from digest.transports.base import About, Outcome
from subscribers.characters import cut_anywhere

RETRY_LOST: Final = 60.0  # seconds until another try after a connection broke
_LONGEST = 200

# Seconds until another try if the server names none. Greylisting (450, 451) ends after about five minutes.
_RETRY = {421: 300.0, 450: 600.0, 451: 600.0, 452: 1800.0}
_RETRY_OTHER = 900.0
_RETRY_RANGE = (60.0, 6 * 3600.0)

_ANY_ADDRESS = re.compile(r"[^\s<>()\[\]:;,]+(?:@|%40)[^\s<>():;,]+", re.I)
# Authentication is needed or failed: these are about the account, at any command.
_ACCOUNT = {530, 534, 535, 538}


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold one complete reply: `code` is 200 to 599, `text` its lines joined by spaces."""

    code: int
    text: str

    @property
    def positive(self) -> bool:
        """Return whether it is a 2xx."""
        return 200 <= self.code < 300

    @property
    def negative(self) -> bool:
        """Return whether it is a 4xx or 5xx."""
        return self.code >= 400


def verdict(delivery: int, verb: str, reply: Reply, address: str) -> Outcome:
    """Return the outcome of a letter to `address` after a final reply to `verb` ("." for the end of the letter).

    A 4xx defers it, and so does a 5xx that may pass. Any other 5xx refuses it, unless the reply objects to the sender
    or the letter: then no reader is refused for it.
    """
    words = reason(reply, address)
    if reply.positive:
        return Outcome(delivery, "accepted", words)
    if not reply.negative:
        raise ValueError(f"{reply.code} is not a final reply")
    about = about_whom(verb, reply)
    if reply.code < 500:
        return Outcome(delivery, "deferred", words, wait_in_reply(reply), about=about)
    return Outcome(delivery, "deferred" if about or _may_pass(reply) else "refused", words, about=about)


def about_whom(verb: str, reply: Reply) -> About:
    """Return whether a reply that did not take a letter objects to the "account", the "sender", the "letter", or to
    none of them ("").
    """
    if reply.code in _ACCOUNT:
        return "account"
    kind = classify(reply.text, reply.code)
    if reply.code >= 500 and (kind == "letter" or (verb == "MAIL" and _of_storage(reply, kind))):
        return "letter"
    # At MAIL no reader is named yet, so that what is not about the letter (its size, its form) is about the sender.
    if verb == "MAIL" and reply.code >= 500:
        return "account"
    if kind != "sender":
        return ""
    return "account" if cure_for(reply.text).account else "sender"


def _may_pass(reply: Reply) -> bool:
    """Return whether a 5xx is about what may pass: a full mailbox, greylisting, a server that is busy."""
    kind = classify(reply.text, reply.code)
    return kind in ("mailbox", "passing") or _of_storage(reply, kind)


def _of_storage(reply: Reply, kind: Class) -> bool:
    # By RFC 5321 a 552 means that some storage is full, where the words tell nothing else.
    return reply.code == 552 and kind == "unsure"


def wait_in_reply(reply: Reply) -> float:
    """Return how many seconds to wait before another try: as the server says, within limits, or by its code."""
    seconds = wait_asked(reply.text)
    if seconds is None:
        return _RETRY.get(reply.code, _RETRY_OTHER)
    shortest, longest = _RETRY_RANGE
    return min(max(seconds, shortest), longest)


def reason(reply: Reply, address: str = "") -> str:
    """Return a reply in at most 200 characters, without any address and without the name before `address`'s @."""
    text = reply.text if reply.text.isprintable() else "".join(c if c.isprintable() else " " for c in reply.text)
    local = address.rpartition("@")[0] or address
    # Only if needed, because most replies hold no address and compiling expressions for each letter is slow.
    if "@" in text or "%40" in text or local.lower() in text.lower():
        text = _unnamed(text, address, local)
    text = " ".join(f"{reply.code} {text}".split())
    return cut_anywhere(text, _LONGEST)


def _unnamed(text: str, address: str, local: str) -> str:
    for form in (address, address.replace("@", "="), quote(address, safe="")):
        if "@" in address:
            text = re.sub(re.escape(form), "…", text, flags=re.I)
    text = _ANY_ADDRESS.sub("…", text)
    if local:
        text = re.sub(rf"(?<![\w+=-]){re.escape(local)}(?![\w+=-])", "…", text, flags=re.I)
    return text
