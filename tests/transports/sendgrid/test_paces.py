"""Test that a wait which SendGrid asks of one process holds for all that share their limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta

import pytest

from digest.errors import DigestError, TryLater
from digest.transports.base import Outcome
from digest.transports.sendgrid.settings import SendGridSettings
from digest.transports.sendgrid.transport import SendGridTransport
from tests.transports.fake_sendgrid import KEY, FakeSendGrid
from tests.transports.paces import FakePaces
from tests.transports.sendgrid_sample import NOW, SHARED, people, states

SENDS = "POST /v3/mail/send"


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    server = FakeSendGrid(now=NOW.timestamp())
    yield server
    server.close()


@pytest.fixture
def paces(fake: FakeSendGrid) -> FakePaces:
    return FakePaces(lambda: fake.now)


def process(fake: FakeSendGrid, paces: FakePaces) -> SendGridTransport:
    settings = SendGridSettings(KEY, fake.url, timeout=60.0, concurrency=1, most=2)
    return SendGridTransport(settings, lambda: NOW + timedelta(seconds=fake.now - NOW.timestamp()), paces)


def hand_over(
    fake: FakeSendGrid, paces: FakePaces, *, error: type[DigestError] | None = None, count: int = 6
) -> list[Outcome]:
    """Hand over to a process of its own; return the outcomes, also those before the error."""
    transport, outcomes = process(fake, paces), list[Outcome]()
    with pytest.raises(error) if error else nullcontext():
        for outcome in transport.hand_over_batches([(SHARED, people(count))]):
            outcomes.append(outcome)
    transport.close()
    return outcomes


def test_what_one_process_is_asked_to_wait_all_wait(fake: FakeSendGrid, paces: FakePaces) -> None:
    fake.faults.append("429")
    assert {(o.state, o.retry_after) for o in hand_over(fake, paces)} == {("deferred", 90.0)}
    fake.now += 60
    others = hand_over(fake, paces)
    assert {(o.state, o.retry_after, o.tried) for o in others} == {("deferred", 30.0, False)}
    assert {o.reason for o in others} == {"not begun: SendGrid has asked to wait"}
    assert len(others) == 6 and fake.asked[SENDS] == 1
    fake.now += 31
    assert set(states(hand_over(fake, paces)).values()) == {"accepted"}


def test_nothing_is_claimed_while_all_wait(fake: FakeSendGrid, paces: FakePaces) -> None:
    transport = process(fake, paces)
    transport.open()
    paces.put_back("sendgrid", 40)
    with pytest.raises(TryLater, match="SendGrid asks to wait for 40 s"):
        transport.open()
    fake.now += 40
    transport.open()
    transport.close()


def test_a_wait_that_comes_in_the_middle_stops_the_next_request(fake: FakeSendGrid, paces: FakePaces) -> None:
    transport = process(fake, paces)
    outcomes = transport.hand_over_batches([(SHARED, people(6))])
    heard = [next(outcomes)]
    paces.put_back("sendgrid", 40)  # of another process
    heard.extend(outcomes)
    transport.close()
    assert sorted(states(heard).values()) == ["accepted"] * 2 + ["deferred"] * 4
    assert fake.asked[SENDS] == 1


def test_without_the_database_no_request_begins(fake: FakeSendGrid, paces: FakePaces) -> None:
    paces.is_away = True
    outcomes = hand_over(fake, paces, error=TryLater)
    assert {(o.state, o.tried) for o in outcomes} == {("deferred", False)} and len(outcomes) == 6
    assert fake.asked[SENDS] == 0


def test_an_answer_is_not_lost_because_the_others_cannot_be_told(fake: FakeSendGrid, paces: FakePaces) -> None:
    class Leaving(FakePaces):
        def put_back(self, name: str, seconds: float) -> None:
            self.is_away = True
            super().put_back(name, seconds)

    fake.faults.append("429")
    outcomes = hand_over(fake, Leaving(lambda: fake.now))
    assert {(o.state, o.retry_after) for o in outcomes} == {("deferred", 90.0)} and len(outcomes) == 6
    assert sorted(o.tried for o in outcomes) == [False] * 4 + [True] * 2


def test_no_batch_id_is_a_wait_too(fake: FakeSendGrid, paces: FakePaces) -> None:
    fake.side_faults.append("429")
    transport = process(fake, paces)
    with pytest.raises(TryLater):
        transport.create_batch()
    transport.close()
    assert paces.wait_of("sendgrid") == 90


def test_other_answers_ask_nobody_to_wait(fake: FakeSendGrid, paces: FakePaces) -> None:
    fake.faults.extend(["503", "401"])
    hand_over(fake, paces)
    hand_over(fake, paces, error=DigestError)
    assert paces.wait_of("sendgrid") == 0
