"""Match the written names of places in a text word by word, the longest name first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from digest.facets.places import context
from digest.facets.words import Word, key_at, keys, word_set
from digest.model import NATIONAL


@dataclass(frozen=True, slots=True)
class Place:
    """A place under one of its written names: the name to show, its kind (build.py) and its regions (never empty).

    `care` tells how ambiguous the name is: "" (a capital is enough), "word" (also an ordinary word), "twin" (a
    namesake elsewhere) or "caps" (an abbreviation, in capitals only). No name is believed to be the place in a text
    that holds a word or phrase of `unless`.
    """

    shown: str
    kind: str
    regions: tuple[str, ...]
    county: str = ""
    care: str = ""
    unless: tuple[str, ...] = ()


class Hit(NamedTuple):
    """A name met in a text: its words are seq[first:last]."""

    place: Place
    first: int
    last: int


# The rest of each name after its first word, with its place; longest name first.
_Rests = tuple[tuple[tuple[str, ...], Place], ...]

# Kinds of places that a town is in, so that "Gillingham, Dorset" is the Gillingham of Dorset.
ABROAD = ("outside", "people")  # the kinds of names that are not of the United Kingdom
_HOMES = frozenset(("county", "nation", "region", "city-region", "outside"))
_STATES = word_set(
    "al ak az ar ca co ct de fl ga hi ia id il in ks ky la ma md me mi mn mo ms mt nc nd ne nh nj nm nv ny oh ok "
    "or pa ri sc sd tn tx ut va vt wa wi wv wy nsw nz"
)
_WRITTEN = ("mass", "washington")  # states that are also short forms or towns, after a comma
# Councils that are counties too, beside those in "-shire".
_COUNTIES = frozenset(
    {
        "Cornwall", "Northumberland", "County Durham", "Dorset", "Somerset",
        "Rutland", "Isle of Wight", "Powys", "Gwynedd",
        "Anglesey", "Ceredigion", "Conwy", "Fife", "Moray", "Angus", "Highland", "Scottish Borders",
        "Argyll and Bute", "Dumfries and Galloway",
    }
)  # fmt: skip
# Words without a capital inside a name.
_SMALL = word_set("of and the upon on under by le in east west")
# Words that go on a town's name, after a hyphen: "Wells-next-the-Sea".
_JOINTS = word_set("upon on under by le in next super sub de la the cum with juxta")


class Names:
    """The names of places, indexed by their first word."""

    def __init__(self, rows: Iterable[tuple[tuple[str, ...], Place]]) -> None:
        index: dict[str, list[tuple[tuple[str, ...], Place]]] = {}
        for name, place in rows:
            index.setdefault(name[0], []).append((name[1:], place))
        self._joined: dict[str, Place] | None = None
        self._index: dict[str, _Rests] = {
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
                if place.kind not in ("phrase", *ABROAD)
            }
        return self._joined.get(label)

    def hits(self, text: str, seq: Sequence[Word]) -> list[Hit]:
        """Match names word by word; a compass point before a name belongs to it ("South West Hertfordshire")."""
        hits: list[Hit] = []
        by_first_word = self._index
        lower = text.islower()
        index, size = 0, len(seq)
        while index < size:
            names = by_first_word.get(seq[index].key)
            hit = _match(names, text, seq, index, lower) if names else None
            if hit is None:
                index += 1
                continue
            index = hit.last
            if hit.place.kind == "phrase":
                continue
            if hits and hits[-1].last == hit.first and context.is_compass(seq, hits[-1].first, hit.first):
                hit = hit._replace(first=hits.pop().first)
            elif hits and _is_home(text, seq, hits[-1], hit):
                hit = _moved(hits.pop(), hit)
            elif _is_in_state(text, seq, hit):
                abroad = replace(hit.place, kind="outside", regions=(NATIONAL,), care="", unless=())
                hit = hit._replace(place=abroad)
            hits.append(hit)
        return hits


def _is_home(text: str, seq: Sequence[Word], town: Hit, hit: Hit) -> bool:
    """Return whether `hit`, the name after `town`, is a county or country that moves the town to its own region."""
    is_county = hit.place.kind == "council" and (hit.place.shown in _COUNTIES or hit.place.shown.endswith("shire"))
    if not (hit.place.kind in _HOMES or is_county) or town.place.kind in ("nation", "region"):
        return False
    vague = hit.place.regions == (NATIONAL,) and hit.place.kind != "outside"
    if vague or set(hit.place.regions) & set(town.place.regions):
        return False
    abroad = hit.place.kind == "outside"
    return context.follows_as_home(text, seq, town.last, hit.first, hit.last, abroad=abroad)


def _moved(town: Hit, home: Hit) -> Hit:
    """Return a town as a place of its county, or the country abroad that it is in, as one hit."""
    if home.place.kind == "outside":
        return Hit(replace(home.place, care="", unless=()), town.first, home.last)
    return Hit(Place(town.place.shown, "town", home.place.regions), town.first, home.last)


def _is_in_state(text: str, seq: Sequence[Word], hit: Hit) -> bool:
    """Return whether the letters of a state or country abroad follow a name: "Portland, OR"."""
    state = key_at(seq, hit.last + 1)
    if key_at(seq, hit.last) != "," or not (state in _STATES or state in _WRITTEN):
        return False
    name, letters = seq[hit.last - 1], seq[hit.last + 1]
    if state in _WRITTEN:
        return text[letters.start].isupper() and not context.goes_on_as_list(text, seq, hit.last + 2)
    written = text[letters.start : letters.end].isupper()
    return written and not text[name.start : name.end].isupper()


def runs_on(text: str, seq: Sequence[Word], last: int) -> bool:
    """Return whether a longer name goes on after seq[last - 1]: "Wells-next-the-Sea", "Barrow upon Soar"."""
    after = key_at(seq, last)
    return after == "upon" or (after in _JOINTS and text[seq[last - 1].end] == "-")


def _match(names: _Rests, text: str, seq: Sequence[Word], index: int, lower: bool) -> Hit | None:
    """Return the longest of `names` that stands at seq[index] with the capitals it needs, or None.

    `lower`: the text has no capitals at all, so that a long name does without.
    """
    for rest, place in names:
        last = index + 1 + len(rest)
        if rest and (last > len(seq) or seq[index + 1].key != rest[0]):  # first, because it excludes nearly all
            continue
        if any(seq[index + 1 + i].key != key for i, key in enumerate(rest)):
            continue
        if place.kind == "phrase" or (lower and _is_plain(place, text, seq, index, last)):
            return Hit(place, index, last)
        head, tail = seq[index], seq[last - 1]
        if place.care == "caps":
            if text[head.start : tail.start + len(tail.key)].isupper():  # without the "s" of "the US's"
                return Hit(place, index, last)
        elif _has_capitals(text, seq, index, last, place.kind):
            return Hit(place, index, last)
    return None


def _is_plain(place: Place, text: str, seq: Sequence[Word], first: int, last: int) -> bool:
    """Return whether a name is believed in a text without capitals: a long name, or one after "in" or such."""
    if place.care or place.kind in ABROAD:
        return False
    return last - first > 1 or context.located(text, seq, first, last)


def _has_capitals(text: str, seq: Sequence[Word], first: int, last: int, kind: str) -> bool:
    """Return whether a name has its capitals, on its first word and its last.

    "north Wales", "the Broads" and "Kent police" have them too.
    """
    head, tail = text[seq[first].start].isupper(), text[seq[last - 1].start].isupper()
    if last - first == 1 or (head and tail):
        return head
    if seq[first].key == "the" or context.is_compass(seq, first, first + 1):
        return tail and all(text[w.start].isupper() or w.key in _SMALL for w in seq[first + 1 : last])
    return head and kind == "police"
