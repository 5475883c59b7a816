"""Decide the regions of an entry by the places that its texts name: the title first, its publisher last. Pure.

A place that is only a venue or an example sets no region, nor does one that weight.py finds too light.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from digest.facets.entry_text import EntryText
from digest.facets.located import Located, abroad, is_vague, national, of_body, of_places
from digest.facets.national import is_national_publisher, nation_named, national_words
from digest.facets.places.gazetteer import Gazetteer, Mention
from digest.facets.publisher import nation_of, place_of_host, places_of_name, split_tail
from digest.facets.weight import ENOUGH, LEAD, OPENING, Points, weigh
from digest.facets.words import keys
from digest.model import UNKNOWN, Evidence

_READ = 3_000  # characters of a body that are read for places: a surname there makes its name one in the lead too
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
    text = replace(text, title=title, publisher=text.publisher.partition(",")[0])
    named = _named(gazetteer, text)
    points = weigh(gazetteer, text, (named.title, named.body), named.nation, study=study)
    return (
        _from_title(named, points)
        or _from_labels(gazetteer, text, named)
        or _from_body(named, points)
        or abroad([mention for mention in named.title if mention.strong])
        or defaults
        or national(nation_named(text.title, named.title))
        or _from_publisher(gazetteer, text, named, tail)
        or abroad([mention for mention in named.body if mention.strong and mention.start < LEAD])
        or national(_nationwide(text, named, study=study))
        or abroad(gazetteer.find(text.publisher))
        or _unknown(named)
    )


def locate_declared(gazetteer: Gazetteer, place: str) -> Located | None:
    """Return the regions of a place that an entry declares, or None when the gazetteer does not have it.

    Weak mentions count too, because a declared place is meant as a place.
    """
    mentions = gazetteer.find(place)
    return of_places(mentions, "source", "") or abroad(mentions)


def _named(gazetteer: Gazetteer, text: EntryText) -> _Named:
    """Find the places of title and body; a name that either uses as a surname is doubted in both."""
    title = gazetteer.find(text.title, hints=(text.publisher,), beside=text.body[:LEAD], headline=True)
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


def _from_title(named: _Named, points: Points) -> Located | None:
    """Decide by the places of the title whose regions have enough points."""
    strong = [m for m in named.title if m.strong and max(points[slug] for slug in m.regions) >= ENOUGH]
    return of_places(strong, "place", "title")


def _from_labels(gazetteer: Gazetteer, text: EntryText, named: _Named) -> Located | None:
    """Decide by the source's own categories, then by the words of the link's path."""
    doubted = {mention.name for mention in named.title if not mention.strong}
    labels = gazetteer.find("\n".join(text.categories), beside=text.title)
    located = of_places([m for m in labels if m.strong and m.name not in doubted], "category", "category")
    if located is not None:
        return located
    # A name of the title is no new clue, because the link repeats the title, by which nothing was decided.
    title = frozenset(keys(text.title))
    path = gazetteer.find(text.path.title(), beside=text.title)
    return of_places([m for m in path if m.strong and not title.issuperset(keys(m.name))], "place", "link")


def _from_body(named: _Named, points: Points) -> Located | None:
    """Decide by the lead of the body: the regions with enough points, and those of its start with nearly as many."""
    mentions = [m for m in named.body if m.strong and not is_vague(m) and m.start < LEAD]
    weights = {m.regions: max(points[slug] for slug in m.regions) for m in mentions}
    most = max(weights.values(), default=0)
    if most < ENOUGH:
        return None
    started = {mention.regions for mention in mentions if mention.start < OPENING}
    chosen = [each for each, weight in weights.items() if 2 * weight > most and (weight >= ENOUGH or each in started)]
    return of_body(chosen, mentions)


def _unknown(named: _Named) -> Located:
    """Return the region of an entry that nothing tells, with the places that are only named in passing."""
    names = _in_passing(named)
    detail = f"only in passing: {names}" if names else "no place found"
    return Located((UNKNOWN,), (Evidence("region", UNKNOWN, "place", detail),), "")


def _in_passing(named: _Named) -> str:
    """Return the names of the places in title and lead, divided by commas, when none of them has decided."""
    light = [m for m in (*named.title, *named.body) if m.strong and not is_vague(m) and m.start < LEAD]
    return ", ".join(dict.fromkeys(mention.name for mention in light))


def _nationwide(text: EntryText, named: _Named, *, study: bool) -> str:
    """Return why the texts, or the publisher of a post, speak of the whole country, or ""."""
    # A text that names places may be about them, whatever its other words say: "national targets".
    words = replace(text, body="") if _in_passing(named) else text
    if reason := nation_named(text.body, named.body) or national_words(words):
        return reason
    return (text.publisher or text.host) if not study and is_national_publisher(text) else ""


def _from_publisher(gazetteer: Gazetteer, text: EntryText, named: _Named, tail: str) -> Located | None:
    """Decide by the publisher: the nation it speaks for, its host, its name, or the tail of the title."""
    if named.nation:
        where = text.host or text.publisher
        return Located((named.nation,), (Evidence("region", named.nation, "place", f"published at {where}"),), "")
    place = place_of_host(gazetteer, text.host)
    if place is not None:
        evidence = tuple(Evidence("region", slug, "place", f"published at {text.host}") for slug in place.regions)
        return Located(place.regions, evidence, place.shown if len(place.regions) == 1 else "")
    others = any(mention.strong and not is_vague(mention) for mention in named.title)
    for name in (text.publisher, "" if others else tail):
        located = of_places(places_of_name(gazetteer, name), "place", "publisher")
        if located is not None:
            return located
    return None
