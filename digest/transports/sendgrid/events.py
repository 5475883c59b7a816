"""SendGrid's event webhook: whether a body is truly SendGrid's, and the events in it. Pure.

Form: a JSON array of mixed events, https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event.
Our deliveries are found by the custom argument `mid`, a tag, which every event carries at its top level; a delayed
bounce carries no `sg_message_id`.
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

from digest.ledger.events import LONGEST_ID, Event, status_in
from digest.ledger.redact import redacted
from digest.transports.webhook import BadBody, Parsed, ReadTag, Webhook

PROVIDER = "sendgrid"
PATH = "/hooks/sendgrid"
SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
WINDOW = timedelta(hours=25)  # retries go on for 24 hours, perhaps under the first signature
AHEAD = timedelta(minutes=10)  # how far their clock may be before ours
MOST_EVENTS = 50_000  # in one body; real ones hold some hundreds

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
    """Return SendGrid's webhook; without a key, every call is refused. `window`: how old a signed call may be."""

    def verify(headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        return verify_signature(keys, headers.get(SIGNATURE), headers.get(TIMESTAMP), body, now, window)

    return Webhook(PATH, verify, parse_events)


def parse_events(body: bytes, read_tag: ReadTag, now: datetime) -> Parsed:
    """Return the events of a webhook's body. Raises BadBody when it is not JSON of the right form.

    `read_tag` turns a custom argument into a delivery of ours or None. A single odd element never spoils the
    others. An event without an instant, or with one that cannot be, happened `now`.
    """
    try:
        found = json.loads(body, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"not JSON: {type(error).__name__}") from None
    if not isinstance(found, list):
        raise BadBody("not a JSON array")
    if len(found) > MOST_EVENTS:
        raise BadBody(f"more than {MOST_EVENTS} events in one body")
    parsed = Parsed([])
    for one in found:
        name = one.get("event") if isinstance(one, dict) else None
        kind = _kind(one, name) if isinstance(name, str) else None
        if kind is None:
            parsed.ignored[name[:40] if isinstance(name, str) and isinstance(one, dict) else ""] += 1
        else:
            parsed.events.append(_event(one, kind, read_tag, now))
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

    `keys` are base64 of DER (SubjectPublicKeyInfo), as SendGrid shows them; several while a key is changed.
    `signature` and `timestamp` are the headers' values or None. Anything wrong gives False, never an
    exception. Repeats inside the window are known by their events' ids.
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
        return False  # the last letter has spare bits: take one spelling only
    return any(_signed(key, given, timestamp.encode() + raw_body) for key in keys)


def load_webhook_key(key: str) -> ec.EllipticCurvePublicKey:
    """Return a verification key from its base64 form. Raises ValueError, with the cure, for anything else."""
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


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key twice in one object: two readers would see two different events."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _kind(one: dict[str, Any], name: str) -> str | None:
    kind = _KINDS.get(name)
    if kind == "bounced" and one.get("type") == "blocked":
        return "blocked"
    return kind


def _event(one: dict[str, Any], kind: str, read_tag: ReadTag, now: datetime) -> Event:
    address = _text(one, "email") or None
    # The classification ("Reputation", "Content") tells a disliked sender from a dead address.
    words = [_text(one, "bounce_classification"), _text(one, "reason") or _text(one, "response")]
    said = ": ".join(word for word in words if word and word != "Unclassified")[:4000]
    return Event(
        id=_id(one),
        kind=kind,
        delivery=read_tag(_text(one, "mid")),
        address=address,
        at=_instant(one.get("timestamp"), now),
        status=status_in(_text(one, "status")) or status_in(said),
        reason=redacted(said, address),
        provider=PROVIDER,
        message=_plain(_text(one, "sg_message_id"))[:LONGEST_ID],
    )


def _id(one: dict[str, Any]) -> str:
    """The event's own id; without one, a hash of all that it says, which its repeats share."""
    given = _text(one, "sg_event_id")
    if given and len(given) <= LONGEST_ID and _plain(given) == given:
        return given
    said = given or json.dumps(one, sort_keys=True)
    return "sha256:" + hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _text(one: dict[str, Any], key: str) -> str:
    value = one.get(key)
    return value if isinstance(value, str) else ""


def _plain(text: str) -> str:
    return _ODD.sub("", text)


def _instant(value: Any, now: datetime) -> datetime:
    if isinstance(value, str) and _SECONDS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
        return now
    return min(datetime.fromtimestamp(int(value), UTC), now)
