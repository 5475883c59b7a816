"""Parse the addresses that people type into addresses that can be mailed and compared. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from subscribers.errors import BadAddress
from subscribers.invisible import has_invisible

MAX_LENGTH = 254  # RFC 5321 §4.5.3.1.3 less the angle brackets
MAX_LOCAL = 64  # RFC 5321 §4.5.3.1.1

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN = re.compile(rf"({_ATEXT}(?:\.{_ATEXT})*)@([A-Za-z0-9.-]+)\Z")
# Characters that spreadsheets and web pages leave around a pasted address.
_AROUND = " \t\r\n\xa0\u200b\ufeff"


@dataclass(frozen=True, slots=True)
class Address:
    """An address: `email` as the person wrote it, its domain in lower case and ASCII (IDNA).

    `key` is all in lower case, to compare addresses. `name` is the display name of "Name <a@b.example>", else "".
    Addresses are not in `repr`, because a log must not show them.
    """

    email: str = field(repr=False)
    key: str = field(repr=False)
    name: str = field(default="", repr=False)


def parse_address(raw: str) -> Address:
    """Return the address in `raw`, which is "a@b.example" or "Name <a@b.example>".

    Reserved test domains (*.example, *.test) are valid; quoted local parts, IP literals and domains without a dot
    are not. Nothing is looked up in the DNS. Raises BadAddress with a reason that does not repeat the address.
    """
    text = raw.strip(_AROUND)
    if not text:
        raise BadAddress("the address is empty")
    if len(text) > 2 * MAX_LENGTH + 80:
        raise BadAddress(f"not a valid address: longer than {MAX_LENGTH} characters")
    if has_invisible(text):
        raise BadAddress("not a valid address: it holds a control or invisible character; type it again")
    plain = _PLAIN.match(text)
    local, domain, name = (plain[1], plain[2], "") if plain else _by_library(text)
    if len(local) > MAX_LOCAL:
        raise BadAddress(f"not a valid address: more than {MAX_LOCAL} characters before the @")
    email = f"{local}@{ascii_domain(domain)}"
    if len(email) > MAX_LENGTH:
        raise BadAddress(f"not a valid address: longer than {MAX_LENGTH} characters")
    return Address(email, email.lower(), name)


@lru_cache(maxsize=20_000)
def ascii_domain(domain: str) -> str:
    """Return the mail domain in ASCII (IDNA 2008) and lower case. Raises BadAddress.

    Cached, because the many readers of a council share a domain, and the check takes 40 µs.
    """
    from email_validator import EmailNotValidError, validate_email  # here, because it is slow to import

    try:
        checked = validate_email(
            f"x@{domain}", check_deliverability=False, test_environment=True, globally_deliverable=False
        )
    except EmailNotValidError as error:
        raise BadAddress(f"not a valid address: {error}") from None
    ascii_name = checked.ascii_domain.lower()
    last = ascii_name.rpartition(".")[2]
    if last == ascii_name or last.isdigit():
        raise BadAddress("not a valid address: the part after the @ is not a full domain name")
    return ascii_name


def _by_library(text: str) -> tuple[str, str, str]:
    """Return (local part, domain, display name) of an address that is not plain ASCII. Raises BadAddress."""
    from email_validator import EmailNotValidError, validate_email

    try:
        checked = validate_email(
            text,
            check_deliverability=False,
            test_environment=True,
            globally_deliverable=False,
            allow_smtputf8=True,
            allow_display_name=True,
        )
    except EmailNotValidError as error:
        raise BadAddress(f"not a valid address: {error}") from None
    local, domain = checked.original.rsplit("@", 1)
    if not local.isascii():
        # Because no transport here offers SMTPUTF8 (RFC 6531), which such a letter needs.
        raise BadAddress("letters outside ASCII before the @ cannot be mailed yet; ask for another address")
    return local, domain, " ".join((checked.display_name or "").split())
