"""Make and read the signed tokens in the links of letters: a subscriber, an edition, a purpose; no address. Pure.

A token is `payload.signature`, both URL-safe base64 (itsdangerous, HMAC-SHA256 cut to 128 bits), about 60 characters.
The payload holds the subscriber's random key beside the id, and `links.person_of` compares it with the stored key,
because after a restore the id may be another person's. A token without a date is the same each time, because preview
and letter must agree byte by byte. A token of the purpose "confirm" or "story" names a row of another table, with the
key of that row.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from itsdangerous import BadData, HMACAlgorithm, Signer, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode, want_bytes

from subscribers.errors import BadToken
from subscribers.keyed import keyed_hash
from subscribers.keyring import LinkKeys

# How long a token of each purpose is valid; None: for ever, because readers use the links of letters years later.
LIFETIMES: dict[str, timedelta | None] = {
    "unsubscribe": None,
    "preferences": None,
    "browse": None,
    "confirm": timedelta(hours=48),
    "story": timedelta(days=60),
    "undo": timedelta(days=7),
}
# The purposes for which a retired key still verifies, because a reader must be able to leave by any letter.
DESPITE_RETIREMENT = frozenset({"unsubscribe"})
AHEAD = timedelta(minutes=5)  # that a token may be dated after `now`, because the clocks of two hosts may differ
LONGEST = 256  # characters of a token that is read; made ones are far shorter
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
MOST = 200  # tokens that are looked at in one text; a letter has three, many times each
# A payload begins with '["' or, in the old form, "[" and a number; a digit of "%2F" may stand before it, and the mark
# of a filter that rewrites links ("__;") behind it.
_FORM = re.compile(r"(?:(?<![\w-])|(?<=2F)|(?<=2f))W[yz][\w-]{2,228}\.[\w-]{22}(?=__;|(?![\w-]))", re.ASCII)
SIGNATURE = 16  # bytes, because spam filters take longer ones for Bitcoin addresses


@dataclass(frozen=True, slots=True)
class Token:
    """The content of a token: a subscriber's id and key, an edition's id or None, and when it was made or None.

    `key` is "" in a token of the old form, which was made before there were keys. `retired`: a retired key has signed
    it, so that its page must do no more than its own purpose, and must give no link of another.
    """

    subscriber: int
    edition: int | None = None
    made_at: datetime | None = None
    key: str = ""
    retired: bool = False


class LetterTokens(NamedTuple):
    """Hold the tokens of one letter: to unsubscribe, for the preferences, and to read the letter in a browser."""

    unsubscribe: str
    preferences: str
    browse: str


def joint_key(*keys: str) -> str:
    """Return the key that stands in a token for several, such as a subscriber's and an edition's."""
    return hashlib.blake2b(" ".join(keys).encode(), digest_size=8).hexdigest()


def make_token(
    secret_keys: Sequence[bytes],
    purpose: str,
    subscriber: int,
    key: str,
    *,
    edition: int | None = None,
    now: datetime | None = None,
) -> str:
    """Return a token signed with the last (newest) secret key; `now` dates it, which `confirm` requires.

    `key` is the subscriber's, or the `joint_key` of it and the edition's. Raises ValueError for an unknown purpose,
    an id below 1, no key, or a purpose with a lifetime and no `now`.
    """
    if _lifetime(purpose) is not None and now is None:
        raise ValueError(f"a {purpose} token needs `now`: it does not last for ever")
    return _signed(_signing_key(tuple(secret_keys), purpose), _payload(key, subscriber, edition, now))


def letter_tokens(
    secret_keys: Sequence[bytes], subscriber: int, key: str, edition: tuple[int, str] | None
) -> LetterTokens:
    """Return the tokens of a letter, each as `make_token` makes it, in half the time.

    `key` is the subscriber's; `edition` is an id and a key, None for a letter of no stored edition. Raises ValueError
    as `make_token`.
    """
    person = _payload(key, subscriber)
    letter = _payload(joint_key(key, edition[1]), subscriber, edition[0]) if edition else person
    unsubscribe, preferences, browse = _letter_keys(tuple(secret_keys))
    return LetterTokens(_signed(unsubscribe, person), _signed(preferences, person), _signed(browse, letter))


def _payload(key: str, subscriber: int, edition: int | None = None, now: datetime | None = None) -> bytes:
    """Return the first half of a token. Raises ValueError for an id below 1, and for no key."""
    if subscriber < 1 or (edition is not None and edition < 1):
        raise ValueError("ids in a token start at 1")
    if not key:
        raise ValueError("a token needs the subscriber's key: after a restore the id may be another person's")
    numbers = str(subscriber)
    if edition is not None or now is not None:
        numbers += f",{edition or 0}"
    if now is not None:
        numbers += f",{int(now.timestamp())}"
    # JSON without spaces. A key of letters and digits needs no escapes, and is quoted here in a tenth of the time.
    quoted = f'"{key}"' if key.isascii() and key.isalnum() else json.dumps(key, ensure_ascii=False)
    return _base64(f"[{quoted},{numbers}]".encode())


def _signed(signing_key: bytes, payload: bytes) -> str:
    # Signed here and not by itsdangerous, because that derives the key anew and tries to compress each token, which
    # takes ten times as long; a payload of random keys and numbers never gets shorter.
    return (payload + b"." + _base64(keyed_hash(signing_key, payload)[:SIGNATURE])).decode("ascii")


def _base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=")


def read_token(
    secret_keys: Sequence[bytes],
    purpose: str,
    token: str,
    max_age: timedelta | None = None,
    *,
    now: datetime | None = None,
) -> Token:
    """Return the content of a token that one of the keys signed for this purpose. Raises BadToken for any other.

    Of `LinkKeys`, a retired key verifies what `DESPITE_RETIREMENT` says. A token older than `max_age` (by default the
    lifetime of its purpose) is refused; where there is such a limit, so is a token without a date, or dated more than
    `AHEAD` after `now`. Raises ValueError for an unknown purpose, and for a limit without `now`.
    """
    limit = max_age if max_age is not None else _lifetime(purpose)
    if limit is not None and now is None:
        raise ValueError(f"reading a {purpose} token needs `now`: it does not last for ever")
    if not token.isascii() or len(token) > LONGEST:
        raise BadToken("this link is damaged; open it again from the letter")
    try:
        content = _verified(secret_keys, purpose, token)
    except (BadData, ValueError, OverflowError):
        raise BadToken("this link is damaged; open it again from the letter") from None
    if _lifetime(purpose) is not None and not content.key:
        raise BadToken("this link is damaged; open it again from the letter")  # because no row of these is that old
    if limit is not None and now is not None:
        if content.made_at is None or now - content.made_at > limit:
            raise BadToken("this link is too old; ask for a new one")
        if content.made_at - now > AHEAD:
            raise BadToken("this link is dated in the future; ask for a new one")
    return content


def tokens_in(text: str) -> list[str]:
    """Return what has the form of a token in a text of any length, each once, at most `MOST`; none is verified."""
    return list(islice(dict.fromkeys(match[0] for match in _FORM.finditer(text)), MOST))


def _verified(secret_keys: Sequence[bytes], purpose: str, token: str) -> Token:
    """Return the content of a token that one of the keys signed. Raises BadData, ValueError or OverflowError."""
    try:
        return _content(_serializer(tuple(secret_keys), purpose).loads(token))
    except BadData:
        retired = secret_keys.retired if isinstance(secret_keys, LinkKeys) else ()
        if not retired or purpose not in DESPITE_RETIREMENT:
            raise
    return replace(_content(_serializer(retired, purpose).loads(token)), retired=True)


def _lifetime(purpose: str) -> timedelta | None:
    """Return how long a token of a purpose is valid; None: for ever. Raises ValueError for an unknown purpose."""
    if purpose not in LIFETIMES:
        raise ValueError(f"unknown purpose {purpose!r}; known: {', '.join(LIFETIMES)}")
    return LIFETIMES[purpose]


def _content(payload: object) -> Token:
    """Return the content of a token from its signed payload. Raises ValueError for any other payload."""
    if not isinstance(payload, list) or not payload:
        raise ValueError("not the payload of a token")
    # A token of the old form begins with its numbers.
    key, numbers = (payload[0], payload[1:]) if isinstance(payload[0], str) else ("", payload)
    if not 1 <= len(numbers) <= 3 or any(type(n) is not int for n in numbers):
        raise ValueError("not the payload of a token")
    subscriber, edition, seconds = [*numbers, 0, 0][:3]
    return Token(subscriber, edition or None, datetime.fromtimestamp(seconds, UTC) if seconds else None, key)


class _ShortHMAC(HMACAlgorithm):
    """HMAC-SHA256 cut to `SIGNATURE` bytes."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Return the first bytes."""
        return super().get_signature(key, value)[:SIGNATURE]

    def verify_signature(self, key: bytes, value: bytes, sig: bytes) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(sig, self.get_signature(key, value))


class _ExactSigner(Signer):
    """A signer that takes only one spelling of a signature.

    The last letter of 16 bytes in base64 has four spare bits, so sixteen letters mean the same there. The plain
    signer takes them all, and so would let a changed token pass.
    """

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        spelt = want_bytes(sig)
        try:
            exact = base64_encode(base64_decode(spelt)) == spelt
        except BadData:
            return False
        return exact and super().verify_signature(value, spelt)


@lru_cache(maxsize=32)
def _signing_key(secret_keys: tuple[bytes, ...], purpose: str) -> bytes:
    """Return the key that signs the tokens of a purpose, derived from the last (newest) secret key."""
    return _serializer(secret_keys, purpose).make_signer().derive_key()


@lru_cache(maxsize=8)
def _letter_keys(secret_keys: tuple[bytes, ...]) -> tuple[bytes, bytes, bytes]:
    unsubscribe, preferences, browse = (_signing_key(secret_keys, purpose) for purpose in LetterTokens._fields)
    return unsubscribe, preferences, browse


@lru_cache(maxsize=32)
def _serializer(secret_keys: tuple[bytes, ...], purpose: str) -> URLSafeSerializer:
    """Return the serializer for one purpose; each has its own salt, so a token is good for one purpose only."""
    if not secret_keys or not all(secret_keys):
        raise ValueError("no secret key to sign with")
    return URLSafeSerializer(
        list(secret_keys),
        salt=f"subscribers.{purpose}",
        signer=_ExactSigner,
        signer_kwargs={
            "key_derivation": "hmac",
            "digest_method": hashlib.sha256,
            "algorithm": _ShortHMAC(hashlib.sha256),
        },
    )
