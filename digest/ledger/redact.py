"""Take addresses and invisible characters out of a server's reply before it is stored as a reason."""

from __future__ import annotations

import re

from subscribers.invisible import one_line

LONGEST_REASON = 200  # characters

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
    return " ".join(text.split())[:LONGEST_REASON]
