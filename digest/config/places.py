"""Read [places] and [[region]] of config.toml: the regions of an organisation, and the places that lie in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from digest.config.terms import check_terms
from digest.model import UNKNOWN, Term


class PlacesPart(BaseModel):
    """[places]: which places are known beside those of [[region]]."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    gazetteer: Literal["uk", "none"] = Field(
        default="uk",
        description="`uk`: the shipped list of places of the United Kingdom, and of places abroad; `none`: only the"
        " places of `[[region]]`.",
    )


class RegionPart(BaseModel):
    """[[region]]: a region in the place of the shipped ones, which are those of the United Kingdom."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    slug: str = Field(
        description="Its short name in files and commands: small letters, digits and hyphens. `national` names the"
        " whole country, which is always there."
    )
    name: str = Field(min_length=1, description="Its name in letters.")
    names: dict[str, str] = Field(default={}, description="Its names in other languages, by language.")
    places: list[str] = Field(default=[], description="Names of places in it, beside its own name.")


def check_regions(parts: Sequence[RegionPart]) -> list[str]:
    """Return a line for each mistake in the slugs of regions."""
    taken = [
        f"region.{number}.slug: {UNKNOWN!r} is kept for entries that name no place; use another"
        for number, part in enumerate(parts)
        if part.slug == UNKNOWN
    ]
    return taken + check_terms("region", parts)


def regions_of(parts: Sequence[RegionPart]) -> tuple[Term, ...]:
    """Return the regions of parts without mistakes, in their order, with their places as words."""
    return tuple(
        Term(
            part.slug, part.name, tuple((place, 1) for place in (part.name, *part.places)), tuple(part.names.items())
        )
        for part in parts
    )
