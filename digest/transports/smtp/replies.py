"""Judge a mail server's reply: decide the outcome of a letter, and the words of the reply to keep. Pure.

Codes are those of RFC 5321 §4.2, enhanced codes those of RFC 3463.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from digest.ledger.replies import wait_asked
from digest.transports.base import Outcome

RETRY_LOST: Final = 60.0  # seconds until another try after a connection broke
_LONGEST = 200

# Seconds until another try if the server names none. Greylisting (450, 451) ends after about five minutes.
_RETRY = {421: 300.0, 450: 600.0, 451: 600.0, 452: 1800.0}
_RETRY_OTHER = 900.0
_RETRY_RANGE = (60.0, 6 * 3600.0)

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_ANY_ADDRESS = re.compile(r"[^\s<>()\[\]:;,]+(?:@|%40)[^\s<>():;,]+", re.I)
# Authentication is needed or failed: these are about the account, at any command.
_ACCOUNT = {530, 534, 535, 538}
# At MAIL, these are about the letter (too large, an address outside ASCII); all others are about the sender.
_OF_THE_LETTER = {"5.2.3", "5.3.4", "5.6.7"}


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


def verdict(delivery: int, reply: Reply, address: str) -> Outcome:
    """Return the outcome of a letter to `address` after a final reply: accepted, deferred (4xx) or refused (5xx)."""
    words = reason(reply, address)
    if reply.positive:
        return Outcome(delivery, "accepted", words)
    if 400 <= reply.code < 500:
        return Outcome(delivery, "deferred", words, wait_in_reply(reply))
    if reply.code >= 500:
        return Outcome(delivery, "refused", words)
    raise ValueError(f"{reply.code} is not a final reply")


def about_the_account(verb: str, reply: Reply) -> bool:
    """Return whether a refusal is about the sender or the account, so that no reader may be refused for it."""
    if reply.code in _ACCOUNT:
        return True
    if verb != "MAIL" or reply.code < 500 or reply.code == 552:
        return False
    enhanced = _ENHANCED.match(reply.text)
    return enhanced is None or enhanced[1] not in _OF_THE_LETTER


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
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _unnamed(text: str, address: str, local: str) -> str:
    for form in (address, address.replace("@", "="), quote(address, safe="")):
        if "@" in address:
            text = re.sub(re.escape(form), "…", text, flags=re.I)
    text = _ANY_ADDRESS.sub("…", text)
    if local:
        text = re.sub(rf"(?<![\w+=-]){re.escape(local)}(?![\w+=-])", "…", text, flags=re.I)
    return text
