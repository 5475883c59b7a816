"""Connects to a mail server: dial, encrypt, log in, and say in one line why that failed and what helps."""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from digest.errors import DigestError, TryLater
from digest.transports.smtp.replies import Reply, reason
from digest.transports.smtp.session import Session, TlsSession, Until


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """How to reach the mail server and what it allows us.

    `sender` is the address of From; `return_path` the envelope sender, with "{delivery}" for the delivery's number
    ("bounce+{delivery}@news.example.org"), or a function of it; none: `sender`. `rate` is letters a second over
    all connections. `timeout` is seconds for any step but the answer to a letter, which `answer_timeout` bounds:
    it is long (RFC 5321 §4.5.3.2.6), for a letter given up on there is in doubt. `ca_file` holds the certificates
    to trust in place of the system's.
    """

    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    connections: int = 4
    rate: float | None = None
    timeout: float = 60
    verify: bool = True
    local_hostname: str | None = None
    return_path: str | Callable[[int], str] | None = None
    sender: str = ""
    answer_timeout: float = 600
    ca_file: str | None = None


def connect(settings: SmtpSettings, until: Until) -> Session:
    """Return a connection, encrypted and logged in as `settings` ask, ready for the first letter.

    TryLater: the server is away or asks for patience. DigestError: it will not work until somebody changes something.
    Never goes on with less security than was asked for.
    """
    place = f"mail server {settings.host}:{settings.port}"
    session, ready = None, False
    try:
        session = _dial(settings)
        session.until = until
        _introduce(session, settings, place)
        session.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # type: ignore[union-attr]
        ready = True
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        # From None: what smtplib knows may hold the password.
        raise _explained(error, settings, place) from None
    finally:
        if session is not None and not ready:
            session.close()
    return session


def _dial(settings: SmtpSettings) -> Session:
    if settings.security == "tls":
        return TlsSession(
            settings.host,
            settings.port,
            settings.local_hostname,
            timeout=settings.timeout,
            context=_context(settings),
        )
    return Session(settings.host, settings.port, settings.local_hostname, settings.timeout)


def _introduce(session: Session, settings: SmtpSettings, place: str) -> None:
    session.ehlo_or_helo_if_needed()
    if settings.security == "starttls":
        if not session.has_extn("starttls"):
            raise DigestError(
                f'{place} does not offer STARTTLS, so nothing is sent; set transport.security = "tls" if it is'
                " encrypted from the first byte, or ask who runs it"
            )
        session.starttls(context=_context(settings))
        session.ehlo_or_helo_if_needed()
    if settings.username is None:
        return
    peer = session.sock.getpeername()[0] if session.sock else ""
    if in_the_clear(settings.security, peer):
        raise DigestError(
            f"{place}: the password would cross the network in the clear; set transport.security to starttls or tls"
        )
    session.login(settings.username, settings.password or "")


def in_the_clear(security: str, peer: str) -> bool:
    """Would a password to the address `peer` cross a network unencrypted?"""
    return security == "none" and not ipaddress.ip_address(peer.partition("%")[0]).is_loopback


def _context(settings: SmtpSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        words = error.strerror or "no certificate could be read from it"
        raise DigestError(f"transport.ca_file: {settings.ca_file}: {words}; name the file of certificates") from None
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _explained(error: Exception, settings: SmtpSettings, place: str) -> DigestError:
    """Return what to raise for a failed connection: with the place, what was wrong, and the cure or patience."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error if isinstance(error.smtp_error, str) else error.smtp_error.decode("utf-8", "replace")
        said = reason(Reply(error.smtp_code, text.replace("\n", " ")), settings.username or "")
        if not 500 <= error.smtp_code <= 599:
            return TryLater(f"{place} asks for patience: {said}; run again later")
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return DigestError(
                f"{place} does not accept the login: {said}; check transport.username and the password"
            )
        return DigestError(f"{place} does not serve us: {said}; ask who runs it")
    if isinstance(error, ssl.SSLCertVerificationError):
        return DigestError(
            f"{place}: its certificate is not to be trusted ({error.verify_message}); check transport.host, or name"
            " its authority in transport.ca_file"
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return DigestError(f"{place} offers no login; remove transport.username, or use its submission port")
    if isinstance(error, UnicodeError):
        return DigestError(f"{place}: its login is not plain ASCII; check transport.username and the password")
    # smtplib's errors are OSErrors too; what is left of them is its finding no way to log in.
    if not isinstance(error, smtplib.SMTPException) or isinstance(error, smtplib.SMTPServerDisconnected):
        words = "TLS could not be set up" if isinstance(error, ssl.SSLError) else _words(error)
        return TryLater(
            f"{place} cannot be reached: {words}; check transport.host, port and security, or run again later"
        )
    return DigestError(f"{place} knows no way to log in that we know (PLAIN, LOGIN, CRAM-MD5); ask who runs it")


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "no answer came in time" if isinstance(error.__context__, TimeoutError) else "the connection broke"
