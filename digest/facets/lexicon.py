"""Count the words of policy areas and themes in text. Pure; one structure for all terms, longest phrase first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from digest.facets.words import Word, words
from digest.model import Taxonomy, Term

# Plurals that no rule of ours mends.
_SINGULAR = {"children": "child", "women": "woman", "men": "man", "lives": "life", "crises": "crisis"}
Hits = Counter[tuple[str, ...]]


@lru_cache(maxsize=20_000)
def stem(key: str) -> str:
    """Return the singular of a folded word by simple rules: "services" and "service" are one, "bus" stays."""
    if key in _SINGULAR:
        return _SINGULAR[key]
    if len(key) < 4 or not key.endswith("s") or key.endswith(("ss", "us", "is", "news")):
        return key
    if key.endswith("ies") and len(key) > 4:
        return key[:-3] + "y"
    if key.endswith(("sses", "shes", "ches", "xes", "buses")):
        return key[:-2]
    return key[:-1]


def stems(seq: Iterable[Word]) -> list[str]:
    """Return the stems of cut words; punctuation stays as it is, so no phrase runs across it."""
    return [stem(word.key) for word in seq]


class Lexicon:
    """Every phrase of every term: phrase (stems) -> the (facet, slug, weight) it speaks for."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._values: dict[tuple[str, ...], list[tuple[str, str, int]]] = {}
        self._written: dict[tuple[str, ...], str] = {}
        self._first: dict[str, list[tuple[str, ...]]] = {}
        for facet, terms in (("policy_area", taxonomy.policy_areas), ("theme", taxonomy.themes)):
            for term in terms:
                self._add(facet, term)
        for phrases in self._first.values():
            phrases.sort(key=lambda phrase: (-len(phrase), phrase))

    def _add(self, facet: str, term: Term) -> None:
        for written, weight in term.words:
            phrase = tuple(stems(words(written)))
            if not phrase:
                continue
            values = self._values.setdefault(phrase, [])
            self._written.setdefault(phrase, written)
            known = next((v for v in values if v[:2] == (facet, term.slug)), None)
            if known is None:
                values.append((facet, term.slug, weight))
            elif known[2] < weight:  # "nursery" and "nurseries" are one word; the heavier counts
                values[values.index(known)] = (facet, term.slug, weight)
            if len(values) == 1 and known is None:
                self._first.setdefault(phrase[0], []).append(phrase)

    def values(self, phrase: tuple[str, ...]) -> list[tuple[str, str, int]]:
        """Return what a phrase speaks for: (facet, slug, weight)."""
        return self._values[phrase]

    def written(self, phrase: tuple[str, ...]) -> str:
        """Return a phrase as the configuration writes it."""
        return self._written[phrase]

    def hits(self, seq: Sequence[str]) -> Hits:
        """Count the phrases in a text already cut to stems; longest first, none inside another."""
        found: Hits = Counter()
        here, size = 0, len(seq)
        first = self._first
        while here < size:
            for phrase in first.get(seq[here], ()):
                if tuple(seq[here : here + len(phrase)]) == phrase:
                    found[phrase] += 1
                    here += len(phrase)
                    break
            else:
                here += 1
        return found
