"""New, changed or the same? An entry is new when no way of recognising it was ever met here.

Identity is layered, strongest first: guid, link, then title with its words, its place in the site, or its
day. A key that two different entries of one snapshot share identifies neither, from then on.
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
# Feeds show dates at midnight of either clock; the local day is what stays when a rebuild moves them by an hour.
_ZONE = ZoneInfo("Europe/London")

_SURGE = 20
_OLD_SURGE = 6
_OLD = timedelta(days=30)
_LOOK_ALIKES = 3


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of one entry that a key led to, for telling an edit from another entry."""

    source: str
    title: str
    url: str | None
    published: datetime | None
    text: str
    print: str


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """What is stored about the keys of one snapshot.

    `keys`: every stored key among those asked for, to its entry id, or to None when it identifies nothing;
    `entries`: what those ids say.
    """

    keys: Mapping[str, int | None] = field(default_factory=dict)
    entries: Mapping[int, Known] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recognised:
    """A sighting of a known entry. `keys`: the ways to recognise it that were not stored yet."""

    entry: int
    sighting: Sighting
    changed: bool
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class New:
    """A sighting of an entry never met before, with every key it is to be known by."""

    sighting: Sighting
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SnapshotDecision:
    """What one snapshot brings. `spoilt`: keys that turned out to identify nothing."""

    new: tuple[New, ...]
    recognised: tuple[Recognised, ...]
    spoilt: tuple[str, ...]
    look_alikes: int


def print_of(sighting: Sighting) -> str:
    """Return a short hash of what an entry says; its date is not part of it (dates flip without an edit)."""
    return _hash("", sighting.title, sighting.link or "", sighting.summary, sighting.html)


def keys_of(sighting: Sighting, source: str) -> dict[str, str]:
    """Return the keys of a sighting by kind; a kind it has no means for is absent."""
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
    # The last resort, stored only for an entry that has nothing else of its own.
    keys[WHOLE] = _hash(WHOLE, source, sighting.guid or "", sighting.link or "", title, day, words[:_PRINT_MOST])
    return keys


def what_is_new(source: Source, sightings: Sequence[Sighting], memory: StoredKeys) -> SnapshotDecision:
    """Tell what is new in a snapshot from what is stored. Pure; the order of `sightings` is kept."""
    firsts, keyed, spoilt = _distinct(source, sightings, memory)
    matched: dict[int, int] = {}
    taken: set[int] = set()
    for kinds in (_STRONG, _WEAK):
        for n, sighting in enumerate(firsts):
            if n in matched:
                continue
            for kind in kinds:
                key = keyed[n].get(kind)
                found = memory.keys.get(key) if key and key not in spoilt else None
                if found is None or key is None:
                    continue
                if found in taken or (kind == GUID and _another(sighting, memory.entries.get(found))):
                    # Two entries that stand side by side, or have nothing in common but this key, are two.
                    spoilt.add(key)
                    continue
                matched[n] = found
                taken.add(found)
                break
    new, recognised = [], []
    look_alikes = 0
    for n, sighting in enumerate(firsts):
        usable = _worth_storing(keyed[n], spoilt, memory)
        if n in matched:
            known = memory.entries.get(matched[n])
            # A copy that another source carries never rewrites the original.
            changed = known is not None and known.source == source.name and known.print != print_of(sighting)
            recognised.append(Recognised(matched[n], sighting, changed, usable))
        else:
            look_alikes += keyed[n].get(TITLE) in memory.keys
            new.append(New(sighting, usable))
    fresh_spoilt = tuple(sorted(k for k in spoilt if memory.keys.get(k, 0) is not None))
    return SnapshotDecision(tuple(new), tuple(recognised), fresh_spoilt, look_alikes)


def surge(decision: SnapshotDecision, usual: Sequence[int], last_ok: datetime | None, now: datetime) -> str | None:
    """Return why the new entries of a gather must wait for an editor, or None.

    `usual` holds how many entries were new in each gather of the last 30 days that brought any.
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


def _worth_storing(keys: dict[str, str], spoilt: set[str], memory: StoredKeys) -> tuple[str, ...]:
    """Return the keys not stored yet; the last resort only where no other identifies the entry."""
    good = {kind: key for kind, key in keys.items() if key not in spoilt}
    if good.keys() - {WHOLE, TITLE}:
        good.pop(WHOLE, None)
    return tuple(key for key in good.values() if key not in memory.keys)


def _distinct(
    source: Source, sightings: Sequence[Sighting], memory: StoredKeys
) -> tuple[list[Sighting], list[dict[str, str]], set[str]]:
    """Drop copies within one snapshot; find the keys that different entries of it share."""
    firsts: list[Sighting] = []
    keyed: list[dict[str, str]] = []
    holder: dict[str, int] = {}
    spoilt = {key for key, entry in memory.keys.items() if entry is None}
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


def _is_copy(one: Sighting, one_keys: dict[str, str], other: Sighting, other_keys: dict[str, str]) -> bool:
    shared = {kind for kind, key in one_keys.items() if other_keys.get(kind) == key}
    if WHOLE in shared:
        return True
    same_title = _title_key(one.title) == _title_key(other.title)
    same_day = _day(one.published) == _day(other.published)
    return same_title and (len(shared - {TITLE}) >= 2 or (PRINT in shared and same_day))


def _another(sighting: Sighting, known: Known | None) -> bool:
    """Whether nothing but the guid ties a sighting to an entry: a guid that a source uses over and over."""
    if known is None:
        return False
    ties = (
        _title_key(sighting.title) == _title_key(known.title),
        (link_key(sighting.link) if sighting.link else None) == (link_key(known.url) if known.url else None),
        _day(sighting.published) == _day(known.published),
        _text_key(sighting.html or sighting.summary)[:_PRINT_MOST] == _text_key(known.text)[:_PRINT_MOST],
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
    """Return the telling end of a link's path ("sharing-the-care-record"), "" when it tells nothing."""
    tail = urlsplit(link).path.rstrip("/").rsplit("/", 1)[-1].lower() if link else ""
    return tail if len(tail) >= 8 and "-" in tail else ""
