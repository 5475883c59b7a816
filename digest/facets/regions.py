"""Decide the regions of an entry by the places that its texts name: the title first, its publisher last. Pure.

A place that is only a venue or an example sets no region.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from digest.facets.entry_text import EntryText
from digest.facets.located import Located, abroad, is_vague, national, of_body, of_places
from digest.facets.national import is_national_publisher, nation_named, national_words
from digest.facets.places.gazetteer import PERSON, Gazetteer, Mention
from digest.facets.publisher import nation_of, place_of_host, places_of_name, split_tail
from digest.model import UNKNOWN, Evidence

# Limits for the body.
_FIRST = 300  # characters at its start, whose places are what it is about
_LEAD = 1_000  # characters in which a region must be named, because the rest only confirms
_READ = 3_000  # characters that are read for places at all
_NEED = 3  # points of a region; a mention in the lead has two
_SHARE = 0.6  # of all points must lie in the chosen regions,
_EACH = 0.25  # and this share in each, because a round-up of five regions is about none of them

_NATIONS = ("scotland", "wales", "northern-ireland")
_COMPASS = ("North West", "North East", "South West", "South East", "Midlands")


@dataclass(frozen=True, slots=True)
class _Named:
    """The places that the texts of an entry name, weak ones too, and the nation of its publisher or ""."""

    title: list[Mention]
    body: list[Mention]
    nation: str


def locate(gazetteer: Gazetteer, text: EntryText, defaults: Located | None, *, study: bool) -> Located:
    """Return the regions of an entry, UNKNOWN where nothing tells them.

    The first of these that gives an answer decides: the places of the title, of the source's own categories, of the
    link's path, of the body; the `defaults` of its source; a title that names the nation; its publisher; words that
    say it is about the whole country. Places in more than three regions, or only abroad, are national. A publisher of
    the nation is no reason for a case study (`study`), because that has a place, if not one that we know.
    """
    title, tail = split_tail(text.title, text.publisher)
    text = replace(text, title=title)
    named = _named(gazetteer, text)
    return (
        _from_title(named)
        or _from_labels(gazetteer, text, named)
        or _from_body(named)
        or abroad([mention for mention in named.title if mention.strong])
        or defaults
        or national(nation_named(text.title, named.title))
        or _from_publisher(gazetteer, text, named.nation, tail)
        or abroad([mention for mention in named.body if mention.strong and mention.start < _LEAD])
        or national(_nationwide(text, named, study=study))
        or _from_persons(named)
        or abroad(gazetteer.find(text.publisher))
        or Located((UNKNOWN,), (Evidence("region", UNKNOWN, "place", "no place found"),), "")
    )


def locate_declared(gazetteer: Gazetteer, place: str) -> Located | None:
    """Return the regions of a place that an entry declares, or None when the gazetteer does not have it.

    Weak mentions count too, because a declared place is meant as a place.
    """
    mentions = gazetteer.find(place)
    return of_places(mentions, "source", "") or abroad(mentions)


def _named(gazetteer: Gazetteer, text: EntryText) -> _Named:
    """Find the places of title and body; a name that either uses as a surname is doubted in both."""
    title = gazetteer.find(text.title, hints=(text.publisher,), beside=text.body[:_LEAD], headline=True)
    body = gazetteer.find(text.body[:_READ], hints=(text.title, text.publisher), beside=text.title)
    surnames = {mention.name for mention in (*title, *body) if mention.why == "a surname"}
    title, body = (
        [replace(m, strong=False, why="a surname") if m.name in surnames else m for m in mentions]
        for mentions in (title, body)
    )
    nation = nation_of(gazetteer, text.publisher, text.host)
    nation = nation if nation in gazetteer.regions else ""
    home = nation if nation in _NATIONS else _only_nation(gazetteer.find(text.publisher))
    return _Named(
        _compass_of(title, home or _only_nation(body)),
        _compass_of(body, home or _only_nation(title)),
        nation,
    )


def _only_nation(mentions: Iterable[Mention]) -> str:
    """Return Scotland, Wales or Northern Ireland when all places of a text lie there, or ""."""
    regions = {region for mention in mentions if mention.strong for region in mention.regions}
    return regions.pop() if len(regions) == 1 and regions <= set(_NATIONS) else ""


def _compass_of(mentions: list[Mention], nation: str) -> list[Mention]:
    """Return the mentions with "North West" as that of `nation`, "" for none."""
    if not nation:
        return mentions
    return [replace(m, regions=(nation,)) if m.name in _COMPASS else m for m in mentions]


def _from_title(named: _Named) -> Located | None:
    """Decide by the title, unless the body says that it was done elsewhere ("tried in Bude")."""
    strong = [mention for mention in named.title if mention.strong]
    worked = [mention for mention in named.body if mention.worked and mention.strong]
    if worked and strong and all(mention.by_way for mention in strong):
        return of_places(worked, "place", "")
    return of_places(strong, "place", "title")


def _from_labels(gazetteer: Gazetteer, text: EntryText, named: _Named) -> Located | None:
    """Decide by the source's own categories, then by the words of the link's path."""
    # A weak name of the title stays weak, because the link repeats the title without the words that made it weak.
    doubted = {mention.name for mention in named.title if not mention.strong}
    for words, by, source in (
        ("\n".join(text.categories), "category", "category"),
        (text.path.title(), "place", "link"),
    ):
        mentions = gazetteer.find(words, beside=text.title)
        located = of_places([m for m in mentions if m.strong and m.name not in doubted], by, source)
        if located is not None:
            return located
    return None


def _from_body(named: _Named) -> Located | None:
    """Decide by the start of the running text, else by the regions that dominate the whole of it."""
    mentions = [m for m in named.body if m.strong and (m.abroad or not is_vague(m))]
    start = Counter(mention.regions for mention in mentions if mention.start < _FIRST)
    chosen = [regions for regions, times in start.items() if 2 * times >= max(start.values())]
    return of_body(chosen, mentions) or of_body(_dominant(mentions), mentions)


def _dominant(mentions: Sequence[Mention]) -> list[tuple[str, ...]]:
    """Return the regions that a text is about by a clear majority: a mention is a point, in the lead two."""
    points: Counter[tuple[str, ...]] = Counter()
    for mention in mentions:
        points[mention.regions] += 2 if mention.start < _LEAD else 1
    in_lead = {mention.regions for mention in mentions if mention.start < _LEAD}
    enough = _SHARE * points.total()
    chosen: list[tuple[str, ...]] = []
    covered = last = 0
    for regions, number in points.most_common():
        # Equal regions go together, because "Cornwall, Leeds and Belfast" is about all three.
        if number < max(_NEED, _EACH * points.total()) or (covered >= enough and number < last):
            break
        covered, last = covered + number, number
        chosen.append(regions)
    return chosen if covered >= enough and set(chosen) <= in_lead else []


def _from_persons(named: _Named) -> Located | None:
    """Decide by where one person is from, because nothing else tells."""
    return of_places([m for m in (*named.title, *named.body) if m.why == PERSON], "place", "")


def _nationwide(text: EntryText, named: _Named, *, study: bool) -> str:
    """Return why the texts, or the publisher of a post, speak of the whole country, or ""."""
    if reason := nation_named(text.body, named.body) or national_words(text):
        return reason
    return (text.publisher or text.host) if not study and is_national_publisher(text) else ""


def _from_publisher(gazetteer: Gazetteer, text: EntryText, nation: str, tail: str) -> Located | None:
    """Decide by the publisher: the nation it speaks for, its host, its name, or the tail of the title."""
    if nation:
        where = text.host or text.publisher
        return Located((nation,), (Evidence("region", nation, "place", f"published at {where}"),), "")
    place = place_of_host(gazetteer, text.host)
    if place is not None:
        evidence = tuple(Evidence("region", slug, "place", f"published at {text.host}") for slug in place.regions)
        return Located(place.regions, evidence, place.shown if len(place.regions) == 1 else "")
    for name in (text.publisher, tail):
        located = of_places(places_of_name(gazetteer, name), "place", "publisher")
        if located is not None:
            return located
    return None
