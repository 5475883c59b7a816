"""Turn the places of one entry into its regions: the title weighs most, a passing anecdote nothing. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digest.facets.places.gazetteer import Gazetteer, Mention
from digest.model import NATIONAL, REGIONS, Evidence

MOST_REGIONS = 3
_LEAD = 300  # characters of the body in which a place counts double
_SHORT = 80  # words; in a body this short one place in the lead is the subject
_SHARE = 0.6  # of all places named in the body lie in the chosen regions,
_EACH = 0.25  # and this much in each: a round-up of five regions is of none

# Hosts whose publisher speaks for one nation or for London.
_SUFFIXES = {".wales": "wales", ".cymru": "wales", ".scot": "scotland", ".london": "london"}
# What a publisher for one nation calls itself: sportscotland.org.uk, dataunitwales.gov.uk.
_ENDINGS = {"wales": "wales", "cymru": "wales", "scotland": "scotland", "nidirect": "northern-ireland"}
_LOCAL_HOSTS = (".gov.uk", ".nhs.uk", ".police.uk", ".nhs.wales", ".llyw.cymru")


@dataclass(frozen=True, slots=True)
class Located:
    """Regions (never empty), the evidence for each, and the place to show a reader ("" when none)."""

    regions: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    place: str


def locate(
    gazetteer: Gazetteer, *, title: str, body: str = "", categories: Sequence[str] = (), path: str = "",
    publisher: str = "", by: str = "place", believed: bool = False,
) -> Located | None:  # fmt: skip
    """Return where an entry plays, or None when nothing says so.

    Asked in turn, the first that answers decides: the title, the source's own categories, the link's path,
    the body (only when one to three regions dominate it). A title that names places in more than three
    regions, or only places abroad, is national. `believed`: take weak mentions too (a declared place).
    """
    hints = (publisher,)
    said = gazetteer.find(title, hints=hints)
    named = [m for m in said if m.strong or believed]
    found = _from(named, by, "title" if by == "place" else "")
    if found is not None:
        return found
    # The link says the title again, without its prepositions: what the title only seems to say stays unsaid.
    doubted = {m.name for m in said if not m.strong}
    for text, how, where in (("\n".join(categories), "category", "category"), (path.title(), "place", "link")):
        found = _from([m for m in gazetteer.find(text) if m.strong and m.name not in doubted], how, where)
        if found is not None:
            return found
    return _from_body(gazetteer, body, (title, *hints)) or _abroad(named)


def _vague(mention: Mention) -> bool:
    """True for what sets no region: abroad, the United Kingdom, England."""
    return mention.regions == (NATIONAL,)


def _from(mentions: Iterable[Mention], by: str, where: str) -> Located | None:
    """Decide by short text that is wholly about its places."""
    placed = [m for m in mentions if not _vague(m)]
    if not placed:
        return None
    regions = tuple(dict.fromkeys(region for m in placed for region in m.regions))
    if len(regions) > MOST_REGIONS:
        names = ", ".join(dict.fromkeys(m.name for m in placed))
        return Located((NATIONAL,), (Evidence("region", NATIONAL, by, f"{names}: many regions"),), "")
    evidence = tuple(Evidence("region", r, by, _detail(placed, r, where)) for r in regions)
    return Located(regions, evidence, _place(placed))


def _detail(placed: Sequence[Mention], region: str, where: str) -> str:
    names = list(dict.fromkeys(m.name for m in placed if region in m.regions))
    said = f"{', '.join(names[:3])} → {REGIONS[region]}"
    return f"{said} ({where})" if where else said


def _place(placed: Sequence[Mention]) -> str:
    """Return the name to show: the most often named; the first among equals."""
    counts = Counter(m.name for m in placed)
    return max(counts, key=lambda name: counts[name])


def _from_body(gazetteer: Gazetteer, body: str, hints: tuple[str, ...]) -> Located | None:
    """Decide by running text: each mention a point, two in the lead, and a clear majority is needed."""
    mentions = [m for m in gazetteer.find(body, hints=hints) if m.strong]
    points: Counter[tuple[str, ...]] = Counter()
    for mention in mentions:
        if mention.abroad or not _vague(mention):
            points[mention.regions] += 2 if mention.start < _LEAD else 1
    total = sum(points.values())
    need = 2 if len(body.split()) <= _SHORT else 3
    ranked = [(where, n) for where, n in points.most_common(MOST_REGIONS) if n >= max(need, _EACH * total)]
    chosen: list[str] = []
    heard = 0
    for where, number in ranked:
        heard += number
        if where != (NATIONAL,):
            chosen += [region for region in where if region not in chosen]
        if heard >= _SHARE * total:
            break
    if not chosen or heard < _SHARE * total or len(chosen) > MOST_REGIONS:
        return None
    placed = [m for m in mentions if set(m.regions) & set(chosen)]
    evidence = tuple(
        Evidence("region", r, "place", f"{_detail(placed, r, '')} ×{sum(r in m.regions for m in placed)}")
        for r in chosen
    )
    return Located(tuple(chosen), evidence, _place(placed))


def publisher_region(gazetteer: Gazetteer, host: str) -> Located | None:
    """Decide by the publisher's host: a nation's domain, or a council's, health body's or police force's name."""
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
            evidence = tuple(Evidence("region", r, "place", f"published at {host}") for r in place.regions)
            return Located(place.regions, evidence, place.shown if len(place.regions) == 1 else "")
    return None


def _abroad(named: Sequence[Mention]) -> Located | None:
    """A title whose only places are abroad is of no one region, whoever published it."""
    if not named or not all(m.abroad for m in named):
        return None
    names = ", ".join(dict.fromkeys(m.name for m in named))
    return Located((NATIONAL,), (Evidence("region", NATIONAL, "place", f"{names} → National"),), named[0].name)
