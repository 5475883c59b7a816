"""Test with a real Postfix, STARTTLS and a login: it delivers each accepted letter once, and no other letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from digest.transports.smtp import SmtpTransport
from tests.transports import postfix
from tests.transports.mailserver import handed_over, parcel

pytestmark = pytest.mark.servers


@pytest.fixture
def server() -> Iterator[postfix.Postfix]:
    """Run a Postfix; where none is installed, skip, or fail if DIGEST_REQUIRE_SERVERS=1."""
    if not postfix.available() and postfix.REQUIRED:
        pytest.fail(postfix.MISSING)
    if not postfix.available():
        pytest.skip(postfix.MISSING)
    with postfix.running() as running:
        yield running


def test_letters_are_delivered_as_they_are(server: postfix.Postfix) -> None:
    letters = [parcel(number, size=40_000) for number in range(1, 121)]
    heard, error = handed_over(SmtpTransport(server.settings), letters)
    assert error is None
    assert Counter(outcome.state for outcome in heard) == {"accepted": len(letters)}
    boxes = server.settled()
    for letter in letters:
        (held,) = boxes[f"reader{letter.delivery}"]
        head, _, body = held.replace(b"\n", b"\r\n").partition(b"\r\n\r\n")
        assert body == letter.message.partition(b"\r\n\r\n")[2]
        assert f"Return-Path: <bounce+{letter.delivery}@news.example.com>".encode() in head
    assert len(boxes) == len(letters)
    log = (server.home / "log").read_text()
    assert "improper command pipelining" not in log


def test_each_refusal_is_one_letters_own(server: postfix.Postfix) -> None:
    letters = [
        parcel(1),
        parcel(2, to="nobody@example.org"),
        parcel(3),
        parcel(999),
        parcel(5),
        parcel(6, size=postfix.LARGEST + 1000),
        parcel(7, to="jürgen@example.org"),
        parcel(8),
    ]
    heard, error = handed_over(SmtpTransport(replace(server.settings, connections=1)), letters)
    assert error is None
    reasons = {outcome.delivery: (outcome.state, outcome.reason) for outcome in heard if outcome.state != "accepted"}
    assert reasons[2] == (
        "refused",
        "550 5.1.1 <…>: Recipient address rejected: User unknown in virtual mailbox table",
    )
    assert reasons[999] == (
        "deferred",
        "450 4.2.0 <…>: Recipient address rejected: greylisted, try again in 5 minutes",
    )
    # An objection to a letter refuses no reader: it is owed until it is given up after days.
    assert reasons[6][0] == "deferred" and f"takes {postfix.LARGEST}" in reasons[6][1]
    assert reasons[7][0] == "refused"
    assert server.counted() == Counter([1, 3, 5, 8])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "wrong"}, "does not accept the login: 535 5.7.8"),
        ({"security": "none", "username": None}, "530 5.7.0 Must issue a STARTTLS command first"),
        ({"ca_file": None}, "its certificate is not to be trusted"),
    ],
)
def test_it_takes_nothing_from_whom_it_does_not_know(
    server: postfix.Postfix, changes: dict[str, str | None], words: str
) -> None:
    heard, error = handed_over(SmtpTransport(replace(server.settings, **changes)), [parcel(1), parcel(2)])  # type: ignore[arg-type]
    assert {outcome.state for outcome in heard} == {"deferred"}
    assert words in " ".join([str(error), *(outcome.reason for outcome in heard)])
    assert server.counted() == Counter()


def test_killed_while_it_takes_letters_it_leaves_no_wrong_verdict(server: postfix.Postfix) -> None:
    """Kill it three times amid a run; hand deferred letters over again, as the next run would."""
    owed = {number: parcel(number, size=40_000) for number in range(1, 601)}
    states: dict[int, str] = {}
    for left in (3, 2, 1, 0):
        transport = SmtpTransport(server.settings)
        for heard, outcome in enumerate(transport.hand_over(list(owed.values())), 1):
            assert outcome.delivery in owed
            if outcome.state != "deferred":
                states[outcome.delivery] = outcome.state
                del owed[outcome.delivery]
            if left and heard == 50:
                server.kill_servers()
        transport.close()
    assert not owed
    count = Counter(states.values())
    assert set(count) <= {"accepted", "uncertain"}
    assert count["uncertain"] <= 3 * server.settings.connections
    delivered = server.counted()
    assert set(delivered.values()) == {1}
    assert {number for number, state in states.items() if state == "accepted"} <= set(delivered)
