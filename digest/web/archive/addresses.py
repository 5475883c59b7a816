"""Tell the paths of the pages of the archive, below the root of all pages. Pure."""

from __future__ import annotations

from digest.model import Edition

ARCHIVE, SEARCH = "/archive", "/search"
STUDIES = f"{ARCHIVE}/case-studies"
# The facets by which entries are listed: the part of an address that stands for each.
LISTS = {"policy-areas": "policy-area", "regions": "region", "themes": "theme"}


def edition_path(edition: Edition) -> str:
    """Return the path of the page of an edition."""
    return f"{ARCHIVE}/{edition.cadence}/{edition.slot}"


def entry_path(number: int) -> str:
    """Return the path of the page of an entry."""
    return f"{ARCHIVE}/entries/{number}"


def list_path(facet: str, slug: str) -> str:
    """Return the path of the list of a policy area, region or theme."""
    return f"{ARCHIVE}/{next(part for part, name in LISTS.items() if name == facet)}/{slug}"
