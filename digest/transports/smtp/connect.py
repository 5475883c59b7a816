"""Connect to a mail server: dial, encrypt, log in, and explain in one line why that failed and what helps."""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
from dataclasses import dataclass, field
from typing import Literal

from digest.errors import DigestError, TryLater
from digest.ledger.cures import cure_for
from digest.letter.mime.headers import is_full_name
from digest.transports.smtp.replies import Reply, reason
from digest.transports.smtp.session import Session, TlsSession, Until

# Last parts of names that no mail server elsewhere can look up.
_PRIVATE = frozenset({"localdomain", "local", "localhost", "internal", "intranet", "lan", "home", "corp", "arpa"})


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Hold how to reach the mail server and what it allows us.

    `local_hostname` is the name to greet the server with; None: see `greeting_name`. `sender` is the address of From.
    `return_path` is the envelope sender, with "{tag}" for the delivery's tag ("bounce+{tag}@news.example.org"); None:
    `sender`. `rate` is letters a second
    over all connections; None: no limit. `timeout` is how many seconds any step may take except the answer to a
    letter. `answer_timeout` is for that, and long (RFC 5321 §4.5.3.2.6), because a letter given up there is in doubt.
    `ca_file` holds the certificates to trust in place of the system's.
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
    return_path: str | None = None
    sender: str = ""
    answer_timeout: float = 600
    ca_file: str | None = None


def connect(settings: SmtpSettings, until: Until) -> Session:
    """Return a connection, encrypted and logged in as `settings` ask, ready for the first letter.

    `until` returns the moment (of the monotonic clock) by which every step must end; it may change meanwhile.
    Raises TryLater if the server is away or asks for patience, DigestError if a person must change something. Never
    goes on with less security than `settings` ask for.
    """
    server = f"mail server {settings.host}:{settings.port}"
    session, ready = None, False
    try:
        session = _dial(settings)
        session.until = until
        _introduce(session, settings, server)
        session.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # type: ignore[union-attr]
        ready = True
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        # From None, because an error of smtplib may hold the password.
        raise _explained(error, settings, server) from None
    finally:
        if session is not None and not ready:
            session.close()
    return session


def _dial(settings: SmtpSettings) -> Session:
    host, port, timeout = settings.host, settings.port, settings.timeout
    name = settings.local_hostname or greeting_name(socket.getfqdn(), settings.sender)
    if settings.security == "tls":
        return TlsSession(host, port, name, timeout=timeout, context=_context(settings))
    return Session(host, port, name, timeout)


def greeting_name(own: str, sender: str) -> str | None:
    """Return the name for EHLO: this machine's `own`, or the domain of `sender` where `own` is no public full name.

    Because many servers refuse every letter after a greeting without a full name. None: neither is one.
    """
    public = is_full_name(own) and own.lower().rpartition(".")[2] not in _PRIVATE
    return own if public else sender.rpartition("@")[2] or None


def _introduce(session: Session, settings: SmtpSettings, server: str) -> None:
    session.ehlo_or_helo_if_needed()
    if settings.security == "starttls":
        if not session.has_extn("starttls"):
            raise DigestError(
                f'{server} does not offer STARTTLS, so nothing is sent; set transport.security = "tls" if it is'
                " encrypted from the first byte, or ask its operator"
            )
        session.starttls(context=_context(settings))
        session.ehlo_or_helo_if_needed()
    if settings.username is None:
        return
    peer = session.sock.getpeername()[0] if session.sock else ""
    if in_the_clear(settings.security, peer):
        raise DigestError(
            f"{server}: the password would cross the network in the clear; set transport.security to starttls or tls"
        )
    session.login(settings.username, settings.password or "")


def in_the_clear(security: str, peer: str) -> bool:
    """Return whether a password sent to the address `peer` would cross a network unencrypted."""
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


def _explained(error: Exception, settings: SmtpSettings, server: str) -> DigestError:
    """Return the error to raise for a failed connection: the server, the cause, and the cure."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error if isinstance(error.smtp_error, str) else error.smtp_error.decode("utf-8", "replace")
        words = reason(Reply(error.smtp_code, text.replace("\n", " ")), settings.username or "")
        if not 500 <= error.smtp_code <= 599:
            return TryLater(f"{server} asks for patience: {words}; run again later")
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return DigestError(
                f"{server} does not accept the login: {words}; check transport.username and the password"
            )
        return DigestError(f"{server} does not serve us: {words}; {cure_for(words).text}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return DigestError(
            f"{server}: its certificate is not to be trusted ({error.verify_message}); check transport.host, or name"
            " its authority in transport.ca_file"
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return DigestError(f"{server} offers no login; remove transport.username, or use its submission port")
    if isinstance(error, UnicodeError):
        return DigestError(f"{server}: its login is not plain ASCII; check transport.username and the password")
    # The errors of smtplib are OSErrors too. The one left after this says that no way to log in suits both sides.
    if not isinstance(error, smtplib.SMTPException) or isinstance(error, smtplib.SMTPServerDisconnected):
        words = "TLS could not be set up" if isinstance(error, ssl.SSLError) else _words(error)
        return TryLater(
            f"{server} cannot be reached: {words}; check transport.host, port and security, or run again later"
        )
    return DigestError(f"{server} offers no way to log in that we know (PLAIN, LOGIN, CRAM-MD5); ask its operator")


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "no answer came in time" if isinstance(error.__context__, TimeoutError) else "the connection broke"
