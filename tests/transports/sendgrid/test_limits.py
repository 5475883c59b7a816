"""Test SendGrid requests: their content, and every documented limit from both sides."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from digest.letter.blocks import Assembled
from digest.letter.form import Form
from digest.letter.mime.compose import Head
from digest.letter.mime.quoted_printable import encode
from digest.model import NamedAddress
from digest.transports.base import Filling, Parcel
from digest.transports.sendgrid import riders
from digest.transports.sendgrid.grouping import grouped
from digest.transports.sendgrid.payload import MOST_BYTES, Payload, Personal, Shared
from digest.transports.sendgrid.riders import admitted, fit_request, requests
from tests.counts import spread, table
from tests.letter.sample import SITE
from tests.transports.fake_sendgrid import judge
from tests.transports.sendgrid_sample import (
    LINK,
    MARK,
    NOW,
    SHARED,
    limit_problems,
    numbered,
    people,
    personal,
    plainly,
    request,
)

Change = Callable[[Payload], object]


def test_a_request_holds_what_is_shared_once_and_what_is_own_by_reader() -> None:
    document = request(personal(1), personal(2, to_name="", values=("", ""), mid=""))
    assert document["personalizations"] == [
        {
            "to": [{"email": "reader1@example.org", "name": "Reader 1"}],
            "custom_args": {"mid": "1-tag"},
            "headers": {"List-Unsubscribe": "<https://digest.example.org/unsubscribe/token-1>"},
            "substitutions": {MARK: "Good morning, 1", LINK: "https://digest.example.org/unsubscribe/token-1"},
        },
        {
            "to": [{"email": "reader2@example.org"}],
            "custom_args": {"mid": "2"},
            "headers": {"List-Unsubscribe": "<https://digest.example.org/unsubscribe/token-2>"},
            "substitutions": {MARK: "", LINK: ""},
        },
    ]
    assert document["from"] == {"email": "digest@news.example.org", "name": "Learning Digest"}
    assert document["reply_to"] == {"email": "editors@news.example.org"}
    assert document["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [part["type"] for part in document["content"]] == ["text/plain", "text/html"]
    assert all(setting["enable"] is False for setting in document["tracking_settings"].values())
    assert not {"asm", "template_id", "sections", "send_at", "batch_id", "mail_settings", "custom_args"} & set(
        document
    )
    assert limit_problems(document) == [] and judge(document, NOW.timestamp()) == []


def test_a_name_loses_what_the_provider_does_not_take() -> None:
    document = request(personal(1, to_name="Morgan, Ceri;\r\nBcc: x"))
    assert document["personalizations"][0]["to"][0]["name"] == "Morgan Ceri Bcc: x"
    assert limit_problems(document) == []


def test_a_domain_beyond_ascii_is_written_in_ascii() -> None:
    document = request(personal(1, to="ceri@bücher.example"))
    assert document["personalizations"][0]["to"][0]["email"] == "ceri@xn--bcher-kva.example"


def test_a_request_is_utf8_and_short() -> None:
    body = (fit_request(SHARED, [personal(1, to_name="Siân")], NOW).body or b"").decode()
    assert "Siân" in body and '", "' not in body and json.loads(body)


def each(**values: Any) -> Change:
    return lambda document: document["personalizations"][0].update(values)


def top(**values: Any) -> Change:
    return lambda document: document.update(values)


def to(**values: Any) -> Change:
    return lambda document: document["personalizations"][0]["to"][0].update(values)


def parcel_to(number: int, to: str) -> Parcel:
    """Return a parcel with a filling for an address."""
    head = Head(SITE, to, f"<{number}@news.example.org>", NOW, "weekly.news.example.org", "https://d.example/u")
    filling = Filling(Form("x", [b"x"], [b"x"], {}, (1, 0)), [], head)
    return Parcel(number, "weekly-2026-11-20", to, [], Assembled("x", [], []), filling)


def address(length: int) -> str:
    domain = ".".join(["d" * 63] * 5)[: length - 12] + ".example"
    return f"abc@{domain}"


def args(size: int) -> dict[str, str]:
    return {"mid": "x" * (size - len('{"mid":""}'))}


def marks(size: int) -> dict[str, str]:
    return {MARK: "x" * (size - len(f'{{"{MARK}":""}}'))}


def counted(count: int) -> dict[str, str]:
    return dict.fromkeys(numbered(count).marks, "v")


AT = NOW + timedelta(hours=72)
BOTH_SIDES: list[tuple[str, Change, Change]] = [
    ("address", to(email=address(320)), to(email=address(321))),
    ("one reader each", top(), each(to=[])),
    ("name", to(name="Ann Smith"), to(name="Smith, Ann")),
    ("name", to(name="Siân"), to(name="Smith; Ann")),
    ("from", top(), top(**{"from": {"email": "dïgest@news.example.org"}})),
    ("from name", top(**{"from": {"email": "a@b.example", "name": "Mon"}}),
     top(**{"from": {"email": "a@b.example", "name": "Môn"}})),
    ("subject", top(subject="x"), top(subject="")),
    ("categories", top(categories=[str(n) for n in range(10)]), top(categories=[str(n) for n in range(11)])),
    ("categories", top(categories=["x" * 255]), top(categories=["x" * 256])),
    ("categories", top(categories=["a", "b"]), top(categories=["a", "a"])),
    ("substitutions", each(substitutions=marks(10_000)), each(substitutions=marks(10_001))),
    ("substitutions each", each(substitutions=counted(150)), each(substitutions=counted(151))),
    ("substitutions text", each(substitutions={MARK: ""}), each(substitutions={MARK: 1})),
    ("custom args", each(custom_args=args(10_000)), each(custom_args=args(10_001))),
    ("custom args text", each(custom_args={"mid": "1"}), each(custom_args={"mid": 1})),
    ("header", each(headers={"X-Mine": "x"}), each(headers={"Reply-To": "x@example.org"})),
    ("header", top(headers={"List-ID": "x"}), top(headers={"dkim-signature": "x"})),
    ("header name", each(headers={"X-Mine": "x"}), each(headers={"X Mine": "x"})),
    ("header text", each(headers={"X-Mine": "x"}), each(headers={"X-Mine": 1})),
    ("send_at", top(send_at=int(AT.timestamp())), top(send_at=int(AT.timestamp()) + 1)),
    ("send_at", top(send_at=int(NOW.timestamp()) - 9), top(send_at=str(int(NOW.timestamp())))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "inside", "outside"), spread(12, BOTH_SIDES), ids=[f"{n}{i}" for i, (n, _, _) in enumerate(BOTH_SIDES)]
)
def test_each_limit_from_both_sides(name: str, inside: Change, outside: Change) -> None:
    good, bad = request(), request()
    inside(good)
    outside(bad)
    assert limit_problems(good) == []
    assert limit_problems(bad) != []
    # The stand-in must agree, because it is written from the reference and not from our checks.
    assert judge(good, NOW.timestamp()) == []
    assert judge(bad, NOW.timestamp())


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
    assert limit_problems(document) != []


def test_a_header_as_long_as_a_line_may_be_is_taken() -> None:
    document = request()
    document["personalizations"][0]["headers"] = {"X-Mine": "x" * 990}
    assert limit_problems(document) == []


def test_half_a_pair_is_no_utf8() -> None:
    fitted, refused = admitted(SHARED, [personal(1, to_name="half \ud83d pair"), personal(2)])
    assert [rider.delivery for rider in fitted] == [2] and "UTF-8" in refused[1]
    letter = fit_request(replace(SHARED, subject="half \ud83d pair"), people(1), NOW).letter
    assert "UTF-8" in letter


def bodies(shared: Shared, personals: list[Personal], most: int = 1000) -> list[bytes]:
    fitted, _ = admitted(shared, personals)
    return [fit_request(shared, some, NOW).body or b"" for some in requests(shared, fitted, most)]


ODD = ["", "plain", 'a "quote"', "back\\slash", "line\nbreak", "tab\t\r\x00\x1f", "\x7f DEL", "Siân, 日本語; 🎉",
       '\\n"}],', "%s {0} {{x}}", "</script>\u2028", "é" * 700, '"' * 700]  # fmt: skip


def test_a_request_says_what_one_made_in_the_plain_way_says() -> None:
    crowd = [
        personal(number, to_name=name, values=(first, second))
        for number, (name, first, second) in enumerate(zip(ODD, ODD[3:] + ODD, ODD[5:] + ODD, strict=False), 1)
    ]
    content = ["\n".join(ODD), f'<p>{MARK} "é" \\ {LINK}</p>\n', "\n"]
    shared = replace(
        SHARED, html=[encode(piece) for piece in content], text=[encode(piece) for piece in content[::-1]]
    )
    for some in (crowd, crowd[:2], crowd[4:5]):
        (body,) = bodies(shared, some)
        assert json.loads(body) == plainly(shared, some)
    lone = Shared("Alone", [encode("<p>")], [encode("x")], sender=SHARED.sender)
    (body,) = bodies(lone, [personal(1)._replace(texts=("mid", "a@b.example"), named=False)])
    assert json.loads(body) == plainly(lone, [Personal(1, ("mid", "a@b.example"), named=False)])


@pytest.mark.long
def test_the_content_counts_towards_the_size() -> None:
    def sized(size: int) -> Shared:
        return replace(SHARED, html=[b"x" * (size - len(bodies(replace(SHARED, html=[b"x"]), people(1))[0]) + 1)])

    (body,) = bodies(sized(MOST_BYTES - 1), people(1))
    assert len(body) == MOST_BYTES - 1
    assert "30,000,000 bytes" in fit_request(sized(MOST_BYTES), people(1), NOW).letter
    assert "content" in fit_request(replace(SHARED, html=[]), people(1), NOW).letter


def sizes(shared: Shared, personals: list[Personal], most: int = 1000) -> list[int]:
    split = [json.loads(body) for body in bodies(shared, personals, most)]
    assert all(judge(document, NOW.timestamp()) == [] for document in split)
    return [len(document["personalizations"]) for document in split]


@pytest.mark.long
def test_requests_are_as_few_as_the_limits_allow() -> None:
    assert sizes(SHARED, people(1001)) == [1000, 1]
    assert sizes(SHARED, people(5), most=2) == [2, 2, 1]
    for count, most in ((10, 1000), (11, 909)):
        shared = numbered(count)
        crowd = [personal(n, values=["v"] * count) for n in range(1000)]
        assert sizes(shared, crowd) == ([1000] if most == 1000 else [most, 1000 - most])
    large = [personal(n, values=("é" * 4000, "")) for n in range(600)]
    assert sum(sizes(replace(SHARED, html=[b"x" * 9_000_000]), large)) == 600


def test_an_address_that_comes_again_goes_into_another_request() -> None:
    twins = [*people(3), personal(4, to="Reader1@Example.org"), personal(5, to="reader1@example.org")]
    split = [[reader.delivery for reader in some] for some in requests(SHARED, twins)]
    assert split == [[1, 2, 3], [4], [5]]


def test_no_reader_is_lost_or_doubled_by_splitting() -> None:
    crowd = [personal(n, to=f"reader{n % 70}@example.org") for n in range(300)]
    split = list(requests(SHARED, crowd, 50))
    assert sorted(reader.delivery for some in split for reader in some) == list(range(300))
    assert all(len({reader.address for reader in some}) == len(some) <= 50 for some in split)


def test_one_reader_who_does_not_fit_costs_nobody_else() -> None:
    crowd = [
        personal(1),
        personal(2, to_name="half \ud83d pair"),
        personal(3, values=(*marks(10_001 - len(f'"{LINK}":"",')).values(), "")),
        personal(4, values=(f"see {LINK}", "")),
        personal(5),
    ]
    fitted, refused = admitted(SHARED, crowd)
    assert [reader.delivery for reader in fitted] == [1, 5]
    assert set(refused) == {2, 3, 4}
    assert "10,001 bytes" in refused[3] and "inside a value" in refused[4]


def test_readers_are_refused_for_headers_that_may_not_stand_beside_those_of_all() -> None:
    for name in ("Subject", "list-id"):
        _, refused = admitted(replace(SHARED, own_headers=(name,)), people(2))
        assert set(refused) == {1, 2}


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
    assert fitted.body is None and part in fitted.fault and not fitted.letter


def test_a_slot_too_far_refuses_nobody() -> None:
    fitted = fit_request(SHARED, people(1), NOW, send_at=int((NOW + timedelta(hours=73)).timestamp()), batch_id="x")
    assert "72 hours" in fitted.fault and fitted.body is None


def test_a_letter_that_cannot_be_sent_is_refused_to_none_of_its_readers() -> None:
    fitted = fit_request(replace(SHARED, subject=""), people(3), NOW)
    assert fitted.body is None and not fitted.fault and fitted.letter.startswith("not sent: subject is empty")


def test_reasons_hold_no_address() -> None:
    addresses = {7: "jane doe@example.org", 8: "jäne@example.org", 9: "jane doe", 10: "jane@exa mple.org"}
    _, refused = grouped([parcel_to(number, to) for number, to in addresses.items()])
    assert set(refused) == set(addresses)
    reasons = "; ".join(refused.values())
    assert not [word for word in ("example.org", "jane", "jäne", "doe", "exa", "mple") if word in reasons]


def test_the_quick_test_of_a_reader_passes_nobody_whom_the_full_one_rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = ["x", f"x{MARK}", MARK[:18], "é" * 1_590, "\x00" * 1_580, "x" * 9_000, "half \ud83d pair", '"', "\n"]
    crowd = [personal(n, to_name=text, values=(text, "")) for n, text in enumerate(odd)]
    crowd += [personal(20 + n, mid=text) for n, text in enumerate(odd)]
    fitted, refused = admitted(SHARED, crowd)
    monkeypatch.setattr(riders, "is_ready", lambda _: False)
    in_full, refused_in_full = admitted(SHARED, crowd)
    assert refused == refused_in_full and len(fitted) == len(in_full) > 10 and len(refused) == 3
    assert fit_request(SHARED, fitted, NOW) == fit_request(SHARED, in_full, NOW)
