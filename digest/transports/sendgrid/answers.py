"""Judge each answer of SendGrid: decide what it means for the deliveries in the request. Pure; see `judge`.

A request was surely not taken if its last byte never left us. Once that has left, silence, a broken connection and a
5xx all leave the request in doubt, because SendGrid offers no idempotency key to ask or try again with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime

from digest.ledger.cures import cure_for
from digest.ledger.redact import redacted
from digest.ledger.replies import classify

LONGEST_WAIT = 3600.0  # seconds; if the provider asks for a longer wait, we try again after this one
_NAMED = re.compile(r"personalizations(?:\.|\[)(\d+)\b")
# A 400 that names one of these fields is about the account or the settings, never about a letter or a reader.
OURS = ("from", "reply_to", "send_at", "batch_id", "mail_settings", "tracking_settings", "asm", "ip_pool_name")
_ADVICE = {
    401: "the key was not accepted; check the SendGrid key and give the right one",
    402: "the account may not send; look at its plan and its bills",
    403: "sending is forbidden; give the key the right to send mail, and verify the sender of [site] from",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold one answer: `headers` by lower-case name, `body` as much of it as arrived."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Silence:
    """Report that no answer came: why, and whether the whole request had `left` us by then."""

    why: str
    left: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Decide what becomes of the deliveries in one request.

    `named` maps the position of each reader whom the answer rejects to the reason; these are refused. `state` is for
    all others: the state of an `Outcome` ("accepted", "refused", "deferred", "uncertain"), or "again": put them into
    a new request at once, or "split": put each half into a new request. `stop`: begin no other request in this call.
    `letter`: the answer objects to the letter, not to a reader. `fault` is what a person must correct before anything
    can be sent, or "".
    """

    state: str
    reason: str = ""
    named: Mapping[int, str] = field(default_factory=dict)
    retry_after: float | None = None
    stop: bool = False
    letter: bool = False
    fault: str = ""


def judge(answer: Answer | Silence, count: int, now: datetime, *, sandbox: bool = False) -> Verdict:
    """Return the verdict on the answer to a request of `count` personalizations. `now` is aware."""
    if isinstance(answer, Silence):
        if not answer.left:
            return Verdict("deferred", f"the provider was not reached: {answer.why}", stop=True)
        return Verdict("uncertain", f"no answer: {answer.why}", stop=True)
    status, words = answer.status, error_words(answer)
    match status:
        case 202:
            return Verdict("accepted", answer.headers.get("x-message-id", "")[:100])
        case 200 if sandbox:
            return Verdict("accepted", "sandbox: checked, not mailed")
        case 400:
            return _rejected(answer, count)
        case 413:
            return Verdict("split", words)
        case 429:
            return Verdict("deferred", words, retry_after=wait_asked(answer.headers, now), stop=True)
        case 408:
            return Verdict("uncertain", words, stop=True)
    if 300 <= status < 500:
        cure = cure_for(words)
        advice = _ADVICE.get(status, "it does not answer as SendGrid does; check [transport] base_url")
        return _fault(words, cure.text if cure.account else advice)
    # A 5xx, or a 2xx that SendGrid does not document: the request may have been taken.
    return Verdict("uncertain", words, stop=True)


def _rejected(answer: Answer, count: int) -> Verdict:
    """Judge a 400: the fault of the readers it names, of the letter, of our settings, or of nothing that is named."""
    words = error_words(answer)
    named: dict[int, str] = {}
    other_fields: list[str] = []
    for name, message in errors(answer):
        match = _NAMED.match(name)
        if match and int(match[1]) < count:
            named.setdefault(int(match[1]), f"400 {message} ({name})")
        else:
            other_fields.append(name)
    if named:
        return Verdict("again", words, named)
    if any(name.split(".")[0] in OURS for name in other_fields):
        return _fault(words, "correct it in config")
    if other_fields and all(name and not name.startswith(("personalizations", "null")) for name in other_fields):
        return Verdict("deferred", words, letter=True)
    if classify("; ".join(message for _, message in errors(answer))) == "sender":
        return _fault(words, cure_for(words).text)
    return Verdict("split", words)


def _fault(words: str, cure: str) -> Verdict:
    return Verdict("deferred", words, stop=True, fault=f"SendGrid answers {words}: {cure}; nothing was refused")


def errors(answer: Answer) -> list[tuple[str, str]]:
    """Return the (field, message) pairs of an error answer, without addresses; [] if it holds none."""
    try:
        listed = json.loads(answer.body)["errors"]
        return [
            (redacted(str(error.get("field") or "")), redacted(str(error.get("message") or ""))) for error in listed
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


def error_words(answer: Answer) -> str:
    """Return an answer in one short line without addresses: "400 Does not contain a valid address (field)"."""
    words = "; ".join(
        f"{message} ({name})" if name not in ("", "null") else message for name, message in errors(answer)
    )
    return f"{answer.status} {words}".strip()[:300]


def wait_asked(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds until the provider takes requests again, 0 to an hour; None if the headers do not say."""
    for name in ("x-ratelimit-reset", "retry-after"):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,12}(\.\d+)?", value):
            # x-ratelimit-reset holds Unix seconds and retry-after a number of seconds, but take both forms in both.
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
