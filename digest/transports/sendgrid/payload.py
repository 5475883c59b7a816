"""One SendGrid request as a value: built from what readers share and what is each one's own. Pure.

The limits are those of the provider's mail/send reference, its errors page and its OpenAPI description, each
at its strictest where they differ. `limits` checks them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any

from digest.letter.mime import headers as headers_
from digest.letter.mime.headers import BadHeader

MOST = 1000  # personalizations in a request
MOST_BYTES = 30_000_000  # a request must be smaller
MOST_SUBSTITUTIONS = 10_000  # in a request
ROOM = MOST_BYTES - 100_000  # what splitting aims at; braces and quotes are counted roughly there

Payload = dict[str, Any]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Shared:
    """What all readers of one digest get alike. `html` and `text` may hold marks that each reader's values replace.

    `sender` and `reply_to` are "Name <address>" or an address ("" for no reply_to); `headers` are the same for
    every reader (List-ID, List-Unsubscribe-Post …), spelt as they stand in a message, in ASCII.
    """

    subject: str
    html: str
    text: str
    categories: tuple[str, ...] = ()
    sender: str = ""
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Personal:
    """What is one reader's own: `values` by mark, `headers` beside the shared ones, the id `mid` for events.

    The provider keeps `mid` for ever and reads it, so it must say nothing of a person: a delivery's tag
    (`transports.tag`), or "" for its number.
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
    """Return the request for some readers of one digest, in their order.

    `send_at` is Unix seconds; `sandbox` asks the provider to check the request and mail nothing. BadHeader for
    an address that cannot be written down. Every tracking setting is off, whatever the account's own say.
    """
    made: Payload = {
        "personalizations": [_personalization(one) for one in personals],
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
        made["reply_to"] = _mailbox("Reply-To", shared.reply_to)
    if shared.headers:
        made["headers"] = dict(shared.headers)
    if shared.categories:
        made["categories"] = list(shared.categories)
    if send_at is not None:
        made["send_at"] = send_at
    if batch_id:
        made["batch_id"] = batch_id
    if sandbox:
        made["mail_settings"] = {"sandbox_mode": {"enable": True}}
    return made


def written(made: Payload) -> str:
    """Return the request as it is sent: JSON without spaces, to be encoded as UTF-8."""
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def address_of(personal: Personal) -> str:
    """Return a reader's address in ASCII as it is sent; BadHeader when there is no such spelling."""
    return headers_.address("To", personal.to)


def requests(shared: Shared, personals: Iterable[Personal], most: int = MOST) -> Iterator[list[Personal]]:
    """Yield the readers of one digest in as few requests as the limits allow, in order where that is free.

    An address that comes again goes into another request: the provider rejects the whole of one that names an
    address twice. Whoever fits into no request (too large, no address) is yielded alone, for the check to judge.
    """
    content = len(shared.html.encode("utf-8", "replace")) + len(shared.text.encode("utf-8", "replace"))
    open_boxes: list[_Box] = []
    for one in personals:
        try:
            key = address_of(one).lower()
        except BadHeader:
            yield [one]
            continue
        size, count = _size(one), len(one.values)
        for box in open_boxes:
            if box.fits(key, size, count, most):
                break
        else:
            box = _Box(content * 2)  # quotes, line breaks and letters beyond ASCII are escaped or longer
            open_boxes.append(box)
        box.put(one, key, size, count)
        # A full one is done with; those left open are few, as only a repeated address skips one.
        if len(box.personals) >= most:
            open_boxes.remove(box)
            yield box.personals
    for box in open_boxes:
        yield box.personals


class _Box:
    """A request being filled."""

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

    def put(self, one: Personal, key: str, size: int, count: int) -> None:
        self.personals.append(one)
        self._keys.add(key)
        self._size += size
        self._count += count


def _size(one: Personal) -> int:
    return len(json.dumps([one.to_name, dict(one.values), dict(one.headers)])) + len(one.to) + 200


def _personalization(one: Personal) -> Payload:
    to = {"email": address_of(one)}
    # The provider takes neither sign in a name; nobody is refused their letter for "Smith, Ann".
    name = " ".join(_CONTROL.sub(" ", one.to_name).replace(",", " ").replace(";", " ").split())
    if name:
        to["name"] = name
    made: Payload = {"to": [to], "custom_args": {"mid": one.mid or str(one.delivery)}}
    if one.headers:
        made["headers"] = dict(one.headers)
    if one.values:
        made["substitutions"] = dict(one.values)
    return made


def _mailbox(name: str, value: str) -> dict[str, str]:
    shown, address = parseaddr(headers_.require_one_line(name, value))
    made = {"email": headers_.address(name, address or value)}
    if shown:
        made["name"] = shown
    return made
