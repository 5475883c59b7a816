"""Tell whether a policy area, region or theme exists: one rule and one error text for all input. Pure.

Commands, config.toml, front matter, CSV files and editors all ask here, because a value that one of them takes must
not be refused by another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

_TITLES = {"policy_areas": "policy area", "regions": "region", "themes": "theme"}
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class KnownFacets:
    """The policy areas, regions and themes that exist, each facet as {slug: name}.

    People may write a slug or a name, in any case. A parameter `facet` is "policy_areas", "regions" or "themes".
    """

    policy_areas: Mapping[str, str]
    regions: Mapping[str, str]
    themes: Mapping[str, str]

    def slug(self, facet: str, text: str) -> str | None:
        """Return the slug that a slug or name stands for, or None when the facet has no such value."""
        return self._slugs[facet].get(_folded(text))

    def problem(self, facet: str, text: str) -> str:
        """Return the error text for a value that the facet does not have, with the cure."""
        from difflib import get_close_matches  # here, because few texts have a mistake

        slugs = self._slugs[facet]
        near = get_close_matches(_folded(text)[:60], slugs, n=1, cutoff=0.7)
        listed = ", ".join(getattr(self, facet)) or "none"
        cure = f"did you mean {slugs[near[0]]!r}?" if near else f"known: {listed}"
        # Do not name config.toml for a region, because the file of most organisations lists none.
        lacks = "is unknown" if facet == "regions" else "is not in config.toml"
        return f"{_TITLES[facet]} {quoted(text)} {lacks}; {cure}"

    def read(self, facet: str, texts: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
        """Return the slugs of several values, each once, and an error text for each value that does not exist."""
        slugs = {text: self.slug(facet, text) for text in texts}
        problems = [self.problem(facet, text) for text, slug in slugs.items() if slug is None]
        return tuple(dict.fromkeys(slug for slug in slugs.values() if slug)), problems

    @cached_property
    def _slugs(self) -> dict[str, dict[str, str]]:
        """{facet: {folded slug or name: slug}}; when a name folds to another value's slug, the slug wins."""
        by_name: dict[str, dict[str, str]] = {}
        for facet in _TITLES:
            values: Mapping[str, str] = getattr(self, facet)
            by_name[facet] = {_folded(name): slug for slug, name in values.items()}
            by_name[facet].update((_folded(slug), slug) for slug in values)
        return by_name


def quoted(text: str) -> str:
    """Return the text quoted for a report: short, printable, and hidden when it may be an address."""
    return "(hidden: it looks like an address)" if "@" in text else repr(text[:40])


def _folded(text: str) -> str:
    """Return the text as values are compared: words in lower case joined by "-", without accents or apostrophes."""
    low = text.lower().replace("&", " and ").replace("’", "").replace("'", "")
    if not low.isascii():
        low = "".join(c for c in unicodedata.normalize("NFKD", low) if not unicodedata.combining(c))
    return "-".join(_WORD.findall(low))
