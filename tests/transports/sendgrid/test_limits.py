"""Test SendGrid requests: their content, and every documented limit from both sides."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from digest.model import NamedAddress
from digest.transports.sendgrid import limits
from digest.transports.sendgrid.limits import limit_problems
from digest.transports.sendgrid.payload import MOST_BYTES, Payload, Shared, requests, written
from digest.transports.sendgrid.riders import fit_request
from tests.counts import spread, table
from tests.transports.fake_sendgrid import judge
from tests.transports.sendgrid_sample import LINK, MARK, NOW, SHARED, people, personal, request

Change = Callable[[Payload], object]


def test_a_request_holds_what_is_shared_once_and_what_is_own_by_reader() -> None:
    document = request(personal(1), personal(2, to_name="", values={}, headers={}, mid=""))
    assert document["personalizations"] == [
        {
            "to": [{"email": "reader1@example.org", "name": "Reader 1"}],
            "custom_args": {"mid": "1-tag"},
            "headers": {"List-Unsubscribe": "<https://digest.example.org/unsubscribe/token-1>"},
            "substitutions": {MARK: "Good morning, 1", LINK: "https://digest.example.org/unsubscribe/token-1"},
        },
        {"to": [{"email": "reader2@example.org"}], "custom_args": {"mid": "2"}},
    ]
    assert document["from"] == {"email": "digest@news.example.org", "name": "Learning Digest"}
    assert document["reply_to"] == {"email": "editors@news.example.org"}
    assert document["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [part["type"] for part in document["content"]] == ["text/plain", "text/html"]
    assert all(setting["enable"] is False for setting in document["tracking_settings"].values())
    assert not {"asm", "template_id", "sections", "send_at", "batch_id", "mail_settings", "custom_args"} & set(
        document
    )
    assert limit_problems(document, NOW) == [] and judge(document, NOW.timestamp()) == []


def test_a_name_loses_what_the_provider_does_not_take() -> None:
    document = request(personal(1, to_name="Morgan, Ceri;\r\nBcc: x"))
    assert document["personalizations"][0]["to"][0]["name"] == "Morgan Ceri Bcc: x"
    assert limit_problems(document, NOW) == []


def test_a_domain_beyond_ascii_is_written_in_ascii() -> None:
    document = request(personal(1, to="ceri@bücher.example"))
    assert document["personalizations"][0]["to"][0]["email"] == "ceri@xn--bcher-kva.example"


def test_a_request_is_utf8_and_short() -> None:
    body = written(request(personal(1, to_name="Siân")))
    assert "Siân" in body and '", "' not in body and json.loads(body)


def many(count: int) -> Change:
    return lambda document: document.update(request(*people(count)))


def each(**values: Any) -> Change:
    return lambda document: document["personalizations"][0].update(values)


def top(**values: Any) -> Change:
    return lambda document: document.update(values)


def to(**values: Any) -> Change:
    return lambda document: document["personalizations"][0]["to"][0].update(values)


def address(length: int) -> str:
    domain = ".".join(["d" * 63] * 5)[: length - 12] + ".example"
    return f"abc@{domain}"


def args(size: int) -> dict[str, str]:
    return {"mid": "x" * (size - len('{"mid":""}'))}


def marks(size: int) -> dict[str, str]:
    return {MARK: "x" * (size - len(f'{{"{MARK}":""}}'))}


def numbered(count: int, length: int = 20) -> dict[str, str]:
    return {f"{n:0{length}d}m": "v" for n in range(count)}


def sized(size: int) -> Change:
    def change(document: Payload) -> None:
        document["content"][1]["value"] = ""
        document["content"][1]["value"] = "x" * (size - len(written(document).encode()))

    return change


AT = NOW + timedelta(hours=72)
BOTH_SIDES: list[tuple[str, Change, Change]] = [
    ("personalizations", many(1000), many(1001)),
    ("personalizations", many(1), top(personalizations=[])),
    ("address", to(email=address(320)), to(email=address(321))),
    ("address once", top(),
     lambda document: document["personalizations"][1].update(to=[{"email": "READER1@example.org"}])),
    ("one reader each", top(), each(to=[])),
    ("name", to(name="Ann Smith"), to(name="Smith, Ann")),
    ("name", to(name="Siân"), to(name="Smith; Ann")),
    ("from", top(), top(**{"from": {"email": "dïgest@news.example.org"}})),
    ("from name", top(**{"from": {"email": "a@b.example", "name": "Mon"}}),
     top(**{"from": {"email": "a@b.example", "name": "Môn"}})),
    ("subject", top(subject="x"), top(subject="")),
    ("content", top(), lambda document: document["content"].reverse()),
    ("content", lambda document: document["content"][0].update(value="x"),
     lambda document: document["content"][0].update(value="")),
    ("categories", top(categories=[str(n) for n in range(10)]), top(categories=[str(n) for n in range(11)])),
    ("categories", top(categories=["x" * 255]), top(categories=["x" * 256])),
    ("categories", top(categories=["a", "b"]), top(categories=["a", "a"])),
    ("substitutions", each(substitutions=marks(10_000)), each(substitutions=marks(10_001))),
    ("substitutions each", each(substitutions=numbered(150)), each(substitutions=numbered(151))),
    ("substitutions text", each(substitutions={MARK: ""}), each(substitutions={MARK: 1})),
    ("custom args", each(custom_args=args(10_000)), each(custom_args=args(10_001))),
    ("custom args text", each(custom_args={"mid": "1"}), each(custom_args={"mid": 1})),
    ("header", each(headers={"X-Mine": "x"}), each(headers={"Reply-To": "x@example.org"})),
    ("header", top(headers={"List-ID": "x"}), top(headers={"dkim-signature": "x"})),
    ("header name", each(headers={"X-Mine": "x"}), each(headers={"X Mine": "x"})),
    ("header text", each(headers={"X-Mine": "x"}), each(headers={"X-Mine": 1})),
    ("send_at", top(send_at=int(AT.timestamp())), top(send_at=int(AT.timestamp()) + 1)),
    ("send_at", top(send_at=int(NOW.timestamp()) - 9), top(send_at=str(int(NOW.timestamp())))),
    ("size", sized(MOST_BYTES - 1), sized(MOST_BYTES)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "inside", "outside"), spread(12, BOTH_SIDES), ids=[f"{n}{i}" for i, (n, _, _) in enumerate(BOTH_SIDES)]
)
def test_each_limit_from_both_sides(name: str, inside: Change, outside: Change) -> None:
    good, bad = request(), request()
    inside(good)
    outside(bad)
    assert limit_problems(good, NOW) == []
    assert limit_problems(bad, NOW) != []
    # The stand-in must agree, because it is written from the reference and not from our checks. It gets the size only
    # from the body.
    assert judge(good, NOW.timestamp()) == []
    assert judge(bad, NOW.timestamp()) or len(written(bad).encode()) >= MOST_BYTES


OURS_ONLY: list[Change] = [
    top(tracking_settings={}),
    lambda document: document["tracking_settings"]["open_tracking"].update(enable=True),
    lambda document: document["tracking_settings"]["subscription_tracking"].update(enable=0),
    top(sections={"a": "b"}),
    top(template_id="d-123"),
    top(asm={"group_id": 1}),
    top(attachments=[]),
    top(mail_settings={"bypass_list_management": {"enable": True}}),
    top(batch_id="a b"),
    top(batch_id=""),
    top(subject="one\r\nBcc: two"),
    top(subject=" "),
    top(subject=None),
    top(content=[{"type": "text/plain", "value": "x"}]),
    top(categories=["weekly\u00e9"]),
    top(send_at=True),
    each(cc=[{"email": "other@example.org"}]),
    each(to=[{"email": "a@example.org"}, {"email": "b@example.org"}]),
    each(to="a@example.org"),
    to(extra=1),
    to(name="a\nb"),
    each(headers={"X-Mine": "a\r\nBcc: b"}),
    each(headers={"X-Mine": "é"}),
    each(headers={"X-Mine": "x" * 991}),
    each(headers={"X-Mine": "a", "x-mine": "b"}),
    each(headers={"list-id": "other"}),
    each(headers=[]),
    each(custom_args={"mid": ""}),
    each(substitutions={MARK: f"see {LINK}", LINK: "x"}),
    each(substitutions={MARK: "a", MARK + "z": "b"}),
    each(substitutions={"": "x"}),
]


@table("change", OURS_ONLY)
def test_what_we_do_not_let_out_ourselves(change: Change) -> None:
    document = request()
    change(document)
    assert limit_problems(document, NOW) != []


def test_a_header_as_long_as_a_line_may_be_is_taken() -> None:
    document = request()
    document["personalizations"][0]["headers"] = {"X-Mine": "x" * 990}
    assert limit_problems(document, NOW) == []


def test_half_a_pair_is_no_utf8() -> None:
    assert limit_problems(request(personal(1, to_name="half \ud83d pair")), NOW)


def test_substitutions_of_a_whole_request() -> None:
    inside = request(*(personal(n, values=numbered(10)) for n in range(1000)))
    outside = request(*(personal(n, values=numbered(11 if n == 5 else 10)) for n in range(1000)))
    assert limit_problems(inside, NOW) == [] == judge(inside, NOW.timestamp())
    assert limit_problems(outside, NOW) and judge(outside, NOW.timestamp())


@pytest.mark.long
def test_requests_are_as_few_as_the_limits_allow() -> None:
    assert [len(some) for some in requests(SHARED, people(2001))] == [1000, 1000, 1]
    assert [len(some) for some in requests(SHARED, people(5), most=2)] == [2, 2, 1]
    eleven = [personal(n, values=numbered(11)) for n in range(1000)]
    assert [len(some) for some in requests(SHARED, eleven)] == [909, 91]
    large = [personal(n, values={MARK: "é" * 4000}) for n in range(1500)]
    for some in requests(replace(SHARED, html="x" * 9_000_000), large):
        assert limit_problems(request(*some, shared=replace(SHARED, html="x" * 9_000_000)), NOW) == []


def test_an_address_that_comes_again_goes_into_another_request() -> None:
    twins = [*people(3), personal(4, to="Reader1@Example.org"), personal(5, to="reader1@example.org")]
    split = [[reader.delivery for reader in some] for some in requests(SHARED, twins)]
    assert split == [[1, 2, 3], [4], [5]]


@pytest.mark.long
def test_no_reader_is_lost_or_doubled_by_splitting() -> None:
    crowd = [personal(n, to=f"reader{n % 700}@example.org", values=numbered(n % 30)) for n in range(3000)]
    split = list(requests(SHARED, crowd))
    assert sorted(reader.delivery for some in split for reader in some) == list(range(3000))
    assert all(limit_problems(request(*some), NOW) == [] for some in split)


def test_one_reader_who_does_not_fit_costs_nobody_else() -> None:
    crowd = [
        personal(1),
        personal(2, to="no address"),
        personal(3, values=marks(10_001)),
        personal(4, headers={"Subject": "mine"}),
        personal(5),
    ]
    fitted = fit_request(SHARED, crowd, NOW)
    assert [reader.delivery for reader in fitted.personals] == [1, 5]
    assert set(fitted.refused) == {2, 3, 4} and not fitted.fault
    assert "10,001 bytes" in fitted.refused[3] and "reserved" in fitted.refused[4]
    assert [p["custom_args"]["mid"] for p in json.loads(fitted.body or "")["personalizations"]] == ["1-tag", "5-tag"]


@pytest.mark.parametrize(
    ("shared", "part"),
    [
        (replace(SHARED, sender=NamedAddress("digest@news.example.org", "Cyngor Môn")), "plain letters"),
        (replace(SHARED, sender=NamedAddress("")), "From"),
        (replace(SHARED, reply_to=NamedAddress("nobody")), "Reply-To"),
    ],
)
def test_a_mistake_in_the_settings_refuses_nobody(shared: Shared, part: str) -> None:
    fitted = fit_request(shared, people(3), NOW)
    assert fitted.body is None and part in fitted.fault and fitted.refused == {} and len(fitted.personals) == 3


def test_a_slot_too_far_refuses_nobody() -> None:
    fitted = fit_request(SHARED, people(1), NOW, send_at=int((NOW + timedelta(hours=73)).timestamp()), batch_id="x")
    assert "72 hours" in fitted.fault and fitted.refused == {}


def test_a_letter_that_cannot_be_sent_is_refused_to_none_of_its_readers() -> None:
    fitted = fit_request(replace(SHARED, subject=""), people(3), NOW)
    assert fitted.body is None and not fitted.fault and not fitted.refused
    assert fitted.letter.startswith("not sent: subject is empty") and len(fitted.personals) == 3


def test_reasons_hold_no_address() -> None:
    addresses = {7: "jane doe@example.org", 8: "jäne@example.org", 9: "jane doe", 10: "jane@exa mple.org"}
    fitted = fit_request(SHARED, [personal(number, to=to) for number, to in addresses.items()], NOW)
    assert set(fitted.refused) == set(addresses)
    reasons = "; ".join(fitted.refused.values())
    assert not [word for word in ("example.org", "jane", "jäne", "doe", "exa", "mple") if word in reasons]


def test_the_quick_test_of_a_reader_passes_nobody_whom_the_full_one_rejects() -> None:
    changes = [change for _, *both in BOTH_SIDES for change in both]
    changes += [
        each(substitutions={MARK: f"x{MARK}"}), each(substitutions={"": "x"}), each(headers={"X": ""}),
        each(substitutions={"a": "x", "ab": "y"}), each(headers={"list-id": "x"}), each(headers={"X": "x" * 990}),
        to(email="a b@c.example"), to(email="a" * 400 + "@b.example"), to(name="a\x00"), to(extra="x"), to(name=1),
        each(custom_args={"mid": ""}), each(custom_args={"mid": "é" * 1_590}), each(to=[{}]),
        each(substitutions={MARK: "\x00" * 1_580}),
    ]  # fmt: skip
    passed = 0
    for change in changes:
        document = request(*people(2))
        change(document)
        person, shared = next(iter(document["personalizations"]), None), document.get("headers", {})
        if person and person["to"] and limits._plainly_right(person, shared):
            assert list(limits._reader("0", person, shared)) == []
            passed += 1
    assert 5 < passed < len(changes) - 15
