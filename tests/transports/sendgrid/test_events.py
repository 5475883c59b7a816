"""Test SendGrid's webhook: every form of body seen or possible, and signatures of every wrong kind."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.ledger.events import KINDS
from digest.transports.sendgrid.events import load_webhook_key, parse_events, verify_signature
from digest.transports.tag import read_tag
from digest.transports.webhook import BadBody, Parsed
from tests.counts import few_and_many, table
from tests.transports.webhook import NOW, SECRET, Signer, body_of, made_up_keys, told

read = partial(read_tag, SECRET, made_up_keys)
SIGNER = Signer()


def parsed(*events: Any) -> Parsed:
    return parse_events(body_of(*events), read, NOW)


@table(
    "name, more, kind",
    [
        ("processed", {}, "processed"),
        ("deferred", {"response": "451 4.2.0 later", "attempt": "2"}, "deferred"),
        ("delivered", {"response": "250 OK"}, "delivered"),
        ("bounce", {"type": "bounce", "status": "5.1.1"}, "bounced"),
        ("bounce", {}, "bounced"),
        ("bounce", {"type": "blocked"}, "blocked"),
        ("dropped", {"reason": "Bounced Address"}, "dropped"),
        ("spamreport", {}, "complained"),
        ("unsubscribe", {}, "unsubscribed"),
        ("group_unsubscribe", {"asm_group_id": 5}, "unsubscribed"),
    ],
)
def test_every_kind(name: str, more: dict[str, Any], kind: str) -> None:
    (event,) = parsed(told(name, 7, "e1", **more)).events
    assert (event.kind, event.delivery, event.id, event.provider, event.message) == (
        kind,
        7,
        "e1",
        "sendgrid",
        "m7.recv",
    )
    assert event.at == NOW and event.address == "reader@example.org"


def test_a_mixed_body_with_junk_in_it() -> None:
    result = parsed(
        told("delivered", 1, "a", category="weekly"),
        told("open", 1, "b", category=["weekly", "x"]),
        told("delivered", 2, "c", category=["weekly", "x"]),
        told("group_resubscribe", 2, "d"),
        None, 5, "text", [told("delivered", 3, "e")], {}, {"event": 5}, {"event": ["delivered"]},
        told("account_status_change", None, "f"),
        told("click", 1, "g", url="https://example.org"),
        told("open", 1, "h"),
    )  # fmt: skip
    assert [(event.id, event.delivery) for event in result.events] == [("a", 1), ("c", 2)]
    assert result.ignored == {"open": 2, "click": 1, "group_resubscribe": 1, "account_status_change": 1, "": 7}


def test_a_delayed_bounce_has_no_message_id_and_perhaps_no_status() -> None:
    (event,) = parsed(
        told("bounce", 7, "e", sg_message_id=None, reason="550 5.1.1 <reader@example.org> unknown")
    ).events
    assert (event.delivery, event.message, event.status, event.reason) == (7, "", "5.1.1", "550 5.1.1 <…> unknown")
    (event,) = parsed(told("bounce", 7, "e", sg_message_id=None, status="")).events
    assert (event.delivery, event.status) == (7, None)


def test_the_classification_is_kept_with_the_reason() -> None:
    (event,) = parsed(told("bounce", 7, "e", bounce_classification="Reputation", reason="550 no")).events
    assert event.reason == "Reputation: 550 no"
    (event,) = parsed(told("bounce", 7, "e", bounce_classification="Unclassified", reason="550 no")).events
    assert event.reason == "550 no"


@table("mid", [None, "", "7", 7, "7-" + "0" * 20, ["7"], {"7": 7}, "\ud800"])
def test_a_mid_that_is_not_ours_names_no_delivery(mid: Any) -> None:
    (event,) = parsed(told("delivered", None, "e", mid=mid)).events
    assert event.delivery is None


@table("timestamp", [None, "x", -1, 0, 1e300, 10**30, True, [], "1" * 40, int(NOW.timestamp()) + 9_999_999])
def test_an_impossible_instant_is_now(timestamp: Any) -> None:
    (event,) = parsed(told("delivered", 1, "e") | {"timestamp": timestamp}).events
    assert event.at == NOW


@pytest.mark.parametrize("timestamp", [1760000000, "1760000000", 1760000000.7])
def test_an_instant_in_any_form(timestamp: Any) -> None:
    (event,) = parsed(told("delivered", 1, "e") | {"timestamp": timestamp}).events
    assert event.at == datetime.fromtimestamp(1760000000, UTC)


@table("given", [None, "", "x" * 101, "with space", "nul\x00", "\ud800", 5, ["e"]])
def test_without_a_usable_id_repeats_still_share_one(given: Any) -> None:
    first, again, other = parsed(
        told("delivered", 1, "") | {"sg_event_id": given},
        told("delivered", 1, "") | {"sg_event_id": given},
        told("deferred", 2, "") | {"sg_event_id": f"{given}2"},
    ).events
    assert first.id == again.id != other.id
    assert len(first.id) <= 100 and first.id.isascii() and first.id.isprintable()


@table(
    "body",
    [
        b"", b"null", b"{}", b'"x"', b"5", b"[", b"[{}", b"\xff\xfe[", b"[NaN]", b'[{"timestamp": Infinity}]',
        b'[{"event": "delivered", "event": "bounce"}]', b"[" * 200_000, b"[" + b"9" * 10_000 + b"]",
        b"[" + b"0," * 50_001 + b"0]", json.dumps({"events": []}).encode(),
    ],
)  # fmt: skip
def test_what_is_no_array_of_events_is_refused_whole(body: bytes) -> None:
    with pytest.raises(BadBody):
        parse_events(body, read, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("sg_event_id", "email", "timestamp", "mid", "status", "reason", "type", "category", "sg_message_id")


@few_and_many(8, 100)
def test_whatever_the_fields_hold_an_event_comes_out(count: int) -> None:
    kinds = {"event": st.sampled_from(["bounce", "dropped"])}
    events = st.lists(st.fixed_dictionaries(kinds | dict.fromkeys(FIELDS, JSON)))
    settings(max_examples=count, deadline=None)(given(events)(check_fields))()


def check_fields(events: list[dict[str, Any]]) -> None:
    result = parsed(*events).events
    assert len(result) == len(events)
    for event in result:
        assert event.kind in KINDS and 0 < len(event.id) <= 100 and event.at <= NOW and event.delivery is None
        event.reason.encode()
        assert "\x00" not in event.reason + event.message


def test_no_address_shows_in_a_log_line() -> None:
    (event,) = parsed(told("bounce", 1, "e", reason="reader@example.org is unknown, reader is")).events
    assert "reader@" not in repr(event) and "reader is" not in repr(event)


# --- signatures -----------------------------------------------------------------------------------------------

BODY = body_of(told("delivered", 1, "e"))
STAMP = str(int(NOW.timestamp()))
GOOD = SIGNER.sign(BODY, STAMP)


def test_a_true_signature_with_one_of_several_keys() -> None:
    other = Signer()
    for keys in ([SIGNER.public], [other.public, SIGNER.public], ["junk", "", SIGNER.public]):
        assert verify_signature(keys, GOOD, STAMP, BODY, NOW) is True
    assert verify_signature([other.public], GOOD, STAMP, BODY, NOW) is False
    assert verify_signature([], GOOD, STAMP, BODY, NOW) is False


def test_every_changed_byte_is_noticed() -> None:
    wrong = 0
    for n in range(len(BODY)):
        wrong += verify_signature([SIGNER.public], GOOD, STAMP, BODY[:n] + bytes([BODY[n] ^ 1]) + BODY[n + 1 :], NOW)
    for n in range(len(GOOD)):
        for letter in "A9/=+ \n":
            changed = GOOD[:n] + letter + GOOD[n + 1 :]
            wrong += changed != GOOD and verify_signature([SIGNER.public], changed, STAMP, BODY, NOW)
    for text in (BODY.rstrip(), BODY + b" ", b"", json.dumps(json.loads(BODY), indent=1).encode()):
        wrong += verify_signature([SIGNER.public], GOOD, STAMP, text, NOW)
    assert wrong == 0


@table("signature", [None, "", "A", "====", "ä", "\x00", "A" * 100_000, GOOD + "=", " " + GOOD])
def test_a_signature_that_is_none(signature: str | None) -> None:
    assert verify_signature([SIGNER.public], signature, STAMP, BODY, NOW) is False


@table("stamp", [None, "", "x", "-1", "1e9", "١٢٣", STAMP + "0", STAMP[:-1], "9" * 5000, f" {STAMP}", f"{STAMP}.0"])
def test_a_timestamp_that_is_none(stamp: str | None) -> None:
    signed = SIGNER.sign(BODY, stamp or "")
    assert verify_signature([SIGNER.public], signed, stamp, BODY, NOW) is False


@table(
    "age, good",
    [
        (timedelta(0), True),
        (timedelta(hours=24, minutes=59), True),  # a retry of the last hour
        (timedelta(hours=25, seconds=1), False),
        (timedelta(minutes=-9), True),  # their clock is ahead of ours
        (timedelta(minutes=-11), False),
    ],
)
def test_the_window(age: timedelta, good: bool) -> None:
    assert verify_signature([SIGNER.public], GOOD, STAMP, BODY, NOW + age) is good
    assert verify_signature([SIGNER.public], GOOD, STAMP, BODY, NOW + timedelta(hours=26), timedelta(hours=30))


@pytest.mark.long
def test_keys_of_other_kinds_are_no_keys() -> None:
    p384 = Signer(ec.SECP384R1())
    numbers = rsa.generate_private_key(65537, 2048).public_key()
    rsa_key = base64.b64encode(numbers.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    assert verify_signature([p384.public], p384.sign(BODY, STAMP), STAMP, BODY, NOW) is False
    for key in (p384.public, rsa_key, "", "junk", SIGNER.public[:-4], "ä"):
        assert verify_signature([key], GOOD, STAMP, BODY, NOW) is False
        with pytest.raises(ValueError, match="copy the verification key"):
            load_webhook_key(key)
    load_webhook_key(SIGNER.public)
