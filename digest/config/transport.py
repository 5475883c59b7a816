"""Read [transport] of config.toml: which transport carries the letters, and the values it is opened with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from digest.config.site import mailbox_of
from digest.letter.mime import headers
from digest.model import NamedAddress
from digest.sources.links import ascii_host
from digest.transports.base import Capabilities, Transport
from digest.transports.paces import Paces

_BOUNCES = 'write it like "bounce@news.example.org"'
_LONGEST_BOUNCES = (
    32  # characters before the @, because a mailbox may have 64 and the tag of a delivery needs the rest
)


class TransportPart(BaseModel):
    """[transport]. Secrets stand in the environment or in a file of their own, never here."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    kind: Literal["file", "smtp", "sendgrid"] = Field(
        default="file",
        description="`file` writes an `.eml` for each delivery into a folder; `smtp` hands over to a mail server; "
        "`sendgrid` to that provider.",
    )
    only: list[str] = Field(
        default=[],
        description="Addresses and `@domains`: nobody else is mailed. For a copy of the installation, for testing.",
    )
    # file
    directory: str = Field(default="letters", description="`file`: the folder that letters are written to.")
    # smtp
    host: str = Field(default="localhost", description="`smtp`: the mail server.")
    port: int = Field(default=587, ge=1, le=65535, description="`smtp`: its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="`smtp`: how the connection is encrypted."
    )
    username: str | None = Field(default=None, description="`smtp`: the account; without it nobody logs in.")
    password_file: str | None = Field(
        default=None,
        description="`smtp`: the file that holds the password, where `DIGEST_TRANSPORT_PASSWORD` does not give it.",
    )
    verify: bool = Field(default=True, description="`smtp`: whether the server's certificate is checked.")
    ca_file: str | None = Field(
        default=None, description="`smtp`: the certificates to trust in place of the system's."
    )
    bounces: str | None = Field(
        default=None,
        description="The mailbox that gets bounces (`smtp`), each with a tag for its delivery (`bounce+TAG@…`). "
        "Without it bounces go to the sender. Where `events.mailbox` is read, readers leave by mail to it too.",
    )
    ehlo: str | None = Field(
        default=None,
        description="`smtp`: the full domain name by which this machine greets the mail server (EHLO). Without it "
        "the machine's own name, or the domain of `site.from` where that is no public full name.",
    )
    rate: float | None = Field(
        default=None,
        gt=0,
        description="`smtp`: the most letters a second, over all connections, and in a cluster over all workers; "
        "without it no limit.",
    )
    # sendgrid
    key_file: str | None = Field(
        default=None,
        description="`sendgrid`: the file that holds the key, where `SENDGRID_API_KEY` does not give it.",
    )
    base_url: str = Field(
        default="", description="`sendgrid`: another address of the service. Empty: its own in `region`."
    )
    region: Literal["global", "eu"] = Field(default="global", description="`sendgrid`: where the account lives.")
    sandbox: bool = Field(
        default=False, description="`sendgrid`: have every request checked by the provider, and nothing mailed."
    )
    # smtp and sendgrid
    concurrency: int = Field(
        default=4,
        ge=1,
        le=50,
        description="Connections to the mail server, or requests to SendGrid (at most 10), at the same time.",
    )
    timeout: float = Field(
        default=60,
        gt=0,
        le=600,
        description="Seconds to wait for an answer. A mail server has longer for its answer to a letter.",
    )


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """The checked values of [transport].

    `secret` is the SMTP password or the SendGrid key, or empty; its repr does not show it. `sender` is `site.from`,
    and `bounces` the address that gets bounces, or None.
    """

    part: TransportPart
    directory: Path
    sender: NamedAddress
    bounces: str | None
    ca_file: Path | None
    secret: SecretStr

    @property
    def kind(self) -> str:
        """Return "file", "smtp" or "sendgrid"."""
        return self.part.kind

    @property
    def capabilities(self) -> Capabilities:
        """Return what the transport can do, without opening it."""
        return capabilities_of(self.part.kind)

    @property
    def where(self) -> str:
        """Return where letters are handed over to: the kind, and for files the folder.

        A transport can be asked about an earlier hand-over only if that had the same `where`.
        """
        return f"file {self.directory}" if self.part.kind == "file" else self.part.kind

    def open(self, clock: Callable[[], datetime], paces: Paces | None = None) -> Transport:
        """Return the transport, ready for one run and not yet connected; by `paces` it keeps limits with others."""
        part, secret = self.part, self.secret.get_secret_value()
        if part.kind == "smtp":
            from digest.transports.smtp.connect import SmtpSettings
            from digest.transports.smtp.transport import SmtpTransport
            from digest.transports.tag import bounce_address

            return SmtpTransport(
                SmtpSettings(
                    host=part.host, port=part.port, security=part.security, username=part.username,
                    password=secret or None, connections=part.concurrency, rate=part.rate, timeout=part.timeout,
                    verify=part.verify, ca_file=str(self.ca_file) if self.ca_file else None,
                    sender=self.sender.address,
                    return_path=bounce_address(self.bounces, "{tag}") if self.bounces else None,
                    local_hostname=part.ehlo,
                ),
                paces=paces,
            )  # fmt: skip
        if part.kind == "sendgrid":
            from digest.transports.sendgrid.settings import SendGridSettings
            from digest.transports.sendgrid.transport import SendGridTransport

            return SendGridTransport(
                SendGridSettings(
                    secret, part.base_url, part.region, part.timeout, min(part.concurrency, 10),
                    part.sandbox,
                ),
                clock,
                paces,
            )  # fmt: skip
        from digest.transports.file import FileTransport

        return FileTransport(self.directory)


def capabilities_of(kind: str) -> Capabilities:
    """Return what the transports of a kind ("file", "smtp" or "sendgrid") can do."""
    if kind == "sendgrid":
        from digest.transports.sendgrid.settings import CAPABILITIES

        return CAPABILITIES
    return Capabilities()


def transport_of(
    part: TransportPart, sender: NamedAddress, home: Path, environ: Mapping[str, str] = os.environ
) -> tuple[TransportSettings | None, list[str]]:
    """Return the settings, and a line for each mistake in [transport]; the settings are None where there is one.

    `sender` is the mailbox of `site.from`.
    """
    secret, problems = _secret(part, home, environ)
    bounces, mistakes = _bounces(part)
    problems += mistakes
    if part.kind == "sendgrid" and not sender.name.isascii():
        problems.append("site.from: SendGrid takes no letters beyond ASCII in the sender's name; write it without")
    if part.kind == "smtp" and ascii_host(part.host.strip("[]")) is None:
        # The line does not repeat it, because it may be an address with a password.
        problems.append('transport.host: is empty or no name of a mail server; write it like "mail.example.org"')
    if part.ehlo is not None and not headers.is_full_name(part.ehlo):
        problems.append(
            f'transport.ehlo: {part.ehlo[:60]!r} is not a full domain name; write it like "mail.example.org"'
        )
    if problems:
        return None, problems
    ca_file = home / part.ca_file if part.ca_file else None
    return TransportSettings(part, home / part.directory, sender, bounces, ca_file, SecretStr(secret)), []


def _secret(part: TransportPart, home: Path, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the transport's secret, or "" and what is wrong: from the environment, then from its file."""
    problems: list[str] = []
    name, file, key = {
        "file": ("", None, ""),
        "smtp": ("DIGEST_TRANSPORT_PASSWORD", part.password_file, "password_file"),
        "sendgrid": ("SENDGRID_API_KEY", part.key_file, "key_file"),
    }[part.kind]
    secret = environ.get(name) if name else None
    if name and not secret and file:
        try:
            secret = (home / file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"transport.{key}: {home / file}: {error}; make it, readable by this account alone")
    if part.kind == "smtp" and part.username and not secret and not problems:
        problems.append(f"transport.username: no password; set {name} or transport.password_file")
    if part.kind == "sendgrid" and not problems:
        from digest.transports.sendgrid.settings import SendGridSettings, mistakes

        if not secret:
            problems.append(f"transport.kind: sendgrid needs a key; set {name} or transport.key_file")
        else:
            settings = SendGridSettings(secret, part.base_url, part.region, part.timeout, min(part.concurrency, 10))
            problems += mistakes(settings)
    return secret or "", problems


def _bounces(part: TransportPart) -> tuple[str | None, list[str]]:
    """Return the address that gets bounces, or None and a line if it cannot carry the tag of a delivery."""
    if part.bounces is None:
        return None, []
    mailbox, problems = mailbox_of("transport.bounces", part.bounces, mailed=part.kind != "file", cure=_BOUNCES)
    if mailbox is None:
        return None, problems
    if len(mailbox.address.rpartition("@")[0]) > _LONGEST_BOUNCES:
        return None, [
            f"transport.bounces: has more than {_LONGEST_BOUNCES} characters before the @, which leaves no room for a"
            f" delivery's tag; {_BOUNCES}"
        ]
    return mailbox.address, []
