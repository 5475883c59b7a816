"""What the database does for `what_is_new`, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from digest.model import Sighting, Source
from digest.sources.newness import SnapshotDecision, StoredEntry, StoredKeys, keys_of, print_of, what_is_new

HERE = Source("here", url="https://here.example/feed")


class Store:
    """Keep keys and entries; `see` decides about a snapshot and stores what was decided."""

    def __init__(self) -> None:
        self.keys: dict[str, int | None] = {}
        self.entries: dict[int, StoredEntry] = {}

    def see(self, sightings: Sequence[Sighting], source: Source = HERE) -> SnapshotDecision:
        asked = {k for s in sightings for k in keys_of(s, source.name).values()}
        memory = StoredKeys({k: v for k, v in self.keys.items() if k in asked}, self.entries)
        decision = what_is_new(source, sightings, memory)
        for new in decision.new:
            number = len(self.entries) + 1
            self.entries[number] = _stored(new.sighting, source)
            for key in new.keys:
                self.keys.setdefault(key, number)
        for again in decision.recognised:
            if again.changed:
                self.entries[again.entry] = _stored(again.sighting, source)
            for key in again.keys:
                self.keys.setdefault(key, again.entry)
        for key in decision.spoilt:
            self.keys[key] = None
        return decision


def _stored(s: Sighting, source: Source) -> StoredEntry:
    return StoredEntry(source.name, s.title, s.link, s.published, s.html or s.summary, print_of(s))
