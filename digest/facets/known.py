"""Tell which policy areas, regions and themes there are, from the taxonomy of config.toml. Pure.

`subscribers/facets.py` checks a typed value against them.
"""

from __future__ import annotations

from collections.abc import Iterable

from digest.errors import WrongUse
from digest.model import REGIONS, UNKNOWN, Taxonomy
from subscribers.facets import KnownFacets

# For code that reads regions without a configuration, such as labels: those of the United Kingdom.
KNOWN_REGIONS = KnownFacets({}, REGIONS, {})


def known_facets(taxonomy: Taxonomy) -> KnownFacets:
    """Return the policy areas, regions and themes of `taxonomy` with their names."""
    return KnownFacets(
        {term.slug: term.name for term in taxonomy.policy_areas},
        taxonomy.region_names,
        {term.slug: term.name for term in taxonomy.themes},
    )


def slugs_of(taxonomy: Taxonomy, facet: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the slugs of values that somebody typed as slugs or names.

    `facet` is "policy_areas", "regions" or "themes". Raises WrongUse for the first value that the facet lacks.
    """
    slugs, problems = known_facets(taxonomy).read(facet, texts)
    if problems:
        raise WrongUse(problems[0])
    return slugs


def gone_from(taxonomy: Taxonomy, slugs: Iterable[str], *facets: str) -> tuple[str, ...]:
    """Return those of an entry's slugs that `facets` do not have any more, so that no form shows them.

    An unknown place is none of them.
    """
    present = known_facets(taxonomy)
    there = {UNKNOWN}.union(*(getattr(present, facet) for facet in facets))
    return tuple(slug for slug in slugs if slug not in there)
