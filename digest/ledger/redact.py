"""Take addresses and invisible characters out of a server's reply before it is stored as a reason."""

from __future__ import annotations

import re

from subscribers.characters import whole_characters
from subscribers.invisible import one_line

LONGEST_REASON = 200  # characters

SERVERS_WORDS = ("refused", "uncertain", "pending", "claimed")  # states whose reason may come from a mail server
OUR_YES = ("settled by", "an event tells", "sandbox")  # reasons of accepted deliveries that no server wrote
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,100}@[^\s<>()\[\]\"',;]+")


def redacted(reason: str, address: str | None = None) -> str:
    """Return the reply `reason` without any address in it, on one line, at most 200 characters.

    `address` is the reader's, where it is known: its local part is taken out as well.
    """
    if not reason:
        return ""
    text = one_line(reason[: 20 * LONGEST_REASON])
    if address:
        # First as it is stored, because an address with a space in it is not seen by the pattern as a whole.
        text = re.sub(re.escape(address), "…", text, flags=re.I)
    text = _ADDRESS.sub("…", text)
    local = (address or "").rpartition("@")[0]
    if len(local) > 2:
        # Because a reply may hold the name without its domain: "no such user jane.doe".
        text = re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", "…", text, flags=re.I)
    return whole_characters(" ".join(text.split()), LONGEST_REASON)


def reason_for_receipt(state: str, reason: str, address: str | None) -> str:
    """Return the reason of a delivery as its receipt shows it, without any address; "" when it shows none.

    `address` is the reader's; None: they were erased.
    """
    if state == "accepted" and not reason.startswith(OUR_YES):
        return ""  # because a server's answer to an accepted letter has another number for each letter
    if state in SERVERS_WORDS and reason and address is None:
        # A server may name their mailbox without its domain, and nothing here knows that name any more.
        return "the reader has been erased"
    return redacted(reason, address if state in SERVERS_WORDS else None)
