"""Read [gather] of config.toml: how often and how patiently sources are read."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from digest.config.spans import Span


class GatherPart(BaseModel):
    """[gather]: the pause between two visits of a source, and the limits of one visit."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    every: Span = Field(
        default=timedelta(minutes=30), description="`digest run` asks a source no more often than this."
    )
    timeout: float = Field(default=30, gt=0, le=300, description="Seconds that reading one source may take in all.")
    workers: int = Field(default=8, ge=1, le=64, description="How many sources are read at the same time.")
    check_pages: bool = Field(
        default=True,
        description="Whether the page of each entry is asked, once and just before its first letter, if it is still"
        " there. An entry whose page answers 404 or 410 is held for an editor.",
    )
