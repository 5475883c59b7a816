"""Test handing over to a stand-in for SendGrid over real sockets: each letter gets one outcome, and the right one."""

from __future__ import annotations

import logging
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from digest.errors import ConfigError, DigestError, Objection, TryLater
from digest.letter.blocks import Assembled
from digest.letter.form import Form
from digest.letter.mime.compose import Head, compose
from digest.letter.mime.quoted_printable import encode
from digest.transports.base import Asked, Filling, Outcome, Parcel
from digest.transports.sendgrid.payload import Personal, Shared
from digest.transports.sendgrid.settings import SendGridSettings
from digest.transports.sendgrid.transport import SendGridTransport
from tests.counts import table
from tests.letter.sample import SITE
from tests.transports.fake_sendgrid import KEY, FakeSendGrid
from tests.transports.sendgrid_sample import LINK, MARK, NOW, SHARED, people, personal, states, transport


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    server = FakeSendGrid(now=NOW.timestamp())
    yield server
    server.close()


def hand_over(
    fake: FakeSendGrid, *batches: tuple[Shared, list[Personal]], error: type[Exception] | None = None, **other: Any
) -> list[Outcome]:
    """Hand over, expecting `error`; return the outcomes, also those before the error, as the caller keeps them."""
    chosen = {name: other.pop(name) for name in ("send_at", "batch_for") if name in other}
    instance = transport(fake, **other)
    outcomes: list[Outcome] = []
    try:
        with pytest.raises(error) if error else nullcontext():
            for outcome in instance.hand_over_batches(batches or [(SHARED, people(3))], **chosen):
                outcomes.append(outcome)
    finally:
        instance.close()
    return outcomes


def test_one_request_a_digest_each_letter_its_own(fake: FakeSendGrid) -> None:
    other = replace(SHARED, subject="Another digest")
    outcomes = hand_over(fake, (SHARED, people(1000)), (other, people(5, first=2001)))
    assert Counter(states(outcomes).values()) == {"accepted": 1005}
    assert fake.mids() == Counter({f"{n}-tag": 1 for n in [*range(1, 1001), *range(2001, 2006)]})
    assert fake.asked == {"POST /v3/mail/send": 2} and fake.connections == 1
    assert outcomes[0].reason.startswith("m")
    letter = fake.queued[6]
    assert (letter.to, letter.name, letter.subject) == ("reader7@example.org", "Reader 7", SHARED.subject)
    assert letter.text == "Good morning, 7\nLeave: https://digest.example.org/unsubscribe/token-7\n"
    assert letter.html.count("token-7") == 1 and LINK not in letter.html
    assert letter.headers["List-Unsubscribe"] == "<https://digest.example.org/unsubscribe/token-7>"
    assert letter.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_what_the_package_says_of_itself_goes_along(fake: FakeSendGrid) -> None:
    hand_over(fake)
    head = fake.heads[0]
    assert head["authorization"] == f"Bearer {KEY}" and head["content-type"] == "application/json"
    assert head["user-agent"].startswith("sendgrid/") and head.get("connection") != "close"


def test_neither_key_nor_reader_comes_into_a_log(fake: FakeSendGrid, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("python_http_client", "python_http_client.client", "httpcore2", "httpx2"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        hand_over(fake)
        instance = transport(fake)
        instance.cancel(instance.create_batch())
        instance.close()
    finally:
        for name in ("python_http_client", "python_http_client.client", "httpcore2", "httpx2"):
            logging.getLogger(name).setLevel(logging.NOTSET)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert logged and KEY not in logged and "reader1" not in logged and "token-1" not in logged
    assert KEY not in repr(SendGridSettings(KEY))


def test_readers_named_by_the_provider_are_refused_and_the_rest_goes_at_once(fake: FakeSendGrid) -> None:
    fake.bad = {"reader3@example.org", "reader9@example.org"}
    outcomes = hand_over(fake, (SHARED, people(10)))
    assert {n for n, state in states(outcomes).items() if state == "refused"} == {3, 9}
    refused = next(outcome for outcome in outcomes if outcome.delivery == 3)
    assert "Does not contain a valid address" in refused.reason and "reader3" not in refused.reason
    assert fake.mids() == Counter({f"{n}-tag": 1 for n in range(1, 11) if n not in (3, 9)})
    assert fake.asked["POST /v3/mail/send"] == 2


def test_a_400_that_names_nobody_is_narrowed_down_to_whom_it_means(fake: FakeSendGrid) -> None:
    fake.vague = {"reader1@example.org", "reader60@example.org"}
    outcomes = hand_over(fake, (SHARED, people(64)), concurrency=4)
    assert {n for n, state in states(outcomes).items() if state == "refused"} == {1, 60}
    assert fake.mids() == Counter({f"{n}-tag": 1 for n in range(1, 65) if n not in (1, 60)})
    assert fake.asked["POST /v3/mail/send"] < 30


@pytest.mark.long
def test_a_letter_that_every_reader_is_rejected_for_is_a_persons_matter(fake: FakeSendGrid) -> None:
    fake.faults.extend(["400 {}"] * 1000)
    outcomes = hand_over(fake, (SHARED, people(1000)))
    assert {(outcome.state, outcome.about) for outcome in outcomes} == {("deferred", "letter")}
    assert len(states(outcomes)) == 1000
    assert fake.asked["POST /v3/mail/send"] < 30 and fake.mids() == {}


def test_a_request_too_large_is_halved(fake: FakeSendGrid) -> None:
    fake.faults.extend(["413", "413"])
    assert set(states(hand_over(fake, (SHARED, people(8)))).values()) == {"accepted"}
    assert [len(document["personalizations"]) for document in fake.payloads] == [2, 2, 4]


def test_a_letter_too_large_for_everybody_refuses_nobody(fake: FakeSendGrid) -> None:
    fake.faults.append("413")
    (outcome,) = hand_over(fake, (SHARED, people(1)))
    assert (outcome.state, outcome.about) == ("deferred", "letter")


def test_a_single_reader_too_large_among_others_is_refused(fake: FakeSendGrid) -> None:
    fake.faults.extend(["413", "413"])
    outcomes = hand_over(fake, (SHARED, people(3)), concurrency=1)
    assert states(outcomes) == {1: "refused", 2: "accepted", 3: "accepted"}


def test_an_address_twice_goes_twice_in_two_requests(fake: FakeSendGrid) -> None:
    twin = personal(4, to="READER1@example.org")
    assert set(states(hand_over(fake, (SHARED, [*people(3), twin]))).values()) == {"accepted"}
    assert [len(document["personalizations"]) for document in fake.payloads] == [3, 1]


@pytest.mark.parametrize("status", ["401", "402", "403", "404", "405", "415", "302", "418"])
def test_an_account_that_must_be_put_right_refuses_nobody(fake: FakeSendGrid, status: str) -> None:
    fake.faults.append(status)
    outcomes = hand_over(fake, (SHARED, people(4)), most=2, error=DigestError)
    assert Counter(states(outcomes).values()) == {"deferred": 4}
    assert not any(outcome.tried for outcome in outcomes)
    assert fake.asked["POST /v3/mail/send"] == 1 and fake.mids() == {}


def test_a_wrong_key_is_named_with_its_cure(fake: FakeSendGrid) -> None:
    instance = SendGridTransport(SendGridSettings("SG.wrong", fake.url))
    with pytest.raises(DigestError, match=r"401 .*key.*nothing was refused") as caught:
        list(instance.hand_over_batches([(SHARED, people(2))]))
    instance.close()
    assert "SG.wrong" not in str(caught.value)


def test_too_many_requests_wait_for_the_reset(fake: FakeSendGrid) -> None:
    fake.faults.append("429")
    outcomes = hand_over(fake, (SHARED, people(6)), most=2)
    assert {(o.state, o.retry_after) for o in outcomes} == {("deferred", 90.0)}
    assert [o.tried for o in sorted(outcomes, key=lambda o: o.delivery)] == [True, True, False, False, False, False]
    assert fake.asked["POST /v3/mail/send"] == 1
    assert set(states(hand_over(fake)).values()) == {"accepted"}


def test_after_a_doubt_no_request_is_begun(fake: FakeSendGrid) -> None:
    fake.faults.extend(["", "take 503"])
    outcomes = hand_over(fake, (SHARED, people(10)), most=2)
    by_delivery = states(outcomes)
    assert [by_delivery[n] for n in range(1, 11)] == ["accepted"] * 2 + ["uncertain"] * 2 + ["deferred"] * 6
    assert all(not o.tried for o in outcomes if o.state == "deferred")
    assert fake.mids() == Counter({f"{n}-tag": 1 for n in range(1, 5)})


def test_doubt_is_never_more_than_what_was_under_way(fake: FakeSendGrid) -> None:
    fake.faults.extend(["take 500"] * 50)
    by_delivery = states(hand_over(fake, (SHARED, people(100)), most=2, concurrency=3))
    assert Counter(by_delivery.values()) == {"uncertain": 6, "deferred": 94}
    assert fake.at_once <= 3


def test_requests_go_side_by_side_over_as_many_connections(fake: FakeSendGrid) -> None:
    fake.faults.extend(["slow"] * 12)
    by_delivery = states(hand_over(fake, (SHARED, people(24)), most=2, concurrency=4))
    assert set(by_delivery.values()) == {"accepted"} and len(by_delivery) == 24
    assert 2 <= fake.at_once <= 4 and fake.connections <= 4


def test_nobody_there_is_no_doubt() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        instance = transport(f"http://127.0.0.1:{closed.getsockname()[1]}")
        outcomes = list(instance.hand_over_batches([(SHARED, people(2))]))
        instance.close()
    assert {(o.state, o.tried) for o in outcomes} == {("deferred", True)}


def test_a_server_without_tls_is_no_doubt(fake: FakeSendGrid) -> None:
    instance = transport(fake.url.replace("http:", "https:"))
    outcomes = list(instance.hand_over_batches([(SHARED, people(2))]))
    instance.close()
    assert set(states(outcomes).values()) == {"deferred"} and fake.mids() == {}


def test_a_slot_the_account_does_not_take_refuses_nobody(fake: FakeSendGrid) -> None:
    for other in (
        {"batch_for": lambda _: "unknown", "send_at": NOW + timedelta(hours=1)},
        {"send_at": NOW + timedelta(days=9)},
    ):
        assert set(states(hand_over(fake, error=DigestError, **other)).values()) == {"deferred"}


def test_the_sandbox_mails_nothing(fake: FakeSendGrid) -> None:
    fake.faults.append("200 {}")
    outcomes = hand_over(fake, sandbox=True)
    assert {(o.state, o.reason) for o in outcomes} == {("accepted", "sandbox: checked, not mailed")}


def test_a_batch_waits_for_its_hour_and_can_be_taken_back(fake: FakeSendGrid) -> None:
    instance = transport(fake)
    stopped, kept = instance.create_batch(), instance.create_batch()
    hour = NOW + timedelta(hours=1)
    for first, batch_id in ((1, stopped), (11, kept)):
        outcomes = list(
            instance.hand_over_batches([(SHARED, people(2, first))], send_at=hour, batch_for=lambda _, b=batch_id: b)
        )
        assert set(states(outcomes).values()) == {"accepted"}
    assert {payload["send_at"] for payload in fake.payloads} == {int(hour.timestamp())}
    assert instance.cancel(stopped) and instance.cancel(stopped)
    instance.close()
    assert fake.mailed() == Counter({"11-tag": 1, "12-tag": 1})


def test_each_request_has_a_batch_of_its_own_written_down_before(fake: FakeSendGrid) -> None:
    instance, noted = transport(fake, most=2, concurrency=2), {}

    def batch_for(deliveries: Sequence[int]) -> str:
        batch_id = instance.create_batch()
        assert not set(deliveries) & {int(message.mid.partition("-")[0]) for message in fake.queued}
        noted.update(dict.fromkeys(deliveries, batch_id))
        return batch_id

    hour = NOW + timedelta(hours=1)
    fake.bad = {"reader2@example.org"}
    outcomes = list(instance.hand_over_batches([(SHARED, people(6))], send_at=hour, batch_for=batch_for))
    instance.close()
    assert Counter(states(outcomes).values()) == {"accepted": 5, "refused": 1}
    assert {m.mid: m.batch_id for m in fake.queued} == {f"{n}-tag": noted[n] for n in (1, 3, 4, 5, 6)}
    assert len({payload["batch_id"] for payload in fake.payloads}) == 3


def test_without_a_batch_no_request_is_begun(fake: FakeSendGrid) -> None:
    def batch_for(_: Sequence[int]) -> str:
        raise TryLater("SendGrid gave no batch id")

    outcomes = hand_over(fake, error=TryLater, send_at=NOW + timedelta(hours=1), batch_for=batch_for)
    assert {(o.state, o.tried) for o in outcomes} == {("deferred", False)} and fake.asked == {}


@pytest.mark.parametrize(
    ("faults", "confirmed"),
    [
        (["take reset"], True),  # ordered, and the answer lost: so the state is asked for
        (["take reset", "reset", "reset"], True),
        (["500", "500", ""], True),
        (["reset"] * 6, False),
        (["429"] * 6, False),
        (["400 {}"], False),
        (["take junk", "200 {}"], False),
        (["take junk", "200 <html>"], False),
        (["401"] * 6, False),
    ],
)
def test_a_cancel_counts_only_when_confirmed(fake: FakeSendGrid, faults: list[str], confirmed: bool) -> None:
    instance = transport(fake)
    batch_id = instance.create_batch()
    fake.side_faults.extend(faults)
    assert instance.cancel(batch_id) is confirmed
    instance.close()
    assert not confirmed or fake.batches[batch_id] == "cancel"


def test_the_eleventh_cancel_is_not_confirmed(fake: FakeSendGrid) -> None:
    instance = transport(fake)
    batches = [instance.create_batch() for _ in range(11)]
    assert [instance.cancel(batch_id) for batch_id in batches] == [True] * 10 + [False]
    instance.close()


@pytest.mark.parametrize(
    ("fault", "error"),
    [("500", TryLater), ("reset", TryLater), ("201 {}", TryLater), ('201 {"batch_id": "a b"}', TryLater),
     ("201 <html>", TryLater), ("201 []", TryLater), ("429", TryLater), ("403", Objection)],
)  # fmt: skip
def test_without_a_batch_id_nothing_is_begun(fake: FakeSendGrid, fault: str, error: type[DigestError]) -> None:
    fake.side_faults.append(fault)
    instance = transport(fake)
    with pytest.raises(error) as caught:
        instance.create_batch()
    instance.close()
    assert caught.type is error


def parcel(number: int, **other: Any) -> Parcel:
    link = f"https://digest.example.org/unsubscribe/token-{number}"
    letter = Assembled("Housing & more", [b"<p>Hi</p>=\r\n"], [b"Hi=\r\n"], "e1:weekly:digest:examp")
    message = compose(
        letter,
        Head(
            SITE,
            to=f"reader{number}@example.org",
            to_name="Siân Morgan",
            message_id=f"<{number}@news.example.org>",
            date=NOW,
            list_id="weekly.news.example.org",
            unsubscribe_url=link,
        ),
    )
    return Parcel(number, "weekly-2026-11-20", f"reader{number}@example.org", [message], letter)


def filled(number: int, form: Form) -> Parcel:
    """Return a parcel for a transport that fills forms, which never uses its message."""
    link = f"https://digest.example.org/unsubscribe/token-{number}"
    to = f"reader{number}@example.org"
    head = Head(SITE, to, f"<{number}@news.example.org>", NOW, "weekly.news.example.org", link)
    filling = Filling(form, [f"Reader {number}"], head, "weekly")
    return Parcel(number, "weekly-2026-11-20", to, [], Assembled(form.subject, [], []), filling, f"{number}-tag")


def test_parcels_that_share_a_form_ride_together(fake: FakeSendGrid) -> None:
    forms = [
        Form(subject, [encode(f"<p>{MARK}</p>")], [encode(MARK)], {MARK: ()}, (1, 0))
        for subject in ("Housing", "Other")
    ]
    parcels = [filled(1, forms[0]), filled(2, forms[1]), filled(3, forms[0])]
    instance = transport(fake)
    assert set(states(list(instance.hand_over(parcels))).values()) == {"accepted"}
    instance.close()
    assert [len(payload["personalizations"]) for payload in fake.payloads] == [2, 1]
    assert {(message.mid, message.text, message.headers["Message-ID"]) for message in fake.queued} == {
        (f"{number}-tag", f"Reader {number}", f"<{number}@news.example.org>") for number in (1, 2, 3)
    }
    assert {tuple(payload["categories"]) for payload in fake.payloads} == {("weekly",)}


def test_a_composed_letter_rides_alone_with_its_headers(fake: FakeSendGrid) -> None:
    instance = transport(fake)
    assert states(list(instance.hand_over([parcel(1), parcel(2)]))) == {1: "accepted", 2: "accepted"}
    assert instance.ask([Asked(1, "weekly-2026-11-20")]) == {}
    instance.close()
    letter = fake.queued[0]
    assert (letter.mid, letter.name, letter.html, letter.text) == ("1", "Siân Morgan", "<p>Hi</p>", "Hi")
    assert letter.headers["List-Unsubscribe"] == "<https://digest.example.org/unsubscribe/token-1>"
    assert letter.headers["Message-ID"] == "<1@news.example.org>"
    assert letter.headers["List-ID"].endswith("<weekly.news.example.org>")
    assert fake.payloads[0]["reply_to"]["email"] == "editors@news.example.org"


@table(
    "settings, part",
    [
        (SendGridSettings(""), "key"),
        (SendGridSettings("SG.a\nX-Evil: b"), "key"),
        (SendGridSettings(KEY, "ftp://example.org"), "base_url"),
        (SendGridSettings(KEY, "https://user@example.org"), "base_url"),
        (SendGridSettings(KEY, region="moon"), "region"),
        (SendGridSettings(KEY, concurrency=0), "concurrency"),
        (SendGridSettings(KEY, concurrency=11), "concurrency"),
        (SendGridSettings(KEY, timeout=0), "timeout"),
        (SendGridSettings(KEY, most=1001), "most"),
    ],
)
def test_settings_that_cannot_work_are_named(settings: SendGridSettings, part: str) -> None:
    with pytest.raises(ConfigError, match=part) as caught:
        SendGridTransport(settings)
    assert len(caught.value.problems) == 1 and "SG.a" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        (SendGridSettings(KEY), "https://api.sendgrid.com"),
        (SendGridSettings(KEY, region="eu"), "https://api.eu.sendgrid.com"),
        (SendGridSettings(KEY, "https://mail.example.org/"), "https://mail.example.org"),
    ],
)
def test_the_region_chooses_the_host(settings: SendGridSettings, host: str) -> None:
    instance = SendGridTransport(settings, lambda: datetime.now(UTC))
    assert instance._api.client.host == host
    instance.close()
