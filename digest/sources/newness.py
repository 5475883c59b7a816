"""Decide which sightings of a snapshot are new, changed or known. Pure.

A key of a sighting leads to a stored entry that it may be: its guid, its link, its title with its text, with the end
of the link, or with the day, or all that it shows. Whether it is that entry is judged by what both show (`sameness`),
because two different entries may have a key in common. A key that two different entries share identifies neither of
them from then on. Its title alone, and its text alone, only lead to an entry of the same source.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import urlsplit

from digest.model import Sighting, Source
from digest.sources.links import absolute_link, link_key, without_tracking
from digest.sources.sameness import (
    ANOTHER,
    FEW_WORDS,
    SAME,
    Showing,
    likeness,
    local_day,
    moved,
    plain_words,
    retitled,
    same_in_one_snapshot,
    slug_of,
)

GUID, LINK, ANCHOR, PRINT, SLUG, DAY, WHOLE, TITLE, TEXT = "g", "l", "a", "p", "s", "d", "w", "t", "x"
HINTS = frozenset((TITLE, TEXT))  # kinds that lead to an entry and are no evidence of it
_UNIVERSAL_GUID = re.compile(r"^(https?:|tag:|urn:|[0-9a-f]{8}-[0-9a-f]{4}-)", re.IGNORECASE)
_WORDS = re.compile(r"[^\W_]+")
_PRINT_LEAST = 200
_PRINT_MOST = 400
_TELLING_TITLE_WORDS = 6
_SURELY = 100
MOST_RETITLED = 50
_MOST_CANDIDATES = 100


class StoredEntry(NamedTuple):
    """Hold what is stored of one entry, to tell an edit of it from another entry.

    A named tuple, because those of many days are made for each reading.
    """

    source: str
    title: str
    url: str | None
    published: datetime | None
    text: str
    print: str

    @property
    def showing(self) -> Showing:
        """Return what is compared of the entry."""
        return Showing(self.title, self.url, self.published, self.text)


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """Hold what is stored about the keys of one snapshot.

    `keys` leads from a stored key to its entry's id, or to None when the key identifies no entry; `entries` leads
    from an id to what is stored of that entry. `entries` may hold others too, of the same days (`retitled`).
    """

    keys: Mapping[str, int | None] = field(default_factory=dict)
    entries: Mapping[int, StoredEntry] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recognised:
    """Hold a sighting of a known entry. `keys` are those of the sighting that are not stored yet."""

    entry: int
    sighting: Sighting
    changed: bool
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class New:
    """Hold a sighting of a new entry, with every key to store for it.

    `look_alike`: it carries the title of a known entry. `doubt`: the title of the known entry that it may be under
    another title, or "". `on_older_page`: the first page of its feed did not show it.
    """

    sighting: Sighting
    keys: tuple[str, ...]
    look_alike: bool = False
    doubt: str = ""
    on_older_page: bool = False


@dataclass(frozen=True, slots=True)
class SnapshotDecision:
    """Hold what was decided about one snapshot.

    `spoilt` are keys that identify no entry any longer.
    """

    new: tuple[New, ...]
    recognised: tuple[Recognised, ...]
    spoilt: tuple[str, ...]


def print_of(sighting: Sighting) -> str:
    """Return a short hash of an entry's text, without its date, because dates change without an edit."""
    given = [part for each in sighting.ingredients for part in (each.name, each.text, *each.barriers, each.by)]
    return _hash("", sighting.title, sighting.link or "", sighting.summary, sighting.html, *given)


def keys_of(sighting: Sighting, source: str) -> dict[str, str]:
    """Return the keys of a sighting by kind; a kind for which the sighting holds too little is absent."""
    keys: dict[str, str] = {}
    title, day = " ".join(plain_words(sighting.title)), local_day(sighting.published)
    text = " ".join(_WORDS.findall(re.sub(r"<[^>]*>", " ", sighting.html or sighting.summary).casefold()))
    link = link_key(sighting.link) if sighting.link else None
    if guid := _plain_guid(sighting):
        keys[GUID] = _hash(GUID, guid) if _UNIVERSAL_GUID.match(sighting.guid or "") else _hash(GUID, source, guid)
    if link:
        keys[LINK] = _hash(LINK, link)
    if (anchor := _plain_link(sighting.link)) and anchor != link:
        keys[ANCHOR] = _hash(ANCHOR, anchor)
    if len(text) >= _PRINT_LEAST:
        keys[PRINT] = _hash(PRINT, title, text[:_PRINT_MOST])
    if len(text.split()) >= FEW_WORDS:
        keys[TEXT] = _hash(TEXT, source, text)
    if title:
        keys[TITLE] = _hash(TITLE, source, title)
        if slug := slug_of(sighting.link):
            keys[SLUG] = _hash(SLUG, source, title, slug)
        if len(title.split()) >= _TELLING_TITLE_WORDS and day:
            keys[DAY] = _hash(DAY, title, day)
        elif day or not (sighting.guid or link):
            keys[DAY] = _hash(DAY, source, title, day)
    # All that it shows: the last resort, where entries have every other key in common.
    keys[WHOLE] = _hash(WHOLE, source, sighting.guid or "", sighting.link or "", title, day, text[:_PRINT_MOST])
    return keys


def showing_of(sighting: Sighting) -> Showing:
    """Return what is compared of a sighting."""
    return Showing(sighting.title, sighting.link, sighting.published, sighting.html or sighting.summary)


def what_is_new(
    source: Source,
    sightings: Sequence[Sighting],
    stored: StoredKeys,
    keys: Sequence[Mapping[str, str]] | None = None,
) -> SnapshotDecision:
    """Decide which sightings of a snapshot are new, by the stored keys; the order of `sightings` is kept.

    `keys` are those of each sighting (`keys_of`), where the caller has them.
    """
    firsts, keyed = _distinct(sightings, keys or [keys_of(sighting, source.name) for sighting in sightings])
    showings = [showing_of(sighting) for sighting in firsts]
    uses = Counter(key for keys in keyed for kind, key in keys.items() if kind != TITLE)
    shared = {key for key, count in uses.items() if count > 1}
    shared |= {key for key, entry in stored.keys.items() if entry is None}
    matched = _match_by_keys(firsts, keyed, showings, shared, stored)
    doubts = _match_by_day(source, showings, matched, stored)
    _match_by_text(source, keyed, showings, shared, (matched, doubts), stored)
    # A key that leads to another entry than the one it stands with lies.
    spoilt = shared | {
        key
        for n, keys in enumerate(keyed)
        for kind, key in keys.items()
        if kind != TITLE and stored.keys.get(key) is not None and stored.keys[key] != matched.get(n)
    }
    new, recognised = [], []
    for n, sighting in enumerate(firsts):
        usable = tuple(key for key in keyed[n].values() if key not in spoilt and key not in stored.keys)
        if n in matched:
            original = stored.entries.get(matched[n])
            # Another source's copy never rewrites the original.
            changed = original is not None and original.source == source.name and original.print != print_of(sighting)
            recognised.append(Recognised(matched[n], sighting, changed, usable))
        else:
            new.append(New(sighting, usable, keyed[n].get(TITLE) in stored.keys, doubts.get(n, "")))
    fresh_spoilt = tuple(sorted(key for key in spoilt if stored.keys.get(key, 0) is not None))
    return SnapshotDecision(tuple(new), tuple(recognised), fresh_spoilt)


def _distinct(
    sightings: Sequence[Sighting], every: Sequence[Mapping[str, str]]
) -> tuple[list[Sighting], list[Mapping[str, str]]]:
    """Return the sightings without copies, and the keys of each; `every` has the keys of all."""
    firsts: list[Sighting] = []
    keyed: list[Mapping[str, str]] = []
    holder: dict[str, int] = {}
    for sighting, keys in zip(sightings, every, strict=True):
        rivals = {holder[key]: None for kind, key in keys.items() if kind not in HINTS and key in holder}
        if any(_is_copy(sighting, keys, firsts[n], keyed[n]) for n in rivals):
            continue
        for key in keys.values():
            holder.setdefault(key, len(firsts))
        firsts.append(sighting)
        keyed.append(keys)
    return firsts, keyed


def _is_copy(sighting: Sighting, keys: Mapping[str, str], other: Sighting, other_keys: Mapping[str, str]) -> bool:
    """Return whether two sightings of one snapshot show the same entry."""
    common = {kind for kind, key in keys.items() if other_keys.get(kind) == key} - HINTS
    if WHOLE in common:
        return True
    return (len(common) >= 2 or PRINT in common) and same_in_one_snapshot(showing_of(sighting), showing_of(other))


def _match_by_keys(
    firsts: Sequence[Sighting],
    keyed: Sequence[Mapping[str, str]],
    showings: Sequence[Showing],
    shared: set[str],
    stored: StoredKeys,
) -> dict[int, int]:
    """Return which sighting is which stored entry, the likest pairs first; an entry answers for one sighting only.

    A key of `shared` may lead to an entry, and is no evidence that it is the one.
    """
    pairs = []
    entries: dict[int, Showing] = {}
    for n, keys in enumerate(keyed):
        numbers = {stored.keys.get(key) for kind, key in keys.items() if kind != TEXT}
        led = [number for number in numbers if number is not None and number in stored.entries]
        if not led:
            continue
        own_guid = GUID in keys and _plain_guid(firsts[n]) != _plain_link(firsts[n].link) and keys[GUID] not in shared
        for number in led:
            entries.setdefault(number, stored.entries[number].showing)
            leads = {kind for kind, key in keys.items() if stored.keys.get(key) == number}
            weight = _SURELY
            if WHOLE not in leads:
                silent = {keys[kind] for kind in (LINK, ANCHOR) if kind in keys} <= shared
                same_link = None if silent else not leads.isdisjoint((LINK, ANCHOR))
                same_guid = own_guid and GUID in leads
                weight = likeness(
                    showings[n], entries[number], same_guid=same_guid, same_link=same_link, is_alone=len(firsts) == 1
                )
            if weight > 0:
                pairs.append((-weight, n, number))
    matched: dict[int, int] = {}
    taken: set[int] = set()
    for _, n, number in sorted(pairs):
        if n not in matched and number not in taken:
            matched[n] = number
            taken.add(number)
    return matched


def _match_by_day(
    source: Source, showings: Sequence[Showing], matched: dict[int, int], stored: StoredKeys
) -> dict[int, str]:
    """Add to `matched` the sightings that are entries of their day retitled; return the doubtful ones, by that title.

    An entry that the snapshot shows by itself is no candidate.
    """
    taken = set(matched.values())
    doubts: dict[int, str] = {}
    unmatched = [n for n, showing in enumerate(showings) if n not in matched and showing.published]
    if not unmatched or len(unmatched) > MOST_RETITLED:
        return {}  # because so many at once are no mended titles, and each comparison takes time
    of_day: dict[str, dict[int, Showing]] = {}
    for number, entry in stored.entries.items():
        if entry.published and number not in taken:
            showing = entry.showing
            of_day.setdefault(showing.day, {})[number] = showing
    for n in unmatched:
        candidates = list(of_day.get(showings[n].day, {}).items())[:_MOST_CANDIDATES]
        verdicts = (
            (number, retitled(showings[n], showing, same_source=stored.entries[number].source == source.name))
            for number, showing in candidates
        )
        _settle(n, verdicts, taken, (matched, doubts), stored)
    return doubts


def _match_by_text(
    source: Source,
    keyed: Sequence[Mapping[str, str]],
    showings: Sequence[Showing],
    shared: set[str],
    judged: tuple[dict[int, int], dict[int, str]],
    stored: StoredKeys,
) -> None:
    """Add to what is `judged`, the matched and the doubtful, the entries that come back with their text alone.

    A text that several entries of the source share, and one whose entry the snapshot shows by itself, says nothing.
    """
    matched, doubts = judged
    taken = set(matched.values())
    for n, keys in enumerate(keyed):
        if n in matched or n in doubts or TEXT not in keys or keys[TEXT] in shared:
            continue
        numbers = dict.fromkeys(stored.keys.get(key) for key in (keys[TEXT], keys.get(TITLE, "")))
        verdicts = (
            (number, moved(showings[n], entry.showing))
            for number in numbers
            if number is not None and number not in taken
            if (entry := stored.entries.get(number)) is not None and entry.source == source.name
        )
        _settle(n, verdicts, taken, judged, stored)


def _settle(
    n: int,
    verdicts: Iterable[tuple[int, str]],
    taken: set[int],
    judged: tuple[dict[int, int], dict[int, str]],
    stored: StoredKeys,
) -> None:
    """Match sighting `n` with the first entry, of (number, verdict), that is the SAME and not taken.

    Adds it to the matched of `judged` and to `taken`; without such an entry, the title of the first one in DOUBT goes
    to the doubtful of `judged`.
    """
    matched, doubts = judged
    for number, verdict in verdicts:
        if verdict == SAME and number not in taken:
            matched[n] = number
            taken.add(number)
            doubts.pop(n, None)
            return
        if verdict != ANOTHER:
            doubts.setdefault(n, stored.entries[number].title)


def _plain_guid(sighting: Sighting) -> str | None:
    """Return a guid without its spelling, or None: the address of a whole site identifies no entry."""
    guid = (sighting.guid or "").strip()
    # A guid that is an address is the same under http and https, and on both sides of "www.".
    is_address = guid.lower().startswith(("http:", "https:")) and absolute_link(guid, None) is not None
    return _plain_link(guid) if is_address else guid or None


def _plain_link(raw: str | None) -> str | None:
    """Return the key of a link with its fragment, which tells two notes of one page apart; None: of no page."""
    link = absolute_link(raw, None)
    if link is None:
        return None
    parts = urlsplit(without_tracking(link))
    page = link_key(link)
    if not parts.fragment or (page and page.endswith(f"#{parts.fragment}")):
        return page
    return f"{page or (parts.hostname or '').removeprefix('www.')}#{parts.fragment}"


def _hash(kind: str, *parts: str) -> str:
    digest = blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=15).hexdigest()
    return f"{kind}:{digest}" if kind else digest
