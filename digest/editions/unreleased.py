"""Keep a row for each text that its source shows and has never released, so that it is listed with its reason.

Such a row is for people: it answers `digest entries --state withheld`, and an editor may release or drop it. It
recognises nothing. It goes when its source shows the text no longer, and when the source releases the text, which is
then taken in as any new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from digest.model import Sighting, Source
from digest.sources.newness import ANCHOR, GUID, LINK, WHOLE, Recognised, StoredKeys, keys_of, print_of
from digest.store import entries, standings

_STRONG = (GUID, LINK, ANCHOR)


@dataclass(frozen=True, slots=True)
class UnreleasedTexts:
    """Hold the unreleased texts of a reading: those whose row is shown `again`, and the `fresh` ones without a row.

    A fresh text stands with the key to store for it.
    """

    again: Sequence[Recognised]
    fresh: Sequence[tuple[Sighting, str]]

    def without_rows(self, memory: StoredKeys) -> StoredKeys:
        """Return what is stored without these rows, because they answer for no released text."""
        rows = {text.entry for text in self.again}
        keys = {key: number for key, number in memory.keys.items() if number not in rows}
        return StoredKeys(keys, {number: entry for number, entry in memory.entries.items() if number not in rows})


def unreleased_texts(
    conn: Connection, source: Source, out: Sequence[Sighting], shown: Sequence[Sighting]
) -> UnreleasedTexts:
    """Return the texts of a reading that are `out`, and remove the rows of those that it shows as `out` no longer.

    A text that was an entry before it was withdrawn stays that entry. One that shares an id or a link with a text of
    `shown` has no row.
    """
    rows = standings.never_released(conn, source.name)
    # Keys take time, and few readings have a text that is out.
    taken = {key for sighting in shown for key in keys_of(sighting, source.name).values()} if out else set()
    keyed = [keys_of(sighting, source.name) for sighting in out]
    stored = entries.stored_keys(conn, [key for keys in keyed for key in keys.values()])
    again: list[Recognised] = []
    fresh: list[tuple[Sighting, str]] = []
    for sighting, keys in zip(out, keyed, strict=True):
        strong = [keys[kind] for kind in _STRONG if kind in keys]
        if not taken.isdisjoint(strong):
            continue
        own = [*strong, keys[WHOLE]]
        taken.update(own)
        number = next((n for n in map(stored.keys.get, own) if n is not None), None)
        free = [key for key in own if key not in stored.keys]
        if number in rows:
            changed = stored.entries[number].print != print_of(sighting)
            again.append(Recognised(number, sighting, changed, ()))
        elif number is None and free:
            fresh.append((sighting, free[0]))
    entries.remove(conn, rows.difference(text.entry for text in again))
    return UnreleasedTexts(again, fresh)
