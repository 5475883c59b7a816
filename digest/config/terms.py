"""Read [[policy_area]] and [[theme]] of config.toml: slugs, names in each language, and weighted words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from digest.model import Term

_SLUG = re.compile(r"^[a-z0-9]+(?:-[a-z0-9]+)*$")
_NAME = re.compile(r"^name_[a-z]{2,3}$")
_RESERVED = {"none", "all"}


def _words(value: object) -> object:
    """Return (phrase, weight) pairs from a table of weights 0 to 5, or from a plain list, which weighs 3."""
    if isinstance(value, list):
        value = {"3": value}
    if not isinstance(value, dict):
        raise ValueError('write words = ["phrase", …] or words = { 3 = ["phrase"], 1 = ["phrase"] }')
    pairs: list[tuple[str, int]] = []
    for weight, phrases in value.items():
        if str(weight) not in {"0", "1", "2", "3", "4", "5"}:
            raise ValueError(f"weight {weight!r} is not one of 0 to 5")
        if not isinstance(phrases, list) or not all(isinstance(p, str) and p.strip() for p in phrases):
            raise ValueError(f"the words of weight {weight} are not a list of phrases")
        pairs.extend((phrase, int(weight)) for phrase in phrases)
    return tuple(pairs)


class TermPart(BaseModel):
    """[[theme]], and what it shares with [[policy_area]]; `name_cy` and the like are its names in other languages."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, defer_build=True)

    slug: str = Field(description="Its short name in files and commands: small letters, digits and hyphens.")
    name: str = Field(min_length=1, description="Its name in letters.")
    words: Annotated[tuple[tuple[str, int], ...], BeforeValidator(_words)] = Field(
        default=(),
        description="Phrases of texts about it, by weight: 5 (a clear sign) to 3 give it, 2 and 1 (hints) only"
        " add to it, and 0 takes out a phrase of ours. A plain list weighs 3.",
    )
    shipped_words: bool = Field(
        default=True,
        description="Count our own phrases too, which there are for the slugs of the shipped config.toml.",
    )
    names: dict[str, str] = Field(
        default={}, description="Its names in other languages; also written `name_cy` and the like."
    )

    @model_validator(mode="before")
    @classmethod
    def _translations(cls, given: Any) -> Any:
        """Move name_cy and the like into `names`."""
        if not isinstance(given, dict):
            return given
        names = {key.removeprefix("name_"): given[key] for key in given if _NAME.match(key)}
        rest = {key: value for key, value in given.items() if not _NAME.match(key)}
        return rest | ({"names": names} if names else {})


class PolicyAreaPart(TermPart):
    """[[policy_area]]; `name_cy` and the like are its names in other languages."""

    background: bool = Field(
        default=False,
        description="The organisation's own subject, which most of its texts mention: an entry is filed under it"
        " only when its words tell no other policy area.",
    )


class HasSlug(Protocol):
    """A part of config.toml with a slug."""

    slug: str


def check_terms(kind: str, parts: Sequence[HasSlug]) -> list[str]:
    """Return a line for each mistake in the slugs of a `kind`, "policy_area", "theme" or "region"."""
    problems = []
    seen = set()
    for number, part in enumerate(parts):
        if not _SLUG.match(part.slug) or part.slug in _RESERVED:
            problems.append(f'{kind}.{number}.slug: {part.slug!r} is not a slug; write it like "public-health"')
        if part.slug in seen:
            problems.append(f"{kind}.{number}.slug: {part.slug!r} is defined twice; remove one")
        seen.add(part.slug)
    return problems


def terms_of(parts: Sequence[TermPart]) -> tuple[Term, ...]:
    """Return the terms of parts without mistakes, in their order."""
    return tuple(
        Term(
            part.slug, part.name, part.words, tuple(part.names.items()),
            background=isinstance(part, PolicyAreaPart) and part.background, shipped=part.shipped_words,
        )
        for part in parts
    )  # fmt: skip
