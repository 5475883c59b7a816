"""Test reports of mail servers in every dialect, and that a stranger's message is never believed."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ledger.events import Event, action
from digest.transports.mailbox.reports import LARGEST, NoReport, read_report
from digest.transports.tag import delivery_tag, read_tag
from tests.counts import spread, table
from tests.transports.postbox import arf, block, dsn, envelope, note
from tests.transports.webhook import KEYS, NOW, SECRET, made_up_keys

TO = envelope(7)


def report(raw: bytes) -> Event:
    return read_report(raw, partial(read_tag, SECRET, made_up_keys), lambda _text: None, NOW)


@table(
    "recipient, kind, status, does",
    [
        (block("5.1.1", diagnostic="550 5.1.1 unknown"), "bounced", "5.1.1", "bounced"),
        (block("5.0.0", diagnostic="550 5.1.1 unknown"), "bounced", "5.1.1", "bounced"),
        (
            block("5.0.0", diagnostic="554 5.7.1 listed"),
            "bounced",
            "5.7.1",
            "alert",
        ),  # the real status is in the words
        (block("5.7.1", diagnostic="spam"), "bounced", "5.7.1", "alert"),
        (block("5.2.2"), "bounced", "5.2.2", "strike"),
        (block("4.4.7"), "blocked", "4.4.7", "strike"),
        (block("4.2.2", action="delayed"), "deferred", "4.2.2", ""),
        (block("2.0.0", action="delivered"), "delivered", "2.0.0", ""),
        (block("2.0.0", action="relayed"), "processed", "2.0.0", ""),
        (block("", diagnostic="550 5.2.1 disabled"), "bounced", "5.2.1", "bounced"),
        (block("5.1.1 (bad destination)", action="Failed"), "bounced", "5.1.1", "bounced"),
        (block("5.1.1", action=""), "bounced", "5.1.1", "bounced"),
        (block("4.3.0", action=""), "blocked", "4.3.0", "strike"),
        (block("", action="failed"), "bounced", None, "unsure"),  # it says nothing of the address
    ],
)
def test_a_notification(recipient: str, kind: str, status: str | None, does: str) -> None:
    event = report(dsn(TO, recipient))
    assert (event.kind, event.status, event.delivery, event.address, event.provider) == (
        kind,
        status,
        7,
        None,
        "mail",
    )
    assert event.at == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert action(event.kind, event.status, event.reason) == does


def test_behind_a_shared_address_the_best_off_decides() -> None:
    gone, full, slow = block("5.1.1"), block("4.2.2"), block("4.2.1", action="delayed")
    assert report(dsn(TO, gone, full)).kind == "blocked"
    assert report(dsn(TO, gone, slow, full)).kind == "deferred"
    assert report(dsn(TO, gone, gone)).kind == "bounced"


@pytest.mark.parametrize(
    "head",
    [f"Delivered-To: {TO}\n", f"X-Original-To: {TO}\n", f"Envelope-To: <{TO}>\n", f"Delivered-To: {TO.upper()}\n"],
)
def test_the_tag_in_another_header(head: str) -> None:
    assert report(dsn("bounces@example.org", block(), head=head)).delivery == 7


def test_the_tag_in_the_envelope_id() -> None:
    raw = dsn("bounces@example.org", block()).replace(b"Arrival-Date:", f"Original-Envelope-Id: {TO}\r\nX:".encode())
    assert report(raw).delivery == 7


def test_no_address_is_kept() -> None:
    event = report(dsn(TO, block(diagnostic="550 5.1.1 <reader@example.org>: unknown")))
    assert event.reason == "550 5.1.1 <…>: unknown"


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("bounce@example.org", "without the tag"),
        (envelope(7, lambda n: delivery_tag(b"o" * 32, n, KEYS)), "without the tag"),
        (TO.replace("7-", "8-"), "without the tag"),
        (f"{TO}, {envelope(8)}", "without the tag"),
    ],
)
def test_a_stranger_can_say_nothing(to: str, why: str) -> None:
    with pytest.raises(NoReport, match=why) as caught:
        report(dsn(to, block()))
    assert caught.value.machine


def test_copies_are_one_event_and_others_are_not() -> None:
    first = report(dsn(TO, block()))
    assert report(dsn(TO, block(), head="Received: again\n")).id == first.id
    others = [dsn(TO, block(), name="n2"), dsn(envelope(8), block()), dsn(TO, block(action="delayed"))]
    assert len({first.id, *(report(raw).id for raw in others)}) == 4
    nameless = dsn(TO, block()).replace(b"Message-ID", b"X-Nothing")
    assert report(nameless).id == report(nameless).id != first.id


@table(
    "head",
    ["Auto-Submitted: auto-replied\n", "Auto-Submitted: auto-replied; x=y\n", "X-Autoreply: yes\n",
     "X-Autorespond: 1\n", "Precedence: auto_reply\n"],
)  # fmt: skip
def test_an_absence_note_is_no_report(head: str) -> None:
    text = "I am away. 5.1.1 is our room."
    for sender in ("reader@example.org", "MAILER-DAEMON@mx.example"):
        with pytest.raises(NoReport, match="an automatic answer") as caught:
            report(note(TO, head, sender, text))
        assert caught.value.machine


def test_a_persons_message_is_left_to_a_person() -> None:
    with pytest.raises(NoReport, match="for a person") as caught:
        report(note(TO, text="550 5.1.1 is what I got when I wrote to you."))
    assert not caught.value.machine


@pytest.mark.parametrize(
    ("text", "kind", "status"),
    [
        ("Hello.\n\n<reader@example.org>:\n550 5.1.1 no such user here", "bounced", "5.1.1"),
        ("could not deliver: 452 4.2.2 mailbox full", "blocked", "4.2.2"),
    ],
)
def test_a_mail_servers_own_words(text: str, kind: str, status: str) -> None:
    event = report(note(TO, sender="Mail Delivery Subsystem <mailer-daemon@mx.example>", text=text))
    assert (event.kind, event.status, event.delivery) == (kind, status, 7)


def test_a_mail_servers_words_without_a_failure_are_left_to_a_person() -> None:
    for text in ("It did not work.", "250 2.1.5 all is well"):
        with pytest.raises(NoReport, match="for a person"):
            report(note(TO, sender="postmaster@mx.example", text=text))


@table(
    "raw, kind",
    [
        (arf(f"Return-Path: <{TO}>"), "complained"),
        (arf(f"X: y\nReturn-Path: <{TO}>", kind="fraud"), "complained"),
        (arf(f"Return-Path: <{TO}>", kind="Opt-Out"), "unsubscribed"),
        (arf("X: y", fields=f"Original-Mail-From: <{TO}>"), "complained"),
        (arf(f"Return-Path: <{TO}>").replace(b"message/rfc822", b"text/rfc822-headers"), "complained"),
        (arf("X: y").replace(b"To: abuse@example.org", f"To: {TO}".encode()), "complained"),
    ],
)
def test_a_complaint(raw: bytes, kind: str) -> None:
    event = report(raw)
    assert (event.kind, event.delivery, event.status) == (kind, 7, None)


@table("kind", ["not-spam", "virus", "auth-failure", "other", "dmarc"])
def test_feedback_that_is_no_complaint(kind: str) -> None:
    with pytest.raises(NoReport, match="no complaint"):
        report(arf(f"Return-Path: <{TO}>", kind=kind))


def test_a_complaint_without_our_tag_touches_nobody() -> None:
    for quoted in ("bounce+7-00000000000000000000@example.org", "bounce@example.org", "redacted"):
        with pytest.raises(NoReport, match="a complaint without the tag") as caught:
            report(arf(f"Return-Path: <{quoted}>"))
        assert caught.value.reader and not caught.value.machine  # so that it stays unread, and is told


def nested(depth: int) -> bytes:
    opening = "".join(f'Content-Type: multipart/mixed; boundary="x{n}"\n\n--x{n}\n' for n in range(depth))
    return f"To: {TO}\n{opening}Content-Type: text/plain\n\nx\n".encode()


@pytest.mark.parametrize(
    "raw",
    spread(5, [
        b"", b"\x00" * 1000, b"\xff\xfe", b"To: " + b"a" * 100_000, nested(2000), b"Content-Type: ;;;=\n\n",
        dsn(TO), dsn(TO, "Nothing: here"), dsn(TO, block(action="exploded")),
        f"To: {TO}\nContent-Type: message/delivery-status\n\n".encode(),
        f"To: {TO}\nContent-Type: multipart/report; report-type=feedback-report\n\nx".encode(),
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=\"b1\n\n--b1\n",
        b"From: mailer-daemon\nTo: =?utf-8?q?=ff?=\nContent-Type: text/plain; charset=none\n\n5.1.1",
    ]),
)  # fmt: skip
def test_a_damaged_message_is_no_report(raw: bytes) -> None:
    with pytest.raises(NoReport):
        report(raw)


@pytest.mark.parametrize("date", ["", "nonsense", "Mon, 32 Nov 2026 10:00:00", "Fri, 01 Jan 2100 00:00:00 +0000"])
def test_an_impossible_date_is_now(date: str) -> None:
    assert report(dsn(TO, block(), date=date)).at == NOW


def test_only_so_much_is_read() -> None:
    raw = dsn(TO, block()).replace(b"Text.", b"x" * (2 * LARGEST))
    assert report(raw).status == "5.1.1"
    # Nothing beyond that counts, however the message is built.
    late = dsn(TO, block()).replace(b"Sorry.", b"x" * LARGEST)
    with pytest.raises(NoReport):
        report(late)


def test_a_report_that_the_library_cannot_write_again_is_damaged() -> None:
    raw = arf(f"Return-Path: <{TO}>").replace(b"User-Agent: Loop/1.0\r\n", b"User-Agent:\x0b")
    with pytest.raises(NoReport, match="damaged"):
        report(raw)


@given(st.data())
def test_whatever_is_changed_in_a_report_nothing_breaks(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from([dsn(TO, block()), arf(f"Return-Path: <{TO}>")])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=6))
    try:
        event = report(bytes(raw))
    except NoReport:
        return
    assert event.delivery == 7
