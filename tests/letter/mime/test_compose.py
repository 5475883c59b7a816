"""Messages on the wire, read again with the standard library and compared byte by byte."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any, cast

import pytest

from digest.errors import DigestError
from digest.letter.blocks import Assembled
from digest.letter.mime.compose import Head, compose
from digest.model import NamedAddress, Site
from digest.transports.smtp.envelope import wire_form
from tests.counts import table
from tests.letter import golden, sample

MADE = golden.letter()
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def raw(site: Site = sample.SITE, made: Assembled = MADE, **other: Any) -> bytes:
    values: dict[str, Any] = {
        "to": "ceri.morgan@council.example",
        "message_id": "<e47.d1@news.example.org>",
        "date": NOW,
        "list_id": "weekly.news.example.org",
        "unsubscribe_url": sample.READER.unsubscribe_url,
    }
    return compose(made, Head(site, **values | other))


def parsed(wire: bytes) -> EmailMessage:
    message: EmailMessage = email.message_from_bytes(wire, policy=email.policy.default)
    for part in message.walk():
        assert part.defects == []
        for name, value in part.items():
            assert value.defects == (), name
    return message


def header(wire: bytes, name: str) -> str:
    head = wire.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n", "\n")
    return cast(re.Match[str], re.search(rf"^{name}: (.*(?:\n[ \t].*)*)", head, re.M))[1]


def check_bytes(wire: bytes) -> None:
    # The SMTP transport relies on it, and does not look again at what `compose` made.
    assert wire_form(wire) == wire + b".\r\n"
    wire.decode("ascii")
    assert b"\n" not in wire.replace(b"\r\n", b"")
    assert b"\r" not in wire.replace(b"\r\n", b"")
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    assert not [line for line in wire.split(b"\r\n") if line.startswith(b".")]


def test_the_whole_message_reads_back() -> None:
    wire = raw(to_name="Ceri Morgan", unsubscribe_mailto="mailto:leave+abc@news.example.org?subject=unsubscribe")
    check_bytes(wire)
    message = parsed(wire)
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content().replace("\r\n", "\n") == MADE.plain_text()
    assert html.get_content().replace("\r\n", "\n") == MADE.html_text()
    assert message["Subject"] == MADE.subject
    assert message["Date"].datetime == NOW
    assert header(wire, "Date") == "Fri, 20 Nov 2026 08:00:00 +0000"
    assert message["To"].addresses[0].display_name == "Ceri Morgan"
    assert header(wire, "From") == "Learning Digest <digest@news.example.org>"
    assert header(wire, "Reply-To") == "editors@news.example.org"
    assert header(wire, "Message-ID") == "<e47.d1@news.example.org>"
    assert header(wire, "List-ID") == "Learning Digest <weekly.news.example.org>"
    assert header(wire, "List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    assert header(wire, "Auto-Submitted") == "auto-generated"
    assert header(wire, "Precedence") == "bulk"
    assert header(wire, "Feedback-ID") == "e47:weekly:digest:newsexampleorg"
    assert header(wire, "MIME-Version") == "1.0"
    names = [line.split(b":")[0] for line in wire.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] != b" "]
    assert len(names) == len(set(names))


def test_the_same_delivery_is_the_same_bytes_and_another_has_another_boundary() -> None:
    assert raw() == raw()
    other = raw(message_id="<e47.d2@news.example.org>")
    assert parsed(raw()).get_boundary() != parsed(other).get_boundary()


@pytest.mark.parametrize("length", [40, 70, 300, 900])
def test_a_long_unsubscribe_address_stays_whole(length: int) -> None:
    url = "https://news.example.org/u/" + "a" * (length - 27)
    mailto = "mailto:leave+" + "b" * 40 + "@news.example.org?subject=unsubscribe"
    for second in (None, mailto):
        wire = raw(unsubscribe_url=url, unsubscribe_mailto=second)
        check_bytes(wire)
        expected = f"<{url}>" if second is None else f"<{url}>,\n <{mailto}>"
        assert header(wire, "List-Unsubscribe") == expected
        assert b"=?" not in wire.partition(b"\r\n\r\n")[0]


NAMES = [
    ("", None),
    ("Ceri Morgan", b"To: Ceri Morgan <"),
    ("Morgan, Ceri (Cllr.)", b'To: "Morgan, Ceri (Cllr.)" <'),
    ('Ceri "Cez" \\ Morgan', b'To: "Ceri \\"Cez\\" \\\\ Morgan" <'),
    ("Siân Ŵyn", b"To: =?utf-8?b?"),
    ("Dr 李小龙 " + "很长的名字" * 12, b"To: =?utf-8?b?"),
    ("=?utf-8?q?fake?=", b"To: =?utf-8?b?"),
    ("ceri@council.example", b'To: "ceri@council.example" <'),
    ("<evil@example.org>", b'To: "<evil@example.org>" <'),
]


@table("name, wire_start", NAMES)
def test_a_display_name_is_only_a_name(name: str, wire_start: bytes | None) -> None:
    wire = raw(to_name=name)
    check_bytes(wire)
    to = parsed(wire)["To"].addresses
    assert [a.addr_spec for a in to] == ["ceri.morgan@council.example"]
    if wire_start and wire_start.endswith(b"?b?"):
        # Decoded here, because the standard library puts spaces between encoded words, against RFC 2047.
        shown = header(wire, "To").partition(" <")[0]
        assert str(make_header(decode_header(shown))) == name
    else:
        assert to[0].display_name == name
    if wire_start:
        assert b"\r\n" + wire_start in wire
    for word in re.findall(rb"=\?[^ \r\n]+\?=", wire.partition(b"\r\n\r\n")[0]):
        assert len(word) <= 75


SUBJECTS = [
    "Plain",
    "A colon: and, commas; \"quotes\" <and> (brackets)",
    "Ŵyn y môr: nawdd cymdeithasol, tai a thrafnidiaeth yng Ngogledd Cymru, a 6 arall heddiw",
    "😀" * 40,
    "word " * 15 + "end",
    "y" * 78,
    "=?utf-8?q?not_encoded?=",
    "ends with a space? no",
]  # fmt: skip


@table("subject", SUBJECTS)
def test_a_subject_reads_back(subject: str) -> None:
    wire = raw(made=replace(MADE, subject=subject))
    check_bytes(wire)
    assert parsed(wire)["Subject"] == subject
    head = wire.partition(b"\r\n\r\n")[0]
    assert max(len(line) for line in head.split(b"\r\n") if not line.startswith(b"List-")) <= 78
    for word in re.findall(rb"=\?[^ \r\n]+\?=", head):
        assert len(word) <= 75


def test_domains_are_written_in_ascii() -> None:
    wire = raw(
        to="post@bücher.example", site=replace(sample.SITE, sender=NamedAddress("digest@bücher.example", "Büro"))
    )
    check_bytes(wire)
    assert header(wire, "To") == "post@xn--bcher-kva.example"
    assert parsed(wire)["From"].addresses[0].addr_spec == "digest@xn--bcher-kva.example"


def test_a_local_time_is_written_as_utc() -> None:
    summer = datetime(2026, 7, 3, 8, 0, tzinfo=timezone(timedelta(hours=1)))
    assert header(raw(date=summer), "Date") == "Fri, 03 Jul 2026 07:00:00 +0000"


def test_without_a_reply_address_there_is_no_reply_header() -> None:
    assert parsed(raw(site=replace(sample.SITE, reply_to=None)))["Reply-To"] is None


def test_one_click_and_the_list_are_told_in_the_raw_bytes() -> None:
    url = "https://news.example.org/u/" + "a" * 273
    assert len(url) == 300
    wire = raw(unsubscribe_url=url, unsubscribe_mailto="mailto:leave+x@news.example.org", to_name="Siân Ŵyn")
    check_bytes(wire)
    head = wire.partition(b"\r\n\r\n")[0] + b"\r\n"
    fields = {line.partition(b":")[0].lower(): line for line in re.split(rb"\r\n(?![ \t])", head) if line}
    assert fields[b"list-unsubscribe"].count(b"https://") == 1
    assert b"<" + url.encode() + b">" in fields[b"list-unsubscribe"]
    assert fields[b"list-unsubscribe-post"] == b"List-Unsubscribe-Post: List-Unsubscribe=One-Click"
    assert fields[b"list-id"].endswith(b"<weekly.news.example.org>")
    assert fields[b"auto-submitted"] == b"Auto-Submitted: auto-generated"
    # An encoded word may stand in a subject or a display name, never in an address, a list or an identifier.
    for name, line in fields.items():
        if b"=?" in line:
            assert name in (b"subject", b"to", b"from", b"reply-to", b"list-id")
            assert b"=?" not in b"".join(re.findall(rb"<[^>]*>", line))
    for part in wire.split(b"\r\n\r\n", 1)[1].split(b"Content-Transfer-Encoding: ")[1:]:
        assert part.startswith(b"quoted-printable\r\n")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"to": "a@x.example\r\nBcc: b@x.example"}, "control character"),
    ({"to": "jürgen@x.example"}, "plain letters"),
    ({"to": "nobody"}, "no @"),
    ({"to": "a b@x.example"}, "before the @"),
    ({"to": "a@x.example, b@x.example"}, "To"),
    ({"to": "a..b@x.example"}, "before the @"),
    ({"to": "a@x_y.example"}, "not a domain"),
    ({"to": "a@"}, "not a domain"),
    ({"to": "a@-x.example"}, "not a domain"),
    ({"to": "a@bü\u202echer.example"}, "not a domain"),
    ({"to": f"{'a' * 65}@x.example"}, "before the @"),
    ({"to_name": "Ceri\nBcc: b@x.example"}, "control character"),
    ({"to_name": "Ceri\x00"}, "control character"),
    ({"made": replace(MADE, subject="a\r\nBcc: b@x.example")}, "Subject"),
    ({"made": replace(MADE, subject="a\u2028b")}, "Subject"),
    ({"made": replace(MADE, feedback_id="a:b\r\nX: y")}, "Feedback-ID"),
    ({"message_id": "e47"}, "Message-ID"),
    ({"message_id": "<a@b>\r\nX: y"}, "Message-ID"),
    ({"date": datetime(2026, 11, 20)}, "Date"),
    ({"list_id": "weekly list"}, "List-ID"),
    ({"unsubscribe_url": "https://x.example/a b"}, "List-Unsubscribe"),
    ({"unsubscribe_url": "https://x.example/>, <mailto:b@x.example"}, "List-Unsubscribe"),
    ({"unsubscribe_url": "https://x.example/" + "a" * 1000}, "List-Unsubscribe"),
    ({"unsubscribe_url": "mailto:a@x.example"}, "one-click"),
    ({"unsubscribe_mailto": "https://x.example/2"}, "mailto"),
    ({"site": replace(sample.SITE, sender=NamedAddress("jürgen@x.example", "Digest"))}, "From"),
    ({"site": replace(sample.SITE, sender=NamedAddress("a@x.example, b@x.example"))}, "From"),
    ({"site": replace(sample.SITE, reply_to=NamedAddress("x\r\ny@x.example"))}, "Reply-To"),
    ({"site": replace(sample.SITE, name="News\nBcc: x")}, "List-ID"),
]


@table("change, told", REFUSED)
def test_what_would_break_a_header_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(DigestError, match=re.escape(told)) as caught:
        raw(**change)
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value).splitlines()) == 1
