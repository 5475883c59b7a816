"""Events that come back from a provider or a mail server, and what each does to a delivery and an address. Pure.

Events come late, twice, in any order, or never. So nothing here depends on their order: a delivery only moves
up a ladder, and what an address did is judged over all of its events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digest.ledger.states import OPEN_TAKE_BACKS

KINDS = ("processed", "deferred", "delivered", "bounced", "blocked", "dropped", "complained", "unsubscribed")

LONGEST_ID = 100  # characters; a longer one is hashed by whoever reads it


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a provider or a mail server says of one letter.

    `id` is unique for each `provider`, at most 100 characters. `kind` is one of KINDS: "bounced" is a hard
    bounce, "blocked" a soft one. `delivery` is ours, proven by its tag, or None. `address` is given only where
    the event is to be believed about it (a signed webhook); it is never stored, nor shown by `repr`. `status` is
    an enhanced status code (RFC 3463, "5.1.1") or None; `message` is the provider's own id of the letter, or "".
    """

    id: str
    kind: str
    delivery: int | None
    address: str | None = field(repr=False)
    at: datetime
    status: str | None = None
    reason: str = ""
    provider: str = ""
    message: str = ""


# --- what it does to a delivery -------------------------------------------------------------------------------

# An event for a letter is proof that the transport took it, whatever we heard or did not hear at the time.
# `cancelled`: what a person wrote off may have left after all. Not in it: `suppressed`, `empty` and `held`, which
# were never handed over.
UNSETTLED = frozenset({"pending", "claimed", "uncertain", "refused", "cancelled"})

# The later fate of an accepted delivery only climbs. A mail server may take a letter and bounce it afterwards;
# and who complains has had it, whatever was said before.
FATES = ("delivered", "bounced", "complained")
_FATE_OF = {
    "delivered": "delivered",
    "bounced": "bounced",
    "blocked": "bounced",
    "dropped": "bounced",
    "complained": "complained",
}


def fate_of(state: str, fate: str | None, kind: str) -> tuple[str, str | None]:
    """Return a delivery's (state, fate) after an event of `kind`; in any order, any number of times, the same end."""
    state = "accepted" if state in UNSETTLED else state
    said = _FATE_OF.get(kind)
    if state != "accepted" or said is None:
        return state, fate
    return state, max(said, fate or said, key=FATES.index)


def heeded(kind: str, take_back: str | None) -> bool:
    """Return whether an event of `kind` may move a delivery whose taking back stands at `take_back` (see ledger)."""
    if take_back in OPEN_TAKE_BACKS:
        return False
    # The provider says "processed" of what it may discard later.
    return take_back is None or kind != "processed"


# --- what it does to an address -------------------------------------------------------------------------------

# What is to be done about an address: suppress it now as "bounced" or "complained", let its subscriber go
# ("left"), count a strike, tell a person about its domain ("alert"), or nothing ("").
ACTIONS = ("", "strike", "alert", "bounced", "complained", "left")

STRIKES = 3
STRIKES_OVER = timedelta(days=7)  # three in one week-end are one full mailbox
STRIKES_WITHIN = timedelta(days=100)  # three monthly letters fit in

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d]|\.\d)")
# Words with which a server refuses a sender or a text, not a mailbox, when it gives no code that says so.
_POLICY = re.compile(
    r"\b(spam\w*|blocklist\w*|blacklist\w*|block list|black list|dnsbl|rbl|reputation|dmarc|spf|dkim|policy)\b", re.I
)
_SMTP_CODE = re.compile(r"(?<!\d)([45])\d\d(?!\d)")
_DROPPED = (
    (re.compile(r"spam.?report", re.I), "complained"),
    (re.compile(r"unsubscribed", re.I), "left"),
    # The provider's own list may hold an innocent address (a spam-block counted as a bounce): strikes only.
    (re.compile(r"bounced|invalid", re.I), "strike"),
)


def status_in(text: str) -> str | None:
    """Return the first enhanced status code in a server's words, or None ("5.1.1.9" is an IP address)."""
    found = _STATUS.search(text)
    return ".".join(str(int(part)) for part in found.groups()) if found else None


def action(kind: str, status: str | None, reason: str = "") -> str:
    """Return what an event does to its address: one of ACTIONS. The status outranks the provider's own kind.

    The policy: an address that does not exist is given up at once; a full or unwilling mailbox has three
    strikes over a week; a server that dislikes the sender or the text says nothing about the reader.
    """
    if kind == "complained":
        return "complained"
    if kind == "unsubscribed":
        return "left"
    if kind == "dropped":
        return next((found for words, found in _DROPPED if words.search(reason)), "")
    if kind not in ("bounced", "blocked"):
        return ""
    code = status_in(status or "") or status_in(reason)
    if code is None or code.endswith(".0.0"):
        return _by_words(kind, code, reason)
    group, subject, detail = (int(part) for part in code.split("."))
    if subject == 7 or (subject, detail) in ((1, 7), (1, 8)):  # x.1.7 and x.1.8 are about the sender's address
        return "alert"
    if group != 5:
        return "strike"
    if subject == 1 or (subject, detail) == (2, 1):
        return "bounced"
    if (subject, detail) == (2, 0):
        return _by_words(kind, code, reason)
    return "strike"  # 5.2.2 a full mailbox; 5.3 to 5.6: a system, a route or a text, never a dead address


def _by_words(kind: str, code: str | None, reason: str) -> str:
    if _POLICY.search(reason):
        return "alert"
    smtp = _SMTP_CODE.search(reason)
    temporary = (code or "").startswith("4") or (code is None and smtp is not None and smtp[1] == "4")
    return "bounced" if kind == "bounced" and not temporary else "strike"


def struck_out(strikes: Iterable[tuple[datetime, int | str]]) -> bool:
    """Return whether strikes, as (when, of which delivery), add up: three letters, over a week, within 100 days.

    Adding a strike never turns true into false, so that the order in which they come does not matter.
    """
    first: dict[int | str, datetime] = {}
    for at, delivery in strikes:
        first[delivery] = min(at, first.get(delivery, at))
    times = sorted(first.values())
    # Between two strikes a week apart or more there is a third.
    return any(
        times[j] - times[i] >= STRIKES_OVER
        for j in range(STRIKES - 1, len(times))
        for i in range(j - STRIKES + 2)
        if times[j] - times[i] <= STRIKES_WITHIN
    )


# --- what a person must hear of -------------------------------------------------------------------------------

ALARM_SHARE = 0.01
ALARM_LEAST = 3  # one dead address among fifty readers is no alarm
_DAY = timedelta(days=1)


def worst_day(times: Sequence[datetime]) -> int:
    """Return the most of `times` that fall within any 24 hours."""
    ordered = sorted(times)
    most = start = 0
    for end, at in enumerate(ordered):
        while at - ordered[start] >= _DAY:
            start += 1
        most = max(most, end - start + 1)
    return most


def too_many(accepted: int, suppressed: Sequence[datetime]) -> bool:
    """Return whether more than 1 % of an edition's accepted deliveries were suppressed within a day.

    That many addresses do not die at once: a provider, a domain or our own list has a fault.
    """
    worst = worst_day(suppressed)
    return worst >= ALARM_LEAST and worst > accepted * ALARM_SHARE


# --- what may be kept of it -----------------------------------------------------------------------------------
