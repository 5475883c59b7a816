"""Check the parts of a SendGrid request against every documented limit before it leaves. Pure.

`shared_problems` checks what all readers share, once a request, and `reader_problems` a reader; of the whole request
`riders` keeps the limits. Where the provider's pages differ (10,000 or 50,000 bytes of substitutions), the smaller
number is used. Three rules are ours: each personalization has one reader, all tracking is off, and no value may hold
a mark of the form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from os.path import commonprefix
from typing import Any, NamedTuple

from digest.transports.sendgrid.payload import Payload, written

ADDRESS = 320
SUBSTITUTION_BYTES = 10_000
SUBSTITUTIONS_EACH = 150
CUSTOM_ARGS_BYTES = 10_000
CATEGORIES = 10
CATEGORY = 255
LINE = 998
FARTHEST = timedelta(hours=72)
RESERVED = frozenset(
    {
        "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding",
        "to", "from", "subject", "reply-to", "cc", "bcc",
    }
)  # fmt: skip

_KNOWN = frozenset(
    {
        "from", "reply_to", "subject", "headers", "categories", "tracking_settings", "mail_settings", "send_at",
        "batch_id",
    }
)  # fmt: skip
_KNOWN_EACH = frozenset({"to", "headers", "substitutions", "custom_args"})
_TRACKING = ("click_tracking", "open_tracking", "subscription_tracking", "ganalytics")
_EMAIL = re.compile(r"[!-?A-~]+@[A-Za-z0-9.-]+")
_HEADER = re.compile(r"[!-9;-~]+")
_LINE = re.compile(r"[\t -~]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BATCH = re.compile(r"[A-Za-z0-9_-]{1,100}")


class LimitProblem(NamedTuple):
    """Name a `field` of a request or of a reader that the provider would reject, as it spells it, and say why."""

    field: str
    words: str


def shared_problems(part: Payload, now: datetime) -> list[LimitProblem]:
    """Return everything in the part that readers share, beside the content, that breaks a limit. `now` is aware."""
    return [
        *_whole(part),
        *_mailbox("from", part.get("from"), ascii_name=True),
        *(_mailbox("reply_to", part["reply_to"]) if "reply_to" in part else ()),
        *_subject(part.get("subject")),
        *_headers("headers", part.get("headers", {})),
        *_categories(part.get("categories", [])),
        *_settings(part),
        *_times(part, now),
    ]


def _whole(request: Payload) -> Iterator[LimitProblem]:
    for name in sorted(request.keys() - _KNOWN):
        yield LimitProblem(name, "is not a field that we send")


def _mailbox(name: str, value: Any, *, ascii_name: bool = False) -> Iterator[LimitProblem]:
    if not isinstance(value, dict) or not isinstance(value.get("email"), str):
        yield LimitProblem(name, "has no address")
        return
    email, shown = value["email"], value.get("name", "")
    if not _EMAIL.fullmatch(email) or len(email) > ADDRESS:
        yield LimitProblem(f"{name}.email", f"{email[:60]!r} is no address of at most {ADDRESS} ASCII characters")
    if not isinstance(shown, str) or _CONTROL.search(shown):
        yield LimitProblem(f"{name}.name", "is not one line of text")
    elif ascii_name and not shown.isascii():
        yield LimitProblem(
            f"{name}.name", f"{shown[:60]!r} holds letters beyond ASCII; give the sender a name in plain letters"
        )
    if value.keys() - {"email", "name"}:
        yield LimitProblem(name, "has a field besides email and name")


def _subject(value: Any) -> Iterator[LimitProblem]:
    if not isinstance(value, str) or not value.strip():
        yield LimitProblem("subject", "is empty")
    elif _CONTROL.search(value) or len(value) > LINE:
        yield LimitProblem("subject", f"is not one line of at most {LINE} characters")


def _headers(name: str, value: Any, others: Mapping[str, str] | None = None) -> Iterator[LimitProblem]:
    """Check the headers of a message, or those of one reader, which come beside the message's `others`."""
    if not isinstance(value, dict):
        yield LimitProblem(name, "is not an object")
        return
    lower = [str(key).lower() for key in value]
    if len(set(lower)) < len(lower) or set(lower) & {key.lower() for key in others or {}}:
        yield LimitProblem(name, "names one header twice")
    for key, text in value.items():
        if not isinstance(key, str) or not _HEADER.fullmatch(key):
            yield LimitProblem(name, f"{str(key)[:60]!r} is no header name in ASCII without spaces")
        elif key.lower() in RESERVED:
            yield LimitProblem(name, f"{key} is reserved for the provider")
        elif not isinstance(text, str) or not text or not _LINE.fullmatch(text):
            yield LimitProblem(f"{name}.{key}", "is not one line of ASCII text")
        elif len(key) + 2 + len(text) > LINE:
            yield LimitProblem(f"{name}.{key}", f"is longer than {LINE} characters")


def _categories(value: Any) -> Iterator[LimitProblem]:
    if not isinstance(value, list) or len(value) > CATEGORIES or len(set(map(str, value))) < len(value):
        yield LimitProblem("categories", f"are more than {CATEGORIES}, or one comes twice")
        return
    for at, category in enumerate(value):
        if not isinstance(category, str) or not category or len(category) > CATEGORY or not category.isascii():
            yield LimitProblem(f"categories.{at}", f"is not 1 to {CATEGORY} ASCII characters")


def _settings(request: Payload) -> Iterator[LimitProblem]:
    tracking = request.get("tracking_settings")
    for name in _TRACKING:
        if not isinstance(tracking, dict) or tracking.get(name, {}).get("enable") is not False:
            yield LimitProblem(f"tracking_settings.{name}", "is not off")
    if request.get("mail_settings", {"sandbox_mode": {"enable": True}}) != {"sandbox_mode": {"enable": True}}:
        yield LimitProblem("mail_settings", "asks for more than the sandbox")


def _times(request: Payload, now: datetime) -> Iterator[LimitProblem]:
    if "send_at" in request:
        when = request["send_at"]
        if isinstance(when, bool) or not isinstance(when, int):
            yield LimitProblem("send_at", "is not a whole number of Unix seconds")
        elif when > (now + FARTHEST).timestamp():
            yield LimitProblem("send_at", "is more than 72 hours ahead")
    if "batch_id" in request and not (isinstance(request["batch_id"], str) and _BATCH.fullmatch(request["batch_id"])):
        yield LimitProblem("batch_id", "is not an id that the provider gave")


def reader_problems(personal: Payload, shared: Mapping[str, str]) -> list[LimitProblem]:
    """Return everything in one reader's part that breaks a limit; `shared` are the headers of all readers."""
    if personal.keys() - _KNOWN_EACH:
        return [LimitProblem("", "has a field that we do not send")]
    if not isinstance(personal.get("to"), list) or len(personal["to"]) != 1:
        return [LimitProblem("to", "is not one reader")]
    return [*_reader(personal, shared)]


def _reader(personal: Payload, shared: Mapping[str, str]) -> Iterator[LimitProblem]:
    to = personal["to"][0]
    yield from _mailbox("to.0", to)
    shown = to.get("name", "") if isinstance(to, dict) else ""
    if isinstance(shown, str) and (";" in shown or "," in shown):
        yield LimitProblem("to.0.name", "holds a comma or semicolon")
    yield from _headers("headers", personal.get("headers", {}), shared)
    yield from _texts("custom_args", personal.get("custom_args", {}), CUSTOM_ARGS_BYTES, empty=False)
    substitutions = personal.get("substitutions", {})
    yield from _texts("substitutions", substitutions, SUBSTITUTION_BYTES)
    if isinstance(substitutions, dict):
        yield from _marks("substitutions", substitutions)


def _texts(name: str, value: Any, most: int, *, empty: bool = True) -> Iterator[LimitProblem]:
    """Check that an object holds only strings and has at most `most` bytes as JSON."""
    if not isinstance(value, dict) or not all(
        isinstance(key, str) and key and isinstance(text, str) and (text or empty) for key, text in value.items()
    ):
        yield LimitProblem(name, "holds something else than text by name")
    elif (size := _written_size(value, most)) > most:
        yield LimitProblem(name, f"has {size:,} bytes; {most:,} are taken")


def _written_size(value: Mapping[str, str], most: int) -> int:
    """Return how many bytes an object has as JSON, or an upper bound if that is at most `most`."""
    # An escaped character has at most six bytes, and estimating is far cheaper than writing each reader's object.
    rough = 6 * (sum(map(len, value)) + sum(map(len, value.values())) + len(value)) + 2
    return rough if rough <= most else len(written(dict(value)).encode("utf-8", "replace"))


def _marks(name: str, value: Mapping[str, str]) -> Iterator[LimitProblem]:
    if len(value) > SUBSTITUTIONS_EACH:
        yield LimitProblem(name, f"are {len(value)}; {SUBSTITUTIONS_EACH} are taken")
        return
    marks = tuple(key for key in value if isinstance(key, str))
    stem, apart = stem_of(marks)
    joined = "\n".join(text for text in value.values() if isinstance(text, str))
    if stem in joined and any(mark in joined for mark in marks):
        yield LimitProblem(name, "hold a mark inside a value, which the provider would replace as well")
    if not apart:
        yield LimitProblem(name, "hold a mark that is part of another")


@lru_cache(maxsize=64)
def stem_of(marks: tuple[str, ...]) -> tuple[str, bool]:
    """Return the letters with which all marks begin, and whether no mark is part of another."""
    apart = not any(mark != other and mark in other for mark in marks for other in marks)
    return commonprefix(marks), apart  # noqa: RUF071 - these are no paths
