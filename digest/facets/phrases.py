"""Give the phrases by which texts are filed under a policy area or theme: shipped ones, with config.toml's on top."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from digest.model import Term

Phrases = dict[str, int]  # the weight of each phrase


def phrases_of(facet: str, term: Term) -> Phrases:
    """Return the phrases of a term of `facet` ("policy_area" or "theme") with their weights, 1 to 5.

    A weight that config.toml gives wins, and 0 takes a shipped phrase out.
    """
    shipped = _shipped().get(facet, {}).get(term.slug, {}) if term.shipped else {}
    merged = shipped | dict(term.words)
    return {phrase: weight for phrase, weight in merged.items() if weight}


@cache
def _shipped() -> dict[str, dict[str, Phrases]]:
    """Return the shipped phrases by facet and slug; read once in a process, when something is classified."""
    data = tomllib.loads(files("digest.facets").joinpath("data", "words.toml").read_text(encoding="utf-8"))
    return {
        facet: {
            slug: {phrase: int(weight) for weight, phrases in weights.items() for phrase in phrases}
            for slug, weights in terms.items()
        }
        for facet, terms in data.items()
    }
