"""Read [answers] of config.toml: whether readers may answer the entries that they had."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AnswersPart(BaseModel):
    """[answers]: what readers tell the editors of entries."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    enabled: bool = Field(
        default=False,
        description="Whether readers may say on their own page of each entry that they had that it was useful, that"
        " it was not for them, or what they did with it. Editors see the answers, never whose they are.",
    )
