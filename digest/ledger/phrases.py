"""Hold the words by which mail servers say what a reply is about: one pattern a line, for small letters. Pure.

Only English, because that is what the large servers write; for all others the codes decide. `digest.ledger.replies`
uses them, and tests/data/replies.toml shows real forms of each.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, Literal

# The subjects of replies. "passing" is temporary and about nobody in particular; "sender", "mailbox" and "letter" may
# be temporary too: the first digit of the code says whether a letter may be tried again.
#   address  the address does not exist or is closed for good: the only class that suppresses at once
#   mailbox  the mailbox is full, or takes no letters now: a strike
#   letter   the size, form or content of this letter: it says nothing of the address
#   sender   us: our address, domain, account, login, relaying, HELO, rate, reputation, or a policy: no strike
#   passing  greylisting, a time-out, a busy or broken server: it may go another time
#   unsure   none of these: never a suppression
Class = Literal["address", "mailbox", "letter", "sender", "passing", "unsure"]

_WHO = r"(?:user|recipient|addressee|mail ?box|account|address|alias|e-?mail)s?"
# A few words between two others, but none that turn the sentence to a domain or to the sender.
_GAP = r"(?:(?!domain|host|sender|\bdns|\bfrom\b|server)[^;]){0,60}?"

_GREYLISTED = (r"gr[ea]y-?list", r"unable to get mx|failed to get ips")
_BUSY_MAILBOX = (
    r"receiv(?:e|ing) limit",
    r"receiving mail (?:too|at a rate)",
    r"received too (?:much|many)",
    r"temporar\w* (?:disabled|inactive|suspended|locked|over)|(?:disabled|suspended|locked) temporar",
)
_SENDER = (
    # our address
    r"sender'?s? (?:address|domain|verif|identity|ip|filter|denied|rejected|refused|blocked|invalid|unknown)",
    r"sender (?:is un|not)",
    r"(?:bad|unknown|invalid|verified|blocked|banned|poor reputation|outbound|envelope|of|this) sender",
    r"(?:from|return-path|reply-to) (?:e-?mail|address|header)|your from|badmailfrom|not owned by",
    r"(?:e-?mail address|domain|identity) is (?:not verified|unverified)",
    r"(?:accept|e?mails?|messages?) from (?:you|this)\b|mail from .{0,40}(?:reject|refused|denied|blocked)",
    # relaying and rights
    r"relay(?:ing)?(?! recipient).{0,40}(?:denied|not|disallowed|prohibit|unauthori|reject|limit|configured to let)",
    r"(?:not|unable|cannot|for|as a|to) relay|relaying disallowed|rcpthosts",
    r"(?:not|n't)(?: have)? (?:permission|permitted|authori[sz]ed|allowed)\w* to (?:send|submit|connect|perform|use)",
    r"not allowed to connect|sendas|permissions? to send|access to (?:this|submit)|not permitted by the domain",
    # the login
    r"authenticat|credential|password|authori[sz]ation grant|\bauth\b|resolver\.rst\.(?:auth|notauth|sender)",
    r"(?:starttls|tls|encryption)\b.{0,20}(?:required|first)|(?:issue|requires?) .{0,12}(?:starttls|tls|encryption)",
    # our host
    r"\b(?:helo|ehlo)\b.{0,30}(?:reject|denied|refused|invalid|require|must|need|not|bad|name|mismatch|no such)",
    r"(?:bad|invalid) (?:helo|ehlo)|cannot find your|(?:reverse|bad) dns|\bptr\b|client host",
    # our rate, quota and plan
    r"submissionquota|throttling|(?:connection|message|sending) rate|rate[- ]limit|e?mails per hour",
    r"(?:daily|hourly|outbound|outgoing|messaging|sending) (?:\w+ ){0,3}(?:quota|limit)",
    r"too (?:many|much) (?:\w+ )?(?:connections|messages|mails?|e-?mails|sessions|concurrent)",
    r"too many (?:invalid|unknown)",
    r"(?:package|maximum|max) (?:quota|credits)|exceeded (?:its |the |your )?(?:threshold|rate|sending|credits)",
    r"exceeded the (?:\w+ )?number of (?:messages|e?mails|recipients)|unexpected volume",
    r"unusual (?:rate|sending|traffic|activity)|outgoing blocked|your account (?:has|is|was)",
    r"sending (?:is |was |has been )?(?:suspended|disabled|blocked|paused)",
    # our reputation
    r"blocklist|blacklist|(?:block|black|deny|white) list|(?:deny|white)list|listed (?:at|in|by|on)",
    r"blocked using|dnsbl|\brbl\b|reputation|banned",
    r"\bip\b.{0,60}(?:block|ban|reject|denied|list|limit|not\b)",
    r"\bspf\b|\bdkim\b|\bdmarc\b|spoofing|unsolicited|complaints|spamhaus|spamcop|sorbs|barracuda",
)
_MAILBOX = (
    r"over.?(?:the |its |their )?(?:\w+ )?quota|quotaexceeded",
    r"(?<!message )(?<!package )quota (?:\w+ ){0,2}(?:exceed|full|violat)",
    r"exceed\w* (?:\w+ ){0,3}(?:quota|storage|space)|(?:storage|space)\b.{0,20}\bexceeded",
    r"out of (?:storage|space|quota)|(?:mail ?box|recipient)\b.{0,30}\bexceed",
    rf"{_WHO}\b.{{0,40}}\bfull\b|\bfull (?:mailbox|inbox)|\b(?:inbox|quota|mailfolder) (?:is )?full",
    r"mailbox (?:size )?(?:limit|quota)|not enough (?:storage )?space",
    rf"{_WHO}\b.{{0,30}}\b(?:inactive|suspended|locked|frozen|dormant|quarantin\w*|not active)\b",
    rf"(?:inactive|suspended|dormant|locked|quarantin\w*) (?:\w+ )?{_WHO}",
    rf"{_WHO} (?:is |are )?not accepting|(?:account|mailbox|user) (?:is |was |has been )?blocked",
)
_HEADER = (r"\bheaders?\b",)
_ADDRESS = (
    rf"{_WHO}\b{_GAP}(?:unknown|not found|not known|not recogni[sz]ed|does(?: not|n't) exist|not exist|nonexistent)",
    rf"{_WHO} (?:is |was |has been )?(?:not a valid|invalid|closed|deleted)",
    rf"{_WHO} (?:is |was |has been )?(?:disabled|deactivated|terminated|discontinued)",
    rf"(?:unknown|invalid|not? (?:a )?valid|contain a valid|no such|non-?existent|undeliverable) (?:\w+ )?{_WHO}",
    rf"illegal {_WHO}",
    r"unknown local.?part|recip(?:ient)?notfound|userunknown",
    r"does(?: not|n't) have an? .{0,40}\baccount",
    r"no (?:mail ?box|account|user|such person) (?:here|at this|by that|with|for|found)",
    r"no longer (?:exists|valid|active|in use|works)|no one (?:here|with|by)",
)
_LETTER = (
    r"(?:message|mail|letter|content|attachment)s?\b.{0,40}\b(?:too (?:large|big)|(?<!queue )too long|exceed\w*)",
    r"exceed\w* .{0,30}\bsize|size (?:exceed|limit|violation)|recip(?:ient)?sizelimit|too (?:large|big)\b",
    r"virus|malware|infected|attachment",
    r"rfc ?(?:2822|5322)|message-id|malformed|smtputf8|8bit|charset",
    r"content (?:examination|filter|presents|restriction|is not|not)|message content",
)
_PASSING = (
    r"tim(?:ed|e) ?out|timeout|temporar|try (?:again|later)|(?:message|queue|delivery time)\W?(?:has )?expired",
    r"connection (?:refused|reset|lost|dropped|timed)|lost connection|not able to establish|wasn't able to establish",
    r"in the queue too long|failing for a long time|could not be delivered for|\bbusy\b|overload",
    r"(?:lookup|look-up) .{0,40}failed|servfail|local problem",
)
# Words that decide only where nothing else does.
_HINTS = (
    r"\b(?:anti)?spam\w*|junk|abuse|polic(?:y|ies)|prohibit|administrative|security",
    r"access denied|not authori[sz]ed|blocked",
)


# Compiled when a reply is first read, because that takes longer than many a command that reads none.
_compiled = cache(re.compile)


def _joined(*groups: tuple[str, ...]) -> str:
    return "|".join(line for group in groups for line in group)


# In this order, the milder reading first: what speaks of us or of a full mailbox is no dead address, whatever else
# stands beside it.
_PHRASES: Final[tuple[tuple[Class, str], ...]] = (
    ("passing", _joined(_GREYLISTED)),
    ("mailbox", _joined(_BUSY_MAILBOX)),
    ("sender", _joined(_SENDER)),
    ("mailbox", _joined(_MAILBOX)),
    ("letter", _joined(_HEADER)),
    ("address", _joined(_ADDRESS)),
    ("letter", _joined(_LETTER)),
    ("passing", _joined(_PASSING)),
)
_HINTED: Final = _joined(_HINTS)
# A provider's own list of addresses that bounced, because it may hold an innocent one; a loop of mail, because it
# is the fault of a server.
_UNSURE: Final = re.compile(r"suppression list|bounced address|mail loop|loops? back|looping|too many hops|hop count")
# The classification that a provider puts before the server's words, "Reputation: 550 no": a hint like the others.
_CLASSIFICATION: Final = re.compile(r"([a-z ]{4,30}): ")
_CLASSIFIED: Final[tuple[tuple[str, Class], ...]] = (
    ("invalid address", "address"),
    ("mailbox unavailable", "mailbox"),
    ("content", "letter"),
    ("reputation", "sender"),
    ("frequen", "sender"),
    ("technical", "passing"),
)


def _classified(words: str) -> tuple[Class | None, str]:
    """Return the class that a provider gave, or None, and the words after it."""
    if match := _CLASSIFICATION.match(words):
        for name, kind in _CLASSIFIED:
            if match[1].startswith(name):
                return kind, words[match.end() :]
    return None, words


def read_phrases(words: str) -> Class | None:
    """Return the class of the first well-known phrase in `words` (small letters, no codes), or None."""
    _, words = _classified(words)
    if _UNSURE.search(words):
        return "unsure"
    return next((kind for kind, phrases in _PHRASES if _compiled(phrases).search(words)), None)


def read_hints(words: str) -> Class | None:
    """Return the class that words suggest which are too common to count beside anything else, or None."""
    kind, words = _classified(words)
    return "sender" if _compiled(_HINTED).search(words) else kind
