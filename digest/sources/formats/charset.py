"""Turn feed bytes of any encoding into UTF-8 that a parser can take. Pure."""

from __future__ import annotations

import codecs
import re

# Refuse utf-7, because it hides markup in plain ASCII, and names that are no character sets, because some raise
# unexpected errors.
_REFUSED = frozenset(
    {"utf-7", "punycode", "idna", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem", "rot13"}
)
_LARGER = {"gb2312": "gb18030", "iso8859-1": "cp1252"}  # publishers who name the smaller set use the larger
_WESTERN = re.compile(r"ascii|iso8859-\d+|cp125\d")
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
_DECLARED = re.compile(rb"^\s*<\?[^>]*?encoding\s*=\s*[\"']([^\"'>]{1,40})[\"']", re.IGNORECASE)
_REFERENCE = re.compile(rb"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
_AMPERSAND = re.compile(rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|&(?!#|[A-Za-z][A-Za-z0-9]{0,31};)", re.DOTALL)
_FIRST_ELEMENT = re.compile(rb"<[A-Za-z_]")
_NESTED_ENTITY = re.compile(rb"<!ENTITY[^>&]*&(?!#)[^>]*>")
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
# Letters that are the bytes of one letter of UTF-8, each read as cp1252. The first two of a quotation mark or a dash
# tell that a publisher did so, because no language has them together.
_SIGN_OF_TWICE = "\u00e2\u20ac"
_AGAIN = "[\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_TWICE = re.compile(f"[\xc2-\xdf]{_AGAIN}|[\xe0-\xef]{_AGAIN}{{2}}|[\xf0-\xf4]{_AGAIN}{{3}}")
_LONE_BYTE = re.compile("[\udc80-\udcff]")
_EBCDIC_START = b"\x4c\x6f\xa7\x94"  # "<?xm"
# Accept a few bad bytes as UTF-8, because a download cut within a letter must not turn a whole feed into Latin-1.
_FEW = 0.1


def to_utf8(body: bytes, content_type: str) -> bytes:
    """Return the body as UTF-8, decoded by its own bytes, else its header, its declaration, or cp1252.

    Never fails. A charset that is no character set, or utf-7, is ignored wherever it stands. Bytes that are valid
    UTF-8 count as UTF-8 even when header or declaration say Latin-1, because many servers always say Latin-1.
    """
    wide = _wide(body)
    if wide:
        return _plain(body.decode(wide, "replace"))
    marked = body.startswith(codecs.BOM_UTF8)
    body = body.removeprefix(codecs.BOM_UTF8)
    named = _CHARSET.search(content_type)
    charset = None if marked else _charset(named[1]) if named else None  # a mark outranks a header (RFC 7303)
    declared = _declared(body)
    says = charset or declared
    if says is None or _WESTERN.fullmatch(says):
        text = _as_utf8(body)
        if text is not None:
            return _plain(text)
    for name in (charset, declared, "cp1252"):
        if name is None:
            continue
        try:
            return _plain(body.decode(name))
        except UnicodeError:
            text = _as_utf8(body)
            if text is not None:
                return _plain(text)
    return _plain(body.decode("iso8859-1"))


def mend_references(body: bytes) -> bytes:
    """Return the body with a space for every &#…; that names no character of XML: feedparser raises for some."""
    return _REFERENCE.sub(_mended, body)


def escape_ampersands(body: bytes) -> tuple[bytes, int]:
    """Return the body with every "&" escaped that begins no reference, and how many these were.

    feedparser would take "R&D budget" for "R&D; budget" and "?a=1&copy=2" for "?a=1©=2".
    """
    count = 0

    def escaped(match: re.Match[bytes]) -> bytes:
        nonlocal count
        count += match[0] == b"&"
        return b"&amp;" if match[0] == b"&" else match[0]

    return (_AMPERSAND.sub(escaped, body) if b"&" in body else body), count


def without_nested_entities(body: bytes) -> bytes:
    """Return the body without declarations of entities that refer to entities: how bytes become megabytes."""
    prologue = _FIRST_ELEMENT.search(body)
    if prologue is None or b"<!ENTITY" not in body[: prologue.start()]:
        return body
    return _NESTED_ENTITY.sub(b"", body[: prologue.start()]) + body[prologue.start() :]


def _mended(reference: re.Match[bytes]) -> bytes:
    digits, base = (reference[1], 16) if reference[1] else (reference[2], 10)
    code = int(digits, base) if len(digits) <= 8 else 0
    allowed = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return reference[0] if allowed else b" "


def _plain(text: str) -> bytes:
    if _SIGN_OF_TWICE in text:
        text = _TWICE.sub(lambda letters: _read_again(letters[0]), text)
    return text.removeprefix("\ufeff").encode("utf-8", "replace")


def _read_again(letters: str) -> str:
    try:
        return b"".join(each.encode("latin-1" if each < "\u0100" else "cp1252") for each in letters).decode("utf-8")
    except UnicodeError:
        return letters


def _declared(body: bytes) -> str | None:
    ebcdic = body.startswith(_EBCDIC_START)
    head = body[:400].decode("cp037").encode("ascii", "replace") if ebcdic else body[:400]
    declared = _DECLARED.match(head)
    name = _charset(declared[1].decode("ascii", "replace")) if declared else None
    return name or ("cp037" if ebcdic else None)


def _charset(name: str) -> str | None:
    """Return Python's name of a character set, or None when `name` is none that we accept."""
    try:
        codec = codecs.lookup(name.strip().lower()).name
        b"a".decode(codec)
    except (LookupError, ValueError):
        return None
    return None if codec in _REFUSED else _LARGER.get(codec, codec)


def _as_utf8(body: bytes) -> str | None:
    """Return the text if all but a few of the bytes are UTF-8, else None."""
    text = body.decode("utf-8", "replace")
    bad = text.count("\ufffd") - body.count("\ufffd".encode())
    if bad == 0:
        return text
    beyond_ascii = sum(char > "\x7f" for char in text)
    if bad > max(1, _FEW * beyond_ascii) or beyond_ascii <= bad:
        return None
    # A byte that is no UTF-8 among others that are was pasted from a text in cp1252.
    lone = body.decode("utf-8", "surrogateescape")
    return _LONE_BYTE.sub(lambda byte: bytes([ord(byte[0]) - 0xDC00]).decode("cp1252", "replace"), lone)


def _wide(body: bytes) -> str | None:
    """Return the encoding of a body whose letters take two or four bytes each, or None."""
    head = body[:100]
    if b"\0" not in head:
        return None
    for mark, name in _WIDE_STARTS:
        if head.startswith(mark):
            return name
    return None
