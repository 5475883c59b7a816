"""Test the outcome of each reply, the words kept of it, and the form of a letter on the wire."""

from __future__ import annotations

import pytest

from digest.letter.blocks import Assembled
from digest.transports.base import Parcel
from digest.transports.smtp.envelope import Unmailable, mail_address, make_ready, wire_form
from digest.transports.smtp.replies import Reply, about_whom, reason, verdict, wait_in_reply
from tests.counts import table

TO = "Jane.Doe@example.org"


@table(
    "code, text, state, wait",
    [
        (250, "2.0.0 Ok: queued as 4XyZ", "accepted", None),
        (251, "User not local; will forward", "accepted", None),
        (421, "4.7.0 too many connections", "deferred", 300),
        (450, "4.2.0 Greylisted", "deferred", 600),
        (451, "4.3.0 Local error", "deferred", 600),
        (452, "4.2.2 Mailbox full", "deferred", 1800),
        (454, "4.7.0 Temporary authentication failure", "deferred", 900),
        (450, "4.7.1 Greylisted, try again in 300 seconds", "deferred", 300),
        (450, "4.7.1 Greylisting in action, please come back in 5 minutes", "deferred", 300),
        (450, "4.2.0 Greylisted, see http://postgrey.example: wait 00:04:55", "deferred", 295),
        (451, "Try again after 2 hours", "deferred", 7200),
        (451, "try again in 2 s", "deferred", 60),
        (451, "try again in 90000 seconds", "deferred", 21600),
        (550, "5.1.1 User unknown", "refused", None),
        (552, "5.3.4 Message too big", "deferred", None),
        (554, "rejected", "refused", None),
        # A full mailbox, and whatever else may pass, is tried again, also where the server says 5.
        (552, "5.2.2 Mailbox full", "deferred", None),
        (552, "5.2.2 Postfach voll", "deferred", None),
        (550, "Quota exceeded (mailbox for user is full)", "deferred", None),
        (
            550,
            "5.2.1 The user you are trying to contact is receiving mail at a rate that is too high",
            "deferred",
            None,
        ),
        (554, "5.0.0 The account is temporarily locked", "deferred", None),
        (550, "5.7.1 Greylisted, try again later", "deferred", None),
        (552, "No", "deferred", None),
        (552, "5.1.1 no such user", "refused", None),
        (554, "5.7.1 rejected", "deferred", None),
    ],
)
def test_a_reply_settles_a_letter(code: int, text: str, state: str, wait: float | None) -> None:
    outcome = verdict(7, "RCPT", Reply(code, text), TO)
    assert (outcome.state, outcome.reason, outcome.retry_after) == (state, f"{code} {text}", wait)


@pytest.mark.parametrize("code", [354, 334])
def test_what_is_no_final_reply_settles_nothing(code: int) -> None:
    with pytest.raises(ValueError):
        verdict(7, ".", Reply(code, "go on"), TO)


@table(
    "verb, code, text, about",
    [
        ("MAIL", 550, "5.7.1 you may not send as this domain", "account"),
        ("MAIL", 553, "sorry, that domain isn't allowed", "account"),
        ("MAIL", 530, "5.7.0 Must issue a STARTTLS command first", "account"),
        ("RCPT", 530, "5.7.0 Authentication required", "account"),
        (".", 535, "5.7.8 credentials expired", "account"),
        (".", 550, "5.4.5 Daily user sending limit exceeded", "account"),
        ("DATA", 451, "4.7.1 hourly sending quota exceeded", "account"),
        ("RCPT", 553, "5.7.1 <digest@news.example.org>: Sender address rejected: not owned by user", "sender"),
        ("RCPT", 504, "5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", "sender"),
        ("RCPT", 454, "4.7.1 <a@b.example>: Relay access denied", "sender"),
        (".", 550, "5.7.60 SMTP; Client does not have permissions to send as this sender", "sender"),
        (".", 554, "5.7.1 looks like spam", "sender"),
        ("MAIL", 552, "5.3.4 Message size exceeds fixed limit", "letter"),
        ("MAIL", 552, "no", "letter"),
        ("MAIL", 554, "5.3.4 too big", "letter"),
        ("MAIL", 550, "5.6.7 SMTPUTF8 needed", "letter"),
        ("RCPT", 550, "5.2.3 message too large for this mailbox", "letter"),
        (".", 554, "5.6.0 virus found", "letter"),
        (".", 452, "4.3.4 message size exceeds what is free now", ""),
        ("MAIL", 451, "4.3.0 later", ""),
        ("RCPT", 550, "5.1.1 User unknown", ""),
        ("RCPT", 552, "5.2.2 Mailbox quota exceeded", ""),
    ],
)
def test_what_is_said_of_the_sender_strikes_off_no_reader(verb: str, code: int, text: str, about: str) -> None:
    assert about_whom(verb, Reply(code, text)) == about
    assert about == "" or verdict(7, verb, Reply(code, text), TO).state == "deferred"


@table(
    "text",
    [
        "5.1.1 <Jane.Doe@example.org>: Recipient address rejected",
        "5.1.1 <jane.doe@EXAMPLE.org>... User unknown",
        "no such user jane.doe here",
        "mailbox jane.doe@example.org,jd@other.example is full",
        "see https://help.example/?to=Jane.Doe%40example.org",
        "bounce to bounces+jane.doe=example.org@lists.example",
        "jane.doe=example.org is unknown",
        "aliased to <someone.else@corp.example>",
    ],
)
def test_a_reason_names_nobody(text: str) -> None:
    words = reason(Reply(550, text), TO)
    assert words.startswith("550 ")
    for name in ("jane", "doe", "example.org", "else", "corp.example", "jd@"):
        assert name not in words.lower(), words


def test_a_reason_is_one_short_clean_line() -> None:
    words = reason(Reply(550, "bad\x1b[31m thing\r\n" + "x" * 500), TO)
    assert len(words) == 200
    assert words.isprintable()
    assert words.startswith("550 bad [31m thing x")


def test_a_wait_is_never_read_from_a_number_that_is_none() -> None:
    assert wait_in_reply(Reply(450, "4.7.1 client host blocked in 2026 by rbl.example")) == 600


def ready(to: str = TO, message: bytes = b"To: x\r\n\r\nHi\r\n", **offers: str) -> list[bytes]:
    unready = Parcel(5, "weekly", to, [message], Assembled("s", [], []), tag="5")
    letter = make_ready(unready, lambda tag: f"bounce+{tag}@news.example.org", offers)
    return [command for _, command in letter.commands]


def test_commands_use_what_the_server_offers() -> None:
    assert ready()[:2] == [b"MAIL FROM:<bounce+5@news.example.org>\r\n", b"RCPT TO:<Jane.Doe@example.org>\r\n"]
    assert ready(size="")[0] == b"MAIL FROM:<bounce+5@news.example.org> SIZE=13\r\n"
    eight = ready(message="Grüße\r\n".encode(), **{"8bitmime": ""})
    assert eight[0] == b"MAIL FROM:<bounce+5@news.example.org> BODY=8BITMIME\r\n"
    utf8 = ready(to="jürgen@bücher.example", smtputf8="", size="100")
    assert utf8[0] == b"MAIL FROM:<bounce+5@news.example.org> SIZE=13 SMTPUTF8\r\n"
    assert utf8[1] == "RCPT TO:<jürgen@xn--bcher-kva.example>\r\n".encode()


@table(
    "to, message, offers, words",
    [
        ("jürgen@example.org", b"Hi\r\n", {}, "SMTPUTF8"),
        (TO, b"x" * 100 + b"\r\n", {"size": "101"}, "102 bytes and this server takes 101"),
        (TO, b"\xff\r\n", {}, "8BITMIME"),
        ("nobody", b"Hi\r\n", {}, "not one that can be mailed"),
        ("a@b.example>\r\nDATA", b"Hi\r\n", {}, "not one that can be mailed"),
        ("a b@example.org", b"Hi\r\n", {}, "not one that can be mailed"),
        ("a\u2028@example.org", b"Hi\r\n", {"smtputf8": ""}, "not one that can be mailed"),
        ("a@-ü-.example", b"Hi\r\n", {}, "not a domain name"),
    ],
)
def test_what_cannot_be_handed_over_is_refused_here(
    to: str, message: bytes, offers: dict[str, str], words: str
) -> None:
    with pytest.raises(Unmailable, match=words) as caught:
        ready(to, message, **offers)
    assert to not in str(caught.value)


@pytest.mark.parametrize("limit", ["", "0", "102", "many"])
def test_a_size_within_the_limit_or_without_one_passes(limit: str) -> None:
    assert ready(message=b"x" * 100 + b"\r\n", size=limit)


def test_a_domain_outside_ascii_is_encoded() -> None:
    assert mail_address("jane@bücher.example") == ("jane@xn--bcher-kva.example", False)


@table(
    "message, wire",
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n.\r\n"),
        (b"a\r\nb", b"a\r\nb\r\n.\r\n"),
        (b".a\r\n.\r\n..\r\n", b"..a\r\n..\r\n...\r\n.\r\n"),
        (b"a\n.\nb\r.\rc\r\n", b"a\r\n..\r\nb\r\n..\r\nc\r\n.\r\n"),
        (b"a\r\n.\nMAIL FROM:<x@y.example>\n", b"a\r\n..\r\nMAIL FROM:<x@y.example>\r\n.\r\n"),
        (b"", b"\r\n.\r\n"),
    ],
)
def test_only_the_last_dot_ends_a_letter(message: bytes, wire: bytes) -> None:
    assert wire_form(message) == wire
