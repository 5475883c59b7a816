"""An IMAP server's refusal is told as what a person must mend, or as what passes."""

from __future__ import annotations

import imaplib
import socket
import ssl
from pathlib import Path

import pytest

from digest.errors import ConfigError, TryLater
from digest.transports.mailbox.imap_trouble import trouble_of
from digest.transports.mailbox.mailbox import open_mailbox, reach_mailbox
from tests.counts import table
from tests.transports.imapserver import ImapServer

TO_MEND = [
    ("login", "[AUTHENTICATIONFAILED] Authentication failed.", "password"),
    ("login", "[AUTHENTICATIONFAILED] Invalid credentials (Failure)", "password"),
    ("login", "LOGIN failed.", "password"),
    ("login", "[EXPIRED] password is over", "expired"),
    ("login", "[PRIVACYREQUIRED] Plaintext authentication disallowed", "imaps://"),
    ("login", "[CONTACTADMIN] see the desk", "administrator"),
    ("login", "[ALERT] Application-specific password required: https://x.example", "app password"),
    ("login", "[ALERT] Please log in via your web browser", "browser"),
    ("login", "[WEBALERT https://x.example] Web login required.", "browser"),
    ("login", "[AUTHORIZATIONFAILED] no such account to act for", "right"),
    ("login", "AUTHENTICATE failed. BasicAuthBlocked", "takes no password"),
    ("login", "[ALERT] Your account is not enabled for IMAP use.", "switch"),
    ("login", "Account disabled, ask ann@example.org", "locked"),
    ("folder", "[NONEXISTENT] Unknown Mailbox: Bounces", "'Bounces' cannot be opened"),
    ("folder", "[TRYCREATE] Mailbox doesn't exist", "'Bounces' cannot be opened"),
    ("folder", "Bounces doesn't exist.", "'Bounces' cannot be opened"),
    ("folder", "[NOPERM] Permission denied", "'Bounces': the user has no right"),
    ("folder", "Permission denied", "'Bounces': the user has no right"),
    ("read", "[NOPERM] may not store", "'Bounces': the user has no right"),
    ("connect", "TLS not supported by server", "STARTTLS"),
]
PASSING = [
    ("login", "[UNAVAILABLE] Temporary authentication failure."),
    ("login", "[INUSE] Too many sessions"),
    ("login", "[LIMIT] Too many simultaneous connections"),
    ("login", "[SERVERBUG] Internal error"),
    ("login", "[ALERT] Too many simultaneous connections. (Failure)"),
    ("login", "Server Unavailable. 15"),
    ("login", "User is authenticated but not connected."),
    ("folder", "[UNAVAILABLE] backend away"),
    ("folder", "[INUSE] Mailbox is locked"),
    ("folder", "Mailbox is temporarily unavailable"),
    ("read", "[EXPUNGEISSUED] some messages are gone"),
    ("read", "not now"),
]


@table("step, words, told", TO_MEND)
def test_what_a_person_must_mend_has_its_cure(step: str, words: str, told: str) -> None:
    for error in (imaplib.IMAP4.error(words.encode()), imaplib.IMAP4.error("NO", words.encode())):
        trouble = trouble_of(error, "mail.example", step, "Bounces")
        assert isinstance(trouble, ConfigError) and trouble.exit_code == 2
        assert told in str(trouble) and "; " in str(trouble) and "mail.example" in str(trouble)
        assert "ann@example.org" not in str(trouble)


@table("step, words", PASSING)
def test_what_passes_is_tried_later(step: str, words: str) -> None:
    trouble = trouble_of(imaplib.IMAP4.error(words.encode()), "mail.example", step, "Bounces")
    assert isinstance(trouble, TryLater) and trouble.exit_code == 75


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@table(
    "error, told",
    [
        (untrusted(), "events.ca_file"),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "no such host"),
        (socket.gaierror(socket.EAI_NODATA, "no address"), "no such host"),
        (UnicodeError("label too long"), "ASCII"),
        (imaplib.IMAP4.readonly("INBOX is not writable"), "may only be read"),
        (socket.gaierror(socket.EAI_AGAIN, "later"), ""),
        (ConnectionRefusedError(), ""),
        (TimeoutError(), ""),
        (imaplib.IMAP4.abort("socket error: EOF"), ""),
        (ssl.SSLEOFError(8, "EOF"), ""),
    ],
)
def test_a_connection_that_fails_is_told_by_its_cause(error: Exception, told: str) -> None:
    trouble = trouble_of(error, "mail.example", "folder", "Bounces")
    assert isinstance(trouble, ConfigError if told else TryLater)
    assert told in str(trouble)


@pytest.mark.parametrize("fault", ["login", "select"])
def test_a_refusal_on_the_wire_needs_a_person(fault: str) -> None:
    server = ImapServer([], fault=fault)
    try:
        with pytest.raises(ConfigError, match="password" if fault == "login" else "'Bounces' cannot be opened"):
            open_mailbox(f"imap://digest@127.0.0.1:{server.port}/Bounces", "secret")
    finally:
        server.close()


def test_a_look_at_the_folder_marks_nothing(tmp_path: Path) -> None:
    server = ImapServer([b"Subject: x\r\n\r\n"])
    try:
        assert reach_mailbox(f"imap://digest@127.0.0.1:{server.port}/Bounces", "secret", None) is None
        assert any(command.startswith("EXAMINE") for command in server.commands) and not server.seen
    finally:
        server.close()
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigError, match=r"events\.ca_file: .*ca\.pem: holds no certificates"):
        open_mailbox("imaps://digest@127.0.0.1:1/Bounces", "secret", tmp_path / "ca.pem")
