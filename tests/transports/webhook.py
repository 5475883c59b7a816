"""Make events and signed bodies for tests, as SendGrid does."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from digest.transports.tag import TagKeys, delivery_tag

SECRET = b"s" * 32
KEYS = TagKeys("5" * 16, "7" * 16)  # of every reader and edition that a test makes up
NOW = datetime(2026, 11, 9, 9, tzinfo=UTC)
SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


class Signer:
    """Hold one signing key, and sign with it."""

    def __init__(self, curve: ec.EllipticCurve | None = None) -> None:
        self._key = ec.generate_private_key(curve or ec.SECP256R1())
        der = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.public = base64.b64encode(der).decode()

    def sign(self, body: bytes, timestamp: str) -> str:
        return base64.b64encode(self._key.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))).decode()

    def headers(self, body: bytes, at: datetime = NOW) -> dict[str, str]:
        timestamp = str(int(at.timestamp()))
        return {SIGNATURE: self.sign(body, timestamp), TIMESTAMP: timestamp}


def made_up(delivery: int) -> str:
    """Return the tag of a delivery that a test makes up."""
    return delivery_tag(SECRET, delivery, KEYS)


def made_up_keys(numbers: Collection[int]) -> dict[int, TagKeys]:
    """Return what the tags of made-up deliveries are bound to."""
    return dict.fromkeys(numbers, KEYS)


def told(
    event: str,
    delivery: int | None,
    id: str,
    *,
    tag: Callable[[int], str] = made_up,
    at: datetime = NOW,
    **more: Any,
) -> dict[str, Any]:
    """Return one element of a webhook's body."""
    event_fields = {
        "event": event,
        "sg_event_id": id,
        "timestamp": int(at.timestamp()),
        "email": "reader@example.org",
    }
    if delivery is not None:
        event_fields |= {"mid": tag(delivery), "sg_message_id": f"m{delivery}.recv"}
    return {name: value for name, value in (event_fields | more).items() if value is not None}


def body_of(*events: Any) -> bytes:
    """Return the body as it is posted, with a line end."""
    return json.dumps(list(events)).encode() + b"\r\n"
