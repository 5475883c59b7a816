"""Make and read the tag of a delivery: its number with a check that only this installation can make. Pure.

The tag travels in the envelope sender (`bounce+417-2f6c…@example.org`, VERP) or in a provider's custom argument, and
every event repeats it. The check is needed because without it a stranger could write bounces for other people's
deliveries, and two installations that share a provider's account would take each other's events for their own.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

_DIGITS = 20  # hexadecimal: 80 bits
_TAG = re.compile(rf"(?<![0-9a-z])([1-9][0-9]{{0,18}})-([0-9a-f]{{{_DIGITS}}})(?![0-9a-z])", re.I)
_LARGEST = 2**63 - 1


def delivery_tag(secret: bytes, delivery: int) -> str:
    """Return the tag of a delivery: "417-" and 20 hexadecimal digits."""
    return f"{delivery}-{_check(secret, delivery)}"


def read_tag(secret: bytes, text: str) -> int | None:
    """Return the delivery whose tag is in `text`, or None for no tag, a forged tag, or tags of two deliveries."""
    deliveries = set(_valid(secret, text[:4000]))
    return deliveries.pop() if len(deliveries) == 1 else None


def bounce_address(secret: bytes, mailbox: str, delivery: int) -> str:
    """Return the envelope sender of a delivery: "bounce@example.org" becomes "bounce+417-…@example.org"."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}+{delivery_tag(secret, delivery)}@{domain}"


def _valid(secret: bytes, text: str) -> Iterable[int]:
    for match in _TAG.finditer(text):
        delivery = int(match[1])
        if delivery <= _LARGEST and hmac.compare_digest(match[2].lower(), _check(secret, delivery)):
            yield delivery


def _check(secret: bytes, delivery: int) -> str:
    return hmac.digest(secret, f"delivery {delivery}".encode(), "sha256").hex()[:_DIGITS]
