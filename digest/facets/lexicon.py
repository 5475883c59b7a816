"""Count in text the phrases of policy areas and themes, longest phrase first. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from digest.facets.phrases import phrases_of
from digest.facets.words import Word, words
from digest.model import Taxonomy, Term

# Plurals that the rules of `stem` do not cover.
_SINGULAR = {"children": "child", "women": "woman", "men": "man", "lives": "life", "crises": "crisis"}

Phrase = tuple[str, ...]  # its words as stems
Hits = Counter[Phrase]


@lru_cache(maxsize=20_000)
def stem(key: str) -> str:
    """Return the singular of a folded word by simple rules: "services" becomes "service", "bus" stays."""
    if key in _SINGULAR:
        return _SINGULAR[key]
    if len(key) < 4 or not key.endswith("s") or key.endswith(("ss", "us", "is", "news")):
        return key
    if key.endswith("ies") and len(key) > 4:
        return key[:-3] + "y"
    if key.endswith(("sses", "shes", "ches", "xes", "buses")):
        return key[:-2]
    return key[:-1]


def stems(text: Iterable[Word]) -> list[str]:
    """Return the stems of cut words; punctuation stays as it is, so that no phrase runs across it."""
    return [stem(word.key) for word in text]


class Lexicon:
    """Every phrase of every term, with the values it speaks for: (facet, slug, weight), facet in the singular."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._values: dict[Phrase, list[tuple[str, str, int]]] = {}
        self._written: dict[Phrase, str] = {}
        self._lengths: dict[str, list[int]] = {}  # of the phrases with a first word, in words, longest first
        for facet, terms in (("policy_area", taxonomy.policy_areas), ("theme", taxonomy.themes)):
            for term in terms:
                self._add(facet, term)
        for phrase in self._values:
            self._lengths.setdefault(phrase[0], []).append(len(phrase))
        self._lengths = {word: sorted(set(sizes), reverse=True) for word, sizes in self._lengths.items()}

    def _add(self, facet: str, term: Term) -> None:
        for written, weight in phrases_of(facet, term).items():
            phrase = tuple(stems(words(written)))
            if not phrase:
                continue
            values = self._values.setdefault(phrase, [])
            self._written.setdefault(phrase, written)
            earlier = next((value for value in values if value[:2] == (facet, term.slug)), None)
            if earlier is None:
                values.append((facet, term.slug, weight))
            elif earlier[2] < weight:  # "nursery" and "nurseries" have the same stem; the heavier weight counts
                values[values.index(earlier)] = (facet, term.slug, weight)

    def values(self, phrase: Phrase) -> list[tuple[str, str, int]]:
        """Return the (facet, slug, weight) values that a phrase speaks for."""
        return self._values[phrase]

    def written(self, phrase: Phrase) -> str:
        """Return a phrase as config.toml writes it."""
        return self._written[phrase]

    def hits(self, text: Sequence[str]) -> Hits:
        """Count the phrases in a text that is cut to stems; the longest match counts, and none inside it."""
        hits: Hits = Counter()
        lengths, values = self._lengths, self._values
        index, size = 0, len(text)
        while index < size:
            for length in lengths.get(text[index], ()):
                phrase = tuple(text[index : index + length])
                if phrase in values:
                    hits[phrase] += 1
                    index += length
                    break
            else:
                index += 1
        return hits
