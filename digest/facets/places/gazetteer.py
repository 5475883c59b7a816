"""Find UK places in text, with the regions they lie in. Pure; build.py makes its data, data/gazetteer.tsv."""

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
    """A place under one of its written names: the name to show, its kind (build.py) and its regions (never empty).

    `care` tells how ambiguous the name is: "" (a capital is enough), "word" (also an ordinary word), "twin" (a
    namesake elsewhere) or "caps" (an abbreviation, in capitals only). A "word" or "twin" is not believed to be the
    place in a text that holds a word of `unless`.
    """

    shown: str
    kind: str
    regions: tuple[str, ...]
    county: str = ""
    care: str = ""
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mention:
    """A place named in a text, at the index `start` of that text.

    A `strong` mention may set a region. A weak mention is a venue, an address, a surname, a university, or
    a word that only looks like a place; `why` says which.
    """

    name: str
    regions: tuple[str, ...]
    start: int
    strong: bool
    kind: str = ""
    why: str = ""

    @property
    def abroad(self) -> bool:
        """Return whether the place is outside the UK."""
        return self.kind == "outside"


class _Hit(NamedTuple):
    """A name met in a text: its words are seq[first:last]."""

    place: Place
    first: int
    last: int


# The rest of each name after its first word, with its place; longest name first.
_Names = tuple[tuple[tuple[str, ...], Place], ...]


class Gazetteer:
    """The names of all places, indexed by their first word."""

    def __init__(self, rows: Iterable[tuple[tuple[str, ...], Place]]) -> None:
        index: dict[str, list[tuple[tuple[str, ...], Place]]] = {}
        for name, place in rows:
            index.setdefault(name[0], []).append((name[1:], place))
        self._joined: dict[str, Place] | None = None
        self._index: dict[str, _Names] = {
            first: tuple(sorted(names, key=lambda row: -len(row[0]))) for first, names in index.items()
        }

    def lookup(self, name: str) -> Place | None:
        """Return the place with exactly this name (case and accents aside), or None. A "phrase" is no place."""
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
        """Return the places in `text` in order, never overlapping; the longest name counts. Never raises.

        `hints` are texts from around it (a publisher's name, the title): an ambiguous name that a hint names
        without doubt is believed here too. Linear in the length of the text.
        """
        seq = words(text)
        hits = self._hits(text, seq)
        if not hits:
            return []
        clues = _Clues(
            frozenset(word.key for word in seq),
            frozenset(hit.place.regions for hit in hits if not hit.place.care and hit.place.kind != "outside"),
            frozenset(mention.name for hint in hints for mention in self.find(hint) if mention.strong),
        )
        mentions = []
        for hit in hits:
            why = context.other_meaning(text, seq, hit.first, hit.last, hit.place.kind)
            if not why and hit.place.care in ("word", "twin"):
                why = _ambiguity(hit, text, seq, clues)
            place = hit.place
            mentions.append(Mention(place.shown, place.regions, seq[hit.first].start, not why, place.kind, why))
        return mentions

    def _hits(self, text: str, seq: Sequence[Word]) -> list[_Hit]:
        """Match names word by word; a compass point before a name belongs to it ("South West Hertfordshire")."""
        hits: list[_Hit] = []
        by_first_word = self._index
        index, size = 0, len(seq)
        while index < size:
            names = by_first_word.get(seq[index].key)
            hit = _match(names, text, seq, index) if names else None
            if hit is None:
                index += 1
                continue
            index = hit.last
            if hit.place.kind == "phrase":
                continue
            if hits and hits[-1].last == hit.first and context.is_compass(seq, hits[-1].first, hit.first):
                hit = hit._replace(first=hits.pop().first)
            elif hits and _names_its_country(text, seq, hits[-1], hit):
                # "Durham, North Carolina" is a single place, and not in County Durham.
                hit = hit._replace(first=hits.pop().first)
            hits.append(hit)
        return hits


class _Clues(NamedTuple):
    """The parts of a text, and of the hints from around it, that an ambiguous name is judged by."""

    words: frozenset[str]
    certain_regions: frozenset[tuple[str, ...]]  # of names beyond doubt: "Deal" is believed in "Deal, Kent"
    hinted: frozenset[str]  # names of places that the hints name without doubt


def _ambiguity(hit: _Hit, text: str, seq: Sequence[Word], clues: _Clues) -> str:
    """Return why an ambiguous name is not believed, or "" when a clue around it speaks for it."""
    place = hit.place
    if place.shown in clues.hinted:
        return ""
    if any(word in clues.words for word in place.unless):
        return "an ordinary word here"
    if place.regions in clues.certain_regions or context.civic(seq, hit.first, hit.last):
        return ""
    if place.care == "twin":
        return "has a namesake elsewhere"
    return "" if context.located(text, seq, hit.first, hit.last) else "also a word"


def _names_its_country(text: str, seq: Sequence[Word], town: _Hit, hit: _Hit) -> bool:
    """Return whether `hit`, the name after `town`, is the country abroad that the town is in."""
    abroad = hit.place.kind == "outside" and town.place.kind != "outside"
    return abroad and context.names_its_country(text, seq, town.last, hit.first, hit.last)


def _match(names: _Names, text: str, seq: Sequence[Word], index: int) -> _Hit | None:
    """Return the longest of `names` that stands at seq[index] with the capitals it needs, or None."""
    for rest, place in names:
        last = index + 1 + len(rest)
        if last > len(seq) or any(seq[index + 1 + i].key != key for i, key in enumerate(rest)):
            continue
        if place.kind == "phrase":
            return _Hit(place, index, last)
        head, tail = seq[index], seq[last - 1]
        if place.care == "caps":
            if text[head.start : tail.start + len(tail.key)].isupper():  # without the "s" of "the US's"
                return _Hit(place, index, last)
        elif text[head.start].isupper() and text[tail.start].isupper():
            return _Hit(place, index, last)
    return None


def parse_gazetteer(lines: Iterable[str]) -> Iterator[tuple[tuple[str, ...], Place]]:
    """Yield (words of the name, place) for each line of gazetteer.tsv.

    Its columns: name, shown, kind, regions (divided by ";"), county, care, unless (divided by ",").
    """
    for line in lines:
        if line.startswith("#") or not line.strip():
            continue
        name, shown, kind, regions, county, care, unless = line.rstrip("\n").split("\t")
        slugs = tuple(regions.split(";")) if regions else (NATIONAL,)
        exceptions = tuple(unless.split(",")) if unless else ()
        key = keys(name) if care == "caps" else tuple(name.split(" "))
        yield key, Place(shown, kind, slugs, county, care, exceptions)


@cache
def load_gazetteer() -> Gazetteer:
    """Return the shipped gazetteer; read once in a process."""
    data = files("digest.facets.places").joinpath("data", "gazetteer.tsv").read_text(encoding="utf-8")
    return Gazetteer(parse_gazetteer(data.splitlines()))
