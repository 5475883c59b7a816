"""Give the facets of a configuration as `subscribers.facets` checks them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from digest.errors import WrongUse
from digest.model import REGIONS, Taxonomy
from subscribers.facets import KnownFacets

# For readers of files and labels that know no configuration.
KNOWN_REGIONS = KnownFacets({}, REGIONS, {})


def known_facets(taxonomy: Taxonomy) -> KnownFacets:
    """Return the policy areas and themes of config.toml and the regions there are, with their names."""
    return KnownFacets(
        {term.slug: term.name for term in taxonomy.policy_areas},
        REGIONS,
        {term.slug: term.name for term in taxonomy.themes},
    )


def slugs_of(taxonomy: Taxonomy, facet: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the slugs of values somebody typed, by slug or name; WrongUse for the first that is not known."""
    slugs, problems = known_facets(taxonomy).read(facet, texts)
    if problems:
        raise WrongUse(problems[0])
    return slugs
