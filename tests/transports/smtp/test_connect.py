"""Test connecting: encrypted and logged in as asked, or not at all; each error names its cure."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from digest.transports.smtp import SmtpSettings, SmtpTransport
from digest.transports.smtp.connect import greeting_name, in_the_clear
from tests.counts import table
from tests.transports.mailserver import (
    Act,
    Papers,
    Script,
    Talk,
    handed_over,
    make_papers,
    parcel,
    says,
    serving,
    settings,
)  # fmt: skip

REFUSALS = {
    "reader2@example.org": "550 5.1.1 <reader2@example.org>: no such reader",
    "reader3@example.org": "450 4.2.0 greylisted, try again in 5 minutes",
    "reader4@example.org": "451 4.3.0 ask again",
    "reader5@example.org": "552 5.2.2 mailbox full",
}
AT_THE_END = {"reader6@example.org": "554 5.7.1 looks like spam", "reader7@example.org": "452 4.3.1 no space"}


class Handler:
    """Take letters, except those of the tables above."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []
        self.logins: list[tuple[bytes, bool]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        if address in REFUSALS:
            return REFUSALS[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if envelope.rcpt_tos[0] in AT_THE_END:
            return AT_THE_END[envelope.rcpt_tos[0]]
        assert isinstance(envelope.original_content, bytes)
        self.taken.append((envelope.mail_from or "", envelope.rcpt_tos[0], envelope.original_content))
        return "250 2.0.0 Ok"

    def authenticate(self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, session.ssl is not None))
        return AuthResult(success=data.password == b"correct horse", handled=False)


@contextmanager
def aiosmtpd(papers: Papers, **options: Any) -> Iterator[tuple[Handler, SmtpSettings]]:
    """Run a real server that demands STARTTLS and a login; return it with the settings that it accepts."""
    handler = Handler()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(
        handler, "127.0.0.1", port, tls_context=papers.server(), require_starttls=True, auth_required=True,
        authenticator=handler.authenticate, **options,
    )  # fmt: skip
    controller.start()
    try:
        yield handler, SmtpSettings(
            "localhost", port, username="digest", password="correct horse", sender="digest@example.org",
            ca_file=str(papers.certificate), local_hostname="client.example", connections=2,
        )  # fmt: skip
    finally:
        controller.stop()


def test_a_real_server_takes_refuses_and_defers_each_letter(papers: Papers) -> None:
    letters = [parcel(number) for number in range(1, 9)]
    with aiosmtpd(papers) as (handler, chosen):
        heard, error = handed_over(SmtpTransport(chosen), letters)
    assert error is None
    assert {
        outcome.delivery: (outcome.state, outcome.reason, outcome.retry_after)
        for outcome in heard
        if outcome.state != "accepted"
    } == {
        2: ("refused", "550 5.1.1 <…>: no such reader", None),
        3: ("deferred", "450 4.2.0 greylisted, try again in 5 minutes", 300),
        4: ("deferred", "451 4.3.0 ask again", 600),
        5: ("deferred", "552 5.2.2 mailbox full", None),
        6: ("deferred", "554 5.7.1 looks like spam", None),
        7: ("deferred", "452 4.3.1 no space", 1800),
    }
    assert sorted(handler.taken) == [
        ("digest@example.org", letter.to, letter.message) for letter in letters if letter.delivery in (1, 8)
    ]
    assert handler.logins == [(b"digest", True)] * 2


def replaced(chosen: SmtpSettings, **changes: Any) -> SmtpSettings:
    return SmtpSettings(**({name: getattr(chosen, name) for name in SmtpSettings.__slots__} | changes))


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"password": "wrong"}, 1, "does not accept the login: 535 5.7.8 .*; check transport.username"),
        ({"password": "pässword"}, 1, "not plain ASCII; check transport.username and the password"),
        ({"ca_file": None}, 1, "certificate is not to be trusted .*; check transport.host, or name its authority"),
        ({"ca_file": "nowhere.pem"}, 1, "transport.ca_file: nowhere.pem: No such file or directory; name the file"),
        ({"security": "none"}, 1, "offers no login; remove transport.username"),
        (
            {"security": "tls"},
            75,
            "cannot be reached: TLS could not be set up; check transport.host, port and security",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_handed_over(
    papers: Papers, changes: dict[str, Any], code: int, words: str
) -> None:
    with aiosmtpd(papers) as (handler, chosen):
        heard, error = handed_over(SmtpTransport(replaced(chosen, **changes)), [parcel(1), parcel(2)])
    assert [(outcome.state, outcome.tried) for outcome in heard] == [("deferred", False)] * 2
    assert error is not None and error.exit_code == code
    assert re.search(words, str(error))
    assert handler.taken == []
    assert "wrong" not in str(error) and "pässword" not in str(error)
    assert all(encrypted for _, encrypted in handler.logins), "a password went in the clear"


@table(
    "own, sender, name",
    [
        ("mail.example.org", "digest@news.example.org", "mail.example.org"),
        ("digesthost", "digest@news.example.org", "news.example.org"),
        ("localhost", "digest@news.example.org", "news.example.org"),
        ("localhost.localdomain", "digest@news.example.org", "news.example.org"),
        ("digest.local", "digest@news.example.org", "news.example.org"),
        ("pod-1.svc.cluster.local", "digest@news.example.org", "news.example.org"),
        ("1.0.0.127.in-addr.arpa", "digest@news.example.org", "news.example.org"),
        ("192.0.2.1", "digest@news.example.org", "news.example.org"),
        ("my_host.example.org", "digest@news.example.org", "news.example.org"),
        ("digesthost", "", None),
    ],
)
def test_a_server_is_greeted_with_a_full_name(own: str, sender: str, name: str | None) -> None:
    assert greeting_name(own, sender) == name


def test_the_name_to_greet_with_can_be_set() -> None:
    with serving() as server:
        handed_over(SmtpTransport(settings(server, local_hostname="relay.example.org")), [parcel(1)])
    assert server.commands[0].lower() == "ehlo relay.example.org"


def test_a_server_that_asks_for_a_login_refuses_nobody(papers: Papers) -> None:
    with aiosmtpd(papers) as (handler, chosen):
        heard, error = handed_over(SmtpTransport(replaced(chosen, username=None)), [parcel(1), parcel(2)])
    assert error is None and handler.taken == []
    assert {(outcome.state, outcome.about) for outcome in heard} == {("deferred", "account")}
    assert heard[0].reason == "530 5.7.0 Authentication required"


def test_without_verification_any_certificate_will_do(papers: Papers) -> None:
    with aiosmtpd(papers) as (handler, chosen):
        heard, _ = handed_over(SmtpTransport(replaced(chosen, ca_file=None, verify=False)), [parcel(1)])
    assert [outcome.state for outcome in heard] == ["accepted"]
    assert handler.logins == [(b"digest", True)]


def test_the_wrong_name_on_a_certificate_is_refused(papers: Papers, tmp_path: Path) -> None:
    other = make_papers(tmp_path, "mail.example")
    with serving(tls=other.server()) as server:
        chosen = settings(server, security="starttls", ca_file=str(other.certificate))
        _, error = handed_over(SmtpTransport(chosen), [parcel(1)])
    assert "certificate is not to be trusted" in str(error)
    assert not [command for command in server.commands if command.startswith("MAIL")]


def not_tls(talk: Talk) -> None:
    talk.raw(b"220 go ahead\r\n")
    talk.take(1)
    talk.raw(b"250 mx.example\r\n235 welcome\r\n")
    talk.hang()


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ({"starttls": says("454 4.7.0 TLS not available now")}, 75, "asks for patience: 454 4.7.0 TLS not available"),
        ({"starttls": says("502 5.5.1 no")}, 1, "does not serve us: 502"),
        ({"starttls": Talk.reset}, 75, "cannot be reached"),
        ({"starttls": not_tls}, 75, "cannot be reached"),
        ({"connect": says("554 5.7.1 no service for you")}, 1, "does not serve us: 554 5.7.1 no service"),
        ({"connect": says("421 4.3.2 busy")}, 75, "asks for patience: 421 4.3.2 busy"),
        ({"connect": lambda talk: talk.raw(b"SSH-2.0-OpenSSH_9.2\r\n")}, 75, "cannot be reached"),
        ({"ehlo": says("554 5.5.0 go away"), "helo": says("554 5.5.0 go away")}, 1, "does not serve us: 554"),
    ],
)
def test_a_server_that_does_not_encrypt_gets_no_letter(script: Script, code: int, words: str, papers: Papers) -> None:
    with serving(script, tls=papers.server()) as server:
        chosen = settings(server, security="starttls", ca_file=str(papers.certificate), timeout=5)
        heard, error = handed_over(SmtpTransport(chosen), [parcel(1)])
    assert [(outcome.state, outcome.tried) for outcome in heard] == [("deferred", False)]
    assert error is not None and error.exit_code == code
    assert words in str(error)
    assert not [command for command in server.commands if command.startswith(("MAIL", "AUTH"))]


def test_starttls_that_is_not_offered_is_not_done_without() -> None:
    with serving() as server:
        _, error = handed_over(SmtpTransport(settings(server, security="starttls", username="digest")), [parcel(1)])
    assert error is not None and error.exit_code == 1
    assert 'does not offer STARTTLS, so nothing is sent; set transport.security = "tls"' in str(error)
    assert [command.split()[0].upper() for command in server.commands] == ["EHLO"]


def test_what_is_said_before_encryption_is_forgotten_after_it(papers: Papers) -> None:
    """An attacker in between adds answers after the 220; they must not be taken for the server's."""

    def injected(talk: Talk) -> None:
        talk.raw(b"220 go ahead\r\n250-mx.example\r\n250 AUTH PLAIN\r\n")
        talk.encrypt()

    with serving({"starttls": injected}, tls=papers.server()) as server:
        chosen = settings(server, security="starttls", ca_file=str(papers.certificate))
        heard, error = handed_over(SmtpTransport(chosen), [parcel(1), parcel(2)])
    # The added answers may be refused at the handshake or forgotten, but never used.
    assert not [command for command in server.commands if command.startswith("AUTH")]
    assert error is not None or [outcome.state for outcome in heard] == ["accepted", "accepted"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_letters_go_encrypted_and_pipelined(security: str, papers: Papers) -> None:
    letters = [parcel(number, size=60_000) for number in range(1, 21)]
    with serving(tls=papers.server(), implicit=security == "tls", lockstep=len(letters)) as server:
        chosen = settings(server, security=security, ca_file=str(papers.certificate))
        heard, _ = handed_over(SmtpTransport(chosen), letters)
    assert {outcome.state for outcome in heard} == {"accepted"}
    assert [message.body for message in server.queued] == [letter.message for letter in letters]


@pytest.mark.parametrize(
    ("act", "code", "words"),
    [
        (says("235 2.7.0 welcome"), None, ""),
        (says("454 4.7.0 temporary failure"), 75, "asks for patience: 454 4.7.0 temporary failure"),
        (says("535 5.7.8 digest-user: bad login"), 1, "does not accept the login: 535 5.7.8 …: bad login"),
        (Talk.reset, 75, "cannot be reached"),
    ],
)
def test_each_answer_to_a_login(act: Act, code: int | None, words: str) -> None:
    with serving({"auth": act}, extensions=("AUTH PLAIN",)) as server:
        chosen = settings(server, username="digest-user", password="correct horse")
        _, error = handed_over(SmtpTransport(chosen), [parcel(1)])
    assert (error and error.exit_code) == code
    assert words in str(error or "")
    assert len(server.queued) == (code is None)


def test_a_login_of_a_kind_we_do_not_know() -> None:
    with serving(extensions=("AUTH XOAUTH2",)) as server:
        _, error = handed_over(SmtpTransport(settings(server, username="digest")), [parcel(1)])
    assert error is not None and error.exit_code == 1
    assert "no way to log in that we know" in str(error)


@table(
    "security, peer, clear",
    [
        ("none", "192.0.2.7", True), ("none", "2001:db8::7", True), ("none", "fe80::1%eth0", True),
        ("none", "127.0.0.1", False), ("none", "::1", False), ("tls", "192.0.2.7", False),
        ("starttls", "192.0.2.7", False),
    ],
)  # fmt: skip
def test_a_password_crosses_no_network_in_the_clear(security: str, peer: str, clear: bool) -> None:
    assert in_the_clear(security, peer) is clear


def test_the_password_is_in_no_repr() -> None:
    assert "correct horse" not in repr(SmtpSettings("mx.example", username="digest", password="correct horse"))


def test_connections_are_all_closed_when_one_cannot_be_made() -> None:
    """pytest turns the warning about a socket left open into an error; the test counts the threads."""
    before = threading.active_count()
    with serving({("connect", 2): says("554 no"), ("connect", 3): Talk.reset}) as server:
        heard, _ = handed_over(SmtpTransport(settings(server, connections=3)), [parcel(n) for n in range(1, 10)])
    assert {outcome.state for outcome in heard} == {"accepted"}
    assert threading.active_count() == before
