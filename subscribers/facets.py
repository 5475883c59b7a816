"""Say whether a policy area, region or theme is one there is: one rule and one text for every way in. Pure.

Commands, config.toml, front matter, CSV files and editors all ask here, so that a value that one of them takes is
not refused by another.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

_TITLES = {"policy_areas": "policy area", "regions": "region", "themes": "theme"}
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class KnownFacets:
    """What an entry may be about and a reader may follow, each facet as {slug: name}.

    People write a slug or a name, in any case. `facet` below is "policy_areas", "regions" or "themes".
    """

    policy_areas: Mapping[str, str]
    regions: Mapping[str, str]
    themes: Mapping[str, str]

    def slug(self, facet: str, text: str) -> str | None:
        """Return the slug that a slug or name stands for, or None when the facet has no such value."""
        return self._slugs[facet].get(_folded(text))

    def problem(self, facet: str, text: str) -> str:
        """Return what to tell of a value that the facet does not have, with the cure."""
        slugs = self._slugs[facet]
        near = difflib.get_close_matches(_folded(text)[:60], slugs, n=1, cutoff=0.7)
        listed = ", ".join(getattr(self, facet)) or "none"
        cure = f"did you mean {slugs[near[0]]!r}?" if near else f"known: {listed}"
        # Regions are the same everywhere, so config.toml is not where to add one.
        lacks = "is unknown" if facet == "regions" else "is not in config.toml"
        return f"{_TITLES[facet]} {shown(text)} {lacks}; {cure}"

    def read(self, facet: str, texts: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
        """Return the slugs of several values, each once, and a line for each that the facet does not have."""
        slugs = {text: self.slug(facet, text) for text in texts}
        problems = [self.problem(facet, text) for text, slug in slugs.items() if slug is None]
        return tuple(dict.fromkeys(slug for slug in slugs.values() if slug)), problems

    @cached_property
    def _slugs(self) -> dict[str, dict[str, str]]:
        """The slug of every name and every slug, folded, by facet; where the two meet, the slug wins."""
        by_name: dict[str, dict[str, str]] = {}
        for facet in _TITLES:
            values: Mapping[str, str] = getattr(self, facet)
            by_name[facet] = {_folded(name): slug for slug, name in values.items()}
            by_name[facet].update((_folded(slug), slug) for slug in values)
        return by_name


def shown(text: str) -> str:
    """Return the text quoted for a report: short, printable, and hidden when it may be an address."""
    return "(hidden: it looks like an address)" if "@" in text else repr(text[:40])


def _folded(text: str) -> str:
    """Return only what tells two values apart: words in lower case, without accents or apostrophes."""
    low = text.lower().replace("&", " and ").replace("’", "").replace("'", "")
    if not low.isascii():
        low = "".join(c for c in unicodedata.normalize("NFKD", low) if not unicodedata.combining(c))
    return "-".join(_WORD.findall(low))
