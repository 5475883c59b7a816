"""Check a letter's message as bytes: its headers, and the limits that every mail server sets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from digest.letter.lint.finding import ERROR, WARNING, LintFinding

_LONGEST_LINE = 998
_ENCODED_WORD = re.compile(rb"=\?[^?]+\?[bq]\?", re.IGNORECASE)
_WANTED = (b"from", b"to", b"subject", b"date", b"message-id", b"list-id", b"list-unsubscribe", b"auto-submitted")
_ADDRESSES_ONLY = (b"list-unsubscribe", b"list-unsubscribe-post", b"message-id", b"date", b"auto-submitted")


def check(message: bytes) -> Iterator[LintFinding]:
    """Yield faults of the bytes on the wire: lines, 7 bit, and the headers that bulk mail must have."""
    if re.search(rb"(?<!\r)\n|\r(?!\n)", message):
        yield _error("crlf", "message", "a line does not end in CR LF", "compose it again; let nothing rewrite lines")
    for number, line in enumerate(message.split(b"\r\n"), 1):
        if len(line) > _LONGEST_LINE:
            problem = f"{len(line)} characters; servers break lines over {_LONGEST_LINE}"
            yield _error("line-length", f"message line {number}", problem, "encode the part as quoted-printable")
        if not line.isascii():
            yield _error("seven-bit", f"message line {number}", "has a byte over 127", "encode it")
            break
    head = _headers(message.partition(b"\r\n\r\n")[0])
    for name in _WANTED:
        if name not in head:
            yield _error(
                "header", f"header {name.decode().title()}", "is missing", "add it in digest/letter/mime/compose.py"
            )
        elif len(head[name]) > 1:
            yield _error("header", f"header {name.decode().title()}", "stands twice", "write it once")
    for name in _ADDRESSES_ONLY:
        if any(_ENCODED_WORD.search(value) for value in head.get(name, [])):
            problem = "has an encoded word, which no program reads there"
            yield _error(
                "encoded-word", f"header {name.decode().title()}", problem, "write it plainly, folded between words"
            )
    yield from _unsubscribe(head)


def _unsubscribe(head: dict[bytes, list[bytes]]) -> Iterator[LintFinding]:
    where = "header List-Unsubscribe"
    addresses = re.findall(rb"<([^>]*)>", b"".join(head.get(b"list-unsubscribe", [])))
    web = [a for a in addresses if a.startswith((b"https://", b"http://"))]
    if len(web) != 1:
        yield _error("one-click", where, f"{len(web)} web addresses", "write exactly one (RFC 8058)")
    elif web[0].startswith(b"http://"):
        cure = "set an https base_url"
        yield LintFinding(WARNING, "one-click", where, "", "is not https: one-click is not offered", cure)
    post = [value.strip() for value in head.get(b"list-unsubscribe-post", [])]
    if post != [b"List-Unsubscribe=One-Click"]:
        cure = "write List-Unsubscribe=One-Click"
        yield _error("one-click", "header List-Unsubscribe-Post", "is missing or says something else", cure)


def _headers(head: bytes) -> dict[bytes, list[bytes]]:
    """Return the values of each header, unfolded, by its lower-case name."""
    values: dict[bytes, list[bytes]] = {}
    for line in re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n"):
        name, _, value = line.partition(b":")
        values.setdefault(name.lower(), []).append(value)
    return values


def _error(rule: str, where: str, problem: str, cure: str) -> LintFinding:
    return LintFinding(ERROR, rule, where, "", problem, cure)
