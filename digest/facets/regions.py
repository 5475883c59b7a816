"""Decide the regions of an entry by the places that its texts name: the title first, the body last. Pure.

A place that only an anecdote in the body names sets no region.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digest.facets.entry_text import EntryText
from digest.facets.places.gazetteer import Gazetteer, Mention
from digest.model import NATIONAL, REGIONS, Evidence

MOST_REGIONS = 3
# Limits for the body.
_LEAD = 300  # characters at its start in which a mention counts two points
_SHORT = 80  # words: in a body this short a single mention in the lead is the subject
_SHARE = 0.6  # of all points must lie in the chosen regions,
_EACH = 0.25  # and this share in each, because a round-up of five regions is about none of them

# Endings of hosts whose publishers speak for one nation or for London.
_SUFFIXES = {".wales": "wales", ".cymru": "wales", ".scot": "scotland", ".london": "london"}
# Endings of the names of publishers for one nation: sportscotland.org.uk, dataunitwales.gov.uk.
_ENDINGS = {"wales": "wales", "cymru": "wales", "scotland": "scotland", "nidirect": "northern-ireland"}
_LOCAL_HOSTS = (".gov.uk", ".nhs.uk", ".police.uk", ".nhs.wales", ".llyw.cymru")


@dataclass(frozen=True, slots=True)
class Located:
    """The regions of an entry (never empty), the evidence for each, and the place to show a reader or ""."""

    regions: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    place: str


def locate(gazetteer: Gazetteer, text: EntryText) -> Located | None:
    """Return the regions that an entry's texts name, or None when they name none.

    The first of these that gives an answer decides: the title, the source's own categories, the link's path, the body
    (only where one to three regions dominate it). A title that names places in more than three regions, or only
    places abroad, is national.
    """
    hints = (text.publisher,)
    in_title = gazetteer.find(text.title, hints=hints)
    named = [mention for mention in in_title if mention.strong]
    located = _from(named, "place", "title")
    if located is not None:
        return located
    # A weak name of the title stays weak, because the link repeats the title without the words that made it weak.
    doubted = {mention.name for mention in in_title if not mention.strong}
    for short, by, source in (
        ("\n".join(text.categories), "category", "category"),
        (text.path.title(), "place", "link"),
    ):
        mentions = gazetteer.find(short)
        located = _from([m for m in mentions if m.strong and m.name not in doubted], by, source)
        if located is not None:
            return located
    return _from_body(gazetteer, text.body, (text.title, *hints)) or _abroad(named)


def locate_declared(gazetteer: Gazetteer, place: str) -> Located | None:
    """Return the regions of a place that an entry declares, or None when the gazetteer does not have it.

    Weak mentions count too, because a declared place is meant as a place.
    """
    mentions = gazetteer.find(place)
    return _from(mentions, "source", "") or _abroad(mentions)


def _vague(mention: Mention) -> bool:
    """Return whether a mention sets no region: a place abroad, the United Kingdom, England."""
    return mention.regions == (NATIONAL,)


def _from(mentions: Iterable[Mention], by: str, source: str) -> Located | None:
    """Decide by the mentions of a short text, which is wholly about its places.

    `by` is as in Evidence; `source` names the text in the evidence ("title", "category", "link", or "" for none).
    """
    mentions = [mention for mention in mentions if not _vague(mention)]
    if not mentions:
        return None
    regions = tuple(dict.fromkeys(region for mention in mentions for region in mention.regions))
    if len(regions) > MOST_REGIONS:
        names = ", ".join(dict.fromkeys(mention.name for mention in mentions))
        return Located((NATIONAL,), (Evidence("region", NATIONAL, by, f"{names}: many regions"),), "")
    evidence = tuple(Evidence("region", region, by, _detail(mentions, region, source)) for region in regions)
    return Located(regions, evidence, _place(mentions))


def _detail(mentions: Sequence[Mention], region: str, source: str) -> str:
    """Return the detail of a region's evidence: "Telford → West Midlands (title)"."""
    names = list(dict.fromkeys(mention.name for mention in mentions if region in mention.regions))
    detail = f"{', '.join(names[:3])} → {REGIONS[region]}"
    return f"{detail} ({source})" if source else detail


def _place(mentions: Sequence[Mention]) -> str:
    """Return the name of the place to show: the most frequent; the first of several that are equally frequent."""
    counts = Counter(mention.name for mention in mentions)
    return max(counts, key=lambda name: counts[name])


def _from_body(gazetteer: Gazetteer, body: str, hints: tuple[str, ...]) -> Located | None:
    """Decide by running text: each mention is a point, in the lead two; the regions need a clear majority."""
    mentions = [mention for mention in gazetteer.find(body, hints=hints) if mention.strong]
    points: Counter[tuple[str, ...]] = Counter()
    for mention in mentions:
        if mention.abroad or not _vague(mention):
            points[mention.regions] += 2 if mention.start < _LEAD else 1
    total = sum(points.values())
    need = 2 if len(body.split()) <= _SHORT else 3
    ranked = [
        (regions, number)
        for regions, number in points.most_common(MOST_REGIONS)
        if number >= max(need, _EACH * total)
    ]
    chosen: list[str] = []
    covered = 0
    for regions, number in ranked:
        covered += number
        if regions != (NATIONAL,):
            chosen += [region for region in regions if region not in chosen]
        if covered >= _SHARE * total:
            break
    if not chosen or covered < _SHARE * total or len(chosen) > MOST_REGIONS:
        return None
    mentions = [mention for mention in mentions if set(mention.regions) & set(chosen)]
    evidence = []
    for region in chosen:
        times = sum(region in mention.regions for mention in mentions)
        evidence.append(Evidence("region", region, "place", f"{_detail(mentions, region, '')} ×{times}"))
    return Located(tuple(chosen), tuple(evidence), _place(mentions))


def publisher_region(gazetteer: Gazetteer, host: str) -> Located | None:
    """Decide by the host of the link: a nation's domain, or the name of a council, health body or police force."""
    labels = host.split(".")
    nation = _SUFFIXES.get(f".{labels[-1]}") or next(
        (slug for label in labels for end, slug in _ENDINGS.items() if label.endswith(end)), ""
    )
    if nation and "newsouthwales" not in labels:
        return Located((nation,), (Evidence("region", nation, "place", f"published at {host}"),), "")
    if not host.endswith(_LOCAL_HOSTS):
        return None
    for label in host.replace("-", ".").split("."):
        place = gazetteer.joined(label)
        if place is not None and place.regions != (NATIONAL,):
            evidence = tuple(Evidence("region", region, "place", f"published at {host}") for region in place.regions)
            return Located(place.regions, evidence, place.shown if len(place.regions) == 1 else "")
    return None


def _abroad(mentions: Sequence[Mention]) -> Located | None:
    """Return "national" for texts whose only places are abroad, or None; their publisher's region does not count."""
    if not mentions or not all(mention.abroad for mention in mentions):
        return None
    names = ", ".join(dict.fromkeys(mention.name for mention in mentions))
    return Located((NATIONAL,), (Evidence("region", NATIONAL, "place", f"{names} → National"),), mentions[0].name)
