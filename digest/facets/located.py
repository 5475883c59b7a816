"""Turn places into the regions of an entry, with the evidence for each. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digest.facets.places.gazetteer import Mention
from digest.model import NATIONAL, REGIONS, Evidence

MOST_REGIONS = 3


@dataclass(frozen=True, slots=True)
class Located:
    """The regions of an entry (never empty), the evidence for each, and the place to show a reader or ""."""

    regions: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    place: str


def of_places(mentions: Iterable[Mention], by: str, source: str) -> Located | None:
    """Decide by the mentions of a short text, which is wholly about its places.

    `by` is as in Evidence; `source` names the text in the evidence ("title", "category", "link", or "" for none).
    """
    mentions = [mention for mention in mentions if not is_vague(mention)]
    if not mentions:
        return None
    regions = tuple(dict.fromkeys(region for mention in mentions for region in mention.regions))
    if len(regions) > MOST_REGIONS:
        return _many(mentions, by)
    evidence = tuple(Evidence("region", region, by, _detail(mentions, region, source)) for region in regions)
    return Located(regions, evidence, _place(mentions))


def of_body(chosen: Sequence[tuple[str, ...]], mentions: Sequence[Mention]) -> Located | None:
    """Return the chosen regions of a body, with the times that it names their places; None without a region."""
    slugs = tuple(dict.fromkeys(slug for regions in chosen for slug in regions if slug != NATIONAL))
    mentions = [mention for mention in mentions if set(mention.regions) & set(slugs)]
    if not slugs:
        return None
    if len(slugs) > MOST_REGIONS:
        return _many(mentions, "place")
    evidence = []
    for slug in slugs:
        times = sum(slug in mention.regions for mention in mentions)
        evidence.append(Evidence("region", slug, "place", f"{_detail(mentions, slug, '')} ×{times}"))
    return Located(slugs, tuple(evidence), _place(mentions))


def _many(mentions: Sequence[Mention], by: str) -> Located:
    """Return "national" for places in more than three regions."""
    names = ", ".join(dict.fromkeys(mention.name for mention in mentions))
    return Located((NATIONAL,), (Evidence("region", NATIONAL, by, f"{names}: many regions"),), "")


def abroad(mentions: Sequence[Mention]) -> Located | None:
    """Return "national" when all of the mentions, and at least one, are abroad, else None.

    The place to show is the first of them that is no people: "Paris", and none for "the French health system".
    """
    if not mentions or not all(mention.abroad for mention in mentions):
        return None
    names = ", ".join(dict.fromkeys(mention.name for mention in mentions))
    place = next((mention.name for mention in mentions if mention.kind != "people"), "")
    return Located((NATIONAL,), (Evidence("region", NATIONAL, "place", f"{names} → National"),), place)


def national(reason: str) -> Located | None:
    """Return "national" with its reason, None without a reason."""
    if not reason:
        return None
    return Located((NATIONAL,), (Evidence("region", NATIONAL, "place", f"{reason} → National"),), "")


def is_vague(mention: Mention) -> bool:
    """Return whether a mention sets no region: a place abroad, the United Kingdom, England."""
    return mention.regions == (NATIONAL,)


def _detail(mentions: Sequence[Mention], region: str, source: str) -> str:
    """Return the detail of a region's evidence: "Telford → West Midlands (title)"."""
    names = list(dict.fromkeys(mention.name for mention in mentions if region in mention.regions))
    detail = f"{', '.join(names[:3])} → {REGIONS.get(region, region)}"
    return f"{detail} ({source})" if source else detail


def _place(mentions: Sequence[Mention]) -> str:
    """Return the name of the place to show: the most frequent; the first of several that are equally frequent."""
    counts = Counter(mention.name for mention in mentions)
    return max(counts, key=lambda name: counts[name])
