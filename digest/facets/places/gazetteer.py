"""Find UK places in text and say which regions they lie in. Data: data/gazetteer.tsv (see build.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from digest.facets.places import context
from digest.facets.words import Word, keys, words
from digest.model import NATIONAL


@dataclass(frozen=True, slots=True)
class Place:
    """One written name: what to show, its kind (build.py), region slugs (never empty) and how far to believe it.

    `care` is "" (the name with a capital is enough), "word" (also an ordinary word), "twin" (a namesake
    elsewhere) or "caps" (an abbreviation, in capitals only); with one of `unless` in the text it is not believed.
    """

    shown: str
    kind: str
    regions: tuple[str, ...]
    county: str = ""
    care: str = ""
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """One place met in a text at `start` (an index of that text).

    `strong` means it may set a region. A weak mention is a venue, an address, a surname, a university, or
    a word that only looks like a place; `why` says which. `abroad` is true outside the UK.
    """

    name: str
    regions: tuple[str, ...]
    start: int
    strong: bool
    kind: str = ""
    why: str = ""

    @property
    def abroad(self) -> bool:
        return self.kind == "outside"


class _Hit(NamedTuple):
    place: Place
    first: int
    last: int  # index of the word after the name


_Index = dict[str, tuple[tuple[tuple[str, ...], Place], ...]]


class Gazetteer:
    """The places we know, as one dictionary by first word; longest name first."""

    def __init__(self, rows: Iterable[tuple[tuple[str, ...], Place]]) -> None:
        index: dict[str, list[tuple[tuple[str, ...], Place]]] = {}
        for name, place in rows:
            index.setdefault(name[0], []).append((name[1:], place))
        self._joined: dict[str, Place] | None = None
        self._index: _Index = {
            first: tuple(sorted(names, key=lambda row: -len(row[0]))) for first, names in index.items()
        }

    def lookup(self, name: str) -> Place | None:
        """Return the place written exactly so (case and accents aside), or None. A phrase is no place."""
        wanted = keys(name)
        for rest, place in self._index.get(wanted[0], ()) if wanted else ():
            if rest == wanted[1:] and place.kind != "phrase":
                return place
        return None

    def joined(self, label: str) -> Place | None:
        """Return the place whose name without spaces is `label` ("towerhamlets", from a host name), or None."""
        if self._joined is None:
            self._joined = {
                first + "".join(rest): place
                for first, names in self._index.items()
                for rest, place in names
                if place.kind not in ("phrase", "outside")
            }
        return self._joined.get(label)

    def find(self, text: str, *, hints: Iterable[str] = ()) -> list[Mention]:
        """Return the places in `text` in order, longest name first, never overlapping. Never raises.

        `hints` are texts from around it (a publisher's name, the title): an ambiguous name that is beyond
        doubt there is believed here. Linear in the length of the text.
        """
        seq = words(text)
        hits = self._hits(text, seq)
        if not hits:
            return []
        present = {word.key for word in seq}
        # A name beyond doubt speaks for a doubtful one of its region: "Deal, Kent".
        spoken = {hit.place.regions for hit in hits if not hit.place.care and hit.place.kind != "outside"}
        told = {mention.name for hint in hints for mention in self.find(hint) if mention.strong}
        mentions = []
        for hit in hits:
            why = context.doubt(text, seq, hit.first, hit.last, hit.place.kind)
            if not why and hit.place.care in ("word", "twin"):
                why = _ambiguity(hit, text, seq, present, spoken, told)
            mentions.append(_mention(hit, seq, why))
        return mentions

    def _hits(self, text: str, seq: Sequence[Word]) -> list[_Hit]:
        """Match names word by word; a compass point before a name belongs to it ("South West Hertfordshire")."""
        hits: list[_Hit] = []
        index = self._index
        here, size = 0, len(seq)
        while here < size:
            names = index.get(seq[here].key)
            hit = _match(names, text, seq, here) if names else None
            if hit is None:
                here += 1
                continue
            here = hit.last
            if hit.place.kind == "phrase":
                continue
            if hits and hits[-1].last == hit.first and context.is_compass(seq, hits[-1].first, hit.first):
                hit = hit._replace(first=hits.pop().first)
            elif hits and _names_its_country(text, seq, hits[-1], hit):
                # "Durham, North Carolina" is one place, and it is not in County Durham.
                hit = hit._replace(first=hits.pop().first)
            hits.append(hit)
        return hits


def _ambiguity(
    hit: _Hit, text: str, seq: Sequence[Word], present: set[str], spoken: set[tuple[str, ...]], told: set[str]
) -> str:
    """Return why an ambiguous name is not believed, or "" when something around it speaks for it."""
    place = hit.place
    if place.shown in told:
        return ""
    if any(word in present for word in place.unless):
        return "an ordinary word here"
    if place.regions in spoken or context.civic(seq, hit.first, hit.last):
        return ""
    if place.care == "twin":
        return "has a namesake elsewhere"
    return "" if context.located(text, seq, hit.first, hit.last) else "also a word"


def _names_its_country(text: str, seq: Sequence[Word], town: _Hit, hit: _Hit) -> bool:
    abroad = hit.place.kind == "outside" and town.place.kind != "outside"
    return abroad and context.names_its_country(text, seq, town.last, hit.first, hit.last)


def _match(
    names: tuple[tuple[tuple[str, ...], Place], ...], text: str, seq: Sequence[Word], here: int
) -> _Hit | None:
    for rest, place in names:
        last = here + 1 + len(rest)
        if last > len(seq) or any(seq[here + 1 + i].key != key for i, key in enumerate(rest)):
            continue
        if place.kind == "phrase":
            return _Hit(place, here, last)
        head, tail = seq[here], seq[last - 1]
        if place.care == "caps":
            if text[head.start : tail.start + len(tail.key)].isupper():  # not the "s" of "the US's"
                return _Hit(place, here, last)
        elif text[head.start].isupper() and text[tail.start].isupper():
            return _Hit(place, here, last)
    return None


def _mention(hit: _Hit, seq: Sequence[Word], why: str) -> Mention:
    place = hit.place
    return Mention(place.shown, place.regions, seq[hit.first].start, not why, place.kind, why)


def parse_gazetteer(lines: Iterable[str]) -> Iterator[tuple[tuple[str, ...], Place]]:
    """Read gazetteer.tsv: name, shown, kind, regions (";"), county, care, unless (",")."""
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        name, shown, kind, regions, county, care, unless = line.rstrip("\n").split("\t")
        where = tuple(regions.split(";")) if regions else (NATIONAL,)
        not_with = tuple(unless.split(",")) if unless else ()
        key = keys(name) if care == "caps" else tuple(name.split(" "))
        yield key, Place(shown, kind, where, county, care, not_with)


@cache
def load_gazetteer() -> Gazetteer:
    """Return the shipped gazetteer; read once in a process."""
    data = files("digest.facets.places").joinpath("data", "gazetteer.tsv").read_text(encoding="utf-8")
    return Gazetteer(parse_gazetteer(data.splitlines()))
