"""Recognise the new entries of a reading that tell what an earlier entry of another source tells.

Such an entry is stored as a "duplicate": readers get the earlier one, and the letter says where else it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from digest.classify import kind_of
from digest.model import CASE_STUDY, Facets, NamedLink, Sighting, Source
from digest.sources.links import link_key
from digest.sources.newness import New, Recognised, StoredKeys
from digest.store import duplicates, entries


def originals(
    conn: Connection, source: Source, sightings: Sequence[Sighting], facets: Mapping[int, Facets], now: datetime
) -> dict[int, int]:
    """Return the ids of the entries that new sightings of a source tell again, by `id()` of a sighting.

    `facets`: those of each, by the same. A case study tells no post again, because readers elsewhere get only it.
    Only entries first seen within WINDOW before `now` are compared, and of them the few with rare words of the title:
    with 10,000 of them a reading takes 0.05 s for it (the first of a process 0.13 s), and 4 ms for each sighting.
    """
    if not sightings:
        return {}
    from digest.learning.likeness import (
        WINDOW,
        are_near_duplicates,
        likely,
    )  # here, because most readings are not new
    from digest.learning.versions import Version

    recent = duplicates.recent_titles(conn, now - WINDOW, besides=source.name)
    candidates = likely([sighting.title for sighting in sightings], recent)
    numbers = {number for some in candidates for number in some}
    texts, stored = entries.bodies(conn, numbers), entries.many(conn, numbers)
    earlier = {
        entry.id: Version(
            entry.title, texts[entry.id], entry.source, entry.published or entry.first_seen, entry.facets.place
        )
        for entry in stored.values()
    }
    told: dict[int, int] = {}
    for sighting, some in zip(sightings, candidates, strict=True):
        text = sighting.html or sighting.summary
        own = facets[id(sighting)]
        version = Version(sighting.title, text, source.name, sighting.published or now, own.place)
        is_study = (own.kind or kind_of(sighting, source)) == CASE_STUDY
        fitting = [number for number in some if not is_study or stored[number].kind == CASE_STUDY]
        same = [number for number in fitting if are_near_duplicates(earlier[number], version)]
        if same:
            told[id(sighting)] = min(same)
    return told


def store_duplicates(
    conn: Connection,
    source: Source,
    new: Iterable[New],
    told: tuple[Mapping[int, int], Mapping[int, int]],
    now: datetime,
) -> None:
    """Store which new entries are near-duplicates, and with the originals that this source shows them too.

    `told`: the ids of the entries, and those of their originals, by `id()` of a sighting.
    """
    numbers, of = told
    for sighting in (each.sighting for each in new if id(each.sighting) in of):
        original = of[id(sighting)]
        duplicates.store_duplicate(conn, numbers[id(sighting)], original)
        duplicates.store_also_at(conn, original, NamedLink(source.name, sighting.link), now)


def store_copies(
    conn: Connection, source: Source, recognised: Iterable[Recognised], stored: StoredKeys, now: datetime
) -> None:
    """Store that a source shows another source's entry at an address of its own, when it is first seen there."""
    for again in recognised:
        entry, link = stored.entries.get(again.entry), again.sighting.link
        if not (again.keys and link and entry) or entry.source == source.name:
            continue
        if entry.url is None or link_key(entry.url) != link_key(link):
            duplicates.store_also_at(conn, again.entry, NamedLink(source.name, link), now)
