"""Turn a parcel into the form that SMTP wants: envelope commands, and its bytes with the final dot. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from digest.transports.base import About, Parcel

_END = b".\r\n"
_EOL = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"^\.", re.M)
_PLAIN_ADDRESS = re.compile(r"[!-;=?-~]{1,64}@[!-;=?A-~]{1,253}")
_ADDRESS = re.compile(r"[^\s<>]{1,64}@[^\s<>@]{1,253}")

ReturnPath = Callable[[str], str]  # of a delivery's tag


class Unmailable(ValueError):
    """Report a letter that this server cannot take, why, and what this is about. The message holds no address."""

    def __init__(self, words: str, about: About = "reader") -> None:
        super().__init__(words)
        self.about = about


@dataclass(slots=True)
class Envelope:
    """Hold a parcel made ready for one connection, and how far its hand-over has come.

    `commands` are pairs (verb, bytes) to write first, `wire` the letter's bytes with the final dot and CRLF. `asked`:
    the commands were written; `begun`: some of `wire` was written; `settled`: the outcome is known.
    """

    parcel: Parcel = field(repr=False)
    commands: tuple[tuple[str, bytes], ...] = field(repr=False)
    wire: bytes = field(repr=False)
    asked: bool = False
    begun: bool = False
    settled: bool = False


def make_ready(parcel: Parcel, return_path: ReturnPath, offers: Mapping[str, str]) -> Envelope:
    """Prepare a parcel for a server that `offers` these EHLO keywords (lower case). Raises Unmailable."""
    to, to_utf8 = mail_address(parcel.to)
    try:
        sender, sender_utf8 = mail_address(return_path(parcel.tag))
    except Unmailable:
        raise Unmailable("the address for bounces cannot be mailed; correct transport.bounces", "account") from None
    utf8 = to_utf8 or sender_utf8
    if utf8 and "smtputf8" not in offers:
        raise Unmailable(
            "the address has letters outside ASCII before the @, which this server does not take (SMTPUTF8)"
        )
    # A composed letter is not checked again, because that takes longer than all the rest of a hand-over.
    wire = b"".join((*parcel.pieces, _END)) if parcel.composed else wire_form(parcel.message)
    size = len(wire) - 3
    limit = offers.get("size", "").strip()
    if limit.isdecimal() and 0 < int(limit) < size:
        raise Unmailable(f"the letter has {size} bytes and this server takes {limit}", "letter")
    eight_bit = not (parcel.composed or wire.isascii())
    if eight_bit and "8bitmime" not in offers:
        raise Unmailable("the letter has 8-bit bytes, which this server does not take (8BITMIME)", "letter")
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
    """Return an address with its domain in ASCII, and whether it needs SMTPUTF8. Raises Unmailable."""
    if _PLAIN_ADDRESS.fullmatch(address):
        return address, False
    if not _ADDRESS.fullmatch(address) or not address.isprintable():
        raise Unmailable("the address is not one that can be mailed; correct it")
    local, _, domain = address.rpartition("@")
    if not domain.isascii():
        domain = _ascii_domain(domain)
    return f"{local}@{domain}", not local.isascii()


def _ascii_domain(domain: str) -> str:
    # Imported here, because it loads a library that plain domains never need.
    from subscribers.addresses import ascii_domain
    from subscribers.errors import BadAddress

    try:
        return ascii_domain(domain)
    except BadAddress:
        raise Unmailable("the part of the address after the @ is not a domain name; correct it") from None


def wire_form(message: bytes) -> bytes:
    """Return a message as DATA wants it: lines end in CRLF, leading dots are doubled, and a lone dot ends it.

    A bare CR or LF must not stay, because it could smuggle in a second message.
    """
    without_ends = message.replace(b"\r\n", b"")
    if b"\n" in without_ends or b"\r" in without_ends:
        message = _EOL.sub(b"\r\n", message)
    if message.startswith(b".") or b"\n." in message:
        message = _LEADING_DOT.sub(b"..", message)
    return message + (_END if message.endswith(b"\r\n") else b"\r\n" + _END)
