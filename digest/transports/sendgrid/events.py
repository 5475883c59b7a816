"""Verify and parse the calls of SendGrid's event webhook. Pure.

A body is a JSON array of mixed events, https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event.
The delivery of an event is read from the custom argument `mid`, our tag, which every event carries at its top level;
`sg_message_id` would not do, because a delayed bounce carries none.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from digest.ledger.events import LONGEST_ID, Event
from digest.ledger.redact import redacted
from digest.ledger.replies import status_in
from digest.transports.webhook import BadBody, Parsed, ReadTag, Webhook

PROVIDER = "sendgrid"
PATH = "/hooks/sendgrid"
SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
WINDOW = timedelta(hours=25)  # because SendGrid repeats a call for 24 hours, perhaps under its first signature
AHEAD = timedelta(minutes=10)  # the most that SendGrid's clock may be ahead of ours
MOST_EVENTS = 50_000  # in one body; real bodies hold some hundreds

_KINDS = {
    "processed": "processed",
    "deferred": "deferred",
    "delivered": "delivered",
    "bounce": "bounced",
    "dropped": "dropped",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}
_SECONDS = re.compile(r"[0-9]{1,11}")
_ODD = re.compile(r"[^!-~]+")


def webhook(keys: Sequence[str], window: timedelta = WINDOW) -> Webhook:
    """Return SendGrid's webhook, which accepts calls signed with one of `keys` and at most `window` old.

    Without a key it refuses every call.
    """

    def verify(headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        return verify_signature(keys, headers.get(SIGNATURE), headers.get(TIMESTAMP), body, now, window)

    return Webhook(PATH, verify, parse_events)


def parse_events(body: bytes, read_tag: ReadTag, now: datetime) -> Parsed:
    """Return the events of a webhook's body. Raises BadBody if it is not a JSON array, or too long.

    `read_tag` turns a custom argument into a delivery of ours or None. An element of unknown form is counted as
    ignored and does not spoil the others. An event without a possible time is taken to have happened `now`.
    """
    try:
        elements = json.loads(body, object_pairs_hook=_without_repeats, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"not JSON: {type(error).__name__}") from None
    if not isinstance(elements, list):
        raise BadBody("not a JSON array")
    if len(elements) > MOST_EVENTS:
        raise BadBody(f"more than {MOST_EVENTS} events in one body")
    parsed = Parsed([])
    for element in elements:
        name = element.get("event") if isinstance(element, dict) else None
        kind = _kind(element, name) if isinstance(name, str) else None
        if kind is None:
            parsed.ignored[name[:40] if isinstance(name, str) and isinstance(element, dict) else ""] += 1
        else:
            parsed.events.append(_event(element, kind, read_tag, now))
    return parsed


def verify_signature(
    keys: Iterable[str],
    signature: str | None,
    timestamp: str | None,
    raw_body: bytes,
    now: datetime,
    window: timedelta = WINDOW,
) -> bool:
    """Return whether one of `keys` signed this very body at this time (ECDSA P-256, SHA-256).

    `keys` are base64 of DER (SubjectPublicKeyInfo), as SendGrid shows them; give several while a key is changed.
    `signature` and `timestamp` are the headers' values or None. Returns False for anything wrong and raises nothing.
    A call repeated inside the window is accepted; its events are recognised as repeats by their ids.
    """
    if not signature or not timestamp or not _SECONDS.fullmatch(timestamp):
        return False
    age = now.timestamp() - int(timestamp)
    if not -AHEAD.total_seconds() <= age <= window.total_seconds():
        return False
    try:
        given = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    if base64.b64encode(given).decode() != signature:
        return False  # because base64's last character has spare bits, and only one spelling may be accepted
    return any(_signed(key, given, timestamp.encode() + raw_body) for key in keys)


def load_webhook_key(key: str) -> ec.EllipticCurvePublicKey:
    """Return a verification key from its base64 form. Raises ValueError with the cure if it is not a P-256 key."""
    cure = "copy the verification key from SendGrid's event webhook settings"
    try:
        loaded = load_der_public_key(base64.b64decode("".join(key.split()), validate=True))
    except Exception:
        raise ValueError(f"not a public key; {cure}") from None
    if not isinstance(loaded, ec.EllipticCurvePublicKey) or not isinstance(loaded.curve, ec.SECP256R1):
        raise ValueError(f"not a P-256 public key; {cure}")
    return loaded


@lru_cache(maxsize=16)
def _loaded(key: str) -> ec.EllipticCurvePublicKey | None:
    try:
        return load_webhook_key(key)
    except ValueError:
        return None


def _signed(key: str, signature: bytes, signed: bytes) -> bool:
    loaded = _loaded(key)
    if loaded is None:
        return False
    try:
        loaded.verify(signature, signed, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object. Raises ValueError for a key given twice, because programs differ in which one counts."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key twice")
    return members


def _refuse_constant(name: str) -> Any:
    """Raise ValueError for NaN and Infinity, which Python would accept."""
    raise ValueError(f"{name} is not JSON")


def _kind(element: dict[str, Any], name: str) -> str | None:
    kind = _KINDS.get(name)
    if kind == "bounced" and element.get("type") == "blocked":
        return "blocked"
    return kind


def _event(element: dict[str, Any], kind: str, read_tag: ReadTag, now: datetime) -> Event:
    address = _text(element, "email") or None
    # Keep the classification ("Reputation", "Content"): it tells a refused sender from a dead address.
    parts = [_text(element, "bounce_classification"), _text(element, "reason") or _text(element, "response")]
    reason = ": ".join(part for part in parts if part and part != "Unclassified")[:4000]
    return Event(
        id=_id(element),
        kind=kind,
        delivery=read_tag(_text(element, "mid")),
        address=address,
        at=_time(element.get("timestamp"), now),
        status=status_in(_text(element, "status")) or status_in(reason),
        reason=redacted(reason, address),
        provider=PROVIDER,
        message=_plain(_text(element, "sg_message_id"))[:LONGEST_ID],
    )


def _id(element: dict[str, Any]) -> str:
    """Return the event's own id if it is fit to be stored, else a hash that is the same for every repeat."""
    given = _text(element, "sg_event_id")
    if given and len(given) <= LONGEST_ID and _plain(given) == given:
        return given
    content = given or json.dumps(element, sort_keys=True)
    return "sha256:" + hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def _text(element: dict[str, Any], key: str) -> str:
    value = element.get(key)
    return value if isinstance(value, str) else ""


def _plain(text: str) -> str:
    return _ODD.sub("", text)


def _time(value: Any, now: datetime) -> datetime:
    if isinstance(value, str) and _SECONDS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        return now
    return min(datetime.fromtimestamp(int(value), UTC), now)
