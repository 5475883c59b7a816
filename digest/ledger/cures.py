"""Name what helps against an objection to the sender, by the words of the answer. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cure:
    """Hold what helps. `account`: the cause is surely the account as a whole, whoever the reader is."""

    text: str
    account: bool = False


# The first pattern that occurs in an answer counts, so the more certain words stand first.
_CURES = (
    (
        r"credit|quota|\brate\b|\blimit|exceed|too (?:many (?:messages|mails|emails)|much mail)",
        Cure(
            "it has sent all that it may for now: run again later, or look at the account's plan and limits",
            True,
        ),
    ),
    (
        r"\b(?:helo|ehlo)\b|fully.qualified|your (?:host|reverse)|hostname|reverse dns|\bptr\b",
        Cure("give this machine a full domain name that the DNS knows, or set [transport] ehlo to it"),
    ),
    (
        r"\b(?:spf|dkim|dmarc)\b|unauthenticated",
        Cure("publish SPF, DKIM and DMARC for the domain of [site] from, and sign letters ([dkim])"),
    ),
    (
        r"relay|authenticat|log ?in|credential|password",
        Cure("set transport.username and the password, or have the server's operator allow this machine to relay"),
    ),
    (
        r"send ?as|on behalf|not owned|permission|not (?:allowed|permitted|authori[sz]ed|verified)|verified",
        Cure("give the account the right to send as the addresses of [site] from and transport.bounces"),
    ),
    (
        r"bytes|too (?:large|big|long)|message size",
        Cure("the letter is too large: show fewer entries ([letter] cap), or have the server take larger letters"),
    ),
    (
        r"(?:block|black).?list|\blisted\b|spamhaus|dnsbl|\brbl\b|reputation|banned|\bblocked\b",
        Cure("this machine or its domain is on a block list: follow the answer's link, or ask the server's operator"),
    ),
    (
        r"spam|content|policy|virus",
        Cure("a filter objects to the letter: see `digest preview --lint`, and ask the server's operator"),
    ),
    (r"sender|\bfrom\b|return.path|domain", Cure("check the addresses in [site] from and transport.bounces")),
)
_UNKNOWN = Cure("ask the operator of the mail server or the provider what it objects to")


def cure_for(words: str) -> Cure:
    """Return what helps against an objection to the sender that is put in these words."""
    words = words.lower()
    return next((cure for pattern, cure in _CURES if re.search(pattern, words)), _UNKNOWN)
