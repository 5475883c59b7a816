"""Run a mail server on loopback that follows a script: it serves, refuses, or breaks at the point a test names.

`queued` are the messages that it has taken; a test judges the outcomes by them.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from digest.errors import DigestError
from digest.letter.blocks import Assembled
from digest.transports.base import Outcome, Parcel
from digest.transports.smtp import SmtpSettings, SmtpTransport

Act = Callable[["Talk"], None]
# By point, or by point and how often it was reached on this server (from 1): the act that replaces the usual one.
Script = Mapping[Any, Act]

EXTENSIONS = ("PIPELINING", "SIZE 10240000", "8BITMIME")
PATIENCE = 20  # seconds after which a test that waits for a client fails


@dataclass(frozen=True)
class Queued:
    """Hold one message taken: its envelope, and its body without the doubled dots."""

    sender: str
    to: str
    body: bytes


class _Over(Exception):
    """Report that this connection has ended."""


class Talk:
    """Keep the server's side of one connection."""

    def __init__(self, server: Server, sock: socket.socket) -> None:
        self.server, self.sock = server, sock
        self.held = b""
        self.sender = self.to = ""
        self.body = b""
        self.pending: list[bytes] = []
        self.said = ""

    def reply(self, *lines: str) -> None:
        """Answer with these lines, at once or, with `lockstep`, when the client must wait."""
        self.said = lines[-1][:3]
        self.pending.append("".join(f"{line}\r\n" for line in lines).encode())
        if not self.server.lockstep:
            self.flush()

    def raw(self, data: bytes) -> None:
        """Write `data` as it is."""
        self.sock.sendall(data)

    def flush(self) -> None:
        """Send the answers so far. Each call counts as a round trip that the client waited for."""
        if self.pending:
            self.server.flushes += 1
            data, self.pending = b"".join(self.pending), []
            self.sock.sendall(data)

    def take(self, size: int) -> None:
        """Read at least `size` bytes."""
        while len(self.held) < size:
            self.held += self._more()

    def queue(self) -> None:
        """Queue the message: from here on the server has taken it."""
        with self.server.lock:
            self.server.queued.append(Queued(self.sender, self.to, self.body))

    def reset(self) -> None:
        """Break the connection as a crash does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _Over

    def close(self) -> None:
        """Hang up."""
        raise _Over

    def hang(self) -> None:
        """Say nothing until the client goes away."""
        while True:
            self._more()

    def stand_still(self) -> None:
        """Read nothing more until the test is over."""
        self.server.wait()
        raise _Over

    def line(self) -> str:
        """Return the next command."""
        while b"\r\n" not in self.held:
            self.held += self._more()
        line, self.held = self.held.split(b"\r\n", 1)
        return line.decode()

    def message(self) -> None:
        """Read up to the final dot."""
        self.body = b""
        self.held = b"\r\n" + self.held
        while b"\r\n.\r\n" not in self.held:
            self.held += self._more()
        body, self.held = self.held.split(b"\r\n.\r\n", 1)
        self.body = (body + b"\r\n")[2:].replace(b"\r\n..", b"\r\n.")

    def encrypt(self) -> None:
        """Begin TLS on this connection."""
        assert self.server.tls is not None
        self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
        self.held = b""

    def _more(self) -> bytes:
        data = self.sock.recv(65536)
        if not data:
            raise _Over
        return data


class Server:
    """Listen until closed. With `lockstep`, answer only where a client must wait: after DATA and the last dot."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        extensions: tuple[str, ...] = EXTENSIONS,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        lockstep: int = 0,
    ) -> None:
        self.script = dict(script or {})
        self.extensions, self.tls, self.implicit, self.lockstep = extensions, tls, implicit, lockstep
        self.queued: list[Queued] = []
        self.commands: list[str] = []
        self.flushes = self.connections = 0
        self.lock = threading.Lock()
        self.seen: Counter[str] = Counter()
        self.failures: list[BaseException] = []
        self._closing = threading.Event()
        self._talks: list[tuple[threading.Thread, socket.socket]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, cut every connection, and raise an error of the server itself, if there was one."""
        self._closing.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for thread, sock in self._talks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
        if self.failures:
            raise self.failures[0]

    def wait(self) -> None:
        """Wait until the test is over."""
        self._closing.wait(PATIENCE)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._socket.accept()
                sock.settimeout(PATIENCE)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
                self._talks.append((thread, sock))
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        talk = Talk(self, sock)
        try:
            if self.implicit:
                talk.encrypt()
            self._converse(talk)
        except (_Over, OSError):
            pass
        except BaseException as error:
            self.failures.append(error)
        finally:
            talk.sock.close()

    def _converse(self, talk: Talk) -> None:
        self.at("connect", talk, lambda t: t.reply("220 mx.example ESMTP"))
        talk.flush()
        while True:
            line = talk.line()
            with self.lock:
                self.commands.append(line)
            verb = line.split(" ", 1)[0].upper()
            if verb not in _USUAL:
                talk.reply("500 5.5.1 what?")
            elif verb == "DATA":
                self._data(talk)
            else:
                self.at(verb.lower(), talk, partial(_USUAL[verb], line=line))
            if verb not in ("MAIL", "RCPT", "RSET", "DATA"):
                talk.flush()

    def _data(self, talk: Talk) -> None:
        self.at("data", talk, _data)
        talk.flush()
        if talk.said == "354":
            self.at("body", talk, lambda _: None)
            talk.message()
            self.at("dot", talk, _taken)
            talk.sender = talk.to = ""
            if self.lockstep and self.seen["dot"] == self.lockstep:
                talk.flush()

    def at(self, point: str, talk: Talk, usual: Act) -> None:
        """Act as the script says for this point, else as usual."""
        with self.lock:
            self.seen[point] += 1
            count = self.seen[point]
        (self.script.get((point, count)) or self.script.get(point) or usual)(talk)


def _ehlo(talk: Talk, line: str) -> None:
    offers = list(talk.server.extensions)
    if talk.server.tls and not isinstance(talk.sock, ssl.SSLSocket) and not talk.server.implicit:
        offers.append("STARTTLS")
    lines = ["mx.example", *offers]
    talk.reply(*[f"250-{line}" for line in lines[:-1]], f"250 {lines[-1]}")


def _starttls(talk: Talk, line: str) -> None:
    talk.reply("220 go ahead")
    talk.flush()
    talk.encrypt()


def _mail(talk: Talk, line: str) -> None:
    if talk.sender:
        talk.reply("503 5.5.1 nested MAIL command")
        return
    talk.sender = line[len("MAIL FROM:<") :].split(">")[0]
    talk.reply("250 2.1.0 Ok")


def _rcpt(talk: Talk, line: str) -> None:
    if not talk.sender:
        talk.reply("503 5.5.1 need MAIL command")
        return
    talk.to = line[len("RCPT TO:<") :].split(">")[0]
    talk.reply("250 2.1.5 Ok")


def _rset(talk: Talk, line: str) -> None:
    talk.sender = talk.to = ""
    talk.reply("250 2.0.0 Ok")


def _auth(talk: Talk, line: str) -> None:
    talk.reply("235 2.7.0 welcome")


def _quit(talk: Talk, line: str) -> None:
    talk.reply("221 2.0.0 Bye")
    talk.flush()
    talk.close()


_USUAL: dict[str, Callable[..., None]] = {
    "EHLO": _ehlo, "HELO": _ehlo, "STARTTLS": _starttls, "AUTH": _auth, "MAIL": _mail, "RCPT": _rcpt, "RSET": _rset,
    "DATA": _rset, "QUIT": _quit,
}  # fmt: skip


def _data(talk: Talk) -> None:
    talk.reply("354 End data with <CR><LF>.<CR><LF>" if talk.to else "554 5.5.1 Error: no valid recipients")


def _taken(talk: Talk) -> None:
    talk.queue()
    talk.reply("250 2.0.0 Ok: queued as 4XyZ")


def says(*lines: str) -> Act:
    """Return an act that answers with these lines."""
    return lambda talk: talk.reply(*lines)


@contextlib.contextmanager
def serving(script: Script | None = None, **options: object) -> Iterator[Server]:
    """Run a server for the length of a test."""
    server = Server(script, **options)  # type: ignore[arg-type]
    try:
        yield server
    finally:
        server.close()


def message_id(number: int) -> str:
    """Return the Message-ID of the letter that `parcel` makes."""
    return f"<{number}.letter@example.org>"


def parcel(number: int, *, to: str = "", size: int = 0) -> Parcel:
    """Return a letter that a test can tell from the others."""
    to = to or f"reader{number}@example.org"
    body = f"Letter {number} for you.\r\n" + "words, words, words\r\n" * (size // 21)
    head = f"From: digest@example.org\r\nTo: {to}\r\nSubject: Homes\r\nMessage-ID: {message_id(number)}"
    message = f"{head}\r\n\r\n{body}".encode()
    return Parcel(
        number, "weekly-2027-10-29", to, [message], Assembled("Homes", [b"<p>Homes</p>"], [b"Homes"]), tag=f"{number}"
    )


def settings(server: Server, **more: object) -> SmtpSettings:
    """Return the settings for a single plain connection to `server`."""
    base = SmtpSettings(
        "127.0.0.1", server.port, "none", connections=1, timeout=20, answer_timeout=20,
        local_hostname="client.example", sender="digest@example.org",
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def handed_over(transport: SmtpTransport, parcels: Sequence[Parcel]) -> tuple[list[Outcome], DigestError | None]:
    """Return the outcomes of a whole run, and the error that ended it (None: none)."""
    heard: list[Outcome] = []
    try:
        heard.extend(transport.hand_over(parcels))
    except DigestError as error:
        return heard, error
    finally:
        transport.close()
    return heard, None


@dataclass(frozen=True)
class Papers:
    """Hold a certificate for 127.0.0.1 and localhost, signed by itself."""

    certificate: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        """Return the TLS context for a server with this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_papers(folder: Path, host: str = "localhost") -> Papers:
    """Make a certificate and its key in `folder`, for `host` (and for 127.0.0.1 with localhost)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    if host == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    papers = Papers(folder / "certificate.pem", folder / "key.pem")
    papers.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    papers.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return papers


@pytest.fixture(scope="session")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    """Make a certificate for the servers of a test run; a client trusts it by `ca_file`."""
    return make_papers(tmp_path_factory.mktemp("papers"))
