"""A forged token is refused, whatever the kind; a link by which to leave works for ever (figure 30)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from subscribers.errors import BadToken
from subscribers.keyring import LinkKeys
from subscribers.link_keys import add_link_key, load_link_keys
from subscribers.tokens import LIFETIMES, Token, make_token, read_token
from tests.counts import table
from tests.forged import PERSONS, forged_tokens, good_tokens

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)
SECRET = b"s" * 32
KEYS = LinkKeys([b"1" * 32, b"2" * 32], [SECRET, b"0" * 32])


def opened(keys: Sequence[bytes], purpose: str, tokens: set[str], now: datetime = NOW) -> list[str]:
    """Return those of the tokens that are accepted."""
    accepted = []
    for token in tokens:
        try:
            read_token(keys, purpose, token, now=now)
        except BadToken:
            continue
        accepted.append(token)
    return accepted


@pytest.mark.parametrize("purpose", LIFETIMES)
def test_no_forged_token_is_accepted(purpose: str) -> None:
    forged = forged_tokens(KEYS, purpose, NOW)
    # Pages refuse it by the stored key (tests/web/test_forged_tokens.py).
    assert len(opened(KEYS, purpose, forged.pop("of another person"))) == 2
    assert {kind: passed for kind, tokens in forged.items() if (passed := opened(KEYS, purpose, tokens))} == {}
    assert len(forged["changed"]) > 1_000 and all(forged.values())
    assert opened(KEYS, purpose, {good_tokens(KEYS, NOW)[purpose]}), "the good one is refused too"


def test_every_purpose_is_forged_from_every_other() -> None:
    pairs = [(a, b) for a in LIFETIMES for b in LIFETIMES if a != b]
    tokens = good_tokens(KEYS, NOW)
    assert len(pairs) >= 20
    assert [pair for pair in pairs if opened(KEYS, pair[1], {tokens[pair[0]]})] == []


@table("hours, good", [(0, True), (48, True), (48.001, False), (-0.08, True), (-0.09, False), (-24, False)])
def test_a_link_to_confirm_works_for_two_days_and_not_before_it_was_made(hours: float, good: bool) -> None:
    token = good_tokens(KEYS, NOW)["confirm"]
    assert bool(opened(KEYS, "confirm", {token}, NOW + timedelta(hours=hours))) is good


def test_an_invitation_works_for_sixty_days() -> None:
    token = good_tokens(KEYS, NOW)["story"]
    assert opened(KEYS, "story", {token}, NOW + timedelta(days=60))
    assert not opened(KEYS, "story", {token}, NOW + timedelta(days=60, seconds=1))


@pytest.mark.parametrize("retire_older", [False, True])
def test_a_reader_can_leave_by_any_letter_after_two_changes_of_keys_and_five_years(
    tmp_path: Path, retire_older: bool
) -> None:
    path, keys, sent = tmp_path / "secret.links", LinkKeys([SECRET]), []
    for _ in range(3):
        sent.append({purpose: make_token(keys, purpose, 1, PERSONS[1], now=NOW) for purpose in LIFETIMES})
        keys = add_link_key(path, keys, SECRET, retire_older=retire_older)
    keys, later = load_link_keys(path, SECRET), NOW + timedelta(days=5 * 365)
    for tokens in sent:
        left = read_token(keys, "unsubscribe", tokens["unsubscribe"], now=later)
        assert left == Token(1, None, NOW, PERSONS[1], retired=retire_older)
        assert not opened(keys, "confirm", {tokens["confirm"]}, later)
        for purpose in ("preferences", "browse"):
            assert bool(opened(keys, purpose, {tokens[purpose]}, later)) is not retire_older
        assert bool(opened(keys, "confirm", {tokens["confirm"]})) is not retire_older
    assert opened(keys, "browse", {good_tokens(keys, NOW)["browse"]})


def test_keys_tell_nothing_of_themselves() -> None:
    assert f"{KEYS!r} {KEYS}" == "LinkKeys(2 in use, 2 retired) LinkKeys(2 in use, 2 retired)"
