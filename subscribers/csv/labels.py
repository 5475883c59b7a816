"""Read the lists, groups and tags of another tool as interests, by what the operator says that they stand for. Pure.

Nothing is guessed: a label that is no name of a policy area, region or theme and has no meaning refuses its row.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from subscribers.csv.foreign import IGNORE
from subscribers.csv.rows import BadCell
from subscribers.csv.standing import split_labels
from subscribers.csv.vocabulary import squashed
from subscribers.errors import BadFile
from subscribers.facets import KnownFacets, quoted

FACETS = ("policy_areas", "regions", "themes")


class Meaning(NamedTuple):
    """The names that a label stands for, each as "housing" or "themes:housing"; and the place that says so.

    The single name "ignore": for nothing.
    """

    names: tuple[str, ...]
    place: str


class Labels:
    """Reads labels by their meanings; a label that is a name of a policy area, region or theme needs none.

    It counts the labels that stand for nothing. Raises BadFile for a meaning that does not exist.
    """

    def __init__(self, known_facets: KnownFacets, meanings: Mapping[str, Meaning]) -> None:
        self.known_facets = known_facets
        self.meanings = {
            squashed(label): [each for name in meaning.names for each in self._values(label, name, meaning.place)]
            for label, meaning in meanings.items()
        }
        self._spellings: dict[str, Counter[str]] = {}

    def read(self, cells: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return {facet: slugs} of the labels in some cells. Raises BadCell for a label that stands for nothing."""
        slugs: dict[str, frozenset[str]] = {}
        unknown = []
        for label in (label for cell in cells for label in self._split(cell)):
            meaning = self.meanings.get(squashed(label))
            if meaning is None:
                meaning = self._named(label)[:1]
                unknown += [] if meaning else [label]
            for facet, slug in meaning:
                slugs[facet] = slugs.get(facet, frozenset()) | {slug}
        for label in unknown:
            self._spellings.setdefault(squashed(label), Counter())[label] += 1
        if unknown:
            raise BadCell(
                f"label {quoted(unknown[0])} is no policy area, region or theme; say what it stands for with"
                f' --interest "LABEL=NAME", or "LABEL={IGNORE}", or in a file of --interests'
            )
        return slugs

    @property
    def unknown(self) -> dict[str, int]:
        """Return the labels that stand for nothing, {label as it is spelt most often: how often it is used}."""
        return {each.most_common(1)[0][0]: each.total() for each in self._spellings.values()}

    def _split(self, cell: str) -> list[str]:
        """Return the labels of a cell; one that is a label with a meaning as a whole is not split at its commas."""
        return [cell] if squashed(cell) in self.meanings else split_labels(cell)

    def _values(self, label: str, text: str, place: str) -> list[tuple[str, str]]:
        """Return the (facet, slug) that a meaning stands for, or none to ignore it. Raises BadFile."""
        if text.strip().lower() == IGNORE:
            return []
        facet, colon, name = text.partition(":")
        only = facet.strip() if colon and facet.strip() in FACETS else ""
        values = self._named(name if only else text, only)
        if len(values) == 1:
            return values
        where = f"{place} {quoted(label)}: {quoted(text)}"
        if values:
            forms = " or ".join(f"{facet}:{slug}" for facet, slug in values)
            raise BadFile(f"{where} is the name of several; write {forms}")
        slugs = [slug for facet in FACETS for slug in getattr(self.known_facets, facet)]
        near = difflib.get_close_matches(text.lower()[:60], slugs, n=1, cutoff=0.7)
        cure = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(slugs) or 'none'}"
        raise BadFile(f"{where} is no policy area, region or theme; {cure}")

    def _named(self, text: str, only: str = "") -> list[tuple[str, str]]:
        """Return the (facet, slug) pairs of all facets, or of `only` one, that have a value of this name."""
        slugs = ((facet, self.known_facets.slug(facet, text)) for facet in FACETS if only in ("", facet))
        return [(facet, slug) for facet, slug in slugs if slug is not None]
