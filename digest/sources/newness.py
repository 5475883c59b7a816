"""Decide which sightings of a snapshot are new, changed or known. Pure.

An entry is new when none of its keys was ever stored. Keys are layered, strongest first: guid, link, then the title
with the text, with the end of the link, or with the day; an entry with none of these is known by all that it shows.
Guid and link of all sightings are tried before the other keys. A key that two different entries of one snapshot
share identifies neither of them from then on.
"""

from __future__ import annotations

import re
import statistics
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from digest.model import Sighting, Source
from digest.sources.links import link_key

GUID, LINK, PRINT, SLUG, DAY, WHOLE, TITLE = "g", "l", "p", "s", "d", "w", "t"
_STRONG = (GUID, LINK)
_WEAK = (PRINT, SLUG, DAY, WHOLE)
_UNIVERSAL_GUID = re.compile(r"^(https?:|tag:|urn:|[0-9a-f]{8}-[0-9a-f]{4}-)", re.IGNORECASE)
_WORDS = re.compile(r"[^\W_]+")
_PRINT_LEAST = 200
_PRINT_MOST = 400
_TELLING_TITLE_WORDS = 6
# Compare local days, because a rebuilt feed may show the same midnight an hour later (summer time, UTC).
_ZONE = ZoneInfo("Europe/London")

_SURGE = 20
_OLD_SURGE = 6
_OLD = timedelta(days=30)
_LOOK_ALIKES = 3


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """Hold what is stored of one entry, to tell an edit of it from another entry."""

    source: str
    title: str
    url: str | None
    published: datetime | None
    text: str
    print: str


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """Hold what is stored about the keys of one snapshot.

    `keys` leads from a stored key to its entry's id, or to None when the key identifies no entry; `entries` leads
    from an id to what is stored of that entry.
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
    """Hold a sighting of a new entry, with every key to store for it."""

    sighting: Sighting
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SnapshotDecision:
    """Hold what was decided about one snapshot.

    `spoilt` are stored keys that identify no entry any longer. `look_alikes` counts new entries that carry the title
    of a known one.
    """

    new: tuple[New, ...]
    recognised: tuple[Recognised, ...]
    spoilt: tuple[str, ...]
    look_alikes: int


def print_of(sighting: Sighting) -> str:
    """Return a short hash of an entry's text, without its date, because dates change without an edit."""
    return _hash("", sighting.title, sighting.link or "", sighting.summary, sighting.html)


def keys_of(sighting: Sighting, source: str) -> dict[str, str]:
    """Return the keys of a sighting by kind; a kind for which the sighting holds too little is absent."""
    keys: dict[str, str] = {}
    title, words, day = (
        _title_key(sighting.title),
        _text_key(sighting.html or sighting.summary),
        _day(sighting.published),
    )
    link = link_key(sighting.link) if sighting.link else None
    if sighting.guid:
        guid = sighting.guid.strip()
        # A guid that is an address is the same under http and https, and on both sides of "www.".
        plain = (link_key(guid) or guid) if guid.lower().startswith(("http:", "https:")) else guid
        keys[GUID] = _hash(GUID, plain) if _UNIVERSAL_GUID.match(guid) else _hash(GUID, source, plain)
    if link:
        keys[LINK] = _hash(LINK, link)
    if len(words) >= _PRINT_LEAST:
        keys[PRINT] = _hash(PRINT, title, words[:_PRINT_MOST])
    if title:
        keys[TITLE] = _hash(TITLE, source, title)
        if slug := _slug(sighting.link):
            keys[SLUG] = _hash(SLUG, source, title, slug)
        if len(title.split()) >= _TELLING_TITLE_WORDS and day:
            keys[DAY] = _hash(DAY, title, day)
        elif day or not (sighting.guid or link):
            keys[DAY] = _hash(DAY, source, title, day)
    # The last resort: stored only for an entry that no other key identifies.
    keys[WHOLE] = _hash(WHOLE, source, sighting.guid or "", sighting.link or "", title, day, words[:_PRINT_MOST])
    return keys


def what_is_new(source: Source, sightings: Sequence[Sighting], stored: StoredKeys) -> SnapshotDecision:
    """Decide which sightings of a snapshot are new, by the stored keys; the order of `sightings` is kept."""
    firsts, keyed, spoilt = _distinct(source, sightings, stored)
    matched: dict[int, int] = {}
    taken: set[int] = set()
    for kinds in (_STRONG, _WEAK):
        for n, sighting in enumerate(firsts):
            if n in matched:
                continue
            for kind in kinds:
                key = keyed[n].get(kind)
                entry = stored.keys.get(key) if key and key not in spoilt else None
                if entry is None or key is None:
                    continue
                if entry in taken or (kind == GUID and _is_another(sighting, stored.entries.get(entry))):
                    # The key lies: the snapshot shows both entries, or they share nothing but this key.
                    spoilt.add(key)
                    continue
                matched[n] = entry
                taken.add(entry)
                break
    new, recognised = [], []
    look_alikes = 0
    for n, sighting in enumerate(firsts):
        usable = _worth_storing(keyed[n], spoilt, stored)
        if n in matched:
            original = stored.entries.get(matched[n])
            # Another source's copy never rewrites the original.
            changed = original is not None and original.source == source.name and original.print != print_of(sighting)
            recognised.append(Recognised(matched[n], sighting, changed, usable))
        else:
            look_alikes += keyed[n].get(TITLE) in stored.keys
            new.append(New(sighting, usable))
    fresh_spoilt = tuple(sorted(k for k in spoilt if stored.keys.get(k, 0) is not None))
    return SnapshotDecision(tuple(new), tuple(recognised), fresh_spoilt, look_alikes)


def surge(decision: SnapshotDecision, usual: Sequence[int], last_ok: datetime | None, now: datetime) -> str | None:
    """Return why the new entries of a gather must wait for an editor, or None.

    `usual`: the number of new entries of each gather of the last 30 days that brought any.
    """
    new = len(decision.new)
    limit = max(_SURGE, 5 * statistics.median(usual)) if usual else _SURGE
    if new > limit:
        return f"{new} new entries at once, where at most {limit:.0f} were to be expected"
    before = (last_ok or now) - _OLD
    old = sum(1 for n in decision.new if n.sighting.published and n.sighting.published < before)
    if old >= _OLD_SURGE and old * 2 >= new:
        return f"{old} of {new} new entries are more than 30 days old"
    if decision.look_alikes >= _LOOK_ALIKES and decision.look_alikes * 2 > new:
        return f"{decision.look_alikes} of {new} new entries carry the title of one already known"
    return None


def _worth_storing(keys: dict[str, str], spoilt: set[str], stored: StoredKeys) -> tuple[str, ...]:
    """Return the keys that are not stored yet; the last resort only when no other key identifies the entry."""
    good = {kind: key for kind, key in keys.items() if key not in spoilt}
    if good.keys() - {WHOLE, TITLE}:
        good.pop(WHOLE, None)
    return tuple(key for key in good.values() if key not in stored.keys)


def _distinct(
    source: Source, sightings: Sequence[Sighting], stored: StoredKeys
) -> tuple[list[Sighting], list[dict[str, str]], set[str]]:
    """Return the sightings without copies, the keys of each, and the keys that identify no entry."""
    firsts: list[Sighting] = []
    keyed: list[dict[str, str]] = []
    holder: dict[str, int] = {}
    spoilt = {key for key, entry in stored.keys.items() if entry is None}
    for sighting in sightings:
        keys = keys_of(sighting, source.name)
        rivals = {holder[k]: None for kind, k in keys.items() if kind != TITLE and k in holder}
        if any(_is_copy(sighting, keys, firsts[n], keyed[n]) for n in rivals):
            continue
        for kind, key in keys.items():
            if key in holder and kind != TITLE:
                spoilt.add(key)
            holder.setdefault(key, len(firsts))
        firsts.append(sighting)
        keyed.append(keys)
    return firsts, keyed, spoilt


def _is_copy(sighting: Sighting, keys: dict[str, str], other: Sighting, other_keys: dict[str, str]) -> bool:
    """Return whether two sightings of one snapshot show the same entry."""
    shared = {kind for kind, key in keys.items() if other_keys.get(kind) == key}
    if WHOLE in shared:
        return True
    same_title = _title_key(sighting.title) == _title_key(other.title)
    same_day = _day(sighting.published) == _day(other.published)
    return same_title and (len(shared - {TITLE}) >= 2 or (PRINT in shared and same_day))


def _is_another(sighting: Sighting, entry: StoredEntry | None) -> bool:
    """Return whether a sighting shares only its guid with an entry, because some sources repeat one guid."""
    if entry is None:
        return False
    ties = (
        _title_key(sighting.title) == _title_key(entry.title),
        (link_key(sighting.link) if sighting.link else None) == (link_key(entry.url) if entry.url else None),
        _day(sighting.published) == _day(entry.published),
        _text_key(sighting.html or sighting.summary)[:_PRINT_MOST] == _text_key(entry.text)[:_PRINT_MOST],
    )
    return not any(ties)


def _hash(kind: str, *parts: str) -> str:
    digest = blake2b("\x1f".join(parts).encode("utf-8", "replace"), digest_size=15).hexdigest()
    return f"{kind}:{digest}" if kind else digest


def _title_key(title: str) -> str:
    return " ".join(_WORDS.findall(unicodedata.normalize("NFKC", title).casefold()))


def _text_key(html: str) -> str:
    return " ".join(_WORDS.findall(re.sub(r"<[^>]*>", " ", html).casefold()))


def _day(published: datetime | None) -> str:
    return published.astimezone(_ZONE).date().isoformat() if published else ""


def _slug(link: str | None) -> str:
    """Return the end of a link's path when it names the page ("sharing-the-care-record"), else ""."""
    tail = urlsplit(link).path.rstrip("/").rsplit("/", 1)[-1].lower() if link else ""
    return tail if len(tail) >= 8 and "-" in tail else ""
