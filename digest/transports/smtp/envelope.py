"""One letter in the form SMTP wants it: the commands of its envelope and its bytes with the final dot. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from digest.transports.base import Parcel

_EOL = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"^\.", re.M)
_ADDRESS = re.compile(r"[^\s<>]{1,64}@[^\s<>@]{1,253}")

ReturnPath = Callable[[int], str]


class Unmailable(ValueError):
    """This letter cannot be handed to this server, whatever is tried. The message holds no address."""


@dataclass(slots=True)
class Envelope:
    """A parcel made ready for one connection: (verb, command) pairs, then `wire`, which ends in dot and CRLF.

    `asked`: its commands were written; `begun`: so was some of `wire`; `settled`: its outcome is known.
    """

    parcel: Parcel = field(repr=False)
    commands: tuple[tuple[str, bytes], ...] = field(repr=False)
    wire: bytes = field(repr=False)
    asked: bool = False
    begun: bool = False
    settled: bool = False


def make_ready(parcel: Parcel, return_path: ReturnPath, offers: Mapping[str, str]) -> Envelope:
    """Return `parcel` as a server with these EHLO keywords (lower case) takes it, or raise Unmailable."""
    to, to_utf8 = mail_address(parcel.to)
    sender, sender_utf8 = mail_address(return_path(parcel.delivery))
    utf8 = to_utf8 or sender_utf8
    if utf8 and "smtputf8" not in offers:
        raise Unmailable(
            "the address has letters outside ASCII before the @, which this server does not take (SMTPUTF8)"
        )
    wire = wire_form(parcel.message)
    size = len(wire) - 3
    limit = offers.get("size", "").strip()
    if limit.isdecimal() and 0 < int(limit) < size:
        raise Unmailable(f"the letter has {size} bytes and this server takes {limit}; make the edition shorter")
    eight_bit = not wire.isascii()
    if eight_bit and "8bitmime" not in offers:
        raise Unmailable("the letter has 8-bit bytes, which this server does not take (8BITMIME)")
    options = f" SIZE={size}" if "size" in offers else ""
    options += " BODY=8BITMIME" if eight_bit else ""
    options += " SMTPUTF8" if utf8 else ""
    commands = (
        ("MAIL", f"MAIL FROM:<{sender}>{options}\r\n".encode()),
        ("RCPT", f"RCPT TO:<{to}>\r\n".encode()),
        ("DATA", b"DATA\r\n"),
    )
    return Envelope(parcel, commands, wire)


def mail_address(address: str) -> tuple[str, bool]:
    """Return the address with its domain in ASCII, and whether it needs SMTPUTF8; or raise Unmailable."""
    if not _ADDRESS.fullmatch(address) or not address.isprintable():
        raise Unmailable("the address is not one that can be mailed; correct it")
    local, _, domain = address.rpartition("@")
    if not domain.isascii():
        domain = _ascii_domain(domain)
    return f"{local}@{domain}", not local.isascii()


def _ascii_domain(domain: str) -> str:
    # Here, for it brings a library that a list of plain domains never needs.
    from subscribers.addresses import ascii_domain
    from subscribers.errors import BadAddress

    try:
        return ascii_domain(domain)
    except BadAddress:
        raise Unmailable("the part of the address after the @ is not a domain name; correct it") from None


def wire_form(message: bytes) -> bytes:
    """Return the message's lines ended by CRLF, none a lone dot, then the dot that ends it.

    Ours come in this form, so that this only looks; a bare CR or LF left in could smuggle a second message.
    """
    rest = message.replace(b"\r\n", b"")
    if b"\n" in rest or b"\r" in rest:
        message = _EOL.sub(b"\r\n", message)
    if message.startswith(b".") or b"\n." in message:
        message = _LEADING_DOT.sub(b"..", message)
    return message + (b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")
