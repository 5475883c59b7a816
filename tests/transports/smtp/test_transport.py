"""Test the SMTP transport: one round trip for each letter, each refusal for its own letter, and when to stop."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

import pytest

from digest.errors import WrongUse
from digest.letter.blocks import Assembled
from digest.transports.base import BATCH, Asked, Outcome, Parcel
from digest.transports.smtp import SmtpSettings, SmtpTransport
from digest.transports.smtp.pace import OwnPace
from tests.counts import table
from tests.transports.mailserver import (
    EXTENSIONS,
    PATIENCE,
    Act,
    Papers,
    Queued,
    Script,
    Talk,
    handed_over,
    parcel,
    says,
    serving,
    settings,
)

STEP_BY_STEP = tuple(extension for extension in EXTENSIONS if extension != "PIPELINING")


def states(heard: list[Outcome]) -> dict[int, str]:
    assert len({outcome.delivery for outcome in heard}) == len(heard)
    return {outcome.delivery: outcome.state for outcome in heard}


def all_of(state: str, parcels: list[Parcel]) -> dict[int, str]:
    return {letter.delivery: state for letter in parcels}


def readers(queued: list[Queued]) -> Counter[str]:
    return Counter(message.to for message in queued)


def test_one_round_trip_a_letter() -> None:
    """The server answers only where a client must wait, so that a client that waited more often would hang."""
    letters = [parcel(number, size=5000) for number in range(1, 51)]
    with serving(lockstep=len(letters)) as server:
        heard, _ = handed_over(SmtpTransport(settings(server)), letters)
    assert states(heard) == all_of("accepted", letters)
    # Also the greeting, EHLO and QUIT, and the first envelope, which cannot be sent with the letter before it.
    assert server.flushes - 3 == len(letters) + 1


@pytest.mark.parametrize("extensions", [EXTENSIONS, STEP_BY_STEP, ()], ids=["pipelined", "step by step", "plain"])
def test_letters_arrive_as_they_are(extensions: tuple[str, ...]) -> None:
    dots = b"Subject: dots\r\n\r\n.\r\n..\r\n.dot\r\nMAIL FROM:<x@y.example>\r\n"
    letters = [
        parcel(1, size=200_000),
        Parcel(2, "f", "reader2@example.org", [dots], Assembled("s", [], []), tag="2"),
        parcel(3),
    ]
    with serving(extensions=extensions) as server:
        chosen = settings(server, return_path="bounce+{tag}@news.example.org")
        heard, _ = handed_over(SmtpTransport(chosen), letters)
    assert states(heard) == all_of("accepted", letters)
    assert server.queued == [
        Queued(f"bounce+{letter.delivery}@news.example.org", letter.to, letter.message) for letter in letters
    ]


def test_the_envelope_sender_is_what_was_asked_for() -> None:
    with serving() as server:
        handed_over(SmtpTransport(settings(server)), [parcel(1)])
        handed_over(SmtpTransport(settings(server, return_path="b-{tag}@news.example.org")), [parcel(2)])
    assert [message.sender for message in server.queued] == ["digest@example.org", "b-2@news.example.org"]


@pytest.mark.parametrize("wrong", ["", "bounce+{tag}", "a b@example.org"])
def test_no_envelope_sender_is_wrong_use(wrong: str) -> None:
    with pytest.raises(WrongUse, match="return_path"):
        SmtpTransport(SmtpSettings("mx.example", return_path=wrong))


def test_several_connections_share_the_work_and_no_more_are_opened() -> None:
    together = threading.Barrier(4)

    def all_four(talk: Talk) -> None:
        together.wait(PATIENCE)
        talk.queue()
        talk.reply("250 2.0.0 Ok")

    letters = [parcel(number) for number in range(1, 41)]
    with serving({("dot", n): all_four for n in (1, 2, 3, 4)}) as server:
        heard, _ = handed_over(SmtpTransport(settings(server, connections=4)), letters)
    assert states(heard) == all_of("accepted", letters)
    assert readers(server.queued) == Counter(letter.to for letter in letters)
    assert server.connections == 4


def test_a_connection_serves_many_calls_and_is_left_politely() -> None:
    with serving() as server:
        transport = SmtpTransport(settings(server))
        transport.open()
        for number in range(1, 6):
            assert states(list(transport.hand_over([parcel(number)]))) == {number: "accepted"}
        transport.close()
        transport.close()
    assert server.connections == 1
    assert server.commands[-1] == "QUIT"


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("goodbye", [b"", b"421 4.4.2 idle for too long\r\n"])
def test_a_connection_closed_while_idle_costs_nobody_anything(
    goodbye: bytes, encrypted: bool, papers: Papers
) -> None:
    gone = threading.Event()

    def idle(talk: Talk) -> None:
        talk.queue()
        talk.reply("250 2.0.0 Ok")
        talk.raw(goodbye)
        talk.sock.close()
        gone.set()
        talk.close()

    with serving({("dot", 1): idle}, tls=papers.server(), implicit=encrypted) as server:
        security = "tls" if encrypted else "none"
        transport = SmtpTransport(settings(server, security=security, ca_file=str(papers.certificate)))
        assert states(list(transport.hand_over([parcel(1)]))) == {1: "accepted"}
        assert gone.wait(PATIENCE)
        assert states(list(transport.hand_over([parcel(2), parcel(3)]))) == {2: "accepted", 3: "accepted"}
        transport.close()
    assert server.connections == 2


@pytest.mark.parametrize("goodbye", [b"", b"421 4.4.2 idle for too long\r\n"])
def test_a_connection_opened_early_and_closed_since_is_made_anew(goodbye: bytes) -> None:
    gone = threading.Event()

    def idle(talk: Talk) -> None:
        talk.reply("250 mx.example")
        talk.raw(goodbye)
        talk.sock.close()
        gone.set()
        talk.close()

    with serving({("ehlo", 1): idle}) as server:
        transport = SmtpTransport(settings(server))
        transport.open()
        assert gone.wait(PATIENCE)
        assert states(list(transport.hand_over([parcel(1), parcel(2)]))) == {1: "accepted", 2: "accepted"}
        transport.close()


@table("extensions", [EXTENSIONS, STEP_BY_STEP])
@table(
    "script, due",
    [
        (
            {("rcpt", 2): says("550 5.1.1 <reader2@example.org>: no reader2")},
            ("refused", "550 5.1.1 <…>: no …", None),
        ),
        ({("rcpt", 2): says("450 4.2.0 greylisted, 300 s")}, ("deferred", "450 4.2.0 greylisted, 300 s", 600)),
        ({("data", 2): says("451 4.3.0 later")}, ("deferred", "451 4.3.0 later", 600)),
        ({("data", 2): says("554 5.7.1 policy")}, ("deferred", "554 5.7.1 policy", None)),
        ({("dot", 2): says("552 5.2.2 full")}, ("deferred", "552 5.2.2 full", None)),
        ({("dot", 2): says("452 4.2.2 full")}, ("deferred", "452 4.2.2 full", 1800)),
        ({("mail", 2): says("451 4.3.0 not now")}, ("deferred", "451 4.3.0 not now", 600)),
        ({("mail", 2): says("552 5.3.4 too big")}, ("deferred", "552 5.3.4 too big", None)),
    ],
)
def test_a_refusal_is_one_letters_own(
    script: Script, due: tuple[str, str, float | None], extensions: tuple[str, ...]
) -> None:
    """Nor does the open transaction of a refused letter spoil the next letter; the server refuses a nested MAIL."""
    letters = [parcel(number) for number in range(1, 5)]
    with serving(script, extensions=extensions) as server:
        heard, error = handed_over(SmtpTransport(settings(server)), letters)
    assert error is None
    assert states(heard) == all_of("accepted", letters) | {2: due[0]}
    assert (
        next((outcome.state, outcome.reason, outcome.retry_after) for outcome in heard if outcome.delivery == 2)
        == due
    )
    assert [message.to for message in server.queued] == [letter.to for letter in letters if letter.delivery != 2]
    assert server.connections == 1


def test_a_server_that_asks_for_a_letter_to_nobody_gets_none() -> None:
    """RFC 2920 §3.1: after a refused recipient and an accepted DATA send a lone dot, then the next letter."""
    letters = [parcel(number) for number in (1, 2, 3)]
    script = {("rcpt", 2): says("550 5.1.1 unknown"), ("data", 2): says("354 go on")}
    with serving(script) as server:
        heard, _ = handed_over(SmtpTransport(settings(server)), letters)
    assert states(heard) == {1: "accepted", 2: "refused", 3: "accepted"}
    assert [(message.to, len(message.body) > 2) for message in server.queued] == [
        ("reader1@example.org", True), ("", False), ("reader3@example.org", True),
    ]  # fmt: skip


def test_a_letter_from_nobody_is_not_ended_with_a_dot() -> None:
    letters = [parcel(number) for number in (1, 2, 3)]
    script = {("mail", 2): says("451 4.3.0 no"), ("rcpt", 2): says("250 2.1.5 Ok"), ("data", 2): says("354 go on")}
    with serving(script) as server:
        heard, _ = handed_over(SmtpTransport(settings(server)), letters)
    assert states(heard) == {1: "accepted", 2: "deferred", 3: "accepted"}
    assert [message.to for message in server.queued] == ["reader1@example.org", "reader3@example.org"]
    assert server.connections == 2


@pytest.mark.parametrize("goodbye", [says("421 4.7.0 enough letters"), Talk.reset], ids=["421", "reset"])
def test_a_server_that_takes_so_many_letters_a_connection_gets_them_all(goodbye: Act) -> None:
    letters = [parcel(number) for number in range(1, 10)]
    script = {("mail", 4): goodbye, ("mail", 8): goodbye}
    with serving(script) as server:
        heard, error = handed_over(SmtpTransport(settings(server)), letters)
    assert error is None
    assert states(heard) == all_of("accepted", letters)
    assert readers(server.queued) == Counter(letter.to for letter in letters)
    assert server.connections == 3


def test_a_letter_the_server_always_hangs_up_on_is_tried_twice() -> None:
    letters = [parcel(number) for number in range(1, 10)]
    met: list[str] = []

    def rcpt(talk: Talk) -> None:
        # Tell the letters apart by the envelope sender, because the recipient is not read yet.
        met.append(talk.sender)
        if talk.sender == "b2@example.org":
            talk.reply("421 4.7.0 not this one")
            talk.close()
        talk.to = talk.sender
        talk.reply("250 2.1.5 Ok")

    with serving({"rcpt": rcpt}) as server:
        chosen = settings(server, return_path="b{tag}@example.org")
        heard, error = handed_over(SmtpTransport(chosen), letters)
    assert error is None
    assert states(heard) == all_of("accepted", letters) | {2: "deferred"}
    assert {outcome.tried for outcome in heard} == {True}
    assert met.count("b2@example.org") == 2


def test_a_letter_lost_amid_its_body_waits_for_another_run() -> None:
    letters = [parcel(1), parcel(2, size=6_000_000), parcel(3)]
    with serving({("body", 2): Talk.reset}) as server:
        heard, error = handed_over(SmtpTransport(settings(server)), letters)
    assert error is None
    assert states(heard) == {1: "accepted", 2: "deferred", 3: "accepted"}
    assert [message.to for message in server.queued] == ["reader1@example.org", "reader3@example.org"]


def test_a_server_that_allows_fewer_connections_is_served_on_those() -> None:
    letters = [parcel(number) for number in range(1, 30)]
    busy = says("421 4.7.0 too many connections from you")
    with serving({("connect", n): busy for n in (2, 3, 4)}) as server:
        heard, error = handed_over(SmtpTransport(settings(server, connections=4)), letters)
    assert error is None
    assert states(heard) == all_of("accepted", letters)


def test_a_server_that_goes_away_leaves_nobody_in_doubt_and_is_said() -> None:
    letters = [parcel(number) for number in range(1, 10)]
    with serving({("mail", 4): Talk.reset, ("connect", 2): Talk.reset, ("connect", 3): Talk.reset}) as server:
        heard, error = handed_over(SmtpTransport(settings(server)), letters)
    assert Counter(states(heard).values()) == {"accepted": 3, "deferred": 6}
    assert error is not None and error.exit_code == 75
    assert len(server.queued) == 3


def test_after_a_letter_in_doubt_no_connection_begins_another() -> None:
    """The other connection has a letter under way and an envelope ahead: it ends the one and drops the other."""
    doubt_is_known = threading.Event()
    both = threading.Barrier(2)

    def lose(talk: Talk) -> None:
        both.wait(PATIENCE)
        talk.reset()

    def keep(talk: Talk) -> None:
        both.wait(PATIENCE)
        doubt_is_known.wait(PATIENCE)
        talk.queue()
        talk.reply("250 2.0.0 Ok")

    letters = [parcel(number) for number in range(1, 21)]
    with serving({("dot", 1): lose, ("dot", 2): keep}) as server:
        transport = SmtpTransport(settings(server, connections=2))
        heard = []
        for outcome in transport.hand_over(letters):
            heard.append(outcome)
            if outcome.state == "uncertain":
                doubt_is_known.set()
        transport.close()
    assert Counter(states(heard).values()) == {"uncertain": 1, "accepted": 1, "deferred": 18}
    assert {outcome.tried for outcome in heard if outcome.state == "deferred"} == {False}
    assert len(server.queued) == 1


@pytest.mark.parametrize(
    ("point", "words"),
    [("mail", "550 5.7.1 not allowed to send as that"), ("rcpt", "530 5.7.0 Authentication required")],
)
def test_a_server_that_does_not_take_letters_from_us_strikes_nobody_off(point: str, words: str) -> None:
    letters = [parcel(number) for number in range(1, 10)]
    with serving({point: says(words)}) as server:
        heard, error = handed_over(SmtpTransport(settings(server)), letters)
    assert error is None and len(heard) == len(letters)
    assert {(outcome.state, outcome.about, outcome.reason) for outcome in heard} == {("deferred", "account", words)}


def test_what_this_server_can_never_take_is_refused_without_asking_it() -> None:
    letters = [parcel(1), parcel(2, to="jürgen@example.org"), parcel(3, size=5000), parcel(4, to="nobody")]
    letters += [parcel(number, size=5000) for number in range(10, 40)] + [parcel(5, to="jane@bücher.example")]
    with serving(extensions=("PIPELINING", "SIZE 4000", "8BITMIME")) as server:
        heard, error = handed_over(SmtpTransport(settings(server)), letters)
    assert error is None
    assert {outcome.delivery for outcome in heard if outcome.state == "accepted"} == {1, 5}
    too_large = {outcome.delivery for outcome in heard if (outcome.state, outcome.about) == ("deferred", "letter")}
    assert too_large == {3, *range(10, 40)}
    assert {outcome.delivery for outcome in heard if (outcome.state, outcome.about) == ("refused", "reader")} == {
        2,
        4,
    }
    assert [message.to for message in server.queued] == ["reader1@example.org", "jane@xn--bcher-kva.example"]
    reasons = {outcome.delivery: outcome.reason for outcome in heard}
    assert "SMTPUTF8" in reasons[2] and "takes 4000" in reasons[3] and "not one that can be mailed" in reasons[4]


class FakeTime:
    """Keep a clock that only `sleep` moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.now += seconds


def test_the_rate_is_kept_over_all_connections() -> None:
    time = FakeTime()
    began: list[float] = []

    def mail(talk: Talk) -> None:
        began.append(time.now)
        talk.sender = "x"
        talk.reply("250 2.1.0 Ok")

    letters = [parcel(number) for number in range(1, 22)]
    with serving({"mail": mail}) as server:
        chosen = settings(server, connections=3, rate=4)
        transport = SmtpTransport(chosen, clock=lambda: time.now, sleep=time.sleep)
        assert states(list(transport.hand_over(letters))) == all_of("accepted", letters)
        transport.close()
    assert len(began) == len(letters)
    # 21 letters at four a second: twenty gaps of a quarter.
    assert time.now - 100.0 >= 5.0


def test_a_slow_rate_makes_batches_that_last_minutes_and_not_a_quarter_of_an_hour() -> None:
    with serving() as server:
        for rate, size in ((None, BATCH), (0.001, 1), (1, 200), (4, 800), (50, BATCH)):
            assert SmtpTransport(settings(server, rate=rate)).capabilities.batch_size == size


def test_a_slot_not_used_is_not_saved_up() -> None:
    time = FakeTime()
    pace = OwnPace(2, lambda: time.now, time.sleep)
    assert pace.ready() and not pace.ready()
    time.sleep(10)
    assert pace.ready() and not pace.ready()
    assert not pace.wait(lambda: True)
    assert pace.wait(lambda: False) and time.now == 110.5


def test_told_to_stop_it_ends_what_is_under_way_and_begins_nothing() -> None:
    letters = [parcel(number) for number in range(1, 200)]
    with serving() as server:
        transport = SmtpTransport(settings(server, connections=2))
        heard = []
        for outcome in transport.hand_over(letters):
            heard.append(outcome)
            transport.stop()
        again = list(transport.hand_over([parcel(500)]))
        transport.close()
    count = Counter(states(heard).values())
    assert set(count) == {"accepted", "deferred"}
    assert count["accepted"] == len(server.queued)
    assert {outcome.tried for outcome in heard if outcome.state == "deferred"} == {False}
    assert again == [Outcome(500, "deferred", "not begun: told to stop", 60.0, tried=False)]


def test_a_caller_that_stops_listening_can_ask() -> None:
    letters = [parcel(number) for number in range(1, 100)]
    with serving() as server:
        transport = SmtpTransport(settings(server, connections=3))
        outcomes = transport.hand_over(letters)
        heard = [next(outcomes), next(outcomes)]
        outcomes.close()  # type: ignore[attr-defined]
        answers = transport.ask([Asked(letter.delivery, letter.folder) for letter in letters])
        transport.close()
    assert set(answers) | {outcome.delivery for outcome in heard} == {letter.delivery for letter in letters}
    taken = {number for number, state in answers.items() if state == "accepted"} | {
        outcome.delivery for outcome in heard
    }
    assert {f"reader{number}@example.org" for number in taken} == {message.to for message in server.queued}


def test_an_address_for_bounces_that_cannot_be_mailed_is_no_readers_fault() -> None:
    with serving() as server:
        letters = [replace(parcel(number), tag="b" * 70) for number in (1, 2)]
        heard, _ = handed_over(SmtpTransport(settings(server, return_path="b{tag}@example.org")), letters)
    assert {(outcome.state, outcome.about) for outcome in heard} == {("deferred", "account")}
    assert "correct transport.bounces" in heard[0].reason


def test_a_mistake_of_ours_is_raised_and_takes_no_letter_with_it() -> None:
    letters = [parcel(number) for number in range(1, 10)]
    letters[2] = replace(letters[2], tag=None)  # type: ignore[arg-type]
    with serving() as server:
        transport = SmtpTransport(settings(server, return_path="b{tag}@example.org"))
        heard = []
        with pytest.raises(TypeError):
            for outcome in transport.hand_over(letters):
                heard.append(outcome)
        transport.close()
    assert set(states(heard)) == {letter.delivery for letter in letters}
    accepted = {f"reader{outcome.delivery}@example.org" for outcome in heard if outcome.state == "accepted"}
    assert accepted <= {message.to for message in server.queued}
    doubtful = {f"reader{outcome.delivery}@example.org" for outcome in heard if outcome.state == "uncertain"}
    assert {message.to for message in server.queued} <= accepted | doubtful
