"""Name what helps against an objection to the sender and against a refusal, by the words of the answer. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from digest.ledger.replies import Class, classify
from digest.ledger.states import GIVEN_UP


@dataclass(frozen=True, slots=True)
class Cure:
    """Hold what helps. `account`: the cause is surely the account as a whole, whoever the reader is."""

    text: str
    account: bool = False


_TOO_LARGE = Cure(
    "the letter is too large: show fewer entries ([letter] cap), or have the server take larger letters"
)
# The first pattern that occurs in an answer counts, so the more certain words stand first.
_CURES = (
    (r"message (?:size|length)|\bsize (?:limit|exceed)|exceed\w* .{0,20}\bsize|too (?:large|big)\b", _TOO_LARGE),
    (
        r"8bitmime",
        Cure("the server is too old for letters with 8-bit bytes: ask its operator, or use another server"),
    ),
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
    (r"bytes|too long", _TOO_LARGE),
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


def passes(words: str) -> bool:
    """Return whether an objection in these words ends by itself: it is temporary, and about what may be sent now."""
    return words.startswith("4") and not _HTTP_STATUS.match(words) and cure_for(words).account


def cure_for(words: str) -> Cure:
    """Return what helps against an objection to the sender that is put in these words."""
    words = words.lower()
    return next((cure for pattern, cure in _CURES if re.search(pattern, words)), _UNKNOWN)


@dataclass(frozen=True, slots=True)
class Cause:
    """Hold why a letter was not taken, and what helps; `ours`: the sender or the letter is objected to."""

    problem: str
    cure: str
    ours: bool = False


_NEXT_EDITION = "nothing is to be mended here: the next edition tries these readers again"
_ADDRESSES = "correct or remove the addresses"
_CAUSES: Final[dict[Class, Cause]] = {
    "address": Cause("the address does not exist", _ADDRESSES),
    "mailbox": Cause("the mailbox is full, or takes no letters now", _NEXT_EDITION),
    "passing": Cause("the reader's server is away or busy", _NEXT_EDITION),
    "unsure": Cause("the answer does not tell why", "ask the postmaster of the domain"),
}
_OF_DOMAIN = Cause("the domain takes no mail", "correct the part after the @, or remove the addresses")
# The beginnings of reasons that this program gives itself.
_OUR_WORDS = {
    "no letter could be written: a fault of this program": Cause(
        "a fault of this program", "install a newer version, or report it", ours=True
    ),
    "no letter could be written": Cause("no letter could be written to the address", _ADDRESSES),
    "the address is not": Cause("the address cannot be mailed", _ADDRESSES),
    "the address has letters": Cause("the address cannot be mailed", _ADDRESSES),
    "the part of the address": _OF_DOMAIN,
    "the letter has": Cause("not the reader is objected to, but the letter", "", ours=True),
}
# A domain without a mail server.
_DOMAIN_WORDS = re.compile(
    r"(?:domain|host)(?: or \w+)?(?: name)?(?: \S+)? (?:is |was |does )?(?:not (?:found|exist|known)|unknown|invalid)"
    r"|(?:unknown|invalid|no such|non-?existent|bad) (?:\w+ )?(?:domain|host|destination)"
    r"|(?:null|no|any|valid) mx\b|nxdomain|accepts? no mail|not accept (?:any )?mail"
    r"|no (?:mail )?(?:hosts?|servers?) for|unrout[a-z]*able"
)
_HTTP_STATUS = re.compile(r"4(?:0\d|13|22|29) ")  # of a provider's answer; no reply of SMTP has these codes


def cause_of(reason: str) -> Cause:
    """Return why a letter was not taken, by the stored reason: a server's answer, or words of this program."""
    reason = _HTTP_STATUS.sub("", reason.removeprefix(GIVEN_UP), count=1)
    kind, words = classify(reason), reason.lower()
    cause = next((cause for beginning, cause in _OUR_WORDS.items() if words.startswith(beginning)), None)
    if cause is None and kind in ("sender", "letter"):
        cause = Cause(f"not the reader is objected to, but the {kind}", "", ours=True)
    if cause is None and kind != "mailbox" and _DOMAIN_WORDS.search(words):
        cause = _OF_DOMAIN
    cause = cause or _CAUSES[kind]
    return cause if cause.cure else replace(cause, cure=cure_for(reason).text)
