"""Test the forms of reports that servers write beside the standard's: other parts, other encodings, plain words."""

from __future__ import annotations

import base64
from functools import partial

import pytest

from digest.ledger.events import Event, action
from digest.transports.mailbox.reports import NoReport, read_report
from digest.transports.tag import delivery_tag, read_tag
from tests.counts import table
from tests.transports.postbox import block, dsn, envelope, note
from tests.transports.webhook import KEYS, NOW, SECRET, made_up_keys

TO = envelope(7)
DAEMON = "Mail Delivery System <Mailer-Daemon@mx.example>"
STATUS = f"Reporting-MTA: dns; mx.example\n\n{block('5.1.1', diagnostic='550 5.1.1 unknown')}".replace("\n", "\r\n")


def report(raw: bytes) -> Event:
    return read_report(raw, partial(read_tag, SECRET, made_up_keys), lambda _text: None, NOW)


def does(event: Event) -> str:
    assert event.delivery == 7
    return action(event.kind, event.status, event.reason)


def with_part(head: str, body: str) -> bytes:
    """Return a report whose machine-readable part has this head and this body."""
    before, _, rest = dsn(TO, block()).decode().partition("Content-Type: message/delivery-status")
    after = rest[rest.index("\r\n--b1") :]
    return f"{before}{head}\r\n\r\n{body}{after}".encode()


@table(
    "raw",
    [
        with_part("Content-Type: message/global-delivery-status", STATUS),
        with_part(
            "Content-Type: message/global-delivery-status; charset=utf-8", STATUS.replace("reader@", "jürgen@")
        ),
        with_part("Content-Type: text/plain", STATUS),
        with_part("Content-Type: text/plain; name=details.txt\r\nContent-Disposition: attachment", STATUS),
        with_part(
            "Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64",
            base64.encodebytes(STATUS.encode()).decode(),
        ),
        with_part(
            "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: base64",
            base64.encodebytes(STATUS.encode()).decode(),
        ),
        with_part(
            "Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: quoted-printable",
            STATUS.replace("unknown", "unkno=\r\nwn"),
        ),
        with_part("Content-Type: application/octet-stream; name=ATT1.dat", STATUS),
        with_part(
            "Content-Type: message/delivery-status", STATUS.replace("Action: failed", "Action: failed (bounced)")
        ),
        with_part("Content-Type: message/delivery-status", STATUS.replace("550 5", "550\r\n 5")),
    ],
)
def test_the_part_for_machines_is_read_wherever_it_stands(raw: bytes) -> None:
    event = report(raw)
    assert (event.kind, event.status, does(event)) == ("bounced", "5.1.1", "bounced")


def test_of_two_bounces_behind_one_address_a_full_mailbox_outranks_a_dead_one() -> None:
    assert does(report(dsn(TO, block("5.1.1"), block("5.2.2")))) == "strike"


EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  reader@example.org
    {}

------ This is a copy of the message, including all the headers. ------

Return-path: <x@example.org>
"""
REMOTE = "SMTP error from remote mail server after RCPT TO:<reader@example.org>:\n    {}"
QMAIL = """Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<reader@example.org>:
{}

--- Below this line is a copy of the message.

Return-Path: <x@example.org>
"""
POSTFIX = """This is the mail system at host mx.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

<reader@example.org>: host mx.a0.example[192.0.2.9] said: {}
    (in reply to RCPT TO command)
"""
SENDMAIL = """The original message was received at Mon, 2 Nov 2026 10:00:00 GMT

   ----- The following addresses had permanent fatal errors -----
<reader@example.org>
    (reason: {})

   ----- Transcript of session follows -----
"""
EXCHANGE = """Your message did not reach some or all of the intended recipients.

      Subject: The letter

The following recipient(s) could not be reached:

      reader@example.org on 02/11/2026 10:00
            The message could not be delivered. Please check the address.
            <mail.a0.example {}>
"""
GMAIL = """Delivery to the following recipient failed permanently:

     reader@example.org

Technical details of permanent failure:
The error that the other server returned was:
{}
"""
POLICY = "Our policy version 5.2.1 applies to external senders. Your mail was delivered."


@table(
    "text, does_what",
    [
        (EXIM.format(REMOTE.format("550 No such user here")), "bounced"),
        (EXIM.format(REMOTE.format("550 relay not permitted")), "alert"),
        (EXIM.format("mailbox is full: retry timeout exceeded"), "strike"),
        (EXIM.format("all hosts for 'example.org' have been failing for a long time"), "strike"),
        (EXIM.format("Unrouteable address"), "unsure"),
        (QMAIL.format("Sorry, no mailbox here by that name. (#5.1.1)"), "bounced"),
        (QMAIL.format("The users mailfolder is over the allowed quota (size). (#5.2.2)"), "strike"),
        (QMAIL.format("192.0.2.9 does not like recipient.\nRemote host said: 554 Relay access denied"), "alert"),
        (POSTFIX.format("550 5.1.1 <reader@example.org>:\n    Recipient address rejected: User unknown"), "bounced"),
        (POSTFIX.format("554 5.7.1 Service unavailable; Client host blocked"), "alert"),
        (SENDMAIL.format("550 5.1.1 <reader@example.org>... User unknown"), "bounced"),
        (SENDMAIL.format("452 4.2.2 Mailbox full"), "strike"),
        (EXCHANGE.format("#5.1.1"), "bounced"),
        (EXCHANGE.format("#5.2.2 smtp;554 mailbox full"), "strike"),
        (GMAIL.format("550 550 5.1.1 unknown user (state 14)."), "bounced"),
        (GMAIL.format("552 552 5.3.4 the message is too big (state 18)."), "alert"),
    ],
)
@table("head", ["", "Auto-Submitted: auto-replied\nX-Failed-Recipients: reader@example.org\n"])
def test_the_plain_words_of_a_mail_server(text: str, does_what: str, head: str) -> None:
    event = report(note(TO, head, DAEMON, text))
    assert event.kind in ("bounced", "blocked")
    assert does(event) == does_what
    assert "@" not in event.reason


def test_two_recipients_in_plain_words_count_as_the_mildest() -> None:
    text = EXIM.format("550 No such user here\n\n  second@example.org\n    mailbox is full")
    assert does(report(note(TO, "", DAEMON, text))) == "strike"


def test_a_plain_report_in_html_alone() -> None:
    text = "<html><body><p>Delivery has failed to these recipients:</p><p>550 5.1.1 user unknown</p></body></html>"
    raw = note(TO, "Content-Type: text/html\n", DAEMON, text)
    assert does(report(raw)) == "bounced"


@pytest.mark.parametrize(
    "text",
    [
        "Warning: your message has been delayed. You need not send it again.\n\n  reader@example.org\n    timed out",
        "THIS IS A WARNING ONLY.\n<reader@example.org>: host mx said: 450 4.2.0 greylisted",
        "It has not yet been delivered to reader@example.org; delivery attempts will continue. 550 5.1.1",
    ],
)
def test_a_warning_is_no_bounce(text: str) -> None:
    event = report(note(TO, "Auto-Submitted: auto-replied\n", DAEMON, text))
    assert (event.kind, does(event)) == ("deferred", "")


@table(
    "sender, text, machine",
    [
        ("postmaster@a0.example", POLICY, False),
        ("Postmaster <postmaster@a0.example>", "550 5.2.1 is our code for a closed mailbox. All is well.", False),
        ("postmaster@a0.example", "5.2.1 Policy\nThe letter was delivered.\n550 5.1.1 means unknown user", False),
        (DAEMON, "Your message was successfully delivered. 250 2.0.0 ok", False),
        (DAEMON, "Mail to one of your readers could not be delivered. Please call us.", False),
        ("reader@example.org", EXIM.format("550 No such user here"), False),
    ],
)
def test_what_no_server_says_of_a_failure_is_left_for_a_person(sender: str, text: str, machine: bool) -> None:
    with pytest.raises(NoReport) as caught:
        report(note(TO, "", sender, text))
    assert caught.value.machine is machine


def test_a_read_receipt_is_an_automatic_answer() -> None:
    head = 'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\n'
    with pytest.raises(NoReport, match="automatic") as caught:
        report(note(TO, head, "reader@example.org", "--b\n\nread\n--b--"))
    assert caught.value.machine


def test_a_plain_report_without_our_tag_is_left_for_a_person() -> None:
    with pytest.raises(NoReport, match="without the tag") as caught:
        report(note("bounce@example.org", "", DAEMON, EXIM.format("550 No such user here")))
    assert not caught.value.machine


@table(
    "subject, text",
    [
        ("unsubscribe", "Please take me off this list."),
        ("Unsubscribe", ""),
        ("Re: The letter", "Please remove me from your mailing list, thanks.\n\n> The letter"),
        ("Re: The letter", "STOP"),
        ("Re: The letter", "> the letter\nTake me off this list please!"),
        ("Dad-danysgrifio", "Diolch"),
        ("Parthed", "Tynnwch fi oddi ar y rhestr os gwelwch yn dda"),
    ],
)
def test_a_reader_who_asks_by_mail_to_leave_leaves(subject: str, text: str) -> None:
    raw = note(TO, "", "someone.else@example.org", text).replace(b"Subject: Away", f"Subject: {subject}".encode())
    event = report(raw)
    assert (event.kind, does(event)) == ("unsubscribed", "left")


@table(
    "head, text, to",
    [
        ("", "Can my colleague unsubscribe from this list? I would like to stay.", TO),
        ("", "I moved the bins.\nunsubscribe", TO),
        ("Auto-Submitted: auto-replied\n", "unsubscribe", TO),
        ("", "unsubscribe", "bounce@example.org"),
        ("", "unsubscribe", envelope(7, lambda n: delivery_tag(b"o" * 32, n, KEYS))),
    ],
)
def test_nobody_leaves_by_any_other_message(head: str, text: str, to: str) -> None:
    with pytest.raises(NoReport) as caught:
        report(note(to, head, "reader@example.org", text))
    assert caught.value.reader is (not head)  # also without the tag, which an answer may have lost
