"""Write one header line as RFC 5322 and 2047 ask: folded, and encoded where that is allowed, else BadHeader.

`compose` says which headers a letter has."""

from __future__ import annotations

import base64
import re
from functools import lru_cache

from digest.errors import DigestError
from digest.model import NamedAddress

HARD_LINE = 998
SOFT_LINE = 76
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PHRASE = re.compile(rf"{_ATOM}(?: {_ATOM})*")
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_URI = re.compile(r"(?:https?|mailto):[!#-;=?-~]+")
_MAILBOX = re.compile(r'\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^<>"]*?))\s*<(?P<address>[^<>]+)>\s*')


class BadHeader(DigestError, ValueError):
    """Report a value that cannot stand in a header; the message says which value, why, and the cure."""


def require_one_line(name: str, value: str) -> str:
    """Return `value` unchanged; BadHeader when it contains a line break or another control character."""
    # Most values are found good by the first test, which takes a tenth of the time.
    if not value.isprintable() and _CONTROL.search(value):
        raise BadHeader(f"{name}: {value[:60]!r} has a line break or control character; remove it")
    return value


def text(name: str, value: str) -> str:
    """Return a header line of free text: folded, with encoded words when it is not plain ASCII."""
    require_one_line(name, value)
    if value.isascii() and "=?" not in value and max(map(len, value.split(" "))) < SOFT_LINE - len(name):
        return folded(name, value)
    return folded(name, encoded_words(value, SOFT_LINE - len(name) - 2))


def folded(name: str, value: str) -> str:
    """Return "name: value" folded at single spaces into lines of at most 76 columns, or of one longer word."""
    if len(name) + 2 + len(value) <= SOFT_LINE:
        return f"{name}: {value}\r\n"
    rows, row = [], f"{name}:"
    for word in value.split(" "):
        if len(row) + 1 + len(word) > SOFT_LINE and row.strip() not in ("", f"{name}:"):
            rows.append(row)
            row = ""
        row += f" {word}"
    rows.append(row)
    if max(map(len, rows)) > HARD_LINE:
        raise BadHeader(f"{name}: a word of more than {HARD_LINE} characters does not fit one line; shorten it")
    return "\r\n".join(rows) + "\r\n"


def encoded_words(value: str, first: int = 75) -> str:
    """Return `value` as RFC 2047 encoded words of at most 75 columns (the first of at most `first`)."""
    chunks: list[bytes] = []
    current, room = b"", min(75, first)
    for character in value:
        piece = character.encode("utf-8", "replace")
        if current and 12 + 4 * -(-(len(current) + len(piece)) // 3) > room:
            chunks.append(current)
            current, room = b"", 75
        current += piece
    chunks.append(current)
    return " ".join(f"=?utf-8?b?{base64.b64encode(chunk).decode('ascii')}?=" for chunk in chunks)


def phrase(name: str, value: str) -> str:
    """Return a display name as it is, quoted, or as encoded words, whichever it needs."""
    if _PHRASE.fullmatch(value) and "=?" not in value:
        return value
    value = " ".join(require_one_line(name, value).split())
    if not value.isascii() or "=?" in value:
        return encoded_words(value, SOFT_LINE - len(name) - 2)
    if _PHRASE.fullmatch(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def mailbox(name: str, value: str) -> NamedAddress:
    """Return the mailbox in "address" or "display name <address>", its domain in ASCII; BadHeader otherwise.

    The only reader of such a value, so that every transport writes the same sender.
    """
    match = _MAILBOX.fullmatch(require_one_line(name, value))
    if not match:
        return NamedAddress(address(name, value))
    shown = match["plain"] if match["quoted"] is None else re.sub(r"\\(.)", r"\1", match["quoted"])
    if match["quoted"] is None and "@" in shown:
        raise BadHeader(
            f"{name}: {value[:60]!r} has an @ in its name, so that it may be two addresses (a name with an @ must"
            " stand in quotes); correct it"
        )
    return NamedAddress(address(name, match["address"]), " ".join(shown.split()))


def addressed(name: str, email: str, shown: str = "") -> str:
    """Return a header line with one mailbox from its parts; `shown` may be any text, and is quoted as needed."""
    ready = address(name, email)
    if not shown or not require_one_line(name, shown).strip():
        return f"{name}: {ready}\r\n"
    return folded(name, f"{phrase(name, shown)} <{ready}>")


@lru_cache(maxsize=1024)
def domain(name: str, value: str) -> str:
    """Return a domain in ASCII (IDNA 2008); BadHeader when it is not a domain."""
    lower = value.lower()
    if not lower.isascii():
        import idna  # here, because few domains need its tables

        try:
            lower = idna.encode(lower, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise BadHeader(f"{name}: {value[:60]!r} is not a domain ({error}); correct the address") from error
    if not _DOMAIN.fullmatch(lower):
        raise BadHeader(f"{name}: {value[:60]!r} is not a domain; correct the address")
    return lower


def is_full_name(host: str) -> bool:
    """Return whether a domain in ASCII is a full domain name: it has a dot, and its last part is no number."""
    return bool(_DOMAIN.fullmatch(host.lower())) and "." in host and not host.rpartition(".")[2].isdecimal()


def address(name: str, email: str) -> str:
    """Return an address that any mail server takes: its local part and domain in ASCII. BadHeader otherwise."""
    local, at, host = require_one_line(name, email).strip().rpartition("@")
    if not at:
        raise BadHeader(f"{name}: {email[:60]!r} has no @; correct the address")
    if not local.isascii():
        raise BadHeader(
            f"{name}: {email[:60]!r} has letters before the @ that not every server takes; "
            "ask for an address with plain letters there"
        )
    if not _DOT_ATOM.fullmatch(local) or len(local) > 64:
        raise BadHeader(f"{name}: {email[:60]!r} has an unfit part before the @; correct the address")
    return f"{local}@{domain(name, host)}"


def uri(name: str, value: str) -> str:
    """Return `<value>`; BadHeader unless it is an https, http or mailto address in printable ASCII."""
    if not _URI.fullmatch(value):
        raise BadHeader(f"{name}: {value[:60]!r} is not a web or mail address in printable ASCII; encode it")
    if len(value) > HARD_LINE - len(name) - 6:
        raise BadHeader(f"{name}: an address of {len(value)} characters does not fit one line; shorten it")
    return f"<{value}>"
