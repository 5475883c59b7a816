"""Read [letter] of config.toml: how much a letter shows, and with which templates."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from digest.config.spans import Span


class LetterPart(BaseModel):
    """[letter]: the caps of a letter, the folder of the operator's own templates, and the welcome look-back."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    cap: int = Field(
        default=12, ge=1, le=100, description='The most entries that a letter shows; the rest is counted as "N more".'
    )
    elsewhere: int = Field(
        default=3, ge=0, le=20, description="Of them, the most case studies in the section *From elsewhere*."
    )
    carry_over: int = Field(
        default=3,
        ge=0,
        le=3,
        description="The most entries that earlier letters had no room for, for a reader with nothing new (0: none).",
    )
    templates: str | None = Field(
        default=None, description="A folder of your own templates, searched before the shipped ones."
    )
    steps: list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]] = Field(
        default=[],
        description=(
            "Small steps that close letters, one an edition in turn, unless the edition has one of its own or a case"
            " study says who to ask."
        ),
    )
    welcome: Span = Field(
        default=timedelta(0),
        description="How far before their joining (or their import) the first letter of a new subscriber may reach.",
    )
