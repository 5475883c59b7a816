from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.errors import BadToken
from subscribers.tokens import LIFETIMES, Token, _serializer, joint_key, letter_tokens, make_token, read_token
from tests.counts import table

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
KEYS = [b"1" * 32, b"2" * 32]
KEY = "0123456789abcdef"  # of a subscriber
PURPOSES = sorted(LIFETIMES)


def made(purpose: str, keys: list[bytes] = KEYS, edition: int | None = 77) -> str:
    return make_token(keys, purpose, 123_456, KEY, edition=edition, now=NOW if LIFETIMES[purpose] else None)


@table("purpose", PURPOSES)
@table("edition", [None, 77])
def test_what_went_in_comes_out(purpose: str, edition: int | None) -> None:
    made_at = NOW if LIFETIMES[purpose] else None
    assert read_token(KEYS, purpose, made(purpose, edition=edition), now=NOW) == Token(123_456, edition, made_at, KEY)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_token_is_short_safe_in_a_url_and_the_same_each_time(purpose: str) -> None:
    token = made(purpose)
    assert len(token) <= 80
    assert set(token) <= set(string.ascii_letters + string.digits + "-_.")
    assert token == made(purpose)


@pytest.mark.long
@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_change_of_one_byte_is_refused(purpose: str) -> None:
    """Every place, every byte: replaced, inserted or left out. Base64's spare bits make this fail naively."""
    token = made(purpose)
    variants = {token[:i] + token[i + 1 :] for i in range(len(token))}
    for code in range(256):
        letter = chr(code)
        variants |= {token[:i] + letter + token[i + 1 :] for i in range(len(token))}
        variants |= {token[:i] + letter + token[i:] for i in range(len(token) + 1)}
    variants.discard(token)
    assert len(variants) > 15_000
    passed = []
    for variant in variants:
        try:
            read_token(KEYS, purpose, variant, now=NOW)
        except BadToken:
            continue
        passed.append(variant)
    assert passed == []


@table("purpose", PURPOSES)
@table("other", PURPOSES)
def test_a_token_serves_its_own_purpose_only(purpose: str, other: str) -> None:
    if purpose == other:
        assert read_token(KEYS, other, made(purpose), now=NOW).subscriber == 123_456
        return
    with pytest.raises(BadToken):
        read_token(KEYS, other, made(purpose), now=NOW)


@table("key", [KEY, 'odd "key"', "Siân"])
@table("edition", [None, (77, "the edition's")])
def test_the_tokens_of_a_letter_are_those_that_are_made_one_by_one(key: str, edition: tuple[int, str] | None) -> None:
    browse = make_token(
        KEYS, "browse", 5, joint_key(key, edition[1]) if edition else key, edition=edition and edition[0]
    )
    expected = (make_token(KEYS, "unsubscribe", 5, key), make_token(KEYS, "preferences", 5, key), browse)
    assert letter_tokens(KEYS, 5, key, edition) == expected


@pytest.mark.parametrize(("subscriber", "key"), [(0, KEY), (5, "")])
def test_no_letter_has_tokens_without_a_subscriber_or_their_key(subscriber: int, key: str) -> None:
    with pytest.raises(ValueError, match=r"start at 1|needs the subscriber's key"):
        letter_tokens(KEYS, subscriber, key, None)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_old_keys_verify_until_they_are_taken_away(purpose: str) -> None:
    token = made(purpose, [b"1" * 32])
    assert read_token([b"1" * 32, b"2" * 32, b"3" * 32], purpose, token, now=NOW).subscriber == 123_456
    with pytest.raises(BadToken):
        read_token([b"2" * 32, b"3" * 32], purpose, token, now=NOW)


def test_the_newest_key_signs() -> None:
    assert read_token([KEYS[-1]], "unsubscribe", made("unsubscribe")).subscriber == 123_456


def test_unsubscribe_works_after_years_and_confirm_for_two_days() -> None:
    later = NOW + timedelta(days=5 * 365)
    dated = make_token(KEYS, "unsubscribe", 5, KEY, now=NOW)
    assert read_token(KEYS, "unsubscribe", dated, now=later).subscriber == 5
    token = made("confirm")
    assert read_token(KEYS, "confirm", token, now=NOW + timedelta(hours=48)).subscriber == 123_456
    with pytest.raises(BadToken, match="too old"):
        read_token(KEYS, "confirm", token, now=NOW + timedelta(hours=48, seconds=1))
    with pytest.raises(BadToken, match="too old"):
        read_token(KEYS, "confirm", token, timedelta(minutes=15), now=NOW + timedelta(minutes=16))


def test_an_undated_token_has_no_age_to_ask_for() -> None:
    with pytest.raises(BadToken, match="too old"):
        read_token(KEYS, "preferences", made("preferences"), timedelta(days=1), now=NOW)


@table(
    "token", ["", ".", "..", "a", "a.b", "é.b", "\ud800", "a\x00.b", "." * 300, "x" * 1_000_000, "=.=", "WzFd.Ag=="]
)
def test_junk_is_refused(token: str) -> None:
    for purpose in PURPOSES:
        with pytest.raises(BadToken):
            read_token(KEYS, purpose, token, now=NOW)


def test_a_program_mistake_is_said_as_one() -> None:
    with pytest.raises(ValueError, match="unknown purpose"):
        make_token(KEYS, "login", 1, KEY)
    with pytest.raises(ValueError, match="unknown purpose"):
        read_token(KEYS, "login", "a.b")
    with pytest.raises(ValueError, match="needs `now`"):
        make_token(KEYS, "confirm", 1, KEY)
    with pytest.raises(ValueError, match="needs `now`"):
        read_token(KEYS, "confirm", made("confirm"))
    with pytest.raises(ValueError, match="no secret key"):
        make_token([], "browse", 1, KEY)
    with pytest.raises(ValueError, match="no secret key"):
        make_token([b""], "browse", 1, KEY)
    with pytest.raises(ValueError, match="start at 1"):
        make_token(KEYS, "browse", 0, KEY)
    with pytest.raises(ValueError, match="needs the subscriber's key"):
        make_token(KEYS, "browse", 1, "")


@pytest.mark.parametrize("numbers", [[5], [5, 7], [5, 0, 1_700_000_000]])
def test_a_token_of_the_old_form_is_read_without_a_key(numbers: list[int]) -> None:
    token = read_token(KEYS, "unsubscribe", str(_serializer(tuple(KEYS), "unsubscribe").dumps(numbers)))
    assert (token.subscriber, token.edition or 0, token.key) == (*[*numbers, 0][:2], "")


@table("payload", [[], [KEY], [KEY, KEY], [5, KEY], {"a": 1}, 5, KEY, [None, 5], [KEY, 5.0], [KEY, True]])
def test_another_payload_is_refused_though_it_is_signed(payload: object) -> None:
    with pytest.raises(BadToken):
        read_token(KEYS, "unsubscribe", str(_serializer(tuple(KEYS), "unsubscribe").dumps(payload)))


@settings(max_examples=60)
@given(
    st.sampled_from(PURPOSES),
    st.integers(1, 2**63 - 1),
    st.none() | st.integers(1, 2**63 - 1),
    st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
)
def test_any_ids_round_trip(purpose: str, subscriber: int, edition: int | None, now: datetime) -> None:
    token = make_token(KEYS, purpose, subscriber, KEY, edition=edition, now=now)
    made_at = now.replace(microsecond=0)
    assert read_token(KEYS, purpose, token, now=now) == Token(subscriber, edition, made_at, KEY)


def test_a_token_is_byte_for_byte_what_itsdangerous_makes() -> None:
    wrong = []
    for number in range(1, 200):
        key, edition = joint_key(str(number)), number % 3 or None
        for purpose in ("unsubscribe", "preferences", "browse"):
            payload = [key, number * 7919] + ([edition] if edition else [])
            token = make_token(KEYS, purpose, number * 7919, key, edition=edition)
            if token != _serializer(tuple(KEYS), purpose).dumps(payload):
                wrong.append((purpose, payload))
    assert not wrong
