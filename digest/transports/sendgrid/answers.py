"""What each answer of SendGrid means for the deliveries in the request. Pure; the table of rules is `judge`.

No answer is not a no. A request is certainly not taken when its last byte never left us; once it has left,
silence, a broken connection and a 5xx all leave it in doubt, for the provider knows no idempotency key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

from digest.ledger.redact import redacted

LONGEST_WAIT = 3600.0  # seconds; a reset further away than an hour is asked about again after one
_NAMED = re.compile(r"personalizations(?:\.|\[)(\d+)\b")
# A 400 about one of these is about the account or the caller, never about what readers get.
OURS = ("from", "reply_to", "send_at", "batch_id", "mail_settings", "tracking_settings", "asm", "ip_pool_name")
_ADVICE = {
    401: "the key was not taken; check the SendGrid key and give the right one",
    402: "the account may not send; look at its plan and its bills",
    403: "it is forbidden; give the key the right to send mail, and verify the sender of [site] from",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: `headers` by lower-case name, `body` as much of it as came."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer came: why, and whether the whole request had `left` by then."""

    why: str
    left: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a request's deliveries: `state` for all but those `named` by position, which are refused.

    `state` is a delivery's ("accepted", "refused", "deferred", "uncertain"), or "again": the others go into a
    new request at once, or "split": each half does. `stop`: begin no other request in this call. `fault`, if
    any, is what a person must mend before anything can be sent.
    """

    state: str
    reason: str = ""
    named: Mapping[int, str] = field(default_factory=dict)
    retry_after: float | None = None
    stop: bool = False
    fault: str = ""


def judge(answer: Answer | Silence, count: int, now: datetime, *, sandbox: bool = False) -> Verdict:
    """Return what the answer to a request of `count` personalizations means. `now` is aware."""
    if isinstance(answer, Silence):
        if not answer.left:
            return Verdict("deferred", f"the provider was not reached: {answer.why}", stop=True)
        return Verdict("uncertain", f"no answer: {answer.why}", stop=True)
    status, said = answer.status, error_words(answer)
    match status:
        case 202:
            return Verdict("accepted", answer.headers.get("x-message-id", "")[:100])
        case 200 if sandbox:
            return Verdict("accepted", "sandbox: checked, not mailed")
        case 400:
            return _rejected(answer, count)
        case 413:
            return Verdict("split", said)
        case 429:
            return Verdict("deferred", said, retry_after=wait_asked(answer.headers, now), stop=True)
        case 408:
            return Verdict("uncertain", said, stop=True)
    if 300 <= status < 500:
        advice = _ADVICE.get(status, "it does not answer as SendGrid does; check [transport] base_url")
        return Verdict("deferred", said, stop=True, fault=f"SendGrid answers {said}: {advice}; nothing was refused")
    # 5xx, and a 2xx that is none of the provider's: it may have been taken.
    return Verdict("uncertain", said, stop=True)


def _rejected(answer: Answer, count: int) -> Verdict:
    """Judge a 400: one reader's fault, the letter's, ours, or nobody knows whose."""
    said = error_words(answer)
    named: dict[int, str] = {}
    others: list[str] = []
    for where, message in errors(answer):
        found = _NAMED.match(where)
        if found and int(found[1]) < count:
            named.setdefault(int(found[1]), f"400 {message} ({where})")
        else:
            others.append(where)
    if named:
        return Verdict("again", said, named)
    if any(where.split(".")[0] in OURS for where in others):
        return Verdict(
            "deferred", said, stop=True, fault=f"SendGrid answers {said}: correct it in config; nothing was refused"
        )
    if others and all(where and not where.startswith(("personalizations", "null")) for where in others):
        return Verdict("refused", said)
    return Verdict("split", said)


def errors(answer: Answer) -> list[tuple[str, str]]:
    """Return the (field, message) pairs of an error answer, without addresses; [] when it holds none."""
    try:
        found = json.loads(answer.body)["errors"]
        return [(redacted(str(one.get("field") or "")), redacted(str(one.get("message") or ""))) for one in found]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def error_words(answer: Answer) -> str:
    """Return an answer in one short line without addresses: "400 Does not contain a valid address (field)"."""
    said = "; ".join(
        f"{message} ({where})" if where not in ("", "null") else message for where, message in errors(answer)
    )
    return f"{answer.status} {said}".strip()[:300]


def wait_asked(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds until the provider takes requests again, 0 to an hour; None when it does not say."""
    for name in ("x-ratelimit-reset", "retry-after"):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,12}(\.\d+)?", value):
            # Unix seconds in the one, a number of seconds in the other; either may hold the other's kind.
            seconds = float(value)
            return _bounded(seconds - now.timestamp() if seconds > 1_000_000_000 else seconds)
        if name == "retry-after" and value:
            try:
                return _bounded((parsedate_to_datetime(value) - now).total_seconds())
            except (ValueError, TypeError, OverflowError):
                continue
    return None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT)
