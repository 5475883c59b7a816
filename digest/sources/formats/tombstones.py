"""Read the tombstones of an Atom feed (RFC 6721): the ids of entries that its publisher has deleted. Pure."""

from __future__ import annotations

import contextlib
from datetime import datetime
from xml.parsers import expat

from digest.sources.formats.dates import instant

_NAME = "deleted-entry"
_MOST = 1_000


def tombstones(body: bytes) -> dict[str, datetime | None]:
    """Return the id of each deleted entry, with the instant of its deletion (None if it names none).

    feedparser keeps only the last element of a name that it does not know, so the XML is read once more here. Of a
    malformed feed the tombstones before the fault are returned.
    """
    deleted: dict[str, datetime | None] = {}
    if _NAME.encode() not in body:
        return deleted

    def start(name: str, attributes: dict[str, str]) -> None:
        # Compare the local name only, because feeds forget to declare the prefix.
        if name.rpartition(":")[2] == _NAME and attributes.get("ref") and len(deleted) < _MOST:
            deleted[attributes["ref"]] = instant(attributes.get("when", ""))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with contextlib.suppress(expat.ExpatError, ValueError):
        parser.Parse(body, True)
    return deleted
