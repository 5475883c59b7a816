"""Which character encoding a feed is really in, before anyone decodes a byte of it. Pure."""

from __future__ import annotations

import codecs
import re

# utf-7 hides markup in plain ASCII; the others are no character sets, and some raise what nobody expects.
_REFUSED = frozenset(
    {"utf-7", "punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem", "rot13"}
)
_WESTERN = re.compile(r"ascii|iso8859-\d+|cp125\d")
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
_DECLARED = re.compile(rb"(<\?xml[^>]*?)(\s+encoding\s*=\s*[\"']([^\"'>]*)[\"'])", re.IGNORECASE)
_REFERENCE = re.compile(rb"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
_WIDE_STARTS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)


def settle(body: bytes, content_type: str) -> tuple[bytes, str | None]:
    """Return the body without a harmful encoding declaration, and the charset to insist on (None: as declared).

    A charset that is no character set, or utf-7, is ignored wherever it stands. Bytes beyond ASCII that
    are flawless UTF-8 are UTF-8, even if header or declaration say Latin-1, as servers do by habit.
    """
    wide = _wide(body)
    if wide:
        text = body.decode(wide, "replace").removeprefix("\ufeff").encode("utf-8", "replace")
        return _DECLARED.sub(rb"\1", text, count=1), "utf-8"
    named = _CHARSET.search(content_type or "")
    charset = _known(named[1]) if named else None
    declared = _DECLARED.search(body[:400])
    if declared and _known(declared[3].decode("ascii", "replace")) is None:
        body = body.replace(declared[2], b"", 1)
        declared = None
    says = charset or (_known(declared[3].decode("ascii", "replace")) if declared else None)
    if says and _WESTERN.fullmatch(says) and _is_utf8(body):
        return body, "utf-8"
    if charset and body.startswith(codecs.BOM_UTF8):
        return body, None  # the mark in the file itself outranks the header (RFC 7303)
    return body, charset


def mend_references(body: bytes) -> bytes:
    """Return the body with a space for every &#…; that names no character of XML: feedparser raises for some."""
    return _REFERENCE.sub(_mended, body)


def _mended(reference: re.Match[bytes]) -> bytes:
    digits, base = (reference[1], 16) if reference[1] else (reference[2], 10)
    code = int(digits, base) if len(digits) <= 8 else 0
    allowed = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return reference[0] if allowed else b" "


def _known(name: str) -> str | None:
    """Return Python's name of a real character set, or None."""
    try:
        found = codecs.lookup(name.strip().lower())
        b"a".decode(found.name)
    except (LookupError, ValueError):
        return None
    return None if found.name in _REFUSED else found.name


def _is_utf8(body: bytes) -> bool:
    if body.isascii():
        return False
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _wide(body: bytes) -> str | None:
    """Return the encoding of a body whose letters visibly take two or four bytes, or None."""
    head = body[:100]
    if b"\0" not in head:
        return None
    for mark, name in _WIDE_STARTS:
        if head.startswith(mark):
            return name
    return None
