"""Find UK places in text, with the regions they lie in. Pure; build.py makes its data, data/gazetteer.tsv."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

from digest.facets.places import asides, context, standing
from digest.facets.places.names import ABROAD, Hit, Names, Place, runs_on
from digest.facets.words import Word, key_at, keys, words
from digest.model import NATIONAL, Taxonomy


@dataclass(frozen=True, slots=True)
class Mention:
    """A place named in a text, at the index `start` of that text.

    A `strong` mention may set a region. A weak mention is a venue, an example, a surname, an address, a university
    or a word that only looks like a place; `why` says which. `standing` tells how firmly it stands (standing.py),
    `sentence` has the words of its sentence.
    """

    name: str
    regions: tuple[str, ...]
    start: int
    strong: bool
    kind: str = ""
    why: str = ""
    standing: int = standing.PLAIN
    sentence: frozenset[str] = frozenset()

    @property
    def abroad(self) -> bool:
        """Return whether the name is of a place outside the UK, or of the people there."""
        return self.kind in ABROAD


class Gazetteer:
    """The names of all places, and the rules that tell which of them a text is about."""

    def __init__(self, rows: Iterable[tuple[tuple[str, ...], Place]]) -> None:
        rows = list(rows)
        self.names = Names(rows)
        self.regions = frozenset(slug for _, place in rows for slug in place.regions)

    def find(
        self, text: str, *, hints: Iterable[str] = (), beside: str = "", headline: bool = False
    ) -> list[Mention]:
        """Return the places in `text` in order, never overlapping; the longest name counts. Never raises.

        `hints` are texts from around it (a publisher's name, the title): an ambiguous name that a hint names
        without doubt is believed here too. `beside` is a text in which a namesake's country may stand. `headline`:
        the text is a title. Linear in the length of the texts.
        """
        seq = words(text)
        hits = self.names.hits(text, seq)
        if not hits:
            return []
        doubtful = any(hit.place.care or hit.place.unless for hit in hits)
        around = f" {' '.join([word.key for word in seq])} {' '.join(keys(beside))} " if doubtful else ""
        clues = _Clues(
            around,
            frozenset(hit.place.regions for hit in hits if not hit.place.care and hit.place.kind not in ABROAD),
            frozenset(m.name for hint in hints for m in self.find(hint) if m.strong) if doubtful else frozenset(),
        )
        reasons = [_doubt(hit, text, seq, clues, headline) for hit in hits]
        _doubt_lists(hits, seq, reasons)
        return _mentions(hits, text, seq, reasons)


class _Clues(NamedTuple):
    """The parts of a text, and of the hints from around it, that an ambiguous name is judged by."""

    words: str  # divided by spaces, with one at each end
    certain_regions: frozenset[tuple[str, ...]]  # of names beyond doubt: "Deal" is believed in "Deal, Kent"
    hinted: frozenset[str]  # names of places that the hints name without doubt


def _mentions(hits: Sequence[Hit], text: str, seq: Sequence[Word], reasons: Sequence[str]) -> list[Mention]:
    """Return the mention of each hit, weak with its reason."""
    capitals = standing.has_capitals(text, seq)
    stands = [standing.standing(text, seq, hit.first, hit.last, capitals=capitals) for hit in hits]
    listed = [asides.divides_list(seq, before.last, hit.first) for before, hit in pairwise(hits)]
    standing.level_lists(stands, listed)
    mentions = []
    for hit, why, firm in zip(hits, reasons, stands, strict=True):
        place = hit.place
        words = standing.sentence_words(text, seq, hit.first, hit.last)
        start = seq[hit.first].start
        mentions.append(Mention(place.shown, place.regions, start, not why, place.kind, why, firm, words))
    return mentions


def _doubt(hit: Hit, text: str, seq: Sequence[Word], clues: _Clues, headline: bool) -> str:
    """Return why a name by itself does not tell what the text is about, or ""."""
    place = hit.place
    if why := context.other_meaning(text, seq, hit.first, hit.last, place.kind, headline=headline):
        return why
    if runs_on(text, seq, hit.last):
        return "a longer name"
    if place.shown not in clues.hinted and (why := _ambiguity(hit, text, seq, clues)):
        return why
    return ""


def _ambiguity(hit: Hit, text: str, seq: Sequence[Word], clues: _Clues) -> str:
    """Return why an ambiguous name is not believed, or "" when a clue around it speaks for it."""
    place = hit.place
    if any(f" {phrase} " in clues.words for phrase in place.unless):
        return "an ordinary word here" if place.care == "word" else "has a namesake elsewhere"
    if place.care not in ("word", "twin"):
        return ""
    if place.regions in clues.certain_regions or context.civic(seq, hit.first, hit.last):
        return ""
    if place.care == "twin":
        return "has a namesake elsewhere"
    return "" if context.located(text, seq, hit.first, hit.last) else "also a word"


_NAMESAKES = ("has a namesake elsewhere", "also a word")


def _is_listed_at_home(hits: Sequence[Hit], listed: Sequence[bool], reasons: Sequence[str], number: int) -> bool:
    """Return whether a name stands in a list with two names or more that are beyond doubt, none of them abroad."""
    first = last = number
    while first > 0 and listed[first - 1]:
        first -= 1
    while last < len(listed) and listed[last]:
        last += 1
    others = [index for index in range(first, last + 1) if not reasons[index]]
    return len(others) > 1 and all(hits[index].place.kind not in ABROAD for index in others)


def _doubt_lists(hits: Sequence[Hit], seq: Sequence[Word], reasons: list[str]) -> None:
    """Doubt each name of a list whose first name is a venue or an example, and both names of "from Leeds to Rye"."""
    listed = [asides.divides_list(seq, before.last, hit.first) for before, hit in pairwise(hits)]
    for number, (before, hit) in enumerate(pairwise(hits)):
        if listed[number] and not reasons[number + 1] and reasons[number] in ("a venue", "an example"):
            reasons[number + 1] = reasons[number]
        apart = before.place.regions != hit.place.regions
        between = [word.key for word in seq[before.last : hit.first]]
        if between == ["to"] and apart and key_at(seq, before.first - 1) == "from":
            reasons[number] = reasons[number + 1] = "an example"
    for number, why in enumerate(reasons):
        if why in _NAMESAKES and _is_listed_at_home(hits, listed, reasons, number):
            reasons[number] = ""
    if listed and all(listed) and asides.announces_venues(seq, hits[-1].last):
        reasons[:] = ["a venue"] * len(hits)


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
    return Gazetteer(_shipped_rows())


def _shipped_rows() -> Iterator[tuple[tuple[str, ...], Place]]:
    data = files("digest.facets.places").joinpath("data", "gazetteer.tsv").read_text(encoding="utf-8")
    return parse_gazetteer(data.splitlines())


def gazetteer_of(taxonomy: Taxonomy, shipped: str) -> Gazetteer:
    """Return the gazetteer of an organisation: the places of its own regions, and with "uk" the shipped ones in them.

    `shipped` is "uk" or "none".
    """
    if not taxonomy.regions and shipped == "uk":
        return load_gazetteer()
    own: dict[tuple[str, ...], Place] = {}
    for term in taxonomy.regions:
        for written, _ in term.words:
            kind = "nation" if term.slug == NATIONAL else "region" if written == term.name else "town"
            if key := keys(written):
                own[key] = Place(written, kind, (term.slug,))
    rows = [row for row in _shipped_rows() if row[0] not in own] if shipped == "uk" else []
    kept = [row for row in rows if set(row[1].regions) <= taxonomy.region_names.keys()]
    return Gazetteer([*kept, *own.items()])
