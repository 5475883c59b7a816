"""Hold what a muted source brings, and let go what another source brings too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from digest.model import Source
from digest.sources.newness import Recognised, StoredKeys
from digest.sources.withdrawal import MUTED, Stand
from digest.store import muted, standings


def with_muted(conn: Connection, pairs: Sequence[tuple[Stand, Stand]]) -> Sequence[tuple[Stand, Stand]]:
    """Return (before, after) pairs, in which a first release of an entry is a hold where its source is muted."""
    back = [after.entry for before, after in pairs if after.state == "ready" and before.state != "ready"]
    if not back or not (reasons := muted.entries_of_muted(conn, back)):
        return pairs
    new = set(reasons) - standings.released_once(conn, reasons)
    return [
        (before, replace(after, state="held", held_by=MUTED, held_why=reasons[after.entry]))
        if after.entry in new
        else (before, after)
        for before, after in pairs
    ]


def adopt_copies(conn: Connection, source: Source, again: Sequence[Recognised], stored: StoredKeys) -> list[int]:
    """Make the entries that are held for a mute of another source entries of `source`, which shows them too.

    Return their ids. Else a mute would keep from readers what a source brings that nobody has muted.
    """
    links = {
        each.entry: each.sighting.link
        for each in again
        if (entry := stored.entries.get(each.entry)) and entry.source != source.name
    }
    return muted.adopt(conn, links, source.name) if links else []
