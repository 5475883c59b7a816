"""Hash texts with a secret key, so that nobody without the key can make the hash, or tell the text from it. Pure."""

from __future__ import annotations

import hashlib
from functools import lru_cache

_BLOCK = 64  # bytes that SHA-256 takes at a time


def keyed_hash(key: bytes, text: bytes) -> bytes:
    """Return HMAC-SHA256 of a text (RFC 2104).

    Not by `hmac`, because a letter needs five such hashes, and `hmac` takes more than twice as long: it begins with
    the key each time.
    """
    begun, ended = _begun(key)
    inner, outer = begun.copy(), ended.copy()
    inner.update(text)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=32)
def _begun(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Return the inner and the outer hash after they have taken the key, to be copied for each text."""
    full = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ mask for byte in full)) for mask in (0x36, 0x5C))
    return inner, outer
