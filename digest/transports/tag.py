"""Make and read the tag of a delivery: its number with a check that only this installation can make. Pure.

The tag travels in the envelope sender (`bounce+417-2f6c…@example.org`, VERP) or in a provider's custom argument, and
every event repeats it. The check is needed because without it a stranger could write bounces for other people's
deliveries, and two installations that share a provider's account would take each other's events for their own. It is
bound to the random keys of reader and edition, because after a restore the number may be given to another delivery.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from subscribers.keyed import keyed_hash

_DIGITS = 20  # hexadecimal: 80 bits
_TAG = re.compile(rf"(?<![0-9a-z])([1-9][0-9]{{0,18}})-([0-9a-f]{{{_DIGITS}}})(?![0-9a-z])", re.I)
_LARGEST = 2**63 - 1


class TagKeys(NamedTuple):
    """Hold what a delivery's tag is bound to: the keys of its reader and of its edition.

    `old_tags`: a tag of the old form, which is bound to the number alone, counts as well.
    """

    subscriber: str
    edition: str
    old_tags: bool = False


# Returns {delivery: what its tag is bound to} for the deliveries of these that exist.
FindKeys = Callable[[Collection[int]], Mapping[int, TagKeys]]


def delivery_tag(secret: bytes, delivery: int, keys: TagKeys) -> str:
    """Return the tag of a delivery: "417-" and 20 hexadecimal digits."""
    return f"{delivery}-{_check(secret, f'delivery {delivery} {keys.subscriber} {keys.edition}')}"


def read_tag(secret: bytes, find_keys: FindKeys, text: str) -> int | None:
    """Return the delivery whose tag is in `text`; None for no tag, one without proof, or tags of two deliveries.

    A forged tag proves nothing, nor does the tag of an earlier delivery that had the number before a restore.
    """
    text = text[:4000]
    numbers = tagged_numbers(text)
    keys = find_keys(numbers) if numbers else {}
    deliveries = {
        delivery
        for match in _TAG.finditer(text)
        if (delivery := int(match[1])) in keys
        and any(hmac.compare_digest(match[2].lower(), check) for check in _checks(secret, delivery, keys[delivery]))
    }
    return deliveries.pop() if len(deliveries) == 1 else None


def tagged_numbers(text: str) -> set[int]:
    """Return the numbers of all tags in a text of any length, forged ones too, to find their keys in one query."""
    return {number for match in _TAG.finditer(text) if (number := int(match[1])) <= _LARGEST}


def bounce_address(mailbox: str, tag: str) -> str:
    """Return the envelope sender with a tag: "bounce@example.org" becomes "bounce+417-…@example.org"."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}+{tag}@{domain}"


def _checks(secret: bytes, delivery: int, keys: TagKeys) -> Iterable[str]:
    """Yield the checks of a delivery that count."""
    yield delivery_tag(secret, delivery, keys).partition("-")[2]
    if keys.old_tags:
        yield _check(secret, f"delivery {delivery}")


def _check(secret: bytes, content: str) -> str:
    return keyed_hash(secret, content.encode()).hex()[:_DIGITS]
