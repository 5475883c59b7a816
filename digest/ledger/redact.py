"""Redact what a provider or mail server says: no address and no invisible character stays in a stored reason."""

from __future__ import annotations

import re

from subscribers.invisible import one_line

LONGEST_REASON = 200


_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,100}@[^\s<>()\[\]\"',;]+")


def redacted(reason: str, address: str | None = None) -> str:
    """Return a server's words without any address in them, on one line, at most 200 characters."""
    if not reason:
        return ""
    text = _ADDRESS.sub("…", one_line(reason[: 20 * LONGEST_REASON]))
    local = (address or "").rpartition("@")[0]
    if len(local) > 2:
        # "no such user jane.doe": the name without its domain.
        text = re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", "…", text, flags=re.I)
    return " ".join(text.split())[:LONGEST_REASON]
