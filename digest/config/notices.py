"""Read [notices] of config.toml: which notices readers get without asking."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class NoticesPart(BaseModel):
    """[notices]: mails that are no digests."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    silence: bool = Field(
        default=False,
        description="Whether readers to whom no letter was written for four weeks are told why, at most once a month,"
        " and which one more choice would have brought them entries.",
    )
