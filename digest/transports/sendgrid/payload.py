"""Build one SendGrid request (mail/send) from the parts that readers share and each reader's own. Pure.

The limits are those of the provider's mail/send reference, its errors page and its OpenAPI description; where these
differ, the strictest. `limits` checks a request against them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from digest.letter.mime import headers as mime_headers
from digest.letter.mime.headers import BadHeader
from digest.model import NamedAddress

MOST = 1000  # personalizations in a request
MOST_BYTES = 30_000_000  # a request must be smaller
MOST_SUBSTITUTIONS = 10_000  # in a request
ROOM = MOST_BYTES - 100_000  # bytes to fill when splitting, which estimates braces and quotes only roughly

Payload = dict[str, Any]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_NOBODY = NamedAddress("")


@dataclass(frozen=True, slots=True)
class Shared:
    """Hold the parts that all readers of one digest share.

    `html` and `text` may hold marks, which each reader's values replace. `headers` are those that are the same for
    every reader (List-ID, List-Unsubscribe-Post …), spelt as they stand in a message, in ASCII.
    """

    subject: str
    html: str
    text: str
    categories: tuple[str, ...] = ()
    sender: NamedAddress = _NOBODY
    reply_to: NamedAddress | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Personal:
    """Hold one reader's own part of a request: `values` by mark, `headers` beside the shared ones, and `mid`.

    The provider repeats `mid` in every event of the letter. It must say nothing about a person, because the provider
    reads it and keeps it for ever: use the delivery's tag (`transports.tag`), or "" for the delivery's number.
    """

    delivery: int
    to: str
    to_name: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    mid: str = ""


def payload(
    shared: Shared,
    personals: Sequence[Personal],
    *,
    send_at: int | None = None,
    batch_id: str = "",
    sandbox: bool = False,
) -> Payload:
    """Build the request for some readers of one digest, in their order.

    `send_at` is Unix seconds; `sandbox` asks the provider to check the request and mail nothing. Every tracking
    setting is off, whatever the account's own settings. Raises BadHeader for an address that cannot be written.
    """
    request: Payload = {
        "personalizations": [_personalization(personal) for personal in personals],
        "from": _mailbox("From", shared.sender),
        "subject": shared.subject,
        "content": [
            {"type": "text/plain", "value": shared.text},
            {"type": "text/html", "value": shared.html},
        ],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }
    if shared.reply_to:
        request["reply_to"] = _mailbox("Reply-To", shared.reply_to)
    if shared.headers:
        request["headers"] = dict(shared.headers)
    if shared.categories:
        request["categories"] = list(shared.categories)
    if send_at is not None:
        request["send_at"] = send_at
    if batch_id:
        request["batch_id"] = batch_id
    if sandbox:
        request["mail_settings"] = {"sandbox_mode": {"enable": True}}
    return request


def written(request: Payload) -> str:
    """Return a request as it is sent: JSON without spaces, to be encoded as UTF-8."""
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"))


def address_of(personal: Personal) -> str:
    """Return a reader's address in ASCII, as it is sent. Raises BadHeader if it cannot be spelt in ASCII."""
    return mime_headers.address("To", personal.to)


def requests(shared: Shared, personals: Iterable[Personal], most: int = MOST) -> Iterator[list[Personal]]:
    """Yield the readers of one digest, split into as few requests as the limits allow, in order where possible.

    A repeated address goes into another request, because the provider rejects a whole request that names an address
    twice. A reader who fits into no request (too large, no address) is yielded alone, and `fit_request` refuses them.
    """
    content = len(shared.html.encode("utf-8", "replace")) + len(shared.text.encode("utf-8", "replace"))
    open_boxes: list[_Box] = []
    for personal in personals:
        try:
            key = address_of(personal).lower()
        except BadHeader:
            yield [personal]
            continue
        size, count = _size(personal), len(personal.values)
        for box in open_boxes:
            if box.fits(key, size, count, most):
                break
        else:
            box = _Box(content * 2)  # because quotes and line breaks get longer when they are escaped
            open_boxes.append(box)
        box.put(personal, key, size, count)
        # Yield a full box now; few stay open, because only a repeated address or a large reader skips a box.
        if len(box.personals) >= most:
            open_boxes.remove(box)
            yield box.personals
    for box in open_boxes:
        yield box.personals


class _Box:
    """Collect the readers of one request: addresses in `_keys`, bytes in `_size`, substitutions in `_count`."""

    def __init__(self, size: int) -> None:
        self.personals: list[Personal] = []
        self._keys: set[str] = set()
        self._size, self._count = size, 0

    def fits(self, key: str, size: int, count: int, most: int) -> bool:
        return (
            len(self.personals) < most
            and key not in self._keys
            and self._size + size <= ROOM
            and self._count + count <= MOST_SUBSTITUTIONS
        )

    def put(self, personal: Personal, key: str, size: int, count: int) -> None:
        self.personals.append(personal)
        self._keys.add(key)
        self._size += size
        self._count += count


def _size(personal: Personal) -> int:
    """Estimate, rather too high, how many bytes a reader adds to a request."""
    parts = (*personal.values, *personal.values.values(), *personal.headers, *personal.headers.values())
    # An escaped character has at most six bytes; a thousand such readers fit into a request.
    rough = 6 * (len(personal.to_name) + sum(map(len, parts))) + 20 * len(parts)
    if rough > 20_000:
        rough = len(json.dumps([personal.to_name, dict(personal.values), dict(personal.headers)]))
    return rough + len(personal.to) + 200


def _personalization(personal: Personal) -> Payload:
    to = {"email": address_of(personal)}
    # Remove comma and semicolon, because the provider rejects them in a name and "Smith, Ann" must get her letter.
    name = " ".join(_CONTROL.sub(" ", personal.to_name).replace(",", " ").replace(";", " ").split())
    if name:
        to["name"] = name
    entry: Payload = {"to": [to], "custom_args": {"mid": personal.mid or str(personal.delivery)}}
    if personal.headers:
        entry["headers"] = dict(personal.headers)
    if personal.values:
        entry["substitutions"] = dict(personal.values)
    return entry


def _mailbox(name: str, mailbox: NamedAddress) -> dict[str, str]:
    entry = {"email": mime_headers.address(name, mailbox.address)}
    if mailbox.name:
        entry["name"] = mime_headers.require_one_line(name, mailbox.name)
    return entry
