"""Sign a message with DKIM (RFC 6376, RFC 8463): relaxed/relaxed, rsa-sha256 or ed25519-sha256.

A general library needs about 20 ms a message; this module needs 1 ms, because it relies on the form of our messages
and signs with `cryptography` alone. In the tests, two other implementations verify its signatures.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from digest.errors import DigestError
from digest.model import Dkim

# "from" stands twice, because then a second From header, added on the way, breaks the signature.
SIGNED = (
    "from", "from", "to", "reply-to", "subject", "date", "message-id", "mime-version", "content-type", "list-id",
    "list-unsubscribe", "list-unsubscribe-post", "feedback-id",
)  # fmt: skip
SMALLEST_RSA = 2048
_SPACE = re.compile(rb"[ \t]+")
_FOLD = re.compile(rb"\r\n(?=[ \t])")

Key = RSAPrivateKey | Ed25519PrivateKey


class BadKey(DigestError, ValueError):
    """Report a key that cannot sign; the message says why, and the cure."""


@lru_cache(maxsize=8)
def load_dkim_key(pem: bytes) -> Key:
    """Return a private key from PEM text: RSA of at least 2048 bits, or Ed25519. BadKey otherwise."""
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey("is not a private key in PEM without a password; make one with `openssl genrsa 2048`") from error
    if isinstance(key, RSAPrivateKey):
        if key.key_size < SMALLEST_RSA:
            raise BadKey(f"has {key.key_size} bits, receivers want {SMALLEST_RSA}; `openssl genrsa 2048` makes one")
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise BadKey("is neither RSA nor Ed25519; make one with `openssl genrsa 2048`")


def public_keys(pem: bytes) -> tuple[str, ...]:
    """Return the public half of a private key as it may stand after p= in the DNS, in each of its forms."""
    key = load_dkim_key(pem).public_key()
    forms = (
        [(Encoding.Raw, PublicFormat.Raw)]
        if isinstance(key, Ed25519PublicKey)
        else [(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), (Encoding.DER, PublicFormat.PKCS1)]
    )
    return tuple(base64.b64encode(key.public_bytes(*form)).decode() for form in forms)


def sign(message: bytes, dkim: Dkim, now: datetime) -> bytes:
    """Return `message` (CRLF) with a DKIM-Signature before its headers; `now` is aware. BadKey as `load_dkim_key`."""
    key = load_dkim_key(dkim.key)
    head, _, body = message.partition(b"\r\n\r\n")
    fields = _fields(head + b"\r\n")
    names = [name for name in SIGNED if name in fields]
    algorithm = "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"
    digest = base64.b64encode(hashlib.sha256(_relaxed_body(body)).digest()).decode("ascii")
    start = (
        f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n"
        f" d={dkim.domain}; s={dkim.selector}; t={int(now.timestamp())};\r\n"
        f" h={_folded(':'.join(names), ':')};\r\n bh={digest};\r\n b="
    ).encode("ascii")
    signed = b"".join(fields[name] for name in dict.fromkeys(names)) + _relaxed(start)[:-2]
    return start + _folded(base64.b64encode(_signature(key, signed)).decode("ascii")).encode() + b"\r\n" + message


def _signature(key: Key, data: bytes) -> bytes:
    if isinstance(key, RSAPrivateKey):
        return key.sign(data, PKCS1v15(), SHA256())
    # Ed25519 signs the hash of the data, because RFC 8463 says so.
    return key.sign(hashlib.sha256(data).digest())


def _fields(head: bytes) -> dict[str, bytes]:
    """Return the header fields by lower-case name, relaxed. Our messages have each name once."""
    lines = _FOLD.sub(b"", head).split(b"\r\n")[:-1]
    return {line.partition(b":")[0].strip().lower().decode("ascii"): _relaxed(line) for line in lines}


def _relaxed(field: bytes) -> bytes:
    name, _, value = _FOLD.sub(b"", field).partition(b":")
    return name.strip().lower() + b":" + _SPACE.sub(b" ", value).strip() + b"\r\n"


def _relaxed_body(body: bytes) -> bytes:
    body = body.replace(b"\t", b" ")
    while b"  " in body:  # a loop, because it is many times quicker than a pattern
        body = body.replace(b"  ", b" ")
    body = body.replace(b" \r\n", b"\r\n").rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _folded(value: str, after: str = "") -> str:
    """Return a long value in lines of at most 72 columns, broken after `after`, or anywhere when `after` is ""."""
    if not after:
        return "\r\n ".join(value[at : at + 72] for at in range(0, len(value), 72))
    rows = [""]
    for piece in value.split(after):
        if rows[-1] and len(rows[-1]) + len(piece) > 70:
            rows.append("")
        rows[-1] += (after if len(rows) > 1 or rows[-1] else "") + piece
    return "\r\n ".join(rows)
