"""Write a SendGrid request (mail/send) as JSON from the parts that readers share and each reader's own. Pure.

The limits are those of the provider's mail/send reference, its errors page and its OpenAPI description; where these
differ, the strictest. `limits` checks them, `riders` puts readers and requests together.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from digest.letter.blocks import decode
from digest.letter.mime import headers as mime_headers
from digest.model import NamedAddress

MOST = 1000  # personalizations in a request
MOST_BYTES = 30_000_000  # a request must be smaller
MOST_SUBSTITUTIONS = 10_000  # in a request

Payload = dict[str, Any]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_NOBODY = NamedAddress("")
_GAP = "\x7f"  # for a text in the JSON of a reader
# What stands for itself in JSON, and the line break; "?" for every other byte.
_READY = bytes(byte if byte == 10 or (byte >= 32 and byte not in b'"\\\x7f') else 63 for byte in range(256))


@dataclass(frozen=True, slots=True)
class Shared:
    """Hold the parts that all readers of one digest share.

    `html` and `text` are pieces of quoted-printable, as in a `Form`, and may hold `marks`, which each reader's values
    replace. `headers` are those that are the same for every reader (List-ID, List-Unsubscribe-Post …), spelt as they
    stand in a message, in ASCII; `own_headers` are the names of those that differ.
    """

    subject: str
    html: Sequence[bytes]
    text: Sequence[bytes]
    categories: tuple[str, ...] = ()
    sender: NamedAddress = _NOBODY
    reply_to: NamedAddress | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    own_headers: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


class Personal(NamedTuple):
    """Hold one reader's own part of a request: their `texts` in the order in which the JSON has them.

    These are the `mid`, a value for each of the reader's own headers and for each mark, the address in ASCII, and the
    name if the reader is `named`. The provider repeats the `mid` in every event of the letter. A rider is a reader
    who breaks no limit, and whose texts are ready to stand in JSON (see `riders.admitted`).
    """

    delivery: int
    texts: Sequence[str]
    named: bool

    @property
    def address(self) -> str:
        """Return the reader's address."""
        return self.texts[-2] if self.named else self.texts[-1]


def personal_part(delivery: int, mid: str, own: Sequence[str], to: str, to_name: str) -> Personal:
    """Return a reader's own part of a request; `own` are the values of their headers (see `grouping.own_headers`) and
    then those for the marks.

    `mid` must say nothing about a person, because the provider reads it and keeps it for ever: use the delivery's tag
    (`transports.tag`), or "" for the delivery's number. Raises BadHeader for an address that cannot be written.
    """
    email = mime_headers.address("To", to)
    name = sendable_name(to_name)
    return Personal(delivery, (mid or str(delivery), *own, email, *([name] if name else [])), bool(name))


def shared_part(shared: Shared, *, send_at: int | None = None, batch_id: str = "", sandbox: bool = False) -> Payload:
    """Return the fields of a request beside its content and readers.

    `send_at` is Unix seconds; `sandbox` asks the provider to check the request and mail nothing. Every tracking
    setting is off, whatever the account's own settings. Raises BadHeader for an address that cannot be written.
    """
    part: Payload = {
        "from": _mailbox("From", shared.sender),
        "subject": shared.subject,
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }
    if shared.reply_to:
        part["reply_to"] = _mailbox("Reply-To", shared.reply_to)
    if shared.headers:
        part["headers"] = dict(shared.headers)
    if shared.categories:
        part["categories"] = list(shared.categories)
    if send_at is not None:
        part["send_at"] = send_at
    if batch_id:
        part["batch_id"] = batch_id
    if sandbox:
        part["mail_settings"] = {"sandbox_mode": {"enable": True}}
    return part


def personalization(shared: Shared, personal: Personal) -> Payload:
    """Return one reader's own part as it stands in a request."""
    mid, *rest = personal.texts
    values = rest[len(shared.own_headers) :]
    entry: Payload = {"custom_args": {"mid": mid}}
    if shared.own_headers:
        entry["headers"] = dict(zip(shared.own_headers, rest, strict=False))
    if shared.marks:
        entry["substitutions"] = dict(zip(shared.marks, values, strict=False))
    entry["to"] = [{"email": personal.address} | ({"name": rest[-1]} if personal.named else {})]
    return entry


def sendable_name(name: str) -> str:
    """Return a name on one line without comma and semicolon, because the provider rejects these in a name.

    "Smith, Ann" must get her letter.
    """
    if name.isascii() and name.isprintable() and "," not in name and ";" not in name:
        return " ".join(name.split())
    return " ".join(_CONTROL.sub(" ", name).replace(",", " ").replace(";", " ").split())


def written(part: Payload | str) -> str:
    """Return a part of a request as it is sent: JSON without spaces, to be encoded as UTF-8."""
    return json.dumps(part, ensure_ascii=False, separators=(",", ":"))


def is_ready(text: str) -> bool:
    """Return whether a text stands for itself in JSON, but for line breaks."""
    try:
        as_bytes = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return as_bytes.translate(_READY) == as_bytes


def made_ready(rider: Personal) -> Personal:
    """Return a rider with each text as it stands in JSON. Raises UnicodeEncodeError for half a surrogate pair."""
    texts = [written(text)[1:-1] for text in rider.texts]
    "".join(texts).encode()
    return rider._replace(texts=texts)


def written_request(part: Payload, shared: Shared, riders: Sequence[Personal]) -> bytes:
    """Return a whole request: `part` from `shared_part`, the content, and the part of each rider.

    Raises UnicodeEncodeError for half a surrogate pair in `part`.
    """
    return b"".join(
        (
            b'{"personalizations":[',
            _written_riders(shared, riders),
            b'],"content":[{"type":"text/plain","value":"',
            *map(_written_piece, shared.text),
            b'"},{"type":"text/html","value":"',
            *map(_written_piece, shared.html),
            b'"}],',
            written(part)[1:].encode(),
        )
    )


def _written_riders(shared: Shared, riders: Sequence[Personal]) -> bytes:
    """Return the JSON of some riders, with a comma between two; line breaks are escaped here, for all at once."""
    patterns = [_pattern(shared.own_headers, shared.marks, named) for named in (False, True)]
    parts = []
    for rider in riders:
        pieces = patterns[rider.named].copy()
        pieces[1::2] = rider.texts
        parts.append("".join(pieces))
    return ",".join(parts).encode().replace(b"\n", rb"\n")


@lru_cache(maxsize=64)
def _pattern(own_headers: tuple[str, ...], marks: tuple[str, ...], named: bool) -> list[str]:
    """Return the JSON of a reader in pieces, with an empty piece for each of their texts."""
    gaps = [_GAP] * (2 + len(own_headers) + len(marks) + named)
    shared = Shared("", (), (), own_headers=own_headers, marks=marks)
    pieces = written(personalization(shared, Personal(0, gaps, named))).split(_GAP)
    return [*chain.from_iterable((piece, "") for piece in pieces)][:-1]


# Remembered, because the letters of an edition share most of their pieces. The pieces of 2048 are about 3 MB.
@lru_cache(maxsize=2048)
def _written_piece(piece: bytes) -> bytes:
    """Return a piece of quoted-printable as it stands between the quotes of a JSON string."""
    return json.dumps(decode((piece,)), ensure_ascii=False)[1:-1].encode()


def _mailbox(name: str, mailbox: NamedAddress) -> dict[str, str]:
    entry = {"email": mime_headers.address(name, mailbox.address)}
    if mailbox.name:
        entry["name"] = mime_headers.require_one_line(name, mailbox.name)
    return entry
