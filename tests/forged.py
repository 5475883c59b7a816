"""Forge tokens of every kind from good ones: none of them may open anything."""

from __future__ import annotations

import json
import string
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zlib import compress

from subscribers.keyring import LinkKeys
from subscribers.tokens import AHEAD, LIFETIMES, _serializer, make_token

SPELLING = string.ascii_letters + string.digits + "-_."
FOREIGN = [b"f" * 32, b"k" * 32]  # keys of somebody else
PERSONS = {1: "0123456789abcdef", 2: "fedcba9876543210"}  # subscribers with their keys


def good_tokens(keys: Sequence[bytes], now: datetime, persons: Mapping[int, str] = PERSONS) -> dict[str, str]:
    """Return {purpose: token} of good tokens of the first person."""
    number, key = next(iter(persons.items()))
    return {purpose: _made(keys, purpose, number, key, now) for purpose in LIFETIMES}


def forged_tokens(
    keys: Sequence[bytes], purpose: str, now: datetime, persons: Mapping[int, str] = PERSONS, *, each: int = 3
) -> dict[str, set[str]]:
    """Return {kind: tokens} of tokens that must not open a page of `purpose`: some 2,500, with `each` 1 some 7,000.

    `each`: a letter is replaced by every n-th of those that tokens have. `persons`: two subscribers with their keys.
    A token with the number of one and the key of the other is signed well, so that only the stored key refuses it: it
    is of the kind "of another person", for pages alone.
    """
    (number, key), (other, other_key) = persons.items()
    tokens = good_tokens(keys, now, persons)
    good = tokens[purpose]
    payload, _, signature = good.partition(".")
    other_payload, _, other_signature = _made(keys, purpose, other, other_key, now).partition(".")
    places = range(len(good))
    forged = {
        "changed": {good[:n] + letter + good[n + 1 :] for n in places for letter in SPELLING[::each]},
        "truncated": {good[:n] for n in places} | {good[n:] for n in places[1:]},
        "extended": {good[:n] + letter + good[n:] for letter in "A0-_.=%" for n in places[::each]},
        "twice, or more": {good * 2, good + "A", good + "=", good + ".", good + "\x00", "." + good, "\ufeff" + good},
        "encoded anew": _encoded_anew(payload, signature),
        "of another purpose": {tokens[name] for name in tokens if name != purpose},
        "of mixed halves": {f"{payload}.{other_signature}", f"{other_payload}.{signature}", f"{signature}.{payload}"},
        "of another key": {_made([foreign], purpose, number, key, now) for foreign in FOREIGN},
        "of another person": {_made(keys, purpose, number, other_key, now), _made(keys, purpose, other, key, now)},
    }
    if isinstance(keys, LinkKeys) and purpose != "unsubscribe":
        forged["of a retired key"] = {_made([retired], purpose, number, key, now) for retired in keys.retired}
    if limit := LIFETIMES[purpose]:
        instants = {"expired": now - limit - timedelta(seconds=1), "of the future": now + AHEAD * 1.01}
        for kind, at in instants.items():
            forged[kind] = {make_token(keys, purpose, number, key, now=at)}
        dumps, at = _serializer(tuple(keys), purpose).dumps, int(now.timestamp())
        forged["undated"] = {str(dumps([key, number])), str(dumps([key, number, 5]))}
        # Those of other purposes count for readers of before there were keys (tests/operations/test_old_links.py).
        forged["of the old form"] = {str(dumps([number, 0, at])), str(dumps(["", number, 0, at]))}
    for each_kind in forged.values():
        each_kind.discard(good)
    return forged


def _encoded_anew(payload: str, signature: str) -> set[str]:
    """Return the same bytes in other spellings."""
    good, raw = f"{payload}.{signature}", urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    payloads = (
        f"{payload}=", f"{payload}==", b64encode(raw).decode(), _spelt(json.dumps(json.loads(raw)).encode()),
        _spelt(raw + b" "), _spelt(raw[:-1] + b",0]"), "." + _spelt(compress(raw)), raw.decode(),
    )  # fmt: skip
    signatures = (f"{signature}=", f"{signature}==", b64decode(signature + "==", b"-_").hex())
    wide = {good[:n] + chr(ord(good[n]) + 0xFEE0) + good[n + 1 :] for n in range(len(good))}
    return {
        good.swapcase(), good.lower(), good.upper(), good.replace(".", "%2E"), good.replace(".", ":"), *wide,
        *(f"{other}.{signature}" for other in payloads), *(f"{payload}.{other}" for other in signatures),
    }  # fmt: skip


def _made(keys: Sequence[bytes], purpose: str, number: int, key: str, now: datetime) -> str:
    return make_token(keys, purpose, number, key, now=None if LIFETIMES[purpose] is None else now)


def _spelt(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
