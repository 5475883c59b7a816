"""Tell by which facets an entry is outside what a reader follows. Values in, values out."""

from __future__ import annotations

from dataclasses import replace

from digest.group import OUTSIDE, Matcher, candidate_of
from digest.model import Entry
from digest.readers.decisions import MissedFacet
from subscribers.model import Interests

_NONE: frozenset[str] = frozenset()


def missed_facets(entry: Entry, interests: Interests, code: str) -> tuple[MissedFacet, ...]:
    """Return the facets by which an entry that was left out for a reason `code` misses what a reader follows now.

    A facet is missed when the entry would match if they followed all of it; both are when neither alone helps. None
    is missed by an entry that matches what they follow now: they followed other things then.
    """
    if code != OUTSIDE:
        return ()
    # Alone and for everybody, because neither room nor an editor's exception is asked about.
    matcher = Matcher([replace(candidate_of(entry, 1), not_for=())])

    def matches(wanted: Interests) -> bool:
        return matcher.shows(matcher.match(wanted, 0))

    if matches(interests):
        return ()
    area = MissedFacet("policy_area", entry.facets.policy_areas, tuple(sorted(interests.policy_areas)))
    region = MissedFacet("region", entry.facets.regions, tuple(sorted(interests.regions)))
    if matches(replace(interests, policy_areas=_NONE)):
        return (area,)
    return (region,) if matches(replace(interests, regions=_NONE)) else (area, region)
